/* Latency as a heatmap on a logarithmic scale: the darker, the more requests. */
#include "reports/latencies.h"

#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/plot.h"
#include "reports/report.h"

/* Cells are merged along the time axis; 160 across keep the worst picture under 80 KB. */
enum { CELLS_MAX = 160, LEVELS = 5, QUANTILES = 3 };

static const char *const shades[LEVELS] = {"#e3ecf5", "#bcd2e8", "#8cb0d6", "#5a8abf", "#2c5f96"};

struct heat {
    struct chart chart;
    size_t first_bucket, bucket_end;    /* those that are drawn */
    size_t first_bin, step, cell_count; /* step: seconds in a cell; cells across */
    double counts[CELLS_MAX][LATENCY_BUCKETS];
    double most;
};

static void count(struct heat *heat, const struct result *result, const struct columns *columns)
{
    heat->step = (columns->bin_count + CELLS_MAX - 1) / CELLS_MAX;
    heat->first_bin = columns->first_bin;
    heat->first_bucket = LATENCY_BUCKETS;
    for (size_t i = 0; i < columns->bin_count; i++) {
        const struct second_bin *bin = &result->bins[columns->first_bin + i];
        size_t cell = i / heat->step;
        heat->cell_count = cell + 1;
        for (size_t bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
            uint32_t value = bin->latency_counts[bucket];
            heat->counts[cell][bucket] += value;
            heat->most = fmax(heat->most, heat->counts[cell][bucket]);
            if (value > 0) {
                heat->first_bucket = bucket < heat->first_bucket ? bucket : heat->first_bucket;
                heat->bucket_end = bucket + 1 > heat->bucket_end ? bucket + 1 : heat->bucket_end;
            }
        }
    }
}

/* 0: empty, else 1 to LEVELS, on a logarithmic scale: single slow requests must stay visible beside thousands of fast ones. */
static size_t level_of(const struct heat *heat, double value)
{
    if (!(value > 0)) {
        return 0;
    }
    double share = heat->most > 1 ? log(value) / log(heat->most) : 1;
    size_t level = 1 + (size_t)(share * LEVELS);
    return level > LEVELS ? LEVELS : level;
}

static double edge_of(const struct heat *heat, size_t bucket)
{
    return chart_y(&heat->chart, (double)(bucket - heat->first_bucket));
}

static void add_row(const struct heat *heat, const struct result *result, size_t bucket, size_t level, struct buf *path)
{
    double x0 = 0;
    bool drawing = false;
    for (size_t cell = 0; cell <= heat->cell_count; cell++) {
        bool here = cell < heat->cell_count && level_of(heat, heat->counts[cell][bucket]) == level;
        int64_t since_ns = result->bins[heat->first_bin].start_ns - result->origin_ns + (int64_t)(cell * heat->step) * NS_PER_S;
        double x = chart_x(&heat->chart, (double)since_ns / NS_PER_S);
        if (here && !drawing) {
            x0 = x;
        } else if (!here && drawing) {
            buf_printf(path, "M%.0f %.1fH%.0fV%.1fH%.0fz", x0, edge_of(heat, bucket), x, edge_of(heat, bucket + 1), x0);
        }
        drawing = here;
    }
}

static void draw_cells(struct xml *xml, const struct heat *heat, const struct result *result)
{
    for (size_t level = 1; level <= LEVELS; level++) {
        struct buf path CLEANUP(buf_clear) = {0};
        for (size_t bucket = heat->first_bucket; bucket < heat->bucket_end; bucket++) {
            add_row(heat, result, bucket, level, &path);
        }
        if (path.size > 0) {
            chart_path(xml, buf_str(&path), shades[level - 1], NULL, 0, NULL);
            xml_newline(xml);
        }
    }
}

static double height_of(const struct heat *heat, double seconds)
{
    return chart_y(&heat->chart, log10(seconds / 1e-4) * 5 - (double)heat->first_bucket);
}

static void draw_axis(struct xml *xml, const struct heat *heat)
{
    for (size_t edge = heat->first_bucket; edge <= heat->bucket_end; edge++) {
        if (edge % 5 == 0) {
            char text[32];
            double y = edge_of(heat, edge);
            clock_format_duration(llround(1e-4 * pow(10, (double)edge / 5) * NS_PER_S), text);
            chart_line(xml, heat->chart.left, y, heat->chart.right, y, GRID, 1, NULL);
            chart_label(xml, heat->chart.left - 6, y + 4, ANCHOR_END, 12, INK_SOFT, text);
        }
    }
    chart_line(xml, heat->chart.left, heat->chart.top, heat->chart.left, heat->chart.bottom, GRID, 1, NULL);
    xml_newline(xml);
}

