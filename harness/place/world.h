/* The world: user, mount, pid, ipc, uts and network namespaces of drill's own, in which a managed topology lives. Its first
 * process holds a pipe to its owner and exits when that closes, however the owner died; the kernel takes everything with it. */
#ifndef DRILL_PLACE_WORLD_H
#define DRILL_PLACE_WORLD_H

#include <stdint.h>
#include <sys/types.h>

#include "harness/topology/topology.h"

struct world;
struct places;

/* 0, or ERR_UNSUPPORTED with what this machine refuses and what to do. Tries it, leaves nothing. */
int world_supported(struct err *err) MUST_CHECK;
/* Make the namespaces and the topology's network. The caller owns the world. */
int world_start(const struct topology *topology, struct world **ret_world, struct err *err) MUST_CHECK;
/* A world that another process holds: world_stop then only lets go. */
int world_attach(pid_t pid, uint64_t start_ticks, struct world **ret_world, struct err *err) MUST_CHECK;
/* Close the pipe and wait until every process in it is gone. Accepts NULL. */
void world_stop(struct world *world);

pid_t world_pid(const struct world *world); /* of its first process, as this process sees it */
uint64_t world_start_ticks(const struct world *world);
/* CLONE_NEW… of what an agent enters besides the place's network. */
int world_namespaces(const struct world *world);
/* Becomes readable when the first process has ended; borrowed. */
int world_pidfd(const struct world *world);
/* Whether links with a latency pass through the place "links"; else the kernel has netem. */
bool world_is_emulated(const struct world *world);
/* New array, one object for each link of a region that has a latency: name, place and interface (the region's side), far_place
 * and far_interface, latency_ns, mechanism ("netem" on both ends, or "emulator" between a and b in the place "links"). */
json_t *world_links(const struct world *world, const struct topology *topology);
/* Put the topology's latencies on its links, or 0 on all of them; the agent in "links" does it where the kernel has no netem. */
int world_set_latency(struct world *world, const struct topology *topology, struct places *places, bool on,
                      struct err *err) MUST_CHECK;

#endif
