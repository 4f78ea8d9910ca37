/* Remembering and restoring by the kernel's own messages: nothing of a route is lost on the way through a model of ours. */
#include "faults/network/link_memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "faults/network/link.h"
#include "harness/base/str.h"

enum { MESSAGE_MAX = 2048, RESTORE_PASSES = 4 };

struct memory {
    int index;
    json_t *journal;
};

static json_t *to_hex(const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    char text[MESSAGE_MAX * 2 + 1];
    for (size_t i = 0; i < size; i++) {
        text[i * 2] = digits[bytes[i] >> 4];
        text[i * 2 + 1] = digits[bytes[i] & 15];
    }
    text[size * 2] = '\0';
    return json_string(text);
}

static size_t from_hex(const char *text, unsigned char out[static MESSAGE_MAX])
{
    size_t size = 0;
    unsigned byte;
    while (size < MESSAGE_MAX && text[size * 2] && text[size * 2 + 1] && sscanf(text + size * 2, "%2x", &byte) == 1) {
        out[size++] = (unsigned char)byte;
    }
    return size;
}

static void remember(struct memory *memory, const struct nlmsghdr *message, const char *what)
{
    size_t size = NLMSG_PAYLOAD(message, 0);
    if (size <= MESSAGE_MAX) {
        json_array_append_new(memory->journal, json_pack("{s:i, s:s, s:o}", "type", message->nlmsg_type, "what", what, "message",
                                                         to_hex(NLMSG_DATA(message), size)));
    }
}

static const char *address_text(int family, const struct rtattr *attribute, char out[static INET6_ADDRSTRLEN])
{
    if (!attribute || !inet_ntop(family, RTA_DATA(attribute), out, INET6_ADDRSTRLEN)) {
        (void)str_copy(out, INET6_ADDRSTRLEN, "default");
    }
    return out;
}

/* Of several next hops one is enough to be remembered: the kernel drops the whole route with the last of them. */
static bool leaves_through(const struct rtattr *const *attributes, int index)
{
    if ((int)link_attribute_u32(attributes[RTA_OIF], 0) == index) {
        return true;
    }
    const struct rtattr *list = attributes[RTA_MULTIPATH];
    int left = list ? (int)RTA_PAYLOAD(list) : 0;
    const struct rtnexthop *hop = list ? RTA_DATA(list) : NULL;
    for (; hop && RTNH_OK(hop, left); left -= NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
        if (hop->rtnh_ifindex == index) {
            return true;
        }
    }
    return false;
}

/* What the kernel makes itself from addresses comes back with the link; cached and learned routes are nobody's configuration. */
static int visit_route(const struct nlmsghdr *message, void *context)
{
    struct memory *memory = context;
    const struct rtmsg *route = NLMSG_DATA(message);
    const struct rtattr *attributes[RTA_MAX + 1];
    char address[INET6_ADDRSTRLEN], what[128];
    link_attributes(message, sizeof(*route), attributes, ARRAY_LEN(attributes));
    bool made_by_kernel = route->rtm_protocol == RTPROT_KERNEL || route->rtm_protocol == RTPROT_RA;
    if (made_by_kernel || (route->rtm_flags & RTM_F_CLONED) || !leaves_through(attributes, memory->index)) {
        return 0;
    }
    (void)str_format(what, sizeof(what), "route %s/%d in table %u", address_text(route->rtm_family, attributes[RTA_DST], address),
                     route->rtm_dst_len, link_attribute_u32(attributes[RTA_TABLE], route->rtm_table));
    remember(memory, message, what);
    return 0;
}

static int visit_neighbour(const struct nlmsghdr *message, void *context)
{
    struct memory *memory = context;
    const struct ndmsg *neighbour = NLMSG_DATA(message);
    const struct rtattr *attributes[NDA_MAX + 1];
    char address[INET6_ADDRSTRLEN], what[128];
    link_attributes(message, sizeof(*neighbour), attributes, ARRAY_LEN(attributes));
    bool internet = neighbour->ndm_family == AF_INET || neighbour->ndm_family == AF_INET6;
    if (neighbour->ndm_ifindex == memory->index && internet && (neighbour->ndm_state & NUD_PERMANENT)) {
        (void)str_format(what, sizeof(what), "permanent neighbour %s",
                         address_text(neighbour->ndm_family, attributes[NDA_DST], address));
        remember(memory, message, what);
    }
    return 0;
}

