/* netem's messages attribute by attribute: libnl's setters take int, which wraps, and know neither loss models nor rates. */
#include "faults/netem.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <math.h>
#include <net/if.h>
#include <string.h>

#include "faults/network/link_socket.h"
#include "faults/network/qdisc.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

#ifndef TCA_NETEM_PRNG_SEED
#define TCA_NETEM_PRNG_SEED 14 /* Linux 6.6; those before ignore it */
#endif

enum { FRAME_BYTES = 1514, QUEUE_LEAST = 2 };
static const double SHARE_ONE = 4294967295.0; /* netem's shares are parts of 2^32 - 1 */

static uint32_t to_share(double share)
{
    return (uint32_t)llround(share * SHARE_ONE);
}

static double from_share(uint32_t share)
{
    return share / SHARE_ONE;
}

/* A queue is a time with us and packets with netem: as many full frames as the line sends in it. */
static uint32_t limit_of(const struct shape *shape)
{
    double packets = shape->rate_bits * (double)shape->queue_ns / (double)NS_PER_S / 8 / FRAME_BYTES;
    if (shape->rate_bits <= 0 || shape->queue_ns <= 0 || packets > NETEM_LIMIT_PACKETS) {
        return NETEM_LIMIT_PACKETS;
    }
    return packets < QUEUE_LEAST ? QUEUE_LEAST : (uint32_t)packets;
}

/* netem sends a share at once and delays the others; with us a share comes late. */
static int64_t delay_of(const struct shape *shape)
{
    return shape->delay_ns + (shape->reorder > 0 ? shape->reorder_ns : 0);
}

static void put_loss(struct link_batch *batch, const struct shape *shape)
{
    double begins = 0, ends = 1;
    if (shape->burst <= 0 || !shape_gilbert(shape, &begins, &ends)) {
        return;
    }
    /* h is the chance to get through a bad time, k1 to be lost in a good one */
    struct tc_netem_gemodel model = {.p = to_share(begins), .r = to_share(ends)};
    model.h = shape->burst_loss > 0 ? to_share(1 - shape->burst_loss) : 0;
    size_t loss = link_batch_nest(batch, TCA_NETEM_LOSS);
    link_batch_put(batch, NETEM_LOSS_GE, &model, sizeof(model));
    link_batch_nest_end(batch, loss);
}

static void put_rate(struct link_batch *batch, double rate_bits)
{
    uint64_t bytes = (uint64_t)llround(rate_bits / 8);
    struct tc_netem_rate rate = {.rate = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX};
    if (bytes) {
        link_batch_put(batch, TCA_NETEM_RATE, &rate, sizeof(rate));
    }
    if (bytes >= UINT32_MAX) {
        link_batch_put(batch, TCA_NETEM_RATE64, &bytes, sizeof(bytes));
    }
}

static void put_distribution(struct link_batch *batch, const struct shape *shape)
{
    int16_t table[SHAPE_TABLE_SIZE];
    if (shape->jitter_ns > 0 && shape->distribution != SHAPE_UNIFORM) {
        shape_fill_table(shape->distribution, table);
        link_batch_put(batch, TCA_NETEM_DELAY_DIST, table, sizeof(table));
    }
}

/* TCA_OPTIONS is a struct with attributes behind it. The 64-bit times replace the struct's, which are in the kernel's ticks. */
static void put_options(struct link_batch *batch, const struct shape *shape, uint64_t seed)
{
    struct tc_netem_qopt fixed = {.limit = limit_of(shape),
                                  .loss = shape->burst > 0 ? 0 : to_share(shape->loss),
                                  .gap = shape->reorder > 0,
                                  .duplicate = to_share(shape->duplicate)};
    struct tc_netem_corrupt corrupt = {.probability = to_share(shape->corrupt)};
    struct tc_netem_reorder reorder = {.probability = to_share(1 - shape->reorder)};
    int64_t delay_ns = delay_of(shape);
    link_batch_put_text(batch, TCA_KIND, "netem");
    size_t options = link_batch_nest(batch, TCA_OPTIONS);
    link_batch_put_raw(batch, &fixed, sizeof(fixed));
    link_batch_put(batch, TCA_NETEM_LATENCY64, &delay_ns, sizeof(delay_ns));
    link_batch_put(batch, TCA_NETEM_JITTER64, &shape->jitter_ns, sizeof(shape->jitter_ns));
    if (shape->corrupt > 0) {
        link_batch_put(batch, TCA_NETEM_CORRUPT, &corrupt, sizeof(corrupt));
    }
    if (shape->reorder > 0) {
        link_batch_put(batch, TCA_NETEM_REORDER, &reorder, sizeof(reorder));
    }
    put_loss(batch, shape);
    put_rate(batch, shape->rate_bits);
    put_distribution(batch, shape);
    link_batch_put(batch, TCA_NETEM_PRNG_SEED, &seed, sizeof(seed));
    link_batch_nest_end(batch, options);
}

