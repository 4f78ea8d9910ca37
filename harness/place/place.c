/* One agent as the controller sees it: requests out, replies and notifications in, its clock, its end. */
#include "harness/place/place.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/realtime.h"
#include "harness/place/pool.h"

enum { REASON_BYTES = 96, PINGS = 16, HELLO_TIMEOUT_S = 10, RESTART_WAIT_S = 10 };

const char *place_name(const struct place *place)
{
    return place->name;
}

bool place_is_alive(const struct place *place)
{
    return place->alive;
}

void place_clock_offset(const struct place *place, int64_t *ret_offset_ns, int64_t *ret_bound_ns)
{
    *ret_offset_ns = place->offset_ns;
    *ret_bound_ns = place->bound_ns;
}

/* A process by its pidfd: as this process' namespace numbers it. */
static pid_t pid_of(int pidfd)
{
    AUTO_FREE char *path = xasprintf("/proc/self/fdinfo/%d", pidfd);
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    const char *line = pidfd >= 0 && fd_read_file(path, 4096, &text, NULL, &ignored) == 0 ? strstr(text, "\nPid:") : NULL;
    return line ? (pid_t)strtol(line + strlen("\nPid:"), NULL, 10) : 0;
}

void place_hurry(const struct place *place)
{
    pid_t pid = pid_of(place->pidfd);
    if (pid > 0) {
        realtime_give(pid);
    }
}

static int64_t deadline_after(int64_t timeout_ns)
{
    int64_t now_ns = clock_now_ns();
    return timeout_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + timeout_ns;
}

/* ---- its end ---- */

/* The reply is taken out of the list before it is called: it may make requests of its own. */
static void answer(struct place *place, size_t index, const json_t *result, const struct err *error)
{
    struct pending pending = place->pending.items[index];
    place->pending.items[index] = place->pending.items[--place->pending.count];
    if (pending.reply) {
        pending.reply(pending.context, result, error);
    }
}

