/* A scenario's drills over time. */
#include "reports/history.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/plot.h"
#include "reports/words.h"

enum { SHOWN_MAX = 24 };

static enum verdict verdict_of(const char *name)
{
    return str_eq(name, "pass") ? VERDICT_PASS : str_eq(name, "fail") ? VERDICT_FAIL : VERDICT_INCONCLUSIVE;
}

static struct history_point read_point(const json_t *item)
{
    struct history_point point = {.drill_id = json_str(item, "drill_id", ""),
                                  .date = json_str(item, "date", ""),
                                  .changed = json_str(item, "changed", NULL),
                                  .verdict = verdict_of(json_str(item, "verdict", "")),
                                  .rto_s = json_num(item, "rto_seconds", NAN),
                                  .target_s = json_num(item, "target_seconds", NAN),
                                  .censored = json_flag(item, "censored", false)};
    point.known = isfinite(point.rto_s);
    return point;
}

static struct history_point this_point(const struct result *result, const char *started)
{
    return (struct history_point){.drill_id = result->drill_id ? result->drill_id : "",
                                  .date = started,
                                  .verdict = result->verdict,
                                  .rto_s = result->rto.measured ? result->rto.value : NAN,
                                  .target_s = words_limit(result, "rto"),
                                  .censored = result->rto.measured && result->rto.at_least,
                                  .known = result->rto.measured};
}

static int compare(const void *left, const void *right)
{
    const struct history_point *const *a = left, *const *b = right;
    if ((*a)->censored != (*b)->censored) {
        return (*a)->censored - (*b)->censored;
    }
    return ((*a)->rto_s > (*b)->rto_s) - ((*a)->rto_s < (*b)->rto_s);
}

static void summarise(struct history *history)
{
    AUTO_FREE const struct history_point **sorted = xcalloc(history->count, sizeof(struct history_point *));
    size_t count = 0;
    for (size_t i = 0; i < history->count; i++) {
        history->passed += history->points[i].verdict == VERDICT_PASS;
        history->failed += history->points[i].verdict == VERDICT_FAIL;
        if (history->points[i].known) {
            sorted[count++] = &history->points[i];
        }
    }
    history->least_s = history->median_s = history->most_s = history->p95_s = NAN;
    if (count == 0) {
        return;
    }
    qsort(sorted, count, sizeof(*sorted), compare);
    const struct history_point *middle = sorted[count / 2]; /* of an even number the slower one: no value is made up */
    history->least_s = sorted[0]->rto_s;
    history->median_s = middle->rto_s;
    history->median_censored = middle->censored;
    history->most_s = sorted[count - 1]->rto_s;
    history->most_censored = sorted[count - 1]->censored;
    if (count >= 20) { /* with fewer it would be the largest, under another name */
        const struct history_point *p95 = sorted[(count * 95 + 99) / 100 - 1];
        history->p95_s = p95->rto_s;
        history->p95_censored = p95->censored;
    }
}

struct history *history_new(const struct result *result, const struct report_context *context)
{
    struct history *history = xcalloc(1, sizeof(*history));
    size_t given = json_array_size(context->history);
    history->points = xcalloc(given + 1, sizeof(*history->points));
    for (size_t i = 0; i < given; i++) {
        history->points[i] = read_point(json_array_get(context->history, i));
    }
    if (result->started_utc_ns) {
        clock_format_utc(result->started_utc_ns, history->started);
    }
    history->points[given] = this_point(result, history->started);
    history->count = given + 1;
    summarise(history);
    return history;
}

void history_free(struct history *history)
{
    if (history) {
        free(history->points);
        free(history);
    }
}

double history_pass_bound(size_t count)
{
    return count > 0 ? pow(0.05, 1.0 / (double)count) : 0;
}

static double place(const struct chart *chart, size_t index, size_t shown)
{
    return chart->left + (chart->right - chart->left) * ((double)index + 0.5) / (double)shown;
}

/* A disc passed, a cross failed, a grey diamond could not be judged, an arrow upwards was not recovered while watched. */
static void draw_point(struct xml *xml, double x, double y, const struct history_point *point, bool last)
{
    char path[160];
    double size = last ? 7 : 5;
    if (point->censored) {
        (void)str_format(path, sizeof(path), "M%.1f %.1fl%.1f %.1fh%.1fz", x, y - size - 4, size, size + 4, -2 * size);
        chart_path(xml, path, RED, NULL, 0, NULL);
    } else if (point->verdict == VERDICT_PASS) {
        (void)str_format(path, sizeof(path), "M%.1f %.1fa%g %g 0 1 0 %.1f 0a%g %g 0 1 0 %.1f 0z", x - size, y, size, size,
                         2 * size, size, size, -2 * size);
        chart_path(xml, path, GREEN, NULL, 0, NULL);
    } else if (point->verdict == VERDICT_FAIL) {
        (void)str_format(path, sizeof(path), "M%.1f %.1fL%.1f %.1fM%.1f %.1fL%.1f %.1f", x - size, y - size, x + size, y + size,
                         x + size, y - size, x - size, y + size);
        chart_path(xml, path, "none", RED, 3, NULL);
    } else {
        (void)str_format(path, sizeof(path), "M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz", x, y - size, size, size, -size, size,
                         -size, -size);
        chart_path(xml, path, "#ffffff", GREY, 2, NULL);
    }
}