/* IPv4 addresses outlive a link that is down, IPv6 ones do not; the link-local one is made again by the kernel. */
static int visit_address(const struct nlmsghdr *message, void *context)
{
    struct memory *memory = context;
    const struct ifaddrmsg *address = NLMSG_DATA(message);
    const struct rtattr *attributes[IFA_MAX + 1];
    char text[INET6_ADDRSTRLEN], what[128];
    link_attributes(message, sizeof(*address), attributes, ARRAY_LEN(attributes));
    if ((int)address->ifa_index == memory->index && address->ifa_family == AF_INET6 && address->ifa_scope != RT_SCOPE_LINK &&
        (address->ifa_flags & IFA_F_PERMANENT)) {
        (void)str_format(what, sizeof(what), "address %s/%d", address_text(AF_INET6, attributes[IFA_ADDRESS], text),
                         address->ifa_prefixlen);
        remember(memory, message, what);
    }
    return 0;
}

static void forget(void *context)
{
    struct memory *memory = context;
    json_array_clear(memory->journal);
}

static int take_all(struct memory *memory, struct err *err)
{
    const struct link_dump dumps[] = {
        {.type = RTM_GETADDR, .family = AF_INET6, .visit = visit_address},
        {.type = RTM_GETNEIGH, .family = AF_UNSPEC, .visit = visit_neighbour},
        {.type = RTM_GETROUTE, .family = AF_INET, .visit = visit_route},
        {.type = RTM_GETROUTE, .family = AF_INET6, .visit = visit_route},
    };
    for (size_t i = 0; i < ARRAY_LEN(dumps); i++) {
        AUTO_JSON json_t *part = json_array();
        struct memory into = {memory->index, part};
        struct link_dump dump = dumps[i];
        dump.context = &into;
        dump.restart = forget;
        int status = link_dump(&dump, err);
        if (status < 0) {
            return status;
        }
        json_array_extend(memory->journal, part);
    }
    return 0;
}

int link_memory_take(const char *interface, json_t *journal, struct err *err)
{
    struct link_info info;
    int status = link_get(interface, &info, err);
    struct memory memory = {info.index, journal};
    return status < 0 ? status : take_all(&memory, err);
}

/* The kernel says these flags but does not take them. */
static void revive(struct rtmsg *route, size_t size)
{
    const unsigned dead = RTNH_F_DEAD | RTNH_F_LINKDOWN;
    int left = (int)size - (int)NLMSG_ALIGN(sizeof(*route));
    route->rtm_flags &= ~dead;
    for (struct rtattr *attribute = RTM_RTA(route); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        int rest = (int)RTA_PAYLOAD(attribute);
        struct rtnexthop *hop = RTA_DATA(attribute);
        for (; attribute->rta_type == RTA_MULTIPATH && RTNH_OK(hop, rest); hop = RTNH_NEXT(hop)) {
            rest -= (int)NLMSG_ALIGN(hop->rtnh_len);
            hop->rtnh_flags &= (unsigned char)~dead;
        }
    }
}

static int restore_one(const json_t *item, int *ret_errno, struct err *err)
{
    unsigned char message[MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
    int type = (int)json_int(item, "type", 0);
    size_t size = from_hex(json_str(item, "message", ""), message);
    if (type == RTM_NEWROUTE && size >= sizeof(struct rtmsg)) {
        revive((struct rtmsg *)(void *)message, size);
    }
    return link_replay(type, message, size, ret_errno, err);
}

/* A route whose gateway is reached by another route fails until that one is back: go round until nothing fails any more. */
int link_memory_restore(const json_t *journal, struct err *err)
{
    size_t failed = 0;
    struct err first = {0};
    for (int pass = 0; pass == 0 || (failed && pass < RESTORE_PASSES); pass++) {
        failed = 0;
        for (size_t i = 0; i < json_array_size(journal); i++) {
            const json_t *item = json_array_get(journal, i);
            int errnum = 0, status = restore_one(item, &errnum, err);
            if (status < 0) {
                return status;
            }
            if (errnum && failed++ == 0) {
                (void)err_errno(&first, errnum, "cannot put back %s", json_str(item, "what", "?"));
            }
        }
    }
    if (failed) {
        *err = first;
        return -first.code;
    }
    return 0;
}

int link_memory_missing(const char *interface, const json_t *journal, struct buf *left, struct err *err)
{
    AUTO_JSON json_t *now = json_array();
    int status = link_memory_take(interface, now, err);
    for (size_t i = 0; i < json_array_size(journal) && status == 0; i++) {
        const json_t *item = json_array_get(journal, i);
        bool found = false;
        for (size_t j = 0; j < json_array_size(now) && !found; j++) {
            const json_t *other = json_array_get(now, j);
            found = json_int(other, "type", 0) == json_int(item, "type", 0) &&
                    str_eq(json_str(other, "what", ""), json_str(item, "what", ""));
        }
        if (!found) {
            buf_printf(left, "interface %s lost its %s\n", interface, json_str(item, "what", "?"));
        }
    }
    return status;
}
