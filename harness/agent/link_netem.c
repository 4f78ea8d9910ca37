/* netem through libnl's core, attribute by attribute: libnl-route can set neither rate nor nanoseconds. */
#include "harness/agent/link_netem.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "harness/base/cleanup.h"

enum { NETEM_LIMIT_FRAMES = 100000 /* the default of 1000 drops above 20,000 frames/s at 50 ms */ };
static const uint32_t netem_handle = 0xD0000000u; /* "d000:": ours */

DEFINE_CLEANUP(struct nl_sock *, nl_socket, nl_socket_free)
DEFINE_CLEANUP(struct nl_msg *, nl_message, nlmsg_free)

static int open_route(struct nl_sock **ret_socket, struct err *err)
{
    struct nl_sock *socket CLEANUP(nl_socket_cleanup) = nl_socket_alloc();
    if (!socket)
        return err_set(err, ERR_SYSTEM, "netem: no memory for a netlink socket");
    const int status = nl_connect(socket, NETLINK_ROUTE);
    if (status < 0)
        return err_set(err, ERR_SYSTEM, "netem: cannot open a netlink socket: %s", nl_geterror(status));
    *ret_socket = TAKE(socket);
    return 0;
}

/* Sends, frees the message, waits for the answer. A libnl error number. */
static int ask(struct nl_sock *socket, struct nl_msg *message)
{
    return nl_send_sync(socket, message);
}

static struct nl_msg *qdisc_message(int type, int flags, unsigned index)
{
    struct nl_msg *message CLEANUP(nl_message_cleanup) = nlmsg_alloc_simple(type, flags);
    struct tcmsg header = {
        .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index, .tcm_handle = netem_handle, .tcm_parent = TC_H_ROOT};
    if (!message || nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0)
        return NULL;
    return TAKE(message);
}

/* TCA_OPTIONS of netem is a struct with attributes behind it; the 64-bit times replace the struct's, which are in kernel ticks.
 */
static int put_options(struct nl_msg *message, const struct link_shape *shape)
{
    const struct tc_netem_qopt fixed = {.limit = NETEM_LIMIT_FRAMES, .loss = (uint32_t)(shape->loss * 4294967295.0)};
    if (nla_put_string(message, TCA_KIND, "netem") < 0)
        return -1;
    struct nlattr *options = nla_nest_start(message, TCA_OPTIONS);
    if (!options || nlmsg_append(message, (void *)(uintptr_t)&fixed, sizeof(fixed), NLMSG_ALIGNTO) < 0)
        return -1;
    if (nla_put(message, TCA_NETEM_LATENCY64, sizeof(int64_t), &shape->latency_ns) < 0 ||
        nla_put(message, TCA_NETEM_JITTER64, sizeof(int64_t), &shape->jitter_ns) < 0)
        return -1;
    if (shape->rate_bits > 0) {
        const struct tc_netem_rate rate = {.rate = (uint32_t)(shape->rate_bits / 8)};
        if (nla_put(message, TCA_NETEM_RATE, sizeof(rate), &rate) < 0)
            return -1;
    }
    nla_nest_end(message, options);
    return 0;
}

static int explain(const char *device, int status, struct err *err)
{
    if (status == -NLE_OBJ_NOTFOUND || status == -NLE_OPNOTSUPP)
        return err_set(err, ERR_UNSUPPORTED,
                       "netem on '%s': this kernel has no sch_netem; load the module (modprobe sch_netem) or use "
                       "the link emulator",
                       device);
    if (status == -NLE_EXIST)
        return err_set(err, ERR_STATE, "netem on '%s': it has a root qdisc of somebody else; remove that one first", device);
    if (status == -NLE_PERM)
        return err_set(err, ERR_UNSUPPORTED, "netem on '%s': not permitted; it needs CAP_NET_ADMIN in this network namespace",
                       device);
    return err_set(err, ERR_SYSTEM, "netem on '%s': %s", device, nl_geterror(status));
}

int link_netem_put(const char *device, const struct link_shape *shape, bool ours, struct err *err)
{
    const unsigned index = if_nametoindex(device);
    if (!index)
        return err_set(err, ERR_INPUT, "interface '%s' of a link is not in this network namespace", device);
    if (shape->rate_bits / 8 > 4294967295.0)
        return err_set(err, ERR_INPUT, "netem on '%s': a rate over 34 Gbit/s cannot be set; leave it out", device);
    if (ours) {
        const int status = link_netem_remove(device, err);
        if (status < 0)
            return status;
    }
    struct nl_sock *socket CLEANUP(nl_socket_cleanup) = NULL;
    const int status = open_route(&socket, err);
    if (status < 0)
        return status;
    struct nl_msg *message CLEANUP(nl_message_cleanup) = qdisc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index);
    if (!message || put_options(message, shape) < 0)
        return err_set(err, ERR_SYSTEM, "netem on '%s': cannot build the message", device);
    const int answer = ask(socket, TAKE(message));
    return answer < 0 ? explain(device, answer, err) : 0;
}

int link_netem_remove(const char *device, struct err *err)
{
    const unsigned index = if_nametoindex(device);
    if (!index)
        return 0;
    struct nl_sock *socket CLEANUP(nl_socket_cleanup) = NULL;
    const int status = open_route(&socket, err);
    if (status < 0)
        return status;
    struct nl_msg *message CLEANUP(nl_message_cleanup) = qdisc_message(RTM_DELQDISC, 0, index);
    if (!message)
        return err_set(err, ERR_SYSTEM, "netem on '%s': cannot build the message", device);
    const int answer = ask(socket, TAKE(message));
    /* ENOENT and EINVAL are how kernels say that there is no such qdisc. */
    if (answer < 0 && answer != -NLE_OBJ_NOTFOUND && answer != -NLE_INVAL && answer != -NLE_NODEV)
        return explain(device, answer, err);
    return 0;
}
