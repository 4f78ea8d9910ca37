/* A drill with people in it: what runs is compared with what is declared, and the scenario waits for what somebody notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "harness/base/clock.h"
#include "tests/support/fake_drill.h"

#define AUTO_DRILL CLEANUP(fake_drill_clear)

static const char comparing[] = "if d:drift() > 0 then d:note 'nothing is broken' return end\n"
                                "local f <close> = d:inject(fault.kill { service = 'proxy@us-east-gw' })\n"
                                "d:await_recovery()\n";

static bool has_finding(const struct fake_drill *drill, const char *begins)
{
    for (size_t i = 0; i < drill->result->finding_count; i++) {
        if (str_starts_with(drill->result->findings[i], begins)) {
            return true;
        }
    }
    return false;
}

static void nothing_has_drifted(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_drill_run(comparing, &drill);
    const json_t *event = fake_drill_event(&drill, "drift", 0);
    assert_int_equal(json_array_size(json_object_get(event, "differences")), 0);
    assert_int_equal(json_int(event, "files", 0), 2);
    assert_int_equal(json_int(event, "processes", 0), 4);
    assert_int_equal(json_int(event, "commands", 0), 4);
    assert_int_equal(json_int(event, "answers", 0), 2);
    assert_int_equal(fake_drill_count(&drill, "fault.requested"), 1);
    assert_int_equal(drill.result->exit_code, 0);
}

static const struct {
    const char *drifted, *words;
} cases[] = {
    {"file", "proxy@us-west-gw: /run/drill/state/proxy-us-west-gw/proxy.conf is not what is declared"},
    {"missing", "proxy.conf is declared and not there"},
    {"command", "proxy@us-west-gw runs with another command than is declared: [\"/usr/sbin/proxy\",\"--old\""},
    {"stopped", "proxy@us-west-gw is declared and does not run"},
    {"program", "the program of proxy is another one at proxy@us-west-gw than at proxy@us-east-gw: '0b', there '0a'"},
    {"version", "version is another one at us-west-gw than at us-east-gw: '2.4', there 'as expected'"},
};

/* Each difference is one, is named, fails the drill, and nothing is broken then. */
static void whatever_drifted_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake_drill drill AUTO_DRILL = {0};
        fake_system_reset();
        fake_system.drifted = cases[i].drifted;
        fake_drill_run(comparing, &drill);
        const json_t *differences = json_object_get(fake_drill_event(&drill, "drift", 0), "differences");
        const char *text = json_string_value(json_array_get(differences, 0));
        if (json_array_size(differences) != 1 || !strstr(text, cases[i].words)) {
            fail_msg("%s: expected one difference with \"%s\", found %zu: %s", cases[i].drifted, cases[i].words,
                     json_array_size(differences), text);
        }
        assert_int_equal(fake_drill_count(&drill, "fault.requested"), 0);
        assert_int_equal(fake_system_unasked(), 0);
    }
}

static void drift_is_an_objective(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.drifted = "file";
    fake_system.objectives = "'drift <= 0'";
    fake_drill_run("d:drift()\nlocal f <close> = d:inject(fault.kill { service = 'proxy@us-east-gw' })\nd:await_recovery()",
                   &drill);
    assert_int_equal(drill.result->exit_code, 1);
    assert_string_equal(drill.result->exit_words, "FAIL (drift)");
    assert_true(has_finding(&drill, "drift: proxy@us-west-gw: "));
}

/* A title is no command: it is not compared, and is not counted either. */
static void a_title_is_no_command(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.titled = true;
    fake_drill_run(comparing, &drill);
    const json_t *event = fake_drill_event(&drill, "drift", 0);
    assert_int_equal(json_array_size(json_object_get(event, "differences")), 0);
    assert_int_equal(json_int(event, "processes", 0), 4);
    assert_int_equal(json_int(event, "commands", 9), 0);
}

/* All of them failing alike is no agreement. */
static void who_cannot_be_asked_is_a_difference(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.unasked = true;
    fake_system.unasked_detail = "exit status 127: no such command";
    fake_drill_run(comparing, &drill);
    const json_t *differences = json_object_get(fake_drill_event(&drill, "drift", 0), "differences");
    assert_int_equal(json_array_size(differences), 2);
    assert_string_equal(json_string_value(json_array_get(differences, 0)),
                        "version cannot be asked at us-east-gw: exit status 127: no such command");
}

static void an_empty_answer_is_none(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.unasked = true;
    fake_drill_run(comparing, &drill);
    const json_t *differences = json_object_get(fake_drill_event(&drill, "drift", 0), "differences");
    assert_int_equal(json_array_size(differences), 2);
    assert_string_equal(json_string_value(json_array_get(differences, 1)), "version cannot be asked at us-west-gw: no answer");
}

static const char waiting[] = "local f <close> = d:inject(fault.kill { service = 'proxy@us-east-gw' })\n"
                              "local who = d:await_note { says = 'failover confirmed', within = '20s' }\n"
                              "d:note('said by ' .. tostring(who))\n"
                              "f:revert()\n"
                              "d:await_recovery()\n";

