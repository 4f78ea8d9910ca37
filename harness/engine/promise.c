/* Counting the regions that are out at once, before anything is touched. */
#include "harness/engine/promise.h"

static bool is_isolated(const struct target_list *list, const char *kind, const char *name)
{
    VEC_EACH(item, list)
    {
        const json_t *target = json_object_get(*item, "target");
        if (json_flag(*item, "isolates", false) && str_eq(json_str(target, "kind", ""), kind) &&
            str_eq(json_str(target, "name", ""), name)) {
            return true;
        }
    }
    return false;
}

/* By its own name, or by all of its hosts that do something. */
static bool takes_out(const struct topology *topology, const struct target_list *list, const struct topology_region *region)
{
    bool any = false, all = true;
    for (size_t i = 0; i < topology->service_count; i++) {
        const struct topology_host *host = topology->services[i].host;
        if (host->region == region && !str_eq(topology->services[i].role, "monitor")) {
            any = true;
            all = all && is_isolated(list, "host", host->name);
        }
    }
    return is_isolated(list, "region", region->name) || (any && all);
}

static bool is_out(json_t *out, const char *region)
{
    const char *id;
    json_t *regions;
    json_object_foreach(out, id, regions)
    {
        for (size_t i = 0; i < json_array_size(regions); i++) {
            if (str_eq(json_string_value(json_array_get(regions, i)), region)) {
                return true;
            }
        }
    }
    return false;
}

static void say_beyond(struct engine_plan *plan, const struct topology *topology, json_t *out)
{
    struct buf names CLEANUP(buf_clear) = {0};
    int64_t count = 0;
    for (size_t i = 0; i < topology->region_count; i++) {
        if (is_out(out, topology->regions[i].name)) {
            buf_printf(&names, "%s%s", count++ ? ", " : "", topology->regions[i].name);
        }
    }
    if (topology->tolerates.said && count > topology->tolerates.regions) {
        free(plan->beyond);
        plan->beyond =
            xasprintf("%lld of %zu regions are out at once (%s); topology '%s' promises to serve with %lld out%s%s",
                      (long long)count, topology->region_count, buf_str(&names), topology->name,
                      (long long)topology->tolerates.regions, *topology->tolerates.why ? ": " : "", topology->tolerates.why);
    }
}

void promise_inject(struct engine_plan *plan, const struct topology *topology, const char *id, const struct target_list *list,
                    json_t *out)
{
    AUTO_JSON json_t *regions = json_array();
    for (size_t i = 0; i < topology->region_count; i++) {
        if (takes_out(topology, list, &topology->regions[i])) {
            json_array_append_new(regions, json_string(topology->regions[i].name));
        }
    }
    if (json_array_size(regions) > 0) {
        json_array_append_new(plan->isolating, json_pack("{s:s, s:O}", "fault_id", id, "regions", regions));
        json_object_set(out, id, regions);
        say_beyond(plan, topology, out);
    }
}

void promise_revert(const char *id, json_t *out)
{
    (void)json_object_del(out, id);
}

json_t *promise_describe(const struct topology *topology, const struct engine_plan *plan)
{
    return topology->tolerates.said
               ? json_pack("{s:I, s:s, s:I, s:O}", "tolerates", (json_int_t)topology->tolerates.regions, "why",
                           topology->tolerates.why, "regions", (json_int_t)topology->region_count, "isolating", plan->isolating)
               : NULL;
}
