/* The outage of one vantage and class: when it began, when it was over for good, and how exactly both are known.
 *
 * The window of request i is every request due in [due_i, due_i + window). It is good when it has at least minimum_count requests
 * of which at least good_share are good; with fewer it is unknown, and unknown is not good. Only windows that are whole, that is
 * which end by watched_until, are looked at.
 *
 * Both instants are due times of requests, so the change itself lies elsewhere, and how far at most follows from the requests on both
 * sides (docs/measurement.md has the argument):
 *   start     after the due time of the request before it; not after the first failed one was told to have failed, or had arrived;
 *   recovery  after the due time of the last request before it, less what the driver may have left unread at its deadline; not after
 *             the first good one was answered, or had arrived.
 * A request has arrived when it and the next one were sent (or, when that never happened, taken up by the driver) and as long after
 * that as the slowest good answer took in the window before the outage. */
#ifndef DRILL_MEASURE_OUTAGE_H
#define DRILL_MEASURE_OUTAGE_H

#include "harness/measure/series.h"

enum outage_state {
    OUTAGE_UNKNOWN = 0, /* no whole window, or some with too few requests and none with enough failures */
    OUTAGE_NONE,        /* every window good */
    OUTAGE_RECOVERED,   /* over, and good for hold_ns since */
    OUTAGE_OPEN,        /* not over, or not good for long enough yet */
    OUTAGE_STATE_COUNT
};

struct outage {
    enum outage_state state;
    int64_t start_ns;           /* due time of the first failed request of the first window that is not good; 0 without outage */
    int64_t start_within_ns;    /* the true start is no further away, on the vantage's clock */
    int64_t recovery_ns;        /* due time of the first good request after the last window that is not good; 0: there is none */
    int64_t gap_ns;             /* from the request before that one to it */
    int64_t recovery_within_ns; /* the true recovery is no further away */
    bool thin;                  /* the last window that is not good has too few requests, and none of them failed */
    int64_t last_failed_ns;     /* due time of the last failed request that was watched; 0: none */
    uint64_t requests, failed;  /* due while watched */
};

/* Find the outage at or after disruption_ns. Linear in the records that are due while watched; allocates nothing. */
void outage_find(const struct series *series, int64_t disruption_ns, int64_t watched_until_ns, struct outage *ret_outage);

#endif
