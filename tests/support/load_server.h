/* A small HTTP server and a small DNS server in threads of the test, whose behaviour is switched while they run. */
#ifndef DRILL_TESTS_LOAD_SERVER_H
#define DRILL_TESTS_LOAD_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

enum server_mode {
    SERVER_OK = 0,
    SERVER_HANG, /* reads requests, answers nothing */
    SERVER_503,
    SERVER_WRONG_BODY,
    SERVER_CLOSE,       /* closes when a request has come, without an answer */
    SERVER_RESET,       /* the same with RST */
    SERVER_HALF,        /* header and half of the body, then nothing */
    SERVER_KILL_REUSED, /* answers the first request of a connection, closes unanswered at its second */
    SERVER_TEXT,        /* answers with `text` as it is */
    SERVER_ECHO,        /* answers with the request as it came, and a cookie */
};

enum { SERVER_CONNECTIONS = 3000, SERVER_IDS = 100000, SERVER_REQUEST_BYTES = 2048 };

struct server_connection {
    int requests;
    size_t size;
    char data[SERVER_REQUEST_BYTES];
};

struct http_server {
    int listen_fd, stop_fd;
    int port;
    pthread_t thread;
    atomic_int mode;
    atomic_int requests, accepted;
    atomic_int open; /* connections that stand now */
    _Atomic(const char *) text;
    atomic_uchar *ids; /* how often the write with this number came */
    struct pollfd *fds;
    struct server_connection *connections;
    int count;
};

static inline int server_listen(const char *address, int type, int *port)
{
    int on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t size = sizeof(at);
    inet_pton(AF_INET, address, &at.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || (type == SOCK_STREAM && listen(fd, 1024) < 0)) {
        perror("test server");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&at, &size);
    *port = ntohs(at.sin_port);
    return fd;
}

static inline void http_server_drop(struct http_server *server, int i)
{
    close(server->fds[i].fd);
    server->count--;
    server->fds[i] = server->fds[server->count];
    server->connections[i] = server->connections[server->count];
    atomic_fetch_sub(&server->open, 1);
}

static inline void http_server_say(int fd, const char *status, const char *body, size_t send_body)
{
    char answer[512];
    int size = snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Length: %zu\r\nX-One: 1\r\n\r\n", status, strlen(body));
    (void)!send(fd, answer, (size_t)size, MSG_NOSIGNAL | MSG_MORE);
    (void)!send(fd, body, send_body, MSG_NOSIGNAL);
}

static inline void http_server_echo(int fd, const char *request)
{
    char answer[SERVER_REQUEST_BYTES + 128];
    int size =
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nSet-Cookie: seen=yes; path=/\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(request), request);
    (void)!send(fd, answer, (size_t)size, MSG_NOSIGNAL);
}

/* The id of a write is where "id-" begins in its URL or body. */
static inline void http_server_count_id(struct http_server *server, const char *request)
{
    const char *id = strstr(request, "id-");
    unsigned long number = id ? strtoul(id + 3, NULL, 10) : 0;
    if (number > 0 && number < SERVER_IDS) {
        atomic_fetch_add(&server->ids[number], 1);
    }
}

