/* Objectives: short texts with units, "rto <= 20s", "failed < 30%", "p99 <= 300ms after recovery".
 *
 *   rto rpo                          a duration; rto takes the worst observation
 *   lost duplicated                  a count of writes
 *   silent_alerts false_alerts       alerts that should have fired and did not; that fired and should not have
 *   slowest_alert slowest_resolve    a duration: until an alert that has to fire did; from its fault's end until it was resolved
 *   security_gaps                    things that must hold and were seen not to
 *   false_failovers                  times that DNS left the region that it began with while users were served as agreed
 *   out_of_order                     layers that failed over before one which the scenario's `order` puts before them
 *   drift                            a count: how much of what runs is not what is declared (d:drift in the scenario)
 *   unanswered                       a count: how often somebody was waited for and nobody came (d:await_note)
 *   failed                           "30%" of the requests that were sent, or a count; timed out requests are failed ones
 *   p50 p95 p99 max                  a duration
 *   share of NAME                    percent of the requests that a server answered, or that went to a region: the only one that may
 *                                    have a floor, "share of us-west >= 15%"
 *   moved                            sessions that another server answered than before, as a count or in percent of those seen
 *
 * These four are of the whole load or of one part of it (measurement.h, `measure_spans`):
 *   before recovery, during steady   before the first disruption
 *   during recovery                  from then up to the last recovery
 *   after recovery                   from there on
 *   during FAULT, after FAULT        while faults of that name were in; from when one was taken away to the next injection. Either may
 *                                    end in "before recovery" or "after recovery", from it alone: "during kill after recovery"
 *
 *   masked detect decide switch promote reconnect   a duration: the longest phase of that name
 *
 * A budget may also set a limit by the last drill that passed: "rto <= last_pass * 1.25". */
#ifndef DRILL_MEASURE_OBJECTIVE_H
#define DRILL_MEASURE_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

enum objective_part { PART_WHOLE = 0, PART_BEFORE, PART_DURING, PART_AFTER, PART_COUNT };

struct objective {
    char *text;         /* as written */
    const char *metric; /* "rto"; static */
    char *of;           /* whose share; NULL */
    bool floor;         /* ">=" or ">": the limit is the least */
    bool strict;        /* "<" or ">" */
    double limit;       /* seconds, percent, or a count: in `unit` */
    const char *unit;   /* "s", "%", ""; static. "%" where a relative one could be a count too */
    enum objective_part part;
    char *fault;    /* the part is of the time of these faults; NULL: of the whole load */
    bool afterward; /* of the time after they were taken away */
    bool relative;  /* the limit is `factor` times the last PASS's figure; limit is not set */
    double factor;
};

/* Read one objective. An unknown metric, a missing or wrong unit and anything left over is ERR_INPUT, with the nearest name. */
int objective_parse(const char *text, struct objective **ret_objective, struct err *err) MUST_CHECK;
/* The same, and "last_pass" or "last_pass * FACTOR" (FACTOR at least 1) is a limit too. */
int objective_parse_relative(const char *text, struct objective **ret_objective, struct err *err) MUST_CHECK;
/* Whether the two are about the same thing: metric, whose, part and side agree. */
bool objective_is_same_subject(const struct objective *a, const struct objective *b);
/* Whether the two limit the same figure, so that one of them is the stricter: subject and unit agree. Relative ones compare with
 * relative ones. */
bool objective_is_same_figure(const struct objective *a, const struct objective *b);
/* Below 0 when `a` is stricter than `b`, above 0 when it is looser; they limit the same figure. */
int objective_compare(const struct objective *a, const struct objective *b);
/* The part as it is written, with a blank in front: " during kill after recovery"; "" for the whole. */
void objective_part_text(const struct objective *objective, char *out, size_t size);
void objective_free(struct objective *objective); /* accepts NULL */
DEFINE_CLEANUP(struct objective *, objective, objective_free)

#endif
