/* Latency before, during and after the outages. It counts from the due time, and no request is left out: one that failed counts with
 * at least the deadline, so that refusing quickly does not look fast. */
#include "harness/measure/histogram.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"
#include "harness/measure/window.h"

struct parts {
    struct span during;
    struct histogram *histograms[PART_COUNT];
};

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
        enum objective_part part = due_ns < parts->during.begin_ns ? PART_BEFORE
                                   : due_ns < parts->during.end_ns ? PART_DURING
                                                                   : PART_AFTER;
        histogram_add(parts->histograms[part], took_ns);
    }
}

void measure_latency(struct measurement *measurement)
{
    struct result *result = measurement->result;
    struct latency_part *latency[PART_COUNT] = {&measurement->whole, &result->before, &result->during, &result->after};
    struct parts parts = {.during = window_recovery(measurement)};
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
