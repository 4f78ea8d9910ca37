/* What a report shows beside the drill: history, programme, evidence map; and what is told elsewhere, in annotations and TAP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

#include "harness/base/fd.h"
#include "reports/history.h"
#include "reports/report.h"
#include "reports/waterfall.h"
#include "tests/unit/test_report_samples.h"

static json_t *drill(const char *date, const char *verdict, double rto_s, bool censored)
{
    json_t *item = json_pack("{s:s, s:s, s:s, s:b, s:f}", "drill_id", date, "date", date, "verdict", verdict, "censored",
                             censored, "target_seconds", 20.0);
    json_object_set_new(item, "rto_seconds", isfinite(rto_s) ? json_real(rto_s) : json_null());
    return item;
}

/* The page of a drill that passed, with that context. The caller frees it. */
static char *page_with(const struct report_context *context)
{
    static struct sample sample;
    struct err err = {0};
    char folder[] = "/tmp/drill-report-XXXXXX", *text = NULL;
    size_t size;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = xasprintf("%s/report.html", folder);
    sample_passing(&sample);
    assert_int_equal(report_find("html")->write(&sample.result, context, folder, &err), 0);
    assert_int_equal(fd_read_file(path, 4 * 1024 * 1024, &text, &size, &err), 0);
    assert_int_equal(fd_remove_tree(folder, &err), 0);
    sample_clear(&sample);
    return text;
}

static void history_sorts_the_censored_last(void **state)
{
    static struct sample sample;
    AUTO_JSON json_t *list =
        json_pack("[o, o, o, o]", drill("2025-10-01", "fail", 30, true), drill("2026-01-02", "pass", 12, false),
                  drill("2026-04-01", "inconclusive", NAN, false), drill("2026-07-01", "fail", 50, false));
    const struct report_context context = {.history = list};
    (void)state;
    sample_passing(&sample);
    struct history *history CLEANUP(history_cleanup) = history_new(&sample.result, &context);
    assert_int_equal(history->count, 5);
    assert_int_equal(history->passed, 2);
    assert_int_equal(history->failed, 2);
    assert_true(history->least_s == 12);
    assert_true(history->most_censored && history->most_s == 30); /* more than 30 s is worse than 50 s */
    assert_true(history->median_s == 50 && !history->median_censored);
    assert_true(isnan(history->p95_s)); /* too few */
    sample_clear(&sample);
}

static void pass_bound_is_known(void **state)
{
    (void)state;
    assert_true(fabs(history_pass_bound(1) - 0.05) < 1e-9);
    assert_true(fabs(history_pass_bound(4) - 0.4729) < 1e-4);
    assert_true(fabs(history_pass_bound(59) - 0.9505) < 1e-4);
}

static void shares_leave_out_the_hold(void **state)
{
    static struct sample sample;
    (void)state;
    sample_passing(&sample);
    struct waterfall waterfall = waterfall_worst(&sample.result);
    double sum = 0;
    assert_int_equal(waterfall.count, 6);
    for (size_t i = 0; i < 5; i++) {
        sum += waterfall_share(&sample.result, waterfall, &sample.phases[i]);
    }
    assert_true(fabs(sum - 1) < 1e-9);
    assert_true(isnan(waterfall_share(&sample.result, waterfall, &sample.phases[5])));
    sample_clear(&sample);
}

static void programme_and_history_are_shown(void **state)
{
    AUTO_JSON json_t *history = json_pack("[o]", drill("2026-01-02", "pass", 12.5, false));
    AUTO_JSON json_t *programme = json_pack(
        "{s:s, s:[{s:s, s:s}], s:[s, s], s:[{s:s, s:s, s:s, s:b, s:s}, {s:s, s:s, s:s, s:b}], s:s, s:[{s:s, s:s, s:s}]}",
        "environment", "staging-7", "approvals", "name", "M. Approver", "ticket", "CHG-9", "not_tested", "two regions",
        "the backup", "evidence", "framework", "DORA", "clause", "Art. 11(6)", "field", "third_parties", "present", 1, "where",
        "#plan", "framework", "DORA", "clause", "Art. 25", "field", "tickets", "present", 0, "member_of_tomorrow",
        "shown all the same", "security", "text", "no token, no answer", "result", "fail", "detail", "3 of 9 got through");
    const struct report_context context = {.programme = programme, .history = history};
    AUTO_FREE char *page = page_with(&context);
    (void)state;
    assert_non_null(programme);
    assert_non_null(strstr(page, "12.5 s, pass, 2026-01-02")); /* the last drill, beside the objective */
    assert_non_null(strstr(page, "2 drills: 2 passed"));
    assert_non_null(strstr(page, "staging-7"));
    assert_non_null(strstr(page, "M. Approver"));
    assert_non_null(strstr(page, "two regions; the backup"));
    assert_non_null(strstr(page, "DORA: 1 of 2 fields are there"));
    assert_non_null(strstr(page, "<a href=\"#plan\">plan</a>"));
    assert_non_null(strstr(page, "shown all the same"));
    assert_non_null(strstr(page, "✘ FAIL</td><td>no token, no answer"));
}

