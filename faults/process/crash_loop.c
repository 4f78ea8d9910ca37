/* Crash loop: a service is killed, and killed again each time it has come back and lived for a while, a bounded number of times. It is
 * brought back by its supervisor, or (restart) by the agent in the way that the topology declares. Each death is an event. */
#include <signal.h>

#include "faults/process/family.h"
#include "faults/process/proc.h"
#include "faults/process/services.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { LOOK_MS = 50 }; /* nothing tells that a supervisor has started something */

struct crash_loop_options {
    int64_t every_ns, times;
    bool restart;
};

struct crash_loop_state {
    int64_t kills;
    int64_t back_ns; /* since when it runs again; 0: it does not, as far as was seen */
};

static const struct param crash_loop_options[] = {
    {.name = "every",
     .type = PARAM_DURATION,
     .offset = offsetof(struct crash_loop_options, every_ns),
     .fallback = "2s",
     .min = 100 * NS_PER_MS,
     .max = 3600 * NS_PER_S,
     .help = "so long it lives each time"},
    {.name = "times",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct crash_loop_options, times),
     .fallback = "5",
     .min = 1,
     .max = 1000,
     .help = "so many deaths, the first one included; then it may live"},
    {.name = "restart",
     .type = PARAM_BOOL,
     .offset = offsetof(struct crash_loop_options, restart),
     .fallback = "true",
     .help = "start it again as a supervisor would; false where it has one"},
    {.type = PARAM_END},
};

static int crash_loop_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    return proc_supported(err);
}

static void crash_loop_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct crash_loop_options *options = fault->options;
    char every[32];
    buf_printf(out, "kill %s %lld times, each time %s after it has come back%s; proven by the process table", fault->target.name,
               (long long)options->times, clock_format_duration(options->every_ns, every),
               options->restart ? " (drill brings it back)" : "");
}

static int crash_loop_prepare(struct fault_instance *fault, struct err *err)
{
    int status = services_remember(fault, "looping", true, err);
    return status < 0 ? status : family_prepare(fault, FAMILY_ALL, "killed", err);
}

static int crash_loop_apply(struct fault_instance *fault, struct err *err)
{
    struct crash_loop_state *state = fault->state;
    int status = state->kills ? 0 : family_signal(fault, FAMILY_ALL, SIGKILL, err);
    if (status == 0 && state->kills == 0) {
        state->kills = 1;
    }
    return status;
}

static int crash_loop_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const struct crash_loop_state *state = fault->state;
    if (state->kills == 0) {
        return err_set(err, ERR_STATE, "fault %s is not in force: nothing was killed", fault->id);
    }
    return family_prove_gone(fault, proof, err);
}

static int kill_again(struct fault_instance *fault, struct err *err)
{
    const struct fault_services *services = fault->services;
    const json_t *names = json_object_get(fault->journal, "looping");
    AUTO_JSON json_t *family = NULL;
    int pid = 0;
    int status = services->pid(services->context, json_string_value(json_array_get(names, 0)), &pid, err);
    if (status == 0) {
        status = proc_family(&pid, pid > 1, &family, err);
    }
    for (size_t i = 0; i < json_array_size(family) && status == 0; i++) {
        const json_t *item = json_array_get(family, i);
        status = proc_signal((pid_t)json_int(item, "pid", 0), (uint64_t)json_int(item, "start", 0), SIGKILL, err);
    }
    return status;
}

static int die(struct fault_instance *fault, struct buf *told, struct err *err)
{
    struct crash_loop_state *state = fault->state;
    int status = kill_again(fault, err);
    if (status == 0) {
        state->back_ns = 0;
        state->kills++;
        buf_printf(told, "%s killed, death %lld", fault->target.name, (long long)state->kills);
    }
    return status;
}

/* Dead: brought back. Alive for long enough: killed. After the last death and its return there is nothing more to do. */
static int crash_loop_tick(struct fault_instance *fault, int64_t *ret_due_ns, struct buf *told, struct err *err)
{
    const struct crash_loop_options *options = fault->options;
    struct crash_loop_state *state = fault->state;
    int64_t now_ns = clock_now_ns();
    size_t running = 0;
    int status = services_running(fault, "looping", &running, NULL, err);
    *ret_due_ns = now_ns + LOOK_MS * NS_PER_MS;
    if (status < 0) {
        return status;
    }
    if (running == 0) {
        state->back_ns = 0;
        return options->restart ? services_start(fault, "looping", err) : 0;
    }
    if (state->back_ns == 0) {
        state->back_ns = now_ns;
        buf_printf(told, "%s is back after death %lld", fault->target.name, (long long)state->kills);
    }
    if (state->kills >= options->times) {
        *ret_due_ns = 0;
    } else if (now_ns - state->back_ns >= options->every_ns) {
        status = die(fault, told, err);
    } else if (state->back_ns + options->every_ns < *ret_due_ns) {
        *ret_due_ns = state->back_ns + options->every_ns;
    }
    return status;
}

/* A killed service is not left dead where it can be started; one that is just dying would look as if it ran. Starting needs memory: this
 * revert cannot do without. */
static int crash_loop_revert(struct fault_instance *fault, struct err *err)
{
    const struct crash_loop_options *options = fault->options;
    struct crash_loop_state *state = fault->state;
    size_t count;
    int status = state->kills && state->back_ns == 0 ? services_await_end(fault, "looping", &count, err) : 0;
    if (status == 0 && options->restart) {
        status = services_start(fault, "looping", err);
    }
    if (status == 0) {
        state->kills = state->back_ns = 0;
    }
    return status;
}

static int crash_loop_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    const struct crash_loop_options *options = fault->options;
    const char *name = NULL;
    size_t count;
    int status = fault->services && options->restart ? services_running(fault, "looping", &count, &name, err) : 0;
    if (status == 0 && name) {
        buf_printf(left, "service %s is dead, it ran before\n", name);
    }
    return status;
}

const struct fault_ops fault_crash_loop_ops = {
    .name = "crash_loop",
    .summary = "kill a service again each time it has come back, a bounded number of times",
    .targets = FAULT_SERVICE,
    .options = crash_loop_options,
    .options_size = sizeof(struct crash_loop_options),
    .state_size = sizeof(struct crash_loop_state),
    .example = "fault.crash_loop { service = \"haproxy@us-east-gw1\", every = \"3s\", times = 4 }",
    .mechanisms = "SIGKILL through pidfds, by the agent's clock",
    .needs = "the right to signal the service's processes, pidfds (Linux 5.3)",
    .proof = "the process table: the processes of the first death are gone; each death is an event",
    .undo = "the loop ends with the agent; what is dead is started by the topology's `start:` command or as drill started it, by "
            "the agent "
            "or by `drill undo`",
    .supported = crash_loop_supported,
    .plan = crash_loop_plan,
    .prepare = crash_loop_prepare,
    .apply = crash_loop_apply,
    .prove = crash_loop_prove,
    .tick = crash_loop_tick,
    .revert = crash_loop_revert,
    .residue = crash_loop_residue,
};
