/* Rules that stop a drill: what they say, and when they hold on a ledger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/measure/abort_rule.h"

static struct abort_rule *parse(const char *text)
{
    struct abort_rule *rule = NULL;
    struct err err = {0};
    if (abort_rule_parse(text, &rule, &err) < 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return rule;
}

static void good_rules(void **state)
{
    static const struct {
        const char *text;
        enum abort_metric metric;
        bool or_equal;
        double limit;
        int64_t for_s;
        const char *vantage;
    } good[] = {
        {"failed > 90% for 30s", ABORT_FAILED, false, 90, 30, ""},
        {"failed>=90% for 30s", ABORT_FAILED, true, 90, 30, ""},
        {"failed > 12.5 % for 1 min", ABORT_FAILED, false, 12.5, 60, ""},
        {"p99 > 800ms from client-2 for 10s", ABORT_P99, false, 0.8, 10, "client-2"},
        {"p50 > 1 s for 5s from client", ABORT_P50, false, 1, 5, "client"},
        {"not_sent >= 1% for 1s", ABORT_NOT_SENT, true, 1, 1, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct abort_rule *rule CLEANUP(abort_rule_cleanup) = parse(good[i].text);
        assert_string_equal(rule->text, good[i].text);
        assert_int_equal(rule->metric, good[i].metric);
        assert_int_equal(rule->or_equal, good[i].or_equal);
        assert_true(fabs(rule->limit - good[i].limit) < 1e-9);
        assert_int_equal(rule->for_ns, good[i].for_s * NS_PER_S);
        assert_string_equal(rule->vantage, good[i].vantage);
    }
}

static void bad_rules_are_refused_in_words(void **state)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "unknown metric ''"},
        {"faild > 90% for 30s", "did you mean 'failed'"},
        {"rto > 90s for 30s", "unknown metric 'rto'"},
        {"failed < 90% for 30s", "expected '>' or '>='"},
        {"failed > 90 for 30s", "a percentage from 0% to 100%"},
        {"failed > 101% for 30s", "a percentage from 0% to 100%"},
        {"p99 > 3% for 30s", "a duration with its unit"},
        {"p99 > 800 for 30s", "a duration with its unit"},
        {"failed > 90%", "it needs \"for\""},
        {"failed > 90% for", "'for' takes a duration"},
        {"failed > 90% for 30", "'for' takes a duration"},
        {"failed > 90% for 10ms", "1s to 1h"},
        {"failed > 90% fro 30s", "did you mean 'for'"},
        {"failed > 90% for 30s please", "'please' is not understood"},
        {"failed > 90% for 30s for 20s", "'for' is not understood"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct abort_rule *rule = NULL;
        struct err err = {0};
        assert_int_equal(abort_rule_parse(bad[i].text, &rule, &err), -ERR_INPUT);
        if (!strstr(err.text, bad[i].words)) {
            fail_msg("\"%s\": expected '%s' in: %s", bad[i].text, bad[i].words, err.text);
        }
    }
}

enum { RATE = 10, DEADLINE_MS = 1000, START_S = 100 };

struct fixture {
    char folder[40], path[64];
    struct ledger *ledger;
    int seconds; /* written */
};

