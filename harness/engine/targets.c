/* From the words of a scenario ({ region = "us-east", peer = "eu-west" }) to the fault descriptions that agents receive. */
#include "harness/engine/session.h"

#include <string.h>

static const char *const selector_keys[] = {"region", "host", "service", "role"};

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

static void build_selector(const struct node *options, struct buf *out, const struct node **ret_first)
{
    for (size_t i = 0; i < ARRAY_LEN(selector_keys); i++) {
        const struct node *value = node_get(options, selector_keys[i]);
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
    if (topology->runtime != RUNTIME_NETNS) {
        return json_array();
    }
    return str_eq(target->kind, "region") ? json_pack("[s, s]", "edge", "backbone") : json_pack("[s]", "eth0");
}

static const char *shown_name(const struct topology_target *target)
{
    return target->service[0] ? target->service : target->host[0] ? target->host : target->region;
}

static json_t *describe_target(const struct topology *topology, const struct topology_target *target,
                               const struct topology_region *peer)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:[], s:[]}", "place", target->place, "kind", target->kind, "name",
                  shown_name(target), "cidr", target->cidr, "interfaces", interfaces_of(topology, target), "pids", "services");
    if (peer) {
        json_object_set_new(json, "peer_cidr", json_string(peer->cidr));
        json_object_set_new(json, "peer_name", json_string(peer->name));
    }
    return json;
}

static int find_peer(const struct topology *topology, const struct node *options, const struct topology_region **ret_peer,
                     struct err *err)
{
    const struct node *peer = node_get(options, "peer");
    char hint[96];
    const char *names[64];
    size_t count = 0;
    *ret_peer = NULL;
    if (!peer) {
        return 0;
    }
    if (peer->kind == NODE_SCALAR && (*ret_peer = topology_region_find(topology, peer->text))) {
        return 0;
    }
    for (; count < topology->region_count && count < ARRAY_LEN(names); count++) {
        names[count] = topology->regions[count].name;
    }
    const char *text = peer->text ? peer->text : "";
    return node_err(peer, err, "peer: there is no region '%s' in topology '%s'%s", text, topology->name,
                    str_did_you_mean(text, names, count, hint));
}

static char *name_of(const struct topology_target *targets, size_t count, const struct topology_region *peer)
{
    struct buf name = {0};
    for (size_t i = 0; i < count; i++) {
        buf_printf(&name, "%s%s", i ? ", " : "", shown_name(&targets[i]));
    }
    if (peer) {
        buf_printf(&name, " and %s", peer->name);
    }
    return buf_take(&name);
}

static int select_targets(const struct topology *topology, const struct node *args, struct topology_target **ret_targets,
                          size_t *ret_count, struct err *err)
{
    const struct node *options = node_get(args, "options"), *first = NULL;
    struct buf selector CLEANUP(buf_clear) = {0};
    char where[512];
    build_selector(options, &selector, &first);
    if (!first) {
        return node_err(options, err, "fault '%s' needs to know what to hit: region, host, service or role",
                        node_text(args, "fault"));
    }
    int status = topology_select(topology, buf_str(&selector), ret_targets, ret_count, err);
    if (status < 0 && *node_where(first, where)) {
        where[strlen(where) - 2] = '\0';
        return err_prefix(err, "%s", where);
    }
    return status;
}

int targets_describe(const struct topology *topology, const struct node *args, const char *id, struct target_list *ret_list,
                     char **ret_name, struct err *err)
{
    const struct node *options = node_get(args, "options");
    const struct topology_region *peer = NULL;
    AUTO_FREE struct topology_target *targets = NULL;
    size_t count = 0;
    int status = find_peer(topology, options, &peer, err);
    if (status == 0) {
        status = select_targets(topology, args, &targets, &count, err);
    }
    if (status < 0) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        char part[32];
        if (count > 1) {
            (void)str_format(part, sizeof(part), "%s.%zu", id, i + 1);
        } else {
            (void)str_copy(part, sizeof(part), id);
        }
        *VEC_ADD(ret_list) = json_pack("{s:s, s:s, s:o, s:o}", "fault_id", part, "fault", node_text(args, "fault") ?: "",
                                       "options", own_options(options), "target", describe_target(topology, &targets[i], peer));
    }
    *ret_name = name_of(targets, count, peer);
    return 0;
}
