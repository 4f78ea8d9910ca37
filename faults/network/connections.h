/* TCP connections of this place as the kernel's socket table knows them (NETLINK_SOCK_DIAG): found, counted and destroyed. A destroyed
 * connection ends with an error here and a reset there, whatever state it was in. */
#ifndef DRILL_FAULTS_NETWORK_CONNECTIONS_H
#define DRILL_FAULTS_NETWORK_CONNECTIONS_H

#include <linux/inet_diag.h>

#include "faults/fault.h"

/* What is meant: all of these must hold. */
struct connection_match {
    const char *within; /* its far side is neither in this prefix (the near side's own) nor on loopback; NULL or "" allows all */
    const struct fault_peer *peers; /* its far side is in one of these */
    size_t peer_count;              /* 0: anywhere */
    const char *to;                 /* its far side is in this prefix; NULL: anywhere */
    uint16_t port;                  /* of either side; 0: any */
    const uint64_t *inodes;         /* it belongs to one of these sockets; NULL: to any */
    size_t inode_count;
};

struct connection {
    struct inet_diag_sockid
        id; /* the kernel's: addresses and ports in network order, and a cookie that no other socket will have */
    uint8_t family, state;
    uint32_t inode; /* 0: no process holds it any more */
};

/* Visit what matches and is not listening, closed or in TIME_WAIT. ERR_INPUT for a prefix that is none. Allocates nothing. */
typedef int connection_visit_f(const struct connection *connection, void *context);
int connections_each(const struct connection_match *match, connection_visit_f *visit, void *context, struct err *err) MUST_CHECK;
/* Destroy what matches; *ret_count (may be NULL) is how many were. Those that end meanwhile by themselves are nobody's loss. Allocates
 * nothing through the x* helpers. About 1 ms each: the kernel takes them one by one. */
int connections_destroy(const struct connection_match *match, size_t *ret_count, struct err *err) MUST_CHECK;
/* Where one of the sockets `inodes` listens, at most `most`; gives how many in *ret_count. */
int connections_listening(const uint64_t *inodes, size_t inode_count, struct connection *listeners, size_t most,
                          size_t *ret_count, struct err *err) MUST_CHECK;
/* "10.1.0.11:8080 to 10.9.0.10:41234" */
const char *connection_print(const struct connection *connection, char out[static 128]);
/* 0 when the socket table can be read and changed here, else ERR_UNSUPPORTED. */
int connections_supported(struct err *err) MUST_CHECK;

#endif
