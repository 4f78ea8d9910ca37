/* What pictures and tables show beside the totals: latencies of every second in buckets, requests by the region that they went to,
 * and the first request of each kind of failure. */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"

/* Requests go to few addresses, so the region of each is looked up once. */
struct known_address {
    uint32_t address;
    size_t region;
};

struct detail {
    struct measurement *measurement;
    struct known_address *known;
    size_t known_count;
};

static size_t bucket_of(double latency_s)
{
    double place = latency_s > 0 ? floor(log10(latency_s / 1e-4) * 5) : 0;
    return place < 0 ? 0 : place >= LATENCY_BUCKETS ? LATENCY_BUCKETS - 1 : (size_t)place;
}

static size_t region_index(struct result *result, const char *name)
{
    for (size_t i = 0; i < result->region_count; i++) {
        if (str_eq(result->regions[i].name, name)) {
            return i;
        }
    }
    result->regions = xrealloc(result->regions, result->region_count + 1, sizeof(*result->regions));
    struct region_result *region = &result->regions[result->region_count];
    *region = (struct region_result){0};
    (void)str_copy(region->name, sizeof(region->name), name);
    return result->region_count++;
}

static size_t region_of(struct detail *detail, uint32_t address)
{
    char name[64] = "";
    for (size_t i = 0; i < detail->known_count; i++) {
        if (detail->known[i].address == address) {
            return detail->known[i].region;
        }
    }
    if (address) {
        measure_region_name(detail->measurement->evidence->plan, (struct in_addr){.s_addr = address}, name, sizeof(name));
    }
    detail->known = xrealloc(detail->known, detail->known_count + 1, sizeof(*detail->known));
    struct known_address *known = &detail->known[detail->known_count++];
    *known = (struct known_address){.address = address, .region = region_index(detail->measurement->result, name)};
    return known->region;
}

static void keep_example(struct failure_example *example, const struct ledger_header *header, const struct ledger_record *record,
                         int64_t due_ns)
{
    if (example->known && example->due_ns <= due_ns) {
        return;
    }
    *example = (struct failure_example){.known = true,
                                        .request_class = record->request_class,
                                        .due_ns = due_ns,
                                        .took_ns = record->done_ns ? record->done_ns - record->due_ns : 0,
                                        .http_status = record->http_status};
    (void)str_format(example->vantage, sizeof(example->vantage), "%.*s", (int)sizeof(header->vantage), header->vantage);
    if (record->address) {
        inet_ntop(AF_INET, &record->address, example->address, sizeof(example->address));
    }
}

static void count_region(struct region_result *region, bool answered, int64_t due_ns)
{
    if (answered) {
        region->answered++;
        return;
    }
    region->failed++;
    region->first_failed_ns = !region->first_failed_ns || due_ns < region->first_failed_ns ? due_ns : region->first_failed_ns;
    region->last_failed_ns = due_ns > region->last_failed_ns ? due_ns : region->last_failed_ns;
}

static void add_record(struct detail *detail, const struct ledger_header *header, const struct ledger_record *record)
{
    struct result *result = detail->measurement->result;
    enum request_outcome outcome = request_outcome(record);
    int64_t due_ns = record->due_ns + header->clock_offset_ns, since_ns = due_ns - result->bins[0].start_ns;
    size_t bin = since_ns / NS_PER_S < (int64_t)result->bin_count ? (size_t)(since_ns / NS_PER_S) : result->bin_count - 1;
    outcome = outcome < OUTCOME_COUNT ? outcome : OUTCOME_OTHER;
    if (outcome == OUTCOME_OK || outcome == OUTCOME_STATUS || outcome == OUTCOME_BODY) {
        result->bins[bin].latency_counts[bucket_of(seconds_of(record->done_ns - record->due_ns))]++;
    }
    if (outcome != OUTCOME_OK) {
        keep_example(&result->first_of[outcome], header, record, due_ns);
    }
    if (outcome != OUTCOME_NOT_SENT) {
        size_t region = region_of(detail, record->address); /* may move the regions */
        count_region(&result->regions[region], outcome == OUTCOME_OK, due_ns);
    }
}

static int compare_regions(const void *left, const void *right)
{
    const struct region_result *a = left, *b = right;
    return strcmp(a->name, b->name);
}

void measure_detail(struct measurement *measurement)
{
    const struct evidence *evidence = measurement->evidence;
    struct result *result = measurement->result;
    struct detail detail = {.measurement = measurement};
    for (size_t i = 0; i < evidence->ledger_count && result->bin_count > 0; i++) {
        uint64_t count = ledger_count(evidence->ledgers[i]);
        for (uint64_t j = 0; j < count; j++) {
            add_record(&detail, ledger_header(evidence->ledgers[i]), ledger_at(evidence->ledgers[i], j));
        }
    }
    if (result->region_count > 0) {
        qsort(result->regions, result->region_count, sizeof(*result->regions), compare_regions);
    }
    free(detail.known);
}
