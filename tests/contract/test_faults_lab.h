/* Four network namespaces for the tests of faults, and traffic between them:
 *
 *   user 10.255.1.1 ── edge 10.255.1.2 region 10.1.0.1 lan ── eth0 10.1.0.11 host
 *                                      region 10.254.1.2 backbone ── 10.254.1.1 peer, which also has 10.2.0.1 */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAULTS_LAB_H
#define DRILL_TESTS_CONTRACT_TEST_FAULTS_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults/fault.h"
#include "faults/network/link.h"
#include "faults/network/link_socket.h"
#include "faults/snapshot.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { LAB_USER = 0, LAB_REGION, LAB_HOST, LAB_PEER, LAB_COUNT };
enum { LAB_QUIET_MS = 150, LAB_PATIENCE_MS = 5000 };

static int lab[LAB_COUNT];

#define must(call)                                                                                                               \
    do {                                                                                                                         \
        struct err must_err_ = {0};                                                                                              \
        struct err *err = &must_err_;                                                                                            \
        if ((call) < 0) {                                                                                                        \
            fail_msg("%s: %s", #call, must_err_.text);                                                                           \
        }                                                                                                                        \
    } while (0)

static inline void lab_enter(int place)
{
    if (setns(lab[place], CLONE_NEWNET) < 0) {
        fail_msg("cannot enter namespace %d: %s", place, strerror(errno));
    }
}

/* Namespaces for root and for an ordinary user alike; false with the reason printed. */
static inline bool lab_make_namespaces(void)
{
    char map[64];
    struct err err = {0};
    if (geteuid() != 0) {
        (void)str_format(map, sizeof(map), "0 %d 1", (int)geteuid());
        if (unshare(CLONE_NEWUSER) < 0 || fd_write_file("/proc/self/setgroups", "deny", &err) < 0 ||
            fd_write_file("/proc/self/uid_map", map, &err) < 0) {
            printf("skipped: a user namespace cannot be made here (%s %s)\n", strerror(errno), err.text);
            return false;
        }
    }
    for (int i = 0; i < LAB_COUNT; i++) {
        if (unshare(CLONE_NEWNET) < 0 || (lab[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) < 0) {
            printf("skipped: a network namespace cannot be made here: %s\n", strerror(errno));
            return false;
        }
    }
    return true;
}

/* One rtnetlink request in the present namespace; `...` fills in the attributes of `batch`. */
#define lab_talk(type, flags, header, ...)                                                                                       \
    do {                                                                                                                         \
        AUTO_LINK_SOCKET struct nl_sock *socket_ = NULL;                                                                         \
        struct link_batch batch_ = {0}, *batch = &batch_;                                                                        \
        must(link_socket_open(NETLINK_ROUTE, &socket_, err));                                                                    \
        link_batch_begin(batch, socket_, type, (flags) | NLM_F_ACK, &(header), sizeof(header));                                  \
        __VA_ARGS__;                                                                                                             \
        assert_int_equal(link_socket_talk(socket_, batch), 0);                                                                   \
    } while (0)
#define lab_request(type, header, ...) lab_talk(type, NLM_F_CREATE | NLM_F_EXCL, header, __VA_ARGS__)
#define lab_remove(type, header, ...) lab_talk(type, 0, header, __VA_ARGS__)

static inline void lab_put_end(struct link_batch *batch, const char *name, int ns_fd)
{
    link_batch_put_text(batch, IFLA_IFNAME, name);
    link_batch_put(batch, IFLA_NET_NS_FD, &ns_fd, sizeof(ns_fd));
}

static inline void lab_put_veth(struct link_batch *batch, const char *name, const char *peer, int peer_fd)
{
    struct ifinfomsg header = {0};
    lab_put_end(batch, name, lab[LAB_REGION]);
    size_t info = link_batch_nest(batch, IFLA_LINKINFO);
    link_batch_put_text(batch, IFLA_INFO_KIND, "veth");
    size_t data = link_batch_nest(batch, IFLA_INFO_DATA);
    size_t end = link_batch_nest(batch, VETH_INFO_PEER);
    link_batch_put_raw(batch, &header, sizeof(header));
    lab_put_end(batch, peer, peer_fd);
    link_batch_nest_end(batch, end);
    link_batch_nest_end(batch, data);
    link_batch_nest_end(batch, info);
}

static inline void lab_wire(const char *name, const char *peer, int place)
{
    struct ifinfomsg header = {0};
    lab_request(RTM_NEWLINK, header, lab_put_veth(batch, name, peer, lab[place]));
}

static inline void lab_set_address(const char *interface, const char *text, int bits)
{
    struct in_addr address;
    struct ifaddrmsg header = {
        .ifa_family = AF_INET, .ifa_prefixlen = (unsigned char)bits, .ifa_index = if_nametoindex(interface)};
    assert_int_equal(inet_pton(AF_INET, text, &address), 1);
    lab_request(RTM_NEWADDR, header, {
        link_batch_put(batch, IFA_LOCAL, &address, sizeof(address));
        link_batch_put(batch, IFA_ADDRESS, &address, sizeof(address));
    });
}

static inline void lab_set_route(const char *to, int bits, const char *via)
{
    struct in_addr destination, gateway;
    struct rtmsg header = {.rtm_family = AF_INET,
                           .rtm_dst_len = (unsigned char)bits,
                           .rtm_table = RT_TABLE_MAIN,
                           .rtm_protocol = RTPROT_STATIC,
                           .rtm_scope = RT_SCOPE_UNIVERSE,
                           .rtm_type = RTN_UNICAST};
    assert_int_equal(inet_pton(AF_INET, to, &destination), 1);
    assert_int_equal(inet_pton(AF_INET, via, &gateway), 1);
    lab_request(RTM_NEWROUTE, header, {
        link_batch_put(batch, RTA_DST, &destination, sizeof(destination));
        link_batch_put(batch, RTA_GATEWAY, &gateway, sizeof(gateway));
    });
}

static inline void lab_make(void)
{
    static const struct {
        int place;
        const char *interface, *address;
        int bits;
    } addresses[] = {
        {LAB_USER, "lo", "127.0.0.1", 8},       {LAB_USER, "region", "10.255.1.1", 30},
        {LAB_REGION, "lo", "127.0.0.1", 8},     {LAB_REGION, "edge", "10.255.1.2", 30},
        {LAB_REGION, "lan", "10.1.0.1", 24},    {LAB_REGION, "backbone", "10.254.1.2", 30},
        {LAB_HOST, "eth0", "10.1.0.11", 24},    {LAB_PEER, "lo", "10.2.0.1", 32},
        {LAB_PEER, "region", "10.254.1.1", 30},
    };
    static const struct {
        int place;
        const char *to;
        int bits;
        const char *via;
    } routes[] = {
        {LAB_USER, "0.0.0.0", 0, "10.255.1.2"},     {LAB_REGION, "0.0.0.0", 0, "10.255.1.1"},
        {LAB_REGION, "10.2.0.0", 24, "10.254.1.1"}, {LAB_HOST, "0.0.0.0", 0, "10.1.0.1"},
        {LAB_PEER, "0.0.0.0", 0, "10.254.1.2"},
    };
    lab_wire("edge", "region", LAB_USER);
    lab_wire("backbone", "region", LAB_PEER);
    lab_wire("lan", "eth0", LAB_HOST);
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        lab_enter(addresses[i].place);
        lab_set_address(addresses[i].interface, addresses[i].address, addresses[i].bits);
        must(link_set_up(addresses[i].interface, true, err));
    }
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        lab_enter(routes[i].place);
        lab_set_route(routes[i].to, routes[i].bits, routes[i].via);
    }
    lab_enter(LAB_REGION);
    must(fd_write_file("/proc/sys/net/ipv4/ip_forward", "1", err));
}

