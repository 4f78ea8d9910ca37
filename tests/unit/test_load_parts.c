/* The load's parts that need no network: schedule, lateness, ids in texts, lists of ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/load/idlist.h"
#include "harness/load/idtext.h"
#include "harness/load/lateness.h"
#include "harness/load/schedule.h"

static struct schedule begin(enum schedule_shape shape, double rate, uint64_t seed)
{
    struct schedule schedule = {
        .shape = shape, .rate = rate, .ramp_from = 10, .ramp_s = 10, .write_share = 0.3, .start_ns = 5 * NS_PER_S};
    schedule_begin(&schedule, seed);
    return schedule;
}

static int64_t due_of(struct schedule *schedule, uint64_t number)
{
    while (schedule->number < number) {
        schedule_advance(schedule);
    }
    return schedule->due_ns;
}

static void test_constant_does_not_drift(void **state)
{
    struct schedule schedule = begin(SHAPE_CONSTANT, 300, 1);
    (void)state;
    assert_int_equal(due_of(&schedule, 0), 5 * NS_PER_S);
    assert_int_equal(due_of(&schedule, 1), 5 * NS_PER_S + 3333333);
    assert_int_equal(due_of(&schedule, 300 * 3600), 3605 * NS_PER_S);
}

static void test_poisson_is_seeded_and_has_the_rate(void **state)
{
    struct schedule a = begin(SHAPE_POISSON, 100, 7), b = begin(SHAPE_POISSON, 100, 7), c = begin(SHAPE_POISSON, 100, 8);
    double square = 0;
    (void)state;
    assert_true(a.due_ns == b.due_ns && a.due_ns != c.due_ns);
    for (int64_t before = a.start_ns; a.number < 100000; schedule_advance(&a)) {
        double gap_s = (double)(a.due_ns - before) / NS_PER_S;
        assert_true(gap_s >= 0);
        square += gap_s * gap_s;
        before = a.due_ns;
    }
    assert_true(fabs((double)(a.due_ns - a.start_ns) / NS_PER_S - 1000) < 15);
    assert_true(fabs(square / 100000 - 2e-4) < 1e-5); /* exponential: twice the square of the mean */
}

static void test_ramp_reaches_the_rate_and_keeps_it(void **state)
{
    struct schedule schedule = begin(SHAPE_RAMP, 110, 1);
    (void)state;
    assert_int_equal(due_of(&schedule, 0), 5 * NS_PER_S);
    /* after 5 s the rate is 60: 5 s at 35 on average */
    assert_true(llabs(due_of(&schedule, 175) - 10 * NS_PER_S) < 10);
    assert_true(llabs(due_of(&schedule, 600) - 15 * NS_PER_S) < 10);
    assert_true(llabs(due_of(&schedule, 600 + 110) - 16 * NS_PER_S) < 10);
}

static void test_writes_are_spread_evenly(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct schedule schedule = begin(SHAPE_CONSTANT, 100, seed);
        int writes = 0;
        for (; schedule.number < 1000; schedule_advance(&schedule)) {
            writes += schedule_class(&schedule) == CLASS_WRITE;
            assert_true(fabs(writes - 0.3 * (double)(schedule.number + 1)) < 1.0001);
        }
    }
}

static void test_capacity_is_enough(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct schedule schedule = begin(SHAPE_POISSON, 50, seed);
        uint64_t capacity = schedule_capacity(&schedule, 20);
        assert_true(due_of(&schedule, capacity) > 25 * NS_PER_S);
    }
}

static void test_lateness_quantiles(void **state)
{
    struct lateness lateness = {0};
    (void)state;
    assert_int_equal(lateness_quantile_ns(&lateness, 0.99), 0);
    for (int64_t i = 1; i <= 100000; i++) {
        lateness_add(&lateness, i * 100);
    }
    int64_t p50 = lateness_quantile_ns(&lateness, 0.5), p99 = lateness_quantile_ns(&lateness, 0.99);
    assert_in_range(p50, 5000000, 5320000);
    assert_in_range(p99, 9900000, 10000000);
    assert_int_equal(lateness.max_ns, 10000000);
    assert_int_equal(lateness_quantile_ns(&lateness, 1), 10000000);
    lateness_add(&lateness, -5);
    lateness_add(&lateness, INT64_MAX);
    assert_int_equal(lateness_quantile_ns(&lateness, 1), INT64_MAX);
}

static void test_ids_in_texts(void **state)
{
    AUTO_FREE char *text = idtext_expand("a {{id}} b {{id}} w9-x", "w9-");
    (void)state;
    assert_string_equal(text, "a w9-000000000 b w9-000000000 w9-x");
    idtext_set(text, "w9-", 123456789);
    assert_string_equal(text, "a w9-123456789 b w9-123456789 w9-x");
    idtext_set(text, "w9-", 42);
    assert_string_equal(text, "a w9-000000042 b w9-000000042 w9-x");
    assert_null(idtext_expand(NULL, "w9-"));
    assert_true(idtext_has_id("x{{id}}") && !idtext_has_id("x") && !idtext_has_id(NULL));
}

struct list_case {
    const char *text;
    bool whole;
    uint64_t kept;
};

static void check_list(const struct list_case *item, size_t piece)
{
    char *stored = NULL;
    size_t stored_size = 0, size = strlen(item->text);
    struct buf reason CLEANUP(buf_clear) = {0};
    FILE *file = open_memstream(&stored, &stored_size);
    struct idlist list;
    idlist_begin(&list, "w1-", file);
    for (size_t at = 0; at < size; at += piece) {
        (void)idlist_add(&list, item->text + at, piece < size - at ? piece : size - at);
    }
    assert_int_equal(idlist_end(&list, &reason), item->whole);
    assert_true(item->whole == (reason.size == 0));
    idlist_clear(&list);
    fclose(file);
    if (item->whole) {
        assert_int_equal(list.kept, item->kept);
        assert_int_equal(stored_size, item->kept * 5);
    }
    free(stored);
}

static void test_lists_of_ids(void **state)
{
    static const struct list_case cases[] = {
        {"w1-1\nw2-1\nw1-2\n# 3\n", true, 2},
        {"# 0\n", true, 0},
        {"w1-1\n# 1", true, 1},
        {"w1-1\nw1-2\n", false, 0},
        {"w1-1\n# 2\n", false, 0},
        {"w1-1\nw1-2\n# 1\n", false, 0},
        {"w1-1\n# 1\nw1-2\n", false, 0},
        {"w1-1\n# 2\nw1-2\n", false, 0},
        {"w1-1\n# x\n", false, 0},
        {"<html>\n# 1\n", false, 0},
        {"", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t piece = 1; piece < 8; piece++) {
            check_list(&cases[i], piece);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_does_not_drift),
        cmocka_unit_test(test_poisson_is_seeded_and_has_the_rate),
        cmocka_unit_test(test_ramp_reaches_the_rate_and_keeps_it),
        cmocka_unit_test(test_writes_are_spread_evenly),
        cmocka_unit_test(test_capacity_is_enough),
        cmocka_unit_test(test_lateness_quantiles),
        cmocka_unit_test(test_ids_in_texts),
        cmocka_unit_test(test_lists_of_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
