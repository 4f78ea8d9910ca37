/* Links, routes, addresses and neighbours over rtnetlink. */
#include "faults/network/link.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "faults/network/link_socket.h"
#include "harness/base/str.h"

enum { DUMP_TRIES = 5 };

void link_attributes(const struct nlmsghdr *message, size_t header_size, const struct rtattr **by_type, size_t most)
{
    size_t offset = NLMSG_ALIGN(header_size);
    size_t payload = NLMSG_PAYLOAD(message, 0);
    int left = payload > offset ? (int)(payload - offset) : 0;
    const struct rtattr *attribute = (const struct rtattr *)((const char *)NLMSG_DATA(message) + offset);
    memset(by_type, 0, most * sizeof(*by_type));
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        size_t type = attribute->rta_type & NLA_TYPE_MASK;
        if (type < most) {
            by_type[type] = attribute;
        }
    }
}

uint32_t link_attribute_u32(const struct rtattr *attribute, uint32_t fallback)
{
    if (attribute && RTA_PAYLOAD(attribute) >= sizeof(fallback)) {
        memcpy(&fallback, RTA_DATA(attribute), sizeof(fallback));
    }
    return fallback;
}

static int open_route(struct nl_sock **ret_socket, struct err *err)
{
    return link_socket_open(NETLINK_ROUTE, ret_socket, err);
}

static int read_link(const struct nlmsghdr *message, void *context)
{
    struct link_info *info = context;
    const struct ifinfomsg *header = NLMSG_DATA(message);
    const struct rtattr *attributes[IFLA_MAX + 1];
    link_attributes(message, sizeof(*header), attributes, ARRAY_LEN(attributes));
    info->index = header->ifi_index;
    info->up = header->ifi_flags & IFF_UP;
    info->gso_max_segs = link_attribute_u32(attributes[IFLA_GSO_MAX_SEGS], 0);
    return 1; /* one link was asked for: its answer ends the talk */
}

int link_get(const char *name, struct link_info *ret_info, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch request = {0};
    struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
    struct link_info info = {0};
    int status = open_route(&socket, err);
    if (status < 0) {
        return status;
    }
    link_batch_begin(&request, socket, RTM_GETLINK, 0, &header, sizeof(header));
    link_batch_put_text(&request, IFLA_IFNAME, name);
    status = link_socket_dump(socket, &request, read_link, &info);
    if (status < 0) {
        return err_errno(err, -status, "interface '%s': cannot be looked at in this network namespace", name);
    }
    *ret_info = info;
    return 0;
}

/* Change one link: flags under `mask`, and one attribute when `attribute` is not 0. Gives a negative errno. */
static int change_link(int index, unsigned flags, unsigned mask, int attribute, uint32_t value, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = flags, .ifi_change = mask};
    int status = open_route(&socket, err);
    if (status < 0) {
        return status;
    }
    link_batch_begin(&batch, socket, RTM_NEWLINK, NLM_F_ACK, &header, sizeof(header));
    if (attribute) {
        link_batch_put(&batch, attribute, &value, sizeof(value));
    }
    status = link_socket_talk(socket, &batch);
    return status < 0 ? err_errno(err, -status, "rtnetlink refused the change") : 0;
}

int link_set_up(const char *name, bool up, struct err *err)
{
    struct link_info info;
    int status = link_get(name, &info, err);
    if (status == 0 && info.up != up) {
        status = change_link(info.index, up ? IFF_UP : 0, IFF_UP, 0, 0, err);
        if (status < 0) {
            return err_prefix(err, "interface '%s': cannot be set %s", name, up ? "up" : "down");
        }
    }
    return status;
}

int link_set_gso_max_segs(const char *name, uint32_t segments, struct err *err)
{
    struct link_info info;
    int status = link_get(name, &info, err);
    if (status == 0 && info.gso_max_segs != segments) {
        status = change_link(info.index, 0, 0, IFLA_GSO_MAX_SEGS, segments, err);
        if (status < 0) {
            return err_prefix(err, "interface '%s': cannot set gso_max_segs to %u", name, segments);
        }
    }
    return status;
}

int link_supported(struct err *err)
{
    struct link_info info;
    int status = link_get("lo", &info, err);
    if (status == 0) {
        status = change_link(info.index, 0, 0, IFLA_GSO_MAX_SEGS, info.gso_max_segs, err);
    }
    if (status == 0) {
        return 0;
    }
    char why[256];
    (void)str_copy(why, sizeof(why), err->text);
    return err_set(
        err, ERR_UNSUPPORTED,
        "links cannot be changed in this network namespace (%s): it needs CAP_NET_ADMIN; run as root or use a topology whose "
        "namespaces drill makes itself",
        why);
}