static void draw_target(struct xml *xml, const struct chart *chart, double from, double to, double target_s, bool named)
{
    double y = chart_y(chart, target_s);
    chart_line(xml, from, y, to, y, INK, 1.5, "6 3");
    if (named) {
        char text[48];
        (void)str_format(text, sizeof(text), "limit %g s", target_s);
        chart_label(xml, chart->right + 10, y + 4, ANCHOR_START, 13, INK, text);
    }
}

/* Above the point, or below it when the limit's line is there. */
static void draw_value(struct xml *xml, const struct chart *chart, double x, double y, const struct history_point *point,
                       const char *text)
{
    double limit_y = chart_y(chart, point->target_s), above = y - 14, below = y + 23;
    bool crossed = isfinite(point->target_s) && limit_y > above - 14 && limit_y < above + 5;
    bool room = below < chart->bottom - 2 && !(isfinite(point->target_s) && limit_y > below - 13 && limit_y < below + 4);
    double at = crossed && room ? below : above, width = chart_text_width(text, 12);
    chart_rect(xml, x - width / 2 - 2, at - 11, width + 4, 14, "#ffffff", NULL);
    chart_label(xml, x, at, ANCHOR_MIDDLE, 12, INK, text);
}

static void draw_columns(struct xml *xml, const struct chart *chart, const struct history *history, size_t first)
{
    size_t shown = history->count - first;
    double half = (chart->right - chart->left) / (double)shown / 2;
    for (size_t i = 0; i < shown; i++) {
        const struct history_point *point = &history->points[first + i];
        struct buf value CLEANUP(buf_clear) = {0};
        double x = place(chart, i, shown);
        char date[16];
        if (isfinite(point->target_s)) {
            draw_target(xml, chart, x - half, x + half, point->target_s, i + 1 == shown);
        }
        if (point->changed) {
            chart_line(xml, x - half, chart->top, x - half, chart->bottom, GREY, 1.5, "2 3");
        }
        double y = point->known ? chart_y(chart, point->rto_s) : chart->bottom - 8;
        draw_point(xml, x, y, point, i + 1 == shown);
        if (point->known) {
            buf_puts(&value, point->censored ? ">" : "");
            words_value(point->rto_s, 0.1, NAN, "s", &value);
        } else {
            buf_puts(&value, "not measured");
        }
        if (shown <= 12) {
            draw_value(xml, chart, x, y, point, buf_str(&value));
        }
        (void)str_format(date, sizeof(date), "%.10s", point->date);
        if (shown <= 8 || i % ((shown + 7) / 8) == 0) {
            chart_label(xml, x, chart->bottom + 18, ANCHOR_MIDDLE, 12, INK_SOFT, date);
        }
    }
    xml_newline(xml);
}

void history_draw(struct xml *xml, const struct history *history)
{
    struct chart chart = {.id = "history", .width = PLOT_WIDTH, .left = PLOT_LEFT, .right = PLOT_RIGHT, .top = 30, .bottom = 190};
    struct buf description CLEANUP(buf_clear) = {0};
    size_t first = history->count > SHOWN_MAX ? history->count - SHOWN_MAX : 0;
    chart.height = chart.bottom + 30;
    for (size_t i = first; i < history->count; i++) {
        const struct history_point *point = &history->points[i];
        chart.y_max = fmax(chart.y_max, fmax(point->rto_s, point->target_s) * 1.15); /* fmax ignores NAN */
    }
    chart.y_max = chart.y_max > 0 ? chart.y_max : 1;
    buf_printf(&description, "Time to recover of %zu drills, the last one is this. ", history->count - first);
    buf_puts(&description,
             "A disc passed, a cross failed, a diamond could not be judged, an arrow was not recovered while watched.");
    chart_begin(xml, &chart, "Time to recover, drill by drill", buf_str(&description));
    chart_axis_y(xml, &chart, "seconds");
    draw_columns(xml, &chart, history, first);
    chart_end(xml);
}

static int write_history(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_SVG);
    struct history *history CLEANUP(history_cleanup) = history_new(result, context);
    history_draw(xml, history);
    return xml_write_file(xml, folder, "charts/history.svg", err);
}

const struct report_ops report_chart_history = {
    .name = "chart_history", .file_name = "charts/history.svg", .summary = "drill by drill", .write = write_history};