static double quantile(const struct column *column, size_t which)
{
    return which == 0 ? column->p50_s : which == 1 ? column->p95_s : column->p99_s;
}

/* Seconds without an answer are gaps. Gives where the line ends. */
static double draw_quantile(struct xml *xml, const struct heat *heat, const struct columns *columns, size_t which)
{
    static const char *const colours[QUANTILES] = {INK, "#a34b00", DARK_RED}, *const dashes[QUANTILES] = {NULL, "7 3", "2 3"};
    struct buf path CLEANUP(buf_clear) = {0};
    bool drawing = false;
    double y = heat->chart.bottom;
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->items[i];
        double value = quantile(column, which);
        if (value > 0) {
            y = height_of(heat, value);
            buf_printf(&path, "%c%.1f %.1fH%.1f", drawing ? 'L' : 'M', chart_x(&heat->chart, column->from_s), y,
                       chart_x(&heat->chart, column->to_s));
        }
        drawing = value > 0;
    }
    chart_path(xml, buf_str(&path), "none", "#ffffff", 4.5, NULL); /* lifts the line off the cells */
    chart_path(xml, buf_str(&path), "none", colours[which], 2, dashes[which]);
    xml_newline(xml);
    return y;
}

static void draw_names(struct xml *xml, const struct heat *heat, const double ends[static QUANTILES])
{
    static const char *const names[QUANTILES] = {"p50 (solid)", "p95 (dashed)", "p99 (dotted)"};
    struct plot_label labels[QUANTILES];
    for (size_t i = 0; i < QUANTILES; i++) {
        labels[i] = (struct plot_label){.y = ends[i], .index = QUANTILES - 1 - i}; /* of equal ones the slowest on top */
    }
    plot_spread(labels, QUANTILES, heat->chart.top, heat->chart.bottom - 4);
    for (size_t i = 0; i < QUANTILES; i++) {
        chart_label(xml, heat->chart.right + 10, labels[i].y + 4, ANCHOR_START, 13, INK, names[QUANTILES - 1 - labels[i].index]);
    }
}

/* What the shades mean, under the axis' words. */
static void draw_key(struct xml *xml, const struct heat *heat)
{
    double x = heat->chart.right + 10, y = heat->chart.bottom + 12;
    char text[64];
    for (size_t level = 0; level < LEVELS; level++) {
        chart_rect(xml, x + 15 * (double)level, y, 15, 11, shades[level], GREY);
    }
    (void)str_format(text, sizeof(text), "1 to %.0f", heat->most);
    chart_label(xml, x + 15 * LEVELS + 6, y + 10, ANCHOR_START, 12, INK_SOFT, text);
    (void)str_format(text, sizeof(text), "requests in %zu s", heat->step);
    chart_label(xml, x, y + 26, ANCHOR_START, 12, INK_SOFT, text);
}

static void draw(struct xml *xml, const struct heat *heat, const struct result *result, const struct columns *columns)
{
    double ends[QUANTILES];
    chart_begin(
        xml, &heat->chart, "Latency over time",
        "How many requests were answered how fast in every moment, on a logarithmic scale, the darker the more; over it the "
        "median and the 95th and 99th percentile. Times without an answer are gaps.");
    plot_bands(xml, &heat->chart, result);
    draw_axis(xml, heat);
    draw_cells(xml, heat, result);
    for (size_t i = 0; i < QUANTILES; i++) {
        ends[i] = draw_quantile(xml, heat, columns, i);
    }
    draw_names(xml, heat, ends);
    draw_key(xml, heat);
    plot_instants(xml, &heat->chart, result);
    chart_axis_x(xml, &heat->chart, heat->chart.bottom + 4);
    chart_end(xml);
}

void latencies_draw(struct xml *xml, const struct result *result, const struct columns *columns)
{
    AUTO_FREE struct heat *heat = xcalloc(1, sizeof(*heat));
    heat->chart = plot_chart("latency", columns);
    count(heat, result, columns);
    if (!(heat->most > 0)) {
        plot_nothing(xml, "latency", "Latency over time", "Nothing to draw: no request was answered.");
        return;
    }
    heat->chart.top = 26;
    heat->chart.y_max = (double)(heat->bucket_end - heat->first_bucket);
    heat->chart.bottom = heat->chart.top + fmax(120, fmin(240, heat->chart.y_max * 11));
    heat->chart.height = heat->chart.bottom + 42;
    draw(xml, heat, result, columns);
}

static int write_latencies(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_SVG);
    AUTO_FREE struct columns *columns = columns_new(result);
    (void)context;
    latencies_draw(xml, result, columns);
    return xml_write_file(xml, folder, "charts/latency.svg", err);
}

const struct report_ops report_chart_latency = {
    .name = "chart_latency", .file_name = "charts/latency.svg", .summary = "latency over time", .write = write_latencies};
