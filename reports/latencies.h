/* The picture of latency: how many requests took how long in every moment, with the quantiles drawn over it. */
#ifndef DRILL_REPORTS_LATENCIES_H
#define DRILL_REPORTS_LATENCIES_H

#include "harness/measure/result.h"
#include "reports/columns.h"

void latencies_draw(struct xml *xml, const struct result *result, const struct columns *columns);

#endif
