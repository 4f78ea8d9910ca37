/* From evidence to result: the steps in their order. Pure: no clock, no network; the same evidence gives the same result. */
#include <stdarg.h>
#include <stdio.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/divergence.h"
#include "harness/measure/shares.h"

double seconds_of(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

struct figure figure_unknown(const char *fmt, ...)
{
    struct figure figure = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(figure.why, sizeof(figure.why), fmt, args);
    va_end(args);
    return figure;
}

void measure_finding(struct measurement *measurement, const char *fmt, ...)
{
    struct result *result = measurement->result;
    struct buf text CLEANUP(buf_clear) = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    result->findings = xrealloc(result->findings, result->finding_count + 1, sizeof(*result->findings));
    result->findings[result->finding_count++] = buf_take(&text);
}

static int64_t deadline_of(const struct evidence *evidence, int64_t fallback_ns)
{
    int64_t deadline_ns = 0;
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        int64_t this_ns = ledger_header(evidence->ledgers[i])->deadline_ns;
        deadline_ns = this_ns > deadline_ns ? this_ns : deadline_ns;
    }
    return deadline_ns > 0 ? deadline_ns : fallback_ns;
}

static void read_settings(struct measurement *measurement)
{
    const json_t *plan = json_object_get(measurement->evidence->plan, "measure");
    struct outage_settings *settings = &measurement->settings;
    settings->deadline_ns = deadline_of(measurement->evidence, NS_PER_S);
    settings->window_ns = json_int(plan, "window_ns", NS_PER_S);
    settings->minimum_count = (uint32_t)json_int(plan, "minimum_count", 5);
    settings->good_share = json_num(plan, "good_share", 0.99);
    settings->latency_ns = json_int(plan, "latency_ns", settings->deadline_ns);
    settings->hold_ns = json_int(plan, "hold_ns", 30 * NS_PER_S);
    measurement->late_limit_ns = json_int(plan, "late_limit_ns", 50 * NS_PER_MS);
    measurement->late_share = json_num(plan, "late_share", 0.001);
    measurement->result->method.hold_ns = settings->hold_ns;
    measurement->result->method.window_ns = settings->window_ns;
    measurement->result->method.latency_ns = settings->latency_ns;
    measurement->result->method.minimum_count = settings->minimum_count;
    measurement->result->method.good_share = settings->good_share;
}

static const char *started(const struct evidence *evidence, const char *key)
{
    size_t index;
    json_t *event;
    json_array_foreach(evidence->events, index, event)
    {
        if (str_eq(json_str(event, "kind", ""), "drill.start")) {
            return json_str(event, key, "");
        }
    }
    return "";
}

static void identify(struct measurement *measurement)
{
    const struct evidence *evidence = measurement->evidence;
    struct result *result = measurement->result;
    result->drill_id = xstrdup(json_str(evidence->plan, "drill_id", started(evidence, "drill_id")));
    result->scenario = xstrdup(json_str(evidence->plan, "scenario", started(evidence, "scenario")));
    result->title = xstrdup(json_str(evidence->plan, "title", started(evidence, "title")));
    result->why = xstrdup(json_str(evidence->plan, "why", ""));
    result->topology = xstrdup(json_str(evidence->plan, "topology", ""));
    result->seed = json_int(evidence->plan, "seed", 0);
    result->events = json_incref(evidence->events);
    result->environment = json_incref(evidence->environment);
    result->plan = json_incref(evidence->plan);
}

int measure_evidence(const struct evidence *evidence, struct result **ret_result, struct err *err)
{
    struct result *result CLEANUP(result_cleanup) = xcalloc(1, sizeof(*result));
    struct measurement measurement = {.evidence = evidence, .result = result};
    identify(&measurement);
    read_settings(&measurement);
    tracks_open(evidence, &measurement.tracks);
    measure_facts(&measurement);
    measure_traffic(&measurement);
    measure_detail(&measurement);
    measure_baseline(&measurement);
    measure_observations(&measurement);
    measure_phases(&measurement);
    measure_latency(&measurement);
    measure_shares(&measurement);
    measure_loss(&measurement);
    measure_divergence(&measurement);
    measure_primaries(&measurement);
    measure_alerts(&measurement);
    measure_promise(&measurement);
    measure_security(&measurement);
    measure_failovers(&measurement);
    measure_order(&measurement);
    measure_drift_findings(&measurement);
    measure_people_findings(&measurement);
    measure_coverage(&measurement);
    int status = measure_judge(&measurement, err);
    if (status == 0) {
        measure_verdict(&measurement);
        *ret_result = TAKE(result);
    }
    tracks_close(&measurement.tracks);
    free(measurement.disruptions);
    free(measurement.phase_bounds_s);
    return status;
}
