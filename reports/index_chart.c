/* Pictures of the index page. */
#include <math.h>
#include <string.h>

#include "harness/base/str.h"
#include "harness/programme/when.h"
#include "reports/chart.h"
#include "reports/index_page.h"
#include "reports/words.h"

#define FAIL_RED "#a3152b"

static void draw_circle(struct xml *xml, double x, double y, double radius, const char *fill, const char *stroke)
{
    xml_open(xml, "circle");
    xml_attrf(xml, "cx", "%.1f", x);
    xml_attrf(xml, "cy", "%.1f", y);
    xml_attrf(xml, "r", "%.1f", radius);
    xml_attr(xml, "fill", fill);
    xml_attr(xml, "stroke", stroke);
    xml_attr(xml, "stroke-width", "2");
    xml_end(xml);
}

/* `path` is around the origin in units of 1 %: moved and scaled by a transform, so that shapes are written once. */
static void draw_path(struct xml *xml, const char *fill, const char *stroke, const char *path, double x, double y, double r)
{
    xml_open(xml, "path");
    xml_attrf(xml, "transform", "translate(%.1f %.1f) scale(%.3f)", x, y, r / 100);
    xml_attr(xml, "d", path);
    xml_attr(xml, "fill", fill);
    xml_attr(xml, "stroke", stroke);
    xml_attrf(xml, "stroke-width", "%.1f", 200 / r);
    xml_end(xml);
}

void index_mark(struct xml *xml, double x, double y, double radius, enum past_outcome outcome)
{
    switch (outcome) {
    case PAST_PASS:
        draw_circle(xml, x, y, radius, GREEN, GREEN);
        break;
    case PAST_FAIL:
        draw_circle(xml, x, y, radius, "#ffffff", FAIL_RED);
        draw_path(xml, "none", FAIL_RED, "M-55 -55L55 55M55 -55L-55 55", x, y, radius);
        break;
    case PAST_INCONCLUSIVE:
        draw_path(xml, "#ffffff", "#7a4f00", "M0 -115L115 0L0 115L-115 0Z", x, y, radius);
        break;
    case PAST_ABORTED:
        draw_path(xml, "#e6e6e6", GREY, "M-95 -95H95V95H-95ZM-95 95L95 -95", x, y, radius);
        break;
    case PAST_NONE:
    case PAST_UNREPORTED:
    case PAST_OUTCOME_COUNT:
        draw_path(xml, "none", GREY, "M-100 0H100", x, y, radius);
        break;
    }
}

static void open_picture(struct xml *xml, double width, double height)
{
    xml_open(xml, "svg");
    xml_attr(xml, "xmlns", "http://www.w3.org/2000/svg");
    xml_attrf(xml, "width", "%g", width);
    xml_attrf(xml, "height", "%g", height);
    xml_attrf(xml, "viewBox", "0 0 %g %g", width, height);
    xml_attr(xml, "aria-hidden", "true"); /* the words beside it say the same */
}

void index_mark_picture(struct xml *xml, enum past_outcome outcome)
{
    open_picture(xml, 16, 16);
    index_mark(xml, 8, 8, 5, outcome);
    xml_close(xml);
}

static double x_of(const struct chart *chart, size_t index, size_t count)
{
    return chart->left + (chart->right - chart->left) * ((double)index + 0.5) / (double)count;
}

static double highest(const struct standing *standing)
{
    double most = 0;
    for (size_t i = 0; i < standing->count; i++) {
        const struct past_drill *past = standing->drills[i];
        most = fmax(most, past->rto.measured ? past->rto.value : 0);
        most = fmax(most, isnan(past->rto_target_s) ? 0 : past->rto_target_s);
    }
    return most > 0 ? most * 1.15 : 1;
}

/* Each drill stands on its own target, so that a moved one shows as a step. */
static void draw_targets(struct xml *xml, const struct chart *chart, const struct standing *standing, double width)
{
    double half = (chart->right - chart->left) / (double)standing->count / 2;
    for (size_t i = 0; i < standing->count; i++) {
        double target = standing->drills[i]->rto_target_s, x = x_of(chart, i, standing->count);
        if (!isnan(target)) {
            chart_line(xml, x - half, chart_y(chart, target), x + half, chart_y(chart, target), INK, width, "5 3");
        }
    }
}

