/* Rules that stop a drill: their parser, and one second of the ledgers against them. */
#include "harness/measure/abort_rule.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/vec.h"
#include "harness/measure/histogram.h"
#include "harness/measure/series.h"
#include "harness/measure/token.h"
#include "harness/param/units.h"

static const struct metric {
    const char *name;
    bool latency;
    double share; /* of a latency: the quantile */
    const char *example;
} metrics[ABORT_METRIC_COUNT] = {
    [ABORT_FAILED] = {"failed", .example = "failed > 90% for 30s"},
    [ABORT_NOT_SENT] = {"not_sent", .example = "not_sent > 1% for 10s"},
    [ABORT_P50] = {"p50", true, 0.50, "p50 > 300ms for 30s"},
    [ABORT_P95] = {"p95", true, 0.95, "p95 > 500ms for 30s"},
    [ABORT_P99] = {"p99", true, 0.99, "p99 > 800ms for 30s"},
};

static int find_metric(const char *name, enum abort_metric *ret_metric, struct err *err)
{
    const char *names[ABORT_METRIC_COUNT];
    char hint[96];
    for (size_t i = 0; i < ABORT_METRIC_COUNT; i++) {
        names[i] = metrics[i].name;
        if (str_eq(metrics[i].name, name)) {
            *ret_metric = (enum abort_metric)i;
            return 0;
        }
    }
    return err_set(err, ERR_INPUT, "unknown metric '%s'%s; there are failed, not_sent, p50, p95 and p99", name,
                   str_did_you_mean(name, names, ARRAY_LEN(names), hint));
}

static int read_limit(struct abort_rule *rule, const char *comparison, const char *value, struct err *err)
{
    const struct metric *metric = &metrics[rule->metric];
    struct err ignored = {0};
    int64_t ns = 0;
    double share = 0;
    if (!str_eq(comparison, ">") && !str_eq(comparison, ">=")) {
        return err_set(err, ERR_INPUT, "expected '>' or '>=' after '%s', as in \"%s\", found '%s'", metric->name, metric->example,
                       *comparison ? comparison : "nothing");
    }
    rule->or_equal = str_eq(comparison, ">=");
    bool has_unit = *value && isalpha((unsigned char)value[strlen(value) - 1]);
    if (metric->latency && has_unit && units_duration(value, &ns, &ignored) == 0 && ns > 0) {
        rule->limit = (double)ns / (double)NS_PER_S;
        return 0;
    }
    if (!metric->latency && strchr(value, '%') && units_percent(value, &share, &ignored) == 0 && share >= 0 && share <= 1) {
        rule->limit = share * 100;
        return 0;
    }
    return err_set(err, ERR_INPUT, "'%s' takes %s, as in \"%s\", found '%s'", metric->name,
                   metric->latency ? "a duration with its unit (ms, s)" : "a percentage from 0% to 100%", metric->example,
                   *value ? value : "nothing");
}

static int read_for(struct abort_rule *rule, const char *value, struct err *err)
{
    struct err ignored = {0};
    bool good = *value && isalpha((unsigned char)value[strlen(value) - 1]) && units_duration(value, &rule->for_ns, &ignored) == 0;
    if (!good || rule->for_ns < NS_PER_S || rule->for_ns > 3600 * NS_PER_S) {
        return err_set(err, ERR_INPUT, "'for' takes a duration of 1s to 1h, as in \"%s\", found '%s'",
                       metrics[rule->metric].example, *value ? value : "nothing");
    }
    return 0;
}

/* "from VANTAGE", "for DURATION", each once, then nothing. */
static int read_rest(struct abort_rule *rule, const char *rest, struct err *err)
{
    static const char *const words[] = {"for", "from"};
    struct token word, value;
    char hint[96];
    int status = 0;
    for (rest = token_next(rest, &word); *word.text && status == 0; rest = token_next(rest, &word)) {
        if (str_eq(word.text, "for") && !rule->for_ns) {
            rest = token_value(rest, "from", &value);
            status = read_for(rule, value.text, err);
        } else if (str_eq(word.text, "from") && !*rule->vantage) {
            rest = token_next(rest, &value);
            (void)str_copy(rule->vantage, sizeof(rule->vantage), value.text);
        } else {
            status = err_set(err, ERR_INPUT, "'%s' is not understood%s, as in \"%s\"", word.text,
                             str_did_you_mean(word.text, words, ARRAY_LEN(words), hint), metrics[rule->metric].example);
        }
    }
    if (status == 0 && !rule->for_ns) {
        status = err_set(err, ERR_INPUT, "it needs \"for\" and a duration, as in \"%s\": one bad second is no reason to stop",
                         metrics[rule->metric].example);
    }
    return status;
}

