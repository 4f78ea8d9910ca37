/* What the topology promises, against the regions that were out at the same time, by the faults that were proven to be in force. */
#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/measure/measurement.h"

struct exceeded {
    size_t count;     /* regions that were out at once, at most */
    struct buf names; /* "us-east, us-west" */
    int64_t begin_ns, end_ns;
};

static const struct fault_result *fault_of(const struct measurement *measurement, const json_t *entry)
{
    for (size_t i = 0; i < measurement->result->fault_count; i++) {
        if (str_eq(measurement->result->faults[i].fault_id, json_str(entry, "fault_id", ""))) {
            return &measurement->result->faults[i];
        }
    }
    return NULL;
}

static int64_t removed_ns(const struct measurement *measurement, const struct fault_result *fault)
{
    return fault->removed ? fault->removed_ns : measurement->end_ns;
}

/* The regions that are out at an instant, each once, and until when all of them are. */
static size_t out_at(const struct measurement *measurement, int64_t t_ns, json_t *names, int64_t *ret_end_ns)
{
    const json_t *isolating = json_object_get(json_object_get(measurement->evidence->plan, "promise"), "isolating");
    *ret_end_ns = measurement->end_ns;
    for (size_t i = 0; i < json_array_size(isolating); i++) {
        const json_t *entry = json_array_get(isolating, i), *regions = json_object_get(entry, "regions");
        const struct fault_result *fault = fault_of(measurement, entry);
        if (!fault || !fault->proven || t_ns < fault->applied_after_ns || t_ns >= removed_ns(measurement, fault)) {
            continue;
        }
        *ret_end_ns = removed_ns(measurement, fault) < *ret_end_ns ? removed_ns(measurement, fault) : *ret_end_ns;
        for (size_t j = 0; j < json_array_size(regions); j++) {
            json_object_set_new(names, json_string_value(json_array_get(regions, j)), json_true());
        }
    }
    return json_object_size(names);
}

static void look_at(const struct measurement *measurement, int64_t t_ns, struct exceeded *most)
{
    AUTO_JSON json_t *names = json_object();
    const char *name;
    json_t *value;
    int64_t end_ns;
    size_t count = out_at(measurement, t_ns, names, &end_ns);
    if (count <= most->count) {
        return;
    }
    most->count = count;
    most->begin_ns = t_ns;
    most->end_ns = end_ns;
    buf_reset(&most->names);
    json_object_foreach(names, name, value)
    {
        buf_printf(&most->names, "%s%s", most->names.size ? ", " : "", name);
    }
}

void measure_promise(struct measurement *measurement)
{
    const json_t *promise = json_object_get(measurement->evidence->plan, "promise");
    const char *why = json_str(promise, "why", "");
    struct exceeded most = {0};
    for (size_t i = 0; promise && i < measurement->result->fault_count; i++) {
        look_at(measurement, measurement->result->faults[i].applied_after_ns, &most);
    }
    if (promise && (int64_t)most.count > json_int(promise, "tolerates", 0)) {
        measure_finding(
            measurement,
            "%zu of %lld regions were out at the same time (%s), for %.1f s: more than topology '%s' promises to serve "
            "with, which is %lld out%s%s. That users are not served meanwhile is within its promise.",
            most.count, (long long)json_int(promise, "regions", 0), buf_str(&most.names), seconds_of(most.end_ns - most.begin_ns),
            measurement->result->topology, (long long)json_int(promise, "tolerates", 0), *why ? ": " : "", why);
    }
    buf_clear(&most.names);
}
