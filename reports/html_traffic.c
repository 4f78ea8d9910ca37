/* Where traffic went: answered requests of each region, second by second. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

enum { REGIONS_MAX = 12, PART_COUNT = 3 };

struct regions {
    const char *names[REGIONS_MAX];
    size_t count;
    double *values; /* count rows of one number a column */
    uint64_t totals[REGIONS_MAX][PART_COUNT];
    uint64_t part_totals[PART_COUNT];
};

static size_t region_index(struct regions *regions, const char *name)
{
    for (size_t i = 0; i < regions->count; i++) {
        if (str_eq(regions->names[i], name)) {
            return i;
        }
    }
    if (regions->count == REGIONS_MAX) {
        return REGIONS_MAX - 1;
    }
    regions->names[regions->count] = name;
    return regions->count++;
}

static const char *region_name(const struct address_bin *address)
{
    return *address->region ? address->region : *address->address ? address->address : "unknown";
}

static int64_t last_recovery_ns(const struct result *result)
{
    int64_t last = 0;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        int64_t end = observation->outage && !observation->recovery_ns ? observation->watched_until_ns : observation->recovery_ns;
        last = end > last ? end : last;
    }
    return last > result->origin_ns ? last : result->origin_ns;
}

static void add_address(struct regions *regions, const struct result *result, const struct columns *columns,
                        const struct address_bin *address, int64_t recovered_ns)
{
    size_t index = region_index(regions, region_name(address));
    double *values = regions->values + index * columns->count;
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->items[i];
        for (size_t bin = column->first_bin; bin < column->first_bin + column->bin_count; bin++) {
            int64_t start_ns = result->bins[bin].start_ns;
            size_t part = !result->disrupted || start_ns < result->origin_ns ? 0 : start_ns < recovered_ns ? 1 : 2;
            values[i] += (double)address->counts[bin] / (double)column->bin_count;
            regions->totals[index][part] += address->counts[bin];
            regions->part_totals[part] += address->counts[bin];
        }
    }
}

static void write_table(struct xml *xml, const struct regions *regions)
{
    static const char *const heads[] = {"Region", ">Before the first disruption", ">From then to the last recovery",
                                        ">Afterwards"};
    html_table(xml, "Answered requests, by the region that answered", heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < regions->count; i++) {
        html_row(xml);
        html_name_cell(xml, regions->names[i]);
        for (size_t part = 0; part < PART_COUNT; part++) {
            struct buf share CLEANUP(buf_clear) = {0};
            words_share(regions->totals[i][part], regions->part_totals[part], &share);
            html_number(xml, "%llu (%s)", (unsigned long long)regions->totals[i][part], buf_str(&share));
        }
        html_row_end(xml);
    }
    html_table_end(xml);
}

void html_traffic(struct xml *xml, const struct result *result, const struct columns *columns)
{
    html_section(xml, "traffic", "Where traffic went");
    if (result->address_count == 0 || columns->count == 0) {
        xml_element(xml, "p", NULL, "Not measured: no request was answered.");
        html_section_end(xml);
        return;
    }
    AUTO_FREE struct regions *regions = xcalloc(1, sizeof(*regions));
    AUTO_FREE double *values = xcalloc(REGIONS_MAX * columns->count, sizeof(*values));
    regions->values = values;
    for (size_t i = 0; i < result->address_count; i++) {
        add_address(regions, result, columns, &result->addresses[i], last_recovery_ns(result));
    }
    const struct strips strips = {.id = "regions",
                                  .title = "Traffic per region",
                                  .description =
                                      "Answered requests per second of each region over the drill. The dashed line is the "
                                      "first disruption. The table below sums them up.",
                                  .unit = "requests/s",
                                  .names = regions->names,
                                  .values = values,
                                  .count = regions->count,
                                  .fill = BLUE};
    html_strips(xml, columns, &strips);
    write_table(xml, regions);
    html_section_end(xml);
}