int abort_rule_parse(const char *text, struct abort_rule **ret_rule, struct err *err)
{
    struct abort_rule *rule CLEANUP(abort_rule_cleanup) = xcalloc(1, sizeof(*rule));
    struct token name, comparison, value;
    const char *rest = token_value(token_next(token_next(text, &name), &comparison), "for", &value);
    int status = find_metric(name.text, &rule->metric, err);
    if (status == 0) {
        status = read_limit(rule, comparison.text, value.text, err);
    }
    if (status == 0) {
        status = read_rest(rule, rest, err);
    }
    if (status < 0) {
        return status;
    }
    rule->text = xstrdup(text);
    *ret_rule = TAKE(rule);
    return 0;
}

void abort_rule_free(struct abort_rule *rule)
{
    if (rule) {
        free(rule->text);
        free(rule);
    }
}

bool abort_rule_is_latency(const struct abort_rule *rule)
{
    return metrics[rule->metric].latency;
}

struct second {
    uint64_t sent, failed, not_sent;
    VEC(int64_t) latencies_ns; /* empty unless the rule asks for one */
};

static void count_record(const struct ledger_record *record, bool latency, int64_t deadline_ns, struct second *second)
{
    enum request_outcome outcome = request_outcome(record);
    bool ok = request_fate(outcome) == FATE_OK;
    if (outcome == OUTCOME_NOT_SENT) {
        second->not_sent++;
        return;
    }
    second->sent++;
    second->failed += !ok;
    if (latency) {
        *VEC_ADD(&second->latencies_ns) = ok ? record->done_ns - record->due_ns : deadline_ns;
    }
}

/* Records are in order of their due times. */
static void count_ledger(struct ledger *ledger, bool latency, int64_t from_ns, int64_t deadline_ns, struct second *second)
{
    int64_t offset_ns = ledger_header(ledger)->clock_offset_ns;
    for (uint64_t left = ledger_count(ledger); left > 0; left--) {
        const struct ledger_record *record = ledger_at(ledger, left - 1);
        int64_t due_ns = record->due_ns + offset_ns;
        if (due_ns < from_ns) {
            return;
        }
        if (due_ns < from_ns + NS_PER_S) {
            count_record(record, latency, deadline_ns, second);
        }
    }
}

/* False when the second had nothing to say. */
static bool measure(const struct abort_rule *rule, struct second *second, double *ret_value)
{
    uint64_t due = second->sent + second->not_sent;
    if (rule->metric == ABORT_NOT_SENT) {
        *ret_value = due ? 100.0 * (double)second->not_sent / (double)due : 0;
        return due > 0;
    }
    if (second->sent == 0) {
        return false;
    }
    *ret_value = 100.0 * (double)second->failed / (double)second->sent;
    if (metrics[rule->metric].latency) {
        *ret_value =
            (double)quantile_select_ns(second->latencies_ns.items, second->latencies_ns.count, metrics[rule->metric].share) /
            (double)NS_PER_S;
    }
    return true;
}

bool abort_rule_watch(struct abort_rule *rule, struct ledger *const *ledgers, size_t count, int64_t from_ns, int64_t deadline_ns)
{
    struct second second = {0};
    double value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!*rule->vantage || str_eq(rule->vantage, ledger_header(ledgers[i])->vantage)) {
            count_ledger(ledgers[i], abort_rule_is_latency(rule), from_ns, deadline_ns, &second);
        }
    }
    bool known = measure(rule, &second, &value);
    VEC_CLEAR(&second.latencies_ns);
    if (known) {
        bool exceeds = value > rule->limit || (rule->or_equal && value == rule->limit);
        rule->last = value;
        rule->since_ns = !exceeds ? 0 : rule->since_ns ? rule->since_ns : from_ns;
    }
    return known && rule->since_ns && from_ns + NS_PER_S - rule->since_ns >= rule->for_ns;
}

const char *abort_rule_found(const struct abort_rule *rule, char out[static 96])
{
    const char *name = metrics[rule->metric].name;
    if (abort_rule_is_latency(rule)) {
        (void)str_format(out, 96, "%s was %.3g s in the last second", name, rule->last);
    } else {
        (void)str_format(out, 96, "%s was %.3g %% in the last second", name, rule->last);
    }
    return out;
}
