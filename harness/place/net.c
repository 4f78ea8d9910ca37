/* rtnetlink as the namespace builder needs it. */
#include "harness/place/net.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/netem.h>
#include <netlink/route/route.h>

#include "harness/base/str.h"

struct net {
    struct nl_sock *socket;
};

DEFINE_CLEANUP(struct rtnl_link *, rtnl_link, rtnl_link_put)
DEFINE_CLEANUP(struct rtnl_addr *, rtnl_addr, rtnl_addr_put)
DEFINE_CLEANUP(struct rtnl_neigh *, rtnl_neigh, rtnl_neigh_put)
DEFINE_CLEANUP(struct rtnl_route *, rtnl_route, rtnl_route_put)
DEFINE_CLEANUP(struct nl_addr *, nl_addr, nl_addr_put)
DEFINE_CLEANUP(struct nl_msg *, nl_msg, nlmsg_free)

static int fail(struct err *err, int status, const char *what, const char *name)
{
    return err_set(err, ERR_SYSTEM, "cannot %s '%s': %s", what, name, nl_geterror(status));
}

int net_open(struct net **ret_net, struct err *err)
{
    struct net *net = xcalloc(1, sizeof(*net));
    net->socket = nl_socket_alloc();
    int status = net->socket ? nl_connect(net->socket, NETLINK_ROUTE) : -NLE_NOMEM;
    if (status < 0) {
        net_close(net);
        return fail(err, status, "open", "rtnetlink");
    }
    *ret_net = net;
    return 0;
}

void net_close(struct net *net)
{
    if (net) {
        nl_socket_free(net->socket);
        free(net);
    }
}

static int describe_end(struct rtnl_link *link, const struct net_end *end, struct err *err)
{
    struct nl_addr *mac CLEANUP(nl_addr_cleanup) = NULL;
    rtnl_link_set_name(link, end->name);
    rtnl_link_set_ns_fd(link, end->ns_fd);
    if (!end->mac) {
        return 0;
    }
    int status = nl_addr_parse(end->mac, AF_LLC, &mac);
    if (status < 0) {
        return fail(err, status, "read the address", end->mac);
    }
    rtnl_link_set_addr(link, mac);
    return 0;
}

int net_add_veth(struct net *net, const struct net_end *end, const struct net_end *peer, struct err *err)
{
    struct rtnl_link *link CLEANUP(rtnl_link_cleanup) = rtnl_link_veth_alloc();
    struct rtnl_link *other CLEANUP(rtnl_link_cleanup) = rtnl_link_veth_get_peer(link);
    int status = describe_end(link, end, err);
    if (status == 0) {
        status = describe_end(other, peer, err);
    }
    if (status < 0) {
        return status;
    }
    status = rtnl_link_add(net->socket, link, NLM_F_CREATE | NLM_F_EXCL);
    return status < 0 ? fail(err, status, "create the link", end->name) : 0;
}

int net_add_bridge(struct net *net, const char *name, struct err *err)
{
    struct rtnl_link *link CLEANUP(rtnl_link_cleanup) = rtnl_link_alloc();
    rtnl_link_set_type(link, "bridge");
    rtnl_link_set_name(link, name);
    int status = rtnl_link_add(net->socket, link, NLM_F_CREATE | NLM_F_EXCL);
    return status < 0 ? fail(err, status, "create the bridge", name) : 0;
}

static int change(struct net *net, const char *name, struct rtnl_link *to, const char *what, struct err *err)
{
    struct rtnl_link *link CLEANUP(rtnl_link_cleanup) = rtnl_link_alloc();
    rtnl_link_set_ifindex(link, (int)if_nametoindex(name));
    int status = rtnl_link_change(net->socket, link, to, 0);
    return status < 0 ? fail(err, status, what, name) : 0;
}

int net_enslave(struct net *net, const char *name, const char *bridge, struct err *err)
{
    struct rtnl_link *to CLEANUP(rtnl_link_cleanup) = rtnl_link_alloc();
    rtnl_link_set_master(to, (int)if_nametoindex(bridge));
    return change(net, name, to, "put into a bridge the link", err);
}

int net_set_up(struct net *net, const char *name, struct err *err)
{
    struct rtnl_link *to CLEANUP(rtnl_link_cleanup) = rtnl_link_alloc();
    rtnl_link_set_flags(to, IFF_UP);
    return change(net, name, to, "bring up", err);
}

static int parse(const char *text, struct nl_addr **ret_addr, struct err *err)
{
    int status = nl_addr_parse(text, AF_INET, ret_addr);
    return status < 0 ? fail(err, status, "read the address", text) : 0;
}

