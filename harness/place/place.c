/* The agents' pool: lines of JSON-RPC out and in, timeouts, heartbeats, clocks. */
#include "harness/place/place.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/vec.h"
#include "harness/place/connect.h"

enum { LINE_MAX_BYTES = 16 * 1024 * 1024, HEARTBEAT_MS = 1000, PINGS = 16, HELLO_TIMEOUT_S = 10 };

struct pending {
    int64_t id, deadline_ns;
    place_reply_f *reply; /* NULL: forgotten */
    void *context;
};

struct place {
    struct places *places;
    char *name;
    struct connection connection;
    bool alive;
    struct buf in, out;
    VEC(struct pending) pending;
    int64_t next_id;
    int64_t offset_ns, bound_ns;
    int heartbeat_ms;
};

struct places {
    struct places_hooks hooks;
    void *context;
    VEC(struct place *) items;
    int64_t heartbeat_ns; /* when the next one is due */
    bool closing;
};

struct places *places_new(const struct places_hooks *hooks, void *context)
{
    struct places *places = xcalloc(1, sizeof(*places));
    places->hooks = *hooks;
    places->context = context;
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); /* an agent that died shows as EPIPE */
    return places;
}

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

struct place *places_find(const struct places *places, const char *name)
{
    VEC_EACH(place, &places->items)
    {
        if (str_eq((*place)->name, name)) {
            return *place;
        }
    }
    return NULL;
}

static void close_place(struct place *place)
{
    fd_close(TAKE_FD(place->connection.to_fd));
    fd_close(TAKE_FD(place->connection.from_fd));
}

/* The reply is taken out of the list before it is called: it may make requests of its own. */
static void answer(struct place *place, size_t index, const json_t *result, const struct err *error)
{
    struct pending pending = place->pending.items[index];
    place->pending.items[index] = place->pending.items[--place->pending.count];
    if (pending.reply) {
        pending.reply(pending.context, result, error);
    }
}

static void lose(struct place *place, const char *reason)
{
    struct err error = {0};
    if (!place->alive) {
        return;
    }
    place->alive = false;
    close_place(place);
    (void)err_set(&error, ERR_PROTOCOL, "the agent in '%s' went away: %s", place->name, reason);
    while (place->pending.count > 0) {
        answer(place, 0, NULL, &error);
    }
    if (!place->places->closing) {
        place->places->hooks.on_lost(place->places->context, place, reason);
    }
}

static void flush_out(struct place *place)
{
    while (place->alive && place->out.size > 0) {
        ssize_t wrote = write(place->connection.to_fd, place->out.data, place->out.size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            if (errno != EAGAIN) {
                lose(place, strerrordesc_np(errno));
            }
            return;
        }
        buf_drop_front(&place->out, (size_t)wrote);
    }
}

static void send_message(struct place *place, json_t *message)
{
    AUTO_JSON json_t *owned = message;
    AUTO_FREE char *text = json_dumps(owned, JSON_COMPACT);
    buf_puts(&place->out, text ? text : "{}");
    buf_puts(&place->out, "\n");
    flush_out(place);
}

int place_request(struct place *place, const char *method, json_t *params, int64_t timeout_ns, place_reply_f *reply,
                  void *context, struct err *err)
{
    AUTO_JSON json_t *owned = params ? params : json_object();
    if (!place || !place->alive) {
        return err_set(err, ERR_PROTOCOL, "the agent in '%s' is gone", place ? place->name : "?");
    }
    struct pending *pending = VEC_ADD(&place->pending);
    *pending =
        (struct pending){.id = ++place->next_id, .deadline_ns = clock_now_ns() + timeout_ns, .reply = reply, .context = context};
    send_message(place, json_pack("{s:s, s:I, s:s, s:O}", "jsonrpc", "2.0", "id", (json_int_t)pending->id, "method", method,
                                  "params", owned));
    return 0;
}

static void take_reply(struct place *place, const json_t *message)
{
    int64_t id = json_int(message, "id", 0);
    const json_t *error = json_object_get(message, "error");
    for (size_t i = 0; i < place->pending.count; i++) {
        if (place->pending.items[i].id != id) {
            continue;
        }
        struct err err = {0};
        if (error) {
            enum err_code code = err_code_from_name(json_str(json_object_get(error, "data"), "code", "system"));
            (void)err_set(&err, code == ERR_NONE ? ERR_SYSTEM : code, "%s",
                          json_str(error, "message", "an error without a message"));
        }
        const json_t *result = json_object_get(message, "result");
        AUTO_JSON json_t *empty = json_object();
        answer(place, i, error ? NULL : result ? result : empty, error ? &err : NULL);
        return;
    }
}

