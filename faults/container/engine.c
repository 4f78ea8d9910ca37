/* Calls of the lent engine. */
#include "faults/container/engine.h"

#include "harness/base/cleanup.h"
#include "harness/base/str.h"

int engine_check(const struct fault_instance *fault, struct err *err)
{
    if (fault->target.container_count == 0) {
        return err_set(err, ERR_INPUT, "fault '%s' hits containers, and %s is none: it is for topologies with 'runtime: docker'",
                       fault->ops->name, fault->target.name);
    }
    return 0;
}

int engine_call(const struct fault_instance *fault, const char *method, const char *path, const json_t *body, json_t **ret_answer,
                struct err *err)
{
    const struct fault_services *services = fault->services;
    if (!services || !services->engine) {
        return err_set(err, ERR_UNSUPPORTED, "fault '%s' needs a container engine: the topology names none", fault->ops->name);
    }
    return services->engine(services->context, method, path, body, ret_answer, err);
}

int engine_container(const struct fault_instance *fault, const char *method, const char *name, const char *what,
                     const json_t *body, json_t **ret_answer, struct err *err)
{
    char path[512];
    if (!str_format(path, sizeof(path), "/containers/%s%s", name, what)) {
        return err_set(err, ERR_INPUT, "the name of container '%.60s…' is too long", name);
    }
    return engine_call(fault, method, path, body, ret_answer, err);
}

int engine_inspect(const struct fault_instance *fault, const char *name, json_t **ret_inspected, struct err *err)
{
    return engine_container(fault, "GET", name, "/json", NULL, ret_inspected, err);
}

bool engine_runs(const json_t *inspected)
{
    return json_flag(json_object_get(inspected, "State"), "Running", false);
}

bool engine_is_paused(const json_t *inspected)
{
    return json_flag(json_object_get(inspected, "State"), "Paused", false);
}

/* Outside of an agent there is no engine to be asked yet. */
int engine_supported(const struct fault_instance *fault, struct err *err)
{
    int status = engine_check(fault, err);
    for (size_t i = 0; status == 0 && i < fault->target.container_count && fault->services; i++) {
        AUTO_JSON json_t *inspected = NULL;
        status = engine_inspect(fault, fault->target.containers[i], &inspected, err);
    }
    return status;
}

int engine_remember(struct fault_instance *fault, engine_entry_f *fill, struct err *err)
{
    AUTO_JSON json_t *entries = json_array();
    if (json_object_get(fault->journal, "containers")) {
        return 0;
    }
    for (size_t i = 0; i < fault->target.container_count; i++) {
        const char *name = fault->target.containers[i];
        AUTO_JSON json_t *inspected = NULL;
        if (engine_inspect(fault, name, &inspected, err) < 0) {
            return -(int)err->code;
        }
        if (!engine_runs(inspected)) {
            return err_set(err, ERR_STATE, "container '%s' does not run", name);
        }
        json_t *entry =
            json_pack("{s:s, s:s}", "name", name, "started", json_str(json_object_get(inspected, "State"), "StartedAt", ""));
        json_array_append_new(entries, entry);
        if (fill && fill(inspected, entry, err) < 0) {
            return err_prefix(err, "container '%s'", name);
        }
    }
    json_object_set(fault->journal, "containers", entries);
    return 0;
}

int engine_each_back(struct fault_instance *fault, engine_each_f *each, void *context, struct err *err)
{
    const json_t *entry;
    size_t index;
    int first = 0;
    json_array_foreach(json_object_get(fault->journal, "containers"), index, entry)
    {
        struct err local = {0};
        int status = each(fault, entry, context, &local);
        if (status < 0 && first == 0) {
            first = status;
            *err = local;
        }
    }
    return first;
}

int engine_each(struct fault_instance *fault, engine_each_f *each, void *context, struct err *err)
{
    if (!json_object_get(fault->journal, "containers")) {
        return err_set(err, ERR_STATE, "fault %s is not in force: its journal names no containers", fault->id);
    }
    return engine_each_back(fault, each, context, err);
}

int engine_start(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    AUTO_JSON json_t *inspected = NULL;
    (void)context;
    int status = engine_inspect(fault, name, &inspected, err);
    return status < 0 || engine_runs(inspected) ? status : engine_container(fault, "POST", name, "/start", NULL, NULL, err);
}

int engine_left_dead(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    AUTO_JSON json_t *inspected = NULL;
    int status = engine_inspect(fault, name, &inspected, err);
    if (status == 0 && !engine_runs(inspected)) {
        buf_printf(context, "container %s does not run, it ran before\n", name);
    }
    return status;
}
