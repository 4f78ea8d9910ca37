/* Container kill: the engine is told to kill a container, as `docker kill` does it. Whether it comes back is the restart policy's to say, and
 * engines count this as stopped by hand. The revert starts what is still dead. */
#include "faults/container/engine.h"
#include "harness/base/str.h"

struct container_kill_state {
    bool killed;
};

static const struct param container_kill_options[] = {{.type = PARAM_END}};

static void container_kill_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out,
               "kill the container of %s through its engine; proven by the engine's own word; revert starts it if it is dead",
               fault->target.name);
}

static int container_kill_prepare(struct fault_instance *fault, struct err *err)
{
    return engine_remember(fault, NULL, err);
}

static int kill_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    (void)context;
    return engine_container(fault, "POST", json_str(entry, "name", ""), "/kill?signal=SIGKILL", NULL, NULL, err);
}

static int container_kill_apply(struct fault_instance *fault, struct err *err)
{
    struct container_kill_state *state = fault->state;
    int status = state->killed ? 0 : engine_each(fault, kill_one, NULL, err);
    if (status == 0) {
        state->killed = true;
        (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "container engine, kill");
    }
    return status;
}

/* It is dead, or it has been started since: both is another life than the one that was to end. */
static int prove_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    AUTO_JSON json_t *inspected = NULL;
    int status = engine_inspect(fault, name, &inspected, err);
    const json_t *state = json_object_get(inspected, "State");
    bool same = str_eq(json_str(state, "StartedAt", ""), json_str(entry, "started", "-"));
    if (status == 0 && same && engine_runs(inspected)) {
        return err_set(err, ERR_STATE, "fault %s: container %s runs as it did before", fault->id, name);
    }
    if (status == 0) {
        struct buf *proof = context;
        buf_printf(proof, "%sengine: %s is %s, exit code %lld%s", proof->size ? "; " : "", name, json_str(state, "Status", "?"),
                   (long long)json_int(state, "ExitCode", 0), same ? "" : ", started anew since");
    }
    return status;
}

static int container_kill_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const struct container_kill_state *state = fault->state;
    if (!state->killed) {
        return err_set(err, ERR_STATE, "fault %s is not in force: nothing was killed", fault->id);
    }
    return engine_each(fault, prove_one, proof, err);
}

static int container_kill_revert(struct fault_instance *fault, struct err *err)
{
    struct container_kill_state *state = fault->state;
    int status = engine_each_back(fault, engine_start, NULL, err);
    state->killed = state->killed && status < 0;
    return status;
}

static int container_kill_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    return engine_each_back(fault, engine_left_dead, left, err);
}

const struct fault_ops fault_container_kill_ops = {
    .name = "container_kill",
    .summary = "kill a container through its engine; its restart policy says whether it comes back",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = container_kill_options,
    .state_size = sizeof(struct container_kill_state),
    .example = "fault.container_kill { service = \"gateway@rack-gw\" }",
    .mechanisms = "the engine's kill call (Docker's API, over its unix socket)",
    .needs = "the right to use the engine's socket",
    .proof = "the engine's inspection: dead with an exit code, or started anew since",
    .undo = "started through the engine when it does not run, from the journal: by the agent, or by `drill undo`",
    .check = engine_check,
    .supported = engine_supported,
    .plan = container_kill_plan,
    .prepare = container_kill_prepare,
    .apply = container_kill_apply,
    .prove = container_kill_prove,
    .revert = container_kill_revert,
    .residue = container_kill_residue,
};
