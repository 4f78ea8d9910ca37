/* Lists of names in the journal, and what runs of them. */
#include "faults/process/services.h"

#include <errno.h>
#include <poll.h>

#include "faults/process/proc.h"
#include "harness/base/clock.h"

enum { MOMENT_MS = 2000, INTERVAL_MS = 10 };

/* A supervisor's file names a process until its end has been seen; what is just ending does not run any more. */
static int look(const struct fault_instance *fault, const char *name, bool *ret_runs, bool *ret_ends, struct err *err)
{
    struct proc_info info;
    int pid = 0;
    int status = fault->services ? fault->services->pid(fault->services->context, name, &pid, err) : 0;
    bool there = pid > 0 && proc_read(pid, &info);
    if (status == 0 && pid > 0 && !there && errno != ENOENT && errno != ESRCH) {
        status = err_errno(err, errno, "cannot look at process %d of service '%s'", pid, name);
    }
    *ret_runs = there && !info.ending;
    *ret_ends = there && info.ending;
    return status;
}

static int runs(const struct fault_instance *fault, const char *name, bool *ret_runs, struct err *err)
{
    bool ends;
    return look(fault, name, ret_runs, &ends, err);
}

/* Who is told to start what it believes to run does nothing. */
static int await_end(const struct fault_instance *fault, const char *name, bool *ret_runs, struct err *err)
{
    int64_t deadline_ns = clock_now_ns() + MOMENT_MS * NS_PER_MS;
    bool ends = false;
    int status = look(fault, name, ret_runs, &ends, err);
    while (status == 0 && ends && clock_now_ns() < deadline_ns) {
        (void)poll(NULL, 0, INTERVAL_MS);
        status = look(fault, name, ret_runs, &ends, err);
    }
    return status;
}

int services_remember(struct fault_instance *fault, const char *key, bool running, struct err *err)
{
    if (json_object_get(fault->journal, key)) {
        return 0;
    }
    if (!fault->services) {
        return err_set(err, ERR_STATE, "fault %s: there is nobody here who starts and stops services", fault->id);
    }
    AUTO_JSON json_t *names = json_array();
    for (size_t i = 0; i < fault->target.service_count; i++) {
        bool does = false;
        int status = runs(fault, fault->target.services[i], &does, err);
        if (status < 0) {
            return status;
        }
        if (does == running) {
            json_array_append_new(names, json_string(fault->target.services[i]));
        }
    }
    json_object_set(fault->journal, key, names);
    return 0;
}

size_t services_count(const struct fault_instance *fault, const char *key)
{
    return fault->services ? json_array_size(json_object_get(fault->journal, key)) : 0;
}

int services_running(const struct fault_instance *fault, const char *key, size_t *ret_count, const char **name, struct err *err)
{
    const json_t *names = json_object_get(fault->journal, key);
    int status = 0;
    *ret_count = 0;
    for (size_t i = 0; i < json_array_size(names) && status == 0; i++) {
        const char *one = json_string_value(json_array_get(names, i));
        bool running = false;
        status = runs(fault, one, &running, err);
        *ret_count += running;
        if (status == 0 && !running && name) {
            *name = one;
        }
    }
    return status;
}

/* Nothing tells when another process has written its pid down: it is looked at again and again. */
int services_await(const struct fault_instance *fault, const char *key, size_t wanted, size_t *ret_count, struct err *err)
{
    int64_t deadline_ns = clock_now_ns() + MOMENT_MS * NS_PER_MS;
    int status = services_running(fault, key, ret_count, NULL, err);
    while (status == 0 && *ret_count != wanted && clock_now_ns() < deadline_ns) {
        (void)poll(NULL, 0, INTERVAL_MS);
        status = services_running(fault, key, ret_count, NULL, err);
    }
    return status;
}

int services_start(const struct fault_instance *fault, const char *key, struct err *err)
{
    const json_t *names = json_object_get(fault->journal, key);
    int status = 0;
    for (size_t i = 0; fault->services && i < json_array_size(names) && status == 0; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        bool running = false;
        status = await_end(fault, name, &running, err);
        if (status == 0 && !running) {
            status = fault->services->start(fault->services->context, name, err);
        }
    }
    size_t count; /* who does not come is residue */
    return status == 0 && fault->services ? services_await(fault, key, json_array_size(names), &count, err) : status;
}

int services_stop(const struct fault_instance *fault, const char *key, struct err *err)
{
    const json_t *names = json_object_get(fault->journal, key);
    int status = 0;
    for (size_t i = 0; fault->services && i < json_array_size(names) && status == 0; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        bool running = false;
        status = runs(fault, name, &running, err);
        if (status == 0 && running) {
            status = fault->services->stop(fault->services->context, name, err);
        }
    }
    return status;
}
