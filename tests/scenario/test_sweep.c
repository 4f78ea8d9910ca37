/* A sweep by the whole way from the command's options to its files, over systems in virtual time: one drill a cell, what a bad cell does to
 * the others, and what an interrupt leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/json.h"
#include "harness/cli/cmd_run.h"
#include "harness/cli/resweep.h"
#include "tests/support/fake_drill.h"

static const char outage[] = "d:steady '2s'\n"
                             "local dark <close> = d:inject(fault.blackhole { region = 'us-east' })\n"
                             "d:await_recovery { within = '30s' }\n"
                             "dark:revert()\n"
                             "d:await_recovery { within = '30s' }\n";
static const char grid[] = "sweep = { rate = { '50/s', '60/s' }, hold = { '5s', '6s' } },\n";

static const char three[] = "sweep = { rate = { '50/s', '60/s', '70/s' } },\n";

struct swept {
    int code;
    struct err err;
    json_t *json; /* NULL: none was written */
    char *path;   /* where it is */
    char *folder, *printed;
};

static void swept_clear(struct swept *swept)
{
    struct err err = {0};
    json_decref(swept->json);
    (void)!fd_remove_tree(swept->folder, &err);
    free(swept->path);
    free(swept->folder);
    free(swept->printed);
}

/* A process that was interrupted ends; this one goes on. */
static void forget_signals(void)
{
    sigset_t signals;
    const struct timespec now = {0};
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    (void)!sigtimedwait(&signals, NULL, &now);
}

static void read_json(struct swept *swept)
{
    struct err err = {0};
    AUTO_FREE char *path = NULL;
    for (int year = 1970; !path && year < 2100; year++) {
        for (int quarter = 1; !path && quarter <= 4; quarter++) {
            path = xasprintf("%s/archive/%d/Q%d/0001-fake.sweep.json", swept->folder, year, quarter);
            if (access(path, R_OK) != 0) {
                free(path);
                path = NULL;
            }
        }
    }
    if (path && json_read_file(path, &swept->json, &err) < 0) {
        fail_msg("%s", err.text);
    }
    swept->path = TAKE(path);
}

/* What is printed goes to a file meanwhile. `file` NULL: the sweep is measured again. */
static void run_captured(const char *file, const struct cli_args *args, struct swept *ret)
{
    size_t size;
    struct err err = {0};
    AUTO_FREE char *path = xasprintf("%s/printed", ret->folder);
    (void)fflush(stdout);
    AUTO_FD int kept = dup(STDOUT_FILENO);
    AUTO_FD int to = fileno(fopen(path, "we"));
    assert_true(kept >= 0 && to >= 0 && dup2(to, STDOUT_FILENO) >= 0);
    ret->code = file ? run_drills(file, args, NULL, &ret->err) : resweep(ret->path, &ret->err);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    free(ret->printed);
    assert_int_equal(fd_read_file(path, 1024 * 1024, &ret->printed, &size, &err), 0);
}

static void sweep(const struct cli_args *more, struct swept *ret)
{
    struct run_options options = {0};
    struct err err = {0};
    char folder[] = "/tmp/drill-sweep-XXXXXX";
    struct cli_args args = *more;
    assert_non_null(mkdtemp(folder));
    ret->folder = xstrdup(folder);
    AUTO_FREE char *archive = xasprintf("%s/archive", folder);
    assert_int_equal(param_parse(run_table, NULL, "drill run", &options, &err), 0);
    assert_int_equal(param_set(run_table, "archive", archive, "drill run", &options, &err), 0);
    args.options = &options;
    args.command_line = (char *)(uintptr_t) "drill fake.lua";
    options.announce.quiet = true;
    assert_int_equal(setenv("DRILL_STATE_DIR", folder, 1), 0);
    run_captured(fake_drill_write(outage), &args, ret);
    param_clear(run_table, &options);
    forget_signals();
    read_json(ret);
    assert_int_equal(fake_system.worlds, 0);
    assert_int_equal(fake_system_in_force(), 0);
}

static const json_t *cell(const struct swept *swept, size_t index)
{
    const json_t *found = json_array_get(json_object_get(swept->json, "cells"), index);
    if (!found) {
        fail_msg("there is no cell %zu; exit %d, %s; printed: %s", index, swept->code, swept->err.text, swept->printed);
    }
    return found;
}

static void check_state(const struct swept *swept, size_t index, const char *state)
{
    if (!str_eq(json_str(cell(swept, index), "state", ""), state)) {
        fail_msg("cell %zu: expected '%s'; printed: %s", index, state, swept->printed);
    }
    bool measured = json_flag(json_object_get(cell(swept, index), "rto"), "measured", false);
    assert_int_equal(measured, str_eq(state, "pass") || str_eq(state, "fail"));
}