static int setup(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    struct err err = {0};
    (void)str_copy(fixture->folder, sizeof(fixture->folder), "/tmp/drill-test-rule-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)str_format(fixture->path, sizeof(fixture->path), "%s/ledger", fixture->folder);
    assert_int_equal(ledger_create(fixture->path, 1000, &fixture->ledger, &err), 0);
    (void)str_copy(ledger_header(fixture->ledger)->vantage, 64, "client");
    ledger_header(fixture->ledger)->clock_offset_ns = 7 * NS_PER_S;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {0};
    ledger_close(fixture->ledger);
    assert_int_equal(fd_remove_tree(fixture->folder, &err), 0);
    free(fixture);
    return 0;
}

static void add_request(struct fixture *fixture, int64_t due_ns, enum request_outcome outcome, int took_ms)
{
    uint64_t index;
    struct ledger_record *record = ledger_next(fixture->ledger, &index);
    record->due_ns = due_ns;
    record->done_ns = outcome == OUTCOME_OK ? due_ns + took_ms * NS_PER_MS : 0;
    ledger_finish(record, outcome);
    ledger_publish(fixture->ledger);
}

/* One more second in which the first `bad` of ten requests end so; then the rule is asked. */
static bool next_second(struct fixture *fixture, struct abort_rule *rule, int bad, enum request_outcome outcome, int took_ms)
{
    int64_t from_ns = (START_S + fixture->seconds++) * NS_PER_S;
    for (int i = 0; i < RATE; i++) {
        add_request(fixture, from_ns + i * NS_PER_S / RATE, i < bad ? outcome : OUTCOME_OK, i < bad ? took_ms : 1);
    }
    return abort_rule_watch(rule, &fixture->ledger, 1, from_ns + 7 * NS_PER_S, DEADLINE_MS * NS_PER_MS);
}

static void it_must_hold_for_so_long(void **state)
{
    struct abort_rule *rule CLEANUP(abort_rule_cleanup) = parse("failed > 50% for 3s");
    char found[96];
    assert_false(next_second(*state, rule, 6, OUTCOME_REFUSED, 0));
    assert_false(next_second(*state, rule, 6, OUTCOME_PENDING, 0)); /* its deadline is past: it has timed out */
    assert_false(next_second(*state, rule, 5, OUTCOME_REFUSED, 0)); /* not over the limit: from the beginning */
    assert_false(next_second(*state, rule, 6, OUTCOME_REFUSED, 0));
    assert_false(next_second(*state, rule, 10, OUTCOME_STATUS, 0));
    assert_true(next_second(*state, rule, 7, OUTCOME_REFUSED, 0));
    assert_string_equal(abort_rule_found(rule, found), "failed was 70 % in the last second");
}

static void at_the_limit(void **state)
{
    struct abort_rule *over CLEANUP(abort_rule_cleanup) = parse("failed > 100% for 1s");
    struct abort_rule *at CLEANUP(abort_rule_cleanup) = parse("failed >= 100% for 1s");
    assert_false(next_second(*state, over, 10, OUTCOME_REFUSED, 0));
    assert_true(next_second(*state, at, 10, OUTCOME_REFUSED, 0));
}

static void latencies(void **state)
{
    struct abort_rule *tail CLEANUP(abort_rule_cleanup) = parse("p99 > 300ms for 1s");
    struct abort_rule *middle CLEANUP(abort_rule_cleanup) = parse("p50 > 300ms for 1s");
    assert_false(next_second(*state, tail, 10, OUTCOME_OK, 250));
    assert_true(next_second(*state, tail, 1, OUTCOME_OK, 350));
    assert_false(next_second(*state, middle, 5, OUTCOME_OK, 350));
    assert_true(next_second(*state, middle, 6, OUTCOME_RESET, 0)); /* a failed one took the deadline */
}

static void what_was_not_sent_is_no_failure(void **state)
{
    struct abort_rule *failed CLEANUP(abort_rule_cleanup) = parse("failed > 0% for 1s");
    struct abort_rule *unsent CLEANUP(abort_rule_cleanup) = parse("not_sent > 20% for 2s");
    assert_false(next_second(*state, failed, 5, OUTCOME_NOT_SENT, 0));
    assert_false(next_second(*state, unsent, 3, OUTCOME_NOT_SENT, 0));
    assert_true(next_second(*state, unsent, 10, OUTCOME_NOT_SENT, 0));
    assert_false(next_second(*state, failed, 10, OUTCOME_NOT_SENT, 0)); /* nothing is known of such a second */
}

static void a_second_without_requests_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct abort_rule *rule CLEANUP(abort_rule_cleanup) = parse("failed > 50% for 3s");
    assert_false(next_second(fixture, rule, 10, OUTCOME_REFUSED, 0));
    int64_t empty_ns = (START_S + fixture->seconds++ + 7) * NS_PER_S;
    assert_false(abort_rule_watch(rule, &fixture->ledger, 1, empty_ns, DEADLINE_MS * NS_PER_MS));
    assert_true(next_second(fixture, rule, 10, OUTCOME_REFUSED, 0));
}

static void other_vantages_do_not_count(void **state)
{
    struct abort_rule *other CLEANUP(abort_rule_cleanup) = parse("failed > 50% from other for 1s");
    struct abort_rule *client CLEANUP(abort_rule_cleanup) = parse("failed > 50% from client for 1s");
    assert_false(next_second(*state, other, 10, OUTCOME_REFUSED, 0));
    assert_true(next_second(*state, client, 10, OUTCOME_REFUSED, 0));
}

int main(void)
{
#define ON_LEDGER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_rules),
        cmocka_unit_test(bad_rules_are_refused_in_words),
        ON_LEDGER(it_must_hold_for_so_long),
        ON_LEDGER(at_the_limit),
        ON_LEDGER(latencies),
        ON_LEDGER(what_was_not_sent_is_no_failure),
        ON_LEDGER(a_second_without_requests_changes_nothing),
        ON_LEDGER(other_vantages_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
