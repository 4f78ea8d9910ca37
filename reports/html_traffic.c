/* Where traffic went: shares over time, totals by part of the drill, and the requests that failed on their way to each region. */
#include <math.h>

#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/regions.h"
#include "reports/words.h"

static void write_totals(struct xml *xml, const struct regions *regions)
{
    static const char *const heads[] = {"Region", ">Before the first disruption", ">From then to the last recovery",
                                        ">Afterwards"};
    html_table(xml, "Requests answered, by the region that answered", heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < regions->count; i++) {
        html_row(xml);
        html_name_cell(xml, regions->names[i]);
        for (size_t part = 0; part < REGION_PARTS; part++) {
            struct buf share CLEANUP(buf_clear) = {0};
            words_share(regions->totals[i][part], regions->part_totals[part], &share);
            html_number(xml, "%llu (%s)", (unsigned long long)regions->totals[i][part], buf_str(&share));
        }
        html_row_end(xml);
    }
    html_table_end(xml);
}

static void write_failed(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"Sent to", ">Answered as agreed", ">Failed", ">First failed", ">Last failed"};
    if (result->region_count == 0) {
        return;
    }
    html_table(xml, "Requests by the region that they were sent to", heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < result->region_count; i++) {
        const struct region_result *region = &result->regions[i];
        struct buf share CLEANUP(buf_clear) = {0};
        words_share(region->failed, region->answered + region->failed, &share);
        html_row(xml);
        html_name_cell(xml, *region->name ? region->name : "no address known");
        html_number(xml, "%llu", (unsigned long long)region->answered);
        html_number(xml, "%llu (%s)", (unsigned long long)region->failed, buf_str(&share));
        html_instant(xml, result, region->first_failed_ns);
        html_instant(xml, result, region->last_failed_ns);
        html_row_end(xml);
    }
    html_table_end(xml);
}

static void write_cells(struct xml *xml, const struct columns *columns, size_t from, size_t to, const void *context)
{
    const struct regions *regions = context;
    (void)columns;
    for (size_t i = 0; i < regions->count; i++) {
        double sum = 0, total = 0;
        for (size_t column = from; column < to; column++) {
            sum += regions->values[i * regions->column_count + column];
            for (size_t j = 0; j < regions->count; j++) {
                total += regions->values[j * regions->column_count + column];
            }
        }
        if (total > 0) {
            html_number(xml, "%.1f%%", 100 * sum / total);
        } else {
            html_number(xml, "-");
        }
    }
}

static void write_over_time(struct xml *xml, const struct columns *columns, const struct regions *regions)
{
    char heads[REGIONS_MAX][72];
    const char *names[REGIONS_MAX];
    for (size_t i = 0; i < regions->count; i++) {
        (void)str_format(heads[i], sizeof(heads[i]), ">%.64s", regions->names[i]);
        names[i] = heads[i];
    }
    const struct over_time table = {
        .summary = "The shares as a table", .heads = names, .count = regions->count, .cells = write_cells, .context = regions};
    html_over_time(xml, columns, &table);
}

void html_traffic(struct xml *xml, const struct result *result, const struct columns *columns)
{
    struct regions *regions CLEANUP(regions_cleanup) = regions_new(result, columns);
    html_section(xml, "traffic", "Where traffic went");
    if (regions->count == 0 || columns->count == 0) {
        xml_element(xml, "p", NULL, "Not measured: no request was answered.");
    } else {
        html_figure(xml);
        regions_draw(xml, result, columns);
        html_figure_end(xml);
        write_over_time(xml, columns, regions);
        write_totals(xml, regions);
    }
    write_failed(xml, result);
    html_shares(xml, result);
    html_section_end(xml);
}
