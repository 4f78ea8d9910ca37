/* The server's loop: answer what is there, then do what is due. */
#include "tests/truth/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/vec.h"

enum { CONNECTIONS_MAX = 60000, REQUEST_BYTES = 1024, EVENTS_MAX = 256, LATE_MS = 50 };

struct connection {
    bool open, watched;
    uint32_t serial; /* a descriptor's number comes back */
    uint32_t size;
    char data[REQUEST_BYTES];
};

struct answer { /* that is due later */
    int64_t at_ns;
    int fd;
    uint32_t serial;
};

struct server {
    struct fixture *fixture;
    int listen_fd, epoll_fd;
    enum fixture_mode mode;
    int64_t delay_ns;
    struct connection *connections; /* by descriptor */
    int highest;
    VEC(struct answer) answers; /* in order of their times */
    size_t next_answer;
};

const char *fixture_mode_name(enum fixture_mode mode)
{
    static const char *const names[MODE_COUNT] = {"ok", "dark", "error", "reset", "refuse", "slow", "stop"};
    return names[mode];
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int bind_to(int *port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
        die("truth fixture: bind");
    }
    getsockname(fd, (struct sockaddr *)&at, &size);
    *port = ntohs(at.sin_port);
    return fd;
}

static int listen_at(int *port)
{
    int fd = bind_to(port);
    if (listen(fd, 4096) < 0) {
        die("truth fixture: listen");
    }
    return fd;
}

static void watch(struct server *server, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        die("truth fixture: epoll_ctl");
    }
}

static void drop(struct server *server, int fd, bool reset)
{
    struct linger at_once = {.l_onoff = 1};
    if (reset) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    server->connections[fd].open = false;
    server->connections[fd].serial++;
    close(fd);
}

static void accept_all(struct server *server)
{
    for (int fd; server->listen_fd >= 0 && (fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
        if (fd >= CONNECTIONS_MAX) {
            close(fd);
            continue;
        }
        struct connection *connection = &server->connections[fd];
        connection->open = true;
        connection->size = 0;
        connection->watched = server->mode != MODE_STOP;
        server->highest = fd > server->highest ? fd : server->highest;
        if (connection->watched) {
            watch(server, fd);
        }
    }
}

static void say(struct server *server, int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    server->fixture->served++;
}

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
static const char bad[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nno\n";

static void answer(struct server *server, int fd)
{
    struct answer later = {.at_ns = clock_now_ns() + server->delay_ns, .fd = fd, .serial = server->connections[fd].serial};
    switch (server->mode) {
    case MODE_ERROR:
        say(server, fd, bad);
        break;
    case MODE_RESET:
        drop(server, fd, true);
        break;
    case MODE_SLOW:
        *VEC_ADD(&server->answers) = later;
        break;
    case MODE_DARK:
        break;
    default:
        say(server, fd, good);
    }
}

static bool is_whole(const struct connection *connection)
{
    const char *end = strstr(connection->data, "\r\n\r\n");
    const char *length = strcasestr(connection->data, "\r\nContent-Length: ");
    size_t body = length ? strtoul(length + 18, NULL, 10) : 0;
    return end && (size_t)(end + 4 - connection->data) + body <= connection->size;
}

static void read_request(struct server *server, int fd)
{
    struct connection *connection = &server->connections[fd];
    char more;
    ssize_t got = recv(fd, connection->data + connection->size, REQUEST_BYTES - 1 - connection->size, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            drop(server, fd, false);
        }
        return;
    }
    connection->size += (uint32_t)got;
    connection->data[connection->size] = '\0';
    if (!is_whole(connection)) {
        return;
    }
    connection->size = 0;
    if (recv(fd, &more, 1, MSG_PEEK) == 0) { /* it has been given up by its client */
        drop(server, fd, false);
        return;
    }
    answer(server, fd);
}

static void send_due(struct server *server)
{
    while (server->next_answer < server->answers.count && server->answers.items[server->next_answer].at_ns <= clock_now_ns()) {
        const struct answer *due = &server->answers.items[server->next_answer++];
        if (server->connections[due->fd].open && server->connections[due->fd].serial == due->serial) {
            say(server, due->fd, good);
        }
    }
    if (server->next_answer == server->answers.count) {
        server->next_answer = server->answers.count = 0;
    }
}

/* Handles what is ready; gives how much it was. */
static int serve(struct server *server, int64_t timeout_ns)
{
    struct epoll_event events[EVENTS_MAX];
    struct timespec timeout = {.tv_sec = timeout_ns / NS_PER_S, .tv_nsec = timeout_ns % NS_PER_S};
    int count = epoll_pwait2(server->epoll_fd, events, EVENTS_MAX, &timeout, NULL);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == server->listen_fd) {
            accept_all(server);
        } else if (server->connections[events[i].data.fd].open) {
            read_request(server, events[i].data.fd);
        }
    }
    send_due(server);
    return count;
}

