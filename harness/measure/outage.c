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

/* When a request had reached the system at the latest: when it, and the next one, had left, and as long as the way takes. A driver that
 * was held up between the two may have sent the first as late as the second. */
static int64_t arrived_ns(const struct series *series, uint64_t index, int64_t way_ns)
{
    uint64_t next = series_next(series, index + 1);
    int64_t latest_ns = left_ns(series, index);
    if (next < series->count && series_due_ns(series, next) - series_due_ns(series, index) < series->settings->window_ns) {
        latest_ns = larger(latest_ns, left_ns(series, next));
    }
    return latest_ns + way_ns;
}

/* The system was already failing when the first failed request arrived. A failure that was told is known by then at the latest. */
static void date_start(const struct series *series, uint64_t failed, int64_t way_ns, struct outage *outage)
{
    const struct ledger_record *record = &series->records[failed];
    uint64_t before = series_before(series, failed);
    int64_t due_ns = series_due_ns(series, failed);
    int64_t early_ns = before == UINT64_MAX ? series->settings->window_ns : due_ns - series_due_ns(series, before);
    bool told = request_fate(request_outcome(record)) == FATE_FAILED && record->done_ns != 0;
    int64_t latest_ns = told ? record->done_ns + series->offset_ns : arrived_ns(series, failed, way_ns);
    outage->start_ns = due_ns;
    outage->start_within_ns = larger(early_ns, latest_ns - due_ns);
}

/* How long the first good answer may have lain unread: since its request was sent and the driver had read the first answer, of any
 * class, to those due after the request before. When a system answers all at once what has waited, the driver needs its time for them, and others pass their deadline
 * meanwhile. */
static int64_t unread_ns(const struct series *series, uint64_t before, uint64_t good)
{
    int64_t done_ns = series->records[good].done_ns, earliest_ns = done_ns;
    for (uint64_t i = before + 1; i < series->count && series->records[i].due_ns <= done_ns; i++) {
        const struct ledger_record *record = &series->records[i];
        if (record->done_ns < earliest_ns && request_is_good(record, series->settings)) {
            earliest_ns = record->done_ns;
        }
    }
    return done_ns - larger(earliest_ns, series->records[good].sent_ns);
}

/* By how much the driver ended requests after their deadlines in the window up to this one: so long an answer may have gone unseen. */
static int64_t overdue_ns(const struct series *series, uint64_t index)
{
    int64_t from_ns = series_due_ns(series, index) - series->settings->window_ns, overdue_ns = 0;
    for (uint64_t i = index; i != UINT64_MAX && series_due_ns(series, i) >= from_ns; i = series_before(series, i)) {
        const struct ledger_record *record = &series->records[i];
        if (request_fate(request_outcome(record)) == FATE_TIMED_OUT && record->done_ns) {
            overdue_ns = larger(overdue_ns, record->done_ns - record->due_ns - series->settings->deadline_ns);
        }
    }
    return overdue_ns;
}

/* It was good again when the first good request arrived, which was before its answer; and it was not when the request before was due,
 * unless that one was only waited for: then its answer may have been there and not been read in time. */
static void date_recovery(const struct series *series, uint64_t before, uint64_t good, int64_t way_ns, struct outage *outage)
{
    const struct ledger_record *record = &series->records[good];
    int64_t answered_ns = record->done_ns + series->offset_ns, arrived = arrived_ns(series, good, way_ns);
    int64_t late_ns = (answered_ns < arrived ? answered_ns : arrived) - series_due_ns(series, good);
    outage->recovery_ns = series_due_ns(series, good);
    outage->gap_ns = outage->recovery_ns - series_due_ns(series, before);
    int64_t early_ns = outage->gap_ns;
    if (request_fate(request_outcome(&series->records[before])) != FATE_FAILED) {
        early_ns += unread_ns(series, before, good) + overdue_ns(series, before);
    }
    outage->recovery_within_ns = larger(early_ns, late_ns);
}

static void find_recovery(const struct series *series, uint64_t after, int64_t until_ns, int64_t way_ns, struct outage *outage)
{
    const struct outage_settings *settings = series->settings;
    int64_t needed_ns = larger(settings->hold_ns, settings->window_ns);
    uint64_t before = after;
    for (uint64_t i = series_next(series, after + 1); i < series->count && series_due_ns(series, i) < until_ns;
         i = series_next(series, i + 1)) {
        if (series_is_good(series, i)) {
            date_recovery(series, before, i, way_ns, outage);
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
        int64_t way_ns = longest_way_ns(series, scan.first_failed);
        date_start(series, scan.first_failed, way_ns, &outage);
        find_recovery(series, scan.last_bad, watched_until_ns, way_ns, &outage);
    } else if (scan.whole > 0 && scan.unknown == 0) {
        outage.state = OUTAGE_NONE;
    }
    *ret_outage = outage;
}
