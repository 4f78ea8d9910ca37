/* Quantiles of durations in a memory that does not depend on how many there are.
 *
 * Buckets are linear within a doubling, 2048 to each (the layout of HdrHistogram, G. Tene), and each remembers the largest value that
 * it got. A quantile is the largest value of the bucket where it lies: a value that was measured, at most 0.05 % above the exact one
 * and never below it. */
#ifndef DRILL_MEASURE_HISTOGRAM_H
#define DRILL_MEASURE_HISTOGRAM_H

#include <stddef.h>

#include "harness/measure/result.h"

struct histogram;

struct histogram *histogram_new(void);
void histogram_free(struct histogram *histogram); /* accepts NULL */
DEFINE_CLEANUP(struct histogram *, histogram, histogram_free)
#define AUTO_HISTOGRAM CLEANUP(histogram_cleanup)

void histogram_add(struct histogram *histogram, int64_t value_ns); /* below 0 counts as 0 */
/* Adds all of `other`. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);
/* The smallest value that at least `share` of all do not exceed; 0 without values. */
int64_t histogram_quantile_ns(const struct histogram *histogram, double share);
/* What a report shows of them; not measured without values. */
struct latency_part histogram_latency(const struct histogram *histogram);

/* The same of a few values, exactly: reorders them. */
int64_t quantile_select_ns(int64_t *values_ns, size_t count, double share);

#endif
