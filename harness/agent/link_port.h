/* One interface as the link emulator uses it: a packet socket that gets every frame which arrives, and sends frames out. Frames
 * carry the kernel's virtio_net_hdr in front, so that unfinished checksums and segmentation offload survive the way through user
 * space. */
#ifndef DRILL_AGENT_LINK_PORT_H
#define DRILL_AGENT_LINK_PORT_H

#include <net/if.h>
#include <stdint.h>
#include <sys/socket.h>

#include "harness/base/err.h"

enum {
    LINK_BATCH = 32,
    LINK_FRAME_MAX = 72 * 1024 /* bytes: a segmentation-offload frame, its headers and the virtio_net_hdr */
};

struct link_port {
    int fd; /* -1: closed */
    char name[IFNAMSIZ];
    uint64_t kernel_dropped; /* frames that the kernel had no room for, as far as link_port_drops has asked */
};

struct link_batch; /* receive buffers, shared by all ports of a thread */

struct link_batch *link_batch_new(void);
void link_batch_free(struct link_batch *batch); /* accepts NULL */
/* The i-th frame of the last link_port_receive, or NULL when it is not to be forwarded (our own, or cut off). */
const void *link_batch_frame(const struct link_batch *batch, int i, uint32_t *ret_size);

int link_port_open(struct link_port *port, const char *name, struct err *err) MUST_CHECK;
void link_port_close(struct link_port *port); /* a closed one is fine */
/* How many frames came into the batch; 0 when there are none, or when the interface is down. Never waits. */
int link_port_receive(struct link_port *port, struct link_batch *batch);
/* Send up to LINK_BATCH frames. Returns how many are done with, sent or refused for good (then *ret_refused counts them); 0 when
 * the socket is full and it is worth trying again. */
int link_port_send(struct link_port *port, struct mmsghdr *messages, int count, int *ret_refused);
uint64_t link_port_drops(struct link_port *port);

#endif
