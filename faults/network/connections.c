/* inet_diag dumps and SOCK_DESTROY. */
#include "faults/network/connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>

#include "faults/network/link_socket.h"
#include "faults/network/prefix.h"
#include "harness/base/str.h"

enum { DUMP_TRIES = 5, PASSES_MAX = 16, ROUND_MAX = 256, PEERS_MAX = 64 };
enum { LISTENING = 1 << TCP_LISTEN, NOT_LIVING = LISTENING | 1 << TCP_CLOSE | 1 << TCP_TIME_WAIT, ALL_STATES = 0xfff };

/* A match with its prefixes read. */
struct reading {
    const struct connection_match *match;
    struct prefix within, to, peers[PEERS_MAX];
    size_t peer_count;
    connection_visit_f *visit;
    void *context;
};

static int read_match(const struct connection_match *match, struct reading *reading, struct err *err)
{
    int status = match->within && *match->within ? prefix_parse(match->within, &reading->within, err) : 0;
    if (status == 0 && match->to) {
        status = prefix_parse(match->to, &reading->to, err);
    }
    for (size_t i = 0; i < match->peer_count && status == 0; i++) {
        if (i == PEERS_MAX) {
            return err_set(err, ERR_INPUT, "more than %d peers cannot be told apart at once", PEERS_MAX);
        }
        status = prefix_parse(match->peers[i].cidr, &reading->peers[reading->peer_count++], err);
    }
    reading->match = match;
    return status;
}

static bool has_inode(const struct connection_match *match, uint32_t inode)
{
    bool found = !match->inodes;
    for (size_t i = 0; i < match->inode_count && !found; i++) {
        found = match->inodes[i] == inode;
    }
    return found;
}

/* A connection of this machine with itself leaves through no border. */
static bool is_loopback(const void *address, size_t size)
{
    static const struct prefix own = {.address = {127}, .mask = {255}, .size = 4};
    return prefix_has(&own, address, size) || (size == 16 && IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)address));
}

static bool is_outside(const struct reading *reading, const void *far, size_t size)
{
    const char *within = reading->match->within;
    return !within || !*within || !(prefix_has(&reading->within, far, size) || is_loopback(far, size));
}

static bool is_meant(const struct reading *reading, const struct connection *connection)
{
    const struct connection_match *match = reading->match;
    const void *far = connection->id.idiag_dst;
    size_t size = connection->family == AF_INET ? 4 : 16;
    uint16_t port = htons(match->port);
    bool peer = reading->peer_count == 0;
    for (size_t i = 0; i < reading->peer_count && !peer; i++) {
        peer = prefix_has(&reading->peers[i], far, size);
    }
    return peer && is_outside(reading, far, size) && (!match->to || prefix_has(&reading->to, far, size)) &&
           (!match->port || connection->id.idiag_sport == port || connection->id.idiag_dport == port) &&
           has_inode(match, connection->inode);
}

static int take(const struct nlmsghdr *message, void *context)
{
    struct reading *reading = context;
    const struct inet_diag_msg *diag = NLMSG_DATA(message);
    struct connection connection = {
        .id = diag->id, .family = diag->idiag_family, .state = diag->idiag_state, .inode = diag->idiag_inode};
    return is_meant(reading, &connection) ? reading->visit(&connection, reading->context) : 0;
}

static void put_request(struct link_batch *batch, struct nl_sock *socket, int type, int flags, uint8_t family, uint32_t states,
                        const struct inet_diag_sockid *id)
{
    struct inet_diag_req_v2 request = {.sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = states};
    if (id) {
        request.id = *id;
    }
    link_batch_begin(batch, socket, type, flags, &request, sizeof(request));
}

static int dump_family(struct reading *reading, uint8_t family, uint32_t states, struct err *err)
{
    int status = -EINTR;
    for (int tries = 0; status == -EINTR && tries < DUMP_TRIES; tries++) { /* visits may come twice: those who count mind it */
        AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
        struct link_batch request = {0};
        if (link_socket_open(NETLINK_SOCK_DIAG, &socket, err) < 0) {
            return -(int)err->code;
        }
        put_request(&request, socket, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, states, NULL);
        status = link_socket_dump(socket, &request, take, reading);
    }
    if (status == -ENOENT && family == AF_INET6) {
        return 0; /* a kernel without IPv6 */
    }
    return status < 0 ? err_errno(err, -status, "the table of TCP sockets cannot be read") : status;
}

static int dump(struct reading *reading, uint32_t states, struct err *err)
{
    int status = dump_family(reading, AF_INET, states, err);
    return status ? status : dump_family(reading, AF_INET6, states, err);
}

