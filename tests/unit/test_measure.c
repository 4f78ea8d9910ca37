/* Whole evidence folders with a known truth: what is measured, judged and said at the end. */
#include <unistd.h>

#include "tests/support/fake_evidence.h"

static bool near(double value, double expected)
{
    return value > expected - 1e-6 && value < expected + 1e-6;
}

/* A hundred requests a second from 0 to `seconds`, every fourth a write. */
static void load(struct fake_evidence *fake, double seconds, const struct fake_span *spans, size_t count)
{
    ledger_close(fake_ledger(fake, "edge", 0, seconds, 100, 4, spans, count));
}

static void observed(struct fake_evidence *fake, double t_s, const char *observer, const char *subject, const char *from,
                     const char *to)
{
    fake_event(fake, t_s, "observe",
               json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", observer, "subject", subject, "from", from, "to", to,
                         "bound_ns", (json_int_t)(200 * NS_PER_MS)));
}

static void test_pass(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 17, OUTCOME_TIMEOUT_CONNECT, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_objective(&fake, "rto <= 20s");
    fake_objective(&fake, "failed < 30%");
    fake_objective(&fake, "p99 <= 10ms after recovery");
    fake_inject(&fake, 10, "f1", true);
    load(&fake, 40, spans, 1);
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->verdict, VERDICT_PASS);
    assert_int_equal(result->exit_code, 0);
    assert_string_equal(result->exit_words, "PASS");
    assert_int_equal(result->observation_count, 2);
    assert_true(near(result->rto.value, 7));
    /* gap between two writes, and the injector's bracket */
    assert_true(near(result->rto.resolution, 0.04 + 0.001));
    assert_int_equal(result->rto_observation, 1);
    assert_int_equal(result->observations[0].outage_start_ns, fake_ns(12.01)); /* 12.00 is a write */
    assert_int_equal(result->observations[1].outage_start_ns, fake_ns(12));
    assert_int_equal(result->observations[1].recovery_ns, fake_ns(17));
    assert_int_equal(result->requests.scheduled, 4000);
    assert_int_equal(result->requests.timed_out, 500);
    assert_int_equal(result->requests.ok, 3500);
    assert_int_equal(result->bin_count, 40);
    assert_int_equal(result->bins[12].timed_out, 100);
    assert_int_equal(result->bins[11].ok, 100);
    assert_true(near(result->bins[11].p99_s, 0.005));
    assert_int_equal(result->address_count, 1);
    assert_string_equal(result->addresses[0].address, "10.1.0.17");
    assert_string_equal(result->addresses[0].region, "us-east");
    assert_int_equal(result->before.count, 1000);
    assert_true(near(result->during.max_s, 1));
    assert_true(near(result->after.p99_s, 0.005));
    assert_true(result->driver.schedule_kept);
    fake_close(&fake);
}

static void test_missed_and_marginal(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 17, OUTCOME_STATUS, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_objective(&fake, "rto <= 5s");
    fake_objective(&fake, "rto <= 7.01s");
    fake_objective(&fake, "failed < 500");
    fake_objective(&fake, "failed <= 500");
    fake_inject(&fake, 10, "f1", true);
    load(&fake, 40, spans, 1);
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_true(near(result->during.max_s, 1)); /* refusing within 5 ms is not fast */
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MISSED);
    assert_int_equal(result->objectives[1].judgement, JUDGEMENT_MISSED);
    assert_non_null(strstr(result->objectives[1].reason, "marginal"));
    assert_int_equal(result->objectives[2].judgement, JUDGEMENT_MISSED);
    assert_int_equal(result->objectives[3].judgement, JUDGEMENT_MET);
    assert_int_equal(result->exit_code, 1);
    assert_string_equal(result->exit_words, "FAIL (rto, failed)");
    fake_close(&fake);
}

static void test_not_recovered_is_at_least(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 60, OUTCOME_REFUSED, CLASS_READ, 0}};
    fake_open(&fake);
    fake_objective(&fake, "rto <= 90s");
    fake_inject(&fake, 10, "f1", true);
    load(&fake, 40, spans, 1);
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_true(result->rto.at_least);
    assert_true(result->rto.value > 29.9 && result->rto.value <= 30);
    assert_int_equal(result->observations[0].recovery_ns, 0);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MISSED);
    assert_false(result->after.measured);
    fake_close(&fake);
}