static void leave(struct server *server)
{
    close(server->listen_fd);
    server->listen_fd = -1;
    for (int fd = 0; fd <= server->highest; fd++) {
        if (server->connections[fd].open) {
            drop(server, fd, true);
        }
    }
}

static void stop_reading(struct server *server)
{
    for (int fd = 0; fd <= server->highest; fd++) {
        if (server->connections[fd].open && server->connections[fd].watched) {
            epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
            server->connections[fd].watched = false;
        }
    }
}

static void read_again(struct server *server)
{
    accept_all(server);
    for (int fd = 0; fd <= server->highest; fd++) {
        if (server->connections[fd].open && !server->connections[fd].watched) {
            watch(server, fd);
            server->connections[fd].watched = true;
            read_request(server, fd);
        }
    }
}

static void take_up(struct server *server, const struct fixture_action *action)
{
    enum fixture_mode before = server->mode;
    server->mode = action->mode;
    server->delay_ns = action->delay_ns;
    if (server->mode == MODE_REFUSE) {
        leave(server);
    } else if (before == MODE_REFUSE) {
        server->listen_fd = listen_at(&server->fixture->port);
        watch(server, server->listen_fd);
    }
    if (server->mode == MODE_STOP) {
        stop_reading(server);
    } else if (before == MODE_STOP) {
        read_again(server);
    }
}

static void act(struct server *server)
{
    const struct fixture_action *action = &server->fixture->actions[server->fixture->done];
    struct fixture_fact *fact = &server->fixture->facts[server->fixture->done];
    while (!action->hard && serve(server, 0) > 0) {
    }
    fact->before_ns = clock_now_ns();
    if (action->stall_ns) {
        nanosleep(&(struct timespec){.tv_sec = action->stall_ns / NS_PER_S, .tv_nsec = action->stall_ns % NS_PER_S}, NULL);
    } else {
        take_up(server, action);
    }
    fact->after_ns = clock_now_ns();
    __atomic_store_n(&server->fixture->done, server->fixture->done + 1, __ATOMIC_RELEASE);
}

static int64_t next_ns(const struct server *server)
{
    const struct fixture *fixture = server->fixture;
    int count = __atomic_load_n(&fixture->count, __ATOMIC_ACQUIRE);
    int64_t at_ns = fixture->done < count ? fixture->actions[fixture->done].at_ns : clock_now_ns() + LATE_MS * NS_PER_MS;
    if (server->next_answer < server->answers.count && server->answers.items[server->next_answer].at_ns < at_ns) {
        at_ns = server->answers.items[server->next_answer].at_ns;
    }
    return at_ns;
}

static void run(struct server *server)
{
    for (;;) {
        int64_t left_ns = next_ns(server) - clock_now_ns();
        (void)serve(server, left_ns > 0 ? left_ns : 0);
        while (server->fixture->done < __atomic_load_n(&server->fixture->count, __ATOMIC_ACQUIRE) &&
               server->fixture->actions[server->fixture->done].at_ns <= clock_now_ns()) {
            act(server);
        }
    }
}

pid_t fixture_start(struct fixture *fixture)
{
    int kept_fd = bind_to(&fixture->port); /* nobody gets the port while the server is away */
    int listen_fd = listen_at(&fixture->port);
    pid_t parent = getpid(), pid = fork();
    if (pid != 0) {
        close(kept_fd);
        close(listen_fd);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        exit(1);
    }
    (void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 2}); /* where it may not it is less exact */
    struct server server = {.fixture = fixture, .listen_fd = listen_fd, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    server.connections = xcalloc(CONNECTIONS_MAX, sizeof(*server.connections));
    watch(&server, listen_fd);
    run(&server);
    exit(0);
}
