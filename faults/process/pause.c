/* Pause: a service's processes are stopped as they stand, as by a debugger, a frozen machine or a long collection of garbage. Their sockets
 * stay open. */
#include "faults/process/family.h"
#include "faults/process/proc.h"
#include "faults/process/stopping.h"

static const struct param pause_options[] = {{.type = PARAM_END}};

static int pause_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    return proc_supported(err);
}

static void pause_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "stop all processes of %s where they stand (SIGSTOP); proven by their state in the process table",
               fault->target.name);
}

static int pause_prepare(struct fault_instance *fault, struct err *err)
{
    return family_prepare(fault, FAMILY_ALL, "stopped", err);
}

static int pause_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    return stopping_prove(fault, proof, err);
}

const struct fault_ops fault_pause_ops = {
    .name = "pause",
    .summary = "stop a service's processes where they stand, then let them go on",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = pause_options,
    .example = "fault.pause { service = \"postgres@us-east-db\" }",
    .mechanisms = "SIGSTOP and SIGCONT through pidfds",
    .needs = "the right to signal the service's processes, pidfds (Linux 5.3)",
    .proof = "the process table: all of them are in state T",
    .undo = "SIGCONT to those that it stopped, from the journal: by the agent, or by `drill undo`",
    .supported = pause_supported,
    .plan = pause_plan,
    .prepare = pause_prepare,
    .apply = stopping_apply,
    .prove = pause_prove,
    .revert = stopping_revert,
    .residue = stopping_residue,
};
