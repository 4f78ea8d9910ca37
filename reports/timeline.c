/* The main timeline: what users got each second, what was done to the system, how long it took and how long it was allowed to. */
#include "reports/timeline.h"

#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/columns.h"
#include "reports/lane.h"
#include "reports/markers.h"
#include "reports/plot.h"
#include "reports/report.h"
#include "reports/words.h"

enum { PLOT_HEIGHT = 210, NAME_MAX_CHARACTERS = 40 };
enum { LANE_FAULT = 0, LANE_ALERT, LANE_OUTAGE, LANE_RECOVERY, LANE_HOLD, LANE_COUNT };

static void add_faults(struct lane *lane, const struct result *result, const struct columns *columns)
{
    for (size_t i = 0; i < result->fault_count; i++) {
        const struct fault_result *fault = &result->faults[i];
        if (!fault->applied) {
            continue;
        }
        struct buf name CLEANUP(buf_clear) = {0};
        char clipped[256];
        double until_s = fault->removed_ns ? words_since(result, fault->removed_ns) : columns->to_s;
        struct span *span = lane_add(lane, words_since(result, fault->applied_after_ns), until_s, SPAN_BAR);
        words_fault(fault, &name);
        span->pattern = "hatch";
        (void)str_format(span->text, sizeof(span->text), "%s%s", chart_clip(buf_str(&name), NAME_MAX_CHARACTERS, clipped),
                         fault->proven ? "" : " (not proven)");
    }
}

static void add_alerts(struct lane *lane, const struct result *result, const struct columns *columns)
{
    for (size_t i = 0; i < result->alert_count; i++) {
        const struct alert_result *alert = &result->alerts[i];
        const char *name = str_starts_with(alert->name, "alert ") ? alert->name + strlen("alert ") : alert->name;
        for (size_t j = 0; j < alert->firing_count; j++) {
            const struct alert_firing *firing = &alert->firings[j];
            char clipped[256];
            double until_s = firing->resolved_ns ? words_since(result, firing->resolved_ns) : columns->to_s;
            struct span *span = lane_add(lane, words_since(result, firing->fired_ns), until_s, SPAN_BAR);
            span->fill = firing->expected ? ORANGE : RED;
            (void)str_format(span->text, sizeof(span->text), "%s%s", chart_clip(name, NAME_MAX_CHARACTERS, clipped),
                             firing->expected ? "" : " (not expected)");
        }
    }
}

static void add_recovery(struct lane *lane, const struct result *result, const struct observation *observation, double end_s)
{
    double disruption_s = words_since(result, observation->disruption_ns), limit_s = words_limit(result, "rto");
    struct buf text CLEANUP(buf_clear) = {0};
    struct span *span = lane_add(lane, disruption_s, end_s, observation->recovery_ns ? SPAN_BRACKET : SPAN_ARROW);
    words_figure_near(&observation->rto, limit_s, "s", &text);
    if (isfinite(limit_s)) {
        bool over = end_s - disruption_s > limit_s || !observation->recovery_ns;
        (void)str_format(span->limit_text, sizeof(span->limit_text), "%g s allowed", limit_s);
        span->stroke = over ? RED : INK;
        span->limit_s = disruption_s + limit_s;
    }
    (void)str_format(span->text, sizeof(span->text), "%.90s", buf_str(&text));
}

static void add_observation(struct lane lanes[static LANE_COUNT], const struct result *result,
                            const struct observation *observation)
{
    double end_s = words_since(result, observation->recovery_ns ? observation->recovery_ns : observation->watched_until_ns);
    if (!observation->outage) {
        return;
    }
    struct span *span = lane_add(&lanes[LANE_OUTAGE], words_since(result, observation->outage_start_ns), end_s, SPAN_BAR);
    span->pattern = "failed";
    (void)str_format(span->text, sizeof(span->text), "%llu of %llu %ss failed", (unsigned long long)observation->failed,
                     (unsigned long long)observation->requests, class_name(observation->request_class));
    add_recovery(&lanes[LANE_RECOVERY], result, observation, end_s);
    if (observation->recovery_ns && result->method.hold_ns > 0) {
        double hold_s = (double)result->method.hold_ns / NS_PER_S;
        span = lane_add(&lanes[LANE_HOLD], end_s, end_s + hold_s, SPAN_BAR);
        span->pattern = "hold";
        (void)str_format(span->text, sizeof(span->text), "had to stay good for %g s", hold_s);
    }
}

