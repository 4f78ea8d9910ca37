/* One thread, one poll, a fixed number of connections. */
#include "faults/gateway/standin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter_ipv4.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/thread.h"

enum { CONNECTIONS_MAX = 512, BUFFER_SIZE = 16384, BACKLOG = 512, PATH_SIZE = 512 };
enum { LOOK_MS = 20, QUIET_MS = 300, DRAIN_MS = 1000 }; /* when it ends */

struct side {
    int fd;
    bool ended;             /* nothing more comes from it */
    bool told;              /* and the other side knows */
    char data[BUFFER_SIZE]; /* from it, for the other side */
    size_t from, to;
};

enum stage { STAGE_FREE = 0, STAGE_READING, STAGE_CARRYING, STAGE_IGNORING, STAGE_ANSWERED };

struct connection {
    enum stage stage;
    struct side user, gateway;
    bool asked; /* the last bytes that moved came from the user */
    int64_t moved_ns;
};

struct standin {
    struct standin_request request;
    char path[PATH_SIZE], id[32];
    int listener, wake_fd;
    uint16_t port;
    bool running;
    atomic_bool stopping; /* written before wake_fd is */
    int64_t stopping_ns;  /* when the thread saw that */
    bool carried;         /* a connection was */
    pthread_t thread;
    struct connection connections[CONNECTIONS_MAX];
    struct pollfd fds[2 + 2 * CONNECTIONS_MAX];
};

