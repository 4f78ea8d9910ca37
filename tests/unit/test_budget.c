/* Budgets: what a file may say and how mistakes are told; what a drill is judged by when scenario and budget both speak. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/programme/figure_of.h"
#include "harness/programme/gate.h"

static int load(const char *text, struct budget **ret_budget, struct err *err)
{
    char path[] = "/tmp/drill-budgets-XXXXXX.yaml";
    AUTO_FD int fd = mkstemps(path, 5);
    struct err ignored = {0};
    assert_int_equal(fd_write_all(fd, text, strlen(text), &ignored), 0);
    int status = budget_load(path, ret_budget, err);
    unlink(path);
    return status;
}

static void test_accepted(void **state)
{
    (void)state;
    struct budget *budget CLEANUP(budget_cleanup) = NULL;
    struct err err = {0};
    assert_int_equal(load("due: 60d\nscenarios:\n  cut:\n    objectives:\n      - rto <= 20s\n      - rto <= last_pass * 1.25\n"
                          "    warn: [rto <= 15s]\n    due: 7d\n  other: { objectives: [lost <= 0] }\n",
                          &budget, &err),
                     0);
    const struct budget_scenario *cut = budget_find(budget, "cut"), *other = budget_find(budget, "other");
    assert_int_equal(cut->objective_count, 2);
    assert_int_equal(cut->objectives[0].line, 5);
    assert_int_equal(cut->objectives[0].column, 9);
    assert_true(cut->objectives[1].objective->relative);
    assert_true(cut->objectives[1].objective->factor == 1.25);
    assert_int_equal(cut->warning_count, 1);
    assert_int_equal(cut->due_ns / 1000000000, 7 * 86400);
    assert_int_equal(other->due_ns / 1000000000, 60 * 86400);
    assert_null(budget_find(budget, "third"));
    assert_true(budget_lacks(budget, "cot", &err) < 0);
    assert_non_null(strstr(err.text, "has a budget for cut, other, not for the scenario 'cot', did you mean 'cut'?"));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where, *said;
    } table[] = {
        {"scenarios:\n  cut:\n    objectives:\n      - rot <= 20s\n", ":4:9: ", "did you mean 'rto'"},
        {"scenarios:\n  cut:\n    objectives:\n      - rto <= 20\n", ":4:9: ", "a duration with its unit"},
        {"scenarios:\n  cut:\n    objectives:\n      - rto <= last_pass * 0.5\n", ":4:9: ", "at least 1"},
        {"scenarios:\n  cut:\n    objectives:\n      - rto <= last_pass *\n", ":4:9: ", "found 'nothing'"},
        {"scenarios:\n  cut:\n    objectives:\n      - rto <= last_pass 1.25\n", ":4:9: ", "not understood"},
        {"scenarios:\n  cut:\n    objectives:\n      - rto <= 20s\n      - rto < 30s\n", ":5:9: ", "in line 4 already"},
        {"scenarios:\n  cut:\n    objectivs: [rto <= 20s]\n", ":3:5: ", "did you mean 'objectives'"},
        {"scenarios:\n  cut:\n    due: 90\n", ":3:5: ", "unit"},
        {"scenarios:\n  cut:\n    due: [90d]\n", ":3:5: ", "takes a duration"},
        {"scenarios:\n  cut:\n    warn: rto <= 20s\n", ":3:5: ", "takes a list"},
        {"scenarios:\n  cut: rto <= 20s\n", ":2:3: ", "expected names with values"},
        {"scenario:\n  cut: {}\n", ":1:1: ", "did you mean 'scenarios'"},
        {"due: 90d\n", ":1:1: ", "expected 'scenarios:'"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct budget *budget CLEANUP(budget_cleanup) = NULL;
        struct err err = {0};
        assert_true(load(table[i].text, &budget, &err) < 0);
        assert_int_equal(err.code, ERR_INPUT);
        if (!strstr(err.text, table[i].where) || !strstr(err.text, table[i].said)) {
            fail_msg("%s: expected '%s' and '%s' in '%s'", table[i].text, table[i].where, table[i].said, err.text);
        }
    }
}

static const char last_pass_text[] =
    "{\"drill\": {\"id\": \"D7\"}, \"objectives\": [{\"text\": \"rto <= 30s\", \"measured\": 16.0, \"resolution\": 0.25}],"
    " \"measured\": {\"rto\": {\"seconds\": 16.0, \"resolution_seconds\": 0.25}, \"rpo\": {\"seconds\": null, \"lost\": 3},"
    "  \"failovers\": {\"false\": 2}, \"order\": {\"out_of_order\": 3},"
    "  \"requests\": {\"scheduled\": 1000, \"ok\": 970, \"failed\": 20, \"timed_out\": 8, \"not_sent\": 2},"
    "  \"latency\": {\"after\": {\"p99\": 0.2}}},"
    " \"phases\": [{\"name\": \"detect\", \"start\": 1, \"end\": 3}, {\"name\": \"detect\", \"start\": 9, \"end\": 14}]}";

/* The lists as "a | b". */
static char *joined(const json_t *list)
{
    struct buf out = {0};
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        buf_printf(&out, "%s%s", index ? " | " : "", json_string_value(item));
    }
    return buf_take(&out);
}

