/* Whose failure is it, where a fault comes while requests are on their way? */
#include "tests/support/fake_evidence.h"

/* Two faults, at 10 and at 30 s; the first makes all requests fail from 11 to 13, and then all end like this from 29.7 to 37. */
static struct result *two_faults(struct fake_evidence *fake, enum request_outcome outcome)
{
    const struct fake_span spans[] = {{11, 13, OUTCOME_RESET, CLASS_NONE, 0}, {29.7, 37, outcome, CLASS_NONE, 0}};
    fake_open(fake);
    fake_inject(fake, 10, "f1", true);
    fake_inject(fake, 30, "f2", true);
    ledger_close(fake_ledger(fake, "edge", 0, 60, 100, 0, spans, 2));
    return fake_measure(fake);
}

/* A request that is on its way when the second fault comes fails by that one: it does not open the first outage again. */
static void test_a_request_on_its_way_is_the_next_ones(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct result *result CLEANUP(result_cleanup) = two_faults(&fake, OUTCOME_TIMEOUT_BODY);
    assert_int_equal(result->observation_count, 2);
    assert_float_equal(result->observations[0].rto.value, 3, 1e-6);
    assert_int_equal(result->observations[0].watched_until_ns, fake_ns(29.7));
    assert_float_equal(result->observations[1].rto.value, 7, 1e-6);
    assert_string_equal(result->observations[result->rto_observation].fault_id, "f2");
    fake_close(&fake);
}

/* It had failed before the second fault came: then the first outage was not over. */
static void test_a_failure_before_the_next_is_the_first_ones(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct result *result CLEANUP(result_cleanup) = two_faults(&fake, OUTCOME_RESET);
    assert_float_equal(result->observations[0].rto.value, 27, 1e-6);
    fake_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_on_its_way_is_the_next_ones),
        cmocka_unit_test(test_a_failure_before_the_next_is_the_first_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
