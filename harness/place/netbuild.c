/* Builds the topology's network inside the world. */
#include "harness/place/netbuild.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/place/net.h"

struct built_place {
    const char *name;
    int ns_fd;
};

struct build {
    const struct topology *topology;
    bool emulated;
    int home_fd; /* the world's own network namespace */
    VEC(struct built_place) places;
};

static void build_clear(struct build *build)
{
    VEC_EACH(place, &build->places)
    {
        fd_close(place->ns_fd);
    }
    VEC_CLEAR(&build->places);
    fd_close(build->home_fd);
}

/* A namespace lives as long as something refers to it: a file in /run/drill/netns that it is mounted on. */
static int make_place(struct build *build, const char *name, struct err *err)
{
    AUTO_FREE char *path = xasprintf("/run/drill/netns/%s", name);
    AUTO_FD int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (file < 0) {
        return err_errno(err, errno, "cannot create '%s'", path);
    }
    if (unshare(CLONE_NEWNET) < 0 || mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) < 0) {
        return err_errno(err, errno, "cannot make the network namespace of '%s'", name);
    }
    struct built_place *place = VEC_ADD(&build->places);
    place->name = name;
    place->ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    return place->ns_fd < 0 ? err_errno(err, errno, "cannot open the network namespace of '%s'", name) : 0;
}

static int ns_of(const struct build *build, const char *name)
{
    VEC_EACH(place, &build->places)
    {
        if (str_eq(place->name, name)) {
            return place->ns_fd;
        }
    }
    return -1;
}

static int enter(const struct build *build, const char *name, struct net **ret_net, struct err *err)
{
    if (setns(ns_of(build, name), CLONE_NEWNET) < 0) {
        return err_errno(err, errno, "cannot enter '%s'", name);
    }
    return net_open(ret_net, err);
}

