/* Counting durations. */
#include "harness/measure/histogram.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { STEP_BITS = 11, STEPS = 1 << STEP_BITS, DOUBLINGS = 64 - STEP_BITS + 1 };

struct bucket {
    uint64_t count;
    int64_t largest_ns;
};

struct histogram {
    uint64_t count;
    struct bucket *doublings[DOUBLINGS]; /* each of STEPS buckets, made when it gets its first value */
};

struct histogram *histogram_new(void)
{
    return xcalloc(1, sizeof(struct histogram));
}

void histogram_free(struct histogram *histogram)
{
    for (size_t i = 0; histogram && i < DOUBLINGS; i++) {
        free(histogram->doublings[i]);
    }
    free(histogram);
}

static struct bucket *bucket_of(struct histogram *histogram, int64_t value_ns)
{
    uint64_t value = (uint64_t)value_ns;
    unsigned doubling = value < STEPS ? 0 : 64u - (unsigned)__builtin_clzll(value) - STEP_BITS;
    unsigned shift = doubling > 0 ? doubling - 1 : 0;
    if (!histogram->doublings[doubling]) {
        histogram->doublings[doubling] = xcalloc(STEPS, sizeof(struct bucket));
    }
    return &histogram->doublings[doubling][(value >> shift) % STEPS];
}

void histogram_add(struct histogram *histogram, int64_t value_ns)
{
    value_ns = value_ns > 0 ? value_ns : 0;
    struct bucket *bucket = bucket_of(histogram, value_ns);
    bucket->count++;
    bucket->largest_ns = value_ns > bucket->largest_ns ? value_ns : bucket->largest_ns;
    histogram->count++;
}

/* Adds to the bucket of a value that `from` remembers: it is the same bucket. */
static void merge_bucket(struct histogram *histogram, const struct bucket *from)
{
    if (from->count) {
        struct bucket *into = bucket_of(histogram, from->largest_ns);
        into->count += from->count;
        into->largest_ns = from->largest_ns > into->largest_ns ? from->largest_ns : into->largest_ns;
    }
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    for (size_t i = 0; i < DOUBLINGS; i++) {
        for (size_t j = 0; other->doublings[i] && j < STEPS; j++) {
            merge_bucket(histogram, &other->doublings[i][j]);
        }
    }
    histogram->count += other->count;
}

/* How many of `count` values the quantile has at or below it. */
static uint64_t rank_of(uint64_t count, double share)
{
    double rank = ceil(share * (double)count - 1e-9); /* the little less: 0.95 * 20 is the 19th, not the 20th */
    return rank < 1 ? 1 : rank > (double)count ? count : (uint64_t)rank;
}

int64_t histogram_quantile_ns(const struct histogram *histogram, double share)
{
    uint64_t left = histogram->count ? rank_of(histogram->count, share) : 0;
    for (size_t i = 0; left > 0 && i < DOUBLINGS; i++) {
        for (size_t j = 0; histogram->doublings[i] && j < STEPS; j++) {
            const struct bucket *bucket = &histogram->doublings[i][j];
            if (bucket->count >= left) {
                return bucket->largest_ns;
            }
            left -= bucket->count;
        }
    }
    return 0;
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

struct latency_part histogram_latency(const struct histogram *histogram)
{
    return (struct latency_part){
        .measured = histogram->count > 0,
        .p50_s = seconds(histogram_quantile_ns(histogram, 0.50)),
        .p95_s = seconds(histogram_quantile_ns(histogram, 0.95)),
        .p99_s = seconds(histogram_quantile_ns(histogram, 0.99)),
        .max_s = seconds(histogram_quantile_ns(histogram, 1)),
        .count = histogram->count,
    };
}

static void swap(int64_t *a, int64_t *b)
{
    int64_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Hoare's selection: after a round all of [low, right] are at most the pivot, all of [left, high] at least. */
int64_t quantile_select_ns(int64_t *values_ns, size_t count, double share)
{
    if (count == 0) {
        return 0;
    }
    ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, wanted = (ptrdiff_t)rank_of(count, share) - 1;
    while (low < high) {
        int64_t pivot_ns = values_ns[low + (high - low) / 2];
        ptrdiff_t left = low, right = high;
        while (left <= right) {
            while (values_ns[left] < pivot_ns) {
                left++;
            }
            while (values_ns[right] > pivot_ns) {
                right--;
            }
            if (left <= right) {
                swap(&values_ns[left++], &values_ns[right--]);
            }
        }
        if (wanted > right && wanted < left) {
            break;
        }
        low = wanted >= left ? left : low;
        high = wanted <= right ? right : high;
    }
    return values_ns[wanted];
}
