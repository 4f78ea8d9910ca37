/* The interfaces of this place, as the kernel names them now. */
#ifndef DRILL_AGENT_INTERFACES_H
#define DRILL_AGENT_INTERFACES_H

#include "harness/base/json.h"

/* When one of them has the IPv4 address of `cidr` ("10.1.0.11/32"): the names of all that have one and lead out of this place, in the
 * kernel's order. Else an empty array: what is asked about is not here. A new reference. */
json_t *interfaces_outer(const char *cidr);

/* A fault's description in which a container's interfaces are those that its namespace has: an engine that takes a container out of a
 * network and puts it back gives it another one ("eth1" where "eth0" was). As given where no container is meant, or not in its namespace. A
 * new reference. */
json_t *interfaces_resolved(const json_t *description);

#endif
