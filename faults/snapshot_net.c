/* Links, addresses, neighbours, routes, rules, qdiscs and filters of the present network namespace, in words. What comes and goes by
 * itself is left out. */
#include "faults/snapshot_net.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <string.h>

#include "faults/network/link.h"
#include "harness/base/buf.h"

struct collecting {
    struct snapshot *snapshot;
    size_t began; /* how many things there were before this dump: it may have to begin again */
};

static const char *interface_name(int index, char out[static IF_NAMESIZE])
{
    if (!if_indextoname((unsigned)index, out)) {
        (void)str_format(out, IF_NAMESIZE, "#%d", index);
    }
    return out;
}

static void put_address(struct buf *out, int family, const struct rtattr *attribute)
{
    char text[INET6_ADDRSTRLEN];
    size_t size = family == AF_INET ? 4 : 16;
    bool internet = family == AF_INET || family == AF_INET6;
    if (attribute && internet && RTA_PAYLOAD(attribute) >= size && inet_ntop(family, RTA_DATA(attribute), text, sizeof(text))) {
        buf_puts(out, text);
    } else {
        buf_puts(out, "?");
    }
}

static void put_prefix(struct buf *out, int family, const struct rtattr *attribute, int bits, const char *without)
{
    if (attribute) {
        put_address(out, family, attribute);
        buf_printf(out, "/%d", bits);
    } else {
        buf_puts(out, without);
    }
}

static const char *text_of(const struct rtattr *attribute)
{
    return attribute ? RTA_DATA(attribute) : "";
}

static int visit_link(const struct nlmsghdr *message, void *context)
{
    struct collecting *collecting = context;
    const struct ifinfomsg *link = NLMSG_DATA(message);
    const struct rtattr *attributes[IFLA_MAX + 1];
    struct buf name CLEANUP(buf_clear) = {0}, value CLEANUP(buf_clear) = {0};
    link_attributes(message, sizeof(*link), attributes, ARRAY_LEN(attributes));
    buf_printf(&name, "link %s", text_of(attributes[IFLA_IFNAME]));
    buf_printf(&value, "%s%s%s%s, mtu %u, gso_max_segs %u, gso_max_size %u, txqlen %u, master %u",
               link->ifi_flags & IFF_UP ? "up" : "down", link->ifi_flags & IFF_NOARP ? ", noarp" : "",
               link->ifi_flags & IFF_PROMISC ? ", promisc" : "", link->ifi_flags & IFF_ALLMULTI ? ", allmulti" : "",
               link_attribute_u32(attributes[IFLA_MTU], 0), link_attribute_u32(attributes[IFLA_GSO_MAX_SEGS], 0),
               link_attribute_u32(attributes[IFLA_GSO_MAX_SIZE], 0), link_attribute_u32(attributes[IFLA_TXQLEN], 0),
               link_attribute_u32(attributes[IFLA_MASTER], 0));
    snapshot_add(collecting->snapshot, buf_str(&name), buf_str(&value));
    return 0;
}

/* Link-local addresses are the kernel's own and come back with a delay after a link was down. */
static int visit_address(const struct nlmsghdr *message, void *context)
{
    struct collecting *collecting = context;
    const struct ifaddrmsg *address = NLMSG_DATA(message);
    const struct rtattr *attributes[IFA_MAX + 1];
    char interface[IF_NAMESIZE];
    struct buf name CLEANUP(buf_clear) = {0};
    link_attributes(message, sizeof(*address), attributes, ARRAY_LEN(attributes));
    bool own = address->ifa_family == AF_INET6 && address->ifa_scope == RT_SCOPE_LINK;
    if (!own && (address->ifa_flags & IFA_F_PERMANENT)) {
        buf_puts(&name, "address ");
        put_address(&name, address->ifa_family, attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS]);
        buf_printf(&name, "/%d of %s", address->ifa_prefixlen, interface_name((int)address->ifa_index, interface));
        snapshot_add(collecting->snapshot, buf_str(&name), "");
    }
    return 0;
}

