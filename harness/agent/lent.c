/* Records of services, and the handles of those that drill did not start. */
#include "harness/agent/lent.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness/agent/spawn.h"
#include "harness/base/fd.h"
#include "harness/base/proc.h"
#include "harness/base/str.h"
#include "harness/container/container.h"

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

/* 0 with nothing when there is no such file. */
static int none_if_missing(int status, struct err *err)
{
    if (status < 0 && err->saved_errno == ENOENT) {
        *err = (struct err){0};
        return 0;
    }
    return status;
}

/* NULL when drill did not start it; new reference. */
static int read_record(const char *name, json_t **ret_record, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s.json", records, name);
    *ret_record = NULL;
    return none_if_missing(json_read_file(path, ret_record, err), err);
}

static int pid_from_file(const char *path, int *ret_pid, struct err *err)
{
    AUTO_FREE char *text = NULL;
    int status = path ? none_if_missing(fd_read_file(path, 4096, &text, NULL, err), err) : 0;
    int pid = text ? (int)strtol(text, NULL, 10) : 0;
    *ret_pid = pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) ? pid : 0;
    return status;
}

int lent_pid(const char *name, const char *pid_file, int *ret_pid, struct err *err)
{
    AUTO_JSON json_t *record = NULL;
    uint64_t start_ticks = 0;
    int status = read_record(name, &record, err);
    int pid = (int)json_int(record, "pid", 0);
    if (status == 0 && pid > 0) {
        status = proc_look(pid, &start_ticks, err);
    }
    bool same = start_ticks > 0 && start_ticks == (uint64_t)json_int(record, "start_ticks", 0);
    *ret_pid = same ? pid : 0;
    return status < 0 || same ? status : pid_from_file(pid_file, ret_pid, err);
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

/* An engine says that a container runs whose process has just ended, too. */
static int container_pid(const char *engine, const char *container, int *ret_pid, struct err *err)
{
    struct container_state state = {0};
    int status = container_look(engine, container, &state, err);
    *ret_pid = status == 0 && state.running && proc_start_ticks(state.pid) ? state.pid : 0;
    return status;
}

static int pid_of(void *context, const char *name, int *ret_pid, struct err *err)
{
    const char *container = json_str(handle_of(context, name), "container", NULL), *engine = engine_of(context);
    return container && engine ? container_pid(engine, container, ret_pid, err)
                               : lent_pid(name, json_str(handle_of(context, name), "pid_file", NULL), ret_pid, err);
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
    AUTO_JSON json_t *record = NULL;
    int pid = 0;
    int status = read_record(name, &record, err);
    if (status < 0) {
        return status;
    }
    const json_t *service = json_object_get(record, "service");
    if (!service) {
        return err_set(err, ERR_UNSUPPORTED,
                       "service '%s' declares no way to be started: give it a 'start:' command in the topology", name);
    }
    status = spawn_service(service, &pid, err);
    return status < 0 ? status : lent_record(name, json_str(lent->target, "place", ""), pid, service, err);
}

static int stop(void *context, const char *name, struct err *err)
{
    const struct lent *lent = context;
    const json_t *handle = handle_of(lent, name), *argv = json_object_get(handle, "stop");
    const char *container = json_str(handle, "container", NULL);
    int pid = 0;
    if (json_array_size(argv)) {
        return run_command(name, argv, err);
    }
    if (container) {
        return ask_engine(lent, container, "stop", err);
    }
    int status = pid_of(context, name, &pid, err);
    if (status == 0 && pid > 0 && kill(pid, (int)json_int(handle, "stop_signal", SIGTERM)) < 0 && errno != ESRCH) {
        return err_set(err, ERR_SYSTEM, "service '%s': process %d cannot be signalled: %s", name, pid, strerror(errno));
    }
    return status;
}

static int reload(void *context, const char *name, struct err *err)
{
    const struct lent *lent = context;
    const json_t *handle = handle_of(lent, name), *argv = json_object_get(handle, "reload");
    int pid = 0;
    if (json_array_size(argv)) {
        return run_command(name, argv, err);
    }
    int status = pid_of(context, name, &pid, err);
    if (status == 0 && pid > 0 && kill(pid, (int)json_int(handle, "reload_signal", SIGHUP)) < 0) {
        return err_errno(err, errno, "service '%s': process %d cannot be told to reload", name, pid);
    }
    return status;
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
