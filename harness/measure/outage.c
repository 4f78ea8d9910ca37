/* Two indexes go over the requests once: one begins a window, the other ends it. */
#include "harness/measure/outage.h"

struct scan {
    size_t whole, unknown, last_bad; /* windows looked at, with too few requests, and the last one that was not good */
    size_t first_failed;             /* index of the outage's start; SIZE_MAX: none yet */
};

static size_t first_due_from(const struct outage_request *requests, size_t count, int64_t from_ns)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (requests[middle].due_ns < from_ns) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

static size_t first_failed(const struct outage_request *requests, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        if (!requests[i].good) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void scan_windows(const struct outage_request *requests, size_t count, const struct outage_settings *settings,
                         size_t begin, int64_t until_ns, struct scan *scan)
{
    size_t end = begin, good = 0;
    *scan = (struct scan){.last_bad = SIZE_MAX, .first_failed = SIZE_MAX};
    for (size_t i = begin; i < count && requests[i].due_ns + settings->window_ns <= until_ns; i++) {
        for (; end < count && requests[end].due_ns < requests[i].due_ns + settings->window_ns; end++) {
            good += requests[end].good;
        }
        size_t total = end - i;
        bool unknown = total < settings->minimum_count;
        /* the little less: 0.99 * 300 must not ask for more than 297 */
        if (unknown || (double)good < settings->good_share * (double)total - 1e-9) {
            scan->last_bad = i;
            if (scan->first_failed == SIZE_MAX) {
                scan->first_failed = first_failed(requests, i, end);
            }
        }
        scan->unknown += unknown;
        scan->whole++;
        good -= requests[i].good;
    }
}

static void find_recovery(const struct outage_request *requests, size_t count, const struct outage_settings *settings,
                          size_t after, int64_t until_ns, struct outage *outage)
{
    int64_t needed_ns = settings->hold_ns > settings->window_ns ? settings->hold_ns : settings->window_ns;
    for (size_t i = after + 1; i < count && requests[i].due_ns < until_ns; i++) {
        if (requests[i].good) {
            outage->recovery_ns = requests[i].due_ns;
            outage->gap_ns = requests[i].due_ns - requests[i - 1].due_ns;
            outage->state = until_ns - outage->recovery_ns >= needed_ns ? OUTAGE_RECOVERED : OUTAGE_OPEN;
            return;
        }
    }
}

void outage_find(const struct outage_request *requests, size_t count, const struct outage_settings *settings,
                 int64_t disruption_ns, int64_t watched_until_ns, struct outage *ret_outage)
{
    struct scan scan;
    struct outage outage = {.state = OUTAGE_UNKNOWN};
    size_t begin = first_due_from(requests, count, disruption_ns);
    scan_windows(requests, count, settings, begin, watched_until_ns, &scan);
    if (scan.first_failed != SIZE_MAX) {
        outage.state = OUTAGE_OPEN;
        outage.start_ns = requests[scan.first_failed].due_ns;
        find_recovery(requests, count, settings, scan.last_bad, watched_until_ns, &outage);
    } else if (scan.whole > 0 && scan.unknown == 0) {
        outage.state = OUTAGE_NONE;
    }
    *ret_outage = outage;
}
