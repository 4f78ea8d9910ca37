/* Pictures over the drill's time: what they share. */
#include "reports/plot.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/str.h"
#include "reports/words.h"

enum { LABEL_SIZE = 12 };

struct chart plot_chart(const char *id, const struct columns *columns)
{
    return (struct chart){
        .id = id, .width = PLOT_WIDTH, .left = PLOT_LEFT, .right = PLOT_RIGHT, .from_s = columns->from_s, .to_s = columns->to_s};
}

/* Overlapping faults are one band: hatching twice would look like something else. */
void plot_bands(struct xml *xml, const struct chart *chart, const struct result *result)
{
    char pattern[64];
    double drawn_until = chart->left;
    for (size_t i = 0; i < result->fault_count; i++) {
        const struct fault_result *fault = &result->faults[i];
        if (!fault->applied) {
            continue;
        }
        double x1 = fmax(chart_x(chart, words_since(result, fault->applied_after_ns)), drawn_until);
        double x2 = fault->removed_ns ? chart_x(chart, words_since(result, fault->removed_ns)) : chart->right;
        if (x2 > x1) {
            chart_rect(xml, x1, chart->top, x2 - x1, chart->bottom - chart->top, chart_pattern(chart, "band", pattern), NULL);
            drawn_until = x2;
        }
    }
}

static void draw_instant(struct xml *xml, const struct chart *chart, double at_s, enum chart_anchor anchor, const char *colour,
                         const char *text)
{
    double x = chart_x(chart, at_s);
    chart_line(xml, x, chart->top - 14, x, chart->bottom, colour, 1.2, "4 3");
    chart_label(xml, anchor == ANCHOR_END ? x - 4 : x + 4, chart->top - 5, anchor, LABEL_SIZE, colour, text);
}

/* The first one's words stand before its line, where the axis leaves room for them, else behind it, if the recovery's do. */
void plot_instants(struct xml *xml, const struct chart *chart, const struct result *result)
{
    const struct observation *worst = result_worst(result);
    double first_x = chart_x(chart, 0), width = chart_text_width("first fault", LABEL_SIZE) + 12, recovered_x = chart->width;
    if (!result->disrupted) {
        return;
    }
    if (worst && worst->recovery_ns) {
        recovered_x = chart_x(chart, words_since(result, worst->recovery_ns));
        draw_instant(xml, chart, words_since(result, worst->recovery_ns), ANCHOR_START, GREEN, "recovered");
    }
    bool before = first_x - width > chart->left, behind = first_x + width < recovered_x;
    draw_instant(xml, chart, 0, before ? ANCHOR_END : ANCHOR_START, INK, before || behind ? "first fault" : "");
}

void plot_nothing(struct xml *xml, const char *id, const char *title, const char *why)
{
    struct chart chart = {.id = id, .width = PLOT_WIDTH, .height = 80};
    chart_begin(xml, &chart, title, why);
    chart_label(xml, chart.width / 2, 46, ANCHOR_MIDDLE, 15, INK_SOFT, why);
    chart_end(xml);
}

const char *plot_fill(const struct chart *chart, size_t index, char out[static 64])
{
    static const char *const names[PLOT_FILLS] = {"series-a", "series-b", "series-c", "series-d", "series-e", "series-f"};
    return chart_pattern(chart, names[index % PLOT_FILLS], out);
}

static int compare(const void *left, const void *right)
{
    const struct plot_label *a = left, *b = right;
    return a->y != b->y ? (a->y > b->y) - (a->y < b->y) : (a->index > b->index) - (a->index < b->index);
}

void plot_spread(struct plot_label *labels, size_t count, double top, double bottom)
{
    qsort(labels, count, sizeof(*labels), compare);
    for (size_t i = 0; i < count; i++) {
        double least = i ? labels[i - 1].y + PLOT_LABEL_GAP : top;
        labels[i].y = fmax(labels[i].y, least);
    }
    for (size_t i = count; i-- > 0;) {
        double most = i + 1 < count ? labels[i + 1].y - PLOT_LABEL_GAP : bottom;
        labels[i].y = fmin(labels[i].y, most);
    }
}
