/* Alerts: which of those that the topology watches fired, when, after what, for how long, and whether they should have. */
#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/measure/measurement.h"

static bool is_state_of_firing(const char *state)
{
    return str_eq(state, "firing") || str_eq(state, "active");
}

bool measure_is_firing(const json_t *event)
{
    return str_eq(json_str(event, "observer", ""), "alert") && is_state_of_firing(json_str(event, "to", ""));
}

/* Whoever could not be asked has not said that it is over. */
static bool is_resolved(const json_t *event)
{
    const char *to = json_str(event, "to", "");
    return !is_state_of_firing(to) && !str_eq(to, "unreachable") && !str_eq(to, "unknown") && !str_eq(to, "down");
}

static bool is_among(const json_t *names, const char *name)
{
    size_t index;
    json_t *item;
    json_array_foreach(names, index, item)
    {
        if (json_is_string(item) && str_eq(json_string_value(item), name)) {
            return true;
        }
    }
    return false;
}

static const struct disruption *newest_before(const struct measurement *measurement, int64_t t_ns)
{
    const struct disruption *newest = NULL;
    for (size_t i = 0; i < measurement->disruption_count; i++) {
        newest = measurement->disruptions[i].t_ns <= t_ns ? &measurement->disruptions[i] : newest;
    }
    return newest;
}

static struct alert_firing *add_firing(struct alert_result *alert, const json_t *event)
{
    alert->firings = xrealloc(alert->firings, alert->firing_count + 1, sizeof(*alert->firings));
    struct alert_firing *firing = &alert->firings[alert->firing_count++];
    *firing = (struct alert_firing){.fired_ns = json_int(event, "t", 0),
                                    .bound_ns = json_int(event, "bound_ns", 0) + json_int(event, "bound", 0)};
    return firing;
}

static const json_t *faults_of(const struct measurement *measurement, const char *name)
{
    return json_object_get(json_object_get(json_object_get(measurement->evidence->plan, "alerts"), "after"), name);
}

/* Laid to the newest disruption; right when the alert may fire at all, and after that fault. */
static void attribute(const struct measurement *measurement, const struct alert_result *alert, struct alert_firing *firing)
{
    const struct disruption *cause = newest_before(measurement, firing->fired_ns);
    const struct fault_result *fault = cause ? &measurement->result->faults[cause->fault] : NULL;
    firing->cause =
        fault ? xasprintf("%s %s %s", cause->failback ? "revert" : "inject", fault->fault, fault->target) : xstrdup("");
    firing->fault_id = xstrdup(fault ? fault->fault_id : "");
    firing->cause_ns = cause ? cause->t_ns : 0;
    firing->failback = cause && cause->failback;
    firing->expected = fault && alert->may_fire && (!alert->after || is_among(faults_of(measurement, alert->name), fault->fault));
    bool taken_away = fault && fault->reverting_ns && (!firing->resolved_ns || fault->reverting_ns <= firing->resolved_ns);
    firing->reverting_ns = taken_away ? fault->reverting_ns : 0;
}

/* "delay or loss"; NULL for none. */
static char *join(const json_t *names)
{
    struct buf text CLEANUP(buf_clear) = {0};
    size_t index;
    json_t *name;
    json_array_foreach(names, index, name)
    {
        buf_printf(&text, "%s%s", index ? " or " : "", json_is_string(name) ? json_string_value(name) : "?");
    }
    return text.size ? xstrdup(buf_str(&text)) : NULL;
}

static void follow(struct measurement *measurement, struct alert_result *alert)
{
    struct alert_firing *open = NULL;
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        if (!str_eq(json_str(event, "observer", ""), "alert") || !str_eq(json_str(event, "subject", ""), alert->name)) {
            continue;
        }
        if (measure_is_firing(event)) {
            open = open ? open : add_firing(alert, event);
        } else if (open && is_resolved(event)) {
            open->resolved_ns = json_int(event, "t", 0);
            open = NULL;
        }
    }
    alert->silent = alert->must_fire;
    for (size_t i = 0; i < alert->firing_count; i++) {
        attribute(measurement, alert, &alert->firings[i]);
        alert->silent &= !alert->firings[i].expected;
    }
}