/* Only a local agent is our child, so only of that one is it known how it ended. */
static void describe_end(struct place *place, char reason[static REASON_BYTES])
{
    siginfo_t info = {0};
    if (place->pidfd < 0 || waitid(P_PIDFD, (id_t)place->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) {
        return;
    }
    if (info.si_code == CLD_EXITED) {
        (void)str_format(reason, REASON_BYTES, "its process ended with status %d", info.si_status);
    } else {
        (void)str_format(reason, REASON_BYTES, "its process was killed by SIG%s", sigabbrev_np(info.si_status));
    }
}

static void lose(struct place *place, const char *reason)
{
    struct err error = {0};
    if (!place->alive) {
        return;
    }
    place->alive = false;
    wire_clear(&place->wire);
    (void)err_set(&error, ERR_PROTOCOL, "the agent in '%s' went away: %s", place->name, reason);
    unsigned starts = place->starts;
    while (place->pending.count > 0 && place->starts == starts) {
        answer(place, 0, NULL, &error);
    }
    if (!place->places->closing) {
        place->places->hooks.on_lost(place->places->context, place, reason);
    }
}

void place_await_end(struct place *place, int64_t until_ns)
{
    struct pollfd ended = {.fd = place->pidfd, .events = POLLIN};
    if (place->pidfd < 0) {
        return;
    }
    for (;;) {
        int64_t left_ns = until_ns - clock_now_ns();
        int ready = poll(&ended, 1, left_ns > 0 ? (int)(left_ns / NS_PER_MS) + 1 : 0);
        if (ready > 0) {
            break;
        }
        if (ready == 0) { /* killed, it ends for certain */
            (void)syscall(SYS_pidfd_send_signal, place->pidfd, SIGKILL, NULL, 0);
            until_ns = INT64_MAX / 2;
        }
    }
    (void)waitid(P_PIDFD, (id_t)place->pidfd, NULL, WEXITED | WNOHANG);
    fd_close(TAKE_FD(place->pidfd));
}

void place_free(struct place *place)
{
    wire_clear(&place->wire);
    fd_close(place->pidfd);
    VEC_CLEAR(&place->pending);
    free(place->name);
    free(place->journal_folder);
    free(place->log_file);
    free(place->program);
    free(place);
}

/* ---- out ---- */

void place_write(struct place *place)
{
    struct err err = {0};
    if (place->alive && !place->failure[0] && wire_flush(&place->wire, &err) < 0) {
        (void)str_copy(place->failure, sizeof(place->failure), err.text);
    }
}

int place_request(struct place *place, const char *method, json_t *params, int64_t timeout_ns, place_reply_f *reply,
                  void *context, struct err *err)
{
    AUTO_JSON json_t *owned = params ? params : json_object();
    if (!place || !place->alive) {
        return err_set(err, ERR_PROTOCOL, "the agent in '%s' is gone", place ? place->name : "?");
    }
    int64_t id = ++place->next_id;
    AUTO_JSON json_t *message =
        json_pack("{s:s, s:I, s:s, s:O}", "jsonrpc", "2.0", "id", (json_int_t)id, "method", method, "params", owned);
    if (wire_queue(&place->wire, message, err) < 0) {
        return err_prefix(err, "cannot ask '%s' for %s", place->name, method);
    }
    *VEC_ADD(&place->pending) =
        (struct pending){.id = id, .deadline_ns = deadline_after(timeout_ns), .reply = reply, .context = context};
    place_write(place);
    return 0;
}

void place_heartbeat(struct place *place)
{
    struct err err = {0};
    if (!place->alive || place->heartbeat_ms <= 0) {
        return;
    }
    AUTO_JSON json_t *message = json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method", "heartbeat");
    if (wire_queue(&place->wire, message, &err) < 0) {
        (void)str_copy(place->failure, sizeof(place->failure), err.text);
    }
    place_write(place);
}

/* ---- in ---- */

static struct err error_of(const json_t *error)
{
    struct err err = {0};
    enum err_code code = err_code_from_name(json_str(json_object_get(error, "data"), "code", "system"));
    (void)err_set(&err, code == ERR_NONE ? ERR_SYSTEM : code, "%s", json_str(error, "message", "an error without a message"));
    return err;
}

/* A reply that nobody waits for any longer came after its timeout. */
static void take_reply(struct place *place, const json_t *message)
{
    int64_t id = json_int(message, "id", 0);
    const json_t *error = json_object_get(message, "error");
    const json_t *result = json_object_get(message, "result");
    AUTO_JSON json_t *empty = json_object();
    for (size_t i = 0; i < place->pending.count; i++) {
        if (place->pending.items[i].id == id) {
            struct err err = error ? error_of(error) : (struct err){0};
            answer(place, i, error ? NULL : result ? result : empty, error ? &err : NULL);
            return;
        }
    }
}

static void take_notification(struct place *place, const char *method, const json_t *params)
{
    const struct places_hooks *hooks = &place->places->hooks;
    int64_t t_ns = json_int(params, "t_ns", clock_now_ns() - place->offset_ns) + place->offset_ns;
    places_note_f *note = str_eq(method, "event") ? hooks->on_event : str_eq(method, "log") ? hooks->on_log : NULL;
    if (note) {
        note(place->places->context, place, params, t_ns);
    }
}

static void take_message(struct place *place, const json_t *message)
{
    const char *method = json_str(message, "method", NULL);
    const json_t *params = json_object_get(message, "params");
    if (!method && json_is_integer(json_object_get(message, "id"))) {
        take_reply(place, message);
    } else if (method && json_is_object(params)) {
        take_notification(place, method, params);
    } else {
        lose(place, "it said something that is neither a reply nor a notification");
    }
}

/* Callbacks may call back into here for the same agent, so nothing of the wire is held over one. */
static void take_messages(struct place *place)
{
    while (place->alive) {
        AUTO_JSON json_t *message = NULL;
        struct err err = {0};
        int status = wire_next(&place->wire, &message, &err);
        if (status < 0) {
            lose(place, err.text);
        }
        if (status <= 0) {
            return;
        }
        take_message(place, message);
    }
}

static bool has_ended(const struct place *place)
{
    struct pollfd ended = {.fd = place->pidfd, .events = POLLIN};
    return place->pidfd >= 0 && poll(&ended, 1, 0) > 0;
}

void place_read(struct place *place)
{
    struct err err = {0};
    unsigned starts = place->starts;
    bool last =
        place->failure[0] || has_ended(place); /* then all that it still said; else one part a step, for the others' sake */
    int status = 1;
    do {
        status = wire_fill(&place->wire, &err);
        take_messages(place);
    } while (last && status == 1 && place->alive && place->starts == starts);
    if (!place->alive || place->starts != starts) {
        return;
    }
    if (status < 0 || last) {
        char reason[REASON_BYTES];
        const char *why = status < 0 ? err.text : place->failure[0] ? place->failure : "its process ended";
        (void)str_copy(reason, sizeof(reason), why);
        describe_end(place, reason);
        lose(place, reason);
    }
}

void place_expire(struct place *place, int64_t now_ns)
{
    for (size_t i = 0; i < place->pending.count;) {
        if (place->pending.items[i].deadline_ns > now_ns) {
            i++;
            continue;
        }
        struct err err = {0};
        (void)err_set(&err, ERR_TIMEOUT, "the agent in '%s' did not answer in time", place->name);
        answer(place, i, NULL, &err);
    }
}

/* ---- waiting for one reply ---- */

struct waiting {
    bool done;
    json_t *result;
    struct err err;
    int64_t at_ns;
};

static void remember(void *context, const json_t *result, const struct err *error)
{
    struct waiting *waiting = context;
    waiting->at_ns = clock_now_ns();
    waiting->done = true;
    waiting->result = result ? json_incref((json_t *)result) : NULL;
    if (error) {
        waiting->err = *error;
    }
}

/* `waiting` is on a stack that is about to be left. */
static void forget(struct place *place, const struct waiting *waiting)
{
    VEC_EACH(pending, &place->pending)
    {
        if (pending->context == waiting) {
            pending->reply = NULL;
        }
    }
}

static int call(struct place *place, const char *method, json_t *params, int64_t timeout_ns, struct waiting *waiting,
                struct err *err)
{
    int64_t deadline_ns = deadline_after(timeout_ns);
    int status = place_request(place, method, params, timeout_ns, remember, waiting, err);
    while (status >= 0 && !waiting->done) {
        status = places_step(place->places, deadline_ns, -1, err);
        if (status >= 0 && !waiting->done && clock_now_ns() >= deadline_ns) { /* places_forget_replies was called meanwhile */
            status = err_set(err, ERR_TIMEOUT, "the agent in '%s' did not answer %s in time", place->name, method);
        }
    }
    if (status < 0) {
        if (place) {
            forget(place, waiting);
        }
        return status;
    }
    if (!waiting->result) {
        *err = waiting->err;
        return -(int)err->code;
    }
    return 0;
}

int place_call(struct place *place, const char *method, json_t *params, int64_t timeout_ns, json_t **ret_result, struct err *err)
{
    struct waiting waiting = {0};
    int status = call(place, method, params, timeout_ns, &waiting, err);
    if (status == 0 && ret_result) {
        *ret_result = TAKE(waiting.result);
    }
    json_decref(waiting.result);
    return status;
}

/* The true moment of the agent's reading lies between sending and receiving: the midpoint is off by half a round trip at most. */
int place_sync_clock(struct place *place, struct err *err)
{
    int64_t offset_ns = 0, bound_ns = INT64_MAX;
    for (int i = 0; i < PINGS; i++) {
        struct waiting waiting = {0};
        int64_t sent_ns = clock_now_ns();
        int status = call(place, "ping", NULL, HELLO_TIMEOUT_S * NS_PER_S, &waiting, err);
        if (status < 0) {
            return status;
        }
        AUTO_JSON json_t *result = waiting.result;
        int64_t half_ns = (waiting.at_ns - sent_ns + 1) / 2;
        if (!json_is_integer(json_object_get(result, "clock_ns"))) {
            return err_set(err, ERR_PROTOCOL, "ping: clock_ns must be a number, found none");
        }
        if (half_ns < bound_ns) {
            bound_ns = half_ns;
            offset_ns = sent_ns + half_ns - json_int(result, "clock_ns", 0);
        }
    }
    place->offset_ns = offset_ns;
    place->bound_ns = bound_ns;
    return 0;
}

/* ---- its start ---- */

static void hello_answered(void *context, const json_t *result, const struct err *error)
{
    (void)result;
    if (error) {
        lose(context, error->text);
    }
}

int place_start(struct place *place, struct err *err)
{
    struct connection connection;
    const struct connect_request request = {.world = place->world,
                                            .place = place->name,
                                            .container_pid = place->container_pid,
                                            .program = place->program,
                                            .log_file = place->log_file};
    int status = connect_agent(&request, &connection, err);
    if (status < 0) {
        return status;
    }
    place->wire.to_fd = connection.to_fd;
    place->wire.from_fd = connection.from_fd;
    place->pidfd = connection.pidfd;
    place->failure[0] = '\0';
    place->alive = true;
    place->starts++;
    json_t *params = json_pack("{s:s, s:s?, s:i}", "place", place->name, "journal", place->journal_folder, "heartbeat_ms",
                               place->heartbeat_ms);
    return place_request(place, "hello", params, HELLO_TIMEOUT_S * NS_PER_S, hello_answered, place, err);
}

int place_restart(struct place *place, struct err *err)
{
    if (place->alive) {
        return err_set(err, ERR_STATE, "the agent in '%s' is alive: only a lost one is started anew", place->name);
    }
    place_await_end(place, clock_now_ns() + RESTART_WAIT_S * NS_PER_S);
    return place_start(place, err);
}

int place_move(struct place *place, int pid, struct err *err)
{
    wire_clear(&place->wire); /* it ends */
    place->alive = false;
    place_await_end(place, clock_now_ns() + RESTART_WAIT_S * NS_PER_S);
    place->container_pid = pid;
    int status = place_start(place, err);
    return status < 0 ? status : place_sync_clock(place, err);
}

int place_container(const struct place *place)
{
    return place->container_pid;
}
