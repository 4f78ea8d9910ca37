/* Lists of names in the journal, and what runs of them. */
#include "faults/process/services.h"

#include <errno.h>
#include <poll.h>

#include "faults/process/proc.h"
#include "harness/base/clock.h"

enum { MOMENT_MS = 2000, INTERVAL_MS = 10 };

struct sight {
    int pid;
    bool there;        /* a zombie too, until its supervisor has seen its end */
    bool ends, zombie; /* SIGKILL is on its way or it exits; it has */
};

static int look(const struct fault_instance *fault, const char *name, struct sight *ret_sight, struct err *err)
{
    struct proc_info info = {0};
    struct sight sight = {0};
    int status = fault->services ? fault->services->pid(fault->services->context, name, &sight.pid, err) : 0;
    sight.there = sight.pid > 0 && proc_read(sight.pid, &info);
    if (status == 0 && sight.pid > 0 && !sight.there && errno != ENOENT && errno != ESRCH) {
        status = err_errno(err, errno, "cannot look at process %d of service '%s'", sight.pid, name);
    }
    sight.ends = sight.there && info.ending;
    sight.zombie = sight.there && (info.state == 'Z' || info.state == 'X');
    *ret_sight = sight;
    return status;
}

/* What is just ending does not run any more. */
static int runs(const struct fault_instance *fault, const char *name, bool *ret_runs, struct err *err)
{
    struct sight sight;
    int status = look(fault, name, &sight, err);
    *ret_runs = sight.there && !sight.ends;
    return status;
}

/* Who is told to start what it believes to run does nothing. Between taking the SIGKILL and exiting a process looks as if it ran: what was
 * seen to end goes on ending. */
static int await_end(const struct fault_instance *fault, const char *name, bool *ret_runs, struct err *err)
{
    int64_t deadline_ns = clock_now_ns() + MOMENT_MS * NS_PER_MS;
    struct sight first, sight;
    int status = look(fault, name, &first, err);
    sight = first;
    while (status == 0 && first.ends && sight.there && (sight.ends || sight.pid == first.pid) && clock_now_ns() < deadline_ns) {
        (void)poll(NULL, 0, INTERVAL_MS);
        status = look(fault, name, &sight, err);
    }
    *ret_runs = sight.there && !sight.ends;
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

/* Of journal[key], those whose process is there and no zombie: also one that just ends, whichever way that looks. */
static int count_alive(const struct fault_instance *fault, const char *key, size_t *ret_count, struct err *err)
{
    const json_t *names = json_object_get(fault->journal, key);
    int status = 0;
    *ret_count = 0;
    for (size_t i = 0; i < json_array_size(names) && status == 0; i++) {
        struct sight sight;
        status = look(fault, json_string_value(json_array_get(names, i)), &sight, err);
        *ret_count += sight.there && !sight.zombie;
    }
    return status;
}

static int count_running(const struct fault_instance *fault, const char *key, size_t *ret_count, struct err *err)
{
    return services_running(fault, key, ret_count, NULL, err);
}

typedef int count_f(const struct fault_instance *fault, const char *key, size_t *ret_count, struct err *err);

/* Nothing tells when another process has written its pid down: it is looked at again and again. */
static int await(const struct fault_instance *fault, const char *key, count_f *count, size_t wanted, size_t *ret_count,
                 struct err *err)
{
    int64_t deadline_ns = clock_now_ns() + MOMENT_MS * NS_PER_MS;
    int status = count(fault, key, ret_count, err);
    while (status == 0 && *ret_count != wanted && clock_now_ns() < deadline_ns) {
        (void)poll(NULL, 0, INTERVAL_MS);
        status = count(fault, key, ret_count, err);
    }
    return status;
}

int services_await_all(const struct fault_instance *fault, const char *key, struct err *err)
{
    size_t count;
    return await(fault, key, count_running, services_count(fault, key), &count, err);
}

int services_await_end(const struct fault_instance *fault, const char *key, size_t *ret_count, struct err *err)
{
    return await(fault, key, count_alive, 0, ret_count, err);
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
    return status == 0 && fault->services ? services_await_all(fault, key, err) : status; /* who does not come is residue */
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
