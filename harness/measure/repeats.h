/* Statistics over repeated drills: of one invocation or of an archive. Distribution-free; a run that did not recover is "more than"
 * what was watched, sorts as the largest and stays censored. Nothing is averaged and no curve is fitted. */
#ifndef DRILL_MEASURE_REPEATS_H
#define DRILL_MEASURE_REPEATS_H

#include <stddef.h>

#include "harness/measure/result.h"

struct repeats {
    size_t count; /* measured figures; those that were not measured are left out */
    struct figure min, median, max;
    struct figure p95; /* only measured with at least REPEATS_P95_MIN figures */
};
enum { REPEATS_P95_MIN = 20 };

/* The median is the smallest figure that at least half do not exceed (for an even count the upper one of the middle two: the worse
 * is taken, never a mean), censored when that run is. */
struct repeats repeats_of(const struct figure *figures, size_t count);
/* Below 0 when a is better than b: smaller; any censored one is worse than any that is not. Both measured. */
int repeats_compare(const struct figure *a, const struct figure *b);

/* The share of drills that would pass, at least, with 95 % confidence (one-sided), after `passed` of `judged` independent ones did:
 * Clopper and Pearson 1934, the p at which that many or more passes have a chance of 5 %. With all passed it is 0.05^(1/judged);
 * 0 without any pass. */
double repeats_pass_bound(size_t passed, size_t judged);

#endif