static inline struct sockaddr_in lab_address_of(const char *text, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return address;
}

/* A bound socket of a namespace; the caller closes. It leaves the test in the region's namespace. */
static inline int lab_socket(int place, int type, const char *text, int port)
{
    struct sockaddr_in address = lab_address_of(text, port);
    int one = 1, bytes = 4 * 1024 * 1024;
    lab_enter(place);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_return_code(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), errno);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
    lab_enter(LAB_REGION);
    return fd;
}

static inline bool lab_readable(int fd, int timeout_ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, timeout_ms) == 1;
}

/* Does a datagram get from here to there? Waits long when it should and shortly when it should not. Port 0: any. */
static inline bool lab_passes_port(int from, const char *from_address, int from_port, int to, const char *to_address, int to_port,
                                   bool expected)
{
    AUTO_FD int sender = lab_socket(from, SOCK_DGRAM, from_address, from_port);
    AUTO_FD int receiver = lab_socket(to, SOCK_DGRAM, to_address, to_port);
    struct sockaddr_in address = lab_address_of(to_address, to_port);
    int64_t deadline_ns = clock_now_ns() + (expected ? LAB_PATIENCE_MS : LAB_QUIET_MS) * NS_PER_MS;
    while (clock_now_ns() < deadline_ns) { /* again, because a link that comes up loses the first ones */
        (void)sendto(sender, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&address, sizeof(address));
        if (lab_readable(receiver, 50)) {
            return true;
        }
    }
    return false;
}

