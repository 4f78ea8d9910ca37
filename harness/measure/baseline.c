/* Whether the system was healthy before anything was done to it: what fails before the first disruption is not the disruption's, and
 * what comes after it proves nothing.
 *
 * The baseline is what was due since the steady state began to hold (or, in a drill that did not wait for one, the last 30 s) and had its
 * deadline before the disruption. Every whole window of it must be good, for each vantage and class. */
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"

#define BASELINE_NS (30 * NS_PER_S)

static int64_t baseline_begin_ns(const struct measurement *measurement, int64_t disruption_ns)
{
    int64_t begin_ns = disruption_ns - BASELINE_NS;
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        int64_t t_ns = json_int(event, "t", 0);
        if (t_ns <= disruption_ns && str_eq(json_str(event, "kind", ""), "steady.ok")) {
            begin_ns = t_ns - json_int(event, "for_ns", 0);
        }
    }
    return begin_ns;
}

static void judge_class(struct measurement *measurement, const struct track *track, enum request_class request_class,
                        int64_t begin_ns, int64_t until_ns)
{
    const struct series series = {.records = track->records,
                                  .count = track->count,
                                  .offset_ns = track->offset_ns,
                                  .request_class = request_class,
                                  .settings = &measurement->settings};
    struct outage outage;
    outage_find(&series, begin_ns, until_ns, &outage);
    if (outage.state == OUTAGE_RECOVERED || outage.state == OUTAGE_OPEN) {
        measurement->baseline_failed = true;
        measure_finding(measurement,
                        "The system was not healthy before the drill: %llu of %llu %ss from %s failed in the %.1f s before it.",
                        (unsigned long long)outage.failed, (unsigned long long)outage.requests, class_name(request_class),
                        track->header->vantage, seconds_of(until_ns - begin_ns));
    } else if (outage.state == OUTAGE_UNKNOWN) {
        measure_finding(
            measurement,
            "Whether the %ss from %s were healthy before the drill was not seen: too few of them in too short a time.",
            class_name(request_class), track->header->vantage);
    }
}

void measure_baseline(struct measurement *measurement)
{
    if (!measurement->result->disrupted || measurement->steady_failed) {
        return;
    }
    int64_t disruption_ns = measurement->disruptions[0].t_ns;
    int64_t begin_ns = baseline_begin_ns(measurement, disruption_ns);
    int64_t until_ns = disruption_ns - measurement->settings.deadline_ns;
    for (size_t i = 0; i < measurement->tracks.count; i++) {
        const struct track *track = &measurement->tracks.items[i];
        int64_t from_ns = track->first_due_ns > begin_ns ? track->first_due_ns : begin_ns;
        for (enum request_class request_class = CLASS_READ; request_class < CLASS_COUNT; request_class++) {
            if (track->by_class[request_class]) {
                judge_class(measurement, track, request_class, from_ns, until_ns);
            }
        }
    }
}
