/* Latency before, during and after the outages. It counts from the due time, and no request is left out: one that failed counts with
 * at least the deadline, so that refusing quickly does not look fast. */
#include "harness/measure/histogram.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"

struct parts {
    int64_t begin_ns, end_ns; /* of "during" */
    struct histogram *histograms[PART_COUNT];
};

/* "During" ends with the last recovery. While something has not recovered there is no "after". Without any outage it ends with the
 * last disruption, if that took the fault away. */
static void find_limits(const struct measurement *measurement, struct parts *parts)
{
    const struct result *result = measurement->result;
    bool outage = false, open = false;
    int64_t recovery_ns = 0;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        outage |= observation->outage;
        open |= observation->outage && observation->recovery_ns == 0;
        recovery_ns = observation->recovery_ns > recovery_ns ? observation->recovery_ns : recovery_ns;
    }
    parts->begin_ns = result->disrupted ? result->origin_ns : INT64_MAX;
    parts->end_ns = INT64_MAX;
    if (outage && !open) {
        parts->end_ns = recovery_ns;
    } else if (!outage && result->disrupted && measurement->disruptions[measurement->disruption_count - 1].failback) {
        parts->end_ns = measurement->disruptions[measurement->disruption_count - 1].t_ns;
    }
}

static void add_track(struct parts *parts, const struct track *track)
{
    int64_t deadline_ns = track->header->deadline_ns;
    for (uint64_t i = 0; i < track->count; i++) {
        const struct ledger_record *record = &track->records[i];
        int64_t due_ns = record->due_ns + track->offset_ns;
        enum request_outcome outcome = request_outcome(record);
        int64_t took_ns = record->done_ns ? record->done_ns - record->due_ns : 0;
        if (outcome == OUTCOME_NOT_SENT) {
            continue;
        }
        if (outcome != OUTCOME_OK && took_ns < deadline_ns) {
            took_ns = deadline_ns;
        }
        enum objective_part part = due_ns < parts->begin_ns ? PART_BEFORE : due_ns < parts->end_ns ? PART_DURING : PART_AFTER;
        histogram_add(parts->histograms[part], took_ns);
    }
}

void measure_latency(struct measurement *measurement)
{
    struct result *result = measurement->result;
    struct latency_part *latency[PART_COUNT] = {&measurement->whole, &result->before, &result->during, &result->after};
    struct parts parts = {0};
    find_limits(measurement, &parts);
    for (size_t i = 0; i < PART_COUNT; i++) {
        parts.histograms[i] = histogram_new();
    }
    for (size_t i = 0; i < measurement->tracks.count; i++) {
        add_track(&parts, &measurement->tracks.items[i]);
    }
    for (size_t i = PART_COUNT; i-- > 0;) { /* the whole is the first, and is complete when it comes last */
        if (i != PART_WHOLE) {
            histogram_merge(parts.histograms[PART_WHOLE], parts.histograms[i]);
        }
        *latency[i] = histogram_latency(parts.histograms[i]);
        histogram_free(parts.histograms[i]);
    }
}
