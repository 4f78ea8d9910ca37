/* A netlink socket through libnl-3 core: one buffer out, acknowledgements or a dump back. What nft and rtnetlink share. */
#ifndef DRILL_FAULTS_NETWORK_LINK_SOCKET_H
#define DRILL_FAULTS_NETWORK_LINK_SOCKET_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

struct nl_sock;

/* One or more netlink messages in the order in which they are sent. Zero-initialised is empty. It lives on the stack, so that a revert
 * needs no memory; what does not fit is refused when sending. */
struct link_batch {
    size_t size;
    uint32_t first_sequence, last_sequence;
    int overflow;
    char data[160 * 1024] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* A socket of the calling thread's network namespace; it stays there when the thread goes elsewhere. */
int link_socket_open(int protocol, struct nl_sock **ret_socket, struct err *err) MUST_CHECK;
void link_socket_close(struct nl_sock *socket); /* accepts NULL */
DEFINE_CLEANUP(struct nl_sock *, link_socket, link_socket_close)
#define AUTO_LINK_SOCKET CLEANUP(link_socket_cleanup)

/* Begin a message with a sequence number of the socket's; `header` (ifinfomsg, nfgenmsg, …) may be NULL. */
void link_batch_begin(struct link_batch *batch, struct nl_sock *socket, int type, int flags, const void *header, size_t size);
void link_batch_put(struct link_batch *batch, int type, const void *data, size_t size);
void link_batch_put_raw(struct link_batch *batch, const void *data, size_t size); /* a fixed header inside of a nest */
void link_batch_put_text(struct link_batch *batch, int type, const char *text);
void link_batch_put_be32(struct link_batch *batch, int type, uint32_t value);
/* Open a nest; the returned offset closes it. */
size_t link_batch_nest(struct link_batch *batch, int type);
void link_batch_nest_end(struct link_batch *batch, size_t nest);

/* Send all and wait for the acknowledgement of the message that asked for one (NLM_F_ACK), the last of them. 0 or a negative errno of
 * the kernel's; -EMSGSIZE when the batch overflowed. */
int link_socket_talk(struct nl_sock *socket, const struct link_batch *batch);

/* Called for each message of a dump; anything but 0 ends it and is returned. */
typedef int (*link_visit)(const struct nlmsghdr *message, void *context);
/* Send a dump request (NLM_F_DUMP) and visit the answers. 0, what visit gave, or a negative errno; starts again by itself never: a dump
 * that the kernel marks as interrupted gives -EINTR. */
int link_socket_dump(struct nl_sock *socket, const struct link_batch *request, link_visit visit, void *context);

#endif
