/* Probe packets: ICMP echo requests from this place, whose fate a rule's counters tell. */
#ifndef DRILL_FAULTS_NETWORK_PROBE_H
#define DRILL_FAULTS_NETWORK_PROBE_H

#include <netinet/in.h>
#include <stddef.h>

#include "harness/base/err.h"

struct probe {
    const char *interface;      /* leave through it; NULL: as routed */
    struct in_addr source;      /* 0: chosen by the kernel; any other, also one that is not ours */
    struct in_addr destination; /* whose answer comes back */
};

/* Send `count` echo requests; what the machine itself refuses to send (a drop in the output chain does that) is no error. */
int probe_send(const struct probe *probe, size_t count, struct err *err) MUST_CHECK;

#endif
