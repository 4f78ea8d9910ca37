/* The requests as a whole: totals that add up, what each second saw, which address answered, and whether the driver kept its schedule.
 * Seconds are counted from the origin and by due time. */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/measure/histogram.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"

enum { MAX_BINS = 7 * 86400 }; /* a week: a due time further away comes from a damaged record */

struct known_address { /* requests go to few addresses: each is looked up once */
    uint32_t address;
    size_t bin; /* of result->addresses */
};

struct traffic {
    struct measurement *measurement;
    VEC(int64_t) latencies_ns; /* of the answered requests of the second at hand */
    VEC(struct known_address) known;
    struct histogram *late;
    uint64_t late_count, too_late;
    uint64_t not_sent[NOT_SENT_COUNT]; /* by reason */
};

static int64_t floor_second(int64_t ns, int64_t origin_ns)
{
    int64_t since_ns = ns - origin_ns;
    int64_t seconds = since_ns / NS_PER_S - (since_ns % NS_PER_S < 0);
    return origin_ns + seconds * NS_PER_S;
}

static void make_bins(struct measurement *measurement)
{
    struct result *result = measurement->result;
    int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;
    for (size_t i = 0; i < measurement->tracks.count; i++) {
        const struct track *track = &measurement->tracks.items[i];
        if (track->count) {
            first_ns = track->first_due_ns < first_ns ? track->first_due_ns : first_ns;
            last_ns = track->last_due_ns > last_ns ? track->last_due_ns : last_ns;
        }
    }
    if (first_ns > last_ns) {
        return;
    }
    first_ns = floor_second(first_ns, result->origin_ns);
    int64_t bins = (last_ns - first_ns) / NS_PER_S + 1;
    result->bin_count = (size_t)(bins < MAX_BINS ? bins : MAX_BINS);
    result->bins = xcalloc(result->bin_count, sizeof(*result->bins));
    for (size_t i = 0; i < result->bin_count; i++) {
        result->bins[i].start_ns = first_ns + (int64_t)i * NS_PER_S;
    }
}

void measure_region_name(const json_t *plan, struct in_addr address, char *out, size_t size)
{
    size_t index;
    json_t *region;
    json_array_foreach(json_object_get(plan, "regions"), index, region)
    {
        char text[INET_ADDRSTRLEN + 8];
        struct in_addr network;
        (void)str_copy(text, sizeof(text), json_str(region, "cidr", ""));
        char *slash = strchr(text, '/');
        unsigned long bits = slash ? strtoul(slash + 1, NULL, 10) : 32;
        if (slash) {
            *slash = '\0';
        }
        if (bits > 32 || inet_pton(AF_INET, text, &network) != 1) {
            continue;
        }
        uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
        if (((ntohl(network.s_addr) ^ ntohl(address.s_addr)) & mask) == 0) {
            (void)str_copy(out, size, json_str(region, "name", ""));
            return;
        }
    }
}

void measure_region_of(const struct measurement *measurement, const char *answer, char out[static 64])
{
    char address[INET_ADDRSTRLEN];
    struct in_addr binary = {0};
    (void)str_format(address, sizeof(address), "%.*s", (int)strspn(answer, "0123456789."), answer);
    out[0] = '\0';
    if (inet_pton(AF_INET, address, &binary) == 1) {
        measure_region_name(measurement->evidence->plan, binary, out, 64);
    }
}

static size_t add_address(struct measurement *measurement, uint32_t value)
{
    struct result *result = measurement->result;
    struct in_addr address = {.s_addr = value};
    result->addresses = xrealloc(result->addresses, result->address_count + 1, sizeof(*result->addresses));
    struct address_bin *bin = &result->addresses[result->address_count];
    *bin = (struct address_bin){.counts = xcalloc(result->bin_count, sizeof(*bin->counts))};
    inet_ntop(AF_INET, &address, bin->address, sizeof(bin->address));
    measure_region_name(measurement->evidence->plan, address, bin->region, sizeof(bin->region));
    return result->address_count++;
}

