/* Builds the topology's network inside the world: a network namespace for each place, joined as docs/architecture.md draws it. */
#ifndef DRILL_PLACE_NETBUILD_H
#define DRILL_PLACE_NETBUILD_H

#include "harness/topology/topology.h"

/* Called by the world's first process, in its own mount namespace with /run/drill/netns there. Returns in the network namespace
 * that it was called in. `emulated`: links with a latency pass through the place "links". */
int netbuild(const struct topology *topology, bool *ret_emulated, struct err *err) MUST_CHECK;

#endif
