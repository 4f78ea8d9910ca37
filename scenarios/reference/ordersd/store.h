/* The database servers: a thread watches each of them, and a few idle connections to each are kept. */
#ifndef ORDERSD_STORE_H
#define ORDERSD_STORE_H

#include <stdbool.h>

#include "scenarios/reference/ordersd/pg.h"

enum store_role { STORE_UNKNOWN = 0, STORE_STANDBY, STORE_PRIMARY, STORE_ROLE_COUNT };

struct store; /* one server */

/* Start to watch `host`; NULL when its thread cannot be started. Stores live as long as the program. */
struct store *store_new(const char *host);
const char *store_host(const struct store *store);
/* What its watcher saw last, STORE_UNKNOWN when that is too long ago. */
enum store_role store_role(const struct store *store);
/* The one that writes should go to: of several primaries (one may have been cut off and not know of the next) the one with the
 * newest timeline. NULL when there is none. */
struct store *store_primary(struct store *const *stores, size_t count);

/* A connection, kept or new, by the deadline; NULL when there is none. */
PGconn *store_take(struct store *store, int64_t deadline_ns);
/* Give it back: `good` is whether all on it ended as it should, else it and all kept ones are closed. */
void store_give(struct store *store, PGconn *conn, bool good);

/* Whether a write may begin. A server that accepts writes and does not finish them (its standbys may be gone) must not collect
 * connections: after a time-out only one write at a time tries. Every write that began ends with store_write_end. */
bool store_write_begin(struct store *store);
void store_write_end(struct store *store, bool answered);

#endif
