/* One observation per disruption, vantage and class, and the worst of them.
 *
 * An observation is watched until the next disruption, or until the first request that was open then and failed: it may have been hit by
 * that one. One whose outage is not over, or not held, by then stays open through the
 * next ones until it is, or until the load ends: the clock never stops. One that saw no whole window goes on in the same way. */
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"

/* One vantage's requests of one class. */
struct watch {
    struct series series;
    const struct track *track;
    int64_t known_until_ns;
};

/* The due time of the first request that was still open at next_ns and did not end well; next_ns without any. */
static int64_t first_hit_ns(const struct series *series, int64_t next_ns)
{
    for (uint64_t i = series_next(series, series_from(series, next_ns - series->settings->deadline_ns));
         i < series->count && series_due_ns(series, i) < next_ns; i = series_next(series, i + 1)) {
        int64_t done_ns = series->records[i].done_ns;
        if (!series_is_good(series, i) && (done_ns == 0 || done_ns + series->offset_ns >= next_ns)) {
            return series_due_ns(series, i);
        }
    }
    return next_ns;
}

static int64_t watch_end_ns(const struct measurement *measurement, const struct watch *watch, size_t next)
{
    int64_t end_ns = watch->known_until_ns;
    if (next < measurement->disruption_count && measurement->disruptions[next].t_ns < end_ns) {
        end_ns = first_hit_ns(&watch->series, measurement->disruptions[next].t_ns);
    }
    return end_ns;
}

static bool is_settled(const struct outage *outage, const struct outage_settings *settings, int64_t watched_ns)
{
    if (outage->state == OUTAGE_UNKNOWN) {
        return watched_ns >= settings->window_ns;
    }
    return outage->state != OUTAGE_OPEN;
}

static void follow(const struct measurement *measurement, const struct watch *watch, size_t index, struct outage *outage,
                   int64_t *ret_until_ns)
{
    int64_t begin_ns = measurement->disruptions[index].t_ns;
    for (size_t next = index + 1;; next++) {
        *ret_until_ns = watch_end_ns(measurement, watch, next);
        outage_find(&watch->series, begin_ns, *ret_until_ns, outage);
        if (is_settled(outage, &measurement->settings, *ret_until_ns - begin_ns) || next >= measurement->disruption_count) {
            return;
        }
    }
}

/* Not recovered while watched. When the watching was cut short, `why` says so: then it is no proof that it would have taken longer. */
static struct figure open_figure(const struct measurement *measurement, const struct outage *outage, int64_t begin_ns,
                                 int64_t until_ns)
{
    enum conclusion conclusion = measurement->result->conclusion;
    struct figure figure = {.measured = true, .at_least = true, .value = seconds_of(until_ns - begin_ns)};
    bool whole = conclusion == CONCLUSION_COMPLETED || conclusion == CONCLUSION_TIMED_OUT;
    if (!whole || until_ns - begin_ns < measurement->settings.hold_ns) {
        figure.value = seconds_of((outage->recovery_ns ? outage->recovery_ns : until_ns) - begin_ns);
        (void)str_format(figure.why, sizeof(figure.why), "watched for %.1f s only%s", seconds_of(until_ns - begin_ns),
                         whole ? "" : ", the drill was cut short");
    }
    return figure;
}

/* Nothing failed any more, but too few requests were due to see that it held. */
static struct figure thin_figure(const struct measurement *measurement, const struct outage *outage, int64_t begin_ns)
{
    struct figure figure = {.measured = true, .at_least = true, .value = seconds_of(outage->last_failed_ns - begin_ns)};
    (void)str_format(figure.why, sizeof(figure.why), "some windows have fewer than the %u requests that are needed",
                     measurement->settings.minimum_count);
    return figure;
}

static struct figure rto_of(const struct measurement *measurement, const struct watch *watch, size_t index,
                            const struct outage *outage, int64_t until_ns)
{
    const struct disruption *disruption = &measurement->disruptions[index];
    double watched_s = seconds_of(until_ns - disruption->t_ns);
    if (outage->state == OUTAGE_OPEN && outage->thin) {
        return thin_figure(measurement, outage, disruption->t_ns);
    }
    if (outage->state == OUTAGE_OPEN) {
        return open_figure(measurement, outage, disruption->t_ns, until_ns);
    }
    if (outage->state == OUTAGE_RECOVERED) {
        return (struct figure){
            .measured = true,
            .value = seconds_of(outage->recovery_ns - disruption->t_ns),
            .resolution = seconds_of(outage->recovery_within_ns + watch->track->bound_ns + disruption->bracket_ns),
            .clock = seconds_of(watch->track->bound_ns + disruption->clock_ns),
        };
    }
    if (outage->state == OUTAGE_UNKNOWN && watched_s < seconds_of(measurement->settings.window_ns)) {
        return figure_unknown("watched for %.1f s only, less than one window", watched_s > 0 ? watched_s : 0);
    }
    if (outage->state == OUTAGE_UNKNOWN) {
        return figure_unknown("some windows have fewer than the %u requests that are needed",
                              measurement->settings.minimum_count);
    }
    if (!disruption->failback && !measurement->result->faults[disruption->fault].proven) {
        return figure_unknown("no outage was seen, but the fault was not proven either");
    }
    return (struct figure){.measured = true};
}

