/* report.json: the result itself, for programs. Every other format shows a part of it. reports/report.schema.json describes it. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/failovers.h"
#include "reports/order.h"
#include "reports/report.h"
#include "reports/stores.h"
#include "reports/words.h"
#include "reports/xml.h"

/* Takes `value`; NULL (not measured, or a number that JSON cannot carry) becomes null. */
static void put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value ? value : json_null());
}

static json_t *text(const char *value)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    if (!value) {
        return NULL;
    }
    xml_clean_text(value, &clean);
    return json_string(buf_str(&clean));
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : NULL;
}

static json_t *since(const struct result *result, int64_t t_ns)
{
    return t_ns ? number(words_since(result, t_ns)) : NULL;
}

static json_t *utc(int64_t utc_ns)
{
    char out[32];
    return utc_ns ? json_string(clock_format_utc(utc_ns, out)) : NULL;
}

/* The exact value, or null where there is none or only a lower bound. */
static json_t *exact(const struct figure *figure)
{
    return figure->measured && !figure->at_least ? number(figure->value) : NULL;
}

static void put_figure(json_t *object, const char *value_key, const char *resolution_key, const char *bound_key,
                       const struct figure *figure)
{
    put(object, value_key, exact(figure));
    put(object, resolution_key, figure->measured ? number(figure->resolution) : NULL);
    put(object, bound_key, figure->measured && figure->at_least ? number(figure->value) : NULL);
    put(object, "why", figure->measured ? NULL : text(figure->why));
}

static json_t *describe_drill(const struct result *result)
{
    json_t *drill = json_object();
    const json_t *repeat = json_object_get(result->plan, "repeat");
    put(drill, "id", text(result->drill_id));
    put(drill, "scenario", text(result->scenario));
    put(drill, "title", text(result->title));
    put(drill, "why", text(result->why));
    put(drill, "topology", text(result->topology));
    put(drill, "started", utc(result->started_utc_ns));
    put(drill, "ended", utc(result->ended_utc_ns));
    put(drill, "seed", json_integer(result->seed));
    put(drill, "repeat", json_is_integer(repeat) ? json_integer(json_integer_value(repeat)) : NULL);
    put(drill, "disrupted", json_boolean(result->disrupted));
    return drill;
}