static bool is_method(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* A method, a blank, and what is asked for up to a blank or a query. */
enum standin_kind standin_classify(const char *data, size_t size, const char *path)
{
    size_t at = 0, length = strlen(path);
    while (at < size && is_method(data[at])) {
        at++;
    }
    if (at == size) {
        return size < 16 ? STANDIN_UNDECIDED : STANDIN_OTHER;
    }
    if (at == 0 || data[at] != ' ') {
        return STANDIN_OTHER;
    }
    size_t left = size - at - 1;
    const char *asked = data + at + 1;
    if (strncmp(asked, path, left < length ? left : length) != 0) {
        return STANDIN_OTHER;
    }
    if (left <= length) {
        return STANDIN_UNDECIDED;
    }
    return asked[length] == ' ' || asked[length] == '?' ? STANDIN_CHECK : STANDIN_OTHER;
}

/* ---- one connection ---- */

static void end_connection(struct connection *connection)
{
    fd_close(connection->user.fd);
    fd_close(connection->gateway.fd);
    connection->user.fd = connection->gateway.fd = -1;
    connection->stage = STAGE_FREE;
}

static void break_off(struct connection *connection)
{
    struct linger now = {.l_onoff = 1};
    (void)setsockopt(connection->user.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    end_connection(connection);
}

/* Returns false when the connection is gone. */
static bool take_in(struct side *side)
{
    ssize_t size = recv(side->fd, side->data + side->to, BUFFER_SIZE - side->to, MSG_DONTWAIT);
    side->to += size > 0 ? (size_t)size : 0;
    side->ended = side->ended || size == 0;
    return size >= 0 || errno == EAGAIN || errno == EINTR;
}

static bool pass_on(struct side *side, struct side *other)
{
    ssize_t size =
        side->to > side->from ? send(other->fd, side->data + side->from, side->to - side->from, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    side->from += size > 0 ? (size_t)size : 0;
    if (side->from == side->to) {
        side->from = side->to = 0;
        if (side->ended && !side->told) {
            side->told = true;
            (void)shutdown(other->fd, SHUT_WR);
        }
    }
    return size >= 0 || errno == EAGAIN || errno == EINTR;
}

/* What is still to come is read and forgotten: closing over unread bytes would be a reset, which can overtake the answer. */
static void answer(const struct standin *standin, struct connection *connection, int status)
{
    char text[512], body[64];
    (void)str_format(body, sizeof(body), "drill fault %s says %d\n", standin->id, status);
    (void)str_format(text, sizeof(text),
                     "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
                     status < 400 ? "OK" : "Unavailable", strlen(body), body);
    (void)!send(connection->user.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(connection->user.fd, SHUT_WR);
    connection->stage = STAGE_ANSWERED;
}

/* To where the connection was meant to go before it was redirected. */
static void carry_on(struct standin *standin, struct connection *connection)
{
    struct sockaddr_in meant;
    socklen_t size = sizeof(meant);
    uint32_t mark = standin->request.mark;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connection->gateway.fd = fd;
    connection->stage = STAGE_CARRYING;
    standin->carried = true;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
        getsockopt(connection->user.fd, SOL_IP, SO_ORIGINAL_DST, &meant, &size) < 0 ||
        (connect(fd, (struct sockaddr *)&meant, sizeof(meant)) < 0 && errno != EINPROGRESS)) {
        break_off(connection);
    }
}

static bool head_is_whole(const struct side *side)
{
    return side->ended || side->to == BUFFER_SIZE || memmem(side->data, side->to, "\r\n\r\n", 4);
}

static void decide(struct standin *standin, struct connection *connection)
{
    struct side *user = &connection->user;
    enum standin_kind kind = standin_classify(user->data, user->to, standin->path);
    enum standin_rest rest = standin->request.rest;
    if (user->ended && kind == STANDIN_UNDECIDED) {
        end_connection(connection);
    } else if (kind == STANDIN_CHECK && head_is_whole(user)) {
        answer(standin, connection, standin->request.check_status);
    } else if (kind == STANDIN_OTHER && rest == STANDIN_CARRY) {
        carry_on(standin, connection);
    } else if (kind == STANDIN_OTHER && rest == STANDIN_BREAK) {
        break_off(connection);
    } else if (kind == STANDIN_OTHER && rest == STANDIN_SILENCE) {
        connection->stage = STAGE_IGNORING;
    } else if (kind == STANDIN_OTHER && rest == STANDIN_ANSWER && head_is_whole(user)) {
        answer(standin, connection, standin->request.rest_status);
    }
}

/* Into the first bytes of an answer, so that its user opens another connection for the next request: that one reaches the gateway. */
static void say_goodbye(struct side *gateway)
{
    static const char header[] = "\r\nConnection: close";
    size_t length = sizeof(header) - 1;
    char *at = memmem(gateway->data, gateway->to, "\r\n", 2);
    if (at && memmem(gateway->data, gateway->to, "HTTP/1.", 7) == gateway->data && gateway->to + length <= BUFFER_SIZE) {
        memmove(at + length, at, gateway->to - (size_t)(at - gateway->data));
        memcpy(at, header, length);
        gateway->to += length;
    }
}

/* Returns false when one of the two connections is broken. */
static bool carry(struct connection *connection, short user_events, short gateway_events, bool last)
{
    struct side *user = &connection->user, *gateway = &connection->gateway;
    bool sound = true;
    if (user_events & (POLLIN | POLLHUP | POLLERR) && !user->ended && user->to < BUFFER_SIZE) {
        sound = take_in(user);
        connection->asked = true;
    }
    if (sound && gateway_events & (POLLIN | POLLHUP | POLLERR) && !gateway->ended && gateway->to < BUFFER_SIZE) {
        bool first = connection->asked && gateway->to == 0;
        sound = take_in(gateway);
        connection->asked = false;
        if (first && last) {
            say_goodbye(gateway);
        }
    }
    connection->moved_ns = clock_now_ns();
    sound = sound && pass_on(gateway, user);
    if (sound && (gateway_events & POLLOUT || user->to > user->from || user->ended)) {
        sound = pass_on(user, gateway) || errno == ENOTCONN; /* not connected yet: later */
    }
    return sound;
}

static void turn(struct standin *standin, struct connection *connection, short user_events, short gateway_events)
{
    struct side *user = &connection->user;
    if (connection->stage == STAGE_CARRYING) {
        if (!carry(connection, user_events, gateway_events, standin->stopping)) {
            break_off(connection);
        } else if (user->told && connection->gateway.told) {
            end_connection(connection);
        }
        return;
    }
    if (connection->stage != STAGE_READING) {
        user->to = 0; /* read and forgotten */
    }
    if (!take_in(user) || (user->ended && connection->stage != STAGE_READING)) {
        end_connection(connection);
    } else if (connection->stage == STAGE_READING) {
        decide(standin, connection);
    }
}

/* ---- the thread ---- */

static void take_connection(struct standin *standin)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &standin->connections[i];
        if (connection->stage == STAGE_FREE) {
            int fd = accept4(standin->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            connection->stage = fd < 0 ? STAGE_FREE : STAGE_READING;
            connection->user.fd = fd;
            connection->gateway.fd = -1;
            connection->user.from = connection->user.to = connection->gateway.from = connection->gateway.to = 0;
            connection->user.ended = connection->user.told = connection->gateway.ended = connection->gateway.told = false;
            connection->asked = true;
            connection->moved_ns = clock_now_ns();
            return;
        }
    }
}

static struct pollfd interest(const struct side *side, const struct side *other, bool carrying)
{
    bool in = !carrying || (!side->ended && side->to < BUFFER_SIZE);
    bool out = carrying && (other->to > other->from);
    return (struct pollfd){.fd = in || out ? side->fd : -1, .events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0))};
}

static size_t count_free(const struct standin *standin)
{
    size_t count = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        count += standin->connections[i].stage == STAGE_FREE;
    }
    return count;
}