int net_add_address(struct net *net, const char *name, const char *cidr, struct err *err)
{
    struct rtnl_addr *addr CLEANUP(rtnl_addr_cleanup) = rtnl_addr_alloc();
    struct nl_addr *local CLEANUP(nl_addr_cleanup) = NULL;
    int status = parse(cidr, &local, err);
    if (status < 0) {
        return status;
    }
    rtnl_addr_set_ifindex(addr, (int)if_nametoindex(name));
    rtnl_addr_set_local(addr, local);
    status = rtnl_addr_add(net->socket, addr, 0);
    return status < 0 ? fail(err, status, "add the address", cidr) : 0;
}

int net_add_route(struct net *net, const char *cidr, const char *via, struct err *err)
{
    struct rtnl_route *route CLEANUP(rtnl_route_cleanup) = rtnl_route_alloc();
    struct nl_addr *to CLEANUP(nl_addr_cleanup) = NULL;
    struct nl_addr *gateway CLEANUP(nl_addr_cleanup) = NULL;
    int status = parse(str_eq(cidr, "default") ? "0.0.0.0/0" : cidr, &to, err);
    if (status == 0) {
        status = parse(via, &gateway, err);
    }
    if (status < 0) {
        return status;
    }
    struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
    rtnl_route_nh_set_gateway(hop, gateway);
    rtnl_route_add_nexthop(route, hop);
    rtnl_route_set_dst(route, to);
    rtnl_route_set_table(route, RT_TABLE_MAIN);
    status = rtnl_route_add(net->socket, route, 0);
    return status < 0 ? fail(err, status, "add the route to", cidr) : 0;
}

int net_add_own_prefix(struct net *net, const char *cidr, struct err *err)
{
    struct rtnl_route *route CLEANUP(rtnl_route_cleanup) = rtnl_route_alloc();
    struct nl_addr *to CLEANUP(nl_addr_cleanup) = NULL;
    int status = parse(cidr, &to, err);
    if (status < 0) {
        return status;
    }
    struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
    rtnl_route_nh_set_ifindex(hop, (int)if_nametoindex("lo"));
    rtnl_route_add_nexthop(route, hop);
    rtnl_route_set_dst(route, to);
    rtnl_route_set_type(route, RTN_LOCAL);
    rtnl_route_set_scope(route, RT_SCOPE_HOST);
    rtnl_route_set_table(route, RT_TABLE_LOCAL);
    status = rtnl_route_add(net->socket, route, 0);
    return status < 0 ? fail(err, status, "make this place's own", cidr) : 0;
}

int net_add_neighbour(struct net *net, const char *name, const char *address, const char *mac, struct err *err)
{
    struct rtnl_neigh *neigh CLEANUP(rtnl_neigh_cleanup) = rtnl_neigh_alloc();
    struct nl_addr *to CLEANUP(nl_addr_cleanup) = NULL;
    struct nl_addr *hardware CLEANUP(nl_addr_cleanup) = NULL;
    int status = parse(address, &to, err);
    if (status < 0) {
        return status;
    }
    status = nl_addr_parse(mac, AF_LLC, &hardware);
    if (status < 0) {
        return fail(err, status, "read the address", mac);
    }
    rtnl_neigh_set_ifindex(neigh, (int)if_nametoindex(name));
    rtnl_neigh_set_dst(neigh, to);
    rtnl_neigh_set_lladdr(neigh, hardware);
    rtnl_neigh_set_state(neigh, NUD_PERMANENT);
    status = rtnl_neigh_add(net->socket, neigh, NLM_F_CREATE | NLM_F_REPLACE);
    return status < 0 ? fail(err, status, "add the neighbour", address) : 0;
}

/* libnl 3.7 can read this attribute but not set it. */
int net_set_single_segment(struct net *net, const char *name, struct err *err)
{
    struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)};
    struct nl_msg *msg CLEANUP(nl_msg_cleanup) = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);
    (void)nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
    (void)nla_put_u32(msg, IFLA_GSO_MAX_SEGS, 1);
    int status = nl_send_auto(net->socket, msg);
    if (status >= 0) {
        status = nl_wait_for_ack(net->socket);
    }
    return status < 0 ? fail(err, status, "limit the segments of", name) : 0;
}

bool net_has_netem(struct net *net)
{
    struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();
    rtnl_tc_set_ifindex(TC_CAST(qdisc), (int)if_nametoindex("lo"));
    rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_ROOT);
    rtnl_tc_set_kind(TC_CAST(qdisc), "netem");
    bool has = rtnl_qdisc_add(net->socket, qdisc, NLM_F_CREATE) == 0;
    if (has) {
        (void)rtnl_qdisc_delete(net->socket, qdisc);
    }
    rtnl_qdisc_put(qdisc);
    return has;
}
