/* The world: made, reached through, filled with agents, ended. As whoever runs this, and as an ordinary user too when that is
 * root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/in_world.h"

enum { PORT = 80 };

static int listen_in(const char *place, const char *address)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    (void)inet_pton(AF_INET, address, &own.sin_addr);
    int fd = enter_place(place) < 0 ? -1 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1; /* the last test's connection may still wait */
    return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
                   bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0 && listen(fd, 4) == 0
               ? fd
               : -1;
}

static int connect_from(const char *place, const char *address, int64_t *ret_took_ns)
{
    struct sockaddr_in other = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    (void)inet_pton(AF_INET, address, &other.sin_addr);
    int fd = enter_place(place) < 0 ? -1 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd done = {.fd = fd, .events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof(failure);
    int64_t begun_ns = clock_now_ns();
    if (fd < 0 || (connect(fd, (struct sockaddr *)&other, sizeof(other)) < 0 && errno != EINPROGRESS) ||
        poll(&done, 1, PATIENCE_MS) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0 || failure != 0) {
        return -1;
    }
    *ret_took_ns = clock_now_ns() - begun_ns;
    return fd;
}

/* From one host to another: connected, seen with the right address, bytes there. */
static int reach(const struct topology_host *from, const struct topology_host *to, int64_t at_least_ns, int64_t below_ns)
{
    struct sockaddr_in peer = {0};
    socklen_t size = sizeof(peer);
    char text[INET_ADDRSTRLEN] = "", byte = 'x';
    int64_t took_ns = 0;
    int listener = listen_in(to->name, to->address);
    int out = listener < 0 ? -1 : connect_from(from->name, to->address, &took_ns);
    if (out < 0) {
        return listener < 0 ? 1 : 2;
    }
    int in = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
    (void)inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text));
    if (in < 0 || !str_eq(text, from->address)) {
        return 3;
    }
    if (write(out, &byte, 1) != 1 || read(in, &byte, 1) != 1) {
        return 4;
    }
    return took_ns < at_least_ns ? 5 : took_ns >= below_ns ? 6 : 0;
}

static int file_is(const char *path, const char *text)
{
    AUTO_FREE char *found = NULL;
    struct err err = {0};
    return fd_read_file(path, 4096, &found, NULL, &err) == 0 && str_starts_with(found, text) ? 0 : 1;
}

static int knobs_are_set(const char *place)
{
    return enter_place(place) < 0                                                        ? 1
           : file_is("/proc/sys/net/ipv4/ip_forward", "1\n")                             ? 2
           : file_is("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0\n")             ? 3
           : file_is("/proc/sys/net/ipv4/ip_local_port_range", "1024\t65535\n")          ? 4
           : file_is("/proc/sys/net/ipv4/conf/all/rp_filter", "0\n")                     ? 5
           : access("/run/drill/state", W_OK) < 0 || access("/run/drill/services", W_OK) ? 6
                                                                                         : 0;
}

static int segments_and_neighbour(const char *place, const char *interface, const char *neighbour)
{
    struct nl_sock *sock = enter_place(place) < 0 ? NULL : nl_socket_alloc();
    struct rtnl_link *link = NULL;
    struct nl_cache *cache = NULL;
    struct nl_addr *to = NULL;
    uint32_t segments = 0;
    if (!sock || nl_connect(sock, NETLINK_ROUTE) < 0 || rtnl_link_get_kernel(sock, 0, interface, &link) < 0) {
        return 1;
    }
    if (rtnl_link_get_gso_max_segs(link, &segments) < 0 || segments != 1) {
        return 2;
    }
    if (rtnl_neigh_alloc_cache(sock, &cache) < 0 || nl_addr_parse(neighbour, AF_INET, &to) < 0) {
        return 3;
    }
    struct rtnl_neigh *found = rtnl_neigh_get(cache, rtnl_link_get_ifindex(link), to);
    return found && rtnl_neigh_get_state(found) & NUD_PERMANENT ? 0 : 4;
}

/* ---- the tests ---- */

static int open_direct(void **state)
{
    *state = xcalloc(1, sizeof(struct fixture));
    return start(*state, 0, 0);
}

static int open_delayed(void **state)
{
    *state = xcalloc(1, sizeof(struct fixture));
    return start(*state, 20 * NS_PER_MS, 0);
}

