/* What several drills of one invocation say together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/json.h"
#include "harness/base/str.h"
#include "reports/repeat.h"

static void add(struct repeat *repeat, double rto_s, bool recovered, bool passed, const char *folder)
{
    struct result result = {.verdict = passed ? VERDICT_PASS : VERDICT_FAIL,
                            .rto = {.measured = true, .value = rto_s, .at_least = !recovered}};
    repeat_add(repeat, &result, passed ? 0 : 1, passed ? "PASS" : "FAIL (rto)", folder);
}

static void test_censored_runs_stay_censored(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_clear) = {0};
    struct repeat *repeat CLEANUP(repeat_cleanup) = repeat_new();
    add(repeat, 12, true, true, "a/1");
    add(repeat, 30, false, false, "a/2");
    add(repeat, 40, true, true, "a/3");
    repeat_console(repeat, &out);
    const char *text = buf_str(&out);
    assert_non_null(strstr(text, "3 runs:"));
    assert_non_null(strstr(text, "rto more than 30.00 s, rpo not measured   exit 1: FAIL (rto)   a/2"));
    assert_non_null(strstr(text, "rto  min 12.00 s, median 40.00 s, max more than 30.00 s (n = 3, too small for a p95)"));
    assert_non_null(strstr(text, "rpo  not measured in any run"));
    assert_non_null(strstr(text, "passed 2 of 3 judged: at least 14 % of such drills pass"));
}

static void test_twenty_passes(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_clear) = {0};
    struct repeat *repeat CLEANUP(repeat_cleanup) = repeat_new();
    for (int i = 1; i <= 19; i++) {
        add(repeat, i, true, true, "a");
    }
    repeat_console(repeat, &out);
    assert_null(strstr(buf_str(&out), ", p95 "));
    add(repeat, 20, true, true, "a");
    buf_clear(&out);
    repeat_console(repeat, &out);
    assert_non_null(strstr(buf_str(&out), "p95 19.00 s of 20 runs (n = 20)"));
    assert_non_null(strstr(buf_str(&out), "passed 20 of 20 judged: at least 86 % of such drills pass"));
}

static void test_for_machines(void **state)
{
    char folder[] = "/tmp/drill-repeat-XXXXXX";
    struct err err = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *first = xasprintf("%s/0001-x", folder), *path = NULL;
    struct repeat *repeat CLEANUP(repeat_cleanup) = repeat_new();
    assert_true(repeat_write(repeat, 0, &path, &err) < 0);
    add(repeat, 12, true, true, first);
    add(repeat, 13, true, true, "elsewhere");
    assert_int_equal(repeat_write(repeat, 0, &path, &err), 0);
    AUTO_JSON json_t *json = NULL;
    assert_int_equal(json_read_file(path, &json, &err), 0);
    assert_int_equal(json_array_size(json_object_get(json, "runs")), 2);
    assert_true(fabs(json_num(json_object_get(json, "pass_rate"), "at_least", 0) - sqrt(0.05)) < 1e-9);
    assert_true(json_num(json_object_get(json_object_get(json, "rto"), "max"), "seconds", 0) == 13);
    assert_null(json_object_get(json_object_get(json, "rto"), "p95"));
    assert_int_equal(fd_remove_tree(folder, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_censored_runs_stay_censored),
        cmocka_unit_test(test_twenty_passes),
        cmocka_unit_test(test_for_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
