/* Regions and their shares of the answered requests. */
#include "reports/regions.h"

#include <math.h>

#include "harness/base/str.h"
#include "reports/plot.h"
#include "reports/report.h"
#include "reports/words.h"

static size_t region_index(struct regions *regions, const char *name)
{
    for (size_t i = 0; i < regions->count; i++) {
        if (str_eq(regions->names[i], name)) {
            return i;
        }
    }
    if (regions->count == REGIONS_MAX) {
        regions->names[REGIONS_MAX - 1] = "others";
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

/* Totals are of the whole drill, values of what pictures show. */
static void add_address(struct regions *regions, const struct result *result, const struct columns *columns,
                        const struct address_bin *address, int64_t recovered_ns)
{
    size_t index = region_index(regions, region_name(address));
    double *values = regions->values + index * columns->count;
    for (size_t bin = 0; bin < result->bin_count; bin++) {
        int64_t start_ns = result->bins[bin].start_ns;
        size_t part = !result->disrupted || start_ns < result->origin_ns ? 0 : start_ns < recovered_ns ? 1 : 2;
        regions->totals[index][part] += address->counts[bin];
        regions->part_totals[part] += address->counts[bin];
    }
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->items[i];
        for (size_t bin = column->first_bin; bin < column->first_bin + column->bin_count; bin++) {
            values[i] += (double)address->counts[bin] / (double)column->bin_count;
        }
    }
}

struct regions *regions_new(const struct result *result, const struct columns *columns)
{
    struct regions *regions = xcalloc(1, sizeof(*regions));
    regions->column_count = columns->count;
    regions->values = xcalloc(REGIONS_MAX * columns->count + 1, sizeof(*regions->values));
    for (size_t i = 0; i < result->address_count; i++) {
        add_address(regions, result, columns, &result->addresses[i], last_recovery_ns(result));
    }
    return regions;
}

void regions_free(struct regions *regions)
{
    if (regions) {
        free(regions->values);
        free(regions);
    }
}

static double column_total(const struct regions *regions, size_t column)
{
    double total = 0;
    for (size_t i = 0; i < regions->count; i++) {
        total += regions->values[i * regions->column_count + column];
    }
    return total;
}

double regions_share(const struct regions *regions, size_t region, size_t column)
{
    double total = column_total(regions, column);
    return total > 0 ? regions->values[region * regions->column_count + column] / total : NAN;
}

/* One region's area: a box for each run of columns with the same edges. */
static void draw_area(struct xml *xml, const struct chart *chart, const struct regions *regions, const struct columns *columns,
                      size_t region)
{
    struct buf path CLEANUP(buf_clear) = {0};
    char fill[64];
    for (size_t i = 0; i < columns->count; i++) {
        double below = 0, share = regions_share(regions, region, i);
        for (size_t j = 0; j < region; j++) {
            below += regions_share(regions, j, i);
        }
        if (share > 0) { /* false for NAN: nothing was answered */
            buf_printf(&path, "M%.1f %.1fH%.1fV%.1fH%.1fz", chart_x(chart, columns->items[i].from_s), chart_y(chart, below * 100),
                       chart_x(chart, columns->items[i].to_s), chart_y(chart, (below + share) * 100),
                       chart_x(chart, columns->items[i].from_s));
        }
    }
    if (path.size > 0) {
        chart_path(xml, buf_str(&path), plot_fill(chart, region, fill), NULL, 0, NULL);
        xml_newline(xml);
    }
}

static void draw_names(struct xml *xml, const struct chart *chart, const struct regions *regions)
{
    char fill[64], name[256];
    double step = (chart->bottom - chart->top) / (double)regions->count;
    step = step > 24 ? 24 : step;
    /* In the order in which they are stacked, the first at the bottom. */
    for (size_t i = 0; i < regions->count; i++) {
        double y = chart->bottom - 16 - step * (double)i;
        chart_rect(xml, chart->right + 14, y, 18, 13, plot_fill(chart, i, fill), INK_SOFT);
        chart_label(xml, chart->right + 40, y + 11, ANCHOR_START, 13, INK, chart_clip(regions->names[i], 14, name));
    }
    xml_newline(xml);
}

static void draw_axis(struct xml *xml, const struct chart *chart)
{
    for (int percent = 0; percent <= 100; percent += 25) {
        char text[16];
        double y = chart_y(chart, percent);
        (void)str_format(text, sizeof(text), "%d%%", percent);
        chart_line(xml, chart->left, y, chart->right, y, percent ? GRID : INK, 1, NULL);
        chart_label(xml, chart->left - 6, y + 4, ANCHOR_END, 12, INK_SOFT, text);
    }
    xml_newline(xml);
}

/* Names the longest stretch in which nothing was answered, when there is room for it. */
static void name_silence(struct xml *xml, const struct chart *chart, const struct regions *regions, const struct columns *columns)
{
    double best_from = 0, best_to = 0, from = NAN;
    for (size_t i = 0; i < columns->count; i++) {
        bool silent = !(column_total(regions, i) > 0);
        from = !silent ? NAN : isnan(from) ? columns->items[i].from_s : from;
        if (silent && columns->items[i].to_s - from > best_to - best_from) {
            best_from = from;
            best_to = columns->items[i].to_s;
        }
    }
    double x1 = chart_x(chart, best_from), x2 = chart_x(chart, best_to);
    if (x2 - x1 > chart_text_width("no answer", 12) + 8) {
        chart_rect(xml, (x1 + x2) / 2 - 36, (chart->top + chart->bottom) / 2 - 12, 72, 17, "#ffffff", NULL);
        chart_label(xml, (x1 + x2) / 2, (chart->top + chart->bottom) / 2, ANCHOR_MIDDLE, 12, INK, "no answer");
    }
}

static void describe(const struct regions *regions, struct buf *out)
{
    static const char *const parts[REGION_PARTS] = {"before the first disruption", "from then to the last recovery",
                                                    "afterwards"};
    buf_puts(out, "Share of the answered requests that each region answered, over time.");
    for (size_t part = 0; part < REGION_PARTS; part++) {
        for (size_t i = 0; i < regions->count && regions->part_totals[part] > 0; i++) {
            struct buf share CLEANUP(buf_clear) = {0};
            words_share(regions->totals[i][part], regions->part_totals[part], &share);
            buf_printf(out, "%s %s %s", i ? "," : "", regions->names[i], buf_str(&share));
        }
        if (regions->part_totals[part] > 0) {
            buf_printf(out, " %s.", parts[part]);
        }
    }
}

void regions_draw(struct xml *xml, const struct result *result, const struct columns *columns)
{
    struct regions *regions CLEANUP(regions_cleanup) = regions_new(result, columns);
    struct buf description CLEANUP(buf_clear) = {0};
    struct chart chart = plot_chart("regions", columns);
    if (regions->count == 0 || columns->count == 0) {
        plot_nothing(xml, "regions", "Traffic per region", "Nothing to draw: no request was answered.");
        return;
    }
    chart.top = 26;
    chart.bottom = chart.top + 170;
    chart.height = chart.bottom + 42;
    chart.y_max = 100;
    describe(regions, &description);
    chart_begin(xml, &chart, "Traffic per region", buf_str(&description));
    draw_axis(xml, &chart);
    plot_bands(xml, &chart, result);
    for (size_t i = 0; i < regions->count; i++) {
        draw_area(xml, &chart, regions, columns, i);
    }
    name_silence(xml, &chart, regions, columns);
    draw_names(xml, &chart, regions);
    plot_instants(xml, &chart, result);
    chart_axis_x(xml, &chart, chart.bottom + 4);
    chart_end(xml);
}

static int write_regions(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_SVG);
    AUTO_FREE struct columns *columns = columns_new(result);
    (void)context;
    regions_draw(xml, result, columns);
    return xml_write_file(xml, folder, "charts/regions.svg", err);
}

const struct report_ops report_chart_regions = {
    .name = "chart_regions", .file_name = "charts/regions.svg", .summary = "who answered, over time", .write = write_regions};
