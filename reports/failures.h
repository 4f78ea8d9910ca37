/* Requests that were not answered as agreed, by kind: what there was, and the picture of it. */
#ifndef DRILL_REPORTS_FAILURES_H
#define DRILL_REPORTS_FAILURES_H

#include "harness/measure/result.h"
#include "reports/columns.h"

/* The kinds that happened, in the order of their numbers; gives how many. */
size_t failures_kinds(const struct result *result, enum request_outcome kinds[static OUTCOME_COUNT]);
/* Requests of a kind in a column, per second. */
double failures_rate(const struct result *result, const struct column *column, enum request_outcome kind);
/* A small chart for each kind, one above the other: they need no colours to be told apart. */
void failures_draw(struct xml *xml, const struct result *result, const struct columns *columns);

#endif
