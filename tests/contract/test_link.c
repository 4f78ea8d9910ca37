/* The link emulator between two network namespaces of our own: what goes in on one side comes out on the other, in time, in order
 * and whole. A third namespace in between holds the emulator, as the place "links" does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/agent/link.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { LEFT, MIDDLE, RIGHT, SPACE_COUNT };
static const char *const address[SPACE_COUNT] = {[LEFT] = "10.77.0.1", [RIGHT] = "10.77.0.2"};

struct world {
    int home;
    int spaces[SPACE_COUNT];
    struct links *links;
};

static int this_space(void)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void enter(int space)
{
    assert_int_equal(setns(space, CLONE_NEWNET), 0);
}

static void add_veth(struct nl_sock *nl, const char *here, const char *there, int peer_space)
{
    struct rtnl_link *link = rtnl_link_veth_alloc();
    rtnl_link_set_name(link, here);
    struct rtnl_link *peer = rtnl_link_veth_get_peer(link);
    rtnl_link_set_name(peer, there);
    rtnl_link_set_ns_fd(peer, peer_space);
    rtnl_link_put(peer);
    assert_int_equal(rtnl_link_add(nl, link, NLM_F_CREATE | NLM_F_EXCL), 0);
    rtnl_link_put(link);
}

static void bring_up(const char *interface, const char *ip)
{
    int fd AUTO_FD = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {0};
    str_copy(request.ifr_name, IFNAMSIZ, interface);
    if (ip) {
        struct sockaddr_in *to = (struct sockaddr_in *)&request.ifr_addr;
        to->sin_family = AF_INET;
        inet_pton(AF_INET, ip, &to->sin_addr);
        assert_int_equal(ioctl(fd, SIOCSIFADDR, &request), 0);
        inet_pton(AF_INET, "255.255.255.0", &to->sin_addr);
        assert_int_equal(ioctl(fd, SIOCSIFNETMASK, &request), 0);
    }
    request.ifr_flags = IFF_UP;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
}

/* Its neighbour discovery would send frames that nobody asked for, each of which wakes the emulator. */
static void silence_ipv6(void)
{
    struct err ignored; /* a kernel without IPv6 is silent anyway */
    (void)!fd_write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1", &ignored);
}

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    world->home = this_space();
    for (int i = 0; i < SPACE_COUNT; i++) {
        if (unshare(CLONE_NEWNET) < 0)
            return -1;
        world->spaces[i] = this_space();
        silence_ipv6();
    }
    enter(world->spaces[MIDDLE]);
    struct nl_sock *nl = nl_socket_alloc();
    assert_int_equal(nl_connect(nl, NETLINK_ROUTE), 0);
    add_veth(nl, "la", "a0", world->spaces[LEFT]);
    add_veth(nl, "lb", "b0", world->spaces[RIGHT]);
    nl_socket_free(nl);
    bring_up("la", NULL);
    bring_up("lb", NULL);
    enter(world->spaces[LEFT]);
    bring_up("a0", address[LEFT]);
    enter(world->spaces[RIGHT]);
    bring_up("b0", address[RIGHT]);
    enter(world->spaces[MIDDLE]);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    links_free(world->links);
    enter(world->home);
    fd_close(world->home);
    for (int i = 0; i < SPACE_COUNT; i++)
        fd_close(world->spaces[i]);
    free(world);
    return 0;
}