static void take_line(struct place *place, const char *line, size_t size)
{
    AUTO_JSON json_t *message = NULL;
    struct err err = {0};
    if (json_parse(line, size, &message, &err) < 0) {
        lose(place, "it said something that is not JSON");
        return;
    }
    const char *method = json_str(message, "method", NULL);
    const json_t *params = json_object_get(message, "params");
    if (!method) {
        take_reply(place, message);
        return;
    }
    int64_t t_ns = json_int(params, "t_ns", clock_now_ns() - place->offset_ns) + place->offset_ns;
    if (str_eq(method, "event")) {
        place->places->hooks.on_event(place->places->context, place, params, t_ns);
    } else if (str_eq(method, "log")) {
        place->places->hooks.on_log(place->places->context, place, params, t_ns);
    }
}

static void take_lines(struct place *place)
{
    size_t start = 0;
    for (;;) {
        const char *from = place->in.data + start;
        const char *end = place->in.size > start ? memchr(from, '\n', place->in.size - start) : NULL;
        if (!end || !place->alive) {
            break;
        }
        take_line(place, from, (size_t)(end - from));
        start += (size_t)(end - from) + 1;
    }
    if (start > 0) {
        buf_drop_front(&place->in, start);
    }
    if (place->in.size > LINE_MAX_BYTES) {
        lose(place, "it sent a line without end");
    }
}

static void read_in(struct place *place)
{
    char part[65536];
    while (place->alive) {
        ssize_t got = read(place->connection.from_fd, part, sizeof(part));
        if (got > 0) {
            buf_add(&place->in, part, (size_t)got);
            take_lines(place);
        } else if (got == 0) {
            lose(place, "its process ended");
        } else if (errno != EINTR) {
            if (errno != EAGAIN) {
                lose(place, strerrordesc_np(errno));
            }
            return;
        }
    }
}

static void expire(struct place *place, int64_t now_ns)
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

