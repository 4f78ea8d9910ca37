/* The objectives' grammar: what is accepted and exactly what it means; what is refused and how that is said. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "harness/measure/objective.h"

static void test_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *metric;
        bool strict;
        double limit;
        const char *unit;
        enum objective_part part;
    } table[] = {
        {"rto <= 20s", "rto", false, 20, "s", PART_WHOLE},
        {"rto<=1.5min", "rto", false, 90, "s", PART_WHOLE},
        {"  rto  <  20 s ", "rto", true, 20, "s", PART_WHOLE},
        {"rpo <= 0s", "rpo", false, 0, "s", PART_WHOLE},
        {"lost <= 0", "lost", false, 0, "", PART_WHOLE},
        {"duplicated <= 3", "duplicated", false, 3, "", PART_WHOLE},
        {"failed < 30%", "failed", true, 30, "%", PART_WHOLE},
        {"failed < 0.5% of requests", "failed", true, 0.5, "%", PART_WHOLE},
        {"failed < 30 %", "failed", true, 30, "%", PART_WHOLE},
        {"failed <= 100", "failed", false, 100, "", PART_WHOLE},
        {"failed <= 100 of requests", "failed", false, 100, "", PART_WHOLE},
        {"p99 <= 300ms after recovery", "p99", false, 0.3, "s", PART_AFTER},
        {"p95 <= 250 ms before recovery", "p95", false, 0.25, "s", PART_BEFORE},
        {"p50 <= 100ms during recovery", "p50", false, 0.1, "s", PART_DURING},
        {"max < 2s", "max", true, 2, "s", PART_WHOLE},
        {"detect <= 5s", "detect", false, 5, "s", PART_WHOLE},
        {"failed <= 1% of requests during recovery", "failed", false, 1, "%", PART_DURING},
        {"p99 <= 300ms during steady", "p99", false, 0.3, "s", PART_BEFORE},
        {"moved <= 0 during steady", "moved", false, 0, "", PART_BEFORE},
        {"moved < 25%", "moved", true, 25, "%", PART_WHOLE},
        {"share of us-west<=15%", "share", false, 15, "%", PART_WHOLE},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct objective *objective CLEANUP(objective_cleanup) = NULL;
        struct err err = {0};
        if (objective_parse(table[i].text, &objective, &err) < 0) {
            fail_msg("%s: %s", table[i].text, err.text);
        }
        assert_string_equal(objective->text, table[i].text);
        assert_string_equal(objective->metric, table[i].metric);
        assert_int_equal(objective->strict, table[i].strict);
        assert_true(objective->limit > table[i].limit - 1e-9 && objective->limit < table[i].limit + 1e-9);
        assert_string_equal(objective->unit, table[i].unit);
        assert_int_equal(objective->part, table[i].part);
    }
}

static void test_shares_and_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *of, *fault, *part;
        bool floor, strict, afterward;
    } table[] = {
        {"share of us-west >= 15% during steady", "us-west", NULL, " before recovery", true, false, false},
        {"share of 10.1.0.21:9000 > 5%", "10.1.0.21:9000", NULL, "", true, true, false},
        {"share of app1>=5%", "app1", NULL, "", true, false, false},
        {"share of app1 <= 60% after kill", "app1", "kill", " after kill", false, false, true},
        {"failed <= 1% during crash_loop", NULL, "crash_loop", " during crash_loop", false, false, false},
        {"p99 <= 1s during delay after recovery", NULL, "delay", " during delay after recovery", false, false, false},
        {"moved <= 9 after hang before recovery", NULL, "hang", " after hang before recovery", false, false, true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct objective *objective CLEANUP(objective_cleanup) = NULL;
        struct err err = {0};
        char part[128];
        if (objective_parse(table[i].text, &objective, &err) < 0) {
            fail_msg("%s: %s", table[i].text, err.text);
        }
        objective_part_text(objective, part, sizeof(part));
        assert_string_equal(part, table[i].part);
        assert_string_equal(objective->of ? objective->of : "-", table[i].of ? table[i].of : "-");
        assert_string_equal(objective->fault ? objective->fault : "-", table[i].fault ? table[i].fault : "-");
        assert_int_equal(objective->floor, table[i].floor);
        assert_int_equal(objective->strict, table[i].strict);
        assert_int_equal(objective->afterward, table[i].afterward);
    }
}

/* Of two floors the higher is the stricter; a floor and a ceiling do not compare. */
static void test_floors_compare(void **state)
{
    (void)state;
    static const char *const texts[] = {"share of a >= 15%", "share of a >= 20%", "share of a > 20%",
                                        "share of a <= 60%", "share of b >= 15%", "share of a >= 15% during kill"};
    struct objective *objectives[6] = {0};
    struct err err = {0};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(objective_parse(texts[i], &objectives[i], &err), 0);
    }
    assert_true(objective_is_same_figure(objectives[0], objectives[1]));
    assert_true(objective_compare(objectives[1], objectives[0]) < 0);
    assert_true(objective_compare(objectives[2], objectives[1]) < 0);
    for (size_t i = 3; i < 6; i++) {
        assert_false(objective_is_same_figure(objectives[0], objectives[i]));
    }
    for (size_t i = 0; i < 6; i++) {
        objective_free(objectives[i]);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } table[] = {
        {"", "unknown metric ''"},
        {"rot <= 20s", "did you mean 'rto'"},
        {"los <= 0", "did you mean 'lost'"},
        {"availability >= 99%", "unknown metric 'availability'"},
        {"rto", "expected '<' or '<=' after 'rto'"},
        {"rto >= 20s", "found '>='"},
        {"rto == 20s", "found '=='"},
        {"rto <=", "found 'nothing'"},
        {"rto <= 20", "with its unit"},
        {"rto <= 0", "with its unit"},
        {"rto <= 20%", "with its unit"},
        {"rto <= 20parsec", "with its unit"},
        {"rto <= -5s", "with its unit"},
        {"rto <= fast", "found 'fast'"},
        {"rto <= nans", "found 'nans'"},
        {"lost <= 0s", "whole number"},
        {"lost <= 0.5", "whole number"},
        {"lost <= -1", "whole number"},
        {"lost <= 1%", "whole number"},
        {"failed < 2s", "a percentage or a whole number"},
        {"failed < 2% of writes", "is not understood"},
        {"rto <= 20s after recovery", "is not understood"},
        {"p99 <= 300ms afer recovery", "did you mean 'after'"},
        {"p99 <= 300ms after", "is not understood"},
        {"p99 <= 300ms after recovery please", "is not understood"},
        {"rto <= 20s rto <= 10s", "is not understood"},
        {"rto <= 20s during kill", "is not understood"},
        {"share <= 10%", "needs whose it is"},
        {"share of >= 10%", "needs whose it is"},
        {"share of app1 >= 10", "a percentage"},
        {"share of app1 == 10%", "'<=' or '>='"},
        {"failed >= 10%", "found '>='"},
        {"moved <= 0 during kill recovery", "is not understood"},
        {"moved <= 0 during kill after recovery please", "is not understood"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct objective *objective = NULL;
        struct err err = {0};
        if (objective_parse(table[i].text, &objective, &err) != -ERR_INPUT) {
            fail_msg("accepted: %s", table[i].text);
        }
        assert_null(objective);
        if (!strstr(err.text, table[i].said)) {
            fail_msg("%s: expected \"%s\" in: %s", table[i].text, table[i].said, err.text);
        }
    }
}

static void test_long_texts(void **state)
{
    (void)state;
    char text[4096];
    struct err err = {0};
    struct objective *objective = NULL;
    memset(text, 'p', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(objective_parse(text, &objective, &err), -ERR_INPUT);
    memcpy(text, "rto <= ", 7);
    memset(text + 7, '1', sizeof(text) - 9);
    text[sizeof(text) - 2] = 's';
    assert_int_equal(objective_parse(text, &objective, &err), -ERR_INPUT);
    assert_null(objective);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_shares_and_parts), cmocka_unit_test(test_floors_compare),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
