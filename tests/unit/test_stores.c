/* Stores against a known truth: lag is no divergence, a fork is; two primaries at once. */
#include "harness/base/buf.h"
#include "tests/support/fake_evidence.h"

enum { WRITES = 100 /* ten a second for ten seconds, acknowledged within 5 ms */ };

static void begin(struct fake_evidence *fake)
{
    const struct fake_span spans[] = {{2, 2.5, OUTCOME_TIMEOUT_FIRST_BYTE, CLASS_NONE, 0}}; /* 21 to 25 were never answered */
    fake_open(fake);
    fake_objective(fake, "divergent <= 0");
    fake_objective(fake, "two_primaries <= 0s");
    fake_inject(fake, 4, "f1", true);
    ledger_close(fake_ledger(fake, "edge", 0, 10, 10, 1, spans, 1));
}

/* The store has the writes 1 to `last`, but for those from `from` to `to`. */
static void reading(struct fake_evidence *fake, double begun_s, int number, const char *store, unsigned last, unsigned from,
                    unsigned to)
{
    struct err err = {0};
    struct buf ids CLEANUP(buf_clear) = {0};
    AUTO_FREE char *file = xasprintf("store-%d-%s.ids", number, store);
    AUTO_FREE char *path = xasprintf("%s/%s", fake->folder, file);
    int count = 0;
    for (unsigned i = 1; i <= last; i++) {
        if (i < from || i > to) {
            buf_printf(&ids, "w7f-edge-%09u\n", i);
            count++;
        }
    }
    assert_int_equal(fd_write_file_atomic(path, buf_str(&ids), ids.size, &err), 0);
    fake_event(fake, begun_s + 0.1, "store.read",
               json_pack("{s:i, s:s, s:s, s:I, s:b, s:s, s:s, s:i}", "number", number, "label", number == 1 ? "split" : "healed",
                         "store", store, "begun_ns", (json_int_t)fake_ns(begun_s), "complete", 1, "reason", "", "file", file,
                         "count", count));
}

static void unread(struct fake_evidence *fake, double begun_s, const char *store)
{
    fake_event(fake, begun_s + 0.1, "store.read",
               json_pack("{s:i, s:s, s:s, s:I, s:b, s:s, s:s, s:i}", "number", 1, "label", "split", "store", store, "begun_ns",
                         (json_int_t)fake_ns(begun_s), "complete", 0, "reason", "connection refused", "file", "none.ids", "count",
                         0));
}

static void role(struct fake_evidence *fake, double t_s, const char *store, const char *from, const char *to)
{
    AUTO_FREE char *subject = xasprintf("store %s", store);
    fake_event(fake, t_s, "observe",
               json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", "store", "subject", subject, "from", from, "to", to, "bound_ns",
                         (json_int_t)(100 * NS_PER_MS)));
}

static const char *finding(const struct result *result, const char *part)
{
    for (size_t i = 0; i < result->finding_count; i++) {
        if (strstr(result->findings[i], part)) {
            return result->findings[i];
        }
    }
    return "";
}

/* Asked while writes go on: what was acknowledged before the first list counts, and a standby that lacks the newest of it only lags. */
static void test_lag_is_no_divergence(void **state)
{
    struct fake_evidence fake;
    (void)state;
    begin(&fake);
    reading(&fake, 8, 1, "a", 85, 0, 0);
    reading(&fake, 8.4, 1, "b", 70, 0, 0);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    const struct stores_result *stores = &result->stores;
    assert_int_equal(stores->comparison_count, 1);
    assert_int_equal(stores->comparisons[0].asked, 75); /* 80 were due by 7.9 s, five of them unanswered */
    assert_int_equal(stores->comparisons[0].contents[0].has, 75);
    assert_int_equal(stores->comparisons[0].contents[0].unacknowledged, 5);
    assert_int_equal(stores->comparisons[0].contents[1].missing, 10);
    assert_int_equal(stores->comparisons[0].contents[0].only_here, 10);
    assert_int_equal(stores->comparisons[0].forked, 0);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MET);
    assert_int_equal(result->objectives[1].judgement, JUDGEMENT_UNKNOWN); /* nobody watched the stores' roles */
    fake_close(&fake);
}

