/* Two primaries at once: spans in which two or more stores said of themselves that they are primary, as observers of the kind "store" saw
 * it. An overlap shorter than their interval may go unseen. */
#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/measure/divergence.h"

struct watching {
    struct stores_result *stores;
    uint32_t primaries; /* who is one now */
    int64_t begin_ns, begin_bound_ns;
    int64_t resolution_ns;
};

static bool is_overlap(uint32_t mask)
{
    return (mask & (mask - 1)) != 0;
}

/* The time from t_ns on belongs to another set of primaries. */
static void change(struct watching *watching, int64_t t_ns, int64_t bound_ns, uint32_t primaries)
{
    struct stores_result *stores = watching->stores;
    if (is_overlap(watching->primaries) && t_ns > watching->begin_ns) {
        stores->spans = xrealloc(stores->spans, stores->span_count + 1, sizeof(*stores->spans));
        stores->spans[stores->span_count++] =
            (struct primaries_span){.begin_ns = watching->begin_ns, .end_ns = t_ns, .mask = watching->primaries};
        stores->two_primaries.value += seconds_of(t_ns - watching->begin_ns);
        watching->resolution_ns += bound_ns > watching->begin_bound_ns ? bound_ns : watching->begin_bound_ns;
    }
    watching->primaries = primaries;
    watching->begin_ns = t_ns;
    watching->begin_bound_ns = bound_ns;
}

static void tell(struct measurement *measurement)
{
    const struct stores_result *stores = &measurement->result->stores;
    for (size_t i = 0; i < stores->span_count; i++) {
        const struct primaries_span *span = &stores->spans[i];
        struct buf names CLEANUP(buf_clear) = {0};
        stores_names(stores, span->mask, &names);
        measure_finding(measurement, "Two primaries at once: %s, for %.2f s from %.2f s after the first disruption.",
                        buf_str(&names), seconds_of(span->end_ns - span->begin_ns),
                        seconds_of(span->begin_ns - measurement->result->origin_ns));
    }
}

void measure_primaries(struct measurement *measurement)
{
    struct stores_result *stores = &measurement->result->stores;
    struct watching watching = {.stores = stores};
    size_t index;
    json_t *event;
    stores->two_primaries = figure_unknown("no observer of the kind 'store' asks the stores for their role");
    json_array_foreach(measurement->evidence->events, index, event)
    {
        const char *name = stores_subject(event);
        size_t store = name ? stores_index(stores, name) : STORES_MAX;
        if (store == STORES_MAX) {
            continue;
        }
        stores->two_primaries.measured = true;
        uint32_t primaries = watching.primaries & ~(1U << store);
        primaries |= str_eq(json_str(event, "to", ""), "primary") ? 1U << store : 0;
        if (primaries != watching.primaries) {
            change(&watching, json_int(event, "t", 0), json_int(event, "bound_ns", 0) + json_int(event, "bound", 0), primaries);
        }
    }
    change(&watching, measurement->end_ns, 0, 0);
    stores->two_primaries.resolution = seconds_of(watching.resolution_ns);
    tell(measurement);
}