static struct address_bin *find_address(struct traffic *traffic, uint32_t value)
{
    struct result *result = traffic->measurement->result;
    VEC_EACH(known, &traffic->known)
    {
        if (known->address == value) {
            return &result->addresses[known->bin];
        }
    }
    size_t bin = add_address(traffic->measurement, value);
    *VEC_ADD(&traffic->known) = (struct known_address){.address = value, .bin = bin};
    return &result->addresses[bin];
}

static int compare_addresses(const void *left, const void *right)
{
    const struct address_bin *a = left, *b = right;
    int order = strcmp(a->region, b->region);
    return order ? order : strcmp(a->address, b->address);
}

static void count_fate(struct result *result, struct second_bin *bin, enum request_outcome outcome)
{
    uint32_t *seconds[FATE_COUNT] = {&bin->ok, &bin->failed, &bin->timed_out, &bin->not_sent};
    uint64_t *totals[FATE_COUNT] = {&result->requests.ok, &result->requests.failed, &result->requests.timed_out,
                                    &result->requests.not_sent};
    enum request_fate fate = request_fate(outcome);
    ++*seconds[fate];
    ++*totals[fate];
    bin->by_outcome[outcome]++;
    result->by_outcome[outcome]++;
    result->requests.scheduled++;
}

/* How late the driver was with it. Over a standing connection it is to blame until the first byte is out; a new connection is the
 * system's time. */
static int64_t late_ns(const struct ledger_record *record)
{
    bool standing = record->sent_ns != 0 && !record->new_connection;
    return standing ? record->sent_ns - record->due_ns : record->late_us * (int64_t)NS_PER_US;
}

static void count_record(struct traffic *traffic, const struct ledger_record *record, size_t index)
{
    struct result *result = traffic->measurement->result;
    enum request_outcome outcome = request_outcome(record);
    outcome = outcome < OUTCOME_COUNT ? outcome : OUTCOME_OTHER;
    count_fate(result, &result->bins[index], outcome);
    if (outcome == OUTCOME_OK || outcome == OUTCOME_STATUS || outcome == OUTCOME_BODY) {
        *VEC_ADD(&traffic->latencies_ns) = record->done_ns - record->due_ns;
        if (record->address) {
            find_address(traffic, record->address)->counts[index]++;
        }
    }
    if (outcome == OUTCOME_NOT_SENT) {
        traffic->not_sent[record->not_sent < NOT_SENT_COUNT ? record->not_sent : NOT_SENT_NONE]++;
    } else {
        histogram_add(traffic->late, late_ns(record));
        traffic->late_count++;
        traffic->too_late += late_ns(record) > traffic->measurement->late_limit_ns;
    }
}

static void fill_quantiles(struct traffic *traffic, struct second_bin *bin)
{
    int64_t *latencies_ns = traffic->latencies_ns.items;
    size_t count = traffic->latencies_ns.count;
    bin->p50_s = seconds_of(quantile_select_ns(latencies_ns, count, 0.50));
    bin->p95_s = seconds_of(quantile_select_ns(latencies_ns, count, 0.95));
    bin->p99_s = seconds_of(quantile_select_ns(latencies_ns, count, 0.99));
    traffic->latencies_ns.count = 0;
}

/* Second by second over all tracks, so that only one second's latencies are held at once. */
static void count_all(struct traffic *traffic)
{
    struct result *result = traffic->measurement->result;
    const struct tracks *tracks = &traffic->measurement->tracks;
    AUTO_FREE uint64_t *next = xcalloc(tracks->count + 1, sizeof(*next));
    for (size_t index = 0; index < result->bin_count; index++) {
        bool last = index + 1 == result->bin_count;
        for (size_t i = 0; i < tracks->count; i++) {
            const struct track *track = &tracks->items[i];
            int64_t end_ns = last ? INT64_MAX : result->bins[index].start_ns + NS_PER_S - track->offset_ns;
            for (; next[i] < track->count && track->records[next[i]].due_ns < end_ns; next[i]++) {
                count_record(traffic, &track->records[next[i]], index);
            }
        }
        fill_quantiles(traffic, &result->bins[index]);
    }
}

