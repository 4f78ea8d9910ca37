/* Drills in which something goes wrong: whatever it is, every fault is taken away again, the evidence says what happened, and the exit
 * code never says that all is well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "harness/base/clock.h"
#include "tests/support/fake_drill.h"

#define AUTO_DRILL CLEANUP(fake_drill_clear)
enum { CALLS_MAX = 500 };

static const char outage[] = "d:steady '2s'\n"
                             "local dark <close> = d:inject(fault.blackhole { region = 'us-east' })\n"
                             "d:await_recovery { within = '30s' }\n"
                             "dark:revert()\n"
                             "d:await_recovery { within = '30s' }\n";

static void check_end(const struct fake_drill *drill, enum conclusion conclusion, int code, const char *reason)
{
    const struct result *result = drill->result;
    if (result->conclusion != conclusion || result->exit_code != code || !strstr(result->conclusion_reason, reason)) {
        fail_msg("expected %s (%s), exit %d, found %s (%s), exit %d %s", conclusion_name(conclusion), reason, code,
                 conclusion_name(result->conclusion), result->conclusion_reason, result->exit_code, result->exit_words);
    }
    assert_int_equal(fake_system_unasked(), 0);
    assert_int_equal(fake_drill_count(drill, "drill.end"), 1);
}

static void check_all_out(const struct fake_drill *drill)
{
    assert_int_equal(fake_system_in_force(), 0);
    assert_true(drill->result->clean);
}

/* An interrupt that comes once the steps are over changes nothing any more. */
static void check_interrupted(const struct fake_drill *drill, int call, bool late)
{
    bool aborted = drill->result->conclusion == CONCLUSION_ABORTED && drill->result->exit_code == 4;
    bool completed = drill->result->conclusion == CONCLUSION_COMPLETED && drill->result->exit_code == 0;
    if (drill->status != 0 || fake_system_unasked() > 0 || fake_system_in_force() > 0 || !(aborted || (late && completed))) {
        fail_msg("interrupted after call %d: engine %d %s, conclusion %s, exit %d %s, %zu not asked, %zu in force", call,
                 drill->status, drill->err.text, conclusion_name(drill->result->conclusion), drill->result->exit_code,
                 drill->result->exit_words, fake_system_unasked(), fake_system_in_force());
    }
    assert_int_equal(fake_drill_count(drill, "abort"), aborted);
    assert_int_equal(fake_drill_count(drill, "residue"), 1);
    assert_int_equal(fake_drill_count(drill, "drill.end"), 1);
}

static void interrupted_at_every_call(void **state)
{
    struct fake_drill whole AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 2 * NS_PER_S;
    fake_drill_run(outage, &whole);
    assert_int_equal(whole.result->exit_code, 0);
    int calls = fake_system.calls, at_compare = fake_system.calls_at_compare;
    assert_true(calls > 30 && calls < CALLS_MAX);
    int aborted = 0;
    for (int call = 1; call <= calls; call++) {
        struct fake_drill drill AUTO_DRILL = {0};
        fake_system_reset();
        fake_system.outage_ns = 2 * NS_PER_S;
        fake_system.interrupt_after_call = call;
        fake_drill_run(outage, &drill);
        /* the load and the observers of four hosts are stopped and the writes read back before the first comparison */
        check_interrupted(&drill, call, call >= at_compare - 8);
        aborted += drill.result->conclusion == CONCLUSION_ABORTED;
    }
    assert_true(aborted >= at_compare - 9);
}

static void the_faults_agent_is_lost(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 2 * NS_PER_S;
    fake_system.lost_place = "us-east";
    fake_system.lost_after_ns = NS_PER_S;
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_ERROR, 3, "the agent in 'us-east' went away");
    check_all_out(&drill);
    assert_int_equal(fake_drill_count(&drill, "agent.lost"), 1);
    assert_int_equal(fake_drill_count(&drill, "fault.reverted"), 1); /* by the agent that was started again */
}

static void the_faults_agent_cannot_be_had_back(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.lost_place = "us-east";
    fake_system.restart_fails = true;
    fake_drill_run(outage, &drill);
    assert_int_equal(drill.result->conclusion, CONCLUSION_ERROR);
    assert_int_equal(fake_drill_count(&drill, "fault.reverted"), 0);
    assert_int_equal(drill.result->exit_code, 3); /* the world is drill's own and is gone */
}

