/* Names of a result's values, and its end. */
#include "harness/measure/result.h"

#include <math.h>

#include "harness/base/cleanup.h"

static const char *name_of(const char *const *names, size_t count, unsigned value)
{
    return value < count ? names[value] : "unknown";
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"none", "pass", "fail", "inconclusive"};
    return name_of(names, ARRAY_LEN(names), verdict);
}

const char *conclusion_name(enum conclusion conclusion)
{
    static const char *const names[] = {"none", "completed", "aborted", "timed_out", "error"};
    return name_of(names, ARRAY_LEN(names), conclusion);
}

const char *judgement_name(enum judgement judgement)
{
    static const char *const names[] = {"none", "met", "missed", "unknown"};
    return name_of(names, ARRAY_LEN(names), judgement);
}

double latency_bucket_end_s(size_t bucket)
{
    return 1e-4 * pow(10, (double)(bucket + 1) / 5);
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void free_objectives(struct objective_result *objectives, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct objective_result *objective = &objectives[i];
        free(objective->text);
        free(objective->metric);
        free(objective->comparison);
        free(objective->unit);
        free(objective->reason);
    }
    free(objectives);
}

static void free_layers(struct result *result)
{
    for (size_t i = 0; i < result->layer_count; i++) {
        free(result->layers[i].name);
        free(result->layers[i].source);
    }
    free(result->layers);
}

static void free_alerts(struct result *result)
{
    for (size_t i = 0; i < result->alert_count; i++) {
        for (size_t j = 0; j < result->alerts[i].firing_count; j++) {
            free(result->alerts[i].firings[j].cause);
            free(result->alerts[i].firings[j].fault_id);
        }
        free(result->alerts[i].firings);
        free(result->alerts[i].name);
        free(result->alerts[i].after);
    }
    free(result->alerts);
}

static void free_observations(struct result *result)
{
    for (size_t i = 0; i < result->observation_count; i++) {
        free(result->observations[i].cause);
        free(result->observations[i].fault_id);
        free(result->observations[i].vantage);
    }
    free(result->observations);
    for (size_t i = 0; i < result->phase_count; i++) {
        free(result->phases[i].source);
        free(result->phases[i].cause);
    }
    free(result->phases);
}

static void free_faults(struct result *result)
{
    for (size_t i = 0; i < result->fault_count; i++) {
        struct fault_result *fault = &result->faults[i];
        char *texts[] = {fault->fault_id, fault->fault, fault->target, fault->plan, fault->mechanism, fault->proof};
        for (size_t j = 0; j < ARRAY_LEN(texts); j++) {
            free(texts[j]);
        }
        json_decref(fault->options);
        json_decref(fault->residue);
    }
    free(result->faults);
}

static void free_loss(struct loss *loss)
{
    free_texts(loss->lost_ids, loss->lost_count);
    for (size_t i = 0; i < loss->check_count; i++) {
        free(loss->checks[i].cause);
        free(loss->checks[i].after);
        free(loss->checks[i].reason);
    }
    free(loss->checks);
}

void stores_result_clear(struct stores_result *stores)
{
    for (size_t i = 0; i < stores->comparison_count; i++) {
        struct store_comparison *comparison = &stores->comparisons[i];
        for (size_t j = 0; comparison->contents && j < stores->count; j++) {
            free(comparison->contents[j].reason);
        }
        free(comparison->contents);
        free(comparison->label);
    }
    free(stores->comparisons);
    for (size_t i = 0; i < stores->write_count; i++) {
        free(stores->writes[i].id);
        free(stores->writes[i].on);
    }
    free(stores->writes);
    free(stores->spans);
    free_texts(stores->names, stores->count);
    *stores = (struct stores_result){0};
}

void share_window_clear(struct share_window *window)
{
    free(window->name);
    free(window->servers);
    free(window->regions);
    *window = (struct share_window){0};
}

static void free_shares(struct result *result)
{
    for (size_t i = 0; i < result->share_count; i++) {
        share_window_clear(&result->shares[i]);
    }
    free(result->shares);
}

static void free_bins(struct result *result)
{
    free(result->bins);
    for (size_t i = 0; i < result->address_count; i++) {
        free(result->addresses[i].counts);
    }
    free(result->addresses);
    free(result->regions);
}

static void free_identity(struct result *result)
{
    char *texts[] = {result->drill_id, result->scenario,          result->title,     result->why,
                     result->topology, result->conclusion_reason, result->exit_words};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        free(texts[i]);
    }
    json_decref(result->residue_left);
    json_decref(result->events);
    json_decref(result->environment);
    json_decref(result->plan);
}

void result_free(struct result *result)
{
    if (!result) {
        return;
    }
    free_objectives(result->objectives, result->objective_count);
    free_objectives(result->warnings, result->warning_count);
    free_observations(result);
    free_faults(result);
    free_alerts(result);
    for (size_t i = 0; i < result->false_failover_count; i++) {
        free(result->false_failover_list[i].from);
        free(result->false_failover_list[i].to);
        free(result->false_failover_list[i].during);
    }
    free(result->false_failover_list);
    free_layers(result);
    coverage_free(result->coverage);
    free_loss(&result->loss);
    stores_result_clear(&result->stores);
    free_bins(result);
    free_shares(result);
    free_texts(result->findings, result->finding_count);
    free_identity(result);
    free(result);
}