/* Not recovered: an arrow from where the watching ended to the top. */
static void draw_drill(struct xml *xml, const struct chart *chart, const struct past_drill *past, double x, double radius)
{
    double y = chart_y(chart, past->rto.measured ? past->rto.value : 0);
    if (past->rto.measured && past->rto.at_least) {
        chart_line(xml, x, y, x, chart->top, FAIL_RED, 1.5, NULL);
        draw_path(xml, FAIL_RED, FAIL_RED, "M-80 0L0 -110L80 0Z", x, chart->top + radius, radius);
    }
    index_mark(xml, x, y, radius, past->outcome);
}

void index_sparkline(struct xml *xml, const struct standing *standing)
{
    struct chart chart = {
        .width = 150, .height = 38, .left = 4, .right = 146, .top = 6, .bottom = 31, .y_max = highest(standing)};
    if (standing->count == 0) {
        return;
    }
    open_picture(xml, chart.width, chart.height);
    draw_targets(xml, &chart, standing, 1);
    for (size_t i = 0; i < standing->count; i++) {
        draw_drill(xml, &chart, standing->drills[i], x_of(&chart, i, standing->count), 4);
    }
    xml_close(xml);
}

static void label_drill(struct xml *xml, const struct chart *chart, const struct past_drill *past, double x)
{
    char text[64], day[16];
    (void)str_format(text, sizeof(text), "%04lld", (long long)past->number);
    chart_label(xml, x, chart->bottom + 18, ANCHOR_MIDDLE, 12, INK, text);
    chart_label(xml, x, chart->bottom + 33, ANCHOR_MIDDLE, 11, INK_SOFT, when_day(past->started_utc_ns, day));
    if (past->rto.measured) {
        struct buf value CLEANUP(buf_clear) = {0};
        words_value(past->rto.value, past->rto.resolution, NAN, "s", &value);
        double y = fmax(chart_y(chart, past->rto.value) - 12, chart->top + 12);
        chart_label(xml, x + 11, y + (past->rto.at_least ? 16 : 0), ANCHOR_START, 12, INK, buf_str(&value));
    }
}

static void label_target(struct xml *xml, const struct chart *chart, const struct standing *standing)
{
    double target = standing->drills[standing->count - 1]->rto_target_s;
    char text[64];
    if (!isnan(target)) {
        (void)str_format(text, sizeof(text), "target %g s", target);
        chart_label(xml, chart->right + 8, chart_y(chart, target) + 4, ANCHOR_START, 12, INK, text);
    }
}

void index_chart(struct xml *xml, const struct standing *standing)
{
    AUTO_FREE char *id = xasprintf("rto-%s", standing->scenario);
    AUTO_FREE char *title = xasprintf("Recovery times of %s", standing->scenario);
    enum { SHOWN = 16 }; /* more would not be told apart; the table has them all */
    struct standing shown = *standing;
    shown.drills += standing->count > SHOWN ? standing->count - SHOWN : 0;
    shown.count = standing->count > SHOWN ? SHOWN : standing->count;
    struct chart chart = {.id = id, .width = 1100, .height = 230, .left = 60, .right = 990, .top = 26, .bottom = 180};
    chart.y_max = highest(&shown);
    chart_begin(xml, &chart, title,
                "One mark for each drill, its recovery time upwards, the target dashed; the table below has the same.");
    chart_axis_y(xml, &chart, "s");
    draw_targets(xml, &chart, &shown, 1.5);
    label_target(xml, &chart, &shown);
    for (size_t i = 0; i < shown.count; i++) {
        double x = x_of(&chart, i, shown.count);
        draw_drill(xml, &chart, shown.drills[i], x, 7);
        label_drill(xml, &chart, shown.drills[i], x);
    }
    chart_end(xml);
}

void index_link(struct xml *xml, const struct past_drill *past, const char *archive)
{
    size_t size = strlen(archive);
    const char *folder = past->folder && str_starts_with(past->folder, archive) ? past->folder + size : NULL;
    if (!folder || !past->report) {
        xml_textf(xml, "%04lld", (long long)past->number);
        return;
    }
    xml_open(xml, "a");
    xml_attrf(xml, "href", "%s/report.html", folder + strspn(folder, "/"));
    xml_textf(xml, "%04lld", (long long)past->number);
    xml_close(xml);
}