static void the_loads_agent_is_lost(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.lost_place = "client";
    fake_system.lost_after_ns = NS_PER_S;
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_ERROR, 3, "and the load that it sent with it");
    check_all_out(&drill);
}

static void another_agent_is_started_again(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 2 * NS_PER_S;
    fake_system.lost_place = "dns";
    fake_system.lost_after_ns = NS_PER_S;
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_COMPLETED, 0, "");
    assert_string_equal(json_str(fake_drill_event(&drill, "agent.restarted", 0), "place", ""), "dns");
    check_all_out(&drill);
}

static void a_fault_cannot_be_applied(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure = (struct fake_failure){.method = "fault.apply", .code = ERR_SYSTEM, .text = "no memory"};
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_ERROR, 3, "fault 'blackhole' on us-east: us-east: no memory");
    assert_int_equal(fake_drill_count(&drill, "fault.applied"), 0);
    assert_int_equal(fake_system.held.items[0].reverts_asked, 1); /* half of it may be there */
    check_all_out(&drill);
}

/* One of two hosts cannot be hit: the other is put right. */
static void half_of_a_fault_cannot_be_applied(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure =
        (struct fake_failure){.method = "fault.apply", .place = "us-west-gw", .code = ERR_SYSTEM, .text = "no memory"};
    fake_drill_run("d:inject(fault.loss { role = 'gateway' })", &drill);
    check_end(&drill, CONCLUSION_ERROR, 3, "us-west-gw: no memory");
    assert_int_equal(fake_system.held.count, 2);
    check_all_out(&drill);
}

/* One of two hosts cannot be put right: the other is all the same. */
static void half_of_a_fault_cannot_be_reverted(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure =
        (struct fake_failure){.method = "fault.revert", .place = "us-east-gw", .code = ERR_SYSTEM, .text = "busy"};
    fake_drill_run("d:inject(fault.loss { role = 'gateway' }) d:wait '1s'", &drill);
    assert_int_equal(fake_system_unasked(), 0);
    assert_int_equal(fake_system_in_force(), 1);
    assert_int_equal(drill.result->exit_code, 5);
}

static void a_fault_that_does_not_go_away(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure = (struct fake_failure){.method = "fault.revert", .code = ERR_SYSTEM, .text = "busy"};
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_ERROR, 5, "cannot revert fault 'blackhole' on us-east: us-east: busy");
    assert_false(drill.result->clean);
    assert_int_equal(fake_system.held.items[0].reverts_asked, 2); /* tried again at the end */
}

static void proving_fails(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure = (struct fake_failure){.method = "fault.prove", .code = ERR_TIMEOUT, .text = "no answer"};
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_ERROR, 3, "us-east: no answer");
    check_all_out(&drill);
}

static void a_service_dies_at_its_start(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure =
        (struct fake_failure){.method = "service.start", .place = "us-west-db", .code = ERR_SYSTEM, .text = "exited with 1"};
    fake_drill_run(outage, &drill);
    assert_int_equal(drill.status, -ERR_SYSTEM);
    check_end(&drill, CONCLUSION_ERROR, 3, "service 'store@us-west-db': exited with 1");
    assert_int_equal(fake_drill_count(&drill, "load.start"), 0);
    assert_int_equal(fake_system.held.count, 0);
}

static void never_steady_before_the_drill(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.unhealthy = "503";
    fake_drill_run(outage, &drill);
    assert_int_equal(drill.status, -ERR_TIMEOUT);
    check_end(&drill, CONCLUSION_ERROR, 3, "the topology did not become steady in 60 s: a gateway answers: 503");
    assert_true(drill.seconds > 60 && drill.seconds < 70);
    assert_int_equal(fake_system.held.count, 0);
}

static void not_healthy_when_it_should_be(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = FAKE_NEVER;
    fake_drill_run("local f = d:inject(fault.loss { region = 'us-east' }) d:steady '2s' d:note 'too far'", &drill);
    check_end(&drill, CONCLUSION_ERROR, drill.result->exit_code, "not healthy before the drill");
    assert_true(drill.result->exit_code == 1 || drill.result->exit_code == 3);
    assert_int_equal(fake_drill_count(&drill, "note"), 0);
    assert_int_equal(fake_drill_count(&drill, "steady.failed"), 1);
    check_all_out(&drill);
}