static void secrets_taken_out_are_told(void **state)
{
    AUTO_JSON json_t *redactions =
        json_pack("{s:[{s:s, s:s, s:i}, {s:s, s:s, s:i}], s:[s, s]}", "redacted", "file", "events.jsonl", "rule", "name token",
                  "count", 3, "file", "<b>.log", "rule", "url user", "count", 2, "added", "x-tenant", "x-<own>");
    AUTO_JSON json_t *none = json_pack("{s:[], s:[]}", "redacted", "added");
    const struct report_context told = {.redactions = redactions}, nothing = {.redactions = none}, unknown = {0};
    AUTO_FREE char *page = page_with(&told), *again = page_with(&told), *empty = page_with(&nothing),
                   *without = page_with(&unknown);
    (void)state;
    assert_string_equal(page, again);
    assert_non_null(strstr(page, "Secrets taken out"));
    assert_non_null(strstr(page, "5 values were replaced with [redacted]"));
    assert_non_null(strstr(page, "<td>events.jsonl</td><td>name token</td>"));
    assert_non_null(strstr(page, "<td>&lt;b&gt;.log</td>"));
    assert_non_null(strstr(page, "added to the rules: x-tenant, x-&lt;own&gt;."));
    assert_non_null(strstr(empty, "No rule found a secret"));
    assert_null(strstr(without, "Secrets taken out"));
}

static void hostile_context_stays_text(void **state)
{
    static const char evil[] = "</style><script>alert(1)</script>";
    AUTO_JSON json_t *programme = json_pack("{s:s, s:s, s:[{s:s, s:b, s:s}]}", "environment", evil, evil, evil, "evidence",
                                            "framework", evil, "present", 1, "where", "javascript:alert(1)");
    AUTO_JSON json_t *history = json_pack("[o]", drill(evil, evil, 12.5, false));
    AUTO_JSON json_t *verify = json_pack("{s:s, s:[s]}", "bundle", evil, "commands", evil);
    const struct report_context context = {.programme = programme, .history = history, .verify = verify};
    AUTO_FREE char *page = page_with(&context);
    (void)state;
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "href=\"javascript:"));
}

static void context_of_another_shape_is_refused(void **state)
{
    char folder[] = "/tmp/drill-report-XXXXXX";
    struct report_context context = {0};
    struct err err = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = xasprintf("%s/history.json", folder);
    assert_int_equal(report_context_load(folder, &context, &err), 0);
    assert_null(context.history);
    assert_int_equal(fd_write_file_atomic(path, "{}", 2, &err), 0);
    assert_true(report_context_load(folder, &context, &err) < 0);
    assert_non_null(strstr(err.text, "must hold a list"));
    report_context_clear(&context);
    err = (struct err){0};
    assert_int_equal(fd_remove_tree(folder, &err), 0);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) {
        count++;
    }
    return count;
}

static void ten_annotations_are_enough(void **state)
{
    static struct sample sample;
    static char finding[] = "50% of it:\n::error::all", *findings[30];
    struct buf out CLEANUP(buf_clear) = {0};
    (void)state;
    sample_failing(&sample);
    for (size_t i = 0; i < ARRAY_LEN(findings); i++) {
        findings[i] = finding;
    }
    sample.result.findings = findings;
    sample.result.finding_count = ARRAY_LEN(findings);
    report_annotations(&sample.result, "scenarios/a,b.lua", "line one\nobjectives = { \"rto <= 20s\" }\n", &out);
    sample_clear(&sample);
    assert_int_equal(count_of(buf_str(&out), "\n"), 10);
    assert_true(str_starts_with(
        buf_str(&out), "::error title=region-outage%3A rto <= 20s was missed,file=scenarios/a%2Cb.lua,line=2::20.0004 s"));
    assert_int_equal(count_of(buf_str(&out), "::error title="), 2);
    assert_int_equal(count_of(buf_str(&out), "\n::error::"), 0); /* a finding cannot add one of its own */
    assert_non_null(strstr(buf_str(&out), "50%25 of it:%0A"));
}

static void tap_says_what_is_not_met(void **state)
{
    static struct sample sample;
    struct buf out CLEANUP(buf_clear) = {0};
    (void)state;
    sample_passing(&sample);
    report_tap(&sample.result, &out);
    assert_int_equal(count_of(buf_str(&out), "not ok"), 0);
    buf_reset(&out);
    sample_clear(&sample);
    sample_aborted(&sample);
    report_tap(&sample.result, &out);
    assert_true(str_starts_with(buf_str(&out), "TAP version 14\n1..1\n"));
    assert_non_null(strstr(buf_str(&out), "not ok 1 - "));
    assert_non_null(strstr(buf_str(&out), "Bail out! ABORTED"));
    buf_reset(&out);
    sample_hostile(&sample);
    report_tap(&sample.result, &out);
    sample_clear(&sample);
    assert_null(strchr(buf_str(&out), '\033'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_sorts_the_censored_last),
        cmocka_unit_test(pass_bound_is_known),
        cmocka_unit_test(shares_leave_out_the_hold),
        cmocka_unit_test(programme_and_history_are_shown),
        cmocka_unit_test(secrets_taken_out_are_told),
        cmocka_unit_test(hostile_context_stays_text),
        cmocka_unit_test(context_of_another_shape_is_refused),
        cmocka_unit_test(ten_annotations_are_enough),
        cmocka_unit_test(tap_says_what_is_not_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
