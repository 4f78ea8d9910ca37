/* rtnetlink as the link faults and the snapshot need it. Everything is about the calling thread's network namespace. */
#ifndef DRILL_FAULTS_NETWORK_LINK_H
#define DRILL_FAULTS_NETWORK_LINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

struct link_info {
    int index;
    bool up;
    uint32_t gso_max_segs;
};

int link_get(const char *name, struct link_info *ret_info, struct err *err) MUST_CHECK;
int link_set_up(const char *name, bool up, struct err *err) MUST_CHECK;
/* 1: one segment a packet, so that a packet fault on veth does not hit frames of 60 kB. */
int link_set_gso_max_segs(const char *name, uint32_t segments, struct err *err) MUST_CHECK;
/* Set a link attribute to what it is: 0 when this process may change links here, else ERR_UNSUPPORTED. */
int link_supported(struct err *err) MUST_CHECK;

/* The first IPv4 gateway of a route that leaves through the interface; *ret_gateway stays as it was without one. */
int link_gateway(const char *name, struct in_addr *ret_gateway, struct err *err) MUST_CHECK;

/* The hardware address under which the interface reaches an IPv4 neighbour; *ret_known says whether the kernel knows it. */
int link_neighbour(int index, struct in_addr address, unsigned char hardware[static 6], bool *ret_known,
                   struct err *err) MUST_CHECK;

/* Visit all objects of one kind: RTM_GETROUTE, RTM_GETADDR, RTM_GETNEIGH, RTM_GETLINK, RTM_GETRULE, RTM_GETQDISC or RTM_GETTFILTER
 * (then index says of which link). Asked again when the kernel says that it changed meanwhile; `restart` is called before. */
struct link_dump {
    int type, family, index;
    uint32_t parent; /* RTM_GETTFILTER: the qdisc that it hangs on */
    int (*visit)(const struct nlmsghdr *message, void *context);
    void (*restart)(void *context); /* may be NULL */
    void *context;
};
int link_dump(const struct link_dump *dump, struct err *err) MUST_CHECK;
/* Attributes of a message behind its fixed header of `header_size` bytes, by type; those of `most` and over are left out. */
void link_attributes(const struct nlmsghdr *message, size_t header_size, const struct rtattr **by_type, size_t most);
uint32_t link_attribute_u32(const struct rtattr *attribute, uint32_t fallback); /* attribute may be NULL */

/* Add again what a dump once gave (without its nlmsghdr). What is there already is fine. Gives the kernel's errno or 0. */
int link_replay(int type, const void *payload, size_t size, int *ret_errno, struct err *err) MUST_CHECK;

#endif
