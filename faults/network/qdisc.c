/* One qdisc out of a dump. */
#include "faults/network/qdisc.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <net/if.h>
#include <string.h>

#include "faults/network/link.h"
#include "harness/base/cleanup.h"
#include "harness/base/str.h"

struct reading {
    int index;
    uint32_t parent;
    struct qdisc *qdisc;
};

void qdisc_attributes(const void *data, size_t size, const struct rtattr *by_type[static QDISC_ATTRIBUTES_MAX])
{
    int left = (int)size;
    memset(by_type, 0, QDISC_ATTRIBUTES_MAX * sizeof(*by_type));
    for (const struct rtattr *at = data; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        size_t type = at->rta_type & NLA_TYPE_MASK;
        if (type < QDISC_ATTRIBUTES_MAX) {
            by_type[type] = at;
        }
    }
}

void qdisc_copy(const struct rtattr *attribute, void *out, size_t size)
{
    if (attribute) {
        memcpy(out, RTA_DATA(attribute), RTA_PAYLOAD(attribute) < size ? RTA_PAYLOAD(attribute) : size);
    }
}

static void read_statistics(const struct rtattr *nest, struct qdisc *qdisc)
{
    const struct rtattr *level[QDISC_ATTRIBUTES_MAX];
    struct gnet_stats_basic basic = {0};
    struct gnet_stats_queue queue = {0};
    if (nest) {
        qdisc_attributes(RTA_DATA(nest), RTA_PAYLOAD(nest), level);
        qdisc_copy(level[TCA_STATS_BASIC], &basic, sizeof(basic));
        qdisc_copy(level[TCA_STATS_QUEUE], &queue, sizeof(queue));
        qdisc->packets = basic.packets;
        qdisc->dropped = queue.drops;
    }
}

static int visit(const struct nlmsghdr *message, void *context)
{
    struct reading *reading = context;
    struct qdisc *qdisc = reading->qdisc;
    const struct tcmsg *header = NLMSG_DATA(message);
    const struct rtattr *attributes[TCA_MAX + 1];
    if (header->tcm_ifindex != reading->index || header->tcm_parent != reading->parent) {
        return 0;
    }
    link_attributes(message, sizeof(*header), attributes, ARRAY_LEN(attributes));
    qdisc->handle = header->tcm_handle;
    (void)str_copy(qdisc->kind, sizeof(qdisc->kind), attributes[TCA_KIND] ? RTA_DATA(attributes[TCA_KIND]) : "");
    read_statistics(attributes[TCA_STATS2], qdisc);
    const struct rtattr *options = attributes[TCA_OPTIONS];
    if (options && RTA_PAYLOAD(options) <= sizeof(qdisc->options)) {
        qdisc->options_size = RTA_PAYLOAD(options);
        memcpy(qdisc->options, RTA_DATA(options), qdisc->options_size);
    }
    return 0;
}

int qdisc_interface(const char *device, unsigned *ret_index, struct err *err)
{
    *ret_index = if_nametoindex(device);
    return *ret_index || errno == ENODEV ? 0 : err_errno(err, errno, "cannot look for interface '%s'", device);
}

int qdisc_read(const char *device, uint32_t parent, struct qdisc *ret_qdisc, struct err *err)
{
    struct qdisc qdisc = {0};
    unsigned index = 0;
    int status = qdisc_interface(device, &index, err);
    if (status == 0 && !index) {
        status = err_set(err, ERR_INPUT, "interface '%s' is not in this network namespace", device);
    }
    if (status < 0) {
        return status;
    }
    struct reading reading = {(int)index, parent, &qdisc};
    struct link_dump dump = {.type = RTM_GETQDISC, .index = reading.index, .visit = visit, .context = &reading};
    status = link_dump(&dump, err);
    if (status == 0) {
        *ret_qdisc = qdisc;
    }
    return status;
}