static inline bool lab_passes(int from, const char *from_address, int to, const char *to_address, bool expected)
{
    return lab_passes_port(from, from_address, 0, to, to_address, 7777, expected);
}

/* An established connection from the user (10.255.1.1) to the host (10.1.0.11). */
static inline void lab_connect(int *ret_user, int *ret_host)
{
    AUTO_FD int listener = lab_socket(LAB_HOST, SOCK_STREAM, "10.1.0.11", 8080);
    struct sockaddr_in address = lab_address_of("10.1.0.11", 8080);
    assert_return_code(listen(listener, 4), errno);
    *ret_user = lab_socket(LAB_USER, SOCK_STREAM, "10.255.1.1", 0);
    assert_return_code(connect(*ret_user, (struct sockaddr *)&address, sizeof(address)), errno);
    *ret_host = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(*ret_host >= 0);
}

/* A fault at the region's router; options, interfaces and peers as JSON texts. */
static inline struct fault_instance *lab_fault_to(const char *name, const char *options, const char *interfaces,
                                                  const char *peers)
{
    struct fault_instance *fault = NULL;
    AUTO_JSON json_t *description = NULL;
    AUTO_FREE char *text =
        xasprintf("{\"fault_id\": \"f1.2\", \"fault\": \"%s\", \"options\": %s, \"target\": {\"place\": \"east\", "
                  "\"kind\": \"region\", \"name\": \"east\", \"cidr\": \"10.1.0.0/24\", \"peers\": %s, "
                  "\"interfaces\": %s, \"pids\": [], \"services\": []}}",
                  name, options, peers, interfaces ? interfaces : "[\"edge\", \"backbone\"]");
    must(json_parse(text, strlen(text), &description, err));
    must(fault_instance_new(description, &fault, err));
    return fault;
}

static const char lab_west[] = "[{\"name\": \"west\", \"cidr\": \"10.2.0.0/24\"}]";

/* The same with the one peer there is, for a fault that needs one. */
static inline struct fault_instance *lab_fault(const char *name, const char *options, const char *interfaces)
{
    return lab_fault_to(name, options, interfaces, fault_find(name)->targets & FAULT_PEER ? lab_west : "[]");
}

/* What the agent does: asked again until it is so or the time is up. */
static inline bool lab_proven(struct fault_instance *fault, int timeout_ms)
{
    int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
    struct err err = {0};
    do {
        struct buf proof CLEANUP(buf_clear) = {0};
        if (fault->ops->prove(fault, &proof, &err) == 0) {
            assert_true(proof.size > 0);
            return true;
        }
        assert_true(err.code != ERR_NONE && err.text[0]);
        memset(&err, 0, sizeof(err));
    } while (clock_now_ns() < deadline_ns);
    return false;
}

static inline void lab_inject(struct fault_instance *fault)
{
    must(fault->ops->supported(fault, err));
    must(fault->ops->prepare(fault, err));
    must(fault->ops->apply(fault, err));
    assert_true(lab_proven(fault, LAB_PATIENCE_MS));
}

static inline void lab_assert_clean(struct fault_instance *fault)
{
    struct buf left CLEANUP(buf_clear) = {0};
    must(fault->ops->residue(fault, &left, err));
    assert_string_equal(buf_str(&left), "");
}

/* A fixture of tests that compare with how this place looked before them. */
static struct snapshot *lab_before;

static inline int lab_photograph(void **state)
{
    (void)state;
    snapshot_free(TAKE(lab_before));
    must(snapshot_take(&lab_before, err));
    return 0;
}

static inline int lab_forget(void **state)
{
    (void)state;
    snapshot_free(TAKE(lab_before));
    return 0;
}

static inline void lab_revert(struct fault_instance *fault)
{
    must(fault->ops->revert(fault, err));
    lab_assert_clean(fault);
    fault_instance_free(fault);
}

#endif
