/* Start a service that does not run: a standby that somebody starts at a bad moment, or the second step of a planned change. Reverting
 * stops it again. */
#include <string.h>

#include "faults/process/proc.h"
#include "faults/process/services.h"
#include "harness/base/str.h"

struct start_service_state {
    bool reverted; /* by this process: nothing is on its way any more */
};

static const struct param start_service_options[] = {{.type = PARAM_END}};

static int start_service_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    return proc_supported(err);
}

static void start_service_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "start %s, which does not run; proven by the process table; revert stops it again", fault->target.name);
}

static int start_service_prepare(struct fault_instance *fault, struct err *err)
{
    return services_remember(fault, "started", false, err);
}

static int start_service_apply(struct fault_instance *fault, struct err *err)
{
    if (!json_object_get(fault->journal, "started")) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no services", fault->id);
    }
    struct start_service_state *state = fault->state;
    state->reverted = false;
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "declared start command");
    return services_start(fault, "started", err);
}

static int start_service_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const char *name = NULL;
    size_t wanted = services_count(fault, "started"), running = 0;
    int status = services_running(fault, "started", &running, &name, err);
    if (status < 0) {
        return status;
    }
    if (wanted == 0) {
        return err_set(err, ERR_STATE, "fault %s: %s ran already, or was never prepared: nothing was started", fault->id,
                       fault->target.name);
    }
    if (running < wanted) {
        return err_set(err, ERR_STATE, "fault %s: service %s does not run", fault->id, name);
    }
    buf_printf(proof, "process table: %zu services of %s run that did not before", running, fault->target.name);
    return 0;
}

/* What was told to start and has not come yet would come after this: it is seen in first. After a crash nobody knows whether it was told. */
static int start_service_revert(struct fault_instance *fault, struct err *err)
{
    struct start_service_state *state = fault->state;
    size_t count = 0;
    int status = state->reverted ? 0 : services_await_all(fault, "started", err);
    if (status == 0) {
        status = services_stop(fault, "started", err);
    }
    if (status == 0) {
        status = services_await_end(fault, "started", &count, err); /* who stays is residue */
    }
    state->reverted = status == 0;
    return status;
}

static int start_service_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    size_t running = 0;
    int status = services_running(fault, "started", &running, NULL, err);
    if (status == 0 && running) {
        buf_printf(left, "%zu services of %s run that did not before\n", running, fault->target.name);
    }
    return status;
}

const struct fault_ops fault_start_service_ops = {
    .name = "start_service",
    .summary = "start a service that does not run, and stop it again on revert",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = start_service_options,
    .state_size = sizeof(struct start_service_state),
    .example = "fault.start_service { service = \"orders@us-east-app1\" }",
    .mechanisms = "the topology's `start:` command, else as drill started it before",
    .needs = "the right to run the command; a service that drill has started, or that declares `start:`",
    .proof = "the process table: it runs, and did not before",
    .undo = "stopped by the topology's `stop:` command or signal, from the journal: by the agent, or by `drill undo`",
    .supported = start_service_supported,
    .plan = start_service_plan,
    .prepare = start_service_prepare,
    .apply = start_service_apply,
    .prove = start_service_prove,
    .revert = start_service_revert,
    .residue = start_service_residue,
};