int connections_each(const struct connection_match *match, connection_visit_f *visit, void *context, struct err *err)
{
    struct reading reading = {.visit = visit, .context = context};
    int status = read_match(match, &reading, err);
    return status < 0 ? status : dump(&reading, ALL_STATES & ~NOT_LIVING, err);
}

/* So many at a time: they cannot be destroyed while the kernel is telling them. */
struct round {
    struct connection items[ROUND_MAX];
    size_t count;
};

static int collect(const struct connection *connection, void *context)
{
    struct round *round = context;
    round->items[round->count++] = *connection;
    return round->count == ROUND_MAX; /* 1 ends the dump */
}

static int destroy(struct nl_sock *socket, const struct connection *connection, size_t *count, struct err *err)
{
    struct link_batch batch = {0};
    char text[128];
    put_request(&batch, socket, SOCK_DESTROY, NLM_F_ACK, connection->family, 1u << connection->state, &connection->id);
    int status = link_socket_talk(socket, &batch);
    *count += status == 0;
    return status == 0 || status == -ENOENT
               ? 0
               : err_errno(err, -status, "the connection %s cannot be destroyed", connection_print(connection, text));
}

static int destroy_round(const struct round *round, size_t *count, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    int status = link_socket_open(NETLINK_SOCK_DIAG, &socket, err);
    for (size_t i = 0; i < round->count && status == 0; i++) {
        status = destroy(socket, &round->items[i], count, err);
    }
    return status;
}

/* A dump that was cut short at a full round goes on with the next one. */
int connections_destroy(const struct connection_match *match, size_t *ret_count, struct err *err)
{
    size_t count = 0;
    int status = 0;
    bool more = true;
    for (int pass = 0; more && status >= 0 && pass < PASSES_MAX; pass++) {
        struct round round = {0};
        size_t before = count;
        status = connections_each(match, collect, &round, err);
        more = status == 1;
        if (status >= 0) {
            status = destroy_round(&round, &count, err);
        }
        more = more && count > before;
    }
    if (status == 0 && ret_count) {
        *ret_count = count;
    }
    return status;
}

struct listening {
    struct connection *items;
    size_t most, count;
};

static int add_listener(const struct connection *connection, void *context)
{
    struct listening *listening = context;
    if (listening->count < listening->most) {
        listening->items[listening->count++] = *connection;
    }
    return 0;
}

int connections_listening(const uint64_t *inodes, size_t inode_count, struct connection *listeners, size_t most,
                          size_t *ret_count, struct err *err)
{
    struct connection_match match = {.inodes = inodes, .inode_count = inode_count};
    struct listening listening = {.items = listeners, .most = most};
    struct reading reading = {.match = &match, .visit = add_listener, .context = &listening};
    int status = dump(&reading, LISTENING, err);
    *ret_count = listening.count;
    return status;
}

const char *connection_print(const struct connection *connection, char out[static 128])
{
    char from[INET6_ADDRSTRLEN] = "?", to[INET6_ADDRSTRLEN] = "?";
    (void)inet_ntop(connection->family, connection->id.idiag_src, from, sizeof(from));
    (void)inet_ntop(connection->family, connection->id.idiag_dst, to, sizeof(to));
    (void)str_format(out, 128, "%s:%u to %s:%u", from, ntohs(connection->id.idiag_sport), to, ntohs(connection->id.idiag_dport));
    return out;
}

/* Ask for the end of a connection that cannot be: who may not ask is told so, who may hears that it is not there. */
int connections_supported(struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    struct inet_diag_sockid id = {.idiag_sport = htons(1), .idiag_dport = htons(1)};
    int status = link_socket_open(NETLINK_SOCK_DIAG, &socket, err);
    if (status < 0) {
        return status;
    }
    id.idiag_src[0] = id.idiag_dst[0] = htonl(0xc0000201); /* 192.0.2.1, an address for documentation */
    id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    put_request(&batch, socket, SOCK_DESTROY, NLM_F_ACK, AF_INET, 1u << TCP_ESTABLISHED, &id);
    status = link_socket_talk(socket, &batch);
    if (status == 0 || status == -ENOENT) {
        return 0;
    }
    return err_set(
        err, ERR_UNSUPPORTED,
        "connections cannot be destroyed here (%s): it needs CAP_NET_ADMIN in this network namespace and a kernel with "
        "CONFIG_INET_DIAG_DESTROY (module tcp_diag; as root: modprobe tcp_diag)",
        strerror(-status));
}