static int close_world(void **state)
{
    struct fixture *fixture = *state;
    world_stop(fixture->world);
    free(fixture);
    return 0;
}

static void it_is_quick_and_leaves_nothing(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    int64_t begun_ns = clock_now_ns();
    assert_int_equal(world_supported(&fixture.err), 0);
    assert_int_equal(start(&fixture, 0, 0), 0);
    int64_t built_ns = clock_now_ns();
    int pidfd = fcntl(world_pidfd(fixture.world), F_DUPFD_CLOEXEC, 3);
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&gone, 1, 0), 0);
    world_stop(fixture.world);
    assert_int_equal(poll(&gone, 1, 0), 1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    fd_close(pidfd);
    print_message("built in %.0f ms, ended in %.0f ms\n", (double)(built_ns - begun_ns) / NS_PER_MS,
                  (double)(clock_now_ns() - built_ns) / NS_PER_MS);
    assert_true(built_ns - begun_ns < 2 * NS_PER_S);
}

static void every_host_reaches_every_other(void **state)
{
    struct fixture *fixture = *state;
    const struct topology *topology = &fixture->two.topology;
    for (size_t from = 0; from < topology->host_count; from++) {
        for (size_t to = 0; to < topology->host_count; to++) {
            assert_int_equal(
                IN_WORLD(fixture->world, reach(&topology->hosts[from], &topology->hosts[to], 0, PATIENCE_MS * NS_PER_MS)), 0);
        }
    }
}

static void every_place_is_prepared(void **state)
{
    struct fixture *fixture = *state;
    static const char *const places[] = {"internet", "backbone", "links", "us-east", "eu-west", "us-east-gw1", "client"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        assert_int_equal(IN_WORLD(fixture->world, knobs_are_set(places[i])), 0);
    }
    assert_int_equal(IN_WORLD(fixture->world, segments_and_neighbour("us-east", "edge", "10.255.1.1")), 0);
    assert_int_equal(IN_WORLD(fixture->world, segments_and_neighbour("internet", "edge-euw1", "10.255.2.2")), 0);
    assert_int_equal(IN_WORLD(fixture->world, segments_and_neighbour("eu-west", "backbone", "10.254.2.1")), 0);
    assert_int_equal(IN_WORLD(fixture->world, segments_and_neighbour("backbone", "backbone-use1", "10.254.1.2")), 0);
}

static int has_route(const char *place, const char *destination, const char *gateway)
{
    AUTO_FREE char *table = NULL;
    AUTO_FREE char *wanted = xasprintf("\t%08X\t%08X\t", inet_addr(destination), inet_addr(gateway));
    struct err err = {0};
    if (enter_place(place) < 0 || fd_read_file("/proc/thread-self/net/route", 65536, &table, NULL, &err) < 0) {
        return 1;
    }
    return strstr(table, wanted) ? 0 : 2;
}

static void regions_meet_on_the_backbone_and_the_internet_at_the_edge(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(IN_WORLD(fixture->world, has_route("us-east", "10.2.0.0", "10.254.1.1")), 0);
    assert_int_equal(IN_WORLD(fixture->world, has_route("us-east", "0.0.0.0", "10.255.1.1")), 0);
    assert_int_equal(IN_WORLD(fixture->world, has_route("backbone", "10.1.0.0", "10.254.1.2")), 0);
    assert_int_equal(IN_WORLD(fixture->world, has_route("internet", "10.2.0.0", "10.255.2.2")), 0);
}

static void add_all(struct places *places, struct world *world, const struct topology *topology)
{
    static const char *const common[] = {"internet", "backbone", "links"};
    const struct place_settings settings = {.heartbeat_ms = 1000};
    struct place *place = NULL;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        assert_int_equal(places_add_netns(places, world, common[i], &settings, &place, &err), 0);
    }
    for (size_t i = 0; i < topology->region_count; i++) {
        assert_int_equal(places_add_netns(places, world, topology->regions[i].name, &settings, &place, &err), 0);
    }
    for (size_t i = 0; i < topology->host_count; i++) {
        assert_int_equal(places_add_netns(places, world, topology->hosts[i].name, &settings, &place, &err), 0);
    }
}

