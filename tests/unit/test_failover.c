/* Failovers that nobody needed. */
#include "tests/support/fake_evidence.h"

#include "harness/evidence/ledger.h"

static void observe(struct fake_evidence *fake, double t_s, const char *observer, const char *subject, const char *from,
                    const char *to)
{
    fake_event(fake, t_s, "observe",
               json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", observer, "subject", subject, "from", from, "to", to,
                         "bound_ns", (json_int_t)(100 * NS_PER_MS)));
}

/* DNS answers with us-east; a fault from 10 s on, with an outage from 12 to 17 s or without. */
static struct fake_evidence begin(bool outage, const char *objective)
{
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 17, OUTCOME_TIMEOUT_CONNECT, CLASS_NONE, 0}};
    fake_open(&fake);
    fake_objective(&fake, objective);
    observe(&fake, 1, "dns", "api", "", "10.1.0.11,10.1.0.12");
    fake_inject(&fake, 10, "f1", true);
    ledger_close(fake_ledger(&fake, "edge", 0, 40, 100, 4, spans, outage));
    return fake;
}

static struct result *end(struct fake_evidence *fake)
{
    fake_end(fake, 40, "completed");
    struct result *result = fake_measure(fake);
    fake_close(fake);
    return result;
}

static void test_leaving_a_broken_region_is_right(void **state)
{
    struct fake_evidence fake = begin(true, "false_failovers <= 0");
    (void)state;
    observe(&fake, 16, "dns", "api", "10.1.0.11,10.1.0.12", "10.2.0.11");
    observe(&fake, 30, "dns", "api", "10.2.0.11", "10.1.0.11");
    struct result *result CLEANUP(result_cleanup) = end(&fake);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MET);
}

/* One address less is no failover; the way back is none; an answer that fails to come is none. */
static void test_leaving_a_region_that_serves_is_false(void **state)
{
    struct fake_evidence fake = begin(false, "false_failovers <= 1");
    (void)state;
    observe(&fake, 12, "dns", "api", "10.1.0.11,10.1.0.12", "10.1.0.12");
    observe(&fake, 14, "dns", "api", "10.1.0.12", "10.2.0.11");
    observe(&fake, 16, "dns", "api", "10.2.0.11", "timeout");
    observe(&fake, 17, "dns", "api", "timeout", "10.1.0.12");
    observe(&fake, 20, "dns", "api", "10.1.0.12", "10.2.0.11");
    struct result *result CLEANUP(result_cleanup) = end(&fake);
    assert_true(result->false_failovers.measured && result->false_failovers.value == 2);
    assert_int_equal(result->false_failover_count, 2);
    assert_string_equal(result->false_failover_list[0].from, result->false_failover_list[1].from);
    assert_string_equal(result->false_failover_list[0].during, result->faults[0].fault); /* the only one of its kind */
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MISSED);
}

/* A client that looks the name up sees what an observer saw before. */
static void test_who_sees_the_same_later_counts_once(void **state)
{
    struct fake_evidence fake = begin(false, "false_failovers <= 1");
    (void)state;
    observe(&fake, 2, "dns", "client client", "", "10.1.0.11,10.1.0.12");
    observe(&fake, 12, "dns", "api", "10.1.0.11,10.1.0.12", "10.2.0.11");
    observe(&fake, 13, "dns", "client client", "10.1.0.11,10.1.0.12", "10.2.0.11");
    struct result *result CLEANUP(result_cleanup) = end(&fake);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MET);
    assert_int_equal(result->finding_count, 1);
}

/* The outage from 12 s on came after DNS had left. */
static void test_an_outage_later_is_no_reason(void **state)
{
    struct fake_evidence fake = begin(true, "false_failovers <= 0");
    (void)state;
    observe(&fake, 11, "dns", "api", "10.1.0.11,10.1.0.12", "10.2.0.11");
    struct result *result CLEANUP(result_cleanup) = end(&fake);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MISSED);
}

/* As with weights: there is no region to leave. */
static void test_answers_of_several_regions(void **state)
{
    struct fake_evidence fake = begin(false, "false_failovers <= 0");
    (void)state;
    observe(&fake, 5, "dns", "api", "10.1.0.11,10.1.0.12", "10.2.0.11");
    struct result *result CLEANUP(result_cleanup) = end(&fake);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_UNKNOWN);
}

static void test_nobody_watched(void **state)
{
    struct fake_evidence fake;
    (void)state;
    fake_open(&fake);
    fake_objective(&fake, "false_failovers <= 0");
    fake_inject(&fake, 10, "f1", true);
    ledger_close(fake_ledger(&fake, "edge", 0, 40, 100, 4, NULL, 0));
    struct result *result CLEANUP(result_cleanup) = end(&fake);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaving_a_broken_region_is_right),    cmocka_unit_test(test_leaving_a_region_that_serves_is_false),
        cmocka_unit_test(test_who_sees_the_same_later_counts_once), cmocka_unit_test(test_an_outage_later_is_no_reason),
        cmocka_unit_test(test_answers_of_several_regions),          cmocka_unit_test(test_nobody_watched),
    };
    return cmocka_run_group_tests_name("failover", tests, NULL, NULL);
}
