/* Days and instants as people write them in a programme: "2026-01-10", "2026-01-10T09:30Z", "2026-01-10T09:30:00+01:00". */
#ifndef DRILL_PROGRAMME_WHEN_H
#define DRILL_PROGRAMME_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"

/* Nanoseconds since 1970, UTC. A time without an offset is refused: it would mean another instant on another machine. A day alone is
 * its first instant in UTC, or the last one when `end_of_day`. Fractions of a second are left out. */
int when_parse(const char *text, bool end_of_day, int64_t *ret_utc_ns, struct err *err) MUST_CHECK;
/* The same where a text that is missing (NULL) or cannot be read stands for `fallback_ns`. */
int64_t when_or(const char *text, bool end_of_day, int64_t fallback_ns);
/* "2026-01-10"; out must hold 16 bytes. */
const char *when_day(int64_t utc_ns, char out[static 16]);
/* Quarters since year 0: 2026-Q1 is 2026 * 4. */
int when_quarter(int64_t utc_ns);
/* "2026-Q1"; out must hold 16 bytes. */
const char *when_quarter_name(int quarter, char out[static 16]);

#endif