/* Which header a request has: the kernel is strict about it only for some, so each gets its own. */
static void begin_dump(struct link_batch *request, struct nl_sock *socket, const struct link_dump *dump)
{
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
        struct rtmsg route;
        struct ndmsg neighbour;
        struct tcmsg traffic;
    } header = {0};
    size_t size = sizeof(header.route);
    header.route.rtm_family = (unsigned char)dump->family; /* the first byte of each of them */
    if (dump->type == RTM_GETLINK) {
        size = sizeof(header.link);
    } else if (dump->type == RTM_GETADDR) {
        size = sizeof(header.address);
    } else if (dump->type == RTM_GETNEIGH) {
        size = sizeof(header.neighbour);
    } else if (dump->type == RTM_GETQDISC || dump->type == RTM_GETTFILTER) {
        size = sizeof(header.traffic);
        header.traffic.tcm_ifindex = dump->index;
        header.traffic.tcm_parent = dump->parent;
    }
    link_batch_begin(request, socket, dump->type, NLM_F_DUMP, &header, size);
}

int link_dump(const struct link_dump *dump, struct err *err)
{
    int status = -EINTR;
    for (int tries = 0; status == -EINTR && tries < DUMP_TRIES; tries++) {
        AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
        struct link_batch request = {0};
        if (tries && dump->restart) {
            dump->restart(dump->context);
        }
        if (open_route(&socket, err) < 0) {
            return -err->code;
        }
        begin_dump(&request, socket, dump);
        status = link_socket_dump(socket, &request, dump->visit, dump->context);
    }
    return status < 0 ? err_errno(err, -status, "rtnetlink: request %d for all objects failed", dump->type) : 0;
}

struct gateway_search {
    int index;
    bool found;
    struct in_addr gateway;
};

static int visit_gateway(const struct nlmsghdr *message, void *context)
{
    struct gateway_search *search = context;
    const struct rtmsg *header = NLMSG_DATA(message);
    const struct rtattr *attributes[RTA_MAX + 1];
    link_attributes(message, sizeof(*header), attributes, ARRAY_LEN(attributes));
    if (!search->found && attributes[RTA_GATEWAY] && header->rtm_family == AF_INET &&
        (int)link_attribute_u32(attributes[RTA_OIF], 0) == search->index) {
        memcpy(&search->gateway, RTA_DATA(attributes[RTA_GATEWAY]), sizeof(search->gateway));
        search->found = true;
    }
    return 0;
}

int link_gateway(const char *name, struct in_addr *ret_gateway, struct err *err)
{
    struct gateway_search search = {0};
    struct link_info info;
    struct link_dump dump = {.type = RTM_GETROUTE, .family = AF_INET, .visit = visit_gateway, .context = &search};
    int status = link_get(name, &info, err);
    search.index = info.index;
    if (status == 0) {
        status = link_dump(&dump, err);
    }
    if (status == 0 && search.found) {
        *ret_gateway = search.gateway;
    }
    return status;
}

struct neighbour_search {
    int index;
    struct in_addr address;
    bool found;
    unsigned char hardware[6];
};

static int visit_neighbour(const struct nlmsghdr *message, void *context)
{
    struct neighbour_search *search = context;
    const struct ndmsg *header = NLMSG_DATA(message);
    const struct rtattr *attributes[NDA_MAX + 1];
    link_attributes(message, sizeof(*header), attributes, ARRAY_LEN(attributes));
    const struct rtattr *hardware = attributes[NDA_LLADDR];
    if (header->ndm_family == AF_INET && header->ndm_ifindex == search->index && hardware &&
        RTA_PAYLOAD(hardware) == sizeof(search->hardware) &&
        link_attribute_u32(attributes[NDA_DST], 0) == search->address.s_addr) {
        memcpy(search->hardware, RTA_DATA(hardware), sizeof(search->hardware));
        search->found = true;
    }
    return 0;
}

int link_neighbour(int index, struct in_addr address, unsigned char hardware[static 6], bool *ret_known, struct err *err)
{
    struct neighbour_search search = {.index = index, .address = address};
    struct link_dump dump = {.type = RTM_GETNEIGH, .family = AF_INET, .visit = visit_neighbour, .context = &search};
    int status = link_dump(&dump, err);
    if (status == 0) {
        *ret_known = search.found;
        memcpy(hardware, search.hardware, sizeof(search.hardware));
    }
    return status;
}

int link_replay(int type, const void *payload, size_t size, int *ret_errno, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    int status = open_route(&socket, err);
    if (status < 0) {
        return status;
    }
    link_batch_begin(&batch, socket, type, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, payload, size);
    *ret_errno = -link_socket_talk(socket, &batch);
    if (*ret_errno == EEXIST) {
        *ret_errno = 0;
    }
    return 0;
}
