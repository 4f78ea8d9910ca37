/* The kernel's own delay, jitter, loss and rate on a device of a link: netem as root qdisc, where the kernel has it. */
#ifndef DRILL_AGENT_LINK_NETEM_H
#define DRILL_AGENT_LINK_NETEM_H

#include "faults/shape.h"
#include "harness/base/err.h"

/* Put netem on what leaves through `device`. With `ours` a netem of ours is there and is taken off first. ERR_UNSUPPORTED without
 * sch_netem (nothing changed), ERR_STATE when the device has a root qdisc of somebody else. */
int link_netem_put(const char *device, const struct shape *shape, bool ours, struct err *err) MUST_CHECK;
/* Take it off; a device that is gone or has none is fine. */
int link_netem_remove(const char *device, struct err *err) MUST_CHECK;

#endif
