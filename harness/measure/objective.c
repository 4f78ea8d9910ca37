/* The objectives' parser: one table of metrics, one of units. */
#include "harness/measure/objective.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/token.h"
#include "harness/param/units.h"

enum value_kind { VALUE_DURATION = 1, VALUE_COUNT = 2, VALUE_PERCENT = 4 };

static const struct metric {
    const char *name;
    unsigned kinds;
    bool has_parts;
    const char *example;
} metrics[] = {
    {"rto", VALUE_DURATION, false, "rto <= 20s"},
    {"rpo", VALUE_DURATION, false, "rpo <= 0s"},
    {"lost", VALUE_COUNT, false, "lost <= 0"},
    {"duplicated", VALUE_COUNT, false, "duplicated <= 0"},
    {"divergent", VALUE_COUNT, false, "divergent <= 0"},
    {"two_primaries", VALUE_DURATION, false, "two_primaries <= 0s"},
    {"silent_alerts", VALUE_COUNT, false, "silent_alerts <= 0"},
    {"false_alerts", VALUE_COUNT, false, "false_alerts <= 0"},
    {"drift", VALUE_COUNT, false, "drift <= 0"},
    {"unanswered", VALUE_COUNT, false, "unanswered <= 0"},
    {"slowest_alert", VALUE_DURATION, false, "slowest_alert <= 15s"},
    {"slowest_resolve", VALUE_DURATION, false, "slowest_resolve <= 15s"},
    {"security_gaps", VALUE_COUNT, false, "security_gaps <= 0"},
    {"false_failovers", VALUE_COUNT, false, "false_failovers <= 0"},
    {"out_of_order", VALUE_COUNT, false, "out_of_order <= 0"},
    {"failed", VALUE_COUNT | VALUE_PERCENT, true, "failed < 2%"},
    {"share", VALUE_PERCENT, true, "share of us-west >= 15%"},
    {"moved", VALUE_COUNT | VALUE_PERCENT, true, "moved <= 0"},
    {"p50", VALUE_DURATION, true, "p50 <= 100ms after recovery"},
    {"p95", VALUE_DURATION, true, "p95 <= 200ms after recovery"},
    {"p99", VALUE_DURATION, true, "p99 <= 300ms after recovery"},
    {"max", VALUE_DURATION, true, "max <= 1s before recovery"},
    {"masked", VALUE_DURATION, false, "masked <= 5s"},
    {"detect", VALUE_DURATION, false, "detect <= 5s"},
    {"decide", VALUE_DURATION, false, "decide <= 5s"},
    {"switch", VALUE_DURATION, false, "switch <= 5s"},
    {"promote", VALUE_DURATION, false, "promote <= 5s"},
    {"reconnect", VALUE_DURATION, false, "reconnect <= 5s"},
};

static int find_metric(const char *name, const struct metric **ret_metric, struct err *err)
{
    const char *names[ARRAY_LEN(metrics)];
    char hint[96];
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        names[i] = metrics[i].name;
        if (str_eq(metrics[i].name, name)) {
            *ret_metric = &metrics[i];
            return 0;
        }
    }
    struct buf all CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    return err_set(err, ERR_INPUT, "unknown metric '%s'%s; there are %s", name,
                   str_did_you_mean(name, names, ARRAY_LEN(names), hint), buf_str(&all));
}

static int wrong_value(const struct metric *metric, const char *found, struct err *err)
{
    const char *expected = metric->kinds == VALUE_DURATION  ? "a duration with its unit (us, ms, s, min, h)"
                           : metric->kinds == VALUE_COUNT   ? "a whole number"
                           : metric->kinds == VALUE_PERCENT ? "a percentage"
                                                            : "a percentage or a whole number";
    return err_set(err, ERR_INPUT, "'%s' takes %s, as in \"%s\", found '%s'", metric->name, expected, metric->example, found);
}

static bool read_duration(const char *text, double *ret_limit)
{
    struct err ignored = {0};
    int64_t ns = 0;
    bool has_unit = isalpha((unsigned char)text[strlen(text) - 1]);
    if (!has_unit || units_duration(text, &ns, &ignored) < 0 || ns < 0) {
        return false;
    }
    *ret_limit = (double)ns / (double)NS_PER_S;
    return true;
}