static void test_relapse_and_flapping(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct fake_span spans[11] = {{32, 33, OUTCOME_RESET, CLASS_NONE, 0}};
    for (size_t i = 0; i < 10; i++) { /* down for 0.5 s of every 2 s, never good for the hold time */
        spans[i + 1] = (struct fake_span){12 + 2 * (double)i, 12.5 + 2 * (double)i, OUTCOME_RESET, CLASS_NONE, 0};
    }
    fake_open(&fake);
    fake_inject(&fake, 10, "f1", true);
    load(&fake, 60, spans, 11);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->observations[1].outage_start_ns, fake_ns(12));
    assert_int_equal(result->observations[1].recovery_ns, fake_ns(33) + 0);
    assert_true(near(result->observations[1].rto.value, 23));
    fake_close(&fake);
}

static void test_masked_fault(void **state)
{
    (void)state;
    struct fake_evidence fake;
    fake_open(&fake);
    fake_objective(&fake, "rto <= 1s");
    fake_inject(&fake, 10, "f1", true);
    load(&fake, 40, NULL, 0);
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_true(result->rto.measured && !result->rto.at_least);
    assert_true(result->rto.value == 0);
    assert_int_equal(result->phase_count, 0);
    assert_int_equal(result->exit_code, 0);
    fake_close(&fake);
}

static void test_unproven_fault_proves_nothing(void **state)
{
    (void)state;
    struct fake_evidence fake;
    fake_open(&fake);
    fake_objective(&fake, "rto <= 1s");
    fake_inject(&fake, 10, "f1", false);
    load(&fake, 40, NULL, 0);
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(result->rto.measured);
    assert_int_equal(result->verdict, VERDICT_INCONCLUSIVE);
    assert_string_equal(result->exit_words, "INCONCLUSIVE (fault f1 not proven, rto not measured)");
    fake_close(&fake);
}

/* The outage goes on through the revert: the first clock never stops, the second counts from its own time. */
static void test_outage_through_the_revert(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 23, OUTCOME_TIMEOUT_BODY, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_inject(&fake, 10, "f1", true);
    fake_revert(&fake, 20, "f1");
    load(&fake, 60, spans, 1);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->observation_count, 4);
    assert_string_equal(result->observations[0].cause, "inject blackhole us-east");
    assert_string_equal(result->observations[3].cause, "revert blackhole us-east");
    assert_true(near(result->observations[1].rto.value, 13));
    assert_true(near(result->observations[3].rto.value, 3));
    assert_true(near(result->rto.value, 13));
    fake_close(&fake);
}

static void test_two_faults_each_with_its_outage(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{11, 13, OUTCOME_RESET, CLASS_NONE, 0}, {32, 37, OUTCOME_RESET, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_inject(&fake, 10, "f1", true);
    fake_inject(&fake, 30, "f2", true);
    load(&fake, 60, spans, 2);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_true(near(result->observations[1].rto.value, 3));
    assert_int_equal(result->observations[1].watched_until_ns, fake_ns(30));
    assert_true(near(result->observations[3].rto.value, 7));
    assert_string_equal(result->observations[result->rto_observation].fault_id, "f2");
    fake_close(&fake);
}

/* Reverted at the very end without waiting: says nothing, spoils nothing. */
static void test_unwatched_failback(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 15, OUTCOME_RESET, CLASS_NONE, 0}, {39.5, 40, OUTCOME_RESET, CLASS_NONE, 0}};
    for (int awaited = 0; awaited < 2; awaited++) {
        fake_open(&fake);
        fake_objective(&fake, "rto <= 20s");
        fake_inject(&fake, 10, "f1", true);
        fake_revert(&fake, 38, "f1");
        if (awaited) {
            fake_await(&fake, 38.1);
        }
        load(&fake, 40, spans, 2);
        fake_end(&fake, 40, "completed");
        struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
        assert_int_equal(result->verdict, awaited ? VERDICT_INCONCLUSIVE : VERDICT_PASS);
        assert_int_equal(result->finding_count, awaited ? 0 : 2);
        fake_close(&fake);
    }
}

