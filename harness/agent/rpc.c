/* The agent's end of the line: JSON-RPC 2.0, one message a line. */
#include "harness/agent/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/vec.h"

enum { LINE_MAX_BYTES = 64 * 1024 * 1024, CODE_PARSE = -32700, CODE_REQUEST = -32600, CODE_METHOD = -32601, CODE_FAILED = -32000 };

struct call {
    struct rpc *rpc;
    json_t *id;
};

struct rpc {
    struct loop *loop;
    int in_fd, out_fd;
    struct watch *in_watch, *out_watch;
    struct buf in, out;
    size_t scanned; /* bytes of `in` that hold no line end */
    const struct rpc_method *methods;
    size_t method_count;
    void *context;
    VEC(struct call *) calls;
    int64_t heard_ns;
    bool closed;
};

static void close_line(struct rpc *rpc)
{
    rpc->closed = true;
    loop_unwatch(rpc->loop, TAKE(rpc->in_watch));
    loop_unwatch(rpc->loop, TAKE(rpc->out_watch));
    buf_reset(&rpc->out);
}

static void write_out(struct rpc *rpc);

static void on_writable(void *context, uint32_t events)
{
    (void)events;
    write_out(context);
}

static void write_out(struct rpc *rpc)
{
    while (!rpc->closed && rpc->out.size > 0) {
        ssize_t wrote = write(rpc->out_fd, rpc->out.data, rpc->out.size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0 && errno == EAGAIN) {
            break;
        }
        if (wrote < 0) {
            close_line(rpc);
            return;
        }
        buf_drop_front(&rpc->out, (size_t)wrote);
    }
    if (rpc->out.size == 0) {
        loop_unwatch(rpc->loop, TAKE(rpc->out_watch));
    } else if (!rpc->out_watch && !rpc->closed) {
        /* A descriptor sits in an epoll once: input and output may be the same socket. */
        int fd = rpc->out_fd == rpc->in_fd ? -1 : rpc->out_fd;
        rpc->out_watch = fd < 0 ? NULL : loop_watch(rpc->loop, fd, EPOLLOUT, on_writable, rpc);
    }
}

static void send_message(struct rpc *rpc, json_t *message)
{
    AUTO_JSON json_t *owned = message;
    AUTO_FREE char *text = json_dumps(owned, JSON_COMPACT);
    if (rpc->closed) {
        return;
    }
    buf_puts(&rpc->out, text ? text : "{}");
    buf_puts(&rpc->out, "\n");
    if (rpc->out.truncated) {
        close_line(rpc); /* nobody has read for a quarter of a gigabyte */
        return;
    }
    write_out(rpc);
}

void rpc_notify(struct rpc *rpc, const char *method, json_t *params)
{
    send_message(rpc, json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params ? params : json_object()));
}

void rpc_event(struct rpc *rpc, const char *kind, json_t *fields)
{
    json_t *params = fields ? fields : json_object();
    json_object_set_new(params, "kind", json_string(kind));
    if (!json_object_get(params, "t_ns")) {
        json_object_set_new(params, "t_ns", json_integer(clock_now_ns()));
    }
    rpc_notify(rpc, "event", params);
}

static void send_error(struct rpc *rpc, json_t *id, int code, enum err_code name, const char *text)
{
    json_t *error = json_pack("{s:i, s:o, s:{s:s}}", "code", code, "message", json_stringn_nocheck(text, strlen(text)), "data",
                              "code", err_code_name(name));
    send_message(rpc, json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "error", error));
}

static void end_call(struct call *call)
{
    struct rpc *rpc = call->rpc;
    for (size_t i = 0; i < rpc->calls.count; i++) {
        if (rpc->calls.items[i] == call) {
            rpc->calls.items[i] = rpc->calls.items[--rpc->calls.count];
            break;
        }
    }
    json_decref(call->id);
    free(call);
}