static int read_value(const struct metric *metric, const char *text, struct objective *objective, struct err *err)
{
    struct err ignored = {0};
    double share = 0;
    int64_t count = 0;
    if (*text == '\0') {
        return wrong_value(metric, "nothing", err);
    }
    if ((metric->kinds & VALUE_DURATION) && read_duration(text, &objective->limit)) {
        objective->unit = "s";
    } else if ((metric->kinds & VALUE_PERCENT) && strchr(text, '%') && units_percent(text, &share, &ignored) == 0) {
        objective->unit = "%";
        objective->limit = share * 100;
    } else if ((metric->kinds & VALUE_COUNT) && !strchr(text, '%') && units_integer(text, &count, &ignored) == 0 && count >= 0) {
        objective->unit = "";
        objective->limit = (double)count;
    } else {
        return wrong_value(metric, text, err);
    }
    return 0;
}

static int read_comparison(const struct metric *metric, const char *text, struct objective *objective, struct err *err)
{
    objective->floor = objective->of && *text == '>';
    objective->strict = str_eq(text, "<") || str_eq(text, ">");
    if (!str_eq(text, "<") && !str_eq(text, "<=") && !(objective->of && (str_eq(text, ">") || str_eq(text, ">=")))) {
        return err_set(err, ERR_INPUT, "expected %s after '%s', as in \"%s\", found '%s'",
                       objective->of ? "'<=' or '>='" : "'<' or '<='", metric->name, metric->example, *text ? text : "nothing");
    }
    return 0;
}

/* "of NAME" behind "share": all up to the next blank, since servers may be "10.1.0.21:9000". */
static int read_whose(const struct metric *metric, const char **rest, struct objective *objective, struct err *err)
{
    struct token word;
    if (!str_eq(metric->name, "share")) {
        return 0;
    }
    const char *name = token_next(*rest, &word);
    name += strspn(name, " \t");
    size_t length = strcspn(name, " \t<>=");
    if (!str_eq(word.text, "of") || length == 0) {
        return err_set(err, ERR_INPUT, "'share' needs whose it is, as in \"%s\"", metric->example);
    }
    objective->of = xasprintf("%.*s", (int)length, name);
    *rest = name + length;
    return 0;
}

/* "before recovery" or "after recovery" of a fault's time, or nothing. */
static bool read_within_fault(const char *text, struct objective *objective)
{
    struct token word, what, more;
    (void)token_next(token_next(token_next(text, &word), &what), &more);
    objective->part = str_eq(word.text, "before") ? PART_BEFORE : str_eq(word.text, "after") ? PART_AFTER : PART_WHOLE;
    return !*word.text || (objective->part != PART_WHOLE && str_eq(what.text, "recovery") && !*more.text);
}

/* "after recovery", "during steady", "during kill", "during kill after recovery". */
static bool read_part(const char *text, struct objective *objective)
{
    static const char *const parts[] = {"before", "during", "after"};
    struct token word, what, more;
    const char *rest = token_next(token_next(text, &word), &what);
    (void)token_next(rest, &more);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (str_eq(word.text, parts[i]) && str_eq(what.text, "recovery")) {
            objective->part = (enum objective_part)(PART_BEFORE + i);
            return !*more.text;
        }
    }
    if (str_eq(word.text, "during") && str_eq(what.text, "steady")) {
        objective->part = PART_BEFORE;
        return !*more.text;
    }
    objective->afterward = str_eq(word.text, "after");
    if ((!objective->afterward && !str_eq(word.text, "during")) || !*what.text) {
        return false;
    }
    objective->fault = xstrdup(what.text);
    return read_within_fault(rest, objective);
}

/* A part, "of requests" or nothing. */
static int read_rest(const struct metric *metric, const char *rest, struct objective *objective, struct err *err)
{
    static const char *const parts[] = {"before", "during", "after"};
    struct token word, what;
    const char *end = token_next(token_next(rest, &word), &what);
    if (str_eq(metric->name, "failed") && str_eq(word.text, "of") && str_eq(what.text, "requests")) {
        rest = end;
        (void)token_next(token_next(rest, &word), &what);
    }
    if (!*word.text || (metric->has_parts && read_part(rest, objective))) {
        return 0;
    }
    char hint[96];
    return err_set(err, ERR_INPUT, "'%s %s' is not understood%s%s", word.text, what.text,
                   metric->has_parts
                       ? ": expected \"before recovery\", \"during recovery\", \"after recovery\", \"during steady\", "
                         "\"during FAULT\" or \"after FAULT\""
                       : "",
                   metric->has_parts ? str_did_you_mean(word.text, parts, ARRAY_LEN(parts), hint) : "");
}

