/* Split brain, as stores show it: writes that were accepted on two sides, and two stores that are primary at once.
 *
 * A standby that lags lacks what its primary has, and has nothing that this lacks. Two stores have parted ways (forked) only when each
 * has acknowledged writes that the other lacks; the writes that differ between them are divergent. Only writes acknowledged before the
 * first list of a comparison was begun count, so what is under way then makes no difference. */
#ifndef DRILL_MEASURE_DIVERGENCE_H
#define DRILL_MEASURE_DIVERGENCE_H

#include "harness/base/buf.h"
#include "harness/measure/measurement.h"

/* stores.c: the stores' names, from the events; needed by both below. */
void stores_open(struct measurement *measurement);
/* divergence.c: the comparisons of the stores. */
void measure_divergence(struct measurement *measurement);
/* primaries.c: when two stores said at once that they are primary. */
void measure_primaries(struct measurement *measurement);
/* The index of a store by its name, which is remembered when it is new; STORES_MAX when there are too many. */
size_t stores_index(struct stores_result *stores, const char *name);
/* Whose role an observer of the kind "store" tells: "store us-east-db" tells that of us-east-db; NULL: it is no such event. */
const char *stores_subject(const json_t *event);

#endif
