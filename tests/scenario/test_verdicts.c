/* Drills that come to their end: what the system did in virtual time is what the result says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "tests/support/fake_drill.h"

#define AUTO_DRILL CLEANUP(fake_drill_clear)

static const char outage[] = "d:steady '5s'\n"
                             "local dark <close> = d:inject(fault.blackhole { region = 'us-east' })\n"
                             "d:await_recovery { within = '30s' }\n"
                             "dark:revert()\n"
                             "d:await_recovery { within = '30s' }\n";

static void check_exit(const struct fake_drill *drill, enum verdict verdict, int code, const char *words)
{
    if (drill->result->exit_code != code || drill->result->verdict != verdict || !strstr(drill->result->exit_words, words)) {
        fail_msg("expected %s, exit %d, found exit %d, %s; the engine: %d %s", words, code, drill->result->exit_code,
                 drill->result->exit_words, drill->status, drill->err.text);
    }
}

/* The figure says so itself how exact it is. */
static void check_seconds(const struct figure *figure, double wanted)
{
    if (!figure->measured || figure->at_least || fabs(figure->value - wanted) > figure->resolution) {
        fail_msg("expected %.3f s, found %.3f s within %.3f (measured %d, at least %d)", wanted, figure->value,
                 figure->resolution, figure->measured, figure->at_least);
    }
    assert_true(figure->resolution < 0.2);
}

static void an_outage_that_recovers(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 8 * NS_PER_S;
    fake_drill_run(outage, &drill);
    assert_int_equal(drill.status, 0);
    check_exit(&drill, VERDICT_PASS, 0, "PASS");
    check_seconds(&drill.result->rto, 8);
    assert_int_equal(drill.result->conclusion, CONCLUSION_COMPLETED);
    assert_true(drill.result->clean);
    assert_true(drill.seconds > 20 && drill.seconds < 40);
    assert_int_equal(drill.result->fault_count, 1);
    assert_true(drill.result->faults[0].proven && drill.result->faults[0].removed && drill.result->faults[0].clean);
    assert_int_equal(drill.result->observation_count, 4);
    assert_int_equal(drill.result->loss.check_count, 3); /* the last is made when the load has stopped … */
    assert_int_equal(drill.result->loss.checks[2].checked, drill.result->loss.acknowledged); /* … and so is of every write */
    assert_true(drill.result->loss.measured && drill.result->loss.acknowledged > 100);
    assert_int_equal(fake_drill_count(&drill, "service.started"), 4);
    assert_int_equal(fake_system.held.items[0].reverts_asked, 1);
    assert_int_equal(fake_system_in_force(), 0);
}

/* All that can start at once does, and what comes after it waits for all of it. */
static void services_start_as_their_order_allows(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    int64_t ready_ns[4];
    (void)state;
    fake_drill_run(outage, &drill);
    for (size_t i = 0; i < ARRAY_LEN(ready_ns); i++) {
        const json_t *event = fake_drill_event(&drill, "service.started", i);
        assert_int_equal(strncmp(json_str(event, "service", ""), i < 2 ? "store@" : "proxy@", 6), 0);
        ready_ns[i] = json_int(event, "t", 0);
    }
    assert_int_equal(ready_ns[0], ready_ns[1]);
    assert_int_equal(ready_ns[2], ready_ns[3]);
    assert_true(ready_ns[2] - ready_ns[1] >= 300 * NS_PER_MS);
}

static void no_outage_at_all(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_drill_run(outage, &drill);
    check_exit(&drill, VERDICT_PASS, 0, "PASS");
    assert_true(drill.result->rto.measured && drill.result->rto.value == 0);
    assert_int_equal(drill.result->requests.failed + drill.result->requests.timed_out, 0);
}

static void minutes_pass_at_once(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 3 * NS_PER_S;
    fake_drill_run(
        "d:wait '60s' local f = d:inject(fault.kill { host = 'us-east-gw' }) d:await_recovery() f:revert() d:wait '60s'", &drill);
    check_exit(&drill, VERDICT_PASS, 0, "PASS");
    assert_true(drill.seconds > 125 && drill.seconds < 140);
    check_seconds(&drill.result->rto, 3);
}

