/* Where scenarios stand: ages, what resets the clock, what is comparable, what is stale; and the reviews' checks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/programme/review.h"
#include "harness/programme/standing.h"
#include "harness/programme/when.h"
#include "reports/programme.h"

static int64_t at(const char *day)
{
    return when_or(day, false, 0);
}

static struct past_drill *add(struct history *history, const char *scenario, const char *day, enum past_outcome outcome,
                              double rto_s)
{
    struct past_drill *past = VEC_ADD(history);
    past->number = (int64_t)history->count;
    past->name = xasprintf("%04zu-%s", history->count, scenario);
    past->scenario = xstrdup(scenario);
    past->id = xasprintf("id-%zu", history->count);
    past->title = xstrdup("A drill");
    past->started_utc_ns = at(day);
    past->outcome = outcome;
    past->exit_words = xstrdup(past_outcome_name(outcome));
    past->rto = (struct figure){.measured = !isnan(rto_s), .value = fabs(rto_s), .resolution = 0.1, .at_least = rto_s < 0};
    past->rto_target_s = 20;
    past->scenario_sha256 = xstrdup("aa");
    past->scenario_file = xstrdup("s.lua");
    past->environment = xstrdup("staging");
    past->service = xstrdup("");
    past->report = outcome == PAST_UNREPORTED ? NULL : json_object();
    return past;
}

static void change(char **text, const char *to)
{
    free(*text);
    *text = xstrdup(to);
}

static void test_overdue(void **state)
{
    (void)state;
    struct history history CLEANUP(history_clear) = {0};
    struct standings standings CLEANUP(standings_clear) = {0};
    add(&history, "cut", "2026-01-10", PAST_PASS, 15);
    add(&history, "cut", "2026-04-01", PAST_FAIL, 25);         /* neither of these */
    add(&history, "cut", "2026-04-02", PAST_INCONCLUSIVE, 15); /* resets the clock */
    add(&history, "fresh", "2026-04-01", PAST_FAIL, 25);
    standings_make(&history, NULL, at("2026-04-10"), &standings);
    assert_int_equal(standings.count, 2);
    assert_false(standings.items[0].overdue); /* exactly 90 days */
    assert_true(standings.items[1].overdue);  /* never passed */
    standings_clear(&standings);
    standings_make(&history, NULL, at("2026-04-10") + 1, &standings);
    assert_true(standings.items[0].overdue);
    assert_int_equal(standings.items[0].due_utc_ns, at("2026-04-10"));
    assert_string_equal(standings.items[0].last->id, "id-3");
    assert_string_equal(standings.items[0].last_pass->id, "id-1");
}

static void test_limits_of_budget(void **state)
{
    (void)state;
    struct history history CLEANUP(history_clear) = {0};
    struct standings standings CLEANUP(standings_clear) = {0};
    struct budget_scenario scenarios[] = {{.name = (char *)(uintptr_t) "cut", .due_ns = 7 * 86400 * NS_PER_S},
                                          {.name = (char *)(uintptr_t) "new"}};
    struct budget budget = {.due_ns = 30 * 86400 * NS_PER_S, .scenarios = scenarios, .count = 2};
    add(&history, "cut", "2026-01-10", PAST_PASS, 15);
    add(&history, "other", "2026-01-10", PAST_PASS, 15);
    standings_make(&history, &budget, at("2026-01-20"), &standings);
    assert_int_equal(standings.count, 3);
    assert_true(standings.items[0].overdue); /* cut: 7 days */
    assert_string_equal(standings.items[1].scenario, "new");
    assert_true(standings.items[1].overdue); /* never drilled */
    assert_int_equal(standings.items[1].count, 0);
    assert_false(standings.items[2].overdue); /* other: the file's 30 days */
}

