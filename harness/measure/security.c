/* Security: what must hold whatever is broken, asked again and again (observers of the kind "security"). An answer begins with "holds" or
 * with "gap"; anything else says that there was nobody to ask, which is neither. */
#include "harness/base/str.h"
#include "harness/measure/measurement.h"

/* What was seen of one check. */
struct asked {
    const char *name, *gap, *last; /* the first gap; the last answer, of either kind; NULL: none. Borrowed from the events */
    int64_t gap_ns;
    bool before, after; /* answered at a time before the first disruption; since then */
};

static bool is_answer(const char *text)
{
    return str_starts_with(text, "holds") || str_starts_with(text, "gap");
}

/* Only changes are told: what was so at the disruption still is until another answer is told. */
static struct asked look_for(const struct measurement *measurement, const char *name)
{
    struct asked asked = {.name = name};
    const struct result *result = measurement->result;
    int64_t from_ns = result->disrupted ? result->origin_ns : INT64_MAX;
    bool standing = false;
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        const char *to = json_str(event, "to", "");
        if (!str_eq(json_str(event, "observer", ""), "security") || !str_eq(json_str(event, "subject", ""), name)) {
            continue;
        }
        int64_t t_ns = json_int(event, "t", 0);
        bool answer = is_answer(to);
        if (t_ns < from_ns) {
            standing = answer;
        }
        asked.before = asked.before || (answer && t_ns < from_ns);
        asked.after = asked.after || (answer && t_ns >= from_ns);
        asked.last = answer ? to : asked.last;
        if (!asked.gap && str_starts_with(to, "gap")) {
            asked.gap = to;
            asked.gap_ns = t_ns;
        }
    }
    asked.after = asked.after || standing;
    return asked;
}

static void tell(struct measurement *measurement, const struct asked *asked)
{
    const struct result *result = measurement->result;
    double after_s = seconds_of(asked->gap_ns - result->origin_ns);
    if (asked->gap && result->disrupted && asked->gap_ns >= result->origin_ns) {
        measure_finding(measurement, "%s: %s, seen %.1f s after the first disruption%s.", asked->name, asked->gap, after_s,
                        asked->before ? " and not before" : "");
    } else if (asked->gap) {
        measure_finding(measurement, "%s: %s, seen before anything was broken.", asked->name, asked->gap);
    } else if (!asked->after && result->disrupted) {
        measure_finding(measurement, "%s was not answered any more after the first disruption.", asked->name);
    } else if (asked->last) {
        measure_finding(measurement, "%s: asked all the time, no gap; at last \"%s\".", asked->name, asked->last);
    }
}

static const json_t *watched(const struct measurement *measurement)
{
    return json_object_get(measurement->evidence->plan, "security");
}

void measure_security(struct measurement *measurement)
{
    size_t index;
    json_t *name;
    json_array_foreach(watched(measurement), index, name)
    {
        struct asked asked = look_for(measurement, json_is_string(name) ? json_string_value(name) : "");
        tell(measurement, &asked);
    }
}

struct figure measure_security_figure(const struct measurement *measurement)
{
    struct figure figure = {.measured = true};
    struct figure unknown = {0};
    size_t index;
    json_t *name;
    if (json_array_size(watched(measurement)) == 0) {
        return figure_unknown("the topology has no observers of the kind security");
    }
    json_array_foreach(watched(measurement), index, name)
    {
        struct asked asked = look_for(measurement, json_is_string(name) ? json_string_value(name) : "");
        figure.value += asked.gap != NULL;
        if (!asked.last || (measurement->result->disrupted && !asked.after)) {
            unknown =
                figure_unknown("'%s' was not answered%s", asked.name, asked.last ? " any more once something was broken" : "");
        }
    }
    return figure.value == 0 && unknown.why[0] ? unknown : figure;
}
