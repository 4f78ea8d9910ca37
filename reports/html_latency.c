/* Latency of answered requests, counted from when they were due: quantiles over time and in three parts. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

enum { QUANTILE_COUNT = 3, LABEL_GAP = 14 };

/* The scale is logarithmic, as latencies spread over decades. Its zero is at `floor_s`. */
struct scale {
    struct chart chart;
    double floor_s;
};

static double quantile(const struct column *column, size_t which)
{
    return which == 0 ? column->p50_s : which == 1 ? column->p95_s : column->p99_s;
}

static double height_of(const struct scale *scale, double seconds)
{
    return chart_y(&scale->chart, log10(seconds / scale->floor_s));
}

static double smallest(const struct columns *columns)
{
    double least = columns->latency_max_s;
    for (size_t i = 0; i < columns->count; i++) {
        double value = columns->items[i].p50_s;
        least = value > 0 && value < least ? value : least;
    }
    return least;
}

static void draw_grid(struct xml *xml, const struct scale *scale)
{
    for (int decade = 0; decade <= (int)scale->chart.y_max; decade++) {
        char text[32];
        double seconds = scale->floor_s * pow(10, decade), y = height_of(scale, seconds * 1.0000001);
        clock_format_duration(llround(seconds * NS_PER_S), text);
        chart_line(xml, scale->chart.left, y, scale->chart.right, y, decade ? GRID : INK, 1, NULL);
        chart_label(xml, scale->chart.left - 6, y + 4, ANCHOR_END, 11, INK_SOFT, text);
    }
}

/* Seconds without an answer are gaps. Gives where the line ends. */
static double draw_line(struct xml *xml, const struct scale *scale, const struct columns *columns, size_t which)
{
    static const char *const colours[QUANTILE_COUNT] = {BLUE, ORANGE, DARK_RED}, *const dashes[QUANTILE_COUNT] = {NULL, "7 3",
                                                                                                                  "2 3"};
    struct buf path CLEANUP(buf_clear) = {0};
    bool drawing = false;
    double y = scale->chart.bottom;
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->items[i];
        double value = quantile(column, which), x1 = chart_x(&scale->chart, column->from_s),
               x2 = chart_x(&scale->chart, column->to_s);
        if (value > 0) {
            y = height_of(scale, value);
            buf_printf(&path, "%c%.1f %.1fH%.1f", drawing ? 'L' : 'M', x1, y, x2);
        }
        drawing = value > 0;
    }
    chart_path(xml, buf_str(&path), "none", colours[which], 2, dashes[which]);
    return y;
}

static void draw_labels(struct xml *xml, const struct scale *scale, const double ends[static QUANTILE_COUNT])
{
    static const char *const names[QUANTILE_COUNT] = {"p50 (solid)", "p95 (dashed)", "p99 (dotted)"};
    double above = scale->chart.bottom + LABEL_GAP;
    for (size_t i = 0; i < QUANTILE_COUNT; i++) {
        double y = ends[i] > above - LABEL_GAP ? above - LABEL_GAP : ends[i];
        chart_label(xml, scale->chart.right + 8, y + 4, ANCHOR_START, 11, INK, names[i]);
        above = y;
    }
}

static void draw(struct xml *xml, const struct columns *columns)
{
    struct scale scale = {.chart = {.id = "latency",
                                    .width = 1120,
                                    .height = 272,
                                    .left = 112,
                                    .right = 1000,
                                    .top = 14,
                                    .bottom = 224,
                                    .from_s = columns->from_s,
                                    .to_s = columns->to_s}};
    double ends[QUANTILE_COUNT];
    scale.floor_s = pow(10, floor(log10(smallest(columns))));
    scale.chart.y_max = fmax(1, ceil(log10(columns->latency_max_s / scale.floor_s)));
    html_figure(xml);
    chart_begin(xml, &scale.chart, "Latency over time",
                "Median, 95th and 99th percentile of the latency of answered requests in each second, on a logarithmic scale. "
                "Seconds without an answer are gaps. The dashed vertical line is the first disruption.");
    draw_grid(xml, &scale);
    for (size_t i = 0; i < QUANTILE_COUNT; i++) {
        ends[i] = draw_line(xml, &scale, columns, i);
    }
    draw_labels(xml, &scale, ends);
    double origin = chart_x(&scale.chart, 0);
    chart_line(xml, origin, scale.chart.top, origin, scale.chart.bottom, INK, 1, "4 3");
    chart_axis_x(xml, &scale.chart, scale.chart.bottom + 4);
    chart_end(xml);
    html_figure_end(xml);
}

static void write_part(struct xml *xml, const char *name, const struct latency_part *part)
{
    const double values[] = {part->p50_s, part->p95_s, part->p99_s, part->max_s};
    html_row(xml);
    html_name_cell(xml, name);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char text[32];
        bool known = part->measured && isfinite(values[i]);
        html_number(xml, "%s", known ? clock_format_duration(llround(values[i] * NS_PER_S), text) : "not measured");
    }
    html_number(xml, "%llu", (unsigned long long)part->count);
    html_row_end(xml);
}

void html_latency(struct xml *xml, const struct result *result, const struct columns *columns)
{
    static const char *const heads[] = {"Part", ">p50", ">p95", ">p99", ">Largest", ">Answered requests"};
    html_section(xml, "latency", "Latency");
    if (columns->latency_max_s > 0 && isfinite(columns->latency_max_s)) {
        draw(xml, columns);
    }
    html_table(xml, "Latency of answered requests, counted from when they were due", heads, ARRAY_LEN(heads));
    write_part(xml, "before the first disruption", &result->before);
    write_part(xml, "from then to the last recovery", &result->during);
    write_part(xml, "afterwards", &result->after);
    html_table_end(xml);
    html_section_end(xml);
}
