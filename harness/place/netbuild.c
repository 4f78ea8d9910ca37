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

/* /proc/sys/net shows the namespace of whoever looks. Not every kernel has every knob, and defaults do then. */
static void set_knobs(void)
{
    static const struct {
        const char *path, *value;
    } knobs[] = {
        {"/proc/sys/net/ipv4/ip_forward", "1"},
        {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
        {"/proc/sys/net/ipv4/ip_local_port_range", "1024 65535"},
        {"/proc/sys/net/ipv4/conf/all/rp_filter", "0"},
        {"/proc/sys/net/ipv4/conf/default/rp_filter", "0"},
        {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
        {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
    };
    struct err ignored = {0};
    for (size_t i = 0; i < ARRAY_LEN(knobs); i++) {
        (void)!fd_write_file(knobs[i].path, knobs[i].value, &ignored);
    }
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

static void port_name(const struct topology_host *host, char out[static IF_NAMESIZE])
{
    (void)str_format(out, IF_NAMESIZE, "p-%s", host->short_name);
}

static void far_name(const char *plane, const struct topology_region *region, char out[static IF_NAMESIZE])
{
    (void)str_format(out, IF_NAMESIZE, "%s-%s", plane, region->id);
}

/* The link between a region's router and a plane, straight or through the emulator. */
static int join_plane(struct build *build, struct net *net, const struct topology_region *region, const char *plane,
                      const char *place, int64_t latency_ns, struct err *err)
{
    char far[IF_NAMESIZE], a[IF_NAMESIZE], b[IF_NAMESIZE];
    far_name(str_eq(plane, "edge") ? "edge" : "backbone", region, far);
    if (!build->emulated || latency_ns == 0) {
        return net_add_veth(net, plane, ns_of(build, region->name), far, ns_of(build, place), err);
    }
    (void)str_format(a, sizeof(a), "%s-%.2s-a", region->id, plane);
    (void)str_format(b, sizeof(b), "%s-%.2s-b", region->id, plane);
    int status = net_add_veth(net, plane, ns_of(build, region->name), a, ns_of(build, "links"), err);
    return status < 0 ? status : net_add_veth(net, far, ns_of(build, place), b, ns_of(build, "links"), err);
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
        const struct topology_region *region = &topology->regions[i];
        status = join_plane(build, net, region, "edge", "internet", region->edge_latency_ns, err);
        if (status == 0) {
            status = join_plane(build, net, region, "backbone", "backbone", region->backbone_latency_ns, err);
        }
    }
    for (size_t i = 0; status == 0 && i < topology->host_count; i++) {
        const struct topology_host *host = &topology->hosts[i];
        char port[IF_NAMESIZE];
        port_name(host, port);
        const char *router = host->region ? host->region->name : "internet";
        status = net_add_veth(net, "eth0", ns_of(build, host->name), port, ns_of(build, router), err);
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
        port_name(&topology->hosts[i], port);
        status = net_enslave(net, port, bridge, err);
        if (status == 0) {
            status = net_set_up(net, port, err);
        }
    }
    if (status == 0) {
        status = net_add_address(net, bridge, cidr, err);
    }
    return status < 0 ? status : net_set_up(net, bridge, err);
}

static int set_up_plane(struct net *net, const char *name, const char *cidr, struct err *err)
{
    int status = net_add_address(net, name, cidr, err);
    if (status == 0) {
        status = net_set_single_segment(net, name, err);
    }
    return status < 0 ? status : net_set_up(net, name, err);
}

static int set_up_region(struct build *build, const struct topology_region *region, struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    char cidr[64], via[64];
    int status = enter(build, region->name, &net, err);
    if (status < 0) {
        return status;
    }
    set_knobs();
    (void)str_format(cidr, sizeof(cidr), "%s/24", region->router);
    status = net_set_up(net, "lo", err);
    status = status < 0 ? status : set_up_lan(build, net, region, "lan", cidr, err);
    (void)str_format(cidr, sizeof(cidr), "10.255.%d.2/30", region->index);
    status = status < 0 ? status : set_up_plane(net, "edge", cidr, err);
    (void)str_format(cidr, sizeof(cidr), "10.254.%d.2/30", region->index);
    status = status < 0 ? status : set_up_plane(net, "backbone", cidr, err);
    (void)str_format(via, sizeof(via), "10.255.%d.1", region->index);
    status = status < 0 ? status : net_add_route(net, "default", via, err);
    (void)str_format(via, sizeof(via), "10.254.%d.1", region->index);
    for (size_t i = 0; status == 0 && i < build->topology->region_count; i++) {
        if (&build->topology->regions[i] != region) {
            status = net_add_route(net, build->topology->regions[i].cidr, via, err);
        }
    }
    return status;
}

static int set_up_common(struct build *build, const char *place, const char *plane, int second_octet, struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    int status = enter(build, place, &net, err);
    if (status == 0) {
        set_knobs();
        status = net_set_up(net, "lo", err);
    }
    if (status == 0 && str_eq(place, "internet")) {
        status = set_up_lan(build, net, NULL, "br0", "10.9.0.1/24", err);
    }
    for (size_t i = 0; status == 0 && i < build->topology->region_count; i++) {
        const struct topology_region *region = &build->topology->regions[i];
        char name[IF_NAMESIZE], cidr[64], via[64];
        far_name(plane, region, name);
        (void)str_format(cidr, sizeof(cidr), "10.%d.%d.1/30", second_octet, region->index);
        (void)str_format(via, sizeof(via), "10.%d.%d.2", second_octet, region->index);
        status = set_up_plane(net, name, cidr, err);
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
    int status = enter(build, host->name, &net, err);
    if (status < 0) {
        return status;
    }
    set_knobs();
    (void)str_format(cidr, sizeof(cidr), "%s/24", host->address);
    status = net_set_up(net, "lo", err);
    if (status == 0) {
        status = net_add_address(net, "eth0", cidr, err);
    }
    if (status == 0) {
        status = net_set_up(net, "eth0", err);
    }
    return status < 0 ? status : net_add_route(net, "default", host->region ? host->region->router : "10.9.0.1", err);
}

static int set_up_links(struct build *build, struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    int status = enter(build, "links", &net, err);
    struct if_nameindex *all = status == 0 ? if_nameindex() : NULL;
    for (struct if_nameindex *one = all; status == 0 && one && one->if_index; one++) {
        status = net_set_up(net, one->if_name, err);
        if (status == 0 && !str_eq(one->if_name, "lo")) {
            status = net_set_single_segment(net, one->if_name, err);
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
        status = set_up_common(build, "internet", "edge", 255, err);
    }
    if (status == 0) {
        status = set_up_common(build, "backbone", "backbone", 254, err);
    }
    for (size_t i = 0; status == 0 && i < topology->host_count; i++) {
        status = set_up_host(build, &topology->hosts[i], err);
    }
    return status;
}

int netbuild(const struct topology *topology, bool *ret_emulated, struct err *err)
{
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
