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
#include "harness/load/lateness.h"
#include "harness/load/overload.h"
#include "harness/load/schedule.h"
#include "harness/load/template.h"

static struct schedule begin(enum schedule_shape shape, double rate, uint64_t seed)
{
    struct schedule schedule = {
        .shape = shape, .rate = rate, .from = 10, .over_s = 10, .steps = 4, .write_share = 0.3, .start_ns = 5 * NS_PER_S};
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

static void test_steps_reach_the_rate_and_keep_it(void **state)
{
    struct schedule schedule = begin(SHAPE_STEP, 110, 1); /* 10, 35, 60 and 85 a second for 2.5 s each */
    (void)state;
    assert_int_equal(due_of(&schedule, 0), 5 * NS_PER_S);
    assert_int_equal(due_of(&schedule, 10), 6 * NS_PER_S);
    assert_true(llabs(due_of(&schedule, 25) - (5 * NS_PER_S + 2500 * NS_PER_MS)) < 10);
    assert_true(llabs(due_of(&schedule, 25 + 35) - (5 * NS_PER_S + 3500 * NS_PER_MS)) < 20 * NS_PER_MS);
    assert_true(llabs(due_of(&schedule, 475) - 15 * NS_PER_S) < 10 * NS_PER_MS);
    assert_true(llabs(due_of(&schedule, 475 + 110) - 16 * NS_PER_S) < 10 * NS_PER_MS);
    schedule = begin(SHAPE_STEP, 110, 1);
    schedule.from = 0; /* nothing is due within the first step */
    schedule.steps = 1;
    schedule_begin(&schedule, 1);
    assert_int_equal(schedule.due_ns, 15 * NS_PER_S);
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

static void check_filled(const char *text, enum template_kind kind, const char *expected)
{
    const struct template_fixed fixed = {.vantage = "eu client", .id_prefix = "w9-"};
    struct template *template CLEANUP(template_cleanup) = NULL;
    struct err err = {0};
    assert_int_equal(template_new(text, kind, "text", &fixed, &template, &err), 0);
    AUTO_FREE char *copy = xstrdup(template_text(template));
    template_fill(template, copy, &(struct template_values){.id = 42, .seq = 7, .random = 0xabcdef});
    assert_string_equal(copy, expected);
}

static void test_holes_are_filled_in(void **state)
{
    (void)state;
    setenv("DRILL_TEST_TOKEN", "a&b c", 1);
    check_filled("a {{id}} b {{id}} w9-x", TEMPLATE_PLAIN, "a w9-000000042 b w9-000000042 w9-x");
    check_filled("w9-000000001 {{id}}", TEMPLATE_PLAIN, "w9-000000001 w9-000000042"); /* only holes are written to */
    check_filled("{{seq}}/{{random}}", TEMPLATE_PLAIN, "000000007/0000000000abcdef");
    check_filled("{{vantage}}: {{env.DRILL_TEST_TOKEN}}", TEMPLATE_LINE, "eu client: a&b c");
    check_filled("/x?t={{env.DRILL_TEST_TOKEN}}&v=1", TEMPLATE_URL, "/x?t=a%26b%20c&v=1");
    check_filled("", TEMPLATE_PLAIN, "");
}

static void test_wrong_holes_are_refused(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{{ids}}", "did you mean 'id'"},
        {"{{id", "without '}}'"},
        {"{{env.DRILL_TEST_NOT_SET}}", "DRILL_TEST_NOT_SET is not set"},
        {"{{env.DRILL_TEST_EMPTY}}", "DRILL_TEST_EMPTY is empty"},
        {"{{env.DRILL_TEST_LINES}}", "control character"},
    };
    (void)state;
    unsetenv("DRILL_TEST_NOT_SET");
    setenv("DRILL_TEST_EMPTY", "", 1);
    setenv("DRILL_TEST_LINES", "geheim\r\nX: y", 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct template *template = NULL;
        struct err err = {0};
        assert_int_equal(template_new(cases[i].text, TEMPLATE_LINE, "header 'X'", &(struct template_fixed){0}, &template, &err),
                         -ERR_INPUT);
        assert_non_null(strstr(err.text, cases[i].expected));
        assert_non_null(strstr(err.text, "header 'X'"));
        assert_null(strstr(err.text, "geheim"));
    }
}

static void test_overload_is_a_lateness_that_stays(void **state)
{
    struct overload overload = {0};
    (void)state;
    for (int64_t t_ms = 0; t_ms < 400; t_ms += 10) { /* a stall that passes */
        overload_add(&overload, (1000 + t_ms) * NS_PER_MS, (400 - t_ms) * NS_PER_MS);
    }
    overload_add(&overload, 1500 * NS_PER_MS, NS_PER_MS);
    assert_int_equal(overload_total_ns(&overload), 0);
    for (int64_t t_ms = 0; t_ms <= 2000; t_ms += 10) { /* a backlog that does not go */
        overload_add(&overload, (2000 + t_ms) * NS_PER_MS, (20 + t_ms / 4) * NS_PER_MS);
    }
    assert_int_equal(overload_total_ns(&overload), 2000 * NS_PER_MS);
    overload_add(&overload, 5000 * NS_PER_MS, 0);
    assert_int_equal(overload_total_ns(&overload), 2000 * NS_PER_MS);
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
        cmocka_unit_test(test_steps_reach_the_rate_and_keep_it),
        cmocka_unit_test(test_holes_are_filled_in),
        cmocka_unit_test(test_wrong_holes_are_refused),
        cmocka_unit_test(test_overload_is_a_lateness_that_stays),
        cmocka_unit_test(test_lists_of_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