static void too_slow_a_recovery(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 22 * NS_PER_S;
    fake_drill_run(outage, &drill);
    check_exit(&drill, VERDICT_FAIL, 1, "FAIL (rto)");
    check_seconds(&drill.result->rto, 22);
}

static void not_recovered_in_time(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = FAKE_NEVER;
    fake_drill_run("local f = d:inject(fault.blackhole { region = 'us-east' })\n"
                   "if d:await_recovery { within = '25s' } then d:note 'seen' else d:note 'given up' end\n"
                   "f:revert() d:await_recovery()",
                   &drill);
    assert_int_equal(drill.status, 0);
    check_exit(&drill, VERDICT_FAIL, 1, "FAIL (rto)");
    assert_string_equal(json_str(fake_drill_event(&drill, "note", 0), "text", ""), "given up");
    assert_false(json_flag(fake_drill_event(&drill, "await.end", 0), "recovered", true));
    assert_true(json_flag(fake_drill_event(&drill, "await.end", 1), "recovered", false));
    assert_true(drill.result->rto.value > 25);
}

static void the_failback_is_worse(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 2 * NS_PER_S;
    fake_system.failback_ns = 6 * NS_PER_S;
    fake_drill_run(outage, &drill);
    check_exit(&drill, VERDICT_PASS, 0, "PASS");
    check_seconds(&drill.result->rto, 6);
    assert_true(drill.result->observations[drill.result->rto_observation].failback);
}

static void writes_lost_at_failback(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 4 * NS_PER_S;
    fake_system.lose_writes = 3;
    fake_system.lose_from_readback = 2;
    fake_drill_run(outage, &drill);
    check_exit(&drill, VERDICT_FAIL, 1, "lost");
    const struct loss *loss = &drill.result->loss;
    assert_int_equal(loss->lost, 3);
    assert_int_equal(loss->check_count, 3);
    assert_string_equal(loss->checks[0].cause, "recovery");
    assert_int_equal(loss->checks[0].missing, 0);
    assert_string_equal(loss->checks[1].cause, "failback");
    assert_int_equal(loss->checks[1].newly_missing, 3);
    assert_int_equal(loss->checks[2].missing, 3);
    assert_int_equal(loss->checks[2].newly_missing, 0);
}

static void nothing_can_be_read_back(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 4 * NS_PER_S;
    fake_system.readback_fails = "no answer in 15 s";
    fake_drill_run(outage, &drill);
    check_exit(&drill, VERDICT_INCONCLUSIVE, 3, "read-back incomplete");
    assert_false(drill.result->loss.measured);
    assert_int_equal(drill.result->loss.lost, 0);
}

static void a_read_back_request_that_fails(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure = (struct fake_failure){.method = "readback", .code = ERR_TIMEOUT, .text = "no answer"};
    fake_drill_run(outage, &drill);
    assert_int_equal(drill.status, 0);
    check_exit(&drill, VERDICT_INCONCLUSIVE, 3, "read-back incomplete");
    assert_string_equal(json_str(fake_drill_event(&drill, "readback", 0), "reason", ""), "no answer");
}

static void an_unproven_fault(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.unproven = true;
    fake_drill_run(outage, &drill);
    check_exit(&drill, VERDICT_INCONCLUSIVE, 3, "fault f1 not proven");
    assert_int_equal(fake_system_unasked(), 0);
}

/* Every objective is met, and still it is no PASS. */
static void check_doubt(const char *steps, const char *doubt, const char *finding)
{
    struct fake_drill drill AUTO_DRILL = {0};
    fake_drill_run(steps, &drill);
    assert_int_equal(drill.status, 0);
    check_exit(&drill, VERDICT_INCONCLUSIVE, 3, doubt);
    bool found = !finding;
    for (size_t i = 0; !found && i < drill.result->finding_count; i++) {
        found = strstr(drill.result->findings[i], finding) != NULL;
    }
    if (!found) {
        fail_msg("no finding says '%s'", finding);
    }
    assert_int_equal(fake_system_in_force(), 0);
}