static void tell_firing(struct measurement *measurement, const struct alert_result *alert, const struct alert_firing *firing)
{
    char resolved[96] = "";
    if (!*firing->cause) {
        measure_finding(measurement, "%s fired before anything was broken.", alert->name);
        return;
    }
    if (firing->resolved_ns) {
        (void)str_format(resolved, sizeof(resolved), " and was resolved %.2f s later",
                         seconds_of(firing->resolved_ns - firing->fired_ns));
    }
    AUTO_FREE char *verdict = firing->expected  ? xasprintf(", as it %s", alert->must_fire ? "should" : "may")
                              : alert->may_fire ? xasprintf(", though it is about %s alone: a cross-fire", alert->after)
                                                : xstrdup(" without being expected");
    measure_finding(measurement, "%s fired %.2f s after \"%s\"%s%s.", alert->name,
                    seconds_of(firing->fired_ns - firing->cause_ns), firing->cause, resolved, verdict);
}

static void tell(struct measurement *measurement, const struct alert_result *alert)
{
    for (size_t i = 0; i < alert->firing_count; i++) {
        tell_firing(measurement, alert, &alert->firings[i]);
    }
    if (alert->silent && measurement->result->disrupted) {
        measure_finding(measurement, "%s stayed silent: it should have fired%s%s.", alert->name, alert->after ? " after " : "",
                        alert->after ? alert->after : "");
    }
}

void measure_alerts(struct measurement *measurement)
{
    struct result *result = measurement->result;
    const json_t *alerts = json_object_get(measurement->evidence->plan, "alerts"), *watched = json_object_get(alerts, "watched");
    size_t index;
    json_t *name;
    result->alerts = xcalloc(json_array_size(watched) + 1, sizeof(*result->alerts));
    json_array_foreach(watched, index, name)
    {
        struct alert_result *alert = &result->alerts[result->alert_count++];
        *alert = (struct alert_result){.name = xstrdup(json_is_string(name) ? json_string_value(name) : "")};
        alert->after = join(faults_of(measurement, alert->name));
        alert->must_fire = is_among(json_object_get(alerts, "must_fire"), alert->name);
        alert->may_fire = alert->must_fire || is_among(json_object_get(alerts, "may_fire"), alert->name);
        follow(measurement, alert);
        tell(measurement, alert);
    }
}

struct figure measure_alerts_figure(const struct result *result, bool silent)
{
    struct figure figure = {.measured = true};
    if (result->alert_count == 0) {
        return figure_unknown("the topology watches no alerts");
    }
    if (!result->disrupted) {
        return figure_unknown("nothing was broken");
    }
    for (size_t i = 0; i < result->alert_count; i++) {
        const struct alert_result *alert = &result->alerts[i];
        figure.value += silent && alert->silent;
        for (size_t j = 0; !silent && j < alert->firing_count; j++) {
            figure.value += !alert->firings[j].expected;
        }
    }
    return figure;
}

/* From the injection that an alert is about until it fired, the first time; from taking the fault away until it was resolved. */
static struct figure alert_figure(const struct alert_result *alert, int64_t end_ns, bool resolve)
{
    if (alert->silent) {
        return figure_unknown("%s stayed silent", alert->name);
    }
    for (size_t i = 0; i < alert->firing_count; i++) {
        const struct alert_firing *firing = &alert->firings[i];
        if (!firing->expected || firing->failback) {
            continue;
        }
        int64_t from_ns = resolve ? firing->reverting_ns : firing->cause_ns;
        int64_t to_ns = !resolve ? firing->fired_ns : firing->resolved_ns ? firing->resolved_ns : end_ns;
        return from_ns ? (struct figure){.measured = true,
                                         .value = seconds_of(to_ns - from_ns),
                                         .at_least = resolve && !firing->resolved_ns,
                                         .resolution = resolve ? 0 : seconds_of(firing->bound_ns)}
                       : (struct figure){.measured = true}; /* it was over before the fault was */
    }
    return figure_unknown("%s fired after a revert only", alert->name);
}

struct figure measure_alerts_slowest(const struct measurement *measurement, bool resolve)
{
    const struct result *result = measurement->result;
    struct figure slowest = figure_unknown("no alert has to fire in this drill");
    for (size_t i = 0; i < result->alert_count; i++) {
        if (!result->alerts[i].must_fire) {
            continue;
        }
        struct figure figure = alert_figure(&result->alerts[i], measurement->end_ns, resolve);
        if (!figure.measured) {
            return figure;
        }
        bool slower = (figure.at_least && !slowest.at_least) || figure.value > slowest.value;
        slowest = !slowest.measured || slower ? figure : slowest;
    }
    return slowest;
}