/* What the emulator says of its only link. */
static json_t *set_link(struct world *world, double latency_ms, double loss)
{
    json_t *params AUTO_JSON = json_pack("{s:[{s:s, s:s, s:s, s:f, s:f}]}", "links", "name", "wan", "a", "la", "b", "lb",
                                         "latency_ms", latency_ms, "loss", loss);
    json_t *result = NULL;
    struct err err;
    if (links_set(&world->links, params, &result, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(json_str(result, "mechanism", ""), "emulator");
    return result;
}

static int64_t count_of(json_t *result, const char *what)
{
    const int64_t value = json_int(json_array_get(json_object_get(result, "links"), 0), what, -1);
    json_decref(result);
    return value;
}

/* A socket that lives in a space and is bound to its address. */
static int open_socket(struct world *world, int space, int type, uint16_t port)
{
    enter(world->spaces[space]);
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    enter(world->spaces[MIDDLE]);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address[space], &own.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    return fd;
}

static void connect_to(int fd, int space, uint16_t port)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address[space], &peer.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
}

static bool readable_until(int fd, int64_t until_ns)
{
    const int64_t left_ns = until_ns - clock_now_ns();
    const struct timespec left = {.tv_sec = left_ns > 0 ? left_ns / NS_PER_S : 0,
                                  .tv_nsec = left_ns > 0 ? left_ns % NS_PER_S : 0};
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return ppoll(&one, 1, &left, NULL) == 1;
}

struct probe {
    uint32_t number;
    int64_t sent_ns;
};

static int compare_times(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sends `count` probes, one a millisecond. Returns how many came; *ret_median_ns is their one-way time. In order, or the test
 * fails. */
static int measure(struct world *world, int from, int to, int count, int64_t *ret_median_ns)
{
    int out AUTO_FD = open_socket(world, from, SOCK_DGRAM, 7001);
    int in AUTO_FD = open_socket(world, to, SOCK_DGRAM, 7002);
    connect_to(out, to, 7002);
    int64_t *took AUTO_FREE = xcalloc((size_t)count, sizeof(*took));
    int came = 0;
    uint32_t last = 0;
    const int64_t begin_ns = clock_now_ns();
    for (int i = 0; i <= count; i++) {
        const struct probe probe = {.number = (uint32_t)i + 1, .sent_ns = clock_now_ns()};
        if (i < count)
            assert_int_equal(send(out, &probe, sizeof(probe), 0), sizeof(probe));
        const int64_t until_ns = begin_ns + (i + 1) * NS_PER_MS + (i == count ? 300 * NS_PER_MS : 0);
        while (came < count && readable_until(in, until_ns)) {
            struct probe got;
            assert_int_equal(recv(in, &got, sizeof(got), 0), sizeof(got));
            took[came++] = clock_now_ns() - got.sent_ns;
            assert_true(got.number > last);
            last = got.number;
        }
    }
    qsort(took, (size_t)came, sizeof(*took), compare_times);
    *ret_median_ns = came ? took[came / 2] : 0;
    return came;
}

/* Probes until one comes: an interface that was brought up drops frames until the kernel has noticed its carrier (up to a
 * second), and both sides have to learn each other's hardware address. */
static void warm_up(struct world *world)
{
    int64_t ignored;
    int tries = 10; /* a third of a second each */
    while (measure(world, LEFT, RIGHT, 1, &ignored) + measure(world, RIGHT, LEFT, 1, &ignored) < 2)
        assert_true(--tries > 0);
}

static void forwards_at_once_with_no_latency(void **state)
{
    struct world *world = *state;
    json_decref(set_link(world, 0, 0));
    warm_up(world);
    int64_t median_ns;
    assert_int_equal(measure(world, LEFT, RIGHT, 100, &median_ns), 100);
    assert_in_range(median_ns, 1, NS_PER_MS);
    /* The probes, what warmed up, ARP. */
    assert_in_range(count_of(set_link(world, 0, 0), "forwarded"), 102, 120);
}

static void delays_each_direction(void **state)
{
    struct world *world = *state;
    json_decref(set_link(world, 15, 0));
    warm_up(world);
    for (int from = LEFT; from <= RIGHT; from += RIGHT - LEFT) {
        int64_t median_ns;
        assert_int_equal(measure(world, from, from == LEFT ? RIGHT : LEFT, 500, &median_ns), 500);
        print_message("15 ms link, 1000/s, from %d: median %.3f ms\n", from, (double)median_ns / NS_PER_MS);
        assert_in_range(median_ns, 15 * NS_PER_MS, 15 * NS_PER_MS + 300 * NS_PER_US);
    }
}

static void change_holds_for_frames_that_wait(void **state)
{
    struct world *world = *state;
    json_decref(set_link(world, 0, 0));
    warm_up(world);
    json_decref(set_link(world, 30000, 0));
    int out AUTO_FD = open_socket(world, LEFT, SOCK_DGRAM, 7001);
    int in AUTO_FD = open_socket(world, RIGHT, SOCK_DGRAM, 7002);
    connect_to(out, RIGHT, 7002);
    assert_int_equal(send(out, "x", 1, 0), 1);
    assert_false(readable_until(in, clock_now_ns() + 50 * NS_PER_MS));
    json_decref(set_link(world, 0, 0));
    assert_true(readable_until(in, clock_now_ns() + NS_PER_S));
}

static void loses_the_share(void **state)
{
    struct world *world = *state;
    json_decref(set_link(world, 0, 0));
    warm_up(world);
    json_decref(set_link(world, 0, 0.3));
    int64_t median_ns;
    const int came = measure(world, LEFT, RIGHT, 1000, &median_ns);
    print_message("30 %% loss: %d of 1000 came\n", came);
    assert_in_range(came, 630, 770); /* 4.8 sigma */
    assert_true(count_of(set_link(world, 0, 0), "lost") >= 1000 - came);
}

enum { BULK_BYTES = 16 * 1024 * 1024 };

static uint8_t bulk_byte(size_t i)
{
    return (uint8_t)((i * 2654435761u) >> 13);
}

static void *send_bulk(void *argument)
{
    const int fd = *(int *)argument;
    uint8_t *data = xcalloc(1, BULK_BYTES);
    for (size_t i = 0; i < BULK_BYTES; i++)
        data[i] = bulk_byte(i);
    struct err err;
    const int status = fd_write_all(fd, data, BULK_BYTES, &err);
    shutdown(fd, SHUT_WR);
    free(data);
    return status < 0 ? argument : NULL;
}

static size_t receive_bulk(int fd, size_t *ret_wrong)
{
    uint8_t data[65536];
    size_t total = 0;
    *ret_wrong = 0;
    for (ssize_t n; readable_until(fd, clock_now_ns() + 10 * NS_PER_S) && (n = recv(fd, data, sizeof(data), 0)) > 0;) {
        for (ssize_t i = 0; i < n; i++)
            *ret_wrong += data[i] != bulk_byte(total + (size_t)i);
        total += (size_t)n;
    }
    return total;
}

/* veth leaves checksums unfinished and sends frames of 64 KB: without virtio_net_hdr not one segment would come through. */
static void carries_tcp_in_bulk(void **state)
{
    struct world *world = *state;
    json_decref(set_link(world, 2, 0));
    warm_up(world);
    int listener AUTO_FD = open_socket(world, RIGHT, SOCK_STREAM, 7003);
    assert_int_equal(listen(listener, 1), 0);
    int client AUTO_FD = open_socket(world, LEFT, SOCK_STREAM, 7004);
    connect_to(client, RIGHT, 7003);
    int server AUTO_FD = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server >= 0);
    pthread_t sender;
    assert_int_equal(pthread_create(&sender, NULL, send_bulk, &client), 0);
    const int64_t begin_ns = clock_now_ns();
    size_t wrong;
    const size_t total = receive_bulk(server, &wrong);
    print_message("16 MiB over 2 ms: %.0f ms\n", (double)(clock_now_ns() - begin_ns) / NS_PER_MS);
    void *failed;
    pthread_join(sender, &failed);
    assert_null(failed);
    assert_int_equal(total, BULK_BYTES);
    assert_int_equal(wrong, 0);
}

static void stops_forwarding_when_freed(void **state)
{
    struct world *world = *state;
    json_decref(set_link(world, 0, 0));
    warm_up(world);
    links_free(TAKE(world->links));
    int64_t median_ns;
    assert_int_equal(measure(world, LEFT, RIGHT, 5, &median_ns), 0);
    json_decref(set_link(world, 0, 0)); /* the interfaces are free again */
    assert_int_equal(measure(world, LEFT, RIGHT, 5, &median_ns), 5);
}

static void survives_an_interface_that_goes_down(void **state)
{
    struct world *world = *state;
    json_decref(set_link(world, 0, 0));
    warm_up(world);
    int fd AUTO_FD = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lb"};
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    int64_t median_ns;
    assert_int_equal(measure(world, LEFT, RIGHT, 3, &median_ns), 0);
    bring_up("lb", NULL);
    warm_up(world);
    assert_int_equal(measure(world, LEFT, RIGHT, 3, &median_ns), 3);
}

static void expect_refusal(struct world *world, const char *json, enum err_code code, const char *text)
{
    struct err err = {0};
    json_t *params AUTO_JSON = NULL;
    assert_int_equal(json_parse(json, strlen(json), &params, &err), 0);
    json_t *result = NULL;
    assert_int_equal(links_set(&world->links, params, &result, &err), -(int)code);
    assert_null(result);
    if (!strstr(err.text, text))
        fail_msg("expected '%s' in: %s", text, err.text);
}

static void refuses_what_cannot_be(void **state)
{
    struct world *world = *state;
    expect_refusal(world, "{\"links\":[{\"name\":\"w\",\"a\":\"la\",\"b\":\"nope\"}]}", ERR_INPUT, "'nope'");
    expect_refusal(world, "{\"links\":[{\"name\":\"w\",\"a\":\"la\",\"b\":\"lb\",\"latency_ms\":-1}]}", ERR_INPUT, "latency");
    expect_refusal(world, "{\"links\":[{\"name\":\"w\",\"a\":\"la\",\"b\":\"lb\",\"loss\":2}]}", ERR_INPUT, "loss");
    expect_refusal(world, "{\"links\":[{\"name\":\"w\",\"a\":\"la\",\"b\":\"la\"}]}", ERR_INPUT, "both ends");
    expect_refusal(world, "{\"mechanism\":\"magic\"}", ERR_INPUT, "magic");
    json_decref(set_link(world, 0, 0));
    expect_refusal(world, "{\"links\":[{\"name\":\"other\",\"a\":\"lb\",\"b\":\"lo\"}]}", ERR_INPUT, "belongs to link 'wan'");
    int64_t median_ns; /* a refusal took nothing away */
    assert_int_equal(measure(world, LEFT, RIGHT, 3, &median_ns), 3);
}

/* Where the kernel has netem it must delay; where it has not, the error must say so and nothing may be left. */
static void netem_works_or_says_that_it_cannot(void **state)
{
    struct world *world = *state;
    json_decref(set_link(world, 0, 0));
    warm_up(world);
    struct links *links CLEANUP(links_cleanup) = NULL;
    json_t *params AUTO_JSON =
        json_pack("{s:s, s:[{s:s, s:s, s:i}]}", "mechanism", "netem", "links", "a", "la", "b", "lb", "latency_ns", 15000000);
    json_t *result AUTO_JSON = NULL;
    struct err err = {0};
    const int status = links_set(&links, params, &result, &err);
    int64_t median_ns;
    assert_int_equal(measure(world, LEFT, RIGHT, 100, &median_ns), 100);
    if (status == 0) {
        assert_in_range(median_ns, 15 * NS_PER_MS, 17 * NS_PER_MS);
        return;
    }
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "sch_netem"));
    assert_true(median_ns < NS_PER_MS);
    print_message("netem: %s\n", err.text);
}

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const bool root = geteuid() == 0;
    if (unshare(root ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        printf("skipped: no network namespace of our own here: %s\n", strerror(errno));
        return 77;
    }
    const struct CMUnitTest tests[] = {
        LINK_TEST(forwards_at_once_with_no_latency),
        LINK_TEST(delays_each_direction),
        LINK_TEST(change_holds_for_frames_that_wait),
        LINK_TEST(loses_the_share),
        LINK_TEST(carries_tcp_in_bulk),
        LINK_TEST(stops_forwarding_when_freed),
        LINK_TEST(survives_an_interface_that_goes_down),
        LINK_TEST(refuses_what_cannot_be),
        LINK_TEST(netem_works_or_says_that_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
