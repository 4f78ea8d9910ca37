/* The outage of one vantage and class: when it began, when it was over for good.
 *
 * The window of request i is every request due in [due_i, due_i + window). It is good when it has at least minimum_count requests
 * of which at least good_share are good; with fewer it is unknown, and unknown is not good. Only windows that are whole, that is
 * which end by watched_until, are looked at. */
#ifndef DRILL_MEASURE_OUTAGE_H
#define DRILL_MEASURE_OUTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outage_settings {
    int64_t window_ns;
    uint32_t minimum_count;
    double good_share;   /* 0…1 */
    int64_t latency_ns;  /* from due to done; slower is not good */
    int64_t hold_ns;     /* how long all windows must stay good to prove a recovery */
    int64_t deadline_ns; /* a request unanswered for so long has timed out */
};

struct outage_request {
    int64_t due_ns; /* controller clock */
    bool good;
};

enum outage_state {
    OUTAGE_UNKNOWN = 0, /* no whole window, or some with too few requests and none with enough failures */
    OUTAGE_NONE,        /* every window good */
    OUTAGE_RECOVERED,   /* over, and good for hold_ns since */
    OUTAGE_OPEN,        /* not over, or not good for long enough yet */
    OUTAGE_STATE_COUNT
};

struct outage {
    enum outage_state state;
    int64_t start_ns;    /* due time of the first failed request of the first window that is not good; 0 without outage */
    int64_t recovery_ns; /* due time of the first good request after the last window that is not good; 0: there is none */
    int64_t gap_ns;      /* from the request before that one to it: the recovery cannot be dated better */
};

/* Find the outage in requests sorted by due time, at or after disruption_ns. Linear in count; allocates nothing. */
void outage_find(const struct outage_request *requests, size_t count, const struct outage_settings *settings,
                 int64_t disruption_ns, int64_t watched_until_ns, struct outage *ret_outage);

#endif