static void check_passes(const char *steps)
{
    struct fake_drill drill AUTO_DRILL = {0};
    fake_drill_run(steps, &drill);
    check_exit(&drill, VERDICT_PASS, 0, "PASS");
}

/* Four requests a second, whether the system serves or not. */
static void too_thin_a_load(void **state)
{
    static const char steps[] = "d:wait '5s' local dark <close> = d:inject(fault.blackhole { region = 'us-east' }) d:wait '15s'";
    (void)state;
    fake_system.rate = "4/s";
    check_doubt(steps, "INCONCLUSIVE (rto not measured)", NULL);
    fake_drill_reset(state);
    fake_system.rate = "20/s";
    check_passes(steps);
}

static void a_late_driver(void **state)
{
    (void)state;
    fake_system.late_ns = 60 * NS_PER_MS;
    check_doubt(outage, "INCONCLUSIVE (the driver was late)", "The driver was late");
    fake_drill_reset(state);
    fake_system.late_ns = 20 * NS_PER_MS;
    check_passes(outage);
}

static void requests_that_are_not_sent(void **state)
{
    (void)state;
    fake_system.not_sent_share = 0.002;
    check_doubt(outage, "INCONCLUSIVE (too many requests not sent)", ": no local port was left).");
    fake_drill_reset(state);
    fake_system.not_sent_share = 0.0009;
    check_passes(outage);
}

/* Recovery after 19.8 s by clocks that may be off by half a second, the load's as the injector's: whether 20 s are met nobody can
 * tell. */
static void clocks_that_agree_less_than_the_margin(void **state)
{
    (void)state;
    fake_system.outage_ns = 19800 * NS_PER_MS;
    fake_system.clock_bound_ns = 500 * NS_PER_MS;
    check_doubt(outage, "INCONCLUSIVE (rto within the clocks' bound)", NULL);
    fake_drill_reset(state);
    fake_system.outage_ns = 18 * NS_PER_S;
    fake_system.clock_bound_ns = 500 * NS_PER_MS;
    check_passes(outage);
}

/* Healthy at first, ill for two seconds, healthy again before the fault. */
static void an_unhealthy_baseline(void **state)
{
    static const char steps[] =
        "d:steady '3s' d:wait '12s' local dark <close> = d:inject(fault.blackhole { region = 'us-east' })\n"
        "d:await_recovery { within = '30s' }";
    (void)state;
    fake_system.ill_ns = 8 * NS_PER_S;
    fake_system.ill_until_ns = 10 * NS_PER_S;
    check_doubt(steps, "INCONCLUSIVE (not healthy before the drill)", "The system was not healthy before the drill");
    fake_drill_reset(state);
    check_passes(steps);
}

static void faults_left_to_the_end_are_reverted(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 2 * NS_PER_S;
    fake_drill_run("d:inject(fault.loss { role = 'gateway' }) d:inject(fault.kill { service = 'store@us-east-db' })\n"
                   "d:await_recovery()",
                   &drill);
    assert_int_equal(drill.status, 0);
    assert_int_equal(fake_system.held.count, 3);
    assert_string_equal(fake_system.held.items[1].id, "f1.2");
    assert_int_equal(fake_system_unasked(), 0);
    assert_int_equal(fake_system_in_force(), 0);
    assert_string_equal(json_str(fake_drill_event(&drill, "fault.reverting", 0), "fault_id", ""), "f2"); /* newest first */
    assert_true(drill.result->clean);
    assert_string_equal(json_str(fake_drill_event(&drill, "readback", 1), "cause", ""), "failback"); /* the end's own */
}