static void beat(struct places *places, int64_t now_ns)
{
    if (now_ns < places->heartbeat_ns) {
        return;
    }
    places->heartbeat_ns = now_ns + HEARTBEAT_MS * NS_PER_MS;
    VEC_EACH(place, &places->items)
    {
        if ((*place)->alive && (*place)->heartbeat_ms > 0) {
            send_message(*place, json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method", "heartbeat"));
        }
    }
}

static int64_t next_deadline(const struct places *places, int64_t until_ns)
{
    int64_t deadline_ns = until_ns < places->heartbeat_ns ? until_ns : places->heartbeat_ns;
    VEC_EACH(place, &places->items)
    {
        VEC_EACH(pending, &(*place)->pending)
        {
            if (pending->deadline_ns < deadline_ns) {
                deadline_ns = pending->deadline_ns;
            }
        }
    }
    return deadline_ns;
}

static size_t fill_polls(const struct places *places, int extra_fd, struct pollfd *polls)
{
    size_t count = 0;
    polls[count++] = (struct pollfd){.fd = extra_fd, .events = POLLIN};
    VEC_EACH(place, &places->items)
    {
        polls[count++] = (struct pollfd){.fd = (*place)->connection.from_fd, .events = POLLIN};
        polls[count++] = (struct pollfd){.fd = (*place)->out.size > 0 ? (*place)->connection.to_fd : -1, .events = POLLOUT};
    }
    return count;
}

int places_step(struct places *places, int64_t until_ns, int extra_fd, struct err *err)
{
    AUTO_FREE struct pollfd *polls = xcalloc(2 * places->items.count + 1, sizeof(*polls));
    size_t items = places->items.count;
    beat(places, clock_now_ns());
    nfds_t count = fill_polls(places, extra_fd, polls);
    int64_t left_ns = next_deadline(places, until_ns) - clock_now_ns();
    struct timespec timeout = {.tv_sec = left_ns > 0 ? left_ns / NS_PER_S : 0, .tv_nsec = left_ns > 0 ? left_ns % NS_PER_S : 0};
    int ready = ppoll(polls, count, &timeout, NULL);
    if (ready < 0 && errno != EINTR) {
        return err_errno(err, errno, "cannot wait for the agents");
    }
    for (size_t i = 0; ready > 0 && i < items; i++) {
        if (polls[2 * i + 1].revents) {
            read_in(places->items.items[i]);
        }
        if (polls[2 * i + 2].revents) {
            flush_out(places->items.items[i]);
        }
    }
    for (size_t i = 0; i < items; i++) {
        expire(places->items.items[i], clock_now_ns());
    }
    return ready > 0 && polls[0].revents ? 1 : 0;
}

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

static int call(struct place *place, const char *method, json_t *params, int64_t timeout_ns, struct waiting *waiting,
                struct err *err)
{
    int status = place_request(place, method, params, timeout_ns, remember, waiting, err);
    while (status >= 0 && !waiting->done) {
        status = places_step(place->places, INT64_MAX, -1, err);
    }
    if (status < 0) {
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

static void hello_answered(void *context, const json_t *result, const struct err *error)
{
    (void)result;
    if (error) {
        lose(context, error->text);
    }
}

static int add(struct places *places, const char *name, const struct connection *connection,
               const struct place_settings *settings, struct place **ret_place, struct err *err)
{
    struct place *place = xcalloc(1, sizeof(*place));
    *place = (struct place){.places = places,
                            .name = xstrdup(name),
                            .connection = *connection,
                            .alive = true,
                            .heartbeat_ms = settings->heartbeat_ms};
    *VEC_ADD(&places->items) = place;
    *ret_place = place;
    json_t *params =
        json_pack("{s:s, s:s?, s:i}", "place", name, "journal", settings->journal_folder, "heartbeat_ms", settings->heartbeat_ms);
    return place_request(place, "hello", params, HELLO_TIMEOUT_S * NS_PER_S, hello_answered, place, err);
}

int places_add_netns(struct places *places, struct world *world, const char *name, const struct place_settings *settings,
                     struct place **ret_place, struct err *err)
{
    struct connection connection;
    int status = connect_netns(world, name, settings->log_file, &connection, err);
    return status < 0 ? status : add(places, name, &connection, settings, ret_place, err);
}

int places_add_local(struct places *places, const char *name, const struct place_settings *settings, struct place **ret_place,
                     struct err *err)
{
    struct connection connection;
    int status = connect_local(settings->log_file, &connection, err);
    return status < 0 ? status : add(places, name, &connection, settings, ret_place, err);
}

/* Half of the smallest round trip bounds how far the midpoint can be off. */
static int sync_clock(struct place *place, struct err *err)
{
    place->bound_ns = INT64_MAX;
    for (int i = 0; i < PINGS; i++) {
        struct waiting waiting = {0};
        int64_t sent_ns = clock_now_ns();
        int status = call(place, "ping", NULL, HELLO_TIMEOUT_S * NS_PER_S, &waiting, err);
        if (status < 0) {
            return status;
        }
        int64_t half_ns = (waiting.at_ns - sent_ns + 1) / 2;
        if (half_ns < place->bound_ns) {
            place->bound_ns = half_ns;
            place->offset_ns = sent_ns + half_ns - json_int(waiting.result, "clock_ns", 0);
        }
        json_decref(waiting.result);
    }
    return 0;
}

int places_sync_clocks(struct places *places, struct err *err)
{
    for (size_t i = 0; i < places->items.count; i++) {
        if (sync_clock(places->items.items[i], err) < 0) {
            return err_prefix(err, "agent '%s'", places->items.items[i]->name);
        }
    }
    return 0;
}

void places_forget_replies(struct places *places)
{
    VEC_EACH(place, &places->items)
    {
        VEC_EACH(pending, &(*place)->pending)
        {
            pending->reply = NULL;
        }
    }
}

static bool any_alive(const struct places *places)
{
    VEC_EACH(place, &places->items)
    {
        if ((*place)->alive) {
            return true;
        }
    }
    return false;
}

void places_exit_all(struct places *places, int64_t timeout_ns)
{
    struct err ignored = {0};
    int64_t until_ns = clock_now_ns() + timeout_ns;
    places->closing = true;
    VEC_EACH(place, &places->items)
    {
        if ((*place)->alive) {
            (void)!place_request(*place, "exit", NULL, timeout_ns, NULL, NULL, &ignored);
        }
    }
    while (any_alive(places) && clock_now_ns() < until_ns) {
        if (places_step(places, until_ns, -1, &ignored) < 0) {
            return;
        }
    }
}

void places_free(struct places *places)
{
    if (!places) {
        return;
    }
    VEC_EACH(item, &places->items)
    {
        struct place *place = *item;
        close_place(place);
        if (place->connection.pid > 0) {
            (void)waitpid(place->connection.pid, NULL, 0); /* its input is closed: it reverts and ends */
        }
        buf_clear(&place->in);
        buf_clear(&place->out);
        VEC_CLEAR(&place->pending);
        free(place->name);
        free(place);
    }
    VEC_CLEAR(&places->items);
    free(places);
}