static void one_drill_for_each_cell(void **state)
{
    struct swept swept CLEANUP(swept_clear) = {0};
    const struct cli_args none = {0};
    (void)state;
    fake_system.declares = grid;
    fake_system.outage_ns = 8 * NS_PER_S;
    sweep(&none, &swept);
    assert_int_equal(swept.code, EXIT_PASS);
    assert_int_equal(json_array_size(json_object_get(swept.json, "cells")), 4);
    for (size_t i = 0; i < 4; i++) {
        check_state(&swept, i, "pass");
        double rto_s = json_num(json_object_get(cell(&swept, i), "rto"), "seconds", 0);
        assert_true(rto_s > 7.9 && rto_s < 8.1);
        assert_string_equal(json_str(json_object_get(cell(&swept, i), "values"), "rate", ""), i < 2 ? "50/s" : "60/s");
        assert_string_equal(json_str(json_object_get(cell(&swept, i), "values"), "hold", ""), i % 2 ? "6s" : "5s");
    }
    assert_true(json_flag(swept.json, "complete", false));
    assert_non_null(strstr(swept.printed, "4 of 4 settings drilled:"));
    assert_non_null(strstr(swept.printed, "exit 0: PASS, the worst of 4 drills"));
}

/* The plan's bundle of a cell says which values it had, so that a retest can take them. */
static void a_cell_knows_its_values(void **state)
{
    struct swept swept CLEANUP(swept_clear) = {0};
    struct cli_set rate = {.name = (char *)(uintptr_t) "rate", .value = (char *)(uintptr_t) "70/s"};
    struct cli_args args = {.sets = &rate, .set_count = 1};
    AUTO_JSON json_t *plan = NULL;
    struct err err = {0};
    (void)state;
    fake_system.declares = grid;
    sweep(&args, &swept);
    assert_int_equal(json_array_size(json_object_get(swept.json, "cells")), 2); /* --set takes a name out of the sweep */
    const json_t *drill = json_array_get(json_object_get(cell(&swept, 1), "drills"), 0);
    AUTO_FREE char *path = xasprintf("%s/data/plan.json", json_str(drill, "bundle", ""));
    assert_int_equal(json_read_file(path, &plan, &err), 0);
    assert_string_equal(json_str(json_at(plan, "sets.name=rate"), "value", ""), "70/s");
    assert_string_equal(json_str(json_at(plan, "sets.name=hold"), "value", ""), "6s");
    assert_int_equal(json_int(json_object_get(plan, "sweep"), "cell", 0), 2);
}

/* How many calls one drill of three cells takes. */
static int count_calls(void)
{
    struct swept swept CLEANUP(swept_clear) = {0};
    struct cli_set rate = {.name = (char *)(uintptr_t) "rate", .value = (char *)(uintptr_t) "50/s"};
    struct cli_args args = {.sets = &rate, .set_count = 1};
    fake_system.declares = three;
    fake_system.outage_ns = 3 * NS_PER_S;
    sweep(&args, &swept);
    assert_int_equal(swept.code, EXIT_PASS);
    int calls = fake_system.calls;
    fake_system_reset();
    fake_system.declares = three;
    fake_system.outage_ns = 3 * NS_PER_S;
    return calls;
}

/* An error in the middle of the second drill: it has no figure, and the others keep theirs. */
static void an_uncertain_cell_has_no_figure(void **state)
{
    struct swept swept CLEANUP(swept_clear) = {0};
    const struct cli_args none = {0};
    (void)state;
    int calls = count_calls();
    fake_system.fail_call = calls + 5; /* while it starts */
    sweep(&none, &swept);
    check_state(&swept, 0, "pass");
    check_state(&swept, 1, "uncertain");
    check_state(&swept, 2, "pass");
    assert_int_equal(swept.code, EXIT_INCONCLUSIVE);
    assert_false(json_flag(swept.json, "complete", true));
    assert_non_null(strstr(swept.printed, "3 of 3 settings drilled, partial:"));
}