static void somebody_says_it(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.note = "declared: Failover confirmed by dns";
    fake_system.note_ns = 9 * NS_PER_S;
    fake_system.objectives = "'unanswered <= 0'";
    fake_drill_run(waiting, &drill);
    assert_true(has_finding(&drill, "\"failover confirmed\" was waited for, and said after "));
    const json_t *event = fake_drill_event(&drill, "note.end", 0);
    assert_true(json_flag(event, "seen", false));
    assert_non_null(strstr(json_str(event, "by", ""), "(pid "));
    assert_true(json_int(event, "waited_ns", 0) > 5 * NS_PER_S && json_int(event, "waited_ns", 0) < 10 * NS_PER_S);
    assert_int_equal(fake_drill_count(&drill, "note.wanted"), 1);
    assert_string_equal(json_str(fake_drill_event(&drill, "note", 0), "text", ""), "declared: Failover confirmed by dns");
    assert_non_null(strstr(json_str(fake_drill_event(&drill, "note", 1), "text", ""), "(pid "));
    assert_int_equal(drill.result->exit_code, 0);
}

/* Another note is not the one, nor is one of the scenario itself; the fault is out all the same. */
static void nobody_says_it_in_time(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.note = "what a nice day";
    fake_system.note_ns = 9 * NS_PER_S;
    fake_system.objectives = "'unanswered <= 0'";
    fake_drill_run("local f <close> = d:inject(fault.kill { service = 'proxy@us-east-gw' })\n"
                   "local who\n"
                   "d:parallel { function() who = d:await_note { says = 'failover confirmed', within = '20s' } end,\n"
                   "             function() d:wait '1s' d:note 'failover confirmed' end }\n"
                   "d:note('said by ' .. tostring(who))\n",
                   &drill);
    const json_t *event = fake_drill_event(&drill, "note.end", 0);
    assert_false(json_flag(event, "seen", true));
    assert_true(json_int(event, "waited_ns", 0) >= 20 * NS_PER_S && json_int(event, "waited_ns", 0) < 21 * NS_PER_S);
    assert_string_equal(json_str(fake_drill_event(&drill, "note", 2), "text", ""), "said by false");
    assert_int_equal(fake_system_in_force(), 0);
    assert_int_equal(drill.status, 0);
    assert_string_equal(drill.result->exit_words, "FAIL (unanswered)");
    assert_true(has_finding(&drill, "\"failover confirmed\" was waited for, and nobody said it in 20"));
}

static void check_part(const struct covered_part *parts, size_t count, const char *name, enum covered covered)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(parts[i].name, name) && parts[i].covered != covered) {
            fail_msg("%s: expected to be covered '%s', found '%s'", name, coverage_name(covered),
                     coverage_name(parts[i].covered));
        }
        if (str_eq(parts[i].name, name)) {
            return;
        }
    }
    fail_msg("%s is not listed", name);
}

/* What a proven fault did not touch was not tested; who wrote a note took part, and so did who was named. */
static void what_was_not_tested_is_told(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    AUTO_JSON json_t *annex = json_pack("{s:[s, s], s:[s]}", "catalogue", "kill", "clock_skew", "participants", "Ada Lovelace");
    (void)state;
    fake_system.annex = annex;
    fake_system.note = "failover confirmed";
    fake_system.note_ns = 9 * NS_PER_S;
    fake_drill_run(waiting, &drill);
    const struct coverage *coverage = drill.result->coverage;
    assert_true(coverage->known);
    check_part(coverage->regions, coverage->region_count, "us-east", COVERED_AROUND);
    check_part(coverage->regions, coverage->region_count, "us-west", COVERED_NO);
    check_part(coverage->services, coverage->service_count, "proxy", COVERED_ITSELF);
    check_part(coverage->services, coverage->service_count, "store", COVERED_NO);
    check_part(coverage->faults, coverage->fault_count, "kill", COVERED_ITSELF);
    check_part(coverage->faults, coverage->fault_count, "clock_skew", COVERED_NO);
    assert_int_equal(coverage->person_count, 2);
    assert_string_equal(coverage->people[0].who, "Ada Lovelace");
    assert_int_equal(coverage->people[0].notes, 0);
    assert_int_equal(coverage->people[1].notes, 1);
}

static void a_fault_that_was_not_proven_tested_nothing(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    fake_system.unproven = true;
    fake_drill_run(waiting, &drill);
    const struct coverage *coverage = drill.result->coverage;
    check_part(coverage->services, coverage->service_count, "proxy", COVERED_NO);
    check_part(coverage->regions, coverage->region_count, "us-east", COVERED_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_has_drifted, fake_drill_reset),
        cmocka_unit_test_setup(whatever_drifted_is_found, fake_drill_reset),
        cmocka_unit_test_setup(drift_is_an_objective, fake_drill_reset),
        cmocka_unit_test_setup(a_title_is_no_command, fake_drill_reset),
        cmocka_unit_test_setup(who_cannot_be_asked_is_a_difference, fake_drill_reset),
        cmocka_unit_test_setup(an_empty_answer_is_none, fake_drill_reset),
        cmocka_unit_test_setup(somebody_says_it, fake_drill_reset),
        cmocka_unit_test_setup(nobody_says_it_in_time, fake_drill_reset),
        cmocka_unit_test_setup(what_was_not_tested_is_told, fake_drill_reset),
        cmocka_unit_test_setup(a_fault_that_was_not_proven_tested_nothing, fake_drill_reset),
    };
    return cmocka_run_group_tests(tests, fake_drill_setup, fake_drill_teardown);
}