static void test_killed_evidence(void **state)
{
    (void)state;
    struct fake_evidence fake;
    /* killed at 16 s: the newest requests are still open, older ones without an answer have timed out */
    const struct fake_span spans[] = {{12, 20, OUTCOME_PENDING, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_objective(&fake, "rto <= 20s");
    fake_objective(&fake, "rto <= 2s");
    fake_inject(&fake, 10, "f1", true);
    load(&fake, 16, spans, 1);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->conclusion, CONCLUSION_ERROR);
    assert_non_null(strstr(result->conclusion_reason, "killed"));
    assert_true(result->observations[1].outage);
    assert_int_equal(result->observations[1].outage_start_ns, fake_ns(12));
    assert_int_equal(result->requests.timed_out, 400);
    assert_int_equal(result->requests.ok + result->requests.timed_out, result->requests.scheduled);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_UNKNOWN);
    assert_int_equal(result->objectives[1].judgement, JUDGEMENT_MISSED);
    assert_int_equal(result->exit_code, 1);
    fake_close(&fake);
}

/* What was simply on its way when the drill was killed is no outage. */
static void test_killed_with_requests_in_flight(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{15.5, 16, OUTCOME_PENDING, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_inject(&fake, 10, "f1", true);
    load(&fake, 16, spans, 1);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(result->observations[0].outage);
    assert_int_equal(result->requests.timed_out, 50);
    fake_close(&fake);
}

static void test_driver_late(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) { /* one in a thousand is the limit */
        struct fake_evidence fake;
        fake_open(&fake);
        fake_objective(&fake, "failed < 30%");
        fake_inject(&fake, 10, "f1", true);
        struct ledger *ledger = fake_ledger(&fake, "edge", 0, 40, 100, 4, NULL, 0);
        for (uint64_t i = 0; i < 3 + 2 * (uint64_t)late; i++) {
            ledger_writable_at(ledger, 100 + i)->sent_ns += 60 * NS_PER_MS;
        }
        ledger_writable_at(ledger, 200)->sent_ns += 900 * NS_PER_MS; /* a slow connect is not the driver's */
        ledger_writable_at(ledger, 200)->new_connection = 1;
        ledger_close(ledger);
        fake_end(&fake, 40, "completed");
        struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
        assert_true(near(result->driver.late_max_s, 0.0601));
        assert_int_equal(result->driver.schedule_kept, !late);
        assert_string_equal(result->exit_words, late ? "INCONCLUSIVE (the driver was late)" : "PASS");
        fake_close(&fake);
    }
}

static void test_killed_before_the_load(void **state)
{
    (void)state;
    struct fake_evidence fake;
    fake_open(&fake);
    fake_objective(&fake, "rto <= 20s");
    fake_event(&fake, 1, "drill.start", json_pack("{s:s}", "drill_id", "x"));
    AUTO_FREE char *path = xasprintf("%s/ledger-edge.bin", fake.folder);
    struct err err = {0};
    assert_int_equal(fd_write_file_atomic(path, "", 0, &err), 0);
    assert_int_equal(truncate(path, 8192), 0);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->exit_code, 3);
    assert_string_equal(result->exit_words, "INCONCLUSIVE (killed, rto not measured)");
    assert_int_equal(result->requests.scheduled, 0);
    fake_close(&fake);
}

