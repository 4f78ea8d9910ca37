/* How late the driver itself was: a histogram with at most 6 % error a value, and the exact maximum. */
#ifndef DRILL_LOAD_LATENESS_H
#define DRILL_LOAD_LATENESS_H

#include <stdint.h>

enum { LATENESS_STEPS = 16 /* a doubling */, LATENESS_BUCKETS = 64 * LATENESS_STEPS };

struct lateness {
    uint64_t counts[LATENESS_BUCKETS], total;
    int64_t max_ns;
};

void lateness_add(struct lateness *lateness, int64_t late_ns);
/* Upper edge of the bucket where `share` (0…1) of the values are reached; 0 without any. */
int64_t lateness_quantile_ns(const struct lateness *lateness, double share);

#endif
