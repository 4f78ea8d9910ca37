/* One question to one thing, asynchronously. */
#include "harness/agent/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/load/resolver.h"

enum { BODY_MAX_BYTES = 256 * 1024 };

struct probe {
    struct loop *loop;
    probe_f *f;
    void *context;
    struct watch *watch;
    struct timer *timer;
    int fd; /* socket or the program's output */
    bool is_http, connected, ended;
    struct buf out, in;
    pid_t pid;
    struct resolver *resolver;
};

static void release(struct probe *probe)
{
    loop_unwatch(probe->loop, probe->watch);
    loop_cancel(probe->loop, probe->timer);
    resolver_free(probe->resolver);
    fd_close(probe->fd);
    if (probe->pid > 0) {
        (void)kill(-probe->pid, SIGKILL); /* and what it has started */
        (void)waitpid(probe->pid, NULL, 0);
    }
    buf_clear(&probe->out);
    buf_clear(&probe->in);
    free(probe);
}

void probe_cancel(struct probe *probe)
{
    if (probe) {
        probe->ended = true; /* a resolver answers while it is freed */
        release(probe);
    }
}

static void answer(struct probe *probe, bool answered, int status, const char *text)
{
    if (probe->ended) {
        return;
    }
    probe->ended = true;
    struct probe_answer result = {.answered = answered, .status = status, .text = text};
    probe_f *f = probe->f;
    void *context = probe->context;
    probe->timer = NULL; /* either it fired or it is cancelled below */
    f(context, &result);
    release(probe);
}

static void fail(struct probe *probe, const char *why)
{
    struct timer *timer = probe->timer;
    loop_cancel(probe->loop, timer);
    answer(probe, false, 0, why);
}

static void succeed(struct probe *probe, int status, const char *text)
{
    loop_cancel(probe->loop, probe->timer);
    answer(probe, true, status, text);
}

static void on_timeout(void *context)
{
    struct probe *probe = context;
    probe->timer = NULL;
    answer(probe, false, 0, "no answer in time");
}

/* What stands behind a header's name, or NULL. */
static const char *header_of(const char *text, const char *body, const char *name)
{
    const char *found = strcasestr(text, name);
    return found && found < body ? found + strlen(name) : NULL;
}

static bool is_chunked(const char *text, const char *body)
{
    const char *coding = header_of(text, body, "\r\ntransfer-encoding:");
    return coding && strncasecmp(coding + strspn(coding, " \t"), "chunked", 7) == 0;
}

/* Whole once the length that the header promises is there, or the other side has closed. */
static bool is_whole(const struct probe *probe, bool closed)
{
    const char *text = buf_str(&probe->in), *body = strstr(text, "\r\n\r\n");
    if (closed || !body) {
        return closed;
    }
    if (is_chunked(text, body)) {
        return strstr(body, "\r\n0\r\n") != NULL;
    }
    const char *length = header_of(text, body, "\r\ncontent-length:");
    return length && probe->in.size - (size_t)(body + 4 - text) >= strtoul(length, NULL, 10);
}

/* Take the chunks' sizes out of the body, in place (RFC 9112, section 7.1); what is not as it should be ends it. */
static void join_chunks(char *body)
{
    char *to = body, *from = body, *end;
    size_t left = strlen(body);
    for (;;) {
        size_t size = strtoul(from, &end, 16);
        char *data = end == from ? NULL : strstr(end, "\r\n");
        if (!data || size == 0 || size > left - (size_t)(data + 2 - body)) {
            break;
        }
        memmove(to, data + 2, size);
        to += size;
        from = data + 2 + size + strspn(data + 2 + size, "\r\n");
    }
    *to = '\0';
}

static void finish_http(struct probe *probe)
{
    const char *text = buf_str(&probe->in);
    char *body = probe->in.data ? strstr(probe->in.data, "\r\n\r\n") : NULL;
    int status = 0;
    if (sscanf(text, "HTTP/%*d.%*d %d", &status) != 1 || !body) {
        fail(probe, "closed without an answer");
        return;
    }
    if (is_chunked(text, body)) {
        join_chunks(body + 4);
    }
    succeed(probe, status, body + 4);
}

static void read_http(struct probe *probe)
{
    char part[8192];
    for (;;) {
        ssize_t got = read(probe->fd, part, sizeof(part));
        if (got < 0 && errno == EAGAIN) {
            if (is_whole(probe, false)) {
                finish_http(probe);
            }
            return;
        }
        if (got < 0) {
            fail(probe, strerrordesc_np(errno));
            return;
        }
        if (got == 0 || probe->in.size > BODY_MAX_BYTES) {
            finish_http(probe);
            return;
        }
        buf_add(&probe->in, part, (size_t)got);
    }
}