/* The dry run sees every wait succeed, so that this shows itself in the drill only. */
static void the_scenario_fails_while_it_runs(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = FAKE_NEVER;
    fake_drill_run("local f <close> = d:inject(fault.blackhole { region = 'us-east' })\n"
                   "if not d:await_recovery { within = '5s' } then error 'gave up' end",
                   &drill);
    assert_int_equal(drill.status, 0);
    check_end(&drill, CONCLUSION_ERROR, drill.result->exit_code, "fake.lua:6: gave up");
    assert_true(drill.result->exit_code == 1 || drill.result->exit_code == 3);
    check_all_out(&drill);
}

static void a_fault_leaves_something(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.residue = "process 101 is still stopped";
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_COMPLETED, 5, "");
    assert_false(drill.result->clean);
    assert_non_null(strstr(json_string_value(json_array_get(drill.result->residue_left, 0)), "process 101 is still stopped"));
}

static void the_network_is_not_as_it_was(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.changed = "route 10.1.0.0/24 is gone";
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_COMPLETED, 5, "");
    assert_string_equal(json_string_value(json_array_get(drill.result->residue_left, 0)), "us-east: route 10.1.0.0/24 is gone");
}

static void a_comparison_that_fails_proves_nothing(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure = (struct fake_failure){.method = "snapshot.compare", .code = ERR_SYSTEM, .text = "no netlink"};
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_COMPLETED, 5, "");
}

static void refused_before_anything_is_touched(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.failure = (struct fake_failure){
        .method = "fault.supported", .place = "us-east", .code = ERR_UNSUPPORTED, .text = "the kernel has no nf_tables"};
    fake_drill_run(outage, &drill);
    assert_int_equal(drill.status, -ERR_UNSUPPORTED);
    check_end(&drill, CONCLUSION_ERROR, 3, "fault 'blackhole': us-east: the kernel has no nf_tables");
    assert_int_equal(fake_system.held.count, 0);
    assert_int_equal(fake_drill_count(&drill, "fault.requested"), 0);
}

/* The last calls stop load and observers, read back and compare: without a fault, and after everything was judged. */
static void check_survived(const struct fake_drill *drill, int call, bool late)
{
    bool told = drill->status == 0 || drill->err.text[0];
    if (!told || fake_system_unasked() > 0 || fake_system_in_force() > 0 || (drill->result->exit_code == 0 && !late)) {
        fail_msg("call %d went wrong: engine %d %s, exit %d %s, %zu not asked, %zu in force", call, drill->status,
                 drill->err.text, drill->result->exit_code, drill->result->exit_words, fake_system_unasked(),
                 fake_system_in_force());
    }
    assert_int_equal(fake_drill_count(drill, "residue"), 1);
    assert_int_equal(fake_drill_count(drill, "drill.end"), 1);
}

/* `call` points into fake_system: what happens at each call in turn. */
static void wreck_every_call(int *call)
{
    struct fake_drill whole AUTO_DRILL = {0};
    fake_system.outage_ns = 2 * NS_PER_S;
    fake_drill_run(outage, &whole);
    int calls = fake_system.calls, at_compare = fake_system.calls_at_compare;
    assert_true(calls > 30 && calls < CALLS_MAX);
    for (int i = 1; i <= calls; i++) {
        struct fake_drill drill AUTO_DRILL = {0};
        fake_system_reset();
        fake_system.outage_ns = 2 * NS_PER_S;
        *call = i;
        fake_drill_run(outage, &drill);
        check_survived(&drill, i, i >= at_compare - 8);
    }
}

static void every_call_fails_once(void **state)
{
    (void)state;
    wreck_every_call(&fake_system.fail_call);
}

static void an_agent_is_lost_at_every_call(void **state)
{
    (void)state;
    wreck_every_call(&fake_system.lose_call);
}

static void a_kept_topology_stays(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.kept = true;
    fake_system.outage_ns = 2 * NS_PER_S;
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_COMPLETED, 0, "");
    assert_int_equal(fake_system.services, 0);
    check_all_out(&drill);
}

