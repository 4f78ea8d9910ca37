/* Spans under a chart. */
#include "reports/lane.h"

#include <math.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/str.h"

enum { TEXT_SIZE = 13, GAP = 5, ARROW_WIDTH = 14 };

struct span *lane_add(struct lane *lane, double from_s, double to_s, enum span_style style)
{
    if (lane->count == LANE_SPANS_MAX) {
        lane->left_out++;
        lane->count--;
    }
    struct span *span = &lane->spans[lane->count++];
    *span = (struct span){.from_s = from_s, .to_s = to_s < from_s ? from_s : to_s, .style = style, .stroke = INK, .limit_s = NAN};
    return span;
}

struct extent {
    double from, to;
};

static double left_edge(const struct span_text *text)
{
    return text->anchor == ANCHOR_END ? text->x - chart_text_width(text->words, TEXT_SIZE) : text->x;
}

static double right_edge(const struct span_text *text)
{
    return left_edge(text) + chart_text_width(text->words, TEXT_SIZE);
}

/* The text goes behind what is drawn from x1 to x2, else in front of it, else onto it. */
static struct span_text place_text(const struct chart *chart, const char *words, double x1, double x2)
{
    double width = chart_text_width(words, TEXT_SIZE);
    if (x2 + GAP + width <= chart->width) {
        return (struct span_text){x2 + GAP, ANCHOR_START, words};
    }
    if (x1 - GAP - width >= chart->left) {
        return (struct span_text){x1 - GAP, ANCHOR_END, words};
    }
    return (struct span_text){chart->right - GAP, ANCHOR_END, words};
}

/* What was reached is said where the bracket ends, what was allowed where that ends, if there is room between the two. */
static void place_texts(const struct chart *chart, struct span *span)
{
    double x1 = chart_x(chart, span->from_s), x2 = chart_x(chart, span->to_s);
    bool limited = isfinite(span->limit_s), beyond = span->limit_s > chart->to_s;
    double limit_x = limited ? chart_x(chart, span->limit_s) + (beyond ? ARROW_WIDTH : 0) : x2;
    double room = limit_x - x2 - 3 * GAP - chart_text_width(span->text, TEXT_SIZE);
    span->texts[1] = (struct span_text){.words = ""};
    if (limited && room >= 0) {
        span->texts[0] = (struct span_text){x2 + GAP, ANCHOR_START, span->text};
        span->texts[1] = place_text(chart, span->limit_text, limit_x, limit_x);
        return;
    }
    if (limited) {
        size_t size = strlen(span->text);
        (void)str_format(span->text + size, sizeof(span->text) - size, ", %s", span->limit_text);
    }
    span->texts[0] = place_text(chart, span->text, x1, fmax(x2, limit_x));
}

static struct extent extent_of(const struct chart *chart, const struct span *span)
{
    struct extent extent = {chart_x(chart, span->from_s), chart_x(chart, fmax(span->to_s, span->limit_s))}; /* fmax ignores NAN */
    for (size_t i = 0; i < ARRAY_LEN(span->texts); i++) {
        if (*span->texts[i].words) {
            extent.from = fmin(extent.from, left_edge(&span->texts[i]));
            extent.to = fmax(extent.to, right_edge(&span->texts[i]));
        }
    }
    return (struct extent){extent.from - GAP, extent.to + GAP};
}

void lane_layout(const struct chart *chart, struct lane *lane)
{
    struct extent extents[LANE_SPANS_MAX];
    lane->rows = 0;
    for (size_t i = 0; i < lane->count; i++) {
        place_texts(chart, &lane->spans[i]);
        extents[i] = extent_of(chart, &lane->spans[i]);
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

static void draw_tick(struct xml *xml, double x, double y, const char *stroke)
{
    chart_line(xml, x, y + 4, x, y + 18, stroke, 2, NULL);
}

/* A limit beyond the picture's edge has no tick: it is not there. */
static void draw_limit(struct xml *xml, const struct chart *chart, const struct span *span, double y)
{
    double x = chart_x(chart, span->limit_s), x2 = chart_x(chart, span->to_s);
    if (x > x2) {
        chart_line(xml, x2, y + 11, x, y + 11, INK, 2, "2 4");
    }
    if (span->limit_s <= chart->to_s) {
        draw_tick(xml, x, y, INK);
    } else {
        chart_label(xml, x + 2, y + 15, ANCHOR_START, TEXT_SIZE, INK, "→");
    }
}

static void draw_bracket(struct xml *xml, const struct chart *chart, const struct span *span, double y)
{
    double x1 = chart_x(chart, span->from_s), x2 = chart_x(chart, span->to_s);
    chart_line(xml, x1, y + 11, x2, y + 11, span->stroke, 4, NULL);
    draw_tick(xml, x1, y, span->stroke);
    if (span->style == SPAN_ARROW) {
        char path[96];
        (void)str_format(path, sizeof(path), "M%.1f %.1fl-9 -7v14z", x2 + 4, y + 11);
        chart_path(xml, path, span->stroke, NULL, 0, NULL);
    } else {
        draw_tick(xml, x2, y, span->stroke);
    }
    if (isfinite(span->limit_s)) {
        draw_limit(xml, chart, span, y);
    }
}

/* On a white ground: a line may run there. */
static void draw_texts(struct xml *xml, const struct span *span, double y)
{
    for (size_t i = 0; i < ARRAY_LEN(span->texts); i++) {
        const struct span_text *text = &span->texts[i];
        if (*text->words) {
            chart_rect(xml, left_edge(text) - 2, y + 3, chart_text_width(text->words, TEXT_SIZE) + 4, 17, "#ffffff", NULL);
            chart_label(xml, text->x, y + 16, text->anchor, TEXT_SIZE, INK, text->words);
        }
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
        draw_texts(xml, span, at);
    }
    xml_newline(xml);
}