/* A fault with a `ttl` ends by itself: that is its return, and what the scenario reverts later is nothing new. */
/* A fault over several places: what each was done with, the same said once. */
static void every_part_tells_its_mechanism(void **state)
{
    static const struct {
        const char *other, *told;
    } cases[] = {{NULL, "fake"}, {"another", "us-east-gw: fake; us-west-gw: another"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake_drill drill AUTO_DRILL = {0};
        fake_system_reset();
        fake_system.other_mechanism = cases[i].other;
        fake_drill_run("local f <close> = d:inject(fault.loss { role = 'gateway' })\n", &drill);
        assert_string_equal(json_str(fake_drill_event(&drill, "fault.applied", 0), "mechanism", ""), cases[i].told);
        assert_int_equal(drill.result->fault_count, 1);
        assert_string_equal(drill.result->faults[0].mechanism, cases[i].told);
    }
}

static void a_fault_ends_by_itself(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = FAKE_NEVER;
    fake_system.failback_ns = 3 * NS_PER_S;
    fake_drill_run("local f = d:inject(fault.loss { host = { 'us-east-gw', 'us-west-gw' }, ttl = '6s' })\n"
                   "d:await_recovery { within = '30s' }\nf:revert()",
                   &drill);
    check_exit(&drill, VERDICT_PASS, 0, "PASS");
    assert_int_equal(fake_system.held.count, 2);
    assert_int_equal(fake_system.held.items[0].ttl_ms, 6000);
    assert_int_equal(fake_drill_count(&drill, "fault.expired"), 2);
    assert_int_equal(fake_drill_count(&drill, "fault.reverting"), 1);
    assert_int_equal(fake_system_unasked(), 0);
    int64_t expired_ns = json_int(fake_drill_event(&drill, "fault.expired", 0), "t", 0);
    assert_int_equal(json_int(fake_drill_event(&drill, "fault.reverting", 0), "t", 0), expired_ns);
    assert_int_equal(drill.result->fault_count, 1); /* its parts are no faults of their own */
    assert_true(drill.result->faults[0].expired && drill.result->faults[0].removed);
    assert_true(drill.result->faults[0].removed_ns - expired_ns < 300 * NS_PER_MS);
    check_seconds(&drill.result->rto, 9); /* from the fault on: it was in force until its time was over, and 3 s more it took */
    assert_non_null(
        strstr(drill.result->findings[0], "Fault f1 (loss us-east-gw, us-west-gw) came to the end of its time to live"));
}

static void steps_side_by_side(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_drill_run("d:parallel {\n"
                   "function() local f <close> = d:inject(fault.kill { host = 'us-east-gw' }) d:wait '20s' end,\n"
                   "function() d:wait '5s' local f <close> = d:inject(fault.loss { region = 'us-west' }) d:wait '5s' end }",
                   &drill);
    assert_int_equal(drill.status, 0);
    assert_int_equal(fake_system.held.count, 2);
    assert_int_equal(fake_system_unasked(), 0);
    int64_t apart_ns = json_int(fake_drill_event(&drill, "fault.requested", 1), "t", 0) -
                       json_int(fake_drill_event(&drill, "fault.requested", 0), "t", 0);
    assert_true(apart_ns > 5 * NS_PER_S && apart_ns < 6 * NS_PER_S);
    assert_string_equal(json_str(fake_drill_event(&drill, "fault.reverting", 0), "fault_id", ""), "f2");
}

static void a_change_is_waited_for(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.change_ns = 12 * NS_PER_S;
    fake_drill_run("d:steady '5s' local f <close> = d:inject(fault.kill { host = 'us-west-gw' })\n"
                   "d:note(tostring(d:await_change { observer = 'view us-east-gw', to = 'new', within = '20s' }))\n"
                   "d:note(tostring(d:await_change { observer = 'view us-east-gw', within = '3s' }))\n"
                   "d:note(tostring(d:await_change { observer = 'health us-west-gw', to = 'down', within = '2s' }))",
                   &drill);
    assert_int_equal(drill.status, 0);
    assert_int_equal(fake_drill_count(&drill, "change.begin"), 3);
    int64_t first_ns = json_int(fake_drill_event(&drill, "change.end", 0), "t", 0);
    const json_t *seen = fake_drill_event(&drill, "observe", 0);
    assert_string_equal(json_str(seen, "subject", ""), "view us-east-gw");
    assert_true(first_ns - json_int(seen, "t", 0) < 20 * NS_PER_MS); /* acted upon at once */
    assert_string_equal(json_str(fake_drill_event(&drill, "note", 0), "text", ""), "true");
    assert_string_equal(json_str(fake_drill_event(&drill, "note", 1), "text", ""), "false");
    assert_string_equal(json_str(fake_drill_event(&drill, "note", 2), "text", ""), "false");
    int64_t second_ns = json_int(fake_drill_event(&drill, "change.end", 1), "t", 0);
    assert_true(second_ns - first_ns >= 3 * NS_PER_S && second_ns - first_ns < 4 * NS_PER_S);
    assert_int_equal(fake_system.views, 0); /* asked only while it was waited for */
}

static const char compared[] = "d:steady '5s'\n"
                               "local dark <close> = d:inject(fault.blackhole { region = 'us-east' })\n"
                               "d:read_stores 'parted'\n"
                               "dark:revert()\n"
                               "d:read_stores { label = 'healed', within = '40s' }\n";

static void stores_are_compared(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_drill_run(compared, &drill);
    const struct stores_result *stores = &drill.result->stores;
    assert_int_equal(drill.status, 0);
    assert_int_equal(fake_drill_count(&drill, "store.read"), 4);
    assert_int_equal(stores->comparison_count, 2);
    assert_string_equal(stores->comparisons[1].label, "healed");
    assert_true(stores->comparisons[1].asked > stores->comparisons[0].asked && stores->comparisons[0].asked > 0);
    assert_int_equal(stores->comparisons[1].contents[1].has, stores->comparisons[1].asked);
    assert_true(stores->divergent.measured && stores->divergent.value == 0);
    assert_int_equal(fake_system.patience_ms, 40000);
}

static void a_store_that_cannot_be_read(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.readback_fails = "it is being rewound";
    fake_drill_run(compared, &drill);
    const struct stores_result *stores = &drill.result->stores;
    assert_int_equal(drill.status, 0);
    assert_false(stores->divergent.measured);
    assert_non_null(strstr(stores->divergent.why, "us-east-db could not be read (parted): it is being rewound"));
}

int main(void)
{
#define DRILL_TEST(test) cmocka_unit_test_setup(test, fake_drill_reset)
    const struct CMUnitTest tests[] = {
        DRILL_TEST(an_outage_that_recovers),
        DRILL_TEST(services_start_as_their_order_allows),
        DRILL_TEST(no_outage_at_all),
        DRILL_TEST(minutes_pass_at_once),
        DRILL_TEST(too_slow_a_recovery),
        DRILL_TEST(not_recovered_in_time),
        DRILL_TEST(the_failback_is_worse),
        DRILL_TEST(writes_lost_at_failback),
        DRILL_TEST(nothing_can_be_read_back),
        DRILL_TEST(a_read_back_request_that_fails),
        DRILL_TEST(an_unproven_fault),
        DRILL_TEST(faults_left_to_the_end_are_reverted),
        DRILL_TEST(steps_side_by_side),
        DRILL_TEST(a_change_is_waited_for),
        DRILL_TEST(stores_are_compared),
        DRILL_TEST(a_store_that_cannot_be_read),
        DRILL_TEST(too_thin_a_load),
        DRILL_TEST(a_late_driver),
        DRILL_TEST(requests_that_are_not_sent),
        DRILL_TEST(clocks_that_agree_less_than_the_margin),
        DRILL_TEST(an_unhealthy_baseline),
        DRILL_TEST(every_part_tells_its_mechanism),
        DRILL_TEST(a_fault_ends_by_itself),
    };
    return cmocka_run_group_tests(tests, fake_drill_setup, fake_drill_teardown);
}
