/* The other side of ci/bench load: answers "ok" to each request from one thread, and knows what came when.
 *     bench_load_server PORT [hold=N] [kill] [spin] [stamps=FILE]
 * spin: never sleeps, so that no client pays for waking it. hold: the first N requests are never answered. kill: a connection's second request is closed on unanswered. stamps: when each request was
 * read (CLOCK_MONOTONIC, 64 bits each) goes there. At SIGTERM it prints {"requests": …, "duplicates": …}: ids (nine digits behind "id-")
 * that came more than once. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { EVENTS_MAX = 64, REQUEST_BYTES = 1024, IDS_MAX = 2000000, STAMPS_MAX = 4000000, FD_MAX = 20000 };

struct connection {
    int requests;
    size_t size;
    char data[REQUEST_BYTES];
};

struct server {
    int epoll_fd, listen_fd, signal_fd;
    bool kill_reused, spin;
    long hold, requests, duplicates;
    int64_t *stamps;
    unsigned char *seen; /* by id */
    struct connection *connections[FD_MAX];
};

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nok\n";

static void note_id(struct server *server, const char *request)
{
    const char *id = strstr(request, "id-");
    unsigned long number = id ? strtoul(id + 3, NULL, 10) : 0;
    if (number > 0 && number < IDS_MAX) {
        server->duplicates += server->seen[number];
        server->seen[number] = 1;
    }
}

static void drop(struct server *server, int fd)
{
    free(server->connections[fd]);
    server->connections[fd] = NULL;
    close(fd);
}

/* False: the connection is gone. */
static bool answer_one(struct server *server, int fd, struct connection *connection)
{
    if (server->stamps && server->requests < STAMPS_MAX) {
        server->stamps[server->requests] = clock_now_ns();
    }
    server->requests++;
    note_id(server, connection->data);
    connection->requests++;
    connection->size = 0;
    if (server->kill_reused && connection->requests > 1) {
        drop(server, fd);
        return false;
    }
    if (server->requests > server->hold) {
        (void)!write(fd, answer, sizeof(answer) - 1);
    }
    return true;
}

static void read_request(struct server *server, int fd)
{
    struct connection *connection = server->connections[fd];
    ssize_t got = read(fd, connection->data + connection->size, REQUEST_BYTES - 1 - connection->size);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            drop(server, fd);
        }
        return;
    }
    connection->size += (size_t)got;
    connection->data[connection->size] = '\0';
    const char *end = strstr(connection->data, "\r\n\r\n"), *length = strstr(connection->data, "Content-Length: ");
    size_t body = length ? strtoul(length + strlen("Content-Length: "), NULL, 10) : 0;
    if (end && (size_t)(end + 4 - connection->data) + body <= connection->size) {
        (void)answer_one(server, fd, connection);
    }
}

static void accept_all(struct server *server)
{
    int on = 1;
    for (int fd; (fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= FD_MAX) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        server->connections[fd] = xcalloc(1, sizeof(struct connection));
        epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static void serve(struct server *server)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, server->spin ? 0 : -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == server->signal_fd) {
                return;
            }
            if (fd == server->listen_fd) {
                accept_all(server);
            } else if (server->connections[fd]) {
                read_request(server, fd);
            }
        }
    }
}

static int64_t *map_stamps(const char *path)
{
    FILE *file = fopen(path, "w+e");
    if (!file || ftruncate(fileno(file), (off_t)STAMPS_MAX * 8) < 0) {
        perror(path);
        exit(1);
    }
    void *map = mmap(NULL, (size_t)STAMPS_MAX * 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fileno(file), 0);
    fclose(file);
    return map;
}

static void open_all(struct server *server, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rlimit limit;
    sigset_t signals;
    int on = 1;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    server->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server->listen_fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(server->listen_fd, 4096) < 0) {
        perror("bench_load_server");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.fd = server->listen_fd};
    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listen_fd, &event);
    event.data.fd = server->signal_fd;
    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->signal_fd, &event);
}

int main(int argc, char **argv)
{
    static struct server server;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_load_server PORT [hold=N] [kill] [spin] [stamps=FILE]\n");
        return 2;
    }
    server.seen = xcalloc(IDS_MAX, 1);
    for (int i = 2; i < argc; i++) {
        server.hold = str_starts_with(argv[i], "hold=") ? strtol(argv[i] + 5, NULL, 10) : server.hold;
        server.spin |= str_eq(argv[i], "spin");
        server.kill_reused |= str_eq(argv[i], "kill");
        server.stamps = str_starts_with(argv[i], "stamps=") ? map_stamps(argv[i] + 7) : server.stamps;
    }
    open_all(&server, (int)strtol(argv[1], NULL, 10));
    puts("ready");
    fflush(stdout);
    serve(&server);
    printf("{\"requests\": %ld, \"duplicates\": %ld}\n", server.requests, server.duplicates);
    return 0;
}