/* What was allowed is shown when nothing had to be used of it, too. */
static void add_no_outage(struct lane *lane, const struct result *result)
{
    double limit_s = words_limit(result, "rto");
    if (lane->count > 0 || !result->rto.measured) {
        return;
    }
    struct span *span = lane_add(lane, 0, 0, SPAN_BRACKET);
    span->limit_s = limit_s;
    (void)str_format(span->text, sizeof(span->text), "no outage");
    if (isfinite(limit_s)) {
        (void)str_format(span->limit_text, sizeof(span->limit_text), "%g s allowed", limit_s);
    }
}

static void add_square(struct buf *path, const struct chart *chart, const struct column *column, double from, double to)
{
    double x1 = chart_x(chart, column->from_s), x2 = chart_x(chart, column->to_s);
    double gap = x2 - x1 > 4 ? 0.8 : 0;
    if (to > from) {
        buf_printf(path, "M%.1f %.1fH%.1fV%.1fH%.1fz", x1, chart_y(chart, from), x2 - gap, chart_y(chart, to), x1);
    }
}

static void draw_seconds(struct xml *xml, const struct chart *chart, const struct columns *columns)
{
    struct buf ok CLEANUP(buf_clear) = {0}, failed CLEANUP(buf_clear) = {0}, late CLEANUP(buf_clear) = {0};
    struct buf not_sent CLEANUP(buf_clear) = {0};
    char pattern[64];
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->items[i];
        double first = column->ok, second = first + column->failed, third = second + column->timed_out;
        add_square(&ok, chart, column, 0, first);
        add_square(&failed, chart, column, first, second);
        add_square(&late, chart, column, second, third);
        add_square(&not_sent, chart, column, third, third + column->not_sent);
    }
    chart_path(xml, buf_str(&ok), BLUE, NULL, 0, NULL);
    chart_path(xml, buf_str(&failed), chart_pattern(chart, "failed", pattern), NULL, 0, NULL);
    chart_path(xml, buf_str(&late), chart_pattern(chart, "timeout", pattern), NULL, 0, NULL);
    chart_path(xml, buf_str(&not_sent), "none", GREY, 1, NULL);
    xml_newline(xml);
}

/* What users got in a second before anything was done to the system: what good looks like. 0: not known. */
static double baseline(const struct columns *columns)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 1; i < columns->count && columns->items[i].to_s <= 0; i++) { /* the first second is not a whole one */
        sum += columns->items[i].ok;
        count++;
    }
    return count > 0 ? sum / (double)count : 0;
}

static void draw_key(struct xml *xml, const struct chart *chart, double before)
{
    static const struct {
        const char *pattern, *fill, *words;
    } keys[] = {
        {"timeout", NULL, "timed out"}, {"failed", NULL, "failed"}, {NULL, BLUE, "answered"}, {"band", NULL, "fault in force"}};
    double x = chart->right + 14, y = chart->top + 4;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++, y += 23) {
        char pattern[64];
        const char *fill = keys[i].pattern ? chart_pattern(chart, keys[i].pattern, pattern) : keys[i].fill;
        chart_rect(xml, x, y, 18, 13, fill, keys[i].fill ? NULL : "#8a6d3b");
        chart_label(xml, x + 25, y + 11, ANCHOR_START, 13, INK, keys[i].words);
    }
    if (before > 0) {
        char text[64];
        (void)str_format(text, sizeof(text), "before: %.0f/s", before);
        chart_line(xml, x, y + 7, x + 18, y + 7, INK, 1.5, "5 3");
        chart_label(xml, x + 25, y + 11, ANCHOR_START, 13, INK, text);
    }
    xml_newline(xml);
}