/* False: the connection is to be dropped. */
static inline int http_server_answer(struct http_server *server, int i)
{
    struct linger at_once = {.l_onoff = 1};
    int fd = server->fds[i].fd, reused = server->connections[i].requests++ > 0;
    int mode = atomic_load(&server->mode);
    const char *text = atomic_load(&server->text);
    atomic_fetch_add(&server->requests, 1);
    switch (mode) {
    case SERVER_HANG:
        return 1;
    case SERVER_503:
        http_server_say(fd, "503 Service Unavailable", "no", 2);
        return 1;
    case SERVER_WRONG_BODY:
        http_server_say(fd, "200 OK", "something else", 14);
        return 1;
    case SERVER_HALF:
        http_server_say(fd, "200 OK", "fine fine fine", 4);
        return 1;
    case SERVER_RESET:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        return 0;
    case SERVER_CLOSE:
        return 0;
    case SERVER_KILL_REUSED:
        if (reused) {
            return 0;
        }
        http_server_say(fd, "200 OK", "fine", 4);
        return 1;
    case SERVER_ECHO:
        http_server_echo(fd, server->connections[i].data);
        return 1;
    case SERVER_TEXT:
        (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
        return 0;
    default:
        http_server_say(fd, "200 OK", "fine", 4);
        return 1;
    }
}

static inline int http_server_read(struct http_server *server, int i)
{
    struct server_connection *connection = &server->connections[i];
    ssize_t got =
        recv(server->fds[i].fd, connection->data + connection->size, sizeof(connection->data) - 1 - connection->size, 0);
    if (got <= 0) {
        return 0;
    }
    connection->size += (size_t)got;
    connection->data[connection->size] = '\0';
    char *end = strstr(connection->data, "\r\n\r\n");
    const char *length = strstr(connection->data, "Content-Length: ");
    size_t body = length ? strtoul(length + 16, NULL, 10) : 0;
    if (!end || (size_t)(end + 4 - connection->data) + body > connection->size) {
        return 1;
    }
    http_server_count_id(server, connection->data);
    connection->size = 0;
    return http_server_answer(server, i);
}

static inline void http_server_accept(struct http_server *server)
{
    for (int fd; server->count < SERVER_CONNECTIONS &&
                 (fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
        server->fds[server->count] = (struct pollfd){.fd = fd, .events = POLLIN};
        server->connections[server->count].requests = 0;
        server->connections[server->count].size = 0;
        server->count++;
        atomic_fetch_add(&server->accepted, 1);
        atomic_fetch_add(&server->open, 1);
    }
}

static inline void *http_server_run(void *context)
{
    struct http_server *server = context;
    while (poll(server->fds, (nfds_t)server->count, -1) >= 0 && !server->fds[1].revents) {
        for (int i = server->count - 1; i >= 2; i--) {
            if (server->fds[i].revents && !http_server_read(server, i)) {
                http_server_drop(server, i);
            }
        }
        if (server->fds[0].revents) {
            http_server_accept(server);
        }
    }
    return NULL;
}

static inline void http_server_start(struct http_server *server, const char *address, int port)
{
    memset(server, 0, sizeof(*server));
    server->port = port;
    server->listen_fd = server_listen(address, SOCK_STREAM, &server->port);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    server->ids = calloc(SERVER_IDS, sizeof(*server->ids));
    server->fds = calloc(SERVER_CONNECTIONS, sizeof(*server->fds));
    server->connections = calloc(SERVER_CONNECTIONS, sizeof(*server->connections));
    server->fds[0] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
    server->fds[1] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
    server->count = 2;
    pthread_create(&server->thread, NULL, http_server_run, server);
}

static inline void http_server_stop(struct http_server *server)
{
    (void)!write(server->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_join(server->thread, NULL);
    while (server->count > 2) {
        http_server_drop(server, server->count - 1);
    }
    close(server->listen_fd);
    close(server->stop_fd);
    free(server->ids);
    free(server->fds);
    free(server->connections);
}

enum dns_mode { DNS_OK = 0, DNS_HANG, DNS_NXDOMAIN, DNS_SERVFAIL };

struct dns_server {
    int fd, stop_fd, port;
    char text[32]; /* "127.0.0.1:PORT" */
    pthread_t thread;
    atomic_int mode, ttl_s, queries;
    atomic_uint addresses[2]; /* network order; the second 0 when there is one only */
};

static inline size_t dns_server_record(unsigned char *out, uint32_t address, uint32_t ttl_s)
{
    uint32_t ttl = htonl(ttl_s);
    const unsigned char head[] = {0xc0, 12, 0, 1, 0, 1};
    const unsigned char length[] = {0, 4};
    memcpy(out, head, 6);
    memcpy(out + 6, &ttl, 4);
    memcpy(out + 10, length, 2);
    memcpy(out + 12, &address, 4);
    return 16;
}

/* Header and question of the query are kept, answers are put behind them. */
static inline size_t dns_server_answer(struct dns_server *server, unsigned char *packet)
{
    int mode = atomic_load(&server->mode);
    size_t size = 12;
    while (packet[size]) {
        size += packet[size] + 1u;
    }
    size += 5;
    packet[2] = 0x84;
    packet[3] = mode == DNS_NXDOMAIN ? 3 : mode == DNS_SERVFAIL ? 2 : 0;
    memset(packet + 6, 0, 6);
    for (size_t i = 0; i < 2 && mode == DNS_OK; i++) {
        uint32_t address = atomic_load(&server->addresses[i]);
        if (address) {
            size += dns_server_record(packet + size, address, (uint32_t)atomic_load(&server->ttl_s));
            packet[7]++;
        }
    }
    return size;
}

static inline void *dns_server_run(void *context)
{
    struct dns_server *server = context;
    struct pollfd fds[2] = {{.fd = server->fd, .events = POLLIN}, {.fd = server->stop_fd, .events = POLLIN}};
    while (poll(fds, 2, -1) >= 0 && !fds[1].revents) {
        unsigned char packet[1024] = {0};
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t got = recvfrom(server->fd, packet, 512, 0, (struct sockaddr *)&from, &size);
        if (got < 17) {
            continue;
        }
        atomic_fetch_add(&server->queries, 1);
        if (atomic_load(&server->mode) != DNS_HANG) {
            (void)!sendto(server->fd, packet, dns_server_answer(server, packet), 0, (struct sockaddr *)&from, size);
        }
    }
    return NULL;
}

static inline void dns_server_start(struct dns_server *server, const char *address, int ttl_s)
{
    memset(server, 0, sizeof(*server));
    server->fd = server_listen("127.0.0.1", SOCK_DGRAM, &server->port);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    snprintf(server->text, sizeof(server->text), "127.0.0.1:%d", server->port);
    atomic_store(&server->ttl_s, ttl_s);
    atomic_store(&server->addresses[0], inet_addr(address));
    pthread_create(&server->thread, NULL, dns_server_run, server);
}

static inline void dns_server_stop(struct dns_server *server)
{
    (void)!write(server->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_join(server->thread, NULL);
    close(server->fd);
    close(server->stop_fd);
}

#endif