/* `a` went on to 60 alone, `b` and its standby `c` took over with 61: six writes on one side, the rest on the other. */
static void test_a_fork_is_named_store_by_store(void **state)
{
    struct fake_evidence fake;
    (void)state;
    begin(&fake);
    reading(&fake, 11, 1, "a", 60, 0, 0);
    reading(&fake, 11, 1, "b", 100, 55, 60);
    reading(&fake, 11, 1, "c", 98, 55, 60);
    reading(&fake, 12, 2, "a", 100, 55, 60);
    reading(&fake, 12, 2, "b", 100, 55, 60);
    reading(&fake, 12, 2, "c", 100, 55, 60);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    const struct stores_result *stores = &result->stores;
    assert_int_equal(stores->comparisons[0].forked, 7);
    assert_int_equal(stores->comparisons[0].divergent, 46);
    assert_int_equal(stores->comparisons[1].forked, 0);
    assert_int_equal(stores->write_count, 46); /* each once, whatever comparisons it is seen in */
    assert_string_equal(stores->writes[0].id, "w7f-edge-000000055");
    assert_int_equal(stores->writes[0].on[0], 1);
    assert_int_equal(stores->writes[0].on[1], 0);
    assert_int_equal(stores->writes[45].on[0], 2);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MISSED);
    assert_non_null(strstr(finding(result, "\"split\""), "6 on a only (w7f-edge-000000055, w7f-edge-000000056, "));
    assert_non_null(strstr(finding(result, "\"split\""), "38 on b, c only"));
    assert_non_null(strstr(finding(result, "\"healed\""), "6 on no store any more"));
    fake_close(&fake);
}

static void test_a_store_that_cannot_be_read_is_not_known(void **state)
{
    struct fake_evidence fake;
    (void)state;
    begin(&fake);
    reading(&fake, 11, 1, "a", 100, 0, 0);
    unread(&fake, 11, "b");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(result->stores.divergent.measured);
    assert_non_null(strstr(result->stores.divergent.why, "b could not be read (split): connection refused"));
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_UNKNOWN);
    fake_close(&fake);
}

static void test_a_fork_beside_an_unread_store_is_at_least(void **state)
{
    struct fake_evidence fake;
    (void)state;
    begin(&fake);
    reading(&fake, 11, 1, "a", 60, 0, 0);
    reading(&fake, 11, 1, "b", 100, 55, 60);
    unread(&fake, 11, "c");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_true(result->stores.divergent.measured && result->stores.divergent.at_least);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MISSED);
    fake_close(&fake);
}

static void test_a_list_that_is_not_whole_is_not_believed(void **state)
{
    struct fake_evidence fake;
    struct err err = {0};
    (void)state;
    begin(&fake);
    reading(&fake, 11, 1, "a", 60, 0, 0);
    reading(&fake, 11, 1, "b", 100, 55, 60);
    AUTO_FREE char *path = xasprintf("%s/store-1-b.ids", fake.folder);
    assert_int_equal(fd_write_file_atomic(path, "w7f-edge-000000001\n", 19, &err), 0);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(result->stores.divergent.measured);
    assert_non_null(strstr(result->stores.divergent.why, "holds 1 ids"));
    fake_close(&fake);
}

static void test_two_primaries_at_once(void **state)
{
    struct fake_evidence fake;
    (void)state;
    begin(&fake);
    role(&fake, 0, "a", "", "primary");
    role(&fake, 0, "b", "", "standby");
    role(&fake, 5, "b", "standby", "primary");
    role(&fake, 6, "a", "primary", "unknown");
    role(&fake, 7, "a", "unknown", "primary");
    role(&fake, 7.5, "a", "primary", "standby");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    const struct stores_result *stores = &result->stores;
    assert_int_equal(stores->span_count, 2);
    assert_true(stores->two_primaries.measured);
    assert_float_equal(stores->two_primaries.value, 1.5, 1e-9);
    assert_float_equal(stores->two_primaries.resolution, 0.2, 1e-9);
    assert_int_equal(stores->spans[0].mask, 3);
    assert_int_equal(result->objectives[1].judgement, JUDGEMENT_MISSED);
    assert_string_equal(finding(result, "Two primaries"),
                        "Two primaries at once: a, b, for 1.00 s from 1.00 s after the first disruption.");
    fake_close(&fake);
}

static void test_one_after_the_other_is_fine(void **state)
{
    struct fake_evidence fake;
    (void)state;
    begin(&fake);
    role(&fake, 0, "a", "", "primary");
    role(&fake, 0, "b", "", "standby");
    role(&fake, 5, "a", "primary", "standby");
    role(&fake, 6, "b", "standby", "primary");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->stores.span_count, 0);
    assert_int_equal(result->objectives[1].judgement, JUDGEMENT_MET);
    fake_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lag_is_no_divergence),
        cmocka_unit_test(test_a_fork_is_named_store_by_store),
        cmocka_unit_test(test_a_store_that_cannot_be_read_is_not_known),
        cmocka_unit_test(test_a_fork_beside_an_unread_store_is_at_least),
        cmocka_unit_test(test_a_list_that_is_not_whole_is_not_believed),
        cmocka_unit_test(test_two_primaries_at_once),
        cmocka_unit_test(test_one_after_the_other_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
