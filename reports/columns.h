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

/* A drill that goes on quietly long after its last disruption is shown until things were quiet: otherwise its story would be a sliver
 * at the edge. Nothing failed in the seconds that are left out. */
struct columns {
    struct column items[COLUMNS_MAX];
    size_t count, step;          /* step: seconds in a column */
    size_t first_bin, bin_count; /* the seconds that are shown; fewer than the drill's when it is cut to what happened */
    double from_s, to_s;
    double rate_max; /* most requests in a second */
    double latency_max_s;
};

/* The caller frees with free(). Never NULL; without bins it is empty and covers the drill's known instants. */
struct columns *columns_new(const struct result *result);

#endif
