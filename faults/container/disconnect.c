/* Container disconnect: the engine takes a container out of all its networks, as `docker network disconnect` does it. It goes on to run, and
 * a health check that asks inside it sees nothing. Put back with the addresses and aliases that it had. */
#include "faults/container/engine.h"
#include "harness/base/cleanup.h"
#include "harness/base/str.h"

static const struct param container_disconnect_options[] = {{.type = PARAM_END}};

static void container_disconnect_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "take the container of %s out of its networks; proven by the engine's own word; put back with its addresses",
               fault->target.name);
}

static const json_t *networks_of(const json_t *inspected)
{
    return json_at(inspected, "NetworkSettings.Networks");
}

static int remember_networks(const json_t *inspected, json_t *entry, struct err *err)
{
    const char *name;
    json_t *network, *kept = json_object();
    json_object_foreach((json_t *)(uintptr_t)networks_of(inspected), name, network)
    {
        json_object_set_new(kept, name,
                            json_pack("{s:s, s:O?}", "address", json_str(network, "IPAddress", ""), "aliases",
                                      json_object_get(network, "Aliases")));
    }
    json_object_set_new(entry, "networks", kept);
    return json_object_size(kept) == 0 || json_object_get(kept, "host") || json_object_get(kept, "none")
               ? err_set(err, ERR_STATE, "is in no network that it could be taken out of")
               : 0;
}

static int container_disconnect_prepare(struct fault_instance *fault, struct err *err)
{
    return engine_remember(fault, remember_networks, err);
}

static int disconnect_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", ""), *network;
    json_t *kept;
    AUTO_JSON json_t *inspected = NULL;
    (void)context;
    int status = engine_inspect(fault, name, &inspected, err);
    json_object_foreach(json_object_get(entry, "networks"), network, kept)
    {
        char path[300];
        AUTO_JSON json_t *body = json_pack("{s:s, s:b}", "Container", name, "Force", true);
        (void)str_format(path, sizeof(path), "/networks/%s/disconnect", network);
        if (status == 0 && json_object_get(networks_of(inspected), network)) {
            status = engine_call(fault, "POST", path, body, NULL, err);
        }
    }
    return status;
}

static int container_disconnect_apply(struct fault_instance *fault, struct err *err)
{
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "container engine, network disconnect");
    return engine_each(fault, disconnect_one, NULL, err);
}

static int prove_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    AUTO_JSON json_t *inspected = NULL;
    struct buf *proof = context;
    int status = engine_inspect(fault, name, &inspected, err);
    if (status == 0 && json_object_size(networks_of(inspected)) > 0) {
        return err_set(err, ERR_STATE, "fault %s: container %s is in %zu networks", fault->id, name,
                       json_object_size(networks_of(inspected)));
    }
    if (status == 0) {
        const char *health = json_str(json_at(inspected, "State.Health"), "Status", "");
        buf_printf(proof, "%sengine: %s is in no network and %s%s%s", proof->size ? "; " : "", name,
                   engine_runs(inspected) ? "runs" : "does not run", *health ? ", its health check says " : "", health);
    }
    return status;
}

static int container_disconnect_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    return engine_each(fault, prove_one, proof, err);
}

static int connect_one(struct fault_instance *fault, const char *name, const char *network, const json_t *kept, struct err *err)
{
    char path[300];
    json_t *end = json_pack("{s:O?}", "Aliases", json_object_get(kept, "aliases"));
    const char *address = json_str(kept, "address", "");
    if (*address) {
        json_object_set_new(end, "IPAMConfig", json_pack("{s:s}", "IPv4Address", address));
    }
    AUTO_JSON json_t *body = json_pack("{s:s, s:o}", "Container", name, "EndpointConfig", end);
    (void)str_format(path, sizeof(path), "/networks/%s/connect", network);
    return engine_call(fault, "POST", path, body, NULL, err);
}

static int back_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", ""), *network;
    json_t *kept;
    AUTO_JSON json_t *inspected = NULL;
    (void)context;
    int status = engine_inspect(fault, name, &inspected, err);
    json_object_foreach(json_object_get(entry, "networks"), network, kept)
    {
        if (status == 0 && !json_object_get(networks_of(inspected), network)) {
            status = connect_one(fault, name, network, kept, err);
        }
    }
    return status;
}

static int container_disconnect_revert(struct fault_instance *fault, struct err *err)
{
    return engine_each_back(fault, back_one, NULL, err);
}

static int left_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", ""), *network;
    json_t *kept;
    AUTO_JSON json_t *inspected = NULL;
    int status = engine_inspect(fault, name, &inspected, err);
    json_object_foreach(json_object_get(entry, "networks"), network, kept)
    {
        const json_t *now = json_object_get(networks_of(inspected), network);
        const char *before = json_str(kept, "address", "");
        if (status == 0 && (!now || (engine_runs(inspected) && !str_eq(json_str(now, "IPAddress", ""), before)))) {
            buf_printf(context, "container %s is not in network %s as %s\n", name, network, before);
        }
    }
    return status;
}

static int container_disconnect_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    return engine_each_back(fault, left_one, left, err);
}

const struct fault_ops fault_container_disconnect_ops = {
    .name = "container_disconnect",
    .summary = "take a container out of its networks through the engine, then put it back as it was",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = container_disconnect_options,
    .example = "fault.container_disconnect { service = \"orders@rack-app1\" }",
    .mechanisms = "the engine's network calls",
    .needs = "the right to use the engine's socket",
    .proof = "the engine's inspection: it is in no network",
    .undo = "connected again with the same addresses and aliases, from the journal: by the agent, or by `drill undo`",
    .check = engine_check,
    .supported = engine_supported,
    .plan = container_disconnect_plan,
    .prepare = container_disconnect_prepare,
    .apply = container_disconnect_apply,
    .prove = container_disconnect_prove,
    .revert = container_disconnect_revert,
    .residue = container_disconnect_residue,
};