/* Bytes of a ledger changed at random: refused or measured, but never a crash, and the totals add up. */
static void test_damaged_ledger(void **state)
{
    (void)state;
    unsigned seed = 7, refused = 0;
    for (int round = 0; round < 300; round++) {
        struct fake_evidence fake;
        struct err err = {0};
        struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
        struct result *result CLEANUP(result_cleanup) = NULL;
        fake_open(&fake);
        fake_objective(&fake, "rto <= 20s");
        fake_inject(&fake, 2, "f1", true);
        struct ledger *ledger = fake_ledger(&fake, "edge", 0, 5, 50, 4, NULL, 0);
        unsigned char *bytes =
            round % 2 ? (unsigned char *)ledger_writable_at(ledger, 0) : (unsigned char *)ledger_header(ledger);
        for (int i = 0; i < 3; i++) {
            bytes[(unsigned)rand_r(&seed) % 250] = (unsigned char)rand_r(&seed);
        }
        ledger_close(ledger);
        AUTO_FREE char *path = xasprintf("%s/plan.json", fake.folder);
        assert_int_equal(json_write_file(path, fake.plan, &err), 0);
        if (evidence_load(fake.folder, &evidence, &err) < 0) {
            assert_true(err.text[0]);
            refused++;
        } else {
            assert_int_equal(measure_evidence(evidence, &result, &err), 0);
            assert_int_equal(result->requests.ok + result->requests.failed + result->requests.timed_out +
                                 result->requests.not_sent,
                             result->requests.scheduled);
        }
        fake_close(&fake);
    }
    assert_true(refused > 20 && refused < 280);
}

static void test_not_sent_is_the_drivers_own(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 14, OUTCOME_NOT_SENT, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_objective(&fake, "rto <= 20s");
    fake_inject(&fake, 10, "f1", true);
    load(&fake, 40, spans, 1);
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(result->observations[0].outage);
    assert_false(result->driver.schedule_kept);
    assert_int_equal(result->requests.not_sent, 200);
    assert_int_equal(result->verdict, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(result->exit_words, "too many requests not sent"));
    fake_close(&fake);
}

static void test_phases(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double start_s, end_s;
    } expected[] = {{"masked", 10, 12},    {"detect", 12, 14},    {"decide", 14, 14.5}, {"switch", 14.5, 15},
                    {"promote", 14.5, 16}, {"reconnect", 16, 17}, {"hold", 17, 22}};
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 17, OUTCOME_RESET, CLASS_WRITE, 0}, {12, 13, OUTCOME_RESET, CLASS_READ, 0}};
    fake_open(&fake);
    fake_objective(&fake, "detect <= 2.2s");
    fake_objective(&fake, "promote <= 1s");
    fake_objective(&fake, "detect <= 2.1s"); /* 2.0 ± 0.2 */
    fake_inject(&fake, 10, "f1", true);
    observed(&fake, 9, "health", "us-east-gw1", "up", "down");  /* before the disruption: not of it */
    observed(&fake, 11, "dns", "api.example", "", "10.1.0.17"); /* the first answer is no change */
    observed(&fake, 14, "health", "us-east-gw1", "up", "down");
    observed(&fake, 14.2, "dns", "api.example", "10.1.0.17", "no answer"); /* a silent server has not switched */
    observed(&fake, 14.7, "dns", "api.example", "no answer", "10.1.0.17");
    fake_event(&fake, 14.5, "note", json_pack("{s:s}", "text", "declared by the operator on duty"));
    observed(&fake, 15, "dns", "api.example", "10.1.0.17", "10.2.0.17");
    observed(&fake, 5, "role", "db@us-east-db", "", "primary");
    observed(&fake, 13, "role", "db@us-east-db", "primary", "unreachable");   /* not told is no role */
    observed(&fake, 14.8, "role", "db@us-east-db", "unreachable", "primary"); /* the same one again: no promotion */
    observed(&fake, 5, "role", "db@eu-west-db", "", "replica");
    observed(&fake, 15.5, "role", "db@eu-west-db", "replica", "unreachable");
    observed(&fake, 16, "role", "db@eu-west-db", "unreachable", "primary");
    load(&fake, 40, spans, 2);
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->phase_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(result->phases[i].name, expected[i].name);
        assert_int_equal(result->phases[i].start_ns, fake_ns(expected[i].start_s));
        assert_int_equal(result->phases[i].end_ns, fake_ns(expected[i].end_s));
    }
    assert_string_equal(result->phases[1].source, "health us-east-gw1: up to down");
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MET);
    assert_int_equal(result->objectives[1].judgement, JUDGEMENT_MISSED);
    assert_int_equal(result->objectives[2].judgement, JUDGEMENT_MISSED);
    fake_close(&fake);
}

