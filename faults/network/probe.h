/* Probe packets from this place, whose fate a rule's counters tell. */
#ifndef DRILL_FAULTS_NETWORK_PROBE_H
#define DRILL_FAULTS_NETWORK_PROBE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

struct probe {
    const char *interface;      /* leave through it; NULL: as routed */
    struct in_addr source;      /* 0: chosen by the kernel; any other, also one that is not ours */
    struct in_addr destination; /* whose answer comes back */
    uint8_t protocol;           /* 0 and IPPROTO_ICMP: echo request; IPPROTO_TCP: SYN; IPPROTO_UDP: an empty datagram */
    uint16_t port;              /* of TCP and UDP, to be sent to; 0: some port that nobody serves */
};

/* Send `count` of them; what the machine itself refuses to send (a drop in the output chain does that) is no error. */
int probe_send(const struct probe *probe, size_t count, struct err *err) MUST_CHECK;
/* Send `count` of them past the rules of this place to the next hop at `gateway`, so that it sends them back: packets from the far side
 * (`source`) to ours (`destination`) as they come in over probe->interface. Does nothing when the next hop's hardware address is not
 * known, which an ordinary probe to it changes. */
int probe_send_around(const struct probe *probe, struct in_addr gateway, size_t count, struct err *err) MUST_CHECK;

#endif
