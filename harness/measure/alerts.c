/* Alerts: which of those that the topology watches fired, and whether they should have. */
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/measure/measurement.h"

bool measure_is_firing(const json_t *event)
{
    const char *to = json_str(event, "to", "");
    return str_eq(json_str(event, "observer", ""), "alert") && (str_eq(to, "firing") || str_eq(to, "active"));
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

/* When it first fired at or after `from_ns`, and whether it did before that. */
static void look_for(const struct measurement *measurement, struct alert_result *alert, int64_t from_ns)
{
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        int64_t t_ns = json_int(event, "t", 0);
        if (!measure_is_firing(event) || !str_eq(json_str(event, "subject", ""), alert->name)) {
            continue;
        }
        if (t_ns < from_ns) {
            alert->fired_before = true;
        } else if (!alert->fired_ns) {
            alert->fired_ns = t_ns;
            alert->bound_ns = json_int(event, "bound_ns", 0) + json_int(event, "bound", 0);
        }
    }
}

static void tell(struct measurement *measurement, const struct alert_result *alert)
{
    double after_s = seconds_of(alert->fired_ns - measurement->result->origin_ns);
    if (alert->fired_before) {
        measure_finding(measurement, "%s fired before anything was broken.", alert->name);
    }
    if (alert->may_fire && alert->fired_ns) {
        measure_finding(measurement, "%s fired %.2f s after the first disruption, as it %s.", alert->name, after_s,
                        alert->must_fire ? "should" : "may");
    } else if (alert->must_fire) {
        measure_finding(measurement, "%s stayed silent: it should have fired.", alert->name);
    } else if (alert->fired_ns) {
        measure_finding(measurement, "%s fired %.2f s after the first disruption without being expected.", alert->name, after_s);
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
        alert->must_fire = is_among(json_object_get(alerts, "must_fire"), alert->name);
        alert->may_fire = alert->must_fire || is_among(json_object_get(alerts, "may_fire"), alert->name);
        look_for(measurement, alert, result->disrupted ? result->origin_ns : INT64_MAX);
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
        bool is_false = alert->fired_before || (alert->fired_ns && !alert->may_fire);
        figure.value += silent ? alert->must_fire && !alert->fired_ns : is_false;
    }
    return figure;
}
