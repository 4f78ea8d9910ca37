/* Two drills side by side. */
#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/programme/when.h"
#include "reports/programme.h"
#include "reports/words.h"

enum { NAME_WIDTH = 34, CELL_WIDTH = 24 };

static void row(const char *name, const char *a, const char *b, const char *rest, struct buf *out)
{
    buf_printf(out, "  %-*s %-*s %-*s %s\n", NAME_WIDTH, name, CELL_WIDTH, *a ? a : "-", CELL_WIDTH, *b ? b : "-", rest);
}

static const json_t *find_objective(const struct past_drill *past, const char *metric, const json_t *like)
{
    size_t index;
    json_t *objective;
    json_array_foreach(json_object_get(past->report, "objectives"), index, objective)
    {
        bool same_text = like && str_eq(json_str(objective, "text", ""), json_str(like, "text", ""));
        if (same_text || (!like && str_eq(json_str(objective, "metric", ""), metric))) {
            return objective;
        }
    }
    return NULL;
}

/* "17.4 s met", and the value for the difference; NAN without. */
static double describe(const json_t *objective, struct buf *out)
{
    const char *unit = json_str(objective, "unit", "");
    const json_t *measured = json_object_get(objective, "measured"), *more_than = json_object_get(objective, "more_than");
    if (!objective) {
        return NAN;
    }
    if (json_is_number(measured) || json_is_number(more_than)) {
        buf_puts(out, json_is_number(measured) ? "" : "more than ");
        words_value(json_number_value(json_is_number(measured) ? measured : more_than), json_num(objective, "resolution", 0), NAN,
                    unit, out);
        buf_puts(out, " ");
    }
    buf_puts(out, json_str(objective, "result", ""));
    return json_is_number(measured) ? json_number_value(measured) : NAN;
}

static void difference(double a, double b, const char *unit, struct buf *out)
{
    if (!isnan(a) && !isnan(b) && a != b) {
        buf_puts(out, b > a ? "+" : "-");
        words_value(fabs(b - a), 0, NAN, unit, out);
    }
}

static void compare_objective(const json_t *in_a, const json_t *in_b, struct buf *out)
{
    struct buf a CLEANUP(buf_clear) = {0}, b CLEANUP(buf_clear) = {0}, change CLEANUP(buf_clear) = {0};
    const json_t *any = in_a ? in_a : in_b;
    double value_a = describe(in_a, &a), value_b = describe(in_b, &b);
    difference(value_a, value_b, json_str(any, "unit", ""), &change);
    row(json_str(any, "text", "?"), buf_str(&a), buf_str(&b), buf_str(&change), out);
}

static void compare_objectives(const struct past_drill *a, const struct past_drill *b, struct buf *out)
{
    size_t index;
    json_t *objective;
    json_array_foreach(json_object_get(a->report, "objectives"), index, objective)
    {
        compare_objective(objective, find_objective(b, NULL, objective), out);
    }
    json_array_foreach(json_object_get(b->report, "objectives"), index, objective)
    {
        if (!find_objective(a, NULL, objective)) {
            compare_objective(NULL, objective, out);
        }
    }
}

/* The longest phase of that name; NAN when it was not observed. */
static double phase_of(const struct past_drill *past, const char *name)
{
    double longest = NAN;
    size_t index;
    json_t *phase;
    json_array_foreach(json_object_get(past->report, "phases"), index, phase)
    {
        if (str_eq(json_str(phase, "name", ""), name)) {
            longest = fmax(longest, json_num(phase, "end", NAN) - json_num(phase, "start", NAN));
        }
    }
    return longest;
}

static void compare_value(const char *name, double value_a, double value_b, const char *unit, struct buf *out)
{
    struct buf a CLEANUP(buf_clear) = {0}, b CLEANUP(buf_clear) = {0}, change CLEANUP(buf_clear) = {0};
    if (isnan(value_a) && isnan(value_b)) {
        return;
    }
    if (!isnan(value_a)) {
        words_value(value_a, 0, NAN, unit, &a);
    }
    if (!isnan(value_b)) {
        words_value(value_b, 0, NAN, unit, &b);
    }
    difference(value_a, value_b, unit, &change);
    row(name, buf_str(&a), buf_str(&b), buf_str(&change), out);
}

static double measured(const struct past_drill *past, const char *group, const char *part, const char *name)
{
    const json_t *object = json_object_get(json_object_get(past->report, "measured"), group);
    return json_num(part ? json_object_get(object, part) : object, name, NAN);
}

