/* What pictures and tables show beside the totals: latencies of every second in buckets, requests by the region that they went to,
 * and the first request of each kind of failure. */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/address.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"

struct detail {
    struct measurement *measurement;
    struct address_regions regions;
    int64_t ends_ns[LATENCY_BUCKETS]; /* of the buckets */
};

static size_t bucket_of(const struct detail *detail, int64_t latency_ns)
{
    size_t low = 0, high = LATENCY_BUCKETS - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (latency_ns < detail->ends_ns[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
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

static void add_record(struct detail *detail, const struct track *track, const struct ledger_record *record,
                       struct second_bin *bin)
{
    struct result *result = detail->measurement->result;
    enum request_outcome outcome = request_outcome(record);
    int64_t due_ns = record->due_ns + track->offset_ns;
    outcome = outcome < OUTCOME_COUNT ? outcome : OUTCOME_OTHER;
    if (outcome == OUTCOME_OK || outcome == OUTCOME_STATUS || outcome == OUTCOME_BODY) {
        bin->latency_counts[bucket_of(detail, record->done_ns - record->due_ns)]++;
    }
    if (outcome != OUTCOME_OK) {
        keep_example(&result->first_of[outcome], track->header, record, due_ns);
    }
    if (outcome != OUTCOME_NOT_SENT) {
        size_t region = region_index(result, address_region(&detail->regions, record->address)); /* may move the regions */
        count_region(&result->regions[region], outcome == OUTCOME_OK, due_ns);
    }
}

static void add_track(struct detail *detail, const struct track *track)
{
    struct result *result = detail->measurement->result;
    size_t bin = 0;
    for (uint64_t i = 0; i < track->count; i++) {
        int64_t due_ns = track->records[i].due_ns + track->offset_ns;
        while (bin + 1 < result->bin_count && due_ns >= result->bins[bin + 1].start_ns) {
            bin++;
        }
        add_record(detail, track, &track->records[i], &result->bins[bin]);
    }
}

static int compare_regions(const void *left, const void *right)
{
    const struct region_result *a = left, *b = right;
    return strcmp(a->name, b->name);
}

void measure_detail(struct measurement *measurement)
{
    struct result *result = measurement->result;
    struct detail detail = {.measurement = measurement, .regions = {.plan = measurement->evidence->plan}};
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        detail.ends_ns[i] = llround(latency_bucket_end_s(i) * NS_PER_S);
    }
    for (size_t i = 0; i < measurement->tracks.count && result->bin_count > 0; i++) {
        add_track(&detail, &measurement->tracks.items[i]);
    }
    if (result->region_count > 0) {
        qsort(result->regions, result->region_count, sizeof(*result->regions), compare_regions);
    }
    address_regions_clear(&detail.regions);
}
