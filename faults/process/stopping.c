/* Processes stopped as they stand, and let go again. */
#include "faults/process/stopping.h"

#include <poll.h>
#include <signal.h>

#include "faults/process/proc.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { PROVE_TIMEOUT_MS = 20, PROVE_INTERVAL_MS = 2, ROUNDS_MAX = 10, PIDS_MAX = 1024 };

/* The roots of the journal that are still the same processes. */
static int standing(const json_t *processes, int pids[static PIDS_MAX], size_t *ret_count, struct err *err)
{
    int status = 0;
    *ret_count = 0;
    for (size_t i = 0; i < json_array_size(processes) && *ret_count < PIDS_MAX && status == 0; i++) {
        const json_t *item = json_array_get(processes, i);
        pid_t pid = (pid_t)json_int(item, "pid", 0);
        bool there = false;
        status = proc_find(pid, (uint64_t)json_int(item, "start", 0), &there, err);
        if (there) {
            pids[(*ret_count)++] = pid;
        }
    }
    return status;
}

/* They and their descendants as they are now; new reference, NULL after an error. */
static int standing_family(const json_t *processes, json_t **ret_family, struct err *err)
{
    int pids[PIDS_MAX];
    size_t count;
    int status = standing(processes, pids, &count, err);
    return status < 0 ? status : proc_family(pids, count, ret_family, err);
}

static const json_t *find(const json_t *processes, int64_t pid)
{
    for (size_t i = 0; i < json_array_size(processes); i++) {
        const json_t *item = json_array_get(processes, i);
        if (json_int(item, "pid", 0) == pid) {
            return item;
        }
    }
    return NULL;
}

static bool is_stopped(const json_t *item)
{
    return str_eq(json_str(item, "state", ""), "T");
}

/* Signal everyone of the family as it is now, `running` only those that are not stopped (yet). Processes that were stopped before the
 * fault are nobody's business here. */
static int signal_standing(const json_t *processes, bool running, int signal_number, size_t *ret_count, struct err *err)
{
    AUTO_JSON json_t *family = NULL;
    int status = standing_family(processes, &family, err);
    *ret_count = 0;
    for (size_t i = 0; i < json_array_size(family) && status == 0; i++) {
        const json_t *item = json_array_get(family, i);
        const json_t *before = find(processes, json_int(item, "pid", 0));
        if ((running && is_stopped(item)) || (before && is_stopped(before))) {
            continue;
        }
        status = proc_signal((pid_t)json_int(item, "pid", 0), (uint64_t)json_int(item, "start", 0), signal_number, err);
        (*ret_count)++;
    }
    return status;
}

/* Parents first and again until nobody is left running: a child may have been forked while its parent was being stopped. */
int stopping_apply(struct fault_instance *fault, struct err *err)
{
    const json_t *processes = json_object_get(fault->journal, "processes");
    size_t count = 1;
    if (!processes) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no processes", fault->id);
    }
    for (int round = 0; count && round < ROUNDS_MAX; round++) {
        int status = signal_standing(processes, true, SIGSTOP, &count, err);
        if (status < 0) {
            return status;
        }
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "pidfd");
    return 0;
}

/* Who of the family runs, 0 for nobody. */
static int find_running(const json_t *processes, size_t *ret_stopped, pid_t *ret_running, struct err *err)
{
    AUTO_JSON json_t *family = NULL;
    int status = standing_family(processes, &family, err);
    *ret_stopped = 0;
    *ret_running = 0;
    for (size_t i = 0; i < json_array_size(family); i++) {
        const json_t *item = json_array_get(family, i);
        if (is_stopped(item)) {
            (*ret_stopped)++;
        } else {
            *ret_running = (pid_t)json_int(item, "pid", 0);
        }
    }
    return status;
}

int stopping_prove(const struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const json_t *processes = json_object_get(fault->journal, "processes");
    int64_t deadline_ns = clock_now_ns() + PROVE_TIMEOUT_MS * NS_PER_MS;
    size_t stopped = 0;
    pid_t running = 0;
    int status = find_running(processes, &stopped, &running, err);
    /* A stop is a matter of microseconds unless a process sits in the kernel; nothing reports it but its state. */
    while (status == 0 && running && stopped && clock_now_ns() < deadline_ns) {
        (void)poll(NULL, 0, PROVE_INTERVAL_MS);
        status = find_running(processes, &stopped, &running, err);
    }
    if (status < 0) {
        return status;
    }
    if (running) {
        return err_set(err, ERR_STATE, "fault %s: process %d of %s is not stopped", fault->id, (int)running, fault->target.name);
    }
    if (!stopped) {
        return err_set(err, ERR_STATE, "fault %s: %s has no process that is stopped", fault->id, fault->target.name);
    }
    buf_printf(proof, "process table: all %zu processes of %s are stopped (state T)", stopped, fault->target.name);
    return 0;
}

/* Not only those that show as stopped: a stop may be on its way to a process that had no time yet to take it. SIGCONT takes it back. */
int stopping_revert(struct fault_instance *fault, struct err *err)
{
    size_t count = 0;
    return signal_standing(json_object_get(fault->journal, "processes"), false, SIGCONT, &count, err);
}

int stopping_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    const json_t *processes = json_object_get(fault->journal, "processes");
    AUTO_JSON json_t *family = NULL;
    int status = standing_family(processes, &family, err);
    for (size_t i = 0; i < json_array_size(family); i++) {
        const json_t *item = json_array_get(family, i);
        const json_t *before = find(processes, json_int(item, "pid", 0));
        if (is_stopped(item) && !(before && is_stopped(before))) {
            buf_printf(left, "process %lld (%s) of %s is still stopped\n", (long long)json_int(item, "pid", 0),
                       json_str(item, "name", "?"), fault->target.name);
        }
    }
    return status;
}
