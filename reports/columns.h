/* The drill's seconds, thinned to what a picture can show, and the stretch of time that pictures cover. */
#ifndef DRILL_REPORTS_COLUMNS_H
#define DRILL_REPORTS_COLUMNS_H

#include "harness/measure/result.h"
#include "reports/chart.h"

enum { COLUMNS_MAX = 400 };

struct column { /* one or more seconds; rates are per second */
    double from_s, to_s;
    double ok, failed, timed_out, not_sent;
    double p50_s, p95_s, p99_s; /* the worst second in it; 0: nothing was answered */
    size_t first_bin, bin_count;
};

struct columns {
    struct column items[COLUMNS_MAX];
    size_t count, step; /* step: seconds in a column */
    double from_s, to_s;
    double rate_max; /* most requests in a second */
    double latency_max_s;
};

/* The caller frees with free(). Never NULL; without bins it is empty and covers the drill's known instants. */
struct columns *columns_new(const struct result *result);

#endif