/* No world goes away with it: what could not be reverted is still there. */
static void a_kept_topology_stays_broken(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.kept = true;
    fake_system.lost_place = "us-east";
    fake_system.restart_fails = true;
    fake_drill_run(outage, &drill);
    assert_int_equal(drill.result->exit_code, 5);
    assert_non_null(strstr(json_string_value(json_array_get(drill.result->residue_left, 0)), "cannot revert fault 'blackhole'"));
}

/* The outage lasts: the rule holds after 10 s of it, and everything is put back. */
static void a_rule_stops_the_drill(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = FAKE_NEVER;
    fake_system.declares = "abort_when = { 'p99 > 900ms for 1h', 'failed > 90% for 10s' },\n";
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_ABORTED, 4, "abort_when \"failed > 90% for 10s\": failed was");
    const json_t *told = fake_drill_event(&drill, "abort", 0);
    assert_string_equal(json_str(told, "by", ""), "abort_when \"failed > 90% for 10s\"");
    int64_t after_ns = json_int(told, "t", 0) - json_int(fake_drill_event(&drill, "fault.requested", 0), "t", 0);
    assert_true(after_ns >= 11 * NS_PER_S && after_ns < 14 * NS_PER_S); /* with the deadline, and the second that it began in */
    check_all_out(&drill);
}

static void a_rule_that_does_not_hold_stops_nothing(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = 5 * NS_PER_S;
    fake_system.declares = "abort_when = { 'failed > 90% for 10s', 'not_sent > 0% for 1s' },\n";
    fake_drill_run(outage, &drill);
    check_end(&drill, CONCLUSION_COMPLETED, 0, "");
}

/* Longer than the longest that the drill can take: a fault must not go away under a measurement. */
static void a_fault_lives_as_long_as_the_drill_may(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.outage_ns = FAKE_NEVER;
    fake_drill_run("local f = d:inject(fault.loss { region = 'us-east' }) d:await_recovery { within = '90s' } f:revert()",
                   &drill);
    double held_s = (double)(json_int(fake_drill_event(&drill, "fault.reverting", 0), "t", 0) -
                             json_int(fake_drill_event(&drill, "fault.applied", 0), "t", 0)) /
                    1e9;
    assert_true(held_s > 90);
    assert_true((double)fake_system.held.items[0].ttl_ms / 1000 > held_s + 30);
}

int main(void)
{
#define DRILL_TEST(test) cmocka_unit_test_setup(test, fake_drill_reset)
    const struct CMUnitTest tests[] = {
        DRILL_TEST(the_faults_agent_is_lost),
        DRILL_TEST(the_faults_agent_cannot_be_had_back),
        DRILL_TEST(the_loads_agent_is_lost),
        DRILL_TEST(another_agent_is_started_again),
        DRILL_TEST(a_fault_cannot_be_applied),
        DRILL_TEST(half_of_a_fault_cannot_be_applied),
        DRILL_TEST(half_of_a_fault_cannot_be_reverted),
        DRILL_TEST(a_fault_that_does_not_go_away),
        DRILL_TEST(proving_fails),
        DRILL_TEST(a_service_dies_at_its_start),
        DRILL_TEST(never_steady_before_the_drill),
        DRILL_TEST(not_healthy_when_it_should_be),
        DRILL_TEST(the_scenario_fails_while_it_runs),
        DRILL_TEST(a_fault_leaves_something),
        DRILL_TEST(the_network_is_not_as_it_was),
        DRILL_TEST(a_comparison_that_fails_proves_nothing),
        DRILL_TEST(refused_before_anything_is_touched),
        DRILL_TEST(interrupted_at_every_call),
        DRILL_TEST(every_call_fails_once),
        DRILL_TEST(an_agent_is_lost_at_every_call),
        DRILL_TEST(a_kept_topology_stays),
        DRILL_TEST(a_rule_stops_the_drill),
        DRILL_TEST(a_rule_that_does_not_hold_stops_nothing),
        DRILL_TEST(a_kept_topology_stays_broken),
        DRILL_TEST(a_fault_lives_as_long_as_the_drill_may),
    };
    return cmocka_run_group_tests(tests, fake_drill_setup, fake_drill_teardown);
}
