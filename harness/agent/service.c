/* The supervisor: starts services so that they outlive this agent, waits until they are ready, tells when they end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/agent/lent.h"
#include "harness/agent/probe.h"
#include "harness/agent/rpc.h"
#include "harness/agent/spawn.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/vec.h"

enum { READY_FIRST_MS = 20, READY_MOST_MS = 100, READY_PROBE_MS = 1000, LAST_LINES = 15, LAST_BYTES = 8192 };

struct service {
    struct agent *agent;
    char *name, *log;
    json_t *ready;
    int pid, pidfd;
    struct watch *watch;
    int64_t call_id; /* service.start or service.stop that waits; 0: none */
    bool stopping, gone;
    int64_t begun_ns, limit_ns, pause_ns, log_offset;
    struct timer *timer;
    struct probe *probe;
};

struct services {
    VEC(struct service *) items;
};

static struct services *services_of(struct agent *agent)
{
    if (!agent->services) {
        agent->services = xcalloc(1, sizeof(*agent->services));
    }
    return agent->services;
}

static struct service *find(struct agent *agent, const char *name)
{
    VEC_EACH(service, &services_of(agent)->items)
    {
        if (str_eq((*service)->name, name) && !(*service)->gone) {
            return *service;
        }
    }
    return NULL;
}

static void quiet(struct service *service)
{
    loop_cancel(service->agent->loop, TAKE(service->timer));
    probe_cancel(TAKE(service->probe));
}

static void free_service(struct service *service)
{
    quiet(service);
    loop_unwatch(service->agent->loop, service->watch);
    fd_close(service->pidfd);
    json_decref(service->ready);
    free(service->name);
    free(service->log);
    free(service);
}

void services_free(struct agent *agent)
{
    if (!agent->services) {
        return;
    }
    VEC_EACH(service, &agent->services->items)
    {
        free_service(*service);
    }
    VEC_CLEAR(&agent->services->items);
    free(TAKE(agent->services));
}

static void add_last_lines(const struct service *service, struct err *err)
{
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    size_t size = 0;
    if (fd_read_file(service->log, 64 * 1024 * 1024, &text, &size, &ignored) < 0) {
        return;
    }
    size_t from = size > LAST_BYTES ? size - LAST_BYTES : 0, lines = 0, start = size;
    if ((int64_t)from < service->log_offset && service->log_offset <= (int64_t)size) {
        from = (size_t)service->log_offset;
    }
    while (start > from && lines <= LAST_LINES) {
        lines += text[--start] == '\n';
    }
    static const char intro[] = "; its last lines:\n";
    size_t used = strlen(err->text), room = sizeof(err->text) - used - sizeof(intro);
    const char *tail = text + start + (start > from);
    if (strlen(tail) > room) {
        tail += strlen(tail) - room; /* the end says why */
    }
    (void)str_format(err->text + used, sizeof(err->text) - used, "%s%s", intro, tail);
}

static void fail_start(struct service *service, const char *why)
{
    struct err err = {0};
    (void)err_set(&err, ERR_SYSTEM, "%s", why);
    add_last_lines(service, &err);
    quiet(service);
    rpc_fail(service->agent, service->call_id, &err);
    service->call_id = 0;
    (void)kill(-service->pid, SIGKILL); /* its session: what did not get ready must not be in the way of the next try */
}

static void on_exit_of(void *context, uint32_t events)
{
    struct service *service = context;
    int status = -1;
    (void)events;
    (void)waitpid(service->pid, &status, WNOHANG); /* only a local service is a child of ours */
    loop_unwatch(service->agent->loop, TAKE(service->watch));
    service->gone = true;
    if (service->call_id && !service->stopping) {
        fail_start(service, "it ended while it was starting");
    } else if (service->call_id) {
        quiet(service);
        rpc_reply(service->agent, service->call_id, NULL);
        service->call_id = 0;
    }
    rpc_event(service->agent, clock_now_ns(), "service.exited",
              json_pack("{s:s, s:i}", "service", service->name, "status", status));
}

static void ask_ready(void *context);

