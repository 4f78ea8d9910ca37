/* Two indexes go over the records once: one begins a window, the other ends it. */
#include "harness/measure/outage.h"

#include "harness/base/clock.h"

struct scan {
    uint64_t whole, unknown; /* windows looked at, and those with too few requests */
    uint64_t last_bad;       /* where the last window begins that was not good; UINT64_MAX: none */
    bool last_is_thin;       /* that one has too few requests and no failed one */
    uint64_t first_failed;   /* where the outage begins; UINT64_MAX: none yet */
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static uint64_t first_failed(const struct series *series, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i = series_next(series, i + 1)) {
        if (!series_is_good(series, i)) {
            return i;
        }
    }
    return UINT64_MAX;
}

/* The window at hand: its requests are [begin, end). */
struct window {
    uint64_t begin, end, total, good;
};

/* Takes in what is due before until_ns; each request is taken in once. */
static void widen(const struct series *series, struct window *window, int64_t until_ns, struct outage *outage)
{
    while (window->end < series->count && series_due_ns(series, window->end) < until_ns) {
        bool good = series_is_good(series, window->end);
        window->total++;
        window->good += good;
        outage->requests++;
        outage->failed += !good;
        outage->last_failed_ns = good ? outage->last_failed_ns : series_due_ns(series, window->end);
        window->end = series_next(series, window->end + 1);
    }
}

static void judge_window(const struct series *series, const struct window *window, struct scan *scan)
{
    const struct outage_settings *settings = series->settings;
    bool unknown = window->total < settings->minimum_count;
    /* the little less: 0.99 * 300 must not ask for more than 297 */
    if (unknown || (double)window->good < settings->good_share * (double)window->total - 1e-9) {
        scan->last_bad = window->begin;
        scan->last_is_thin = unknown && window->good == window->total;
        if (scan->first_failed == UINT64_MAX && window->good < window->total) {
            scan->first_failed = first_failed(series, window->begin, window->end);
        }
    }
    scan->unknown += unknown;
    scan->whole++;
}

static void scan_windows(const struct series *series, int64_t disruption_ns, int64_t until_ns, struct scan *scan,
                         struct outage *outage)
{
    uint64_t begin = series_next(series, series_from(series, disruption_ns));
    struct window window = {.begin = begin, .end = begin};
    *scan = (struct scan){.last_bad = UINT64_MAX, .first_failed = UINT64_MAX};
    while (window.begin < series->count) {
        int64_t end_ns = series_due_ns(series, window.begin) + series->settings->window_ns;
        if (end_ns > until_ns) {
            break;
        }
        widen(series, &window, end_ns, outage);
        judge_window(series, &window, scan);
        window.total--;
        window.good -= series_is_good(series, window.begin);
        window.begin = series_next(series, window.begin + 1);
    }
    widen(series, &window, until_ns, outage);
}

/* How long the slowest good answer took of those due in the window before `index`: no request was seen to be longer on its way. */
static int64_t longest_way_ns(const struct series *series, uint64_t index)
{
    int64_t from_ns = series_due_ns(series, index) - series->settings->window_ns, longest_ns = 0;
    for (uint64_t i = series_before(series, index); i != UINT64_MAX && series_due_ns(series, i) >= from_ns;
         i = series_before(series, i)) {
        const struct ledger_record *record = &series->records[i];
        if (series_is_good(series, i) && record->sent_ns) {
            longest_ns = larger(longest_ns, record->done_ns - record->sent_ns);
        }
    }
    return longest_ns;
}

/* When the driver had sent the request, or taken it up when it never got so far; controller clock. */
static int64_t left_ns(const struct series *series, uint64_t index)
{
    const struct ledger_record *record = &series->records[index];
    int64_t taken_up_ns = record->due_ns + (int64_t)(record->late_us + 1) * NS_PER_US;
    return larger(record->sent_ns, taken_up_ns) + series->offset_ns;
}

/* The system was already failing when the first failed request reached it. A failure that was told is known by then at the latest; one
 * that was only waited for is dated by when it, and the next one, had left: a driver that was held up between the two may have sent the
 * first as late as that. */
static int64_t latest_start_ns(const struct series *series, uint64_t failed)
{
    const struct ledger_record *record = &series->records[failed];
    uint64_t next = series_next(series, failed + 1);
    bool told = request_fate(request_outcome(record)) == FATE_FAILED && record->done_ns != 0;
    int64_t latest_ns = left_ns(series, failed);
    if (told) {
        return record->done_ns + series->offset_ns;
    }
    if (next < series->count && series_due_ns(series, next) - series_due_ns(series, failed) < series->settings->window_ns) {
        latest_ns = larger(latest_ns, left_ns(series, next));
    }
    return latest_ns + longest_way_ns(series, failed);
}

static void date_start(const struct series *series, uint64_t failed, struct outage *outage)
{
    uint64_t before = series_before(series, failed);
    int64_t due_ns = series_due_ns(series, failed);
    int64_t early_ns = before == UINT64_MAX ? series->settings->window_ns : due_ns - series_due_ns(series, before);
    outage->start_ns = due_ns;
    outage->start_within_ns = larger(early_ns, latest_start_ns(series, failed) - due_ns);
}

static void find_recovery(const struct series *series, uint64_t after, int64_t until_ns, struct outage *outage)
{
    const struct outage_settings *settings = series->settings;
    int64_t needed_ns = larger(settings->hold_ns, settings->window_ns);
    uint64_t before = after;
    for (uint64_t i = series_next(series, after + 1); i < series->count && series_due_ns(series, i) < until_ns;
         i = series_next(series, i + 1)) {
        if (series_is_good(series, i)) {
            outage->recovery_ns = series_due_ns(series, i);
            outage->gap_ns = outage->recovery_ns - series_due_ns(series, before);
            outage->recovery_within_ns = larger(outage->gap_ns, series->records[i].done_ns - series->records[i].due_ns);
            outage->state = until_ns - outage->recovery_ns >= needed_ns ? OUTAGE_RECOVERED : OUTAGE_OPEN;
            return;
        }
        before = i;
    }
}

void outage_find(const struct series *series, int64_t disruption_ns, int64_t watched_until_ns, struct outage *ret_outage)
{
    struct scan scan;
    struct outage outage = {.state = OUTAGE_UNKNOWN};
    scan_windows(series, disruption_ns, watched_until_ns, &scan, &outage);
    if (scan.first_failed != UINT64_MAX) {
        outage.state = OUTAGE_OPEN;
        outage.thin = scan.last_is_thin;
        date_start(series, scan.first_failed, &outage);
        find_recovery(series, scan.last_bad, watched_until_ns, &outage);
    } else if (scan.whole > 0 && scan.unknown == 0) {
        outage.state = OUTAGE_NONE;
    }
    *ret_outage = outage;
}
