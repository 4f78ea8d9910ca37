/* The only file that knows c-ares. Its sockets and one timer sit in an epoll of our own, so that a foreign loop holds one descriptor. */
#include "harness/load/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { EVENTS_MAX = 16 };

struct query {
    struct query *next;
    struct resolver *resolver;
    resolver_done done;
    void *context;
    struct resolver_answer answer;
};

struct resolver {
    ares_channel channel;
    int epoll_fd, timer_fd;
    bool closing;                   /* answers that c-ares gives while it is taken down go nowhere */
    struct query *finished, **last; /* answered, not delivered */
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_status;

/* c-ares counts its initialisations without a lock; it is never taken down, it holds nothing. */
static void start_library(void)
{
    library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

/* Lazy would be wrong here: c-ares closes and opens sockets all the time, a closed one leaves the epoll by itself. */
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
    const struct resolver *resolver = context;
    struct epoll_event event = {.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u), .data.fd = fd};
    if (event.events == 0) {
        epoll_ctl(resolver->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    } else if (epoll_ctl(resolver->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0) {
        epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int on_socket_made(ares_socket_t fd, int type, void *context)
{
    (void)type;
    (void)context;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
}

static int open_channel(struct resolver *resolver, const char *server, int timeout_ms, struct err *err)
{
    char lookups_dns[] = "b", lookups_all[] = "fb", nowhere[] = "/dev/null";
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = timeout_ms,
        .tries = 1,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = resolver,
        .lookups = server ? lookups_dns : lookups_all,
        .resolvconf_path = nowhere,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
    int status = ares_init_options(&resolver->channel, &options, server ? mask | ARES_OPT_RESOLVCONF : mask);
    if (status != ARES_SUCCESS) {
        resolver->channel = NULL;
        return err_set(err, ERR_SYSTEM, "cannot start the DNS library: %s", ares_strerror(status));
    }
    ares_set_socket_configure_callback(resolver->channel, on_socket_made, NULL);
    if (server && ares_set_servers_ports_csv(resolver->channel, server) != ARES_SUCCESS) {
        return err_set(err, ERR_INPUT, "DNS server '%s': expected an address or address:port, as '10.9.0.53:53'", server);
    }
    return 0;
}

static int open_loop(struct resolver *resolver, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    resolver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    resolver->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    event.data.fd = resolver->timer_fd;
    if (resolver->epoll_fd < 0 || resolver->timer_fd < 0 ||
        epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, resolver->timer_fd, &event) < 0) {
        return err_errno(err, errno, "cannot make the event loop of a DNS client");
    }
    return 0;
}

int resolver_new(const char *server, int timeout_ms, struct resolver **ret_resolver, struct err *err)
{
    pthread_once(&library_once, start_library);
    if (library_status != ARES_SUCCESS) {
        return err_set(err, ERR_SYSTEM, "cannot start the DNS library: %s", ares_strerror(library_status));
    }
    AUTO_RESOLVER struct resolver *resolver = xcalloc(1, sizeof(*resolver));
    resolver->epoll_fd = resolver->timer_fd = -1;
    resolver->last = &resolver->finished;
    int status = open_loop(resolver, err);
    if (status == 0) {
        status = open_channel(resolver, server, timeout_ms, err);
    }
    if (status < 0) {
        return status;
    }
    *ret_resolver = TAKE(resolver);
    return 0;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver) {
        return;
    }
    resolver->closing = true;
    if (resolver->channel) {
        ares_destroy(resolver->channel);
    }
    while (resolver->finished) {
        struct query *query = resolver->finished;
        resolver->finished = query->next;
        free(query);
    }
    fd_close(resolver->timer_fd);
    fd_close(resolver->epoll_fd);
    free(resolver);
}

static void arm(struct resolver *resolver)
{
    struct timeval limit, *next = ares_timeout(resolver->channel, NULL, &limit);
    struct itimerspec when = {0};
    if (resolver->finished) {
        when.it_value.tv_nsec = 1;
    } else if (next) {
        when.it_value.tv_sec = next->tv_sec;
        when.it_value.tv_nsec =
            next->tv_usec * NS_PER_US + NS_PER_MS; /* c-ares compares with a clock of its own: a little later */
        when.it_value.tv_sec += when.it_value.tv_nsec / NS_PER_S;
        when.it_value.tv_nsec %= NS_PER_S;
    }
    timerfd_settime(resolver->timer_fd, 0, &when, NULL);
}

static void take_addresses(struct resolver_answer *answer, const struct ares_addrinfo *info)
{
    int ttl_s = INT32_MAX;
    for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
        if (node->ai_family == AF_INET && answer->count < RESOLVER_ADDRESSES_MAX) {
            struct sockaddr_in address;
            memcpy(&address, node->ai_addr, sizeof(address));
            answer->addresses[answer->count++] = address.sin_addr.s_addr;
            ttl_s = node->ai_ttl < ttl_s ? node->ai_ttl : ttl_s;
        }
    }
    answer->ttl_ns = answer->count && ttl_s > 0 ? ttl_s * NS_PER_S : 0;
}

static void on_answer(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
    struct query *query = context;
    struct resolver *resolver = query->resolver;
    struct resolver_answer *answer = &query->answer;
    (void)timeouts;
    answer->answered_ns = clock_now_ns();
    if (status == ARES_SUCCESS && info) {
        take_addresses(answer, info);
        status = answer->count ? ARES_SUCCESS : ARES_ENODATA;
    }
    ares_freeaddrinfo(info);
    if (resolver->closing) {
        free(query);
        return;
    }
    answer->failed = -status;
    answer->timed_out = status == ARES_ETIMEOUT;
    answer->no_address = status == ARES_ENOTFOUND || status == ARES_ENODATA;
    answer->reason = status ? ares_strerror(status) : NULL;
    *resolver->last = query;
    resolver->last = &query->next;
}

void resolver_query(struct resolver *resolver, const char *name, resolver_done done, void *context)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    struct query *query = xcalloc(1, sizeof(*query));
    *query = (struct query){.resolver = resolver, .done = done, .context = context, .answer.asked_ns = clock_now_ns()};
    ares_getaddrinfo(resolver->channel, name, NULL, &hints, on_answer, query);
    arm(resolver);
}

int resolver_fd(const struct resolver *resolver)
{
    return resolver->epoll_fd;
}

static void deliver(struct resolver *resolver)
{
    struct query *query = resolver->finished;
    resolver->finished = NULL;
    resolver->last = &resolver->finished;
    while (query) {
        struct query *next = query->next;
        query->done(query->context, &query->answer);
        free(query);
        query = next;
    }
}

void resolver_process(struct resolver *resolver)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t expirations;
    int count = epoll_wait(resolver->epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        if (fd == resolver->timer_fd) {
            (void)!read(fd, &expirations, sizeof(expirations));
        } else {
            bool readable = events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP);
            ares_process_fd(resolver->channel, readable ? fd : ARES_SOCKET_BAD,
                            events[i].events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
        }
    }
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its timeouts */
    deliver(resolver);
    arm(resolver);
}

const char *resolver_format(uint32_t address, char out[static 16])
{
    out[0] = '\0';
    if (address) {
        inet_ntop(AF_INET, &address, out, 16);
    }
    return out;
}
