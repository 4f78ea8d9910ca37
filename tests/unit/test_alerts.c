/* Alerts that fired, that stayed silent, that cried without cause; and what detection is where alerts are watched. */
#include "tests/support/fake_evidence.h"

static void alert(struct fake_evidence *fake, double t_s, const char *name, const char *from, const char *to)
{
    fake_event(fake, t_s, "observe",
               json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", "alert", "subject", name, "from", from, "to", to, "bound_ns",
                         (json_int_t)(100 * NS_PER_MS)));
}

/* An outage from 12 to 17 s, of which health checks know at 12.2 s. Closed with result_free. */
static struct fake_evidence begin(void)
{
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 17, OUTCOME_TIMEOUT_CONNECT, CLASS_NONE, 0}};
    fake_open(&fake);
    json_object_set_new(fake.plan, "alerts",
                        json_pack("{s:[s, s, s], s:[s, s], s:[s]}", "watched", "down", "slow", "moved", "must_fire", "down",
                                  "slow", "may_fire", "moved"));
    fake_objective(&fake, "silent_alerts <= 0");
    fake_objective(&fake, "false_alerts <= 0");
    fake_objective(&fake, "detect <= 3s");
    alert(&fake, 1, "down", "", "inactive");
    fake_inject(&fake, 10, "f1", true);
    fake_event(&fake, 12.2, "observe",
               json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", "health", "subject", "gw", "from", "up", "to", "down",
                         "bound_ns", (json_int_t)(200 * NS_PER_MS)));
    ledger_close(fake_ledger(&fake, "edge", 0, 40, 100, 4, spans, 1));
    return fake;
}

static void check(struct fake_evidence *fake, enum judgement silent, enum judgement cried, enum judgement detect)
{
    fake_end(fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(fake);
    assert_int_equal(result->objectives[0].judgement, silent);
    assert_int_equal(result->objectives[1].judgement, cried);
    assert_int_equal(result->objectives[2].judgement, detect);
    fake_close(fake);
}

static void test_all_as_they_should(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    alert(&fake, 14, "down", "inactive", "firing");
    alert(&fake, 15, "moved", "inactive", "active");
    alert(&fake, 16, "slow", "inactive", "firing");
    check(&fake, JUDGEMENT_MET, JUDGEMENT_MET, JUDGEMENT_MET);
}

static void test_one_is_silent(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    alert(&fake, 14, "down", "inactive", "firing");
    alert(&fake, 15, "slow", "inactive", "pending");
    check(&fake, JUDGEMENT_MISSED, JUDGEMENT_MET, JUDGEMENT_MET);
}

/* 4 s after the outage's start: that health checks knew at once helps nobody who is told by alerts. */
static void test_detection_is_by_alert(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    alert(&fake, 16, "down", "inactive", "firing");
    alert(&fake, 16.5, "slow", "inactive", "firing");
    check(&fake, JUDGEMENT_MET, JUDGEMENT_MET, JUDGEMENT_MISSED);
}

static void test_before_anything_was_broken(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    alert(&fake, 5, "down", "inactive", "firing");
    alert(&fake, 8, "down", "firing", "inactive");
    alert(&fake, 14, "down", "inactive", "firing");
    alert(&fake, 14, "slow", "inactive", "firing");
    check(&fake, JUDGEMENT_MET, JUDGEMENT_MISSED, JUDGEMENT_MET);
}

static void test_not_expected(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    json_object_set_new(json_object_get(fake.plan, "alerts"), "may_fire", json_array());
    alert(&fake, 14, "down", "inactive", "firing");
    alert(&fake, 14, "slow", "inactive", "firing");
    alert(&fake, 15, "moved", "inactive", "firing");
    check(&fake, JUDGEMENT_MET, JUDGEMENT_MISSED, JUDGEMENT_MET);
}

/* "slow" is about another fault than the one that was injected: it cried for the wrong reason, and was silent for its own. */
static void test_cross_fire(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    json_object_set_new(json_object_get(fake.plan, "alerts"), "after", json_pack("{s:[s]}", "slow", "delay"));
    alert(&fake, 14, "down", "inactive", "firing");
    alert(&fake, 14, "slow", "inactive", "firing");
    check(&fake, JUDGEMENT_MISSED, JUDGEMENT_MISSED, JUDGEMENT_MET);
}

/* Fired at 14 and resolved at 25, though the monitor could not be asked in between; the fault was taken away at 20. */
static void test_times_of_a_firing(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    fake_objective(&fake, "slowest_alert <= 3s");
    fake_objective(&fake, "slowest_resolve <= 5s");
    json_object_set_new(json_object_get(fake.plan, "alerts"), "must_fire", json_pack("[s]", "down"));
    alert(&fake, 14, "down", "inactive", "firing");
    fake_revert(&fake, 20, "f1");
    alert(&fake, 22, "down", "firing", "unreachable");
    alert(&fake, 23, "down", "unreachable", "firing");
    alert(&fake, 25, "down", "firing", "inactive");
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->alert_count, 3);
    assert_int_equal(result->alerts[0].firing_count, 1);
    const struct alert_firing *firing = &result->alerts[0].firings[0];
    assert_true(firing->expected && !firing->failback && !result->alerts[0].silent);
    assert_int_equal(firing->resolved_ns - firing->fired_ns, 11 * NS_PER_S);
    assert_int_equal(result->objectives[3].judgement, JUDGEMENT_MISSED);
    assert_float_equal(result->objectives[3].measured.value, 4, 1e-6);
    assert_int_equal(result->objectives[4].judgement, JUDGEMENT_MET);
    assert_float_equal(result->objectives[4].measured.value, 5, 1e-6);
    fake_close(&fake);
}

static void test_nothing_is_watched(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    json_object_del(fake.plan, "alerts");
    check(&fake, JUDGEMENT_UNKNOWN, JUDGEMENT_UNKNOWN, JUDGEMENT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_as_they_should),
        cmocka_unit_test(test_one_is_silent),
        cmocka_unit_test(test_detection_is_by_alert),
        cmocka_unit_test(test_before_anything_was_broken),
        cmocka_unit_test(test_not_expected),
        cmocka_unit_test(test_nothing_is_watched),
        cmocka_unit_test(test_cross_fire),
        cmocka_unit_test(test_times_of_a_firing),
    };
    return cmocka_run_group_tests_name("alerts", tests, NULL, NULL);
}