static void test_stale_and_comparable(void **state)
{
    (void)state;
    struct history history CLEANUP(history_clear) = {0};
    struct standings standings CLEANUP(standings_clear) = {0};
    struct buf text CLEANUP(buf_clear) = {0};
    add(&history, "cut", "2025-10-10", PAST_PASS, 99)->rto_target_s = 120; /* another target: not to be compared */
    add(&history, "cut", "2026-01-10", PAST_PASS, 15);
    add(&history, "cut", "2026-01-11", PAST_FAIL, -30);
    add(&history, "cut", "2026-01-12", PAST_UNREPORTED, NAN);
    add(&history, "cut", "2026-01-13", PAST_PASS, 12);
    standings_make(&history, NULL, at("2026-01-20"), &standings);
    const struct standing *cut = &standings.items[0];
    assert_null(cut->stale);
    assert_int_equal(cut->rto.count, 3);
    assert_int_equal(cut->unlike, 1);
    assert_true(cut->rto.min.value == 12 && cut->rto.median.value == 15 && cut->rto.max.at_least);
    assert_int_equal(cut->outcomes[PAST_UNREPORTED], 1);
    assert_int_equal(cut->missing_reviews, 4);
    standing_trend(cut, &text);
    assert_string_equal(buf_str(&text), "12.00 s of 20 s, back from not recovered");
    assert_true(fabs(cut->pass_bound - 0.2486) < 0.001); /* 3 of 4 */
    change(&add(&history, "cut", "2026-01-14", PAST_FAIL, 25)->scenario_sha256, "bb");
    standings_clear(&standings);
    standings_make(&history, NULL, at("2026-01-20"), &standings);
    assert_string_equal(standings.items[0].stale, "scenario");
    buf_reset(&text);
    struct buf late CLEANUP(buf_clear) = {0};
    programme_due(&standings, false, at("2026-01-20"), false, &late, &text);
    assert_int_equal(late.size, 0);
    programme_due(&standings, true, at("2026-01-20"), false, &late, &text);
    assert_string_equal(buf_str(&late), "cut");
}

static void test_quarters(void **state)
{
    (void)state;
    struct history history CLEANUP(history_clear) = {0};
    struct standings standings CLEANUP(standings_clear) = {0};
    struct buf letters CLEANUP(buf_clear) = {0};
    add(&history, "cut", "2024-02-10", PAST_PASS, 15);
    add(&history, "cut", "2026-01-10", PAST_FAIL, 15);
    add(&history, "cut", "2026-03-31T23:59Z", PAST_PASS, 15);
    add(&history, "cut", "2026-04-01", PAST_ABORTED, NAN);
    standings_make(&history, NULL, at("2026-05-01"), &standings);
    struct quarters quarters = quarters_of(&standings, at("2026-05-01"));
    assert_int_equal(quarters.count, 8); /* the newest */
    assert_int_equal(quarters.first + quarters.count - 1, when_quarter(at("2026-05-01")));
    quarter_letters(&standings.items[0], when_quarter(at("2026-02-01")), &letters);
    quarter_letters(&standings.items[0], when_quarter(at("2026-05-01")), &letters);
    assert_string_equal(buf_str(&letters), "FPA");
}

static int read_review(const char *text, const struct past_drill *drill, struct review *review, struct err *err)
{
    char path[] = "/tmp/drill-review-XXXXXX.yaml";
    AUTO_FD int fd = mkstemps(path, 5);
    struct err ignored = {0};
    assert_int_equal(fd_write_all(fd, text, strlen(text), &ignored), 0);
    int status = review_read(path, drill, review, err);
    unlink(path);
    return status;
}

#define SIGNED "drill: 0001-cut\nreviewer: bob\nsign_offs: [{ role: reviewed, name: bob, time: 2026-02-01 }]\n"
#define ACTION "actions: [{ text: warm the pool, owner: dave, due: 2026-03-01, why: next release }]\n"

