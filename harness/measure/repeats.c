/* Order statistics with censoring, and a bound on the pass rate. */
#include "harness/measure/repeats.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/str.h"

int repeats_compare(const struct figure *a, const struct figure *b)
{
    if (a->at_least != b->at_least) {
        return a->at_least ? 1 : -1;
    }
    return a->value < b->value ? -1 : a->value > b->value;
}

static int compare(const void *a, const void *b)
{
    return repeats_compare(a, b);
}

struct repeats repeats_of(const struct figure *figures, size_t count)
{
    struct repeats repeats = {0};
    AUTO_FREE struct figure *sorted = xcalloc(count + 1, sizeof(*sorted));
    for (size_t i = 0; i < count; i++) {
        if (figures[i].measured) {
            sorted[repeats.count++] = figures[i];
        }
    }
    if (repeats.count == 0) {
        return repeats;
    }
    qsort(sorted, repeats.count, sizeof(*sorted), compare);
    repeats.min = sorted[0];
    repeats.median = sorted[repeats.count / 2];
    repeats.max = sorted[repeats.count - 1];
    if (repeats.count >= REPEATS_P95_MIN) {
        repeats.p95 = sorted[(size_t)ceil(0.95 * (double)repeats.count) - 1];
    }
    return repeats;
}

/* The chance of `passed` or more passes in `judged` drills that each pass with chance p. */
static double tail(double p, size_t passed, size_t judged)
{
    double sum = 0;
    for (size_t k = passed; k <= judged; k++) {
        double log_ways = lgamma((double)judged + 1) - lgamma((double)k + 1) - lgamma((double)(judged - k) + 1);
        sum += exp(log_ways + (double)k * log(p) + (double)(judged - k) * log1p(-p));
    }
    return sum;
}

double repeats_pass_bound(size_t passed, size_t judged)
{
    enum { HALVINGS = 60 }; /* to the last bit of a double */
    double low = 0, high = 1;
    if (passed == 0) {
        return 0;
    }
    if (passed >= judged) {
        return pow(0.05, 1.0 / (double)judged);
    }
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (tail(middle, passed, judged) < 0.05) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}
