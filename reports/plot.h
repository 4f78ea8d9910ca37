/* What all pictures over the drill's time share: the same edges, so that they can be read one below the other, the time axis, the
 * stretches in which a fault was in force, and the instants that matter. */
#ifndef DRILL_REPORTS_PLOT_H
#define DRILL_REPORTS_PLOT_H

#include "harness/measure/result.h"
#include "reports/columns.h"

enum { PLOT_WIDTH = 1120, PLOT_LEFT = 132, PLOT_RIGHT = 950 };

/* A chart over the columns' time; top, bottom, height and y_max are the caller's to set. */
struct chart plot_chart(const char *id, const struct columns *columns);
/* Hatched bands while a fault was in force. */
void plot_bands(struct xml *xml, const struct chart *chart, const struct result *result);
/* Thin lines at the first disruption and at the worst recovery, named above the plot; needs 18 units above chart->top. */
void plot_instants(struct xml *xml, const struct chart *chart, const struct result *result);
/* A picture with nothing in it says why. */
void plot_nothing(struct xml *xml, const char *id, const char *title, const char *why);

/* Fills that can be told apart in black and white too; of chart_begin's patterns. Wraps around after PLOT_FILLS. */
enum { PLOT_FILLS = 6 };
const char *plot_fill(const struct chart *chart, size_t index, char out[static 64]);

/* Texts at the right edge of a plot, pushed apart so that they do not overlap. Sorted by where they want to be. */
enum { PLOT_LABELS_MAX = 16, PLOT_LABEL_GAP = 16 };
struct plot_label {
    double y;
    size_t index; /* which series it names */
};
void plot_spread(struct plot_label *labels, size_t count, double top, double bottom);

#endif
