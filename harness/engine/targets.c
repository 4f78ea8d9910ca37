/* From the words of a scenario ({ region = "us-east", peer = "eu-west" }) to the fault descriptions that agents receive. */
#include "harness/engine/session.h"
#include "harness/engine/steps.h"

#include "harness/base/clock.h"

#include <string.h>

static const char *const selector_keys[] = {"region", "host", "service", "role", "control"};

struct selected {
    struct topology_target *items;
    size_t count, capacity;
};

static void selected_clear(struct selected *selected)
{
    VEC_CLEAR(selected);
}

static bool is_target_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(selector_keys); i++) {
        if (str_eq(selector_keys[i], key)) {
            return true;
        }
    }
    return str_eq(key, "peer") || str_eq(key, "ttl");
}

void target_list_clear(struct target_list *list)
{
    VEC_EACH(item, list)
    {
        json_decref(*item);
    }
    VEC_CLEAR(list);
}

/* The values of a selector's word: a list hits all that it names. */
static const struct node *value_at(const struct node *value, size_t index)
{
    if (!value || value->kind != NODE_LIST) {
        return value;
    }
    return index < value->count ? value->children[index] : NULL;
}

static void build_selector(const struct node *options, size_t index, struct buf *out, const struct node **ret_first)
{
    for (size_t i = 0; i < ARRAY_LEN(selector_keys); i++) {
        const struct node *value = value_at(node_get(options, selector_keys[i]), index);
        if (value && value->kind == NODE_SCALAR) {
            buf_printf(out, "%s%s=%s", out->size ? "," : "", selector_keys[i], value->text);
            *ret_first = *ret_first ? *ret_first : value;
        }
    }
}

/* The fault's own options: what is left when the target's words are taken out. */
static json_t *own_options(const struct node *options)
{
    json_t *own = json_object();
    for (size_t i = 0; options && i < options->count; i++) {
        const struct node *child = options->children[i];
        if (child->key && !is_target_key(child->key)) {
            json_object_set_new(own, child->key, node_to_json(child));
        }
    }
    return own;
}

static json_t *interfaces_of(const struct topology *topology, const struct topology_target *target)
{
    const struct topology_host *host = topology_host_find(topology, target->host);
    if (host && host->container) {
        return json_pack("[s]", "eth0");
    }
    if (topology->runtime != RUNTIME_NETNS) {
        return json_array();
    }
    return str_eq(target->kind, "region") ? json_pack("[s, s]", "edge", "backbone") : json_pack("[s]", "eth0");
}

static const char *shown_name(const struct topology_target *target)
{
    if (target->control) {
        return target->control->name;
    }
    return target->service[0] ? target->service : target->host[0] ? target->host : target->region;
}

bool targets_hit(const json_t *target, const struct topology_service *service)
{
    const char *kind = json_str(target, "kind", ""), *name = json_str(target, "name", "");
    if (str_eq(kind, "service")) {
        return str_eq(service->name, name);
    }
    return str_eq(kind, "host") && str_eq(service->host->name, name);
}

static void add_services(const struct topology *topology, json_t *target)
{
    for (size_t i = 0; i < topology->service_count; i++) {
        const struct topology_service *service = &topology->services[i];
        if (targets_hit(target, service)) {
            json_object_set_new(json_object_get(target, "handles"), service->name, describe_handle(service));
            json_array_append_new(json_object_get(target, "services"), json_string(service->name));
        }
    }
}

static json_t *describe_target(const struct topology *topology, const struct topology_target *target, json_t *peers)
{
    const struct topology_host *host = topology_host_find(topology, target->host);
    json_t *containers = host && host->container ? json_pack("[s]", host->container) : json_array();
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:O, s:[], s:[], s:{}, s:o, s:s?}", "place", target->place, "kind", target->kind,
                  "name", shown_name(target), "cidr", target->cidr, "interfaces", interfaces_of(topology, target), "peers", peers,
                  "pids", "services", "handles", "containers", containers, "engine", topology->engine);
    if (target->control) {
        json_object_set_new(json, "control", describe_control(target->control));
    }
    add_services(topology, json);
    return json;
}

static char *name_of(const struct target_list *targets, const json_t *peers)
{
    struct buf name = {0};
    for (size_t i = 0; i < targets->count; i++) {
        buf_printf(&name, "%s%s", i ? ", " : "", json_str(json_object_get(targets->items[i], "target"), "name", ""));
    }
    for (size_t i = 0; i < json_array_size(peers); i++) {
        buf_printf(&name, "%s%s", i ? ", " : " and ", json_str(json_array_get(peers, i), "name", ""));
    }
    return buf_take(&name);
}