/* /proc/sys/net shows the namespace of whoever looks. Not every kernel has every knob; without the first two nothing works. */
static int set_knobs(const char *place, struct err *err)
{
    static const struct {
        const char *path, *value;
        bool needed;
    } knobs[] = {
        {"/proc/sys/net/ipv4/ip_forward", "1", true},
        {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0", true},
        {"/proc/sys/net/ipv4/ip_local_port_range", "1024 65535", false},
        {"/proc/sys/net/ipv4/conf/all/rp_filter", "0", false},
        {"/proc/sys/net/ipv4/conf/default/rp_filter", "0", false},
        {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1", false},
        {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(knobs); i++) {
        struct err failure = {0};
        if (fd_write_file(knobs[i].path, knobs[i].value, &failure) < 0 && knobs[i].needed) {
            *err = failure;
            return err_prefix(err, "cannot prepare '%s'", place);
        }
    }
    return 0;
}

/* Into a place, its knobs set and its loopback up. */
static int settle(const struct build *build, const char *name, struct net **ret_net, struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    int status = enter(build, name, &net, err);
    if (status == 0) {
        status = set_knobs(name, err);
    }
    if (status == 0) {
        status = net_set_up(net, "lo", err);
    }
    if (status == 0) {
        *ret_net = TAKE(net);
    }
    return status;
}

static int make_places(struct build *build, struct err *err)
{
    static const char *const common[] = {"internet", "backbone", "links"};
    const struct topology *topology = build->topology;
    int status = 0;
    for (size_t i = 0; status == 0 && i < ARRAY_LEN(common); i++) {
        status = make_place(build, common[i], err);
    }
    for (size_t i = 0; status == 0 && i < topology->region_count; i++) {
        status = make_place(build, topology->regions[i].name, err);
    }
    for (size_t i = 0; status == 0 && i < topology->host_count; i++) {
        status = make_place(build, topology->hosts[i].name, err);
    }
    return status;
}

static int port_name(const struct topology_host *host, char out[static IF_NAMESIZE], struct err *err)
{
    return str_format(out, IF_NAMESIZE, "p-%s", host->short_name)
               ? 0
               : err_set(err, ERR_INPUT, "host '%s': 'p-%s' is too long for an interface; use a name of at most %d characters",
                         host->name, host->short_name, IF_NAMESIZE - 3);
}

int64_t netbuild_latency(const struct topology_region *region, enum netbuild_plane plane)
{
    return plane == PLANE_EDGE ? region->edge_latency_ns : region->backbone_latency_ns;
}

static const char *const plane_names[PLANE_COUNT] = {[PLANE_EDGE] = "edge", [PLANE_BACKBONE] = "backbone"};
static const char *const plane_places[PLANE_COUNT] = {[PLANE_EDGE] = "internet", [PLANE_BACKBONE] = "backbone"};
static const int plane_octets[PLANE_COUNT] = {[PLANE_EDGE] = 255, [PLANE_BACKBONE] = 254};

void netbuild_name_link(const struct topology_region *region, enum netbuild_plane plane, struct netbuild_link *ret_link)
{
    const char *name = plane_names[plane];
    *ret_link = (struct netbuild_link){.place = region->name, .far_place = plane_places[plane], .interface = name};
    (void)str_format(ret_link->far_interface, IF_NAMESIZE, "%s-%s", name, region->id);
    (void)str_format(ret_link->a, IF_NAMESIZE, "%s-%s-a", region->id, plane == PLANE_EDGE ? "ed" : "bb");
    (void)str_format(ret_link->b, IF_NAMESIZE, "%s-%s-b", region->id, plane == PLANE_EDGE ? "ed" : "bb");
}

/* The two ends of such a link: 1 is the plane's, 2 the region's. */
static void end_mac(const struct topology_region *region, enum netbuild_plane plane, int end, char out[static 32])
{
    (void)str_format(out, 32, "02:00:00:%02x:%02x:%02x", (unsigned)plane, (unsigned)region->index & 0xffU, (unsigned)end);
}

static void end_address(const struct topology_region *region, enum netbuild_plane plane, int end, char out[static 32])
{
    (void)str_format(out, 32, "10.%d.%d.%d", plane_octets[plane], region->index, end);
}

/* The link between a region's router and a plane, straight or through the emulator. */
static int join_plane(struct build *build, struct net *net, const struct topology_region *region, enum netbuild_plane plane,
                      struct err *err)
{
    struct netbuild_link link;
    char mac[32], far_mac[32];
    if (strlen(region->id) > IF_NAMESIZE - 1 - strlen("backbone-")) {
        return err_set(err, ERR_INPUT,
                       "region '%s': id '%s' is too long for 'backbone-%s' to be an interface; use at most %zu characters",
                       region->name, region->id, region->id, IF_NAMESIZE - 1 - strlen("backbone-"));
    }
    netbuild_name_link(region, plane, &link);
    end_mac(region, plane, 2, mac);
    end_mac(region, plane, 1, far_mac);
    const struct net_end near = {.name = link.interface, .ns_fd = ns_of(build, link.place), .mac = mac};
    const struct net_end far = {.name = link.far_interface, .ns_fd = ns_of(build, link.far_place), .mac = far_mac};
    if (!build->emulated || netbuild_latency(region, plane) == 0) {
        return net_add_veth(net, &near, &far, err);
    }
    const struct net_end a = {.name = link.a, .ns_fd = ns_of(build, "links")};
    const struct net_end b = {.name = link.b, .ns_fd = ns_of(build, "links")};
    int status = net_add_veth(net, &near, &a, err);
    return status < 0 ? status : net_add_veth(net, &far, &b, err);
}

static int join_host(struct build *build, struct net *net, const struct topology_host *host, struct err *err)
{
    char name[IF_NAMESIZE];
    int status = port_name(host, name, err);
    const struct net_end eth0 = {.name = "eth0", .ns_fd = ns_of(build, host->name)};
    const struct net_end port = {.name = name, .ns_fd = ns_of(build, host->region ? host->region->name : "internet")};
    return status < 0 ? status : net_add_veth(net, &eth0, &port, err);
}

static int join_all(struct build *build, struct err *err)
{
    const struct topology *topology = build->topology;
    struct net *net CLEANUP(net_cleanup) = NULL;
    int status = setns(build->home_fd, CLONE_NEWNET) < 0 ? err_errno(err, errno, "cannot go back") : net_open(&net, err);
    if (status == 0) {
        build->emulated = !net_has_netem(net);
    }
    for (size_t i = 0; status == 0 && i < topology->region_count; i++) {
        status = join_plane(build, net, &topology->regions[i], PLANE_EDGE, err);
        if (status == 0) {
            status = join_plane(build, net, &topology->regions[i], PLANE_BACKBONE, err);
        }
    }
    for (size_t i = 0; status == 0 && i < topology->host_count; i++) {
        status = join_host(build, net, &topology->hosts[i], err);
    }
    return status;
}

static int set_up_lan(struct build *build, struct net *net, const struct topology_region *region, const char *bridge,
                      const char *cidr, struct err *err)
{
    const struct topology *topology = build->topology;
    int status = net_add_bridge(net, bridge, err);
    for (size_t i = 0; status == 0 && i < topology->host_count; i++) {
        char port[IF_NAMESIZE];
        if (topology->hosts[i].region != region) {
            continue;
        }
        status = port_name(&topology->hosts[i], port, err);
        if (status == 0) {
            status = net_enslave(net, port, bridge, err);
        }
        if (status == 0) {
            status = net_set_up(net, port, err);
        }
    }
    if (status == 0) {
        status = net_add_address(net, bridge, cidr, err);
    }
    return status < 0 ? status : net_set_up(net, bridge, err);
}

/* One end of a region's link to a plane. */
static int set_up_plane(struct net *net, const char *name, const struct topology_region *region, enum netbuild_plane plane,
                        int end, struct err *err)
{
    char address[32], cidr[40], mac[32];
    end_address(region, plane, end, address);
    (void)str_format(cidr, sizeof(cidr), "%s/30", address);
    int status = net_add_address(net, name, cidr, err);
    if (status == 0) {
        status = net_set_single_segment(net, name, err);
    }
    if (status == 0) {
        status = net_set_up(net, name, err);
    }
    end_address(region, plane, 3 - end, address);
    end_mac(region, plane, 3 - end, mac);
    return status < 0 ? status : net_add_neighbour(net, name, address, mac, err);
}

static int route_region(struct build *build, struct net *net, const struct topology_region *region, struct err *err)
{
    char via[32];
    end_address(region, PLANE_EDGE, 1, via);
    int status = net_add_route(net, "default", via, err);
    end_address(region, PLANE_BACKBONE, 1, via);
    for (size_t i = 0; status == 0 && i < build->topology->region_count; i++) {
        if (&build->topology->regions[i] != region) {
            status = net_add_route(net, build->topology->regions[i].cidr, via, err);
        }
    }
    return status;
}

static int set_up_region(struct build *build, const struct topology_region *region, struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    char cidr[64];
    int status = settle(build, region->name, &net, err);
    (void)str_format(cidr, sizeof(cidr), "%s/24", region->router);
    if (status == 0) {
        status = set_up_lan(build, net, region, "lan", cidr, err);
    }
    for (enum netbuild_plane plane = PLANE_EDGE; status == 0 && plane < PLANE_COUNT; plane++) {
        status = set_up_plane(net, plane_names[plane], region, plane, 2, err);
    }
    return status < 0 ? status : route_region(build, net, region, err);
}

/* Addresses of clients beside the hosts' own: reached by way of the host. */
static int route_clients(struct build *build, struct net *net, struct err *err)
{
    const struct topology *topology = build->topology;
    int status = 0;
    for (size_t i = 0; status == 0 && i < topology->entrypoint.client_count; i++) {
        const struct topology_client *client = &topology->entrypoint.clients[i];
        const struct topology_host *host = topology_host_find(topology, client->vantage);
        if (client->addresses) {
            status = net_add_route(net, client->addresses, host->address, err);
        }
    }
    return status;
}

static int set_up_common(struct build *build, enum netbuild_plane plane, struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    int status = settle(build, plane_places[plane], &net, err);
    if (status == 0 && plane == PLANE_EDGE) {
        status = set_up_lan(build, net, NULL, "br0", "10.9.0.1/24", err);
        status = status < 0 ? status : route_clients(build, net, err);
    }
    for (size_t i = 0; status == 0 && i < build->topology->region_count; i++) {
        const struct topology_region *region = &build->topology->regions[i];
        struct netbuild_link link;
        char via[32];
        netbuild_name_link(region, plane, &link);
        end_address(region, plane, 2, via);
        status = set_up_plane(net, link.far_interface, region, plane, 1, err);
        if (status == 0) {
            status = net_add_route(net, region->cidr, via, err);
        }
    }
    return status;
}

static int set_up_host(struct build *build, const struct topology_host *host, struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    char cidr[64];
    int status = settle(build, host->name, &net, err);
    (void)str_format(cidr, sizeof(cidr), "%s/24", host->address);
    if (status == 0) {
        status = net_add_address(net, "eth0", cidr, err);
    }
    if (status == 0) {
        status = net_set_up(net, "eth0", err);
    }
    const struct topology_client *client = topology_client_find(build->topology, host->name);
    if (status == 0 && client && client->addresses) {
        status = net_add_own_prefix(net, client->addresses, err);
    }
    return status < 0 ? status : net_add_route(net, "default", host->region ? host->region->router : "10.9.0.1", err);
}

static int set_up_links(struct build *build, struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    int status = settle(build, "links", &net, err);
    struct if_nameindex *all = status == 0 ? if_nameindex() : NULL;
    for (struct if_nameindex *one = all; status == 0 && one && one->if_index; one++) {
        if (!str_eq(one->if_name, "lo")) {
            status = net_set_single_segment(net, one->if_name, err);
        }
        if (status == 0) {
            status = net_set_up(net, one->if_name, err);
        }
    }
    if (all) {
        if_freenameindex(all);
    }
    return status;
}

static int set_up_all(struct build *build, struct err *err)
{
    const struct topology *topology = build->topology;
    int status = set_up_links(build, err);
    for (size_t i = 0; status == 0 && i < topology->region_count; i++) {
        status = set_up_region(build, &topology->regions[i], err);
    }
    if (status == 0) {
        status = set_up_common(build, PLANE_EDGE, err);
    }
    if (status == 0) {
        status = set_up_common(build, PLANE_BACKBONE, err);
    }
    for (size_t i = 0; status == 0 && i < topology->host_count; i++) {
        status = set_up_host(build, &topology->hosts[i], err);
    }
    return status;
}

/* The network of containers is their engine's to make; who is no container stands where the engine stands. */
static int share_home(const struct topology *topology, struct err *err)
{
    int status = set_knobs("the engine", err);
    for (size_t i = 0; status == 0 && i < topology->host_count; i++) {
        AUTO_FREE char *path = xasprintf("/run/drill/netns/%s", topology->hosts[i].name);
        AUTO_FD int file = topology->hosts[i].container ? -1 : open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
        if (!topology->hosts[i].container && (file < 0 || mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) < 0)) {
            status = err_errno(err, errno, "cannot make the place of '%s'", topology->hosts[i].name);
        }
    }
    return status;
}

int netbuild(const struct topology *topology, bool *ret_emulated, struct err *err)
{
    if (topology->own_engine) {
        *ret_emulated = false;
        return share_home(topology, err);
    }
    struct build build CLEANUP(build_clear) = {.topology = topology, .home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
    if (build.home_fd < 0) {
        return err_errno(err, errno, "cannot open /proc/self/ns/net");
    }
    int status = make_places(&build, err);
    if (status == 0) {
        status = join_all(&build, err);
    }
    if (status == 0) {
        status = set_up_all(&build, err);
    }
    if (setns(build.home_fd, CLONE_NEWNET) < 0 && status == 0) {
        status = err_errno(err, errno, "cannot go back to the world's own network namespace");
    }
    *ret_emulated = build.emulated;
    return status;
}