static void agents_start_in_every_place(void **state)
{
    struct fixture *fixture = *state;
    int lost = 0;
    struct place *place = NULL;
    AUTO_JSON json_t *result = NULL;
    int64_t begun_ns = clock_now_ns();
    struct places *places = places_new(&indifferent, &lost);
    add_all(places, fixture->world, &fixture->two.topology);
    assert_int_equal(places_sync_clocks(places, &fixture->err), 0);
    int64_t took_ns = clock_now_ns() - begun_ns;
    print_message("9 agents started and their clocks compared in %.0f ms\n", (double)took_ns / NS_PER_MS);
    assert_true(took_ns < 2 * NS_PER_S);
    assert_int_equal(place_call(places_find(places, "us-east-gw1"), "status", NULL, NS_PER_S, &result, &fixture->err), 0);
    assert_int_equal(json_int(result, "fds", 0), 3);
    assert_int_equal(json_int(result, "parent", 0), 1); /* the world's first process takes it when it ends */
    assert_string_equal(json_str(result, "addresses", ""), "127.0.0.1 10.1.0.11");
    assert_int_equal(places_add_netns(places, fixture->world, "nowhere", &(struct place_settings){0}, &place, &fixture->err),
                     -ERR_SYSTEM);
    assert_non_null(strstr(fixture->err.text, "no place 'nowhere'"));
    place = places_find(places, "client");
    assert_int_equal(place_call(place, "die", NULL, NS_PER_S, NULL, &fixture->err), -ERR_PROTOCOL);
    assert_int_equal(lost, 1);
    assert_int_equal(place_restart(place, &fixture->err), 0);
    assert_int_equal(place_call(place, "echo", NULL, NS_PER_S, NULL, &fixture->err), 0);
    places_exit_all(places, 2 * NS_PER_S);
    places_free(places);
}

static void links_are_listed_and_delayed_when_asked(void **state)
{
    struct fixture *fixture = *state;
    const struct topology *topology = &fixture->two.topology;
    const struct topology_host *client = &topology->hosts[3], *gateway = &topology->hosts[0];
    int lost = 0;
    struct places *places = places_new(&indifferent, &lost);
    AUTO_JSON json_t *links = world_links(fixture->world, topology);
    assert_int_equal(json_array_size(links), 1);
    assert_string_equal(json_str(json_array_get(links, 0), "far_interface", ""), "edge-use1");
    assert_int_equal(json_int(json_array_get(links, 0), "latency_ns", 0), 20 * NS_PER_MS);
    assert_int_equal(world_set_latency(fixture->world, topology, places, true, &fixture->err), -ERR_STATE);
    add_all(places, fixture->world, topology);
    assert_int_equal(world_set_latency(fixture->world, topology, places, false, &fixture->err), 0);
    assert_int_equal(IN_WORLD(fixture->world, reach(client, gateway, 0, 35 * NS_PER_MS)), 0);
    assert_int_equal(world_set_latency(fixture->world, topology, places, true, &fixture->err), 0);
    assert_int_equal(IN_WORLD(fixture->world, reach(client, gateway, 40 * NS_PER_MS, 200 * NS_PER_MS)), 0);
    places_exit_all(places, 2 * NS_PER_S);
    places_free(places);
    assert_int_equal(lost, 0);
}

static void names_too_long_for_interfaces_are_refused(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    two_regions_make(&fixture.two, 0, 0);
    fixture.two.hosts[0].short_name = (char *)"gateway-number-1";
    assert_int_equal(world_start(&fixture.two.topology, &fixture.world, &fixture.err), -ERR_INPUT);
    assert_non_null(strstr(fixture.err.text, "gateway-number-1"));
    two_regions_make(&fixture.two, 0, 0);
    fixture.two.regions[0].id = (char *)"useast1";
    assert_int_equal(world_start(&fixture.two.topology, &fixture.world, &fixture.err), -ERR_INPUT);
    assert_non_null(strstr(fixture.err.text, "useast1"));
    assert_null(fixture.world);
}

static int run(void)
{
#define IN(open, test) cmocka_unit_test_setup_teardown(test, open, close_world)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_quick_and_leaves_nothing),
        IN(open_direct, every_host_reaches_every_other),
        IN(open_direct, every_place_is_prepared),
        IN(open_direct, regions_meet_on_the_backbone_and_the_internet_at_the_edge),
        IN(open_direct, agents_start_in_every_place),
        IN(open_delayed, links_are_listed_and_delayed_when_asked),
        cmocka_unit_test(names_too_long_for_interfaces_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return in_world_main(argc, argv, run);
}