static int visit_neighbour(const struct nlmsghdr *message, void *context)
{
    struct collecting *collecting = context;
    const struct ndmsg *neighbour = NLMSG_DATA(message);
    const struct rtattr *attributes[NDA_MAX + 1];
    char interface[IF_NAMESIZE];
    struct buf name CLEANUP(buf_clear) = {0}, value CLEANUP(buf_clear) = {0};
    link_attributes(message, sizeof(*neighbour), attributes, ARRAY_LEN(attributes));
    if (!(neighbour->ndm_state & NUD_PERMANENT) || (neighbour->ndm_family != AF_INET && neighbour->ndm_family != AF_INET6)) {
        return 0;
    }
    buf_puts(&name, "permanent neighbour ");
    put_address(&name, neighbour->ndm_family, attributes[NDA_DST]);
    buf_printf(&name, " of %s", interface_name(neighbour->ndm_ifindex, interface));
    const struct rtattr *hardware = attributes[NDA_LLADDR];
    for (size_t i = 0; hardware && i < RTA_PAYLOAD(hardware); i++) {
        buf_printf(&value, "%s%02x", i ? ":" : "", ((const unsigned char *)RTA_DATA(hardware))[i]);
    }
    snapshot_add(collecting->snapshot, buf_str(&name), buf_str(&value));
    return 0;
}

static void put_hop(struct buf *out, int family, int index, const struct rtattr *gateway)
{
    char interface[IF_NAMESIZE];
    if (gateway) {
        buf_puts(out, "via ");
        put_address(out, family, gateway);
        buf_puts(out, " ");
    }
    buf_printf(out, "dev %s", index ? interface_name(index, interface) : "none");
}

static void put_hops(struct buf *out, int family, const struct rtattr *list)
{
    int left = (int)RTA_PAYLOAD(list);
    for (const struct rtnexthop *hop = RTA_DATA(list); RTNH_OK(hop, left);
         left -= (int)NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
        const struct rtattr *gateway = NULL;
        int size = (int)(hop->rtnh_len - sizeof(*hop));
        for (const struct rtattr *at = RTNH_DATA(hop); RTA_OK(at, size); at = RTA_NEXT(at, size)) {
            gateway = at->rta_type == RTA_GATEWAY ? at : gateway;
        }
        put_hop(out, family, hop->rtnh_ifindex, gateway);
        buf_puts(out, " ");
    }
}

static bool volatile_route(const struct rtmsg *route, const struct rtattr *const *attributes)
{
    if (route->rtm_flags & RTM_F_CLONED) {
        return true;
    }
    if (route->rtm_family == AF_INET6) {
        const struct rtattr *cache = attributes[RTA_CACHEINFO];
        bool expires = cache && RTA_PAYLOAD(cache) >= sizeof(struct rta_cacheinfo) &&
                       ((const struct rta_cacheinfo *)RTA_DATA(cache))->rta_expires != 0;
        /* What the kernel derives from addresses waits for duplicate address detection. */
        return expires || route->rtm_protocol == RTPROT_KERNEL || route->rtm_protocol == RTPROT_RA;
    }
    return false;
}

static int visit_route(const struct nlmsghdr *message, void *context)
{
    static const char *const types[] = {
        "", "", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat"};
    struct collecting *collecting = context;
    const struct rtmsg *route = NLMSG_DATA(message);
    const struct rtattr *attributes[RTA_MAX + 1];
    struct buf name CLEANUP(buf_clear) = {0}, value CLEANUP(buf_clear) = {0};
    link_attributes(message, sizeof(*route), attributes, ARRAY_LEN(attributes));
    if (volatile_route(route, attributes)) {
        return 0;
    }
    const char *type = route->rtm_type < ARRAY_LEN(types) ? types[route->rtm_type] : "";
    buf_printf(&name, "%s%sroute ", type, *type ? " " : "");
    put_prefix(&name, route->rtm_family, attributes[RTA_DST], route->rtm_dst_len, "default");
    buf_printf(&name, " metric %u in table %u", link_attribute_u32(attributes[RTA_PRIORITY], 0),
               link_attribute_u32(attributes[RTA_TABLE], route->rtm_table));
    if (attributes[RTA_MULTIPATH]) {
        put_hops(&value, route->rtm_family, attributes[RTA_MULTIPATH]);
    } else {
        put_hop(&value, route->rtm_family, (int)link_attribute_u32(attributes[RTA_OIF], 0), attributes[RTA_GATEWAY]);
    }
    snapshot_add(collecting->snapshot, buf_str(&name), buf_str(&value));
    return 0;
}

static int visit_rule(const struct nlmsghdr *message, void *context)
{
    struct collecting *collecting = context;
    const struct fib_rule_hdr *rule = NLMSG_DATA(message);
    const struct rtattr *attributes[FRA_MAX + 1];
    struct buf name CLEANUP(buf_clear) = {0};
    link_attributes(message, sizeof(*rule), attributes, ARRAY_LEN(attributes));
    buf_printf(&name, "%s rule %u from ", rule->family == AF_INET6 ? "ip6" : "ip",
               link_attribute_u32(attributes[FRA_PRIORITY], 0));
    put_prefix(&name, rule->family, attributes[FRA_SRC], rule->src_len, "all");
    buf_puts(&name, " to ");
    put_prefix(&name, rule->family, attributes[FRA_DST], rule->dst_len, "all");
    buf_printf(&name, " iif '%s' oif '%s' mark %u action %u table %u", text_of(attributes[FRA_IIFNAME]),
               text_of(attributes[FRA_OIFNAME]), link_attribute_u32(attributes[FRA_FWMARK], 0), rule->action,
               link_attribute_u32(attributes[FRA_TABLE], rule->table));
    snapshot_add(collecting->snapshot, buf_str(&name), "");
    return 0;
}

/* Every link has a queue of the kernel's choice, which changes its name with the link's state: only others count. */
static bool default_qdisc(const char *kind)
{
    static const char *const kinds[] = {"noqueue", "pfifo_fast", "fq_codel", "mq", "noop"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(kind, kinds[i])) {
            return true;
        }
    }
    return false;
}

