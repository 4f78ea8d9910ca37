/* Lanes: spans of time drawn as bars or brackets under a chart, each with its text, packed into rows so that nothing overlaps. */
#ifndef DRILL_REPORTS_LANE_H
#define DRILL_REPORTS_LANE_H

#include "reports/chart.h"

enum { LANE_SPANS_MAX = 12, LANE_ROW_HEIGHT = 23 };
enum span_style { SPAN_BAR = 0, SPAN_BRACKET, SPAN_ARROW /* goes on to where nobody looked */ };

struct span {
    double from_s, to_s;
    enum span_style style;
    const char *fill;    /* bars: a colour */
    const char *pattern; /* bars: name for chart_pattern, instead of fill */
    const char *stroke;
    double limit_s; /* brackets: goes on dotted to this, or is ticked there when it went further; NAN: none */
    char text[96];
    char limit_text[32]; /* brackets with a limit */
    /* set by lane_layout */
    struct span_text {
        double x;
        enum chart_anchor anchor;
        const char *words;
    } texts[2];
    size_t row;
};

struct lane {
    const char *name;
    struct span spans[LANE_SPANS_MAX];
    size_t count, rows;
    size_t left_out; /* spans that found no room */
};

/* Room for one more, zeroed; the last one again when full (and counted in left_out). */
struct span *lane_add(struct lane *lane, double from_s, double to_s, enum span_style style);
void lane_layout(const struct chart *chart, struct lane *lane);
double lane_height(const struct lane *lane); /* 0 without spans */
void lane_draw(struct xml *xml, const struct chart *chart, const struct lane *lane, double y);

#endif