int netem_can(const struct shape *shape, struct err *err)
{
    double begins, ends;
    if (shape->loss_every > 0) {
        return err_set(err, ERR_UNSUPPORTED, "netem has no loss of every n-th packet");
    }
    if (shape->jitter_ns > 0 && !shape->overtake) {
        return err_set(err, ERR_UNSUPPORTED, "netem's jitter changes the order of packets");
    }
    if (shape->reorder > 0 && shape->delay_ns > 0) {
        return err_set(err, ERR_UNSUPPORTED, "netem cannot delay all packets and hold some back longer");
    }
    if (shape->burst > 0 && !shape_gilbert(shape, &begins, &ends)) {
        return err_set(err, ERR_INPUT, "a loss of %g %% cannot come in bursts of %g packets", shape->loss * 100, shape->burst);
    }
    if (delay_of(shape) < 0 || shape->jitter_ns < 0 || shape->jitter_ns / NS_PER_US > INT32_MAX) {
        return err_set(err, ERR_INPUT, "netem takes delays from 0 and jitter of up to 2147 s");
    }
    return 0;
}

static int open_message(int type, int flags, unsigned index, uint32_t handle, struct link_batch *batch,
                        struct nl_sock **ret_socket, struct err *err)
{
    struct tcmsg header = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index, .tcm_handle = handle, .tcm_parent = TC_H_ROOT};
    int status = link_socket_open(NETLINK_ROUTE, ret_socket, err);
    if (status == 0) {
        link_batch_begin(batch, *ret_socket, type, flags | NLM_F_ACK, &header, sizeof(header));
    }
    return status;
}

static int explain(const char *device, int errnum, struct err *err)
{
    switch (errnum) {
    case ENOENT:
    case EOPNOTSUPP:
        return err_set(err, ERR_UNSUPPORTED, "netem on '%s': this kernel has no sch_netem; as root: modprobe sch_netem", device);
    case EEXIST:
        return err_set(err, ERR_STATE, "netem on '%s': it has a root qdisc of somebody else; remove that one first", device);
    case EPERM:
        return err_set(err, ERR_UNSUPPORTED, "netem on '%s': not permitted; it needs CAP_NET_ADMIN in this network namespace",
                       device);
    default:
        return err_errno(err, errnum, "netem on '%s': the kernel refused it", device);
    }
}

/* Without its options a netem cannot begin: the kernel looks for the module first and says EINVAL when it is there. */
int netem_supported(struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    int status = open_message(RTM_NEWQDISC, NLM_F_CREATE, if_nametoindex("lo"), NETEM_OF_FAULT, &batch, &socket, err);
    if (status < 0) {
        return status;
    }
    link_batch_put_text(&batch, TCA_KIND, "netem");
    status = link_socket_talk(socket, &batch);
    if (status == -ENOENT || status == -EOPNOTSUPP) {
        return err_set(err, ERR_UNSUPPORTED, "this kernel has no sch_netem (as root: modprobe sch_netem)");
    }
    return status == 0 || status == -EINVAL ? 0 : explain("lo", -status, err);
}

int netem_put(const char *device, enum netem_owner owner, const struct shape *shape, uint64_t seed, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    unsigned index = if_nametoindex(device);
    if (!index) {
        return err_set(err, ERR_INPUT, "interface '%s' is not in this network namespace", device);
    }
    int status = open_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index, owner, &batch, &socket, err);
    if (status < 0) {
        return status;
    }
    put_options(&batch, shape, seed);
    status = link_socket_talk(socket, &batch);
    return status < 0 ? explain(device, -status, err) : 0;
}