/* How many selectors the words make: one, or one for each item of a list. Only one word may be a list. */
static int count_selectors(const struct node *options, size_t *ret_count, struct err *err)
{
    const struct node *list = NULL;
    *ret_count = 1;
    for (size_t i = 0; i < ARRAY_LEN(selector_keys); i++) {
        const struct node *value = node_get(options, selector_keys[i]);
        if (!value || value->kind != NODE_LIST) {
            continue;
        }
        if (list || value->count == 0) {
            return node_err(value, err,
                            list ? "%s: only one of region, host, service, role and control may be a list"
                                 : "%s: the list is empty",
                            selector_keys[i]);
        }
        list = value;
        *ret_count = value->count;
    }
    return 0;
}

static int select_one(const struct topology *topology, const struct node *args, size_t index, struct selected *selected,
                      struct err *err)
{
    const struct node *options = node_get(args, "options"), *first = NULL;
    struct buf selector CLEANUP(buf_clear) = {0};
    AUTO_FREE struct topology_target *targets = NULL;
    size_t count = 0;
    char where[512];
    build_selector(options, index, &selector, &first);
    if (!first) {
        return node_err(options, err, "fault '%s' needs to know what to hit: region, host, service, role or control",
                        node_text(args, "fault"));
    }
    int status = topology_select(topology, buf_str(&selector), &targets, &count, err);
    for (size_t i = 0; i < count; i++) {
        *VEC_ADD(selected) = targets[i];
    }
    if (status < 0 && *node_where(first, where)) {
        where[strlen(where) - 2] = '\0';
        return err_prefix(err, "%s", where);
    }
    return status;
}

static int select_all(const struct topology *topology, const struct node *args, struct selected *selected, struct err *err)
{
    size_t count = 0;
    int status = count_selectors(node_get(args, "options"), &count, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = select_one(topology, args, i, selected, err);
    }
    return status;
}

/* One description for each target; `ttl_ns` is 0 when the scenario says no `ttl`. */
static void describe_all(const struct topology *topology, const struct node *args, const struct selected *selected,
                         const char *id, int64_t ttl_ns, json_t *peers, struct target_list *list)
{
    const struct node *options = node_get(args, "options");
    for (size_t i = 0; i < selected->count; i++) {
        char part[32];
        if (selected->count > 1) {
            (void)str_format(part, sizeof(part), "%s.%zu", id, i + 1);
        } else {
            (void)str_copy(part, sizeof(part), id);
        }
        json_t *description =
            json_pack("{s:s, s:s, s:o, s:o}", "fault_id", part, "fault", node_text(args, "fault") ?: "", "options",
                      own_options(options), "target", describe_target(topology, &selected->items[i], peers));
        if (ttl_ns > 0) {
            json_object_set_new(description, "ttl_ms", json_integer((ttl_ns + NS_PER_MS - 1) / NS_PER_MS));
        }
        *VEC_ADD(list) = description;
    }
}

/* A value that the control cannot have would be found out in the middle of a drill. */
static int check_values(const struct node *options, const struct selected *selected, struct err *err)
{
    const struct node *set = node_get(options, "set");
    char hint[96];
    VEC_EACH(target, selected)
    {
        const struct topology_control *control = target->control;
        bool known = !control || control->value_count == 0 || !set || set->kind != NODE_SCALAR;
        for (size_t i = 0; !known && i < control->value_count; i++) {
            known = str_eq(control->values[i], set->text);
        }
        if (!known) {
            return node_err(set, err, "control '%s' is never '%s'%s", control->name, set->text,
                            str_did_you_mean(set->text, (const char *const *)control->values, control->value_count, hint));
        }
    }
    return 0;
}

int targets_describe(const struct topology *topology, const struct node *args, const char *id, struct target_list *ret_list,
                     char **ret_name, struct err *err)
{
    const struct node *options = node_get(args, "options");
    struct selected selected CLEANUP(selected_clear) = {0};
    AUTO_JSON json_t *peers = json_array();
    int64_t ttl_ns = 0;
    int status = select_all(topology, args, &selected, err);
    if (status == 0) {
        status = steps_duration(options, "ttl", 0, &ttl_ns, err);
    }
    if (status == 0) {
        status = peers_resolve(topology, node_get(options, "peer"), selected.items, selected.count, peers, err);
    }
    if (status == 0) {
        status = check_values(options, &selected, err);
    }
    if (status < 0) {
        return status;
    }
    describe_all(topology, args, &selected, id, ttl_ns, peers, ret_list);
    *ret_name = name_of(ret_list, peers);
    return 0;
}
