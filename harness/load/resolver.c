/* A client's DNS resolver. The only user of c-ares. */
#include "harness/load/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

struct resolver {
    ares_channel channel;
    int epoll_fd;
    int under_way;
};

struct query {
    struct resolver *resolver;
    resolver_answer_f *answer;
    void *context;
};

/* c-ares says which sockets it cares for; they go into an epoll of our own, which nests in the user's. */
static void on_socket(void *context, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = context;
    struct epoll_event event = {.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U), .data.fd = fd};
    if (!readable && !writable) {
        (void)epoll_ctl(resolver->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    } else if (epoll_ctl(resolver->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0) {
        (void)epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int ares_failure(struct err *err, int status, const char *server)
{
    return err_set(err, ERR_SYSTEM, "cannot use the DNS server '%s': %s", server, ares_strerror(status));
}

int resolver_new(const char *server, int timeout_ms, struct resolver **ret_resolver, struct err *err)
{
    static char no_hosts_file[] = "b"; /* ask the server, never /etc/hosts */
    struct resolver *resolver = xcalloc(1, sizeof(*resolver));
    struct ares_options options = {.flags = ARES_FLAG_STAYOPEN | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP,
                                   .timeout = timeout_ms,
                                   .tries = 1,
                                   .lookups = no_hosts_file,
                                   .sock_state_cb = on_socket,
                                   .sock_state_cb_data = resolver};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    resolver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS) {
        status = ares_init_options(&resolver->channel, &options, mask);
    }
    if (status == ARES_SUCCESS) {
        status = ares_set_servers_ports_csv(resolver->channel, server);
    }
    if (status != ARES_SUCCESS || resolver->epoll_fd < 0) {
        resolver_free(resolver);
        return ares_failure(err, status, server);
    }
    *ret_resolver = resolver;
    return 0;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver) {
        return;
    }
    if (resolver->channel) {
        ares_destroy(resolver->channel);
        ares_library_cleanup();
    }
    fd_close(resolver->epoll_fd);
    free(resolver);
}

static void fill(struct resolver_answer *answer, const unsigned char *data, int size)
{
    struct ares_addrttl found[RESOLVER_ADDRESSES];
    int count = RESOLVER_ADDRESSES;
    int status = ares_parse_a_reply(data, size, NULL, found, &count);
    if (status != ARES_SUCCESS || count == 0) {
        answer->reason = status == ARES_SUCCESS ? "no address" : ares_strerror(status);
        return;
    }
    answer->ttl_ns = INT64_MAX;
    for (int i = 0; i < count; i++) {
        answer->addresses[answer->count++] = found[i].ipaddr.s_addr;
        if (found[i].ttl * NS_PER_S < answer->ttl_ns) {
            answer->ttl_ns = found[i].ttl * NS_PER_S;
        }
    }
}

static void on_answer(void *context, int status, int timeouts, unsigned char *data, int size)
{
    struct query *query = context;
    struct resolver_answer answer = {0};
    (void)timeouts;
    query->resolver->under_way--;
    if (status == ARES_SUCCESS) {
        fill(&answer, data, size);
    } else {
        answer.reason = ares_strerror(status);
    }
    query->answer(query->context, &answer);
    free(query);
}

void resolver_query(struct resolver *resolver, const char *name, resolver_answer_f *answer, void *context)
{
    struct query *query = xcalloc(1, sizeof(*query));
    *query = (struct query){.resolver = resolver, .answer = answer, .context = context};
    resolver->under_way++;
    ares_query(resolver->channel, name, ns_c_in, ns_t_a, on_answer, query);
}

int resolver_fd(const struct resolver *resolver)
{
    return resolver->epoll_fd;
}

int64_t resolver_timeout_ns(const struct resolver *resolver)
{
    struct timeval left;
    if (resolver->under_way == 0 || !ares_timeout(resolver->channel, NULL, &left)) {
        return INT64_MAX;
    }
    return clock_now_ns() + left.tv_sec * NS_PER_S + left.tv_usec * NS_PER_US;
}

void resolver_process(struct resolver *resolver)
{
    struct epoll_event events[16];
    int count = epoll_wait(resolver->epoll_fd, events, 16, 0);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        ares_process_fd(resolver->channel, events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP) ? fd : ARES_SOCKET_BAD,
                        events[i].events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* timeouts */
}
