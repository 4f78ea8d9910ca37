/* Builds the topology's network inside the world: a network namespace for each place, joined as docs/architecture.md draws it. */
#ifndef DRILL_PLACE_NETBUILD_H
#define DRILL_PLACE_NETBUILD_H

#include <net/if.h>

#include "harness/topology/topology.h"

enum netbuild_plane { PLANE_EDGE = 0, PLANE_BACKBONE, PLANE_COUNT };

/* The point-to-point link of a region's router to a plane: an end each, and where it passes through "links" when it does. */
struct netbuild_link {
    const char *place, *far_place, *interface; /* the region's interface has the plane's name */
    char far_interface[IF_NAMESIZE], a[IF_NAMESIZE], b[IF_NAMESIZE];
};

void netbuild_name_link(const struct topology_region *region, enum netbuild_plane plane, struct netbuild_link *ret_link);
int64_t netbuild_latency(const struct topology_region *region, enum netbuild_plane plane);

/* Called by the world's first process, in its own mount namespace with /run/drill/netns there. Returns in the network namespace
 * that it was called in. `emulated`: links with a latency pass through the place "links". */
int netbuild(const struct topology *topology, bool *ret_emulated, struct err *err) MUST_CHECK;

#endif
