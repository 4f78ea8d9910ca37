/* Objectives: short texts with units, "rto <= 20s", "failed < 30%", "p99 <= 300ms after recovery".
 *
 *   rto rpo                          a duration; rto takes the worst observation
 *   lost duplicated                  a count of writes
 *   silent_alerts false_alerts       alerts that should have fired and did not; that fired and should not have
 *   failed                           "30%" of the requests that were sent, or a count; timed out requests are failed ones
 *   p50 p95 p99 max                  a duration, of the whole load or of one part of it: "before recovery" is before the first
 *                                    disruption, "during recovery" up to the last recovery, "after recovery" from there on
 *   masked detect decide switch promote reconnect   a duration: the longest phase of that name
 *
 * A budget may also set a limit by the last drill that passed: "rto <= last_pass * 1.25". */
#ifndef DRILL_MEASURE_OBJECTIVE_H
#define DRILL_MEASURE_OBJECTIVE_H

#include <stdbool.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

enum objective_part { PART_WHOLE = 0, PART_BEFORE, PART_DURING, PART_AFTER, PART_COUNT };

struct objective {
    char *text;         /* as written */
    const char *metric; /* "rto"; static */
    bool strict;        /* "<" */
    double limit;       /* seconds, percent, or a count: in `unit` */
    const char *unit;   /* "s", "%", ""; static */
    enum objective_part part;
    bool relative; /* the limit is `factor` times the last PASS's figure; limit and unit are not set */
    double factor;
};

/* Read one objective. An unknown metric, a missing or wrong unit and anything left over is ERR_INPUT, with the nearest name. */
int objective_parse(const char *text, struct objective **ret_objective, struct err *err) MUST_CHECK;
/* The same, and "last_pass" or "last_pass * FACTOR" (FACTOR at least 1) is a limit too. */
int objective_parse_relative(const char *text, struct objective **ret_objective, struct err *err) MUST_CHECK;
/* Whether the two limit the same figure, so that one of them is the stricter: metric, part and unit agree. Relative ones compare
 * with relative ones. */
bool objective_is_same_figure(const struct objective *a, const struct objective *b);
/* Below 0 when `a` is stricter than `b`, above 0 when it is looser; they limit the same figure. */
int objective_compare(const struct objective *a, const struct objective *b);
void objective_free(struct objective *objective); /* accepts NULL */
DEFINE_CLEANUP(struct objective *, objective, objective_free)

#endif