static json_t *describe_objectives(const struct objective_result *objectives, size_t objective_count)
{
    static const char *const names[JUDGEMENT_COUNT] = {"unknown", "met", "missed", "unknown"};
    json_t *array = json_array();
    for (size_t i = 0; i < objective_count; i++) {
        const struct objective_result *objective = &objectives[i];
        json_t *item = json_object();
        put(item, "text", text(objective->text));
        put(item, "metric", text(objective->metric));
        put(item, "comparison", text(objective->comparison));
        put(item, "limit", number(objective->limit));
        put(item, "unit", text(objective->unit ? objective->unit : ""));
        put_figure(item, "measured", "resolution", "more_than", &objective->measured);
        put(item, "result", json_string(names[objective->judgement]));
        put(item, "reason", text(objective->reason));
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_rto(const struct result *result)
{
    const struct observation *worst = result_worst(result);
    json_t *rto = json_object();
    put_figure(rto, "seconds", "resolution_seconds", "more_than_seconds", &result->rto);
    put(rto, "recovered", result->rto.measured ? json_boolean(!result->rto.at_least) : NULL);
    put(rto, "outage_start", worst ? since(result, worst->outage_start_ns) : NULL);
    put(rto, "recovery", worst ? since(result, worst->recovery_ns) : NULL);
    put(rto, "cause", worst ? text(worst->cause) : NULL);
    return rto;
}

static json_t *describe_checks(const struct loss *loss)
{
    json_t *array = json_array();
    for (size_t i = 0; i < loss->check_count; i++) {
        const struct loss_check *check = &loss->checks[i];
        json_t *item = json_object();
        put(item, "cause", text(check->cause));
        put(item, "after", text(check->after));
        put(item, "complete", json_boolean(check->complete));
        put(item, "reason", text(check->reason));
        put(item, "checked", count(check->checked));
        put(item, "missing", count(check->missing));
        put(item, "newly_missing", count(check->newly_missing));
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_rpo(const struct result *result)
{
    const struct loss *loss = &result->loss;
    const struct figure none = {0};
    json_t *rpo = json_object(), *ids = json_array();
    put_figure(rpo, "seconds", "resolution_seconds", "more_than_seconds", loss->measured ? &loss->rpa : &none);
    put(rpo, "acknowledged", loss->measured ? count(loss->acknowledged) : NULL);
    put(rpo, "lost", loss->measured ? count(loss->lost) : NULL);
    put(rpo, "lost_during_outage", loss->measured ? count(loss->lost_during_outage) : NULL);
    put(rpo, "duplicated", loss->measured ? count(loss->duplicated) : NULL);
    put(rpo, "unknown_present", loss->measured ? count(loss->unknown_present) : NULL);
    put(rpo, "unknown_absent", loss->measured ? count(loss->unknown_absent) : NULL);
    if (!loss->measured) {
        put(rpo, "why", text(loss->why));
    }
    for (size_t i = 0; i < loss->lost_count; i++) {
        json_array_append_new(ids, text(loss->lost_ids[i]));
    }
    put(rpo, "lost_ids", ids);
    put(rpo, "checks", describe_checks(loss));
    return rpo;
}

static json_t *describe_latency_part(const struct latency_part *part)
{
    json_t *latency = json_object();
    put(latency, "p50", part->measured ? number(part->p50_s) : NULL);
    put(latency, "p95", part->measured ? number(part->p95_s) : NULL);
    put(latency, "p99", part->measured ? number(part->p99_s) : NULL);
    put(latency, "max", part->measured ? number(part->max_s) : NULL);
    put(latency, "count", count(part->count));
    return latency;
}

static json_t *describe_regions(const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->region_count; i++) {
        const struct region_result *region = &result->regions[i];
        json_t *item = json_object();
        put(item, "name", text(region->name));
        put(item, "answered", count(region->answered));
        put(item, "failed", count(region->failed));
        put(item, "first_failed", since(result, region->first_failed_ns));
        put(item, "last_failed", since(result, region->last_failed_ns));
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_share_rows(const struct share_row *rows, size_t row_count, uint64_t whole, bool servers)
{
    json_t *array = json_array();
    for (size_t i = 0; i < row_count; i++) {
        const struct share_row *row = &rows[i];
        json_t *item = json_object();
        put(item, "name", text(row->name));
        put(item, "requests", count(row->requests));
        put(item, "share_percent", *row->name && whole ? number(100.0 * (double)row->requests / (double)whole) : NULL);
        put(item, "failed", count(row->failed));
        if (servers) {
            put(item, "left", count(row->left));
        }
        put(item, "p50", number(row->p50_s));
        put(item, "p99", number(row->p99_s));
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_shares(const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->share_count; i++) {
        const struct share_window *window = &result->shares[i];
        json_t *item = json_object(), *sessions = json_object();
        put(sessions, "seen", count(window->sessions));
        put(sessions, "moved", count(window->moved));
        put(sessions, "moves", count(window->moves));
        put(item, "window", text(window->name));
        put(item, "begin", window->begin_ns == INT64_MIN ? NULL : since(result, window->begin_ns));
        put(item, "end", window->end_ns == INT64_MAX ? NULL : since(result, window->end_ns));
        put(item, "requests", count(window->requests));
        put(item, "failed", count(window->failed));
        put(item, "latency", describe_latency_part(&window->latency));
        put(item, "sessions", window->sessions ? json_incref(sessions) : NULL);
        put(item, "servers", describe_share_rows(window->servers, window->server_count, window->named, true));
        put(item, "regions", describe_share_rows(window->regions, window->region_count, window->routed, false));
        json_decref(sessions);
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_first_failures(const struct result *result)
{
    json_t *object = json_object();
    for (int i = OUTCOME_PENDING; i < OUTCOME_COUNT; i++) {
        const struct failure_example *example = &result->first_of[i];
        if (!example->known) {
            continue;
        }
        json_t *item = json_object();
        put(item, "vantage", text(example->vantage));
        put(item, "class", json_string(class_name(example->request_class)));
        put(item, "due", number(words_since(result, example->due_ns)));
        put(item, "took_seconds", example->took_ns > 0 ? number((double)example->took_ns / NS_PER_S) : NULL);
        put(item, "http_status", example->http_status ? json_integer(example->http_status) : NULL);
        put(item, "address", *example->address ? text(example->address) : NULL);
        put(object, outcome_name((enum request_outcome)i), item);
    }
    return object;
}

static json_t *describe_measured(const struct result *result)
{
    json_t *measured = json_object(), *latency = json_object(), *outcomes = json_object(), *requests = json_object();
    put(requests, "scheduled", count(result->requests.scheduled));
    put(requests, "ok", count(result->requests.ok));
    put(requests, "failed", count(result->requests.failed));
    put(requests, "timed_out", count(result->requests.timed_out));
    put(requests, "not_sent", count(result->requests.not_sent));
    for (int i = OUTCOME_PENDING; i < OUTCOME_COUNT; i++) {
        put(outcomes, outcome_name((enum request_outcome)i), count(result->by_outcome[i]));
    }
    put(latency, "before", describe_latency_part(&result->before));
    put(latency, "during", describe_latency_part(&result->during));
    put(latency, "after", describe_latency_part(&result->after));
    put(measured, "rto", describe_rto(result));
    put(measured, "rpo", describe_rpo(result));
    put(measured, "stores", stores_json(result));
    put(measured, "requests", requests);
    put(measured, "outcomes", outcomes);
    put(measured, "first_failures", describe_first_failures(result));
    put(measured, "regions", describe_regions(result));
    put(measured, "shares", describe_shares(result));
    put(measured, "failovers", failovers_json(result));
    put(measured, "order", order_describe(result));
    put(measured, "latency", latency);
    return measured;
}

static json_t *describe_observations(const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        json_t *item = json_object();
        put(item, "cause", text(observation->cause));
        put(item, "fault_id", text(observation->fault_id));
        put(item, "failback", json_boolean(observation->failback));
        put(item, "vantage", text(observation->vantage));
        put(item, "class", json_string(class_name(observation->request_class)));
        put(item, "disruption", since(result, observation->disruption_ns));
        put(item, "watched_until", since(result, observation->watched_until_ns));
        put(item, "outage", json_boolean(observation->outage));
        put(item, "outage_start", observation->outage ? since(result, observation->outage_start_ns) : NULL);
        put(item, "recovery", since(result, observation->recovery_ns));
        put_figure(item, "seconds", "resolution_seconds", "more_than_seconds", &observation->rto);
        put(item, "requests", count(observation->requests));
        put(item, "failed", count(observation->failed));
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_phases(const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->phase_count; i++) {
        const struct phase *phase = &result->phases[i];
        json_t *item = json_object();
        put(item, "name", text(phase->name));
        put(item, "start", since(result, phase->start_ns));
        put(item, "end", since(result, phase->end_ns));
        put(item, "source", text(phase->source));
        put(item, "cause", text(phase->cause));
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_faults(const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->fault_count; i++) {
        const struct fault_result *fault = &result->faults[i];
        json_t *item = json_object();
        put(item, "id", text(fault->fault_id));
        put(item, "fault", text(fault->fault));
        put(item, "target", text(fault->target));
        put(item, "plan", text(fault->plan));
        put(item, "options", fault->options ? json_incref(fault->options) : json_object());
        put(item, "mechanism", text(fault->mechanism));
        put(item, "requested", since(result, fault->requested_ns));
        put(item, "in_force_earliest", fault->applied ? since(result, fault->applied_before_ns) : NULL);
        put(item, "in_force", fault->applied ? since(result, fault->applied_after_ns) : NULL);
        put(item, "reverting", since(result, fault->reverting_ns));
        put(item, "removed", fault->removed ? since(result, fault->removed_ns) : NULL);
        put(item, "proven", json_boolean(fault->proven));
        put(item, "proof", text(fault->proof));
        put(item, "residue", fault->residue ? json_incref(fault->residue) : NULL);
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_firing(const struct result *result, const struct alert_firing *firing)
{
    json_t *item = json_object();
    bool caused = firing->cause_ns != 0;
    put(item, "fired", since(result, firing->fired_ns));
    put(item, "fired_within_seconds", number((double)firing->bound_ns / NS_PER_S));
    put(item, "resolved", since(result, firing->resolved_ns));
    put(item, "after", caused ? text(firing->cause) : NULL);
    put(item, "fault_id", caused ? text(firing->fault_id) : NULL);
    put(item, "seconds_to_fire", caused ? number((double)(firing->fired_ns - firing->cause_ns) / NS_PER_S) : NULL);
    put(item, "seconds_to_resolve",
        firing->reverting_ns && firing->resolved_ns ? number((double)(firing->resolved_ns - firing->reverting_ns) / NS_PER_S)
                                                    : NULL);
    put(item, "expected", json_boolean(firing->expected));
    return item;
}

static json_t *describe_alerts(const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->alert_count; i++) {
        const struct alert_result *alert = &result->alerts[i];
        json_t *item = json_object(), *firings = json_array();
        for (size_t k = 0; k < alert->firing_count; k++) {
            json_array_append_new(firings, describe_firing(result, &alert->firings[k]));
        }
        put(item, "name", text(alert->name));
        put(item, "about", text(alert->after));
        put(item, "must_fire", json_boolean(alert->must_fire));
        put(item, "may_fire", json_boolean(alert->may_fire));
        put(item, "silent", json_boolean(alert->silent));
        put(item, "firings", firings);
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_parts(const struct covered_part *parts, size_t part_count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < part_count; i++) {
        json_t *item = json_object();
        put(item, "name", text(parts[i].name));
        put(item, "tested", json_string(coverage_name(parts[i].covered)));
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *describe_coverage(const struct result *result)
{
    const struct coverage *coverage = result->coverage;
    json_t *people = json_array(), *object = json_object();
    for (size_t i = 0; i < coverage->person_count; i++) {
        json_t *item = json_object();
        put(item, "who", text(coverage->people[i].who));
        put(item, "how", text(coverage->people[i].how));
        put(item, "notes", count(coverage->people[i].notes));
        json_array_append_new(people, item);
    }
    put(object, "people", people);
    put(object, "regions", describe_parts(coverage->regions, coverage->region_count));
    put(object, "services", describe_parts(coverage->services, coverage->service_count));
    put(object, "faults", describe_parts(coverage->faults, coverage->fault_count));
    return object;
}

static json_t *describe_driver(const struct result *result)
{
    bool measured = result->driver.measured;
    json_t *driver = json_object();
    put(driver, "late_p99_seconds", measured ? number(result->driver.late_p99_s) : NULL);
    put(driver, "late_max_seconds", measured ? number(result->driver.late_max_s) : NULL);
    put(driver, "schedule_kept", measured ? json_boolean(result->driver.schedule_kept) : NULL);
    return driver;
}

static json_t *describe_method(const struct result *result)
{
    json_t *method = json_object();
    put(method, "window_seconds", number((double)result->method.window_ns / NS_PER_S));
    put(method, "minimum_count", count(result->method.minimum_count));
    put(method, "good_share", number(result->method.good_share));
    put(method, "latency_seconds", number((double)result->method.latency_ns / NS_PER_S));
    put(method, "hold_seconds", number((double)result->method.hold_ns / NS_PER_S));
    put(method, "clock_bound_seconds", number(result->method.clock_bound_s));
    return method;
}

static json_t *describe_cleanup(const struct result *result)
{
    json_t *cleanup = json_object();
    put(cleanup, "checked", json_boolean(result->residue_checked));
    put(cleanup, "clean", result->residue_checked ? json_boolean(result->clean) : NULL);
    put(cleanup, "left", result->residue_left ? json_incref(result->residue_left) : json_array());
    return cleanup;
}

static json_t *copy_of(json_t *value)
{
    return value ? json_incref(value) : NULL;
}

/* What the budget said and did; its text lies beside, in the drill's folder. */
static json_t *describe_budget(const struct result *result)
{
    static const char *const shown[] = {"file",         "sha256",   "git_commit", "git_state",
                                        "allow_looser", "loosened", "lines",      "last_pass"};
    const json_t *from = json_object_get(result->plan, "budget");
    json_t *budget = from ? json_object() : NULL;
    for (size_t i = 0; from && i < ARRAY_LEN(shown); i++) {
        put(budget, shown[i], copy_of(json_object_get(from, shown[i])));
    }
    return budget;
}

static json_t *describe(const struct result *result)
{
    static const char *const verdicts[VERDICT_COUNT] = {"inconclusive", "pass", "fail", "inconclusive"};
    static const char *const conclusions[CONCLUSION_COUNT] = {"error", "completed", "aborted", "timed_out", "error"};
    json_t *report = json_object(), *findings = json_array();
    for (size_t i = 0; i < result->finding_count; i++) {
        json_array_append_new(findings, text(result->findings[i]));
    }
    put(report, "schema", json_string("drill-report/1"));
    put(report, "verdict", json_string(verdicts[result->verdict]));
    put(report, "conclusion", json_string(conclusions[result->conclusion]));
    put(report, "conclusion_reason", text(result->conclusion_reason));
    put(report, "exit_code", json_integer(result->exit_code));
    put(report, "exit_words", text(result->exit_words));
    put(report, "drill", describe_drill(result));
    put(report, "objectives", describe_objectives(result->objectives, result->objective_count));
    put(report, "warnings", describe_objectives(result->warnings, result->warning_count));
    put(report, "budget", describe_budget(result));
    put(report, "retest_of", copy_of(json_object_get(result->plan, "retest_of")));
    put(report, "measured", describe_measured(result));
    put(report, "observations", describe_observations(result));
    put(report, "phases", describe_phases(result));
    put(report, "faults", describe_faults(result));
    put(report, "alerts", describe_alerts(result));
    put(report, "coverage", result->coverage ? describe_coverage(result) : NULL);
    put(report, "driver", describe_driver(result));
    put(report, "cleanup", describe_cleanup(result));
    put(report, "findings", findings);
    put(report, "method", describe_method(result));
    put(report, "environment", result->environment ? json_incref(result->environment) : json_object());
    return report;
}

static int write_json(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    (void)context;
    AUTO_FREE char *path = xasprintf("%s/report.json", folder);
    AUTO_JSON json_t *report = describe(result);
    return json_write_file(path, report, err);
}

const struct report_ops report_json = {
    .name = "json", .file_name = "report.json", .summary = "the result, for programs", .write = write_json};