static void test_vantage_clock_is_put_right(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 17, OUTCOME_RESET, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_inject(&fake, 110, "f1", true);
    struct ledger *ledger = fake_ledger(&fake, "edge", 0, 40, 100, 4, spans, 1);
    ledger_header(ledger)->clock_offset_ns = fake_ns(100);
    ledger_header(ledger)->clock_bound_ns = 3 * NS_PER_MS;
    ledger_close(ledger);
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_true(near(result->observations[1].rto.value, 7));
    assert_true(near(result->observations[1].rto.resolution, 0.04 + 0.003 + 0.001));
    assert_int_equal(result->bins[12].failed, 100);
    assert_true(near(result->method.clock_bound_s, 0.003));
    fake_close(&fake);
}

static void test_exit_codes(void **state)
{
    (void)state;
    static const struct {
        const char *conclusion, *objective;
        bool clean;
        int code;
        const char *words;
    } table[] = {
        {"completed", "rto <= 20s", true, 0, "PASS"},
        {"completed", "rto <= 1s", true, 1, "FAIL (rto)"},
        {"completed", NULL, true, 3, "INCONCLUSIVE (no objective)"},
        {"timed_out", "rto <= 20s", true, 3, "INCONCLUSIVE (timed out)"},
        {"error", "rto <= 20s", true, 3, "INCONCLUSIVE (error)"},
        {"error", "rto <= 1s", true, 1, "FAIL (rto)"},
        {"aborted", "rto <= 1s", true, 4, "ABORTED (interrupted)"},
        {"aborted", "rto <= 1s", false, 5, "CLEANUP FAILED (something may still be injected)"},
        {"completed", "rto <= 20s", false, 5, "CLEANUP FAILED (something may still be injected)"},
    };
    const struct fake_span spans[] = {{12, 17, OUTCOME_RESET, CLASS_NONE, 0}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake_evidence fake;
        fake_open(&fake);
        if (table[i].objective) {
            fake_objective(&fake, table[i].objective);
        }
        fake_inject(&fake, 10, "f1", true);
        load(&fake, 40, spans, 1);
        fake_event(&fake, 40, "residue", json_pack("{s:b, s:[s]}", "clean", table[i].clean, "left", "qdisc netem on eth0"));
        fake_event(&fake, 40, "drill.end", json_pack("{s:s}", "conclusion", table[i].conclusion));
        struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
        assert_int_equal(result->exit_code, table[i].code);
        assert_string_equal(result->exit_words, table[i].words);
        fake_close(&fake);
    }
}

static void test_steady_state_never_held(void **state)
{
    (void)state;
    struct fake_evidence fake;
    fake_open(&fake);
    fake_objective(&fake, "failed < 30%");
    load(&fake, 20, NULL, 0);
    fake_event(&fake, 19, "steady.failed", json_pack("{s:s}", "reason", "too many refused"));
    fake_end(&fake, 20, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_string_equal(result->exit_words, "INCONCLUSIVE (not healthy before the drill)");
    assert_false(result->disrupted);
    fake_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pass),
        cmocka_unit_test(test_missed_and_marginal),
        cmocka_unit_test(test_not_recovered_is_at_least),
        cmocka_unit_test(test_relapse_and_flapping),
        cmocka_unit_test(test_masked_fault),
        cmocka_unit_test(test_unproven_fault_proves_nothing),
        cmocka_unit_test(test_outage_through_the_revert),
        cmocka_unit_test(test_two_faults_each_with_its_outage),
        cmocka_unit_test(test_unwatched_failback),
        cmocka_unit_test(test_killed_evidence),
        cmocka_unit_test(test_killed_with_requests_in_flight),
        cmocka_unit_test(test_driver_late),
        cmocka_unit_test(test_killed_before_the_load),
        cmocka_unit_test(test_damaged_ledger),
        cmocka_unit_test(test_not_sent_is_the_drivers_own),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_vantage_clock_is_put_right),
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_steady_state_never_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
