/* Phases of a recovery. */
#include "reports/waterfall.h"

#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/lane.h"
#include "reports/plot.h"
#include "reports/report.h"
#include "reports/words.h"

struct waterfall waterfall_from(const struct result *result, size_t first)
{
    size_t end = first;
    while (end < result->phase_count && str_eq(result->phases[end].cause, result->phases[first].cause)) {
        end++;
    }
    return (struct waterfall){.first = first, .count = end - first};
}

struct waterfall waterfall_worst(const struct result *result)
{
    const struct observation *worst = result_worst(result);
    for (size_t i = 0; i < result->phase_count && worst; i++) {
        if (str_eq(result->phases[i].cause, worst->cause)) {
            return waterfall_from(result, i);
        }
    }
    return waterfall_from(result, 0);
}

double waterfall_seconds(const struct phase *phase)
{
    return (double)(phase->end_ns - phase->start_ns) / NS_PER_S;
}

static bool is_hold(const struct phase *phase)
{
    return str_eq(phase->name, "hold");
}

double waterfall_share(const struct result *result, struct waterfall waterfall, const struct phase *phase)
{
    int64_t from_ns = INT64_MAX, to_ns = INT64_MIN;
    for (size_t i = waterfall.first; i < waterfall.first + waterfall.count; i++) {
        const struct phase *other = &result->phases[i];
        if (!is_hold(other)) {
            from_ns = other->start_ns < from_ns ? other->start_ns : from_ns;
            to_ns = other->end_ns > to_ns ? other->end_ns : to_ns;
        }
    }
    return is_hold(phase) || to_ns <= from_ns ? NAN : waterfall_seconds(phase) * NS_PER_S / (double)(to_ns - from_ns);
}

static void draw_phase(struct xml *xml, const struct chart *chart, const struct result *result, struct waterfall waterfall,
                       size_t index)
{
    const struct phase *phase = &result->phases[waterfall.first + index];
    struct lane lane = {.name = phase->name};
    struct buf took CLEANUP(buf_clear) = {0};
    struct span *span = lane_add(&lane, words_since(result, phase->start_ns), words_since(result, phase->end_ns), SPAN_BAR);
    double share = waterfall_share(result, waterfall, phase), y = chart->top + (double)index * LANE_ROW_HEIGHT;
    words_value(waterfall_seconds(phase), 0.01, NAN, "s", &took);
    if (isfinite(share)) {
        buf_printf(&took, " (%.0f%%)", 100 * share);
    }
    span->fill = BLUE;
    span->pattern = is_hold(phase) ? "hold" : NULL;
    span->stroke = is_hold(phase) ? INK : NULL;
    (void)str_copy(span->text, sizeof(span->text), buf_str(&took));
    lane_layout(chart, &lane);
    lane_draw(xml, chart, &lane, y);
}

void waterfall_draw(struct xml *xml, const struct result *result, struct waterfall waterfall)
{
    char id[32];
    struct chart chart = {.id = id, .width = PLOT_WIDTH, .left = PLOT_LEFT, .right = PLOT_RIGHT, .top = 4};
    struct buf description CLEANUP(buf_clear) = {0};
    (void)str_format(id, sizeof(id), "phases-%zu", waterfall.first);
    chart.from_s = INFINITY;
    chart.to_s = -INFINITY;
    for (size_t i = waterfall.first; i < waterfall.first + waterfall.count; i++) {
        const struct phase *phase = &result->phases[i];
        chart.from_s = fmin(chart.from_s, words_since(result, phase->start_ns));
        chart.to_s = fmax(chart.to_s, words_since(result, phase->end_ns));
        buf_printf(&description, "%s%s %.2f s", i > waterfall.first ? ", " : "", phase->name, waterfall_seconds(phase));
    }
    chart.bottom = chart.top + (double)waterfall.count * LANE_ROW_HEIGHT;
    chart.height = chart.bottom + 42;
    chart_begin(xml, &chart, "Where the time went", buf_str(&description));
    for (size_t i = 0; i < waterfall.count; i++) {
        draw_phase(xml, &chart, result, waterfall, i);
    }
    chart_axis_x(xml, &chart, chart.bottom + 4);
    chart_end(xml);
}

static int write_waterfall(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_SVG);
    struct waterfall waterfall = waterfall_worst(result);
    (void)context;
    if (waterfall.count > 0) {
        waterfall_draw(xml, result, waterfall);
    } else {
        plot_nothing(xml, "phases", "Where the time went", "Nothing to draw: there was no outage.");
    }
    return xml_write_file(xml, folder, "charts/phases.svg", err);
}

const struct report_ops report_chart_phases = {
    .name = "chart_phases", .file_name = "charts/phases.svg", .summary = "where the time went", .write = write_waterfall};
