/* Spans under a chart. */
#include "reports/lane.h"

#include <string.h>

#include "harness/base/str.h"

enum { TEXT_SIZE = 13, GAP = 5 };

struct span *lane_add(struct lane *lane, double from_s, double to_s, enum span_style style)
{
    if (lane->count == LANE_SPANS_MAX) {
        lane->left_out++;
        lane->count--;
    }
    struct span *span = &lane->spans[lane->count++];
    *span = (struct span){.from_s = from_s, .to_s = to_s < from_s ? from_s : to_s, .style = style, .stroke = INK};
    return span;
}

struct extent {
    double from, to;
};

/* The text goes behind the span, else in front of it, else onto it. */
static struct extent place_text(const struct chart *chart, struct span *span)
{
    double x1 = chart_x(chart, span->from_s), x2 = chart_x(chart, span->to_s), width = chart_text_width(span->text, TEXT_SIZE);
    span->anchor = ANCHOR_START;
    if (x2 + GAP + width <= chart->width) {
        span->text_x = x2 + GAP;
        return (struct extent){x1, x2 + 2 * GAP + width};
    }
    if (x1 - GAP - width >= chart->left) {
        span->text_x = x1 - GAP;
        span->anchor = ANCHOR_END;
        return (struct extent){x1 - 2 * GAP - width, x2};
    }
    span->text_x = chart->left + GAP;
    return (struct extent){chart->left, chart->width};
}

void lane_layout(const struct chart *chart, struct lane *lane)
{
    struct extent extents[LANE_SPANS_MAX];
    lane->rows = 0;
    for (size_t i = 0; i < lane->count; i++) {
        extents[i] = place_text(chart, &lane->spans[i]);
        for (size_t j = 0; j < i; j++) {
            bool apart = extents[j].to <= extents[i].from || extents[i].to <= extents[j].from;
            if (!apart && lane->spans[j].row == lane->spans[i].row) {
                lane->spans[i].row++;
                j = (size_t)-1; /* a new row: look at all again */
            }
        }
        lane->rows = lane->spans[i].row + 1 > lane->rows ? lane->spans[i].row + 1 : lane->rows;
    }
}

double lane_height(const struct lane *lane)
{
    return (double)lane->rows * LANE_ROW_HEIGHT;
}

static void draw_bar(struct xml *xml, const struct chart *chart, const struct span *span, double y)
{
    char pattern[64];
    double x1 = chart_x(chart, span->from_s), x2 = chart_x(chart, span->to_s);
    const char *fill = span->pattern ? chart_pattern(chart, span->pattern, pattern) : span->fill;
    chart_rect(xml, x1, y + 4, x2 - x1 < 2 ? 2 : x2 - x1, 14, fill, span->stroke);
}

static void draw_bracket(struct xml *xml, const struct chart *chart, const struct span *span, double y)
{
    double x1 = chart_x(chart, span->from_s), x2 = chart_x(chart, span->to_s);
    bool dotted = span->style == SPAN_DOTTED;
    chart_line(xml, x1, y + 11, x2, y + 11, span->stroke, dotted ? 2 : 3, dotted ? "2 4" : NULL);
    chart_line(xml, x1, y + 5, x1, y + 17, span->stroke, 2, NULL);
    if (span->style == SPAN_ARROW) {
        char path[96];
        (void)str_format(path, sizeof(path), "M%.1f %.1fl-9 -6v12z", x2, y + 11);
        chart_path(xml, path, span->stroke, NULL, 0, NULL);
    } else {
        chart_line(xml, x2, y + 5, x2, y + 17, span->stroke, 2, NULL);
    }
}

/* On a white ground: a marker's line may run there. */
static void draw_text(struct xml *xml, const struct span *span, double y)
{
    double width = chart_text_width(span->text, TEXT_SIZE);
    double x = span->anchor == ANCHOR_END ? span->text_x - width : span->text_x;
    if (*span->text) {
        chart_rect(xml, x - 2, y + 3, width + 4, 17, "#ffffff", NULL);
        chart_label(xml, span->text_x, y + 16, span->anchor, TEXT_SIZE, INK, span->text);
    }
}

void lane_draw(struct xml *xml, const struct chart *chart, const struct lane *lane, double y)
{
    if (lane->count == 0) {
        return;
    }
    chart_label(xml, chart->left - 8, y + 16, ANCHOR_END, TEXT_SIZE, INK, lane->name);
    for (size_t i = 0; i < lane->count; i++) {
        const struct span *span = &lane->spans[i];
        double at = y + (double)span->row * LANE_ROW_HEIGHT;
        if (span->style == SPAN_BAR) {
            draw_bar(xml, chart, span, at);
        } else {
            draw_bracket(xml, chart, span, at);
        }
        draw_text(xml, span, at);
    }
    xml_newline(xml);
}