/* The driver's own account of how late it issued requests, when the load was stopped in order; else what the ledgers show. */
static bool read_account(const struct measurement *measurement, double *ret_p99_s, double *ret_max_s)
{
    size_t index, found = 0;
    json_t *event;
    *ret_p99_s = *ret_max_s = 0;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        if (str_eq(json_str(event, "kind", ""), "load.stop") && json_object_get(event, "late_max_ns")) {
            *ret_p99_s = fmax(*ret_p99_s, seconds_of(json_int(event, "late_p99_ns", 0)));
            *ret_max_s = fmax(*ret_max_s, seconds_of(json_int(event, "late_max_ns", 0)));
            found++;
        }
    }
    return found > 0 && found >= measurement->evidence->ledger_count;
}

/* Late: more than the agreed share of requests. The account's p99 over the limit is one in a hundred. */
static bool was_late(struct traffic *traffic)
{
    struct measurement *measurement = traffic->measurement;
    struct result *result = measurement->result;
    double limit_s = seconds_of(measurement->late_limit_ns);
    struct latency_part late = histogram_latency(traffic->late);
    bool too_many = (double)traffic->too_late > measurement->late_share * (double)traffic->late_count;
    double p99_s, max_s;
    result->driver.measured = late.measured;
    result->driver.late_p99_s = late.p99_s;
    result->driver.late_max_s = late.max_s;
    if (read_account(measurement, &p99_s, &max_s)) {
        result->driver.measured = true;
        result->driver.late_p99_s = p99_s;
        result->driver.late_max_s = max_s;
        too_many = max_s > limit_s && (too_many || (p99_s > limit_s && measurement->late_share < 0.01));
    }
    return too_many;
}

/* "40: over the in-flight limit, 2: no local port was left" */
static void list_not_sent(const struct traffic *traffic, struct buf *out)
{
    for (size_t i = 0; i < NOT_SENT_COUNT; i++) {
        if (traffic->not_sent[i]) {
            buf_printf(out, "%s%llu: %s", out->size ? ", " : "", (unsigned long long)traffic->not_sent[i],
                       not_sent_text((enum not_sent_reason)i));
        }
    }
}

static void judge_driver(struct traffic *traffic)
{
    struct measurement *measurement = traffic->measurement;
    struct result *result = measurement->result;
    bool late = was_late(traffic);
    bool sent = (double)result->requests.not_sent <= measurement->late_share * (double)result->requests.scheduled;
    result->driver.schedule_kept = !late && sent;
    measurement->driver_late = late;
    measurement->driver_unsent = !sent;
    if (late) {
        measure_finding(measurement,
                        "The driver was late: more than %.2g %% of the requests went out over %.0f ms after they were due.",
                        100 * measurement->late_share, (double)measurement->late_limit_ns / NS_PER_MS);
    }
    if (!sent) {
        struct buf reasons CLEANUP(buf_clear) = {0};
        list_not_sent(traffic, &reasons);
        measure_finding(measurement, "The driver did not send %llu of %llu requests: it was at its own limit (%s).",
                        (unsigned long long)result->requests.not_sent, (unsigned long long)result->requests.scheduled,
                        buf_str(&reasons));
    }
}

void measure_traffic(struct measurement *measurement)
{
    struct result *result = measurement->result;
    AUTO_HISTOGRAM struct histogram *late = histogram_new();
    struct traffic traffic = {.measurement = measurement, .late = late};
    make_bins(measurement);
    count_all(&traffic);
    for (size_t i = 0; i < measurement->tracks.count; i++) {
        double bound_s = seconds_of(measurement->tracks.items[i].bound_ns);
        result->method.clock_bound_s = fmax(result->method.clock_bound_s, bound_s);
    }
    judge_driver(&traffic);
    if (result->address_count) {
        qsort(result->addresses, result->address_count, sizeof(*result->addresses), compare_addresses);
    }
    VEC_CLEAR(&traffic.latencies_ns);
    VEC_CLEAR(&traffic.known);
}
