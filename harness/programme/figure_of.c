/* Figures out of a report.json: from the objective that judged the same figure, else from what was measured. */
#include "harness/programme/figure_of.h"

#include "harness/base/str.h"

static bool number_at(const json_t *object, const char *key, double *ret_value)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) {
        return false;
    }
    *ret_value = json_number_value(value);
    return true;
}

static bool with_resolution(const json_t *object, const char *key, const char *resolution_key, double *ret_value)
{
    double value = 0, resolution = 0;
    if (!number_at(object, key, &value)) {
        return false;
    }
    (void)number_at(object, resolution_key, &resolution);
    *ret_value = value + resolution;
    return true;
}

static bool judged_figure(const json_t *report, const struct objective *objective, double *ret_value)
{
    const json_t *list = json_object_get(report, "objectives");
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        struct objective *earlier CLEANUP(objective_cleanup) = NULL;
        struct err ignored = {0};
        if (objective_parse(json_str(item, "text", ""), &earlier, &ignored) == 0 &&
            objective_is_same_subject(earlier, objective) && str_eq(earlier->unit, objective->unit)) {
            return with_resolution(item, "measured", "resolution", ret_value);
        }
    }
    return false;
}

static bool failed_figure(const json_t *requests, const struct objective *objective, double *ret_value)
{
    double failed = json_num(requests, "failed", 0) + json_num(requests, "timed_out", 0);
    double sent = json_num(requests, "scheduled", 0) - json_num(requests, "not_sent", 0);
    if (sent <= 0) {
        return false;
    }
    *ret_value = str_eq(objective->unit, "%") ? 100 * failed / sent : failed;
    return true;
}

static bool latency_figure(const json_t *latency, const struct objective *objective, double *ret_value)
{
    static const char *const parts[PART_COUNT] = {NULL, "before", "during", "after"};
    const char *part = objective->fault ? NULL : parts[objective->part];
    return part && number_at(json_object_get(latency, part), objective->metric, ret_value);
}

/* The longest phase of that name. */
static bool phase_figure(const json_t *phases, const char *name, double *ret_value)
{
    bool found = false;
    size_t index;
    json_t *phase;
    json_array_foreach(phases, index, phase)
    {
        double length = json_num(phase, "end", 0) - json_num(phase, "start", 0);
        if (str_eq(json_str(phase, "name", ""), name) && (!found || length > *ret_value)) {
            *ret_value = length;
            found = true;
        }
    }
    return found;
}

bool figure_of_report(const json_t *report, const struct objective *objective, double *ret_value)
{
    const json_t *measured = json_object_get(report, "measured");
    const char *metric = objective->metric;
    if (judged_figure(report, objective, ret_value)) {
        return true;
    }
    if (str_eq(metric, "rto") || str_eq(metric, "rpo")) {
        return with_resolution(json_object_get(measured, metric), "seconds", "resolution_seconds", ret_value);
    }
    if (str_eq(metric, "divergent")) {
        return number_at(json_object_get(measured, "stores"), metric, ret_value);
    }
    if (str_eq(metric, "two_primaries")) {
        return with_resolution(json_object_get(json_object_get(measured, "stores"), metric), "seconds", "resolution_seconds",
                               ret_value);
    }
    if (str_eq(metric, "false_failovers")) {
        return number_at(json_object_get(measured, "failovers"), "false", ret_value);
    }
    if (str_eq(metric, "out_of_order")) {
        return number_at(json_object_get(measured, "order"), metric, ret_value);
    }
    if (str_eq(metric, "lost") || str_eq(metric, "duplicated")) {
        return number_at(json_object_get(measured, "rpo"), metric, ret_value);
    }
    if (str_eq(metric, "failed") && objective->part == PART_WHOLE && !objective->fault) {
        return failed_figure(json_object_get(measured, "requests"), objective, ret_value);
    }
    return latency_figure(json_object_get(measured, "latency"), objective, ret_value) ||
           phase_figure(json_object_get(report, "phases"), metric, ret_value);
}
