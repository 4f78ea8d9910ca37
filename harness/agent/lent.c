/* Records of services, and the handles of those that drill did not start. */
#include "harness/agent/lent.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness/agent/spawn.h"
#include "harness/container/container.h"
#include "harness/base/fd.h"
#include "harness/base/proc.h"
#include "harness/base/str.h"

static const char records[] = "/run/drill/services";

struct lent {
    struct fault_services services;
    json_t *target;
};

int lent_record(const char *name, const char *place, int pid, const json_t *service, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s.json", records, name);
    if (access(records, W_OK) < 0) {
        return 0;
    }
    AUTO_JSON json_t *again = json_copy((json_t *)service);
    json_object_del(again, "dirs"); /* made already */
    json_object_del(again, "files");
    AUTO_JSON json_t *record = json_pack("{s:s, s:s, s:i, s:I, s:O}", "name", name, "place", place, "pid", pid, "start_ticks",
                                         (json_int_t)proc_start_ticks(pid), "service", again);
    return json_write_file(path, record, err);
}

static json_t *read_record(const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/%s.json", records, name);
    json_t *record = NULL;
    struct err ignored = {0};
    return json_read_file(path, &record, &ignored) < 0 ? NULL : record;
}

static int pid_from_file(const char *path)
{
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    if (!path || fd_read_file(path, 4096, &text, NULL, &ignored) < 0) {
        return 0;
    }
    int pid = (int)strtol(text, NULL, 10);
    return pid > 0 && kill(pid, 0) == 0 ? pid : 0;
}

int lent_pid(const char *name, const char *pid_file)
{
    AUTO_JSON json_t *record = read_record(name);
    int pid = (int)json_int(record, "pid", 0);
    bool same = pid > 0 && proc_start_ticks(pid) == (uint64_t)json_int(record, "start_ticks", 0);
    return same ? pid : pid_from_file(pid_file);
}

static const json_t *handle_of(const struct lent *lent, const char *name)
{
    return json_object_get(json_object_get(lent->target, "handles"), name);
}

static const char *engine_of(const struct lent *lent)
{
    return json_str(lent->target, "engine", NULL);
}

static int call_engine(void *context, const char *method, const char *path, const json_t *body, json_t **ret_answer,
                       struct err *err)
{
    return container_call(engine_of(context), method, path, body, ret_answer, err);
}

/* What becomes of a service's container as its engine does it: "start", "stop". */
static int ask_engine(const struct lent *lent, const char *container, const char *what, struct err *err)
{
    AUTO_FREE char *path = xasprintf("/containers/%s/%s", container, what);
    return container_call(engine_of(lent), "POST", path, NULL, NULL, err);
}

static int pid_of(void *context, const char *name)
{
    const char *container = json_str(handle_of(context, name), "container", NULL);
    struct container_state state = {0};
    struct err ignored = {0};
    if (container && engine_of(context)) { /* it says so of a process that has just ended, too */
        bool runs = container_look(engine_of(context), container, &state, &ignored) == 0 && state.running;
        return runs && proc_start_ticks(state.pid) ? state.pid : 0;
    }
    return lent_pid(name, json_str(handle_of(context, name), "pid_file", NULL));
}

static int run_command(const char *name, const json_t *argv, struct err *err)
{
    AUTO_JSON json_t *what = json_pack("{s:s, s:O}", "name", name, "argv", argv);
    int pid = 0;
    return spawn_service(what, &pid, err);
}

static int start(void *context, const char *name, struct err *err)
{
    const struct lent *lent = context;
    const json_t *argv = json_object_get(handle_of(lent, name), "start");
    const char *container = json_str(handle_of(lent, name), "container", NULL);
    if (json_array_size(argv)) {
        return run_command(name, argv, err);
    }
    if (container) {
        return ask_engine(lent, container, "start", err);
    }
    AUTO_JSON json_t *record = read_record(name);
    const json_t *service = json_object_get(record, "service");
    int pid = 0;
    if (!service) {
        return err_set(err, ERR_UNSUPPORTED,
                       "service '%s' declares no way to be started: give it a 'start:' command in the topology", name);
    }
    int status = spawn_service(service, &pid, err);
    return status < 0 ? status : lent_record(name, json_str(lent->target, "place", ""), pid, service, err);
}

static int stop(void *context, const char *name, struct err *err)
{
    const struct lent *lent = context;
    const json_t *handle = handle_of(lent, name), *argv = json_object_get(handle, "stop");
    int pid = pid_of(context, name);
    const char *container = json_str(handle, "container", NULL);
    if (json_array_size(argv)) {
        return run_command(name, argv, err);
    }
    if (container) {
        return ask_engine(lent, container, "stop", err);
    }
    if (pid > 0 && kill(pid, (int)json_int(handle, "stop_signal", SIGTERM)) < 0 && pid_of(context, name) == pid) {
        return err_set(err, ERR_SYSTEM, "service '%s': process %d cannot be signalled: %s", name, pid, strerror(errno));
    }
    return 0;
}

static int reload(void *context, const char *name, struct err *err)
{
    const struct lent *lent = context;
    const json_t *handle = handle_of(lent, name), *argv = json_object_get(handle, "reload");
    int pid = pid_of(context, name);
    if (json_array_size(argv)) {
        return run_command(name, argv, err);
    }
    if (pid > 0 && kill(pid, (int)json_int(handle, "reload_signal", SIGHUP)) < 0) {
        return err_errno(err, errno, "service '%s': process %d cannot be told to reload", name, pid);
    }
    return 0;
}

static const json_t *facts(void *context, const char *name)
{
    return handle_of(context, name);
}

struct lent *lent_new(const json_t *description)
{
    struct lent *lent = xcalloc(1, sizeof(*lent));
    lent->target = json_deep_copy(json_object_get(description, "target"));
    lent->services =
        (struct fault_services){.context = lent, .pid = pid_of, .start = start, .stop = stop, .reload = reload, .facts = facts};
    if (engine_of(lent)) {
        lent->services.engine = call_engine;
    }
    return lent;
}

const struct fault_services *lent_services(const struct lent *lent)
{
    return &lent->services;
}

void lent_free(struct lent *lent)
{
    if (lent) {
        json_decref(lent->target);
        free(lent);
    }
}
