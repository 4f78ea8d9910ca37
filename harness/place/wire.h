/* Lines of JSON over a pair of non-blocking descriptors: what cannot be written at once is queued. */
#ifndef DRILL_PLACE_WIRE_H
#define DRILL_PLACE_WIRE_H

#include <stdbool.h>

#include "harness/base/buf.h"
#include "harness/base/json.h"

struct wire {
    int to_fd, from_fd; /* owned; -1: closed */
    struct buf in, out;
    size_t in_start, in_scanned; /* of `in`: taken already; known to have no end of line */
    size_t out_start;            /* of `out`: written already */
};

void wire_clear(struct wire *wire); /* closes and frees */
bool wire_has_output(const struct wire *wire);
/* Queues the message; nothing is written yet. */
int wire_queue(struct wire *wire, const json_t *message, struct err *err) MUST_CHECK;
/* Writes what goes without waiting. */
int wire_flush(struct wire *wire, struct err *err) MUST_CHECK;
/* Reads what is there, up to about a megabyte: 1 when there may be more, 0 when not; ERR_PROTOCOL at the end. */
int wire_fill(struct wire *wire, struct err *err) MUST_CHECK;
/* The next whole message that was read: 1 with a new reference, 0 when there is none; ERR_PROTOCOL when it is not an object or
 * does not end within 16 MiB. */
int wire_next(struct wire *wire, json_t **ret_message, struct err *err) MUST_CHECK;

#endif
