/* Quantiles by counting and by selecting, against sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/measure/histogram.h"

enum { MANY = 20000 };

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static int64_t exact(const int64_t *sorted, size_t count, double share)
{
    size_t rank = (size_t)(share * (double)count + 1 - 1e-9);
    rank = rank * 1.0 < share * (double)count - 1e-9 ? rank + 1 : rank;
    return sorted[rank < 1 ? 0 : rank > count ? count - 1 : rank - 1];
}

static int64_t draw(unsigned *seed)
{
    int64_t value = (int64_t)rand_r(seed) << (rand_r(seed) % 32);
    return rand_r(seed) % 9 == 0 ? value >> (rand_r(seed) % 40) : value;
}

static void test_within_a_bucket_of_the_exact_one(void **state)
{
    static const double shares[] = {0, 0.01, 0.5, 0.95, 0.99, 0.999, 1};
    static int64_t values[MANY], copy[MANY];
    unsigned seed = 7;
    (void)state;
    for (size_t count = 1; count <= MANY; count = count * 3 + 1) {
        AUTO_HISTOGRAM struct histogram *one = histogram_new();
        AUTO_HISTOGRAM struct histogram *other = histogram_new();
        for (size_t i = 0; i < count; i++) {
            values[i] = draw(&seed);
            histogram_add(i % 3 ? one : other, values[i]);
        }
        histogram_merge(one, other);
        for (size_t i = 0; i < count; i++) {
            copy[i] = values[i];
        }
        qsort(values, count, sizeof(*values), compare);
        for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
            int64_t wanted = exact(values, count, shares[i]), found = histogram_quantile_ns(one, shares[i]);
            assert_true(found >= wanted && found - wanted <= wanted / 2048);
            assert_int_equal(quantile_select_ns(copy, count, shares[i]), wanted);
        }
        assert_int_equal(histogram_quantile_ns(one, 1), values[count - 1]);
    }
}

static void test_nothing_is_not_measured(void **state)
{
    (void)state;
    AUTO_HISTOGRAM struct histogram *none = histogram_new();
    assert_false(histogram_latency(none).measured);
    assert_int_equal(histogram_quantile_ns(none, 0.5), 0);
    assert_int_equal(quantile_select_ns(NULL, 0, 0.5), 0);
    histogram_add(none, -5);
    histogram_add(none, INT64_MAX);
    assert_int_equal(histogram_quantile_ns(none, 0.5), 0);
    assert_int_equal(histogram_quantile_ns(none, 1), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_within_a_bucket_of_the_exact_one),
        cmocka_unit_test(test_nothing_is_not_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
