/* Failovers that nobody needed: times that DNS left a region for no reason that a user would have had.
 *
 * That is: DNS changes from the region that it answered with first to another one, and no outage has begun by then in any observation of
 * the disruption before it. An outage that begins later is what the failover did, and no reason for it. */
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/measure/measurement.h"

static bool is_of(const json_t *event, const char *subject)
{
    return str_eq(json_str(event, "observer", ""), "dns") && str_eq(json_str(event, "subject", ""), subject);
}

/* The first of their events for each of those who watch DNS. */
static bool is_first(const json_t *events, const json_t *event)
{
    const char *subject = json_str(event, "subject", "");
    size_t index;
    json_t *earlier;
    json_array_foreach(events, index, earlier)
    {
        if (is_of(earlier, subject)) {
            return earlier == event;
        }
    }
    return false;
}

/* The first answer that one of them got; "" when there never was one. */
static const char *first_answer(const json_t *events, const char *subject)
{
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event)
    {
        const char *from = json_str(event, "from", ""), *to = json_str(event, "to", "");
        if (is_of(event, subject) && (measure_is_answer(from) || measure_is_answer(to))) {
            return measure_is_answer(from) ? from : to;
        }
    }
    return "";
}

/* Whether by then an outage had begun since the latest disruption. */
static bool hurts_users(const struct result *result, int64_t t_ns)
{
    int64_t latest_ns = INT64_MIN;
    bool hurt = false;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        if (observation->disruption_ns <= t_ns && observation->disruption_ns >= latest_ns) {
            bool began = observation->outage && observation->outage_start_ns <= t_ns;
            hurt = began || (hurt && observation->disruption_ns == latest_ns);
            latest_ns = observation->disruption_ns;
        }
    }
    return hurt;
}

/* Does the event tell that DNS changed from `home` to another region, and to which ("" when it is none)? */
static bool leaves(const struct measurement *measurement, const json_t *event, const char *home, char after[static 64])
{
    const json_t *events = measurement->evidence->events;
    char before[64];
    if (!measure_is_switch(events, event)) {
        return false;
    }
    measure_region_of(measurement, measure_seen_before(events, event, measure_is_answer), before);
    measure_region_of(measurement, json_str(event, "to", ""), after);
    return str_eq(before, home) && !str_eq(after, home);
}

/* Does another fault of that name have another value there? */
static bool tells_apart(const struct result *result, const struct fault_result *fault, const char *option)
{
    for (size_t i = 0; i < result->fault_count; i++) {
        const struct fault_result *other = &result->faults[i];
        if (str_eq(other->fault, fault->fault) &&
            !json_equal(json_object_get(other->options, option), json_object_get(fault->options, option))) {
            return true;
        }
    }
    return false;
}

static const struct fault_result *newest_in_force(const struct result *result, int64_t t_ns)
{
    const struct fault_result *newest = NULL;
    for (size_t i = 0; i < result->fault_count; i++) {
        const struct fault_result *fault = &result->faults[i];
        bool in_force = fault->applied && fault->applied_before_ns <= t_ns && (!fault->removed_ns || fault->removed_ns > t_ns);
        newest = in_force && (!newest || fault->applied_before_ns >= newest->applied_before_ns) ? fault : newest;
    }
    return newest;
}

/* The caller frees it. */
static char *name_fault(const struct result *result, int64_t t_ns)
{
    const struct fault_result *fault = newest_in_force(result, t_ns);
    struct buf name = {0};
    const char *option;
    json_t *value;
    buf_puts(&name, fault ? fault->fault : "");
    json_object_foreach(fault ? fault->options : NULL, option, value)
    {
        if (json_is_string(value) && tells_apart(result, fault, option)) {
            buf_printf(&name, " %s", json_string_value(value));
        }
    }
    return buf_take(&name);
}

/* Keep it, and tell of it. */
static void add_false(struct measurement *measurement, const char *from, const char *to, int64_t t_ns)
{
    struct result *result = measurement->result;
    size_t count = result->false_failover_count++;
    result->false_failover_list = xrealloc(result->false_failover_list, count + 1, sizeof(*result->false_failover_list));
    struct false_failover *added = &result->false_failover_list[count];
    *added = (struct false_failover){t_ns, xstrdup(from), xstrdup(to), name_fault(result, t_ns)};
    measure_finding(measurement, "DNS left %s for %s %.2f s after the first disruption, while users were served%s%s.", from,
                    *to ? to : "an address of no region", seconds_of(t_ns - result->origin_ns), *added->during ? ", during " : "",
                    added->during);
}

/* What one of those who watch DNS saw; with `tell` each time is kept and becomes a finding. */
static struct figure count_of(struct measurement *measurement, const char *subject, bool tell)
{
    const json_t *events = measurement->evidence->events;
    const char *first = first_answer(events, subject);
    struct figure figure = {.measured = true};
    char home[64], after[64];
    size_t index;
    json_t *event;
    measure_region_of(measurement, first, home);
    if (!*home) {
        return figure_unknown("DNS answered with no address of a region");
    }
    json_array_foreach(events, index, event)
    {
        int64_t t_ns = json_int(event, "t", 0), since_ns = t_ns - measurement->result->origin_ns;
        if (!is_of(event, subject) || !leaves(measurement, event, home, after)) {
            continue;
        }
        if (since_ns < 0) {
            return figure_unknown("DNS answered with more than one region before anything was broken");
        }
        if (!hurts_users(measurement->result, t_ns)) {
            figure.value++;
            if (tell) {
                add_false(measurement, home, after, t_ns);
            }
        }
    }
    return figure;
}

/* Several may watch the same: observers, and clients as they look names up, each later than the other. Whoever saw most of it counts, and of
 * equals the first. */
void measure_failovers(struct measurement *measurement)
{
    struct result *result = measurement->result;
    const json_t *events = measurement->evidence->events;
    const char *worst = NULL;
    size_t index;
    json_t *event;
    result->false_failovers = figure_unknown("nobody watched what DNS answers");
    json_array_foreach(events, index, event)
    {
        const char *subject = json_str(event, "subject", "");
        const struct figure *most = &result->false_failovers;
        if (!is_first(events, event)) {
            continue;
        }
        struct figure figure = count_of(measurement, subject, false);
        if (!worst || (figure.measured && (!most->measured || figure.value > most->value))) {
            worst = subject;
            result->false_failovers = figure;
        }
    }
    if (worst) {
        (void)count_of(measurement, worst, true);
    }
}