/* "last_pass" and, if more follows, "* FACTOR"; *rest moves behind it. */
static int read_relative(const struct metric *metric, const char **rest, struct objective *objective, struct err *err)
{
    struct token times, factor;
    struct err ignored = {0};
    if (objective->floor) {
        return err_set(err, ERR_INPUT, "'last_pass' sets the most, not the least: say a percentage after '>='");
    }
    objective->relative = true;
    objective->factor = 1;
    objective->unit = metric->kinds & VALUE_DURATION ? "s" : metric->kinds & VALUE_PERCENT ? "%" : "";
    const char *after_times = token_next(*rest, &times);
    if (!str_eq(times.text, "*")) {
        return 0;
    }
    *rest = token_next(after_times, &factor);
    if (!*factor.text || units_number(factor.text, &objective->factor, &ignored) < 0 || !(objective->factor >= 1)) {
        return err_set(err, ERR_INPUT,
                       "expected a factor of at least 1 after 'last_pass *', as in \"rto <= last_pass * 1.25\", found '%s'",
                       *factor.text ? factor.text : "nothing");
    }
    return 0;
}

/* What stands right of the comparison; *rest moves behind it. */
static int read_limit(const struct metric *metric, bool may_be_relative, const char **rest, struct objective *objective,
                      struct err *err)
{
    struct token value;
    *rest = token_value(*rest, "of", &value);
    if (str_eq(value.text, "last_pass")) {
        return may_be_relative
                   ? read_relative(metric, rest, objective, err)
                   : err_set(err, ERR_INPUT, "'last_pass' belongs into the budget file; a scenario's limits are absolute");
    }
    return read_value(metric, value.text, objective, err);
}

static int parse(const char *text, bool may_be_relative, struct objective **ret_objective, struct err *err)
{
    struct objective *objective CLEANUP(objective_cleanup) = xcalloc(1, sizeof(*objective));
    struct token name, comparison;
    const struct metric *metric = NULL;
    const char *rest = token_next(text, &name);
    int status = find_metric(name.text, &metric, err);
    if (status == 0) {
        status = read_whose(metric, &rest, objective, err);
    }
    if (status == 0) {
        rest = token_next(rest, &comparison);
        status = read_comparison(metric, comparison.text, objective, err);
    }
    if (status == 0) {
        status = read_limit(metric, may_be_relative, &rest, objective, err);
    }
    if (status == 0) {
        status = read_rest(metric, rest, objective, err);
    }
    if (status < 0) {
        return status;
    }
    objective->text = xstrdup(text);
    objective->metric = metric->name;
    *ret_objective = TAKE(objective);
    return 0;
}

int objective_parse(const char *text, struct objective **ret_objective, struct err *err)
{
    return parse(text, false, ret_objective, err);
}

int objective_parse_relative(const char *text, struct objective **ret_objective, struct err *err)
{
    return parse(text, true, ret_objective, err);
}

static bool is_same_name(const char *a, const char *b)
{
    return str_eq(a ? a : "", b ? b : "");
}

bool objective_is_same_subject(const struct objective *a, const struct objective *b)
{
    return str_eq(a->metric, b->metric) && is_same_name(a->of, b->of) && a->floor == b->floor && a->part == b->part &&
           is_same_name(a->fault, b->fault) && a->afterward == b->afterward;
}

bool objective_is_same_figure(const struct objective *a, const struct objective *b)
{
    return objective_is_same_subject(a, b) && a->relative == b->relative && str_eq(a->unit, b->unit);
}

int objective_compare(const struct objective *a, const struct objective *b)
{
    double left = a->relative ? a->factor : a->limit, right = b->relative ? b->factor : b->limit;
    int order = a->floor ? (left < right) - (left > right) : (left > right) - (left < right);
    return order ? order : (int)b->strict - (int)a->strict;
}

void objective_part_text(const struct objective *objective, char *out, size_t size)
{
    static const char *const parts[PART_COUNT] = {"", " before recovery", " during recovery", " after recovery"};
    (void)str_format(out, size, "%s%s%s",
                     !objective->fault      ? ""
                     : objective->afterward ? " after "
                                            : " during ",
                     objective->fault ? objective->fault : "", parts[objective->part]);
}

void objective_free(struct objective *objective)
{
    if (objective) {
        free(objective->text);
        free(objective->of);
        free(objective->fault);
        free(objective);
    }
}
