/* Container pause: the engine freezes all processes of a container (its cgroup), as `docker pause` does it. To the engine it still runs. */
#include "faults/container/engine.h"
#include "harness/base/str.h"

static const struct param container_pause_options[] = {{.type = PARAM_END}};

static void container_pause_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "freeze the container of %s through its engine; proven by the engine's own word", fault->target.name);
}

static int not_paused(const json_t *inspected, json_t *entry, struct err *err)
{
    (void)entry;
    return engine_is_paused(inspected) ? err_set(err, ERR_STATE, "is paused already, by somebody else") : 0;
}

static int container_pause_prepare(struct fault_instance *fault, struct err *err)
{
    return engine_remember(fault, not_paused, err);
}

/* context: whether it is to be paused. */
static int set_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const bool *paused = context;
    const char *name = json_str(entry, "name", "");
    AUTO_JSON json_t *inspected = NULL;
    int status = engine_inspect(fault, name, &inspected, err);
    if (status < 0 || engine_is_paused(inspected) == *paused) {
        return status;
    }
    return engine_container(fault, "POST", name, *paused ? "/pause" : "/unpause", NULL, NULL, err);
}

static int container_pause_apply(struct fault_instance *fault, struct err *err)
{
    bool paused = true;
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "container engine, pause");
    return engine_each(fault, set_one, &paused, err);
}

static int prove_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    AUTO_JSON json_t *inspected = NULL;
    struct buf *proof = context;
    int status = engine_inspect(fault, name, &inspected, err);
    if (status == 0 && !engine_is_paused(inspected)) {
        return err_set(err, ERR_STATE, "fault %s: container %s is not paused", fault->id, name);
    }
    if (status == 0) {
        buf_printf(proof, "%sengine: %s is paused, and counts as %s", proof->size ? "; " : "", name,
                   engine_runs(inspected) ? "running" : "not running");
    }
    return status;
}

static int container_pause_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    return engine_each(fault, prove_one, proof, err);
}

static int container_pause_revert(struct fault_instance *fault, struct err *err)
{
    bool paused = false;
    return engine_each_back(fault, set_one, &paused, err);
}

static int left_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    AUTO_JSON json_t *inspected = NULL;
    int status = engine_inspect(fault, name, &inspected, err);
    if (status == 0 && engine_is_paused(inspected)) {
        buf_printf(context, "container %s is paused\n", name);
    }
    return status;
}

static int container_pause_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    return engine_each_back(fault, left_one, left, err);
}

const struct fault_ops fault_container_pause_ops = {
    .name = "container_pause",
    .summary = "freeze a container through its engine, then let it go on",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = container_pause_options,
    .example = "fault.container_pause { service = \"orders@rack-app1\" }",
    .mechanisms = "the engine's pause call, which freezes the container's cgroup",
    .needs = "the right to use the engine's socket, an engine that has cgroups",
    .proof = "the engine's inspection: it is paused",
    .undo = "unpaused through the engine, from the journal: by the agent, or by `drill undo`",
    .check = engine_check,
    .supported = engine_supported,
    .plan = container_pause_plan,
    .prepare = container_pause_prepare,
    .apply = container_pause_apply,
    .prove = container_pause_prove,
    .revert = container_pause_revert,
    .residue = container_pause_residue,
};
