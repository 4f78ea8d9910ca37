/* The links of a topology: latency, jitter, loss and rate between pairs of interfaces of this network namespace. Either frames
 * are forwarded here between the two (the emulator, a thread of its own), or the kernel's netem does it on the devices
 * themselves. */
#ifndef DRILL_AGENT_LINK_H
#define DRILL_AGENT_LINK_H

#include "harness/base/json.h"

struct links; /* what this agent holds: emulator thread, sockets, the devices with netem on them */

/* Make the links that `params` describes, or change those that exist (same name) at once. `*links` is created on first use and is
 * the caller's to free, also after a failure. Links that are not named stay as they are.
 *
 *   mechanism    "emulator" (default) or "netem"
 *   seed         of the emulator's generator, taken on first use
 *   links[]      name, a, b (interfaces; netem needs only a), latency_ns or latency_ms (one way, each direction), jitter_ns or
 *                jitter_ms, loss (share 0…1), burst (its mean length in frames, 0: each frame by its own throw), rate (bit/s, 0: as
 *                fast as it goes)
 *
 * `*ret_result` (new reference): mechanism, and links[] with name and for the emulator forwarded, lost, dropped (frames, both
 * directions together) of all links that exist. ERR_UNSUPPORTED when this kernel lacks the mechanism; nothing was changed then.
 */
int links_set(struct links **links, const json_t *params, json_t **ret_result, struct err *err) MUST_CHECK;

/* Stops the thread, closes the sockets, takes netem off again. Accepts NULL. */
void links_free(struct links *links);
DEFINE_CLEANUP(struct links *, links, links_free)

#endif
