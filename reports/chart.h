/* Pictures as SVG that reads the same without any style sheet: every colour is a presentation attribute, every colour has a
 * pattern or a label beside it, the title and the description say in words what is drawn. */
#ifndef DRILL_REPORTS_CHART_H
#define DRILL_REPORTS_CHART_H

#include <stddef.h>

#include "reports/xml.h"

/* At least 4.5:1 on white for text, 3:1 for areas; told apart by those who cannot see red or green. */
#define INK "#1a1a1a"
#define INK_SOFT "#555555"
#define GRID "#d9d9d9"
#define BLUE "#3b76af"
#define ORANGE "#c65d00"
#define DARK_RED "#7a1022"
#define RED "#a3152b"
#define GREEN "#1e7145"
#define GREY "#767676"

struct chart {
    const char *id;       /* unique in the page: prefix of the ids that it makes */
    double width, height; /* user units = CSS pixels at full width */
    double left, right;   /* the plot's edges */
    double top, bottom;
    double from_s, to_s; /* what the plot's left and right edges mean */
    double y_max;        /* what the top edge means; the bottom is 0 */
};

enum chart_anchor { ANCHOR_START = 0, ANCHOR_MIDDLE, ANCHOR_END };

/* Open the <svg>; chart_end closes it. */
void chart_begin(struct xml *xml, const struct chart *chart, const char *title, const char *description);
void chart_end(struct xml *xml);
double chart_x(const struct chart *chart, double seconds); /* clamped to the plot */
double chart_y(const struct chart *chart, double value);   /* clamped to the plot */
/* A distance between ticks, 1, 2 or 5 times a power of ten, that gives at most `ticks` of them. */
double chart_step(double range, int ticks);

void chart_rect(struct xml *xml, double x, double y, double width, double height, const char *fill, const char *stroke);
void chart_line(struct xml *xml, double x1, double y1, double x2, double y2, const char *stroke, double width, const char *dash);
void chart_label(struct xml *xml, double x, double y, enum chart_anchor anchor, double size, const char *fill, const char *text);
void chart_path(struct xml *xml, const char *data, const char *fill, const char *stroke, double width, const char *dash);
/* "url(#ID-hatch)" and friends into out: patterns that chart_begin defined. Names: hatch (fault), band, failed, timeout, hold, series-a
 * to series-f. */
const char *chart_pattern(const struct chart *chart, const char *name, char out[static 64]);
/* A copy of `text` of at most `characters`, with "…" where it was cut. */
const char *chart_clip(const char *text, size_t characters, char out[static 256]);
/* How wide a text of that size will be, about. */
double chart_text_width(const char *text, double size);

/* Horizontal lines with numbers at the left, `unit` above them. */
void chart_axis_y(struct xml *xml, const struct chart *chart, const char *unit);
/* Ticks with seconds below the plot, the words "seconds since the first disruption" under them. */
void chart_axis_x(struct xml *xml, const struct chart *chart, double at_y);

#endif
