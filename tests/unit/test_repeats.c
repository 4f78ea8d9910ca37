/* Statistics over repeated drills: censored runs stay censored, bounds are those of the tables. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "harness/measure/repeats.h"

static struct figure seconds(double value)
{
    return (struct figure){.measured = true, .value = value};
}
static struct figure more_than(double value)
{
    return (struct figure){.measured = true, .value = value, .at_least = true};
}

static void test_order(void **state)
{
    (void)state;
    const struct figure runs[] = {seconds(40), more_than(30), seconds(12), {.measured = false}, seconds(13)};
    struct repeats repeats = repeats_of(runs, 5);
    assert_int_equal(repeats.count, 4);
    assert_true(repeats.min.value == 12);
    assert_true(repeats.median.value == 40 && !repeats.median.at_least);
    assert_true(repeats.max.at_least && repeats.max.value == 30); /* worse than 40 s: it never came back */
    assert_false(repeats.p95.measured);
    const struct figure worse[] = {more_than(30), more_than(60), seconds(1)};
    repeats = repeats_of(worse, 3);
    assert_true(repeats.median.at_least && repeats.median.value == 30);
    assert_int_equal(repeats_of(runs + 3, 1).count, 0);
}

static void test_p95_needs_twenty(void **state)
{
    (void)state;
    struct figure runs[20];
    for (int i = 0; i < 20; i++) {
        runs[i] = seconds(20 - i);
    }
    assert_false(repeats_of(runs, 19).p95.measured);
    assert_true(repeats_of(runs, 20).p95.measured);
    assert_true(repeats_of(runs, 20).p95.value == 19);
}

/* All passed: 0.05^(1/n). Others: R's binom.test(k, n, alternative = "greater")$conf.int[1]. */
static void test_pass_bound(void **state)
{
    (void)state;
    static const struct {
        size_t passed, judged;
        double bound;
    } table[] = {{0, 5, 0},        {1, 1, 0.05},     {4, 4, 0.4729},  {8, 8, 0.6877},
                 {20, 20, 0.8609}, {59, 59, 0.9505}, {9, 10, 0.6058}, {5, 10, 0.2224}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        double bound = repeats_pass_bound(table[i].passed, table[i].judged);
        if (fabs(bound - table[i].bound) > 0.0001) {
            fail_msg("%zu of %zu: expected %.4f, found %.6f", table[i].passed, table[i].judged, table[i].bound, bound);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_p95_needs_twenty),
        cmocka_unit_test(test_pass_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
