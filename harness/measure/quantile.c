/* Quantiles by sorting: a drill's samples fit into memory, and an estimate would have to be explained. */
#include "harness/measure/quantile.h"

#include <math.h>
#include <stdlib.h>

static int compare_values(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

void quantile_sort(double *values, size_t count)
{
    if (count > 1) {
        qsort(values, count, sizeof(*values), compare_values);
    }
}

double quantile_of(const double *sorted, size_t count, double share)
{
    if (count == 0) {
        return 0;
    }
    double rank = ceil(share * (double)count - 1e-9); /* the little less: 0.95 * 20 is the 19th, not the 20th */
    size_t index = rank < 1 ? 0 : (size_t)rank - 1;
    return sorted[index < count ? index : count - 1];
}

struct latency_part quantile_latency(double *values, size_t count)
{
    quantile_sort(values, count);
    return (struct latency_part){
        .measured = count > 0,
        .p50_s = quantile_of(values, count, 0.50),
        .p95_s = quantile_of(values, count, 0.95),
        .p99_s = quantile_of(values, count, 0.99),
        .max_s = count ? values[count - 1] : 0,
        .count = count,
    };
}
