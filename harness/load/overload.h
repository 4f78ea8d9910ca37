/* Whether the driver itself can keep up. Past its limit a stall leaves a backlog, the backlog opens connections, new connections cost
 * several times what warm ones do, and so the backlog never goes: it looks like a slow system, and is the driver. Seen here as lateness
 * that does not end while the thread gets no rest. */
#ifndef DRILL_LOAD_OVERLOAD_H
#define DRILL_LOAD_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct overload {
    int64_t late_since_ns; /* when requests began to be issued late, without one in time since; 0: they are in time */
    int64_t last_ns;       /* the latest that was late */
    int64_t total_ns;      /* of the overloads that have ended */
};

enum {
    OVERLOAD_LATE_MS = 10 /* later than this is late */,
    OVERLOAD_LEAST_MS = 500 /* a shorter backlog is a stall that passed */
};

/* A request is issued at now_ns, late_ns after it was due. */
void overload_add(struct overload *overload, int64_t now_ns, int64_t late_ns);
/* How long the driver was overloaded in all. */
int64_t overload_total_ns(const struct overload *overload);

#endif
