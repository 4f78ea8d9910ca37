/* Packet sockets of the link emulator: opening, receiving and sending in batches. */
#include "harness/agent/link_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum { SOCKET_BUFFER_BYTES = 16 * 1024 * 1024 };

struct link_batch {
    struct mmsghdr messages[LINK_BATCH];
    struct iovec parts[LINK_BATCH];
    struct sockaddr_ll from[LINK_BATCH];
    uint8_t data[LINK_BATCH][LINK_FRAME_MAX];
};

struct link_batch *link_batch_new(void)
{
    struct link_batch *batch = xcalloc(1, sizeof(*batch));
    for (int i = 0; i < LINK_BATCH; i++) {
        batch->parts[i] = (struct iovec){.iov_base = batch->data[i], .iov_len = LINK_FRAME_MAX};
        batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->from[i], .msg_iov = &batch->parts[i], .msg_iovlen = 1};
    }
    return batch;
}

void link_batch_free(struct link_batch *batch)
{
    free(batch);
}

const void *link_batch_frame(const struct link_batch *batch, int i, uint32_t *ret_size)
{
    /* Kernels before 4.20 have no PACKET_IGNORE_OUTGOING and show us what we sent: forwarding that would be a loop. */
    if (batch->from[i].sll_pkttype == PACKET_OUTGOING || (batch->messages[i].msg_hdr.msg_flags & MSG_TRUNC))
        return NULL;
    *ret_size = batch->messages[i].msg_len;
    return batch->data[i];
}

/* The forced size needs rights over the machine; the ordinary one is capped by net.core.{r,w}mem_max and still better than
 * nothing. */
static void enlarge(int fd, int forced, int ordinary)
{
    const int size = SOCKET_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, ordinary, &size, sizeof(size));
}

static int set_up(int fd, const char *name, unsigned index, struct err *err)
{
    const int on = 1;
    if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0)
        return err_errno(err, errno, "interface '%s': cannot have frames with offload headers (PACKET_VNET_HDR)", name);
    (void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)); /* else link_batch_frame sorts them out */
    enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    const struct packet_mreq promiscuous = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) < 0)
        return err_errno(err, errno, "interface '%s': cannot switch on promiscuous mode", name);
    const struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index};
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return err_errno(err, errno, "interface '%s': cannot bind a packet socket", name);
    return 0;
}

int link_port_open(struct link_port *port, const char *name, struct err *err)
{
    const unsigned index = if_nametoindex(name);
    if (!index)
        return err_set(err, ERR_INPUT, "interface '%s' of a link is not in this network namespace", name);
    /* Protocol 0: nothing is queued before bind says which interface. */
    int fd AUTO_FD = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 && (errno == EPERM || errno == EAFNOSUPPORT))
        return err_set(err, ERR_UNSUPPORTED,
                       "link emulator: no packet sockets here (%s): it needs CAP_NET_RAW in its network namespace",
                       strerror(errno));
    if (fd < 0)
        return err_errno(err, errno, "interface '%s': cannot make a packet socket", name);
    const int status = set_up(fd, name, index, err);
    if (status < 0)
        return status;
    *port = (struct link_port){.fd = TAKE_FD(fd)};
    str_copy(port->name, sizeof(port->name), name);
    return 0;
}

void link_port_close(struct link_port *port)
{
    fd_close(port->fd);
    port->fd = -1;
}

int link_port_receive(struct link_port *port, struct link_batch *batch)
{
    for (int i = 0; i < LINK_BATCH; i++)
        batch->messages[i].msg_hdr.msg_namelen = sizeof(batch->from[i]);
    /* ENETDOWN is told once when the interface goes down; the socket works again when it comes up. */
    const int count = recvmmsg(port->fd, batch->messages, LINK_BATCH, MSG_DONTWAIT, NULL);
    return count < 0 ? 0 : count;
}

int link_port_send(struct link_port *port, struct mmsghdr *messages, int count, int *ret_refused)
{
    *ret_refused = 0;
    const int sent = sendmmsg(port->fd, messages, (unsigned)count, MSG_DONTWAIT);
    if (sent > 0)
        return sent;
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    *ret_refused = 1; /* the first one: interface down or gone, queue full (ENOBUFS), larger than the MTU */
    return 1;
}

uint64_t link_port_drops(struct link_port *port)
{
    struct tpacket_stats stats = {0};
    socklen_t size = sizeof(stats);
    if (getsockopt(port->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
        port->kernel_dropped += stats.tp_drops; /* the kernel's counter starts again with each call */
    return port->kernel_dropped;
}