static void judge(const char *scenario, const char *lines, bool allow_looser, bool passed, const char *objectives,
                  const char *said)
{
    struct budget *budget CLEANUP(budget_cleanup) = NULL;
    struct gate gate CLEANUP(gate_clear) = {0};
    struct err err = {0};
    AUTO_JSON json_t *report = json_loads(last_pass_text, 0, NULL);
    AUTO_FREE char *text = xasprintf("scenarios:\n  cut:\n    objectives:\n%s", lines);
    char *objective = (char *)(uintptr_t)scenario;
    if (load(text, &budget, &err) < 0) {
        fail_msg("%s", err.text);
    }
    struct gate_input input = {.objectives = &objective,
                               .objective_count = 1,
                               .budget = budget,
                               .own = budget_find(budget, "cut"),
                               .last_pass = passed ? report : NULL,
                               .archive = "archive",
                               .allow_looser = allow_looser};
    assert_int_equal(gate_make(&input, &gate, &err), 0);
    AUTO_FREE char *found = joined(gate.objectives), *notes = joined(gate.notes);
    assert_string_equal(found, objectives);
    if (said ? !strstr(notes, said) : *notes) {
        fail_msg("expected '%s' in '%s'", said ? said : "nothing", notes);
    }
}

static void test_merging(void **state)
{
    (void)state;
    judge("rto <= 20s", "    - rto <= 15s\n    - failed < 2%\n", false, false, "rto <= 15s | failed < 2%", NULL);
    judge("rto <= 20s", "    - rto < 20s\n", false, false, "rto < 20s", NULL);
    judge("rto <= 20s", "    - rto <= 20000ms\n", false, false, "rto <= 20s", NULL);
    judge("rto <= 20s", "    - rto <= 30s\n", false, false, "rto <= 20s", "which stands (--allow-looser");
    judge("rto <= 20s", "    - rto <= 30s\n", true, false, "rto <= 30s", "replaces it, as --allow-looser says");
    judge("rto < 20s", "    - rto <= 20s\n", false, false, "rto < 20s", "which stands");
    judge("failed < 20%", "    - failed <= 100\n", false, false, "failed < 20% | failed <= 100", NULL);
    judge("p99 <= 1s after recovery", "    - p99 <= 2s\n", false, false, "p99 <= 1s after recovery | p99 <= 2s", NULL);
}

static void test_relative(void **state)
{
    (void)state;
    judge("rto <= 20s", "    - rto <= last_pass * 1.2\n", false, true, "rto <= 20s | rto <= 19.5s", NULL);
    judge("rto <= 20s", "    - rto < last_pass\n", false, true, "rto <= 20s | rto < 16.25s", NULL);
    judge("rto <= 20s", "    - lost <= last_pass * 1.5\n", false, true, "rto <= 20s | lost <= 4", NULL);
    judge("rto <= 20s", "    - false_failovers <= last_pass\n", false, true, "rto <= 20s | false_failovers <= 2", NULL);
    judge("rto <= 20s", "    - out_of_order < last_pass * 1.5\n", false, true, "rto <= 20s | out_of_order < 4", NULL);
    judge("rto <= 20s", "    - detect <= last_pass * 2\n", false, true, "rto <= 20s | detect <= 10s", NULL);
    judge("rto <= 20s", "    - p99 <= last_pass * 2 after recovery\n", false, true, "rto <= 20s | p99 <= 0.4s after recovery",
          NULL);
    judge("rto <= 20s", "    - rpo <= last_pass\n", false, true, "rto <= 20s", "the last PASS, D7, did not measure it");
    judge("rto <= 20s", "    - rto <= last_pass * 1.2\n", false, false, "rto <= 20s",
          "no drill of this scenario has passed in 'archive'");
    struct objective *failed CLEANUP(objective_cleanup) = NULL;
    struct err err = {0};
    double value = 0;
    AUTO_JSON json_t *report = json_loads(last_pass_text, 0, NULL);
    assert_int_equal(objective_parse_relative("failed <= last_pass", &failed, &err), 0);
    assert_true(figure_of_report(report, failed, &value));
    assert_true(value > 2.80 && value < 2.81);
    assert_true(objective_parse("rto <= last_pass", &failed, &err) < 0);
    assert_non_null(strstr(err.text, "budget file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_relative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
