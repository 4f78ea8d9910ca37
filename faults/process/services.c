/* Lists of names in the journal, and what runs of them. */
#include "faults/process/services.h"

#include <poll.h>

#include "harness/base/clock.h"

enum { MOMENT_MS = 2000, INTERVAL_MS = 10 };

static bool runs(const struct fault_instance *fault, const char *name)
{
    return fault->services && fault->services->pid(fault->services->context, name) > 0;
}

int services_remember(struct fault_instance *fault, const char *key, bool running, struct err *err)
{
    if (json_object_get(fault->journal, key)) {
        return 0;
    }
    if (!fault->services) {
        return err_set(err, ERR_STATE, "fault %s: there is nobody here who starts and stops services", fault->id);
    }
    json_t *names = json_array();
    for (size_t i = 0; i < fault->target.service_count; i++) {
        if (runs(fault, fault->target.services[i]) == running) {
            json_array_append_new(names, json_string(fault->target.services[i]));
        }
    }
    json_object_set_new(fault->journal, key, names);
    return 0;
}

size_t services_running(const struct fault_instance *fault, const char *key, const char **name)
{
    const json_t *names = json_object_get(fault->journal, key);
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *one = json_string_value(json_array_get(names, i));
        bool running = runs(fault, one);
        count += running;
        if (!running && name) {
            *name = one;
        }
    }
    return count;
}

/* Nothing tells when another process has written its pid down: it is looked at again and again. */
size_t services_await(const struct fault_instance *fault, const char *key, size_t wanted)
{
    int64_t deadline_ns = clock_now_ns() + MOMENT_MS * NS_PER_MS;
    size_t count = services_running(fault, key, NULL);
    while (count != wanted && clock_now_ns() < deadline_ns) {
        (void)poll(NULL, 0, INTERVAL_MS);
        count = services_running(fault, key, NULL);
    }
    return count;
}

int services_start(const struct fault_instance *fault, const char *key, struct err *err)
{
    const json_t *names = json_object_get(fault->journal, key);
    int status = 0;
    for (size_t i = 0; fault->services && i < json_array_size(names) && status == 0; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!runs(fault, name)) {
            status = fault->services->start(fault->services->context, name, err);
        }
    }
    if (status == 0 && fault->services) {
        (void)services_await(fault, key, json_array_size(names)); /* who does not come is residue */
    }
    return status;
}

int services_stop(const struct fault_instance *fault, const char *key, struct err *err)
{
    const json_t *names = json_object_get(fault->journal, key);
    int status = 0;
    for (size_t i = 0; fault->services && i < json_array_size(names) && status == 0; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (runs(fault, name)) {
            status = fault->services->stop(fault->services->context, name, err);
        }
    }
    return status;
}