static void on_connected(struct probe *probe)
{
    int error = 0;
    socklen_t size = sizeof(error);
    (void)getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        fail(probe, strerrordesc_np(error));
        return;
    }
    probe->connected = true;
    if (!probe->is_http) {
        succeed(probe, 0, "connected");
        return;
    }
    ssize_t wrote = send(probe->fd, probe->out.data, probe->out.size, MSG_NOSIGNAL); /* a few hundred bytes fit an empty socket */
    if (wrote != (ssize_t)probe->out.size) {
        fail(probe, "the request could not be sent");
    }
}

/* Edge-triggered: first writable (connected or refused), then readable. */
static void on_socket(void *context, uint32_t events)
{
    struct probe *probe = context;
    (void)events;
    if (probe->connected) {
        read_http(probe);
    } else {
        on_connected(probe);
    }
}

static int start_tcp(struct probe *probe, const char *address, int port, struct err *err)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (!address || inet_pton(AF_INET, address, &to.sin_addr) != 1) {
        return err_set(err, ERR_INPUT, "a check needs an IPv4 address, found '%s'", address ? address : "");
    }
    probe->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe->fd < 0) {
        return err_errno(err, errno, "cannot make a socket");
    }
    (void)connect(probe->fd, (struct sockaddr *)&to, sizeof(to)); /* how it ended shows when the socket is writable */
    probe->watch = loop_watch(probe->loop, probe->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, on_socket, probe);
    return probe->watch ? 0 : err_set(err, ERR_SYSTEM, "cannot watch a socket");
}

static int start_http(struct probe *probe, const json_t *what, struct err *err)
{
    char address[64] = "", path[512] = "/";
    int port = (int)json_int(what, "port", 80);
    const char *url = json_str(what, "url", NULL);
    (void)str_copy(address, sizeof(address), json_str(what, "address", ""));
    (void)str_copy(path, sizeof(path), json_str(what, "path", "/"));
    if (url && sscanf(url, "http://%63[0-9.]:%d%511s", address, &port, path) < 2) {
        return err_set(err, ERR_INPUT, "a check needs a URL such as http://10.1.0.11:8080/healthz, found '%s'", url);
    }
    probe->is_http = true;
    buf_printf(&probe->out, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: drill-check\r\nConnection: close\r\n\r\n", path,
               address, port);
    return start_tcp(probe, address, port, err);
}

static int by_address(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(uint32_t)); /* network order: as the digits are read */
}

/* Sorted, since servers rotate their answers and a rotation is no other answer. */
static void on_dns(void *context, const struct resolver_answer *found)
{
    struct probe *probe = context;
    uint32_t sorted[RESOLVER_ADDRESSES_MAX];
    memcpy(sorted, found->addresses, found->count * sizeof(sorted[0]));
    qsort(sorted, found->count, sizeof(sorted[0]), by_address);
    for (size_t i = 0; i < found->count; i++) {
        char text[16];
        buf_printf(&probe->in, "%s%s", i ? "," : "", resolver_format(sorted[i], text));
    }
    if (found->failed) {
        buf_puts(&probe->out, found->reason);
    }
}

/* The answer is given here and not in on_dns: it frees the resolver, which must not happen while the resolver calls. */
static void on_resolver(void *context, uint32_t events)
{
    struct probe *probe = context;
    (void)events;
    resolver_process(probe->resolver);
    if (probe->in.size > 0) {
        succeed(probe, 0, buf_str(&probe->in));
    } else if (probe->out.size > 0) {
        fail(probe, buf_str(&probe->out));
    }
}

static int start_dns(struct probe *probe, const json_t *what, int64_t timeout_ns, struct err *err)
{
    char server[80];
    (void)str_copy(server, sizeof(server), json_str(what, "server", json_str(what, "address", "")));
    if (!strchr(server, ':')) {
        (void)str_copy(server + strlen(server), sizeof(server) - strlen(server), ":53");
    }
    int status = resolver_new(server, (int)(timeout_ns / NS_PER_MS), &probe->resolver, err);
    if (status < 0) {
        return status;
    }
    probe->watch = loop_watch(probe->loop, resolver_fd(probe->resolver), EPOLLIN, on_resolver, probe);
    resolver_query(probe->resolver, json_str(what, "query", json_str(what, "name", "")), on_dns, probe);
    return 0;
}