void call_answer(struct call *call, json_t *result)
{
    json_t *value = result ? result : json_object();
    if (json_is_null(call->id)) {
        json_decref(value); /* a notification */
    } else {
        send_message(call->rpc, json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", call->id, "result", value));
    }
    end_call(call);
}

void call_fail(struct call *call, const struct err *error)
{
    if (!json_is_null(call->id)) {
        send_error(call->rpc, call->id, CODE_FAILED, error->code, error->text);
    }
    end_call(call);
}

static const struct rpc_method *find_method(const struct rpc *rpc, const char *name)
{
    for (size_t i = 0; i < rpc->method_count; i++) {
        if (str_eq(rpc->methods[i].name, name)) {
            return &rpc->methods[i];
        }
    }
    return NULL;
}

static void dispatch(struct rpc *rpc, const struct rpc_method *method, json_t *params, json_t *id)
{
    struct err err = {0};
    json_t *result = NULL;
    AUTO_JSON json_t *empty = json_object();
    struct call *call = xcalloc(1, sizeof(*call));
    *call = (struct call){.rpc = rpc, .id = id ? json_incref(id) : json_null()};
    *VEC_ADD(&rpc->calls) = call;
    int status = method->f(rpc->context, params ? params : empty, call, &result, &err);
    if (status < 0) {
        call_fail(call, &err);
    } else if (status != RPC_LATER) {
        call_answer(call, result);
    }
}

static void take_line(struct rpc *rpc, const char *line, size_t size)
{
    struct err err = {0};
    AUTO_JSON json_t *message = NULL;
    if (json_parse(line, size, &message, &err) < 0) {
        send_error(rpc, json_null(), CODE_PARSE, ERR_PROTOCOL, err.text);
        return;
    }
    json_t *id = json_object_get(message, "id"), *params = json_object_get(message, "params");
    const char *name = json_str(message, "method", NULL);
    if (!name || (params && !json_is_object(params))) {
        send_error(rpc, id ? id : json_null(), CODE_REQUEST, ERR_PROTOCOL, "a request needs a text 'method' and an object 'params'");
        return;
    }
    const struct rpc_method *method = find_method(rpc, name);
    if (!method) {
        char text[160];
        (void)str_format(text, sizeof(text), "this agent knows no method '%.80s'", name);
        send_error(rpc, id ? id : json_null(), CODE_METHOD, ERR_PROTOCOL, text);
        return;
    }
    dispatch(rpc, method, params, id);
}

static void take_lines(struct rpc *rpc)
{
    char *end;
    while (!rpc->closed && rpc->in.size > rpc->scanned &&
           (end = memchr(rpc->in.data + rpc->scanned, '\n', rpc->in.size - rpc->scanned))) {
        size_t size = (size_t)(end - rpc->in.data);
        if (size > 0) {
            take_line(rpc, rpc->in.data, size);
        }
        buf_drop_front(&rpc->in, size + 1);
        rpc->scanned = 0;
    }
    rpc->scanned = rpc->in.size;
    if (rpc->in.size > LINE_MAX_BYTES) {
        close_line(rpc);
    }
}

static void on_readable(void *context, uint32_t events)
{
    struct rpc *rpc = context;
    static const size_t part_size = 65536;
    AUTO_FREE char *part = xcalloc(1, part_size);
    (void)events;
    for (;;) {
        ssize_t got = read(rpc->in_fd, part, part_size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            close_line(rpc);
            return;
        }
        rpc->heard_ns = clock_now_ns();
        buf_add(&rpc->in, part, (size_t)got);
        take_lines(rpc);
        if (rpc->closed || (size_t)got < part_size) {
            return; /* level triggered: what is left comes again */
        }
    }
}

static void make_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int rpc_new(struct loop *loop, int in_fd, int out_fd, const struct rpc_method *methods, size_t count, void *context,
            struct rpc **ret_rpc, struct err *err)
{
    struct rpc *rpc = xcalloc(1, sizeof(*rpc));
    make_non_blocking(in_fd);
    make_non_blocking(out_fd);
    *rpc = (struct rpc){.loop = loop, .in_fd = in_fd, .out_fd = out_fd, .methods = methods, .method_count = count, .context = context,
                        .heard_ns = clock_now_ns()};
    rpc->in_watch = loop_watch(loop, in_fd, EPOLLIN, on_readable, rpc);
    if (!rpc->in_watch) {
        free(rpc);
        return err_errno(err, errno, "an agent's input must be a pipe, a socket or a terminal (descriptor %d)", in_fd);
    }
    *ret_rpc = rpc;
    return 0;
}

void rpc_free(struct rpc *rpc)
{
    if (!rpc) {
        return;
    }
    close_line(rpc);
    VEC_EACH(call, &rpc->calls)
    {
        json_decref((*call)->id);
        free(*call);
    }
    VEC_CLEAR(&rpc->calls);
    buf_clear(&rpc->in);
    buf_clear(&rpc->out);
    free(rpc);
}

bool rpc_closed(const struct rpc *rpc)
{
    return rpc->closed;
}

int64_t rpc_heard_ns(const struct rpc *rpc)
{
    return rpc->heard_ns;
}

void rpc_drain(struct rpc *rpc, int64_t until_ns)
{
    while (!rpc->closed && rpc->out.size > 0 && clock_now_ns() < until_ns) {
        struct pollfd wait = {.fd = rpc->out_fd, .events = POLLOUT};
        if (poll(&wait, 1, (int)((until_ns - clock_now_ns()) / NS_PER_MS) + 1) <= 0) {
            return;
        }
        write_out(rpc);
    }
}