static void test_review_checks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said; /* NULL: accepted */
    } table[] = {
        {SIGNED ACTION, NULL},
        {SIGNED "risk_acceptances: [{ text: slow DNS, approver: eve, expires: 2026-12-31 }]\n", NULL},
        {SIGNED, "needs an action or an accepted risk"},
        {"drill: 0002-cut\nreviewer: bob\n" ACTION, "this is a review of '0002-cut', not of '0001-cut'"},
        {"drill: 0001-cut\n" ACTION, "'reviewer' is missing"},
        {"drill: 0001-cut\nreviewer: Alice\n" ACTION, "'Alice' operated this drill"},
        {"drill: 0001-cut\nreviewer: bob\n" ACTION, "the reviewer has not signed"},
        {SIGNED "actions: [{ text: x, owner: dave, due: soon, why: y }]\n", "'due' of number 1"},
        {SIGNED "actions: [{ text: x, owner: dave, due: 2026-03-01 }]\n", "why"},
        {SIGNED ACTION "lesson: [x]\n", "did you mean 'lessons'"},
    };
    struct history history CLEANUP(history_clear) = {0};
    struct past_drill *drill = add(&history, "cut", "2026-01-10", PAST_FAIL, 25);
    drill->plan = json_pack("{s:{s:s}}", "programme", "operator", "alice");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct review review CLEANUP(review_clear) = {0};
        struct err err = {0};
        int status = read_review(table[i].text, drill, &review, &err);
        if ((status < 0) != (table[i].said != NULL) || (table[i].said && !strstr(err.text, table[i].said))) {
            fail_msg("%s: expected '%s' in '%s'", table[i].text, table[i].said ? table[i].said : "nothing", err.text);
        }
    }
}

/* A draft says what to fill in; with reviewer, action and sign-off it can be sealed, and a second one starts from the first. */
static void test_review_draft(void **state)
{
    (void)state;
    struct history history CLEANUP(history_clear) = {0};
    struct past_drill *drill = add(&history, "cut", "2026-01-10", PAST_FAIL, 25);
    struct buf draft CLEANUP(buf_clear) = {0}, again CLEANUP(buf_clear) = {0};
    struct review review CLEANUP(review_clear) = {0};
    struct err err = {0};
    json_decref(drill->report);
    drill->report = json_pack("{s:[{s:s, s:s, s:s}, {s:s, s:s}], s:[s]}", "objectives", "text", "rto <= 20s", "result", "missed",
                              "reason", "\"over\": by 5 s", "text", "lost <= 0", "result", "met", "findings", "it was late");
    review_template(drill, &draft);
    assert_non_null(strstr(buf_str(&draft), "rto <= 20s: \\\"over\\\": by 5 s"));
    assert_null(strstr(buf_str(&draft), "lost <= 0"));
    assert_true(read_review(buf_str(&draft), drill, &review, &err) < 0);
    assert_non_null(strstr(err.text, "'reviewer' is missing"));
    buf_puts(&draft, "reviewer: bob\nsign_offs: [{ role: reviewed, name: bob, time: 2026-02-01 }]\n" ACTION);
    if (read_review(buf_str(&draft), drill, &review, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(json_array_size(json_object_get(review.values, "findings")), 2);
    drill->review = json_incref(review.values);
    review_template(drill, &again);
    assert_non_null(strstr(buf_str(&again), "  - text: \"warm the pool\"\n    owner: \"dave\""));
}

static void test_open_actions(void **state)
{
    (void)state;
    struct history history CLEANUP(history_clear) = {0};
    struct standings standings CLEANUP(standings_clear) = {0};
    struct past_drill *drill = add(&history, "cut", "2026-01-10", PAST_FAIL, 25);
    drill->review_count = 1;
    drill->review = json_pack("{s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}", "actions", "due", "2026-02-01", "status", "open", "due",
                              "2026-03-01", "status", "open", "due", "2026-01-15", "status", "done");
    standings_make(&history, NULL, at("2026-02-02"), &standings);
    assert_int_equal(standings.items[0].open_actions, 2);
    assert_int_equal(standings.items[0].overdue_actions, 1);
    assert_int_equal(standings.items[0].missing_reviews, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overdue),      cmocka_unit_test(test_limits_of_budget), cmocka_unit_test(test_stale_and_comparable),
        cmocka_unit_test(test_quarters),     cmocka_unit_test(test_review_checks),    cmocka_unit_test(test_review_draft),
        cmocka_unit_test(test_open_actions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
