/* clsact and cls_bpf with TCA_BPF_OPS. */
#include "faults/network/cbpf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "faults/network/link_socket.h"
#include "faults/network/qdisc.h"
#include "harness/base/cleanup.h"
#include "harness/base/str.h"
#include "harness/base/thread.h"

enum { PRIORITY = 1, HANDLE = 1, CLSACT_HANDLE = 0xffff0000 };

static int open_message(int type, int flags, const struct tcmsg *header, struct link_batch *batch, struct nl_sock **ret_socket,
                        struct err *err)
{
    int status = link_socket_open(NETLINK_ROUTE, ret_socket, err);
    if (status == 0) {
        link_batch_begin(batch, *ret_socket, type, flags | NLM_F_ACK, header, sizeof(*header));
    }
    return status;
}

/* Gives a negative errno of the kernel's, or an error code with err filled when no message could be made. */
static int change_clsact(int type, int flags, unsigned index, int *ret_errno, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    struct tcmsg header = {.tcm_ifindex = (int)index, .tcm_handle = CLSACT_HANDLE, .tcm_parent = TC_H_CLSACT};
    int status = open_message(type, flags, &header, &batch, &socket, err);
    if (status == 0) {
        link_batch_put_text(&batch, TCA_KIND, "clsact");
        *ret_errno = -link_socket_talk(socket, &batch);
    }
    return status;
}

/* A random number under the limit drops; only IP, so that neighbours are still found. */
static int add_filter(unsigned index, bool in, double share, int *ret_errno, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    double limit = share * 4294967296.0;
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, limit >= 4294967295.0 ? UINT32_MAX : (uint32_t)limit, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
        BPF_STMT(BPF_RET | BPF_K, (uint32_t)TC_ACT_UNSPEC),
    };
    struct tcmsg header = {.tcm_ifindex = (int)index,
                           .tcm_handle = HANDLE,
                           .tcm_parent = TC_H_MAKE(TC_H_CLSACT, in ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS),
                           .tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL))};
    uint16_t count = ARRAY_LEN(program);
    uint32_t flags = TCA_BPF_FLAG_ACT_DIRECT;
    int status = open_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &header, &batch, &socket, err);
    if (status < 0) {
        return status;
    }
    link_batch_put_text(&batch, TCA_KIND, "bpf");
    size_t options = link_batch_nest(&batch, TCA_OPTIONS);
    link_batch_put(&batch, TCA_BPF_OPS_LEN, &count, sizeof(count));
    link_batch_put(&batch, TCA_BPF_OPS, program, sizeof(program));
    link_batch_put(&batch, TCA_BPF_FLAGS, &flags, sizeof(flags));
    link_batch_nest_end(&batch, options);
    *ret_errno = -link_socket_talk(socket, &batch);
    return 0;
}

static int explain(const char *device, int errnum, struct err *err)
{
    switch (errnum) {
    case ENOENT:
    case EOPNOTSUPP:
        return err_set(err, ERR_UNSUPPORTED,
                       "tc filter on '%s': this kernel has no clsact or no cls_bpf; as root: modprobe sch_ingress cls_bpf",
                       device);
    case EEXIST:
        return err_set(err, ERR_STATE, "tc filter on '%s': it has a clsact qdisc already; remove that one first", device);
    case EPERM:
        return err_set(err, ERR_UNSUPPORTED, "tc filter on '%s': not permitted; it needs CAP_NET_ADMIN in this network namespace",
                       device);
    default:
        return err_errno(err, errnum, "tc filter on '%s': the kernel refused it", device);
    }
}

int cbpf_put(const char *device, bool in, bool out, double share, struct err *err)
{
    unsigned index = if_nametoindex(device);
    int errnum = 0, status = 0;
    if (!index) {
        return err_set(err, ERR_INPUT, "interface '%s' is not in this network namespace", device);
    }
    status = change_clsact(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index, &errnum, err);
    if (status < 0 || errnum) {
        return status < 0 ? status : explain(device, errnum, err);
    }
    if (in) {
        status = add_filter(index, true, share, &errnum, err);
    }
    if (out && status == 0 && errnum == 0) {
        status = add_filter(index, false, share, &errnum, err);
    }
    if (status < 0 || errnum) {
        struct err other;
        (void)!cbpf_remove(device, &other);
    }
    return status < 0 ? status : errnum ? explain(device, errnum, err) : 0;
}

int cbpf_remove(const char *device, struct err *err)
{
    unsigned index = 0;
    int errnum = 0;
    struct cbpf_count left = {0};
    int status = qdisc_interface(device, &index, err);
    if (status < 0 || !index) {
        return status;
    }
    status = change_clsact(RTM_DELQDISC, 0, index, &errnum, err);
    if (status == 0 && errnum) { /* kernels say in several ways that there is none */
        status = cbpf_read(device, &left, err);
    }
    return status < 0 || !left.present ? status : err_errno(err, errnum, "tc filter on '%s': cannot take it away", device);
}

int cbpf_read(const char *device, struct cbpf_count *ret_count, struct err *err)
{
    struct qdisc qdisc;
    int status = qdisc_read(device, TC_H_CLSACT, &qdisc, err);
    if (status == 0) {
        *ret_count =
            (struct cbpf_count){.present = str_eq(qdisc.kind, "clsact"), .seen = qdisc.packets, .dropped = qdisc.dropped};
    }
    return status;
}

static int try_on_lo(struct err *err)
{
    struct cbpf_count count;
    int status = cbpf_read("lo", &count, err);
    if (status < 0 || count.present) {
        return status; /* somebody uses it there: then it is known to work */
    }
    status = cbpf_put("lo", true, false, 0, err);
    return status < 0 ? status : cbpf_remove("lo", err);
}

struct apart {
    bool is_apart;
    int status;
    struct err *err;
};

static void *try_apart(void *argument)
{
    struct apart *apart = argument;
    apart->is_apart = unshare(CLONE_NEWNET) == 0;
    apart->status = apart->is_apart ? try_on_lo(apart->err) : 0;
    return NULL;
}

/* A filter outlives who tried it and was killed: it is tried in a network namespace that ends with a thread, where one can be made. */
int cbpf_supported(struct err *err)
{
    struct apart apart = {.err = err};
    pthread_t thread;
    int failed = thread_start(&thread, try_apart, &apart);
    if (failed) {
        return err_errno(err, failed, "cannot start a thread");
    }
    (void)pthread_join(thread, NULL);
    return apart.is_apart ? apart.status : try_on_lo(err);
}
