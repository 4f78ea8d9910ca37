/* From evidence to reports: what measuring gives is what the reports say. */
#include "tests/support/fake_evidence.h"

#include "reports/report.h"

static void observed(struct fake_evidence *fake, double t_s, const char *observer, const char *subject, const char *from,
                     const char *to)
{
    fake_event(fake, t_s, "observe",
               json_pack("{s:s, s:s, s:s, s:s}", "observer", observer, "subject", subject, "from", from, "to", to));
}

static char *read_report(const struct fake_evidence *fake, const char *name)
{
    struct err err = {0};
    char *text = NULL;
    size_t size = 0;
    AUTO_FREE char *path = xasprintf("%s/%s", fake->folder, name);
    assert_int_equal(fd_read_file(path, 4 * 1024 * 1024, &text, &size, &err), 0);
    return text;
}

/* An outage of both kinds, seen from two vantages, and a failback that nobody noticed. */
static void fill_outage(struct fake_evidence *fake)
{
    static const struct fake_span edge[] = {{10.1, 17, OUTCOME_TIMEOUT_CONNECT, CLASS_NONE, 0},
                                            {14, 17, OUTCOME_STATUS, CLASS_READ, 0}};
    static const struct fake_span asia[] = {{10.1, 15, OUTCOME_REFUSED, CLASS_NONE, 0}};
    fake_objective(fake, "rto <= 20s");
    fake_objective(fake, "failed < 40%");
    fake_objective(fake, "rpo <= 0s");
    ledger_close(fake_ledger(fake, "edge", 0, 50, 100, 4, edge, ARRAY_LEN(edge)));
    ledger_close(fake_ledger(fake, "asia", 0, 50, 100, 4, asia, ARRAY_LEN(asia)));
    fake_inject(fake, 10, "f1", true);
    observed(fake, 13, "health", "us-east-gw1", "up", "down");
    observed(fake, 14, "dns", "api", "10.1.0.11", "10.2.0.11");
    observed(fake, 16, "role", "eu-west-db", "replica", "primary");
    fake_revert(fake, 30, "f1");
    fake_end(fake, 50, "completed");
}

/* What pictures show must add up to what tables say. */
static void details_add_up(const struct result *result)
{
    uint64_t answered = 0, sent = 0, failed = 0;
    for (size_t i = 0; i < result->bin_count; i++) {
        for (size_t bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
            answered += result->bins[i].latency_counts[bucket];
        }
    }
    for (size_t i = 0; i < result->region_count; i++) {
        sent += result->regions[i].answered + result->regions[i].failed;
        failed += result->regions[i].failed;
    }
    assert_int_equal(answered, result->by_outcome[OUTCOME_OK] + result->by_outcome[OUTCOME_STATUS]);
    assert_int_equal(sent, result->requests.scheduled - result->requests.not_sent);
    assert_int_equal(failed, result->requests.failed + result->requests.timed_out);
    const struct failure_example *refused = &result->first_of[OUTCOME_REFUSED];
    assert_true(refused->known && refused->due_ns == fake_ns(10.1));
    assert_string_equal(refused->vantage, "asia");
    assert_int_equal(result->first_of[OUTCOME_STATUS].http_status, 503);
    assert_false(result->first_of[OUTCOME_DNS].known);
}

static void measured_drill_is_reported(void **state)
{
    struct err err = {0};
    struct fake_evidence fake;
    struct buf console CLEANUP(buf_clear) = {0};
    (void)state;
    fake_open(&fake);
    fill_outage(&fake);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    details_add_up(result);
    assert_int_equal(reports_write_all(result, NULL, fake.folder, &err), 0);
    AUTO_FREE char *html = read_report(&fake, "report.html"), *junit = read_report(&fake, "junit.xml");
    AUTO_JSON json_t *json = NULL;
    AUTO_FREE char *path = xasprintf("%s/report.json", fake.folder);
    assert_int_equal(json_read_file(path, &json, &err), 0);
    const json_t *measured = json_object_get(json, "measured"), *requests = json_object_get(measured, "requests");
    assert_int_equal(json_int(requests, "scheduled", 0), 10000);
    assert_int_equal(json_int(requests, "ok", 0) + json_int(requests, "failed", 0) + json_int(requests, "timed_out", 0), 10000);
    assert_true(json_num(json_object_get(measured, "rto"), "seconds", -1) == result->rto.value);
    assert_true(json_is_null(json_object_get(json_object_get(measured, "rpo"), "lost"))); /* nothing was read back */
    assert_string_equal(json_str(json, "verdict", ""), "inconclusive");
    assert_non_null(strstr(html, "INCONCLUSIVE"));
    assert_non_null(strstr(html, "health us-east-gw1: up → down"));
    assert_non_null(strstr(junit, "type=\"inconclusive\""));
    report_console(result, false, false, &console);
    assert_non_null(strstr(buf_str(&console), "UNKNOWN  rpo <= 0s"));
    fake_close(&fake);
}

static void aborted_drill_is_reported(void **state)
{
    struct err err = {0};
    struct fake_evidence fake;
    (void)state;
    fake_open(&fake);
    fake_objective(&fake, "rto <= 20s");
    fake_event(&fake, 1, "abort", json_pack("{s:s}", "reason", "interrupted"));
    fake_end(&fake, 2, "aborted");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(reports_write_all(result, NULL, fake.folder, &err), 0);
    AUTO_FREE char *html = read_report(&fake, "report.html"), *markdown = read_report(&fake, "report.md");
    assert_non_null(strstr(html, "drill aborted"));
    assert_non_null(strstr(markdown, "The drill was aborted"));
    fake_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_drill_is_reported),
        cmocka_unit_test(aborted_drill_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
