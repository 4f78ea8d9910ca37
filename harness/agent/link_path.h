/* One direction of an emulated link: frames wait in a bounded first-in first-out queue until they are due. Not thread-safe. */
#ifndef DRILL_AGENT_LINK_PATH_H
#define DRILL_AGENT_LINK_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "faults/shape.h"
#include "harness/agent/link_port.h"

struct link_path {
    struct link_frame *head, **tail; /* tail: where the next frame's address goes; NULL while nothing was ever pushed */
    uint64_t queued_frames, queued_bytes;
    struct shape_way way; /* its generator, its line */
    uint64_t forwarded;   /* frames that went out */
    uint64_t lost;        /* taken away because of `loss` */
    uint64_t dropped;     /* queue full, or the interface refused them */
};

enum { LINK_QUEUE_FRAMES = 65536, LINK_QUEUE_BYTES = 128 * 1024 * 1024 };

/* Copies the frame, unless the dice or the full queue take it. Of the shape it knows delay, jitter, loss with its bursts, and rate; a
 * frame never overtakes another. `path->way` must have been initialised with shape_way_init. */
void link_path_push(struct link_path *path, const struct shape *shape, const void *frame, uint32_t size, int64_t now_ns);
/* Send what is due. Returns when to call again: the next frame's time, or INT64_MAX with an empty queue. */
int64_t link_path_send_due(struct link_path *path, const struct shape *shape, struct link_port *out, int64_t now_ns);
void link_path_clear(struct link_path *path);

#endif
