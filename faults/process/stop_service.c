/* Stop a service the way an operator would: by its declared stop command or signal. It stays stopped until the revert starts it again, by
 * its declared start command or as drill has started it. Starting needs memory; this revert is the one that cannot do without. */
#include <signal.h>

#include "faults/process/family.h"
#include "faults/process/proc.h"
#include "faults/process/services.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

struct stop_service_options {
    int64_t grace_ns;
};

struct stop_service_state {
    bool asked, reverted; /* by this process */
    int64_t asked_ns;
};

static const struct param stop_service_options[] = {
    {.name = "grace",
     .type = PARAM_DURATION,
     .offset = offsetof(struct stop_service_options, grace_ns),
     .fallback = "10s",
     .min = 0,
     .max = 600 * NS_PER_S,
     .help = "who has not ended by then is killed; 0 never kills"},
    {.type = PARAM_END},
};

static int stop_service_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    return proc_supported(err);
}

static void stop_service_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "stop %s by its declared command or signal; proven by the process table; revert starts it again",
               fault->target.name);
}

static int stop_service_prepare(struct fault_instance *fault, struct err *err)
{
    int status = services_remember(fault, "stopped", true, err);
    return status < 0 ? status : family_prepare(fault, FAMILY_ALL, "stopped", err);
}

static int stop_service_apply(struct fault_instance *fault, struct err *err)
{
    struct stop_service_state *state = fault->state;
    if (!json_object_get(fault->journal, "stopped")) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no services", fault->id);
    }
    if (!state->asked) {
        state->asked = true;
        state->asked_ns = clock_now_ns();
    }
    state->reverted = false;
    json_object_set_new(fault->journal, "asked", json_true()); /* written again once this has worked */
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "declared stop command or signal");
    return services_stop(fault, "stopped", err);
}

static int stop_service_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    size_t running = 0;
    int status = family_prove_gone(fault, proof, err);
    if (status == 0) {
        status = services_running(fault, "stopped", &running, NULL, err);
    }
    if (status == 0 && running > 0) {
        status = err_set(err, ERR_STATE, "fault %s: %s was stopped and runs again", fault->id, fault->target.name);
    }
    return status;
}

/* Once, when the grace is over. */
static int stop_service_tick(struct fault_instance *fault, int64_t *ret_due_ns, struct buf *told, struct err *err)
{
    const struct stop_service_options *options = fault->options;
    const struct stop_service_state *state = fault->state;
    int64_t end_ns = state->asked_ns + options->grace_ns;
    if (options->grace_ns && clock_now_ns() < end_ns) {
        *ret_due_ns = end_ns;
        return 0;
    }
    size_t running = 0;
    int status = services_running(fault, "stopped", &running, NULL, err);
    if (status == 0 && options->grace_ns && running > 0) {
        buf_printf(told, "%s did not stop in time and was killed", fault->target.name);
        return family_signal(fault, FAMILY_ALL, SIGKILL, err);
    }
    return status;
}

/* Who was asked and has not ended yet would end after this: it is seen out first, by SIGKILL if need be. When its agent died in the middle of
 * asking, nobody knows: what runs on for a moment was not asked, and is left alone. */
static int stop_service_revert(struct fault_instance *fault, struct err *err)
{
    struct stop_service_state *state = fault->state;
    size_t running = 0;
    int status = state->reverted ? 0 : services_await_end(fault, "stopped", &running, err);
    if (status == 0 && running > 0 && json_flag(fault->journal, "asked", false)) {
        status = family_signal(fault, FAMILY_ALL, SIGKILL, err);
        if (status == 0) {
            status = services_await_end(fault, "stopped", &running, err);
        }
    }
    if (status == 0) {
        status = services_start(fault, "stopped", err);
    }
    if (status == 0) {
        state->asked = false;
        state->reverted = true;
    }
    return status;
}

static int stop_service_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    const char *name = NULL;
    size_t count;
    int status = fault->services ? services_running(fault, "stopped", &count, &name, err) : 0;
    if (status == 0 && name) {
        buf_printf(left, "service %s is stopped, it ran before\n", name);
    }
    return status;
}

const struct fault_ops fault_stop_service_ops = {
    .name = "stop_service",
    .summary = "stop a service by its declared command or signal, and start it again on revert",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = stop_service_options,
    .options_size = sizeof(struct stop_service_options),
    .state_size = sizeof(struct stop_service_state),
    .example = "fault.stop_service { service = \"orders@us-east-app1\", grace = \"5s\" }",
    .mechanisms = "the topology's `stop:` command, else its `stop_signal`",
    .needs = "the right to run the command or to send the signal",
    .proof = "the process table: its processes are gone, and no new ones have come",
    .undo =
        "started by the topology's `start:` command or as drill started it, from the journal: by the agent, or by `drill undo`",
    .supported = stop_service_supported,
    .plan = stop_service_plan,
    .prepare = stop_service_prepare,
    .apply = stop_service_apply,
    .prove = stop_service_prove,
    .tick = stop_service_tick,
    .revert = stop_service_revert,
    .residue = stop_service_residue,
};
