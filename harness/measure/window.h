/* The parts of a drill that objectives and tables speak of, as spans of time on the controller's clock. */
#ifndef DRILL_MEASURE_WINDOW_H
#define DRILL_MEASURE_WINDOW_H

#include "harness/measure/measurement.h"

struct span {
    int64_t begin_ns, end_ns; /* the end does not belong to it; none when it does not come after the begin */
};

/* From the first disruption to the last recovery. */
struct span window_recovery(const struct measurement *measurement);
/* From an injection to its revert, or from a revert to the next injection: the whole, or what lies before or after the recovery from it
 * (PART_BEFORE, PART_AFTER). */
struct span window_of_disruption(const struct measurement *measurement, size_t index, enum objective_part part);
/* What an objective speaks of: the caller frees *ret_spans. 0: there was no such time. */
size_t window_spans(const struct measurement *measurement, const struct objective *objective, struct span **ret_spans);
bool spans_have(const struct span *spans, size_t count, int64_t t_ns);

#endif