/* The drill that runs is put back, no other one begins, and what was measured is shown. */
static void an_interrupt_ends_the_sweep(void **state)
{
    struct swept swept CLEANUP(swept_clear) = {0};
    const struct cli_args none = {0};
    (void)state;
    int calls = count_calls();
    fake_system.interrupt_after_call = calls + calls / 2;
    sweep(&none, &swept);
    assert_int_equal(swept.code, EXIT_ABORTED);
    check_state(&swept, 0, "pass");
    check_state(&swept, 1, "uncertain");
    check_state(&swept, 2, "not run");
    assert_int_equal(json_array_size(json_object_get(cell(&swept, 2), "drills")), 0);
    assert_int_equal(fake_system_unasked(), 0);
    assert_non_null(strstr(swept.printed, "2 of 3 settings drilled, partial:"));
    assert_non_null(strstr(swept.printed, "ABORTED"));
    assert_non_null(strstr(swept.printed, "not run"));
}

/* A cell that fails is not made up for by those that pass, and --sweep replaces what the scenario says. */
static void the_worst_cell_decides(void **state)
{
    struct swept swept CLEANUP(swept_clear) = {0};
    struct cli_set sweeps[] = {{.name = (char *)(uintptr_t) "hold", .value = (char *)(uintptr_t) "5s"},
                               {.name = (char *)(uintptr_t) "share", .value = (char *)(uintptr_t) "99%,100%"}};
    struct cli_set rate = {.name = (char *)(uintptr_t) "rate", .value = (char *)(uintptr_t) "50/s"};
    struct cli_args args = {.sets = &rate, .set_count = 1, .sweeps = sweeps, .sweep_count = 2};
    (void)state;
    fake_system.declares = grid;
    fake_system.outage_ns = 22 * NS_PER_S;
    sweep(&args, &swept);
    assert_int_equal(swept.code, EXIT_FAIL);
    assert_int_equal(json_array_size(json_object_get(swept.json, "cells")), 2); /* hold x share: 1 x 2 */
    check_state(&swept, 1, "fail");
    assert_string_equal(json_str(cell(&swept, 1), "words", ""), "FAIL (rto)");
    assert_true(json_flag(swept.json, "complete", false));
}

static char *read_text(const struct swept *swept, const char *ending)
{
    AUTO_FREE char *path = xasprintf("%.*s%s", (int)(strlen(swept->path) - strlen("json")), swept->path, ending);
    struct err err = {0};
    char *text = NULL;
    size_t size;
    assert_int_equal(fd_read_file(path, 1024 * 1024, &text, &size, &err), 0);
    return text;
}

/* drill report NAME.sweep.json: every figure follows from the drills' evidence. */
static void measured_again_it_is_the_same(void **state)
{
    static const char *const endings[] = {"json", "svg", "html"};
    struct swept swept CLEANUP(swept_clear) = {0};
    struct cli_set hold = {.name = (char *)(uintptr_t) "hold", .value = (char *)(uintptr_t) "5s"};
    struct cli_args args = {.sets = &hold, .set_count = 1};
    char *before[3];
    (void)state;
    fake_system.declares = grid;
    fake_system.outage_ns = 22 * NS_PER_S;
    sweep(&args, &swept);
    for (size_t i = 0; i < 3; i++) {
        before[i] = read_text(&swept, endings[i]);
    }
    run_captured(NULL, NULL, &swept);
    assert_int_equal(swept.code, EXIT_FAIL);
    assert_non_null(strstr(swept.printed, "2 of 2 settings drilled:"));
    for (size_t i = 0; i < 3; i++) {
        AUTO_FREE char *after = read_text(&swept, endings[i]);
        assert_string_equal(before[i], after);
        free(before[i]);
    }
}

/* Nothing runs when one of the cells is wrong. */
static void a_wrong_cell_is_found_before(void **state)
{
    struct swept swept CLEANUP(swept_clear) = {0};
    const struct cli_args none = {0};
    (void)state;
    fake_system.declares = "sweep = { rate = { '50/s', 'fast' } },\n";
    sweep(&none, &swept);
    assert_int_equal(swept.code, EXIT_USAGE);
    assert_non_null(strstr(swept.err.text, "sweep, rate=fast: "));
    assert_null(swept.json);
    assert_int_equal(fake_system.calls, 0);
}

int main(void)
{
#define SWEEP_TEST(test) cmocka_unit_test_setup(test, fake_drill_reset)
    const struct CMUnitTest tests[] = {
        SWEEP_TEST(one_drill_for_each_cell),         SWEEP_TEST(a_cell_knows_its_values),
        SWEEP_TEST(an_uncertain_cell_has_no_figure), SWEEP_TEST(an_interrupt_ends_the_sweep),
        SWEEP_TEST(the_worst_cell_decides),          SWEEP_TEST(a_wrong_cell_is_found_before),
        SWEEP_TEST(measured_again_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, fake_drill_setup, fake_drill_teardown);
}
