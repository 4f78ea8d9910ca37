/* Failures by kind over time. */
#include "reports/failures.h"

#include <math.h>

#include "harness/base/str.h"
#include "reports/plot.h"
#include "reports/report.h"

enum { STRIP_HEIGHT = 44, STRIP_GAP = 14, TOP = 26 };

size_t failures_kinds(const struct result *result, enum request_outcome kinds[static OUTCOME_COUNT])
{
    size_t count = 0;
    for (int outcome = OUTCOME_PENDING; outcome < OUTCOME_COUNT; outcome++) {
        if (outcome != OUTCOME_OK && result->by_outcome[outcome] > 0) {
            kinds[count++] = (enum request_outcome)outcome;
        }
    }
    return count;
}

double failures_rate(const struct result *result, const struct column *column, enum request_outcome kind)
{
    double sum = 0;
    for (size_t bin = column->first_bin; bin < column->first_bin + column->bin_count; bin++) {
        sum += (double)result->bins[bin].by_outcome[kind];
    }
    return sum / (double)column->bin_count;
}

static void draw_bars(struct xml *xml, const struct chart *chart, const struct result *result, const struct columns *columns,
                      enum request_outcome kind)
{
    struct buf path CLEANUP(buf_clear) = {0};
    char fill[64];
    bool late = kind >= OUTCOME_TIMEOUT_CONNECT && kind <= OUTCOME_TIMEOUT_BODY;
    for (size_t i = 0; i < columns->count; i++) {
        double rate = failures_rate(result, &columns->items[i], kind), y = chart_y(chart, rate);
        double x1 = chart_x(chart, columns->items[i].from_s), x2 = chart_x(chart, columns->items[i].to_s);
        if (rate > 0) { /* one request in a long drill is still seen */
            buf_printf(&path, "M%.1f %.1fV%.1fH%.1fV%.1fz", x1, chart->bottom, fmin(y, chart->bottom - 1.5),
                       x2 - x1 > 4 ? x2 - 0.8 : x2, chart->bottom);
        }
    }
    chart_path(xml, buf_str(&path), chart_pattern(chart, late || kind == OUTCOME_PENDING ? "timeout" : "failed", fill), NULL, 0,
               NULL);
}

static void draw_strip(struct xml *xml, struct chart *chart, const struct result *result, const struct columns *columns,
                       enum request_outcome kind)
{
    double most = 0;
    char text[64];
    for (size_t i = 0; i < columns->count; i++) {
        most = fmax(most, failures_rate(result, &columns->items[i], kind));
    }
    (void)str_format(text, sizeof(text), "at most %.*f/s", most < 10 ? 1 : 0, most);
    chart_line(xml, chart->left, chart->top, chart->right, chart->top, GRID, 1, NULL);
    draw_bars(xml, chart, result, columns, kind);
    chart_line(xml, chart->left, chart->bottom, chart->right, chart->bottom, INK_SOFT, 1, NULL);
    chart_label(xml, chart->left - 8, chart->bottom - 18, ANCHOR_END, 12, INK, outcome_name(kind));
    chart_label(xml, chart->right + 10, chart->bottom - 22, ANCHOR_START, 12, INK, text);
    (void)str_format(text, sizeof(text), "%llu in all", (unsigned long long)result->by_outcome[kind]);
    chart_label(xml, chart->right + 10, chart->bottom - 6, ANCHOR_START, 12, INK_SOFT, text);
    xml_newline(xml);
}

static double largest(const struct result *result, const struct columns *columns, const enum request_outcome *kinds, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < columns->count; j++) {
            most = fmax(most, failures_rate(result, &columns->items[j], kinds[i]));
        }
    }
    return most;
}

void failures_draw(struct xml *xml, const struct result *result, const struct columns *columns)
{
    enum request_outcome kinds[OUTCOME_COUNT];
    size_t count = failures_kinds(result, kinds);
    if (count == 0 || columns->count == 0) {
        plot_nothing(xml, "failures", "Failures by kind", "Nothing to draw: no request failed.");
        return;
    }
    struct chart chart = plot_chart("failures", columns);
    chart.y_max = largest(result, columns, kinds, count);
    chart.top = TOP;
    chart.bottom = TOP + (double)count * (STRIP_HEIGHT + STRIP_GAP) - STRIP_GAP;
    chart.height = chart.bottom + 42;
    chart_begin(xml, &chart, "Failures by kind",
                "Requests per second that were not answered as agreed, a small chart for each kind, all on one scale.");
    plot_bands(xml, &chart, result);
    struct chart strip = chart;
    for (size_t i = 0; i < count; i++) {
        strip.top = TOP + (double)i * (STRIP_HEIGHT + STRIP_GAP);
        strip.bottom = strip.top + STRIP_HEIGHT;
        draw_strip(xml, &strip, result, columns, kinds[i]);
    }
    plot_instants(xml, &chart, result);
    chart_axis_x(xml, &chart, chart.bottom + 4);
    chart_end(xml);
}

static int write_failures(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_SVG);
    AUTO_FREE struct columns *columns = columns_new(result);
    (void)context;
    failures_draw(xml, result, columns);
    return xml_write_file(xml, folder, "charts/failures.svg", err);
}

const struct report_ops report_chart_failures = {.name = "chart_failures",
                                                 .file_name = "charts/failures.svg",
                                                 .summary = "failures by kind, over time",
                                                 .write = write_failures};
