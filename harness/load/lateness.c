/* Histogram of lateness: sixteen steps a doubling. */
#include "harness/load/lateness.h"

#include <math.h>
#include <stddef.h>

static size_t bucket_of(uint64_t value)
{
    if (value < LATENESS_STEPS) {
        return (size_t)value;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 4u; /* leaves the leading bit and four more */
    return (size_t)(shift + 1) * LATENESS_STEPS + (size_t)(value >> shift) - LATENESS_STEPS;
}

static int64_t upper_edge(size_t bucket)
{
    if (bucket < LATENESS_STEPS) {
        return (int64_t)bucket;
    }
    unsigned shift = (unsigned)(bucket / LATENESS_STEPS) - 1u;
    uint64_t lead = bucket % LATENESS_STEPS + LATENESS_STEPS;
    return (int64_t)(((lead + 1) << shift) - 1);
}

void lateness_add(struct lateness *lateness, int64_t late_ns)
{
    int64_t value = late_ns > 0 ? late_ns : 0;
    lateness->counts[bucket_of((uint64_t)value)]++;
    lateness->total++;
    lateness->max_ns = value > lateness->max_ns ? value : lateness->max_ns;
}

int64_t lateness_quantile_ns(const struct lateness *lateness, double share)
{
    uint64_t wanted = (uint64_t)ceil(share * (double)lateness->total), seen = 0;
    for (size_t i = 0; i < LATENESS_BUCKETS && lateness->total; i++) {
        seen += lateness->counts[i];
        if (seen >= wanted && seen > 0) {
            int64_t edge = upper_edge(i);
            return edge < lateness->max_ns ? edge : lateness->max_ns;
        }
    }
    return 0;
}