static void on_ready(void *context, const struct probe_answer *answer)
{
    struct service *service = context;
    service->probe = NULL;
    int wanted = (int)json_int(service->ready, "status", 0);
    const char *contains = json_str(service->ready, "contains", NULL);
    bool is_http = str_eq(json_str(service->ready, "type", ""), "http");
    bool healthy = answer->answered && (is_http ? answer->status == (wanted ? wanted : 200) : answer->status == 0);
    healthy = healthy && (!contains || strstr(answer->text, contains));
    if (healthy && service->call_id) {
        rpc_reply(service->agent, service->call_id,
                  json_pack("{s:i, s:I}", "pid", service->pid, "ready_ms",
                            (json_int_t)((clock_now_ns() - service->begun_ns) / NS_PER_MS)));
        service->call_id = 0;
    }
    if (healthy || !service->call_id) {
        return;
    }
    if (clock_now_ns() > service->limit_ns) {
        char why[300];
        (void)str_format(why, sizeof(why), "it was not ready in time: %.200s (status %d)", answer->text, answer->status);
        fail_start(service, why);
        return;
    }
    service->pause_ns =
        service->pause_ns * 3 / 2 > READY_MOST_MS * NS_PER_MS ? READY_MOST_MS * NS_PER_MS : service->pause_ns * 3 / 2;
    service->timer = loop_timer(service->agent->loop, clock_now_ns() + service->pause_ns, ask_ready, service);
}

static void ask_ready(void *context)
{
    struct service *service = context;
    struct err err = {0};
    service->timer = NULL;
    if (str_eq(json_str(service->ready, "type", "none"), "none")) {
        struct probe_answer running = {.answered = true, .text = ""};
        json_object_del(service->ready, "contains");
        on_ready(service, &running);
        return;
    }
    if (probe_start(service->agent->loop, service->ready, READY_PROBE_MS * NS_PER_MS, on_ready, service, &service->probe, &err) <
        0) {
        fail_start(service, err.text);
    }
}

static int64_t file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? info.st_size : 0;
}

static int watch_pid(struct service *service, struct err *err)
{
    service->pidfd = (int)syscall(SYS_pidfd_open, service->pid, 0);
    service->watch = service->pidfd < 0 ? NULL : loop_watch(service->agent->loop, service->pidfd, EPOLLIN, on_exit_of, service);
    if (!service->watch) {
        err_set(err, ERR_SYSTEM, "it ended at once");
        add_last_lines(service, err);
        service->gone = true;
        return -(int)err->code;
    }
    return 0;
}

int service_start(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    const json_t *what = json_object_get(params, "service");
    const char *name = json_str(what, "name", "");
    if (find(agent, name)) {
        return err_set(err, ERR_STATE, "service '%s' runs already", name);
    }
    struct service *service = xcalloc(1, sizeof(*service));
    *VEC_ADD(&services_of(agent)->items) = service;
    *service = (struct service){.agent = agent,
                                .name = xstrdup(name),
                                .log = xstrdup(json_str(what, "log", "/dev/null")),
                                .ready = json_deep_copy(json_object_get(what, "ready")),
                                .pidfd = -1,
                                .begun_ns = clock_now_ns(),
                                .pause_ns = READY_FIRST_MS * NS_PER_MS};
    service->limit_ns = service->begun_ns + json_int(what, "start_timeout_ms", 10000) * NS_PER_MS;
    service->log_offset = file_size(service->log);
    int status = spawn_service(what, &service->pid, err);
    if (status == 0) {
        status = watch_pid(service, err);
    }
    if (status == 0) {
        status = lent_record(name, agent->place, service->pid, what, err);
    }
    if (status < 0) {
        service->gone = true;
        return status;
    }
    service->call_id = id;
    ask_ready(service);
    return 0;
}

int service_pids(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    const char *name = json_str(params, "name", "");
    const struct service *service = find(agent, name);
    int pid = service ? service->pid : 0;
    int status = service ? 0 : lent_pid(name, json_str(params, "pid_file", NULL), &pid, err);
    if (status < 0) {
        return status;
    }
    json_t *descendants = json_array();
    if (pid > 0) {
        spawn_descendants(pid, descendants);
    }
    rpc_reply(agent, id, json_pack("{s:i, s:o}", "pid", pid, "descendants", descendants));
    return 0;
}

static void kill_at_last(void *context)
{
    struct service *service = context;
    service->timer = NULL;
    (void)syscall(SYS_pidfd_send_signal, service->pidfd, SIGKILL, NULL, 0);
}

int service_stop(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct service *service = find(agent, json_str(params, "name", ""));
    (void)err;
    if (!service) {
        rpc_reply(agent, id, NULL);
        return 0;
    }
    service->call_id = id;
    service->stopping = true;
    (void)syscall(SYS_pidfd_send_signal, service->pidfd, (int)json_int(params, "signal", SIGTERM), NULL, 0);
    service->timer =
        loop_timer(agent->loop, clock_now_ns() + json_int(params, "grace_ms", 5000) * NS_PER_MS, kill_at_last, service);
    return 0;
}
