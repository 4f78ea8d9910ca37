/* Doors that must stay locked: what counts as a gap, as held, and as not asked. */
#include "tests/support/fake_evidence.h"

static void answer(struct fake_evidence *fake, double t_s, const char *name, const char *to)
{
    fake_event(fake, t_s, "observe",
               json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", "security", "subject", name, "from", "", "to", to, "bound_ns",
                         (json_int_t)(2 * NS_PER_S)));
}

/* Something is broken at 10 s; both doors hold before. */
static struct fake_evidence begin(void)
{
    struct fake_evidence fake;
    fake_open(&fake);
    json_object_set_new(fake.plan, "security", json_pack("[s, s]", "tls", "limit"));
    fake_objective(&fake, "security_gaps <= 0");
    answer(&fake, 1, "tls", "holds in us-east");
    answer(&fake, 1, "limit", "holds in us-east");
    fake_inject(&fake, 10, "f1", true);
    ledger_close(fake_ledger(&fake, "edge", 0, 40, 100, 4, NULL, 0));
    return fake;
}

/* `finding` (may be NULL) must be among what is told. */
static void check(struct fake_evidence *fake, enum judgement judgement, double gaps, const char *finding)
{
    fake_end(fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(fake);
    bool told = finding == NULL;
    for (size_t i = 0; i < result->finding_count; i++) {
        told = told || strstr(result->findings[i], finding);
    }
    assert_true(told);
    assert_int_equal(result->objectives[0].judgement, judgement);
    if (judgement != JUDGEMENT_UNKNOWN) {
        assert_int_equal((int)result->objectives[0].measured.value, (int)gaps);
    }
    fake_close(fake);
}

static void test_all_hold(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    answer(&fake, 12, "limit", "unanswered: 000");
    answer(&fake, 18, "limit", "holds in us-west");
    check(&fake, JUDGEMENT_MET, 0, "limit: asked all the time, no gap; at last \"holds in us-west\"");
}

static void test_a_gap_elsewhere(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    answer(&fake, 18, "limit", "gap in us-west: 200");
    answer(&fake, 20, "limit", "holds in us-west"); /* closed again: it was open */
    answer(&fake, 22, "limit", "gap in us-west: 201");
    check(&fake, JUDGEMENT_MISSED, 1, "limit: gap in us-west: 200, seen 8.0 s after the first disruption and not before");
}

static void test_a_gap_before(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    answer(&fake, 3, "tls", "gap in us-east: 200");
    check(&fake, JUDGEMENT_MISSED, 1, "tls: gap in us-east: 200, seen before anything was broken");
}

/* Nobody asked is nothing known. */
static void test_not_answered_any_more(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    answer(&fake, 9, "tls", "unanswered: 000");
    check(&fake, JUDGEMENT_UNKNOWN, 0, "tls was not answered any more");
}

/* A gap that was seen stays one, whatever else is unknown. */
static void test_a_gap_is_known(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    answer(&fake, 9, "tls", "unreachable");
    answer(&fake, 18, "limit", "gap in us-west: 200");
    check(&fake, JUDGEMENT_MISSED, 1, NULL);
}

static void test_nothing_is_watched(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    json_object_set_new(fake.plan, "security", json_array());
    check(&fake, JUDGEMENT_UNKNOWN, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_hold),       cmocka_unit_test(test_a_gap_elsewhere),
        cmocka_unit_test(test_a_gap_before),   cmocka_unit_test(test_not_answered_any_more),
        cmocka_unit_test(test_a_gap_is_known), cmocka_unit_test(test_nothing_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
