/* Netlink messages of a process that is followed: which calls send one, and which of them only ask. */
#ifndef DRILL_TESTS_SUPPORT_TRACER_NETLINK_H
#define DRILL_TESTS_SUPPORT_TRACER_NETLINK_H

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include "tests/support/tracer.h"

enum { TRACE_MESSAGES_MAX_BYTES = 65536 };

/* A descriptor of the process, in ours; -1: there is none. */
static inline int trace_borrow_fd(const struct trace_step *step)
{
    int process = (int)syscall(SYS_pidfd_open, step->leader, 0);
    int fd = process >= 0 ? (int)syscall(SYS_pidfd_getfd, process, (int)step->args[0], 0) : -1;
    fd_close(process);
    return fd;
}

/* The protocol of the netlink socket that a call is made on; -1: it is no such socket. */
static inline int trace_netlink_protocol(const struct trace_step *step)
{
    AUTO_FD int fd = trace_borrow_fd(step);
    int domain = 0, protocol = -1;
    socklen_t size = sizeof(domain);
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_NETLINK) {
        return -1;
    }
    size = sizeof(protocol);
    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) < 0 ? -1 : protocol;
}

/* Where what is sent by sendto, or sendmsg through libnl, begins, and how long it is; 0: nothing is sent here. */
static inline uint64_t trace_sent(const struct trace_step *step, uint64_t *ret_size)
{
    struct msghdr message;
    struct iovec part;
    *ret_size = step->args[2];
    if (step->call == SYS_sendto) {
        return step->args[1];
    }
    if (step->call != SYS_sendmsg || !trace_peek(step->pid, step->args[1], &message, sizeof(message)) ||
        !trace_peek(step->pid, (uintptr_t)message.msg_iov, &part, sizeof(part))) {
        return 0;
    }
    *ret_size = part.iov_len;
    return (uintptr_t)part.iov_base;
}

/* By the numbers of each family: rtnetlink's come in fours (new, del, get, set); nf_tables has its own; sock_diag asks with one. */
static inline bool trace_type_asks(int protocol, uint16_t type)
{
    static const uint16_t tables[] = {NFT_MSG_GETTABLE,   NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_GETSET,
                                      NFT_MSG_GETSETELEM, NFT_MSG_GETGEN,   NFT_MSG_GETOBJ,  NFT_MSG_GETFLOWTABLE};
    bool asks = (protocol == NETLINK_ROUTE && type >= RTM_BASE && (type - RTM_BASE) % 4 == 2) ||
                (protocol == NETLINK_SOCK_DIAG && type == SOCK_DIAG_BY_FAMILY);
    for (size_t i = 0; i < ARRAY_LEN(tables) && protocol == NETLINK_NETFILTER; i++) {
        asks = asks || type == (NFNL_SUBSYS_NFTABLES << 8 | tables[i]);
    }
    return asks;
}

/* All messages that the call sends ask something, and no more. */
static inline bool trace_only_asks(const struct trace_step *step)
{
    uint64_t size, at = trace_sent(step, &size);
    struct nlmsghdr header;
    int protocol = at ? trace_netlink_protocol(step) : -1;
    bool asks = protocol >= 0 && size >= sizeof(header) && size < TRACE_MESSAGES_MAX_BYTES;
    for (uint64_t done = 0; asks && done < size; done += NLMSG_ALIGN(header.nlmsg_len)) {
        asks = trace_peek(step->pid, at + done, &header, sizeof(header)) && header.nlmsg_len >= sizeof(header) &&
               trace_type_asks(protocol, header.nlmsg_type);
    }
    return asks;
}

/* What the kernel has answered waits in the process's own socket. */
static inline bool trace_takes_answer(const struct trace_step *step)
{
    return (step->call == SYS_recvmsg || step->call == SYS_recvfrom) && trace_netlink_protocol(step) >= 0;
}

#endif
