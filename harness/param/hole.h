/* The {{…}} of a request's texts that its sender fills in, one table for who reads the file and who sends:
 *   id       a write's id; in reads, of the newest acknowledged write
 *   seq      the request's number at its vantage, nine digits
 *   random   sixteen hexadecimal digits, from the seed and the number alone
 *   session  the number of the user that it belongs to, nine digits, of the load's `sessions`; zeros without
 *   vantage  its name
 *   env.NAME the environment variable NAME where the sender runs: for secrets, never written down anywhere */
#ifndef DRILL_PARAM_HOLE_H
#define DRILL_PARAM_HOLE_H

#include <stddef.h>

#include "harness/base/err.h"

enum hole { HOLE_NONE = 0, HOLE_ID, HOLE_SEQ, HOLE_RANDOM, HOLE_SESSION, HOLE_VANTAGE, HOLE_ENV, HOLE_COUNT };

/* Which hole a name between the braces is; "env.NAME" gives HOLE_ENV. */
enum hole hole_of(const char *name, size_t size);
const char *hole_name(enum hole hole); /* "id"; "env.NAME" */
/* ERR_INPUT with the nearest right name. */
int hole_unknown(const char *name, struct err *err);

#endif