static void finish_exec(struct probe *probe)
{
    int status = 0;
    (void)waitpid(probe->pid, &status, 0); /* it has ended: its pidfd says so */
    probe->pid = 0;
    char *end = probe->in.data ? strchr(probe->in.data, '\n') : NULL;
    if (end) {
        *end = '\0';
    }
    succeed(probe, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), buf_str(&probe->in));
}

static void on_exit_of(void *context, uint32_t events)
{
    (void)events;
    finish_exec(context);
}

/* The output is closed; whoever closes it and goes on is waited for here, and not in waitpid, which would hold the loop up. */
static void await_exit(struct probe *probe)
{
    loop_unwatch(probe->loop, TAKE(probe->watch));
    fd_close(probe->fd);
    probe->fd = (int)syscall(SYS_pidfd_open, probe->pid, 0);
    probe->watch = probe->fd < 0 ? NULL : loop_watch(probe->loop, probe->fd, EPOLLIN, on_exit_of, probe);
    if (!probe->watch) {
        fail(probe, "cannot wait for the program's end");
    }
}

static void on_output(void *context, uint32_t events)
{
    struct probe *probe = context;
    char part[4096];
    (void)events;
    for (;;) {
        ssize_t got = read(probe->fd, part, sizeof(part));
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            await_exit(probe);
            return;
        }
        if (probe->in.size < BODY_MAX_BYTES) {
            buf_add(&probe->in, part, (size_t)got);
        }
    }
}

static int spawn(struct probe *probe, char *const *argv, int output, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int status = posix_spawnp(&probe->pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0) {
        probe->pid = 0;
        return err_errno(err, status, "cannot run '%s'", argv[0]);
    }
    return 0;
}

static int start_exec(struct probe *probe, const json_t *what, struct err *err)
{
    const json_t *list = json_object_get(what, "argv");
    size_t count = json_array_size(list);
    AUTO_FREE char **argv = xcalloc(count + 1, sizeof(char *));
    int ends[2];
    for (size_t i = 0; i < count; i++) {
        argv[i] = (char *)json_string_value(json_array_get(list, i));
    }
    if (count == 0 || pipe2(ends, O_CLOEXEC) < 0) {
        return err_set(err, ERR_INPUT, "a check by program needs its argv");
    }
    int status = spawn(probe, argv, ends[1], err);
    fd_close(ends[1]);
    probe->fd = ends[0];
    (void)fcntl(probe->fd, F_SETFL, O_NONBLOCK);
    probe->watch = loop_watch(probe->loop, probe->fd, EPOLLIN, on_output, probe);
    return status;
}

static void on_file(void *context)
{
    struct probe *probe = context;
    probe->timer = NULL;
    bool there = access(buf_str(&probe->out), F_OK) == 0;
    answer(probe, there, 0, there ? "there" : "missing");
}

static int start(struct probe *probe, const json_t *what, int64_t timeout_ns, struct err *err)
{
    const char *type = json_str(what, "type", "");
    if (str_eq(type, "http")) {
        return start_http(probe, what, err);
    }
    if (str_eq(type, "tcp")) {
        return start_tcp(probe, json_str(what, "address", ""), (int)json_int(what, "port", 0), err);
    }
    if (str_eq(type, "dns")) {
        return start_dns(probe, what, timeout_ns, err);
    }
    if (str_eq(type, "exec")) {
        return start_exec(probe, what, err);
    }
    if (str_eq(type, "file")) {
        buf_puts(&probe->out, json_string_value(json_array_get(json_object_get(what, "argv"), 0)) ?: "");
        loop_cancel(probe->loop, probe->timer);
        probe->timer = loop_timer(probe->loop, 0, on_file, probe); /* one timer, so that a cancelled probe is not called */
        return 0;
    }
    return err_set(err, ERR_INPUT, "there is no check of type '%s': http, tcp, dns, exec, file", type);
}

int probe_start(struct loop *loop, const json_t *what, int64_t timeout_ns, probe_f *f, void *context, struct probe **ret_probe,
                struct err *err)
{
    struct probe *probe = xcalloc(1, sizeof(*probe));
    *probe = (struct probe){.loop = loop, .f = f, .context = context, .fd = -1};
    probe->timer = loop_timer(loop, clock_now_ns() + timeout_ns, on_timeout, probe);
    int status = start(probe, what, timeout_ns, err);
    if (status < 0) {
        probe_cancel(probe);
        return status;
    }
    *ret_probe = probe;
    return 0;
}
