/* The parts of a drill that objectives and tables speak of, as spans of time. Requests belong to a part by their due times. */
#include "harness/base/str.h"
#include "harness/measure/window.h"

/* "During" ends with the last recovery. While something has not recovered there is no "after". Without any outage it ends with the
 * last disruption, if that took the fault away. */
struct span window_recovery(const struct measurement *measurement)
{
    const struct result *result = measurement->result;
    struct span during = {.begin_ns = result->disrupted ? result->origin_ns : INT64_MAX, .end_ns = INT64_MAX};
    bool outage = false, open = false;
    int64_t recovery_ns = 0;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        outage |= observation->outage;
        open |= observation->outage && observation->recovery_ns == 0;
        recovery_ns = observation->recovery_ns > recovery_ns ? observation->recovery_ns : recovery_ns;
    }
    if (outage && !open) {
        during.end_ns = recovery_ns;
    } else if (!outage && result->disrupted && measurement->disruptions[measurement->disruption_count - 1].failback) {
        during.end_ns = measurement->disruptions[measurement->disruption_count - 1].t_ns;
    }
    return during;
}

/* When all had recovered from a disruption; itself when nothing failed, INT64_MAX when something did not recover. */
static int64_t recovery_from_ns(const struct measurement *measurement, int64_t disruption_ns)
{
    const struct result *result = measurement->result;
    int64_t recovery_ns = disruption_ns;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        if (observation->disruption_ns == disruption_ns && observation->outage) {
            int64_t this_ns = observation->recovery_ns ? observation->recovery_ns : INT64_MAX;
            recovery_ns = this_ns > recovery_ns ? this_ns : recovery_ns;
        }
    }
    return recovery_ns;
}

/* While a fault is in: up to its own revert. After it: up to the next injection. */
static int64_t end_of_ns(const struct measurement *measurement, size_t index)
{
    const struct disruption *begin = &measurement->disruptions[index];
    for (size_t i = index + 1; i < measurement->disruption_count; i++) {
        const struct disruption *next = &measurement->disruptions[i];
        if (begin->failback ? !next->failback : next->failback && next->fault == begin->fault) {
            return next->t_ns;
        }
    }
    return INT64_MAX;
}

struct span window_of_disruption(const struct measurement *measurement, size_t index, enum objective_part part)
{
    int64_t begin_ns = measurement->disruptions[index].t_ns, recovery_ns = recovery_from_ns(measurement, begin_ns);
    struct span span = {.begin_ns = begin_ns, .end_ns = end_of_ns(measurement, index)};
    if (part == PART_BEFORE) {
        span.end_ns = recovery_ns < span.end_ns ? recovery_ns : span.end_ns;
    } else if (part == PART_AFTER) {
        span.begin_ns = recovery_ns;
    }
    return span;
}

static size_t spans_of_fault(const struct measurement *measurement, const struct objective *objective, struct span *spans)
{
    size_t count = 0;
    for (size_t i = 0; i < measurement->disruption_count; i++) {
        const struct disruption *disruption = &measurement->disruptions[i];
        if (disruption->failback == objective->afterward &&
            str_eq(measurement->result->faults[disruption->fault].fault, objective->fault)) {
            struct span span = window_of_disruption(measurement, i, objective->part);
            spans[count] = span;
            count += span.begin_ns < span.end_ns;
        }
    }
    return count;
}

size_t window_spans(const struct measurement *measurement, const struct objective *objective, struct span **ret_spans)
{
    *ret_spans = xcalloc(measurement->disruption_count + 1, sizeof(**ret_spans));
    if (objective->fault) {
        return spans_of_fault(measurement, objective, *ret_spans);
    }
    struct span during = window_recovery(measurement);
    const struct span parts[PART_COUNT] = {[PART_WHOLE] = {INT64_MIN, INT64_MAX},
                                           [PART_BEFORE] = {INT64_MIN, during.begin_ns},
                                           [PART_DURING] = during,
                                           [PART_AFTER] = {during.end_ns, INT64_MAX}};
    (*ret_spans)[0] = parts[objective->part];
    return 1;
}

bool spans_have(const struct span *spans, size_t count, int64_t t_ns)
{
    for (size_t i = 0; i < count; i++) {
        if (t_ns >= spans[i].begin_ns && t_ns < spans[i].end_ns) {
            return true;
        }
    }
    return false;
}
