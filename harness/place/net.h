/* rtnetlink as the namespace builder needs it: one socket in the present network namespace. The room's only user of libnl. */
#ifndef DRILL_PLACE_NET_H
#define DRILL_PLACE_NET_H

#include <stdbool.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

struct net;

int net_open(struct net **ret_net, struct err *err) MUST_CHECK; /* of the calling thread's namespace, now */
void net_close(struct net *net);                                /* accepts NULL */
DEFINE_CLEANUP(struct net *, net, net_close)

struct net_end {
    const char *name;
    int ns_fd;
    const char *mac; /* "02:00:00:00:01:02"; NULL: the kernel's choice */
};

/* A pair of Ethernet devices, each end created right in its namespace. */
int net_add_veth(struct net *net, const struct net_end *end, const struct net_end *peer, struct err *err) MUST_CHECK;
int net_add_bridge(struct net *net, const char *name, struct err *err) MUST_CHECK;
int net_enslave(struct net *net, const char *name, const char *bridge, struct err *err) MUST_CHECK;
int net_set_up(struct net *net, const char *name, struct err *err) MUST_CHECK;
int net_add_address(struct net *net, const char *name, const char *cidr, struct err *err) MUST_CHECK; /* "10.1.0.1/24" */
int net_add_route(struct net *net, const char *cidr, const char *via, struct err *err) MUST_CHECK;    /* "default" too */
/* The whole prefix is this place's own: programs may bind to any address in it. */
int net_add_own_prefix(struct net *net, const char *cidr, struct err *err) MUST_CHECK;
/* A neighbour for good, so that no packet is lost or late for want of ARP. */
int net_add_neighbour(struct net *net, const char *name, const char *address, const char *mac, struct err *err) MUST_CHECK;
/* One segment a packet: otherwise a packet fault on veth would hit frames of 60 kB. */
int net_set_single_segment(struct net *net, const char *name, struct err *err) MUST_CHECK;
/* Does the kernel have sch_netem? Tried on "lo" and taken off again. */
bool net_has_netem(struct net *net);

#endif
