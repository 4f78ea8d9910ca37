/* PostgreSQL with deadlines: libpq's non-blocking interface, so that a server that does not answer costs its deadline and no
 * more. */
#ifndef ORDERSD_PG_H
#define ORDERSD_PG_H

#include <libpq-fe.h>
#include <stdint.h>

int64_t now_ns(void); /* CLOCK_MONOTONIC, as all deadlines here */

/* A connection to `host`, or NULL when it does not stand by the deadline. The caller closes with PQfinish, which does not block.
 */
PGconn *pg_open(const char *host, int64_t deadline_ns);
/* One statement with text parameters. NULL when there is no whole answer by the deadline or the connection broke: it must then be
 * closed, and whether the statement was carried out is not known. The caller frees with PQclear. */
PGresult *pg_query(PGconn *conn, const char *sql, int count, const char *const *values, int64_t deadline_ns);

#endif