static void describe(const struct result *result, const struct markers *markers, struct buf *out)
{
    words_sentence(result, out);
    buf_puts(out, " Requests per second by result, with these instants:");
    for (size_t i = 0; i < markers->count; i++) {
        buf_printf(out, "%s %s", i ? ";" : "", markers->items[i].text);
    }
    buf_puts(out, markers->count ? "." : " none.");
}

struct picture {
    struct chart chart;
    struct markers markers;
    struct lane lanes[LANE_COUNT];
    struct columns *columns;
    double lanes_bottom;
};

static void plan_picture(struct picture *picture, const struct result *result)
{
    static const char *const names[LANE_COUNT] = {"fault", "alert", "outage", "time to recover", "hold"};
    const struct observation *worst[CAUSES_MAX];
    size_t count = markers_worst(result, worst);
    struct columns *columns = picture->columns;
    double y_max = columns->rate_max > 0 ? columns->rate_max * 1.12 : 1;
    markers_collect(result, true, &picture->markers);
    picture->chart = plot_chart("timeline", columns);
    picture->chart.y_max = y_max;
    markers_layout(&picture->chart, &picture->markers);
    picture->chart.top = 24 + (double)picture->markers.rows * MARKER_ROW_HEIGHT;
    picture->chart.bottom = picture->chart.top + PLOT_HEIGHT;
    for (size_t i = 0; i < LANE_COUNT; i++) {
        picture->lanes[i].name = names[i];
    }
    add_faults(&picture->lanes[LANE_FAULT], result, columns);
    add_alerts(&picture->lanes[LANE_ALERT], result, columns);
    for (size_t i = 0; i < count; i++) {
        add_observation(picture->lanes, result, worst[i]);
    }
    add_no_outage(&picture->lanes[LANE_RECOVERY], result);
    picture->lanes_bottom = picture->chart.bottom + 6;
    for (size_t i = 0; i < LANE_COUNT; i++) {
        lane_layout(&picture->chart, &picture->lanes[i]);
        picture->lanes_bottom += lane_height(&picture->lanes[i]);
    }
    picture->chart.height = picture->lanes_bottom + 42;
}

static void draw_picture(struct xml *xml, const struct picture *picture, const struct result *result)
{
    const struct chart *chart = &picture->chart;
    double y = chart->bottom + 6, before = baseline(picture->columns);
    if (picture->columns->count > 0) {
        chart_axis_y(xml, chart, "requests/s");
    }
    plot_bands(xml, chart, result);
    draw_seconds(xml, chart, picture->columns);
    if (before > 0) {
        chart_line(xml, chart->left, chart_y(chart, before), chart->right, chart_y(chart, before), INK, 1.5, "5 3");
    }
    if (picture->columns->count == 0) {
        chart_label(xml, (chart->left + chart->right) / 2, (chart->top + chart->bottom) / 2, ANCHOR_MIDDLE, 16, INK_SOFT,
                    "no request was sent");
    }
    markers_draw(xml, chart, &picture->markers, picture->lanes_bottom);
    for (size_t i = 0; i < LANE_COUNT; i++) {
        lane_draw(xml, chart, &picture->lanes[i], y);
        y += lane_height(&picture->lanes[i]);
    }
    draw_key(xml, chart, before);
    chart_axis_x(xml, chart, picture->lanes_bottom + 4);
}

void timeline_draw(struct xml *xml, const struct result *result)
{
    struct buf description CLEANUP(buf_clear) = {0};
    AUTO_FREE struct columns *columns = columns_new(result);
    AUTO_FREE struct picture *picture = xcalloc(1, sizeof(*picture));
    picture->columns = columns;
    plan_picture(picture, result);
    describe(result, &picture->markers, &description);
    chart_begin(xml, &picture->chart, "Timeline of the drill", buf_str(&description));
    draw_picture(xml, picture, result);
    chart_end(xml);
}

static int write_timeline(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_SVG);
    (void)context;
    timeline_draw(xml, result);
    return xml_write_file(xml, folder, "charts/timeline.svg", err);
}

const struct report_ops report_chart_timeline = {.name = "chart_timeline",
                                                 .file_name = "charts/timeline.svg",
                                                 .summary = "the main picture on its own",
                                                 .write = write_timeline};
