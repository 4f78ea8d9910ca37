/* Exact quantiles of measured values. */
#ifndef DRILL_MEASURE_QUANTILE_H
#define DRILL_MEASURE_QUANTILE_H

#include <stddef.h>

#include "harness/measure/result.h"

void quantile_sort(double *values, size_t count);
/* The smallest of the sorted values that at least `share` of all do not exceed; 0 without values. */
double quantile_of(const double *sorted, size_t count, double share);
/* Sorts the values (seconds) and takes what a report shows of them; not measured without values. */
struct latency_part quantile_latency(double *values, size_t count);

#endif