static void gather(struct standin *standin)
{
    bool room = count_free(standin) > 0;
    standin->fds[0] = (struct pollfd){.fd = standin->wake_fd, .events = POLLIN};
    standin->fds[1] = (struct pollfd){.fd = room ? standin->listener : -1, .events = POLLIN};
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct connection *connection = &standin->connections[i];
        struct pollfd *fds = &standin->fds[2 + 2 * i];
        fds[0].fd = fds[1].fd = -1;
        if (connection->stage != STAGE_FREE) {
            fds[0] = interest(&connection->user, &connection->gateway, connection->stage == STAGE_CARRYING);
        }
        if (connection->stage == STAGE_CARRYING) {
            fds[1] = interest(&connection->gateway, &connection->user, true);
        }
    }
}

/* Whoever waits for an answer that is on its way gets it, and a kept connection has some time left to hear that it is the last one. */
static bool is_over(const struct standin *standin, const struct connection *connection)
{
    bool waits = connection->stage == STAGE_CARRYING && connection->asked;
    int64_t since_ns = connection->moved_ns > standin->stopping_ns ? connection->moved_ns : standin->stopping_ns;
    int64_t quiet_ms = connection->stage == STAGE_ANSWERED ? LOOK_MS : QUIET_MS;
    return connection->stage == STAGE_IGNORING || (!waits && clock_now_ns() - since_ns > quiet_ms * NS_PER_MS);
}

static void drain(struct standin *standin)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (standin->connections[i].stage != STAGE_FREE && is_over(standin, &standin->connections[i])) {
            end_connection(&standin->connections[i]);
        }
    }
}

static void serve(struct standin *standin)
{
    if (poll(standin->fds, ARRAY_LEN(standin->fds), standin->stopping ? LOOK_MS : -1) <= 0) {
        return;
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct pollfd *fds = &standin->fds[2 + 2 * i];
        short user = fds[0].fd < 0 ? 0 : fds[0].revents, gateway = fds[1].fd < 0 ? 0 : fds[1].revents;
        if (user || gateway) {
            turn(standin, &standin->connections[i], user, gateway);
        }
    }
    if (standin->fds[1].fd >= 0 && standin->fds[1].revents) {
        take_connection(standin);
    }
}

/* Where connections were carried on, more that were redirected before the end may still be on their way here. */
static bool is_drained(const struct standin *standin)
{
    int64_t after_ns = clock_now_ns() - standin->stopping_ns;
    int64_t least_ms = standin->carried ? QUIET_MS : 0;
    return after_ns > DRAIN_MS * NS_PER_MS || (count_free(standin) == CONNECTIONS_MAX && after_ns >= least_ms * NS_PER_MS);
}

static void *standin_main(void *argument)
{
    struct standin *standin = argument;
    uint64_t woken;
    while (!standin->stopping) {
        gather(standin);
        serve(standin);
    }
    (void)!read(standin->wake_fd, &woken, sizeof(woken));
    standin->stopping_ns = clock_now_ns();
    while (!is_drained(standin)) {
        gather(standin);
        serve(standin);
        drain(standin);
    }
    return NULL;
}

/* ---- the owner's side ---- */

static int open_listener(struct standin *standin, struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    standin->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (standin->listener < 0 || bind(standin->listener, (struct sockaddr *)&address, size) < 0 ||
        listen(standin->listener, BACKLOG) < 0 || getsockname(standin->listener, (struct sockaddr *)&address, &size) < 0) {
        return err_errno(err, errno, "cannot listen in place of the gateway");
    }
    standin->port = ntohs(address.sin_port);
    standin->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return standin->wake_fd < 0 ? err_errno(err, errno, "cannot make an eventfd") : 0;
}

static int start_thread(struct standin *standin, struct err *err)
{
    int failed = thread_start(&standin->thread, standin_main, standin);
    standin->running = failed == 0;
    return failed ? err_errno(err, failed, "cannot start the thread that stands in for the gateway") : 0;
}

int standin_start(const struct standin_request *request, struct standin **ret_standin, struct err *err)
{
    struct standin *standin = xcalloc(1, sizeof(*standin));
    standin->request = *request;
    standin->listener = standin->wake_fd = -1;
    (void)str_copy(standin->path, sizeof(standin->path), request->path);
    (void)str_copy(standin->id, sizeof(standin->id), request->id);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        standin->connections[i].user.fd = standin->connections[i].gateway.fd = -1;
    }
    int status = open_listener(standin, err);
    if (status == 0) {
        status = start_thread(standin, err);
    }
    if (status < 0) {
        standin_stop(standin);
        return status;
    }
    *ret_standin = standin;
    return 0;
}

uint16_t standin_port(const struct standin *standin)
{
    return standin->port;
}

void standin_stop(struct standin *standin)
{
    if (!standin) {
        return;
    }
    if (standin->running) {
        standin->stopping = true;
        fd_wake(standin->wake_fd);
        (void)pthread_join(standin->thread, NULL);
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        end_connection(&standin->connections[i]);
    }
    fd_close(standin->listener);
    fd_close(standin->wake_fd);
    free(standin);
}