static void add_observation(struct measurement *measurement, const struct watch *watch, size_t index)
{
    struct result *result = measurement->result;
    const struct disruption *disruption = &measurement->disruptions[index];
    const struct fault_result *fault = &result->faults[disruption->fault];
    struct outage outage;
    int64_t until_ns;
    follow(measurement, watch, index, &outage, &until_ns);
    result->observations = xrealloc(result->observations, result->observation_count + 1, sizeof(*result->observations));
    struct observation *observation = &result->observations[result->observation_count++];
    *observation = (struct observation){
        .cause = xasprintf("%s %s %s", disruption->failback ? "revert" : "inject", fault->fault, fault->target),
        .fault_id = xstrdup(fault->fault_id),
        .failback = disruption->failback,
        .vantage = xstrdup(watch->track->header->vantage),
        .request_class = watch->series.request_class,
        .disruption_ns = disruption->t_ns,
        .watched_until_ns = until_ns > disruption->t_ns ? until_ns : disruption->t_ns,
        .outage = outage.state == OUTAGE_RECOVERED || outage.state == OUTAGE_OPEN,
        .outage_start_ns = outage.start_ns,
        .recovery_ns = outage.state == OUTAGE_RECOVERED ? outage.recovery_ns : 0,
        .start_resolution_ns = outage.start_ns ? outage.start_within_ns + watch->track->bound_ns : 0,
        .recovery_resolution_ns = outage.recovery_ns ? outage.recovery_within_ns + watch->track->bound_ns : 0,
        .rto = rto_of(measurement, watch, index, &outage, until_ns),
        .requests = outage.requests,
        .failed = outage.failed,
    };
}

static size_t open_watches(const struct measurement *measurement, struct watch *watches)
{
    size_t count = 0;
    for (size_t i = 0; i < measurement->tracks.count; i++) {
        const struct track *track = &measurement->tracks.items[i];
        for (enum request_class request_class = CLASS_READ; request_class < CLASS_COUNT; request_class++) {
            if (!track->by_class[request_class] && !series_is_expected(track->header, request_class)) {
                continue;
            }
            struct watch *watch = &watches[count++];
            *watch = (struct watch){.track = track,
                                    .series = {.records = track->records,
                                               .count = track->count,
                                               .offset_ns = track->offset_ns,
                                               .request_class = request_class,
                                               .settings = &measurement->settings}};
            watch->known_until_ns = series_known_until_ns(&watch->series, measurement->end_ns);
        }
    }
    return count;
}

/* A revert at the drill's very end, for whose recovery nobody waited, says nothing about the recovery time. */
static bool is_unwatched(const struct measurement *measurement, const struct observation *observation,
                         const struct disruption *disruption)
{
    int64_t watched_ns = observation->watched_until_ns - observation->disruption_ns;
    bool judged = observation->rto.measured && !observation->rto.at_least;
    return observation->failback && !disruption->awaited && !judged && watched_ns < measurement->settings.hold_ns;
}

/* Worse: not recovered (the longer the worse), then the longer, then not measured. */
static bool is_worse(const struct figure *a, const struct figure *b)
{
    if (a->measured != b->measured) {
        return a->measured;
    }
    if (a->at_least != b->at_least) {
        return a->at_least;
    }
    return a->value + a->resolution > b->value + b->resolution;
}

static void find_worst(struct measurement *measurement, size_t per_disruption)
{
    struct result *result = measurement->result;
    result->rto_observation = SIZE_MAX;
    result->rto = figure_unknown(result->disrupted ? "no requests were observed after the disruption" : "nothing was injected");
    const struct figure *missing = NULL;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        const struct disruption *disruption = &measurement->disruptions[i / per_disruption];
        if (is_unwatched(measurement, observation, disruption)) {
            measure_finding(measurement, "After \"%s\" the %ss from %s were not watched long enough to see a recovery.",
                            observation->cause, class_name(observation->request_class), observation->vantage);
            continue;
        }
        missing = observation->rto.measured ? missing : &observation->rto;
        if (result->rto_observation == SIZE_MAX || is_worse(&observation->rto, &result->rto)) {
            result->rto_observation = i;
            result->rto = observation->rto;
        }
    }
    /* A worst that another might exceed is none; one that was not recovered from cannot be exceeded. */
    if (missing && result->rto.measured && !result->rto.at_least) {
        measure_finding(measurement, "The recovery time is known to be %.2f s or more, but not every observation was measured.",
                        result->rto.value);
        result->rto = *missing;
    }
}

void measure_observations(struct measurement *measurement)
{
    AUTO_FREE struct watch *watches = xcalloc(measurement->tracks.count * CLASS_COUNT + 1, sizeof(*watches));
    size_t count = open_watches(measurement, watches);
    for (size_t i = 0; i < measurement->disruption_count; i++) {
        for (size_t j = 0; j < count; j++) {
            add_observation(measurement, &watches[j], i);
        }
    }
    find_worst(measurement, count);
}
