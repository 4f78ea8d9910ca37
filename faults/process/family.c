/* A target's processes in a fault's journal. */
#include "faults/process/family.h"

#include "faults/process/proc.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { PROVE_TIMEOUT_MS = 20 }; /* one short try: who asks asks again */

const char *const family_parts[] = {"all", "main", "child", NULL};

static bool is_main(const struct fault_target *target, const json_t *item)
{
    for (size_t i = 0; i < target->pid_count; i++) {
        if (target->pids[i] == json_int(item, "pid", 0)) {
            return true;
        }
    }
    return false;
}

/* One child of each main process: the first that is listed. */
static bool is_first_child(const struct fault_target *target, const json_t *item, const json_t *chosen)
{
    struct proc_info info, other;
    if (is_main(target, item) || !proc_read((pid_t)json_int(item, "pid", 0), &info)) {
        return false;
    }
    bool of_main = false;
    for (size_t i = 0; i < target->pid_count; i++) {
        of_main = of_main || target->pids[i] == info.parent;
    }
    for (size_t i = 0; i < json_array_size(chosen) && of_main; i++) {
        of_main = !proc_read((pid_t)json_int(json_array_get(chosen, i), "pid", 0), &other) || other.parent != info.parent;
    }
    return of_main;
}

static json_t *choose(const struct fault_target *target, enum family_part part, json_t *family)
{
    json_t *chosen = json_array();
    for (size_t i = 0; i < json_array_size(family); i++) {
        json_t *item = json_array_get(family, i);
        if (part == FAMILY_ALL || (part == FAMILY_MAIN ? is_main(target, item) : is_first_child(target, item, chosen))) {
            json_array_append(chosen, item);
        }
    }
    return chosen;
}

int family_prepare(struct fault_instance *fault, enum family_part part, const char *what, struct err *err)
{
    AUTO_JSON json_t *family = NULL;
    if (json_object_get(fault->journal, "processes")) {
        return 0;
    }
    int status = proc_family(fault->target.pids, fault->target.pid_count, &family, err);
    if (status < 0) {
        return status;
    }
    AUTO_JSON json_t *chosen = choose(&fault->target, part, family);
    if (json_array_size(chosen) == 0) {
        return err_set(err, ERR_STATE, "fault %s: %s runs no %sprocess here that could be %s; start it first", fault->id,
                       fault->target.name, part == FAMILY_CHILD ? "child " : "", what);
    }
    json_object_set(fault->journal, "processes", chosen);
    return 0;
}

/* Children that were forked since prepare are found while their parents stand; a parent that gets SIGKILL forks no more. */
static int add_late_children(const struct fault_instance *fault, json_t *processes, struct err *err)
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
    return status;
}

int family_signal(struct fault_instance *fault, enum family_part part, int signal_number, struct err *err)
{
    json_t *processes = json_object_get(fault->journal, "processes");
    if (!processes) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no processes", fault->id);
    }
    int status = part == FAMILY_ALL ? add_late_children(fault, processes, err) : 0;
    for (size_t i = 0; i < json_array_size(processes) && status == 0; i++) {
        const json_t *item = json_array_get(processes, i);
        status = proc_signal((pid_t)json_int(item, "pid", 0), (uint64_t)json_int(item, "start", 0), signal_number, err);
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "pidfd");
    return status;
}

int family_prove_gone(const struct fault_instance *fault, struct buf *proof, struct err *err)
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
