/* The requests as a whole: totals that add up, what each second saw, which address answered, and whether the driver kept its schedule.
 * Seconds are counted from the origin and by due time. */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/measurement.h"
#include "harness/measure/quantile.h"
#include "harness/measure/series.h"

enum { MAX_BINS = 7 * 86400 }; /* a week: a due time further away comes from a damaged record */

struct sample {
    size_t bin;
    double latency_s;
};

struct traffic {
    struct measurement *measurement;
    int64_t first_ns;
    struct sample *samples; /* one per answered request */
    size_t sample_count;
    double *late;
    size_t late_count;
    uint64_t too_late;
};

static int64_t floor_second(int64_t ns, int64_t origin_ns)
{
    int64_t since_ns = ns - origin_ns;
    int64_t seconds = since_ns / NS_PER_S - (since_ns % NS_PER_S < 0);
    return origin_ns + seconds * NS_PER_S;
}

static uint64_t total_records(const struct evidence *evidence)
{
    uint64_t total = 0;
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        total += ledger_count(evidence->ledgers[i]);
    }
    return total;
}

static void make_bins(struct traffic *traffic)
{
    const struct evidence *evidence = traffic->measurement->evidence;
    struct result *result = traffic->measurement->result;
    int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        int64_t offset_ns = ledger_header(evidence->ledgers[i])->clock_offset_ns;
        uint64_t count = ledger_count(evidence->ledgers[i]);
        for (uint64_t j = 0; j < count; j++) {
            int64_t due_ns = ledger_at(evidence->ledgers[i], j)->due_ns + offset_ns;
            first_ns = due_ns < first_ns ? due_ns : first_ns;
            last_ns = due_ns > last_ns ? due_ns : last_ns;
        }
    }
    if (first_ns > last_ns) {
        return;
    }
    traffic->first_ns = floor_second(first_ns, result->origin_ns);
    int64_t bins = (last_ns - traffic->first_ns) / NS_PER_S + 1;
    result->bin_count = (size_t)(bins < MAX_BINS ? bins : MAX_BINS);
    result->bins = xcalloc(result->bin_count, sizeof(*result->bins));
    for (size_t i = 0; i < result->bin_count; i++) {
        result->bins[i].start_ns = traffic->first_ns + (int64_t)i * NS_PER_S;
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

static struct address_bin *find_address(struct measurement *measurement, uint32_t value)
{
    struct result *result = measurement->result;
    struct in_addr address = {.s_addr = value};
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof(text));
    for (size_t i = 0; i < result->address_count; i++) {
        if (str_eq(result->addresses[i].address, text)) {
            return &result->addresses[i];
        }
    }
    result->addresses = xrealloc(result->addresses, result->address_count + 1, sizeof(*result->addresses));
    struct address_bin *bin = &result->addresses[result->address_count++];
    *bin = (struct address_bin){.counts = xcalloc(result->bin_count, sizeof(*bin->counts))};
    (void)str_copy(bin->address, sizeof(bin->address), text);
    measure_region_name(measurement->evidence->plan, address, bin->region, sizeof(bin->region));
    return bin;
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

static void count_record(struct traffic *traffic, const struct ledger_record *record, int64_t offset_ns)
{
    struct measurement *measurement = traffic->measurement;
    struct result *result = measurement->result;
    enum request_outcome outcome = request_outcome(record);
    int64_t since_ns = record->due_ns + offset_ns - traffic->first_ns;
    size_t bin = since_ns / NS_PER_S < (int64_t)result->bin_count ? (size_t)(since_ns / NS_PER_S) : result->bin_count - 1;
    outcome = outcome < OUTCOME_COUNT ? outcome : OUTCOME_OTHER;
    count_fate(result, &result->bins[bin], outcome);
    if (outcome == OUTCOME_OK || outcome == OUTCOME_STATUS || outcome == OUTCOME_BODY) {
        traffic->samples[traffic->sample_count++] =
            (struct sample){.bin = bin, .latency_s = seconds_of(record->done_ns - record->due_ns)};
        if (record->address) {
            find_address(measurement, record->address)->counts[bin]++;
        }
    }
    /* A new connection is the system's time, not the driver's. */
    if (record->sent_ns != 0 && outcome != OUTCOME_NOT_SENT && !record->new_connection) {
        traffic->late[traffic->late_count++] = seconds_of(record->sent_ns - record->due_ns);
        traffic->too_late += record->sent_ns - record->due_ns > measurement->late_limit_ns;
    }
}

static int compare_samples(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    if (a->bin != b->bin) {
        return a->bin < b->bin ? -1 : 1;
    }
    return a->latency_s < b->latency_s ? -1 : a->latency_s > b->latency_s;
}

static void fill_quantiles(struct traffic *traffic)
{
    struct result *result = traffic->measurement->result;
    AUTO_FREE double *values = xcalloc(traffic->sample_count + 1, sizeof(*values));
    qsort(traffic->samples, traffic->sample_count, sizeof(*traffic->samples), compare_samples);
    for (size_t begin = 0, end = 0; begin < traffic->sample_count; begin = end) {
        for (; end < traffic->sample_count && traffic->samples[end].bin == traffic->samples[begin].bin; end++) {
            values[end - begin] = traffic->samples[end].latency_s;
        }
        struct second_bin *bin = &result->bins[traffic->samples[begin].bin];
        bin->p50_s = quantile_of(values, end - begin, 0.50);
        bin->p95_s = quantile_of(values, end - begin, 0.95);
        bin->p99_s = quantile_of(values, end - begin, 0.99);
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

/* Late: more than the agreed share of requests over standing connections. The account's p99 over the limit is one in a hundred. */
static bool was_late(struct traffic *traffic)
{
    struct measurement *measurement = traffic->measurement;
    struct result *result = measurement->result;
    double limit_s = seconds_of(measurement->late_limit_ns);
    struct latency_part late = quantile_latency(traffic->late, traffic->late_count);
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

static void judge_driver(struct traffic *traffic)
{
    struct measurement *measurement = traffic->measurement;
    struct result *result = measurement->result;
    bool late = was_late(traffic);
    bool sent = (double)result->requests.not_sent <= measurement->late_share * (double)result->requests.scheduled;
    result->driver.schedule_kept = !late && sent;
    if (late) {
        measure_finding(measurement,
                        "The driver was late: more than %.2g %% of the requests went out over %.0f ms after they were due.",
                        100 * measurement->late_share, (double)measurement->late_limit_ns / NS_PER_MS);
    }
    if (!sent) {
        measure_finding(measurement, "The driver did not send %llu of %llu requests: it was at its own limit.",
                        (unsigned long long)result->requests.not_sent, (unsigned long long)result->requests.scheduled);
    }
}

void measure_traffic(struct measurement *measurement)
{
    const struct evidence *evidence = measurement->evidence;
    struct traffic traffic = {.measurement = measurement};
    uint64_t total = total_records(evidence);
    AUTO_FREE struct sample *samples = xcalloc(total + 1, sizeof(*samples));
    AUTO_FREE double *late = xcalloc(total + 1, sizeof(*late));
    traffic.samples = samples;
    traffic.late = late;
    make_bins(&traffic);
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        const struct ledger_header *header = ledger_header(evidence->ledgers[i]);
        uint64_t count = ledger_count(evidence->ledgers[i]);
        for (uint64_t j = 0; j < count; j++) {
            count_record(&traffic, ledger_at(evidence->ledgers[i], j), header->clock_offset_ns);
        }
        measurement->result->method.clock_bound_s = seconds_of(header->clock_bound_ns) > measurement->result->method.clock_bound_s
                                                        ? seconds_of(header->clock_bound_ns)
                                                        : measurement->result->method.clock_bound_s;
    }
    fill_quantiles(&traffic);
    judge_driver(&traffic);
    if (measurement->result->address_count) {
        qsort(measurement->result->addresses, measurement->result->address_count, sizeof(struct address_bin), compare_addresses);
    }
}