static int visit_traffic(const struct nlmsghdr *message, void *context)
{
    struct collecting *collecting = context;
    const struct tcmsg *traffic = NLMSG_DATA(message);
    const struct rtattr *attributes[TCA_MAX + 1];
    char interface[IF_NAMESIZE];
    struct buf name CLEANUP(buf_clear) = {0}, value CLEANUP(buf_clear) = {0};
    link_attributes(message, sizeof(*traffic), attributes, ARRAY_LEN(attributes));
    bool filter = message->nlmsg_type == RTM_NEWTFILTER;
    if (filter || !default_qdisc(text_of(attributes[TCA_KIND]))) {
        buf_printf(&name, "%s of %s at %x", filter ? "filter" : "qdisc", interface_name(traffic->tcm_ifindex, interface),
                   traffic->tcm_parent);
        buf_printf(&value, "%s %x", text_of(attributes[TCA_KIND]), traffic->tcm_handle);
        const struct rtattr *options = attributes[TCA_OPTIONS];
        uint32_t sum = 2166136261u; /* of a qdisc's settings a sum is enough to see a change; filters count packets in theirs */
        for (size_t i = 0; options && !filter && i < RTA_PAYLOAD(options); i++) {
            sum = (sum ^ ((const unsigned char *)RTA_DATA(options))[i]) * 16777619u;
        }
        buf_printf(&value, " (settings %08x)", sum);
        snapshot_add(collecting->snapshot, buf_str(&name), buf_str(&value));
    }
    return 0;
}

static void restart(void *context)
{
    struct collecting *collecting = context;
    while (collecting->snapshot->things.count > collecting->began) {
        struct thing *last = &collecting->snapshot->things.items[--collecting->snapshot->things.count];
        free(last->name);
        free(last->value);
    }
}

static int collect(struct snapshot *snapshot, struct link_dump dump, struct err *err)
{
    struct collecting collecting = {snapshot, snapshot->things.count};
    dump.context = &collecting;
    dump.restart = restart;
    return link_dump(&dump, err);
}

/* Filters hang on the root, and on the two sides of clsact. */
static int add_filters(struct snapshot *snapshot, struct err *err)
{
    static const uint32_t parents[] = {0, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
    struct if_nameindex *links = if_nameindex();
    int status = 0;
    for (struct if_nameindex *link = links; link && link->if_index && status == 0; link++) {
        for (size_t i = 0; i < ARRAY_LEN(parents) && status == 0; i++) {
            struct link_dump dump = {
                .type = RTM_GETTFILTER, .index = (int)link->if_index, .parent = parents[i], .visit = visit_traffic};
            status = collect(snapshot, dump, err);
        }
    }
    if_freenameindex(links);
    return status;
}

int snapshot_add_network(struct snapshot *snapshot, struct err *err)
{
    const struct link_dump dumps[] = {
        {.type = RTM_GETLINK, .visit = visit_link},
        {.type = RTM_GETADDR, .visit = visit_address},
        {.type = RTM_GETNEIGH, .visit = visit_neighbour},
        {.type = RTM_GETROUTE, .family = AF_INET, .visit = visit_route},
        {.type = RTM_GETROUTE, .family = AF_INET6, .visit = visit_route},
        {.type = RTM_GETRULE, .family = AF_INET, .visit = visit_rule},
        {.type = RTM_GETRULE, .family = AF_INET6, .visit = visit_rule},
        {.type = RTM_GETQDISC, .visit = visit_traffic},
    };
    for (size_t i = 0; i < ARRAY_LEN(dumps); i++) {
        int status = collect(snapshot, dumps[i], err);
        if (status < 0) {
            return status;
        }
    }
    return add_filters(snapshot, err);
}