static void compare_figures(const struct past_drill *a, const struct past_drill *b, struct buf *out)
{
    static const char *const phases[] = {"masked", "detect", "decide", "switch", "promote", "reconnect", "hold"};
    static const char *const requests[] = {"scheduled", "ok", "failed", "timed_out", "not_sent"};
    static const char *const writes[] = {"acknowledged", "lost", "lost_during_outage", "duplicated"};
    compare_value("recovery time", a->rto.at_least ? NAN : measured(a, "rto", NULL, "seconds"),
                  b->rto.at_least ? NAN : measured(b, "rto", NULL, "seconds"), "s", out);
    for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
        compare_value(phases[i], phase_of(a, phases[i]), phase_of(b, phases[i]), "s", out);
    }
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        AUTO_FREE char *name = xasprintf("requests %s", requests[i]);
        compare_value(name, measured(a, "requests", NULL, requests[i]), measured(b, "requests", NULL, requests[i]), "", out);
    }
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        AUTO_FREE char *name = xasprintf("writes %s", writes[i]);
        compare_value(name, measured(a, "rpo", NULL, writes[i]), measured(b, "rpo", NULL, writes[i]), "", out);
    }
    compare_value("p99 before", measured(a, "latency", "before", "p99"), measured(b, "latency", "before", "p99"), "s", out);
    compare_value("p99 during", measured(a, "latency", "during", "p99"), measured(b, "latency", "during", "p99"), "s", out);
    compare_value("p99 after", measured(a, "latency", "after", "p99"), measured(b, "latency", "after", "p99"), "s", out);
}

/* What is another in every drill, and says nothing about how it was made. */
static bool is_incidental(const char *path)
{
    static const char *const names[] = {"drill_id",     "write_prefix",       "repeat",          "usual_ns",
                                        "longest_ns",   "programme.evidence", "started_utc",     "command_line",
                                        "budget.notes", "retest_of",          "budget.last_pass"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(path, names[i])) {
            return true;
        }
    }
    return false;
}

static void say_value(const json_t *value, struct buf *out)
{
    AUTO_FREE char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    enum { SHOWN = 60 };
    size_t size = text ? strlen(text) : 0;
    buf_printf(out, "%.*s%s", SHOWN, text ? text : "(none)", size > SHOWN ? "…" : "");
}

static void compare_json(const char *path, const json_t *a, const json_t *b, size_t *count, struct buf *out);

static void compare_member(const char *path, const char *key, const json_t *a, const json_t *b, size_t *count, struct buf *out)
{
    AUTO_FREE char *inner = *path ? xasprintf("%s.%s", path, key) : xasprintf("%s", key);
    compare_json(inner, json_object_get(a, key), json_object_get(b, key), count, out);
}

static void compare_json(const char *path, const json_t *a, const json_t *b, size_t *count, struct buf *out)
{
    const char *key;
    json_t *value;
    if (json_equal(a, b) || is_incidental(path)) {
        return;
    }
    if (!json_is_object(a) || !json_is_object(b)) {
        buf_printf(out, "  %s: ", path);
        say_value(a, out);
        buf_puts(out, " -> ");
        say_value(b, out);
        buf_puts(out, "\n");
        (*count)++;
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        compare_member(path, key, a, b, count, out);
    }
    json_object_foreach((json_t *)(uintptr_t)b, key, value)
    {
        if (!json_object_get(a, key)) {
            compare_member(path, key, a, b, count, out);
        }
    }
}

void programme_compare(const struct past_drill *a, const struct past_drill *b, struct buf *out)
{
    size_t count = 0;
    char day_a[16], day_b[16];
    row("", a->name, b->name, "", out);
    row("when", when_day(a->started_utc_ns, day_a), when_day(b->started_utc_ns, day_b), "", out);
    row("outcome", *a->exit_words ? a->exit_words : past_outcome_name(a->outcome),
        *b->exit_words ? b->exit_words : past_outcome_name(b->outcome), "", out);
    compare_objectives(a, b, out);
    compare_figures(a, b, out);
    buf_puts(out, "what is different in how they were made:\n");
    compare_json("", a->plan, b->plan, &count, out);
    compare_json("", json_object_get(a->report, "environment"), json_object_get(b->report, "environment"), &count, out);
    if (count == 0) {
        buf_puts(out, "  nothing\n");
    }
}