int netem_remove(const char *device, enum netem_owner owner, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    struct netem_found found;
    unsigned index = 0;
    int status = qdisc_interface(device, &index, err);
    if (status < 0 || !index) {
        return status;
    }
    status = netem_read(device, &found, err);
    if (status < 0 || found.handle != owner) {
        return status;
    }
    status = open_message(RTM_DELQDISC, 0, index, owner, &batch, &socket, err);
    if (status < 0) {
        return status;
    }
    status = link_socket_talk(socket, &batch);
    bool gone = status == -ENOENT || status == -EINVAL || status == -ENODEV; /* how kernels say that there is none */
    return status < 0 && !gone ? explain(device, -status, err) : 0;
}

/* ---- reading back ---- */

static void read_loss(const struct rtattr *nest, struct shape *shape)
{
    const struct rtattr *models[QDISC_ATTRIBUTES_MAX];
    struct tc_netem_gemodel model = {0};
    if (!nest) {
        return;
    }
    qdisc_attributes(RTA_DATA(nest), RTA_PAYLOAD(nest), models);
    qdisc_copy(models[NETEM_LOSS_GE], &model, sizeof(model));
    if (model.r) {
        double begins = from_share(model.p), ends = from_share(model.r);
        shape->burst = 1 / ends;
        shape->burst_loss = 1 - from_share(model.h);
        shape->loss = begins / (begins + ends) * shape->burst_loss;
    }
}

static void read_rate(const struct rtattr *const *level, struct shape *shape)
{
    struct tc_netem_rate rate = {0};
    uint64_t bytes = 0;
    qdisc_copy(level[TCA_NETEM_RATE], &rate, sizeof(rate));
    qdisc_copy(level[TCA_NETEM_RATE64], &bytes, sizeof(bytes));
    shape->rate_bits = (double)(bytes ? bytes : rate.rate) * 8;
}

static void read_options(const struct qdisc *qdisc, struct netem_found *found)
{
    struct tc_netem_qopt fixed = {0};
    const struct rtattr *level[QDISC_ATTRIBUTES_MAX];
    struct tc_netem_corrupt corrupt = {0};
    struct tc_netem_reorder reorder = {0};
    struct shape *shape = &found->shape;
    if (qdisc->options_size < sizeof(fixed)) {
        return;
    }
    memcpy(&fixed, qdisc->options, sizeof(fixed));
    qdisc_attributes(qdisc->options + sizeof(fixed), qdisc->options_size - sizeof(fixed), level);
    qdisc_copy(level[TCA_NETEM_LATENCY64], &shape->delay_ns, sizeof(shape->delay_ns));
    qdisc_copy(level[TCA_NETEM_JITTER64], &shape->jitter_ns, sizeof(shape->jitter_ns));
    qdisc_copy(level[TCA_NETEM_CORRUPT], &corrupt, sizeof(corrupt));
    qdisc_copy(level[TCA_NETEM_REORDER], &reorder, sizeof(reorder));
    found->limit_packets = fixed.limit;
    shape->overtake = true;
    shape->loss = from_share(fixed.loss);
    shape->duplicate = from_share(fixed.duplicate);
    shape->corrupt = from_share(corrupt.probability);
    if (fixed.gap) { /* see delay_of */
        shape->reorder = 1 - from_share(reorder.probability);
        shape->reorder_ns = shape->delay_ns;
        shape->delay_ns = 0;
    }
    read_loss(level[TCA_NETEM_LOSS], shape);
    read_rate(level, shape);
}

int netem_read(const char *device, struct netem_found *ret_found, struct err *err)
{
    struct qdisc qdisc;
    int status = qdisc_read(device, TC_H_ROOT, &qdisc, err);
    if (status < 0) {
        return status;
    }
    struct netem_found found = {.handle = qdisc.handle, .packets = qdisc.packets, .dropped = qdisc.dropped};
    (void)str_copy(found.kind, sizeof(found.kind), qdisc.kind);
    if (str_eq(found.kind, "netem")) {
        read_options(&qdisc, &found);
    }
    *ret_found = found;
    return 0;
}
