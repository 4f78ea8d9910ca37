/* Lists of names in the journal, and what runs of them. */
#include "faults/process/services.h"

#include <poll.h>

#include "harness/base/clock.h"

enum { MOMENT_MS = 2000, INTERVAL_MS = 10 };

static int runs(const struct fault_instance *fault, const char *name, bool *ret_runs, struct err *err)
{
    int pid = 0;
    int status = fault->services ? fault->services->pid(fault->services->context, name, &pid, err) : 0;
    *ret_runs = pid > 0;
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
        status = runs(fault, name, &running, err);
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
