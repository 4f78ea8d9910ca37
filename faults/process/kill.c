/* Kill: a service's processes, descendants included, get a signal that ends them. Reverting brings nobody back: whoever started the
 * service starts it again. So a killed service leaves no residue of the fault. */
#include <signal.h>

#include "faults/fault.h"
#include "faults/process/proc.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { PROVE_TIMEOUT_MS = 20 }; /* one short try: who asks asks again */

static const char *const signal_names[] = {"KILL", "TERM", "INT", "QUIT", "ABRT", "SEGV", NULL};
static const int signals[] = {SIGKILL, SIGTERM, SIGINT, SIGQUIT, SIGABRT, SIGSEGV};

struct kill_options {
    int signal;
};

static const struct param kill_options[] = {
    {.name = "signal",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct kill_options, signal),
     .choices = signal_names,
     .fallback = "KILL",
     .help = "KILL ends at once; TERM lets the service end in its own way"},
    {.type = PARAM_END},
};

static int kill_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    return proc_supported(err);
}

static void kill_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct kill_options *options = fault->options;
    buf_printf(out, "end all processes of %s with SIG%s; proven by the process table; revert does not start it again",
               fault->target.name, signal_names[options->signal]);
}

static int kill_prepare(struct fault_instance *fault, struct err *err)
{
    json_t *family = NULL;
    if (json_object_get(fault->journal, "processes")) {
        return 0;
    }
    int status = proc_family(fault->target.pids, fault->target.pid_count, &family, err);
    if (status < 0) {
        return status;
    }
    if (json_array_size(family) == 0) {
        json_decref(family);
        return err_set(err, ERR_STATE, "fault %s: %s runs no process here that could be killed; start it first", fault->id,
                       fault->target.name);
    }
    json_object_set_new(fault->journal, "processes", family);
    return 0;
}

static int signal_family(const json_t *family, int signal_number, struct err *err)
{
    for (size_t i = 0; i < json_array_size(family); i++) {
        const json_t *item = json_array_get(family, i);
        int status = proc_signal((pid_t)json_int(item, "pid", 0), (uint64_t)json_int(item, "start", 0), signal_number, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* Children that were forked since prepare are found while their parents stand; a parent that gets SIGKILL forks no more. */
static int add_late_children(const struct fault_instance *fault, json_t *processes, size_t *ret_added, struct err *err)
{
    AUTO_JSON json_t *now = NULL;
    size_t before = json_array_size(processes);
    int status = proc_family(fault->target.pids, fault->target.pid_count, &now, err);
    for (size_t i = 0; i < json_array_size(now) && status == 0; i++) {
        json_t *item = json_array_get(now, i);
        bool known = false;
        for (size_t j = 0; j < before && !known; j++) {
            known = json_int(json_array_get(processes, j), "pid", 0) == json_int(item, "pid", 0);
        }
        if (!known && before) {
            json_array_append(processes, item);
        }
    }
    *ret_added = json_array_size(processes) - before;
    return status;
}

static int kill_apply(struct fault_instance *fault, struct err *err)
{
    const struct kill_options *options = fault->options;
    json_t *processes = json_object_get(fault->journal, "processes");
    size_t added = 0;
    if (!processes) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no processes", fault->id);
    }
    int status = add_late_children(fault, processes, &added, err);
    if (status == 0) {
        status = signal_family(processes, signals[options->signal], err);
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "pidfd");
    return status;
}

static int kill_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const json_t *processes = json_object_get(fault->journal, "processes");
    int64_t deadline_ns = clock_now_ns() + PROVE_TIMEOUT_MS * NS_PER_MS;
    size_t count = json_array_size(processes);
    if (count == 0) {
        return err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(processes, i);
        int64_t left_ns = deadline_ns - clock_now_ns();
        bool gone = false;
        pid_t pid = (pid_t)json_int(item, "pid", 0);
        int status =
            proc_wait_gone(pid, (uint64_t)json_int(item, "start", 0), left_ns > 0 ? (int)(left_ns / NS_PER_MS) : 0, &gone, err);
        if (status < 0) {
            return status;
        }
        if (!gone) {
            return err_set(err, ERR_STATE, "fault %s: process %d (%s) of %s still runs", fault->id, (int)pid,
                           json_str(item, "name", "?"), fault->target.name);
        }
    }
    buf_printf(proof, "process table: all %zu processes of %s are gone (first: %lld, %s)", count, fault->target.name,
               (long long)json_int(json_array_get(processes, 0), "pid", 0), json_str(json_array_get(processes, 0), "name", "?"));
    return 0;
}

static int kill_revert(struct fault_instance *fault, struct err *err)
{
    (void)fault;
    (void)err;
    return 0;
}

static int kill_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    (void)fault;
    (void)left;
    (void)err;
    return 0;
}

const struct fault_ops fault_kill_ops = {
    .name = "kill",
    .summary = "end a service's processes with a signal",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = kill_options,
    .options_size = sizeof(struct kill_options),
    .kernel_owned = true,
    .supported = kill_supported,
    .plan = kill_plan,
    .prepare = kill_prepare,
    .apply = kill_apply,
    .prove = kill_prove,
    .revert = kill_revert,
    .residue = kill_residue,
};
