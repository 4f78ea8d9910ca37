/* Doors that must stay locked: what counts as a gap, as held, and as not asked. */
#include "tests/support/fake_evidence.h"

static void answer(struct fake_evidence *fake, double t_s, const char *name, const char *to)
{
    fake_event(fake, t_s, "observe",
               json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", "security", "subject", name, "from", "", "to", to, "bound_ns",
                         (json_int_t)(2 * NS_PER_S)));
}

/* us-east is broken from 10 s to 30 s. Users are served by nobody from dark_s until west_s, by eu-west until back_s, and by us-east else.
 * Both doors hold before. */
static struct fake_evidence begin_with(double dark_s, double west_s, double back_s)
{
    struct fake_evidence fake;
    const struct fake_span spans[] = {{dark_s, west_s, OUTCOME_TIMEOUT_CONNECT, CLASS_NONE, 0}};
    struct ledger *ledger;
    fake_open(&fake);
    json_object_set_new(fake.plan, "security", json_pack("[s, s]", "tls", "limit"));
    fake_objective(&fake, "security_gaps <= 0");
    answer(&fake, 1, "tls", "holds in us-east");
    answer(&fake, 1, "limit", "holds in us-east");
    fake_inject(&fake, 10, "f1", true);
    fake_revert(&fake, 30, "f1");
    ledger = fake_ledger(&fake, "edge", 0, 40, 100, 4, spans, 1);
    for (uint64_t i = (uint64_t)(west_s * 100); i < (uint64_t)(back_s * 100); i++) {
        ledger_writable_at(ledger, i)->address = htobe32(0x0a020011); /* 10.2.0.17 */
    }
    ledger_close(ledger);
    return fake;
}

static struct fake_evidence begin(void)
{
    return begin_with(10, 16, 30);
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
    answer(&fake, 16, "tls", "holds in eu-west");
    answer(&fake, 18, "limit", "holds in eu-west");
    answer(&fake, 33, "limit", "holds in us-east");
    check(&fake, JUDGEMENT_MET, 0, "limit: no gap: holds in us-east, eu-west.");
}

/* One door was asked before and after only: nothing is known of it where users were. */
static void test_not_asked_elsewhere(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    answer(&fake, 16, "limit", "holds in eu-west");
    answer(&fake, 33, "tls", "holds in us-east");
    check(&fake, JUDGEMENT_UNKNOWN, 0,
          "tls: not measured: held in us-east, but was not answered where users were served while a fault was in.");
}

/* An answer of the region that users have left, or that they are not sent to yet, is none. */
static void test_answered_where_nobody_is(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    answer(&fake, 12, "tls", "unanswered: 000");
    answer(&fake, 18, "tls", "holds in us-east");
    answer(&fake, 18, "limit", "holds in eu-west");
    check(&fake, JUDGEMENT_UNKNOWN, 0, "tls: not measured");
}

static void test_answered_after_the_revert(void **state)
{
    struct fake_evidence fake = begin_with(10, 16, 36);
    (void)state;
    answer(&fake, 12, "tls", "unanswered: 000");
    answer(&fake, 16, "limit", "holds in eu-west");
    answer(&fake, 31, "tls", "holds in eu-west");
    check(&fake, JUDGEMENT_UNKNOWN, 0, "tls: not measured: held in us-east, eu-west, but");
}

/* Users stay where they are: no change is told, and each question had the same answer. */
static void test_nobody_moves(void **state)
{
    struct fake_evidence fake = begin_with(10, 10, 10);
    (void)state;
    check(&fake, JUDGEMENT_MET, 0, "tls: no gap: holds in us-east.");
}

/* Where nobody is served there is no answer that could count. */
static void test_nobody_is_served(void **state)
{
    struct fake_evidence fake = begin_with(10, 30, 30);
    (void)state;
    check(&fake, JUDGEMENT_UNKNOWN, 0, "tls: not measured: held in us-east, but");
}

/* The last ones who were served met what was not broken yet, and so may the last answer have. */
static void test_served_for_a_moment(void **state)
{
    struct fake_evidence fake = begin_with(10.5, 30, 30);
    (void)state;
    check(&fake, JUDGEMENT_UNKNOWN, 0, "tls: not measured");
}

/* A check that does not say where is asked where users are. */
static void test_no_region_is_named(void **state)
{
    struct fake_evidence fake = begin();
    (void)state;
    answer(&fake, 2, "tls", "holds");
    answer(&fake, 2, "limit", "holds, 429");
    check(&fake, JUDGEMENT_MET, 0, "tls: no gap: holds");
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
    answer(&fake, 16, "limit", "holds in eu-west");
    check(&fake, JUDGEMENT_UNKNOWN, 0, "tls: not measured: held in us-east, but was not answered");
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
        cmocka_unit_test(test_all_hold),
        cmocka_unit_test(test_not_asked_elsewhere),
        cmocka_unit_test(test_answered_where_nobody_is),
        cmocka_unit_test(test_answered_after_the_revert),
        cmocka_unit_test(test_nobody_moves),
        cmocka_unit_test(test_nobody_is_served),
        cmocka_unit_test(test_served_for_a_moment),
        cmocka_unit_test(test_no_region_is_named),
        cmocka_unit_test(test_a_gap_elsewhere),
        cmocka_unit_test(test_a_gap_before),
        cmocka_unit_test(test_not_answered_any_more),
        cmocka_unit_test(test_a_gap_is_known),
        cmocka_unit_test(test_nothing_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
