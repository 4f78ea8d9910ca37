/* Markers: the instants that matter in a drill, with labels above a chart that never overlap each other or another's line. */
#ifndef DRILL_REPORTS_MARKERS_H
#define DRILL_REPORTS_MARKERS_H

#include "harness/measure/result.h"
#include "reports/chart.h"

enum { MARKERS_MAX = 16, MARKER_ROW_HEIGHT = 17, CAUSES_MAX = 8 };

struct marker {
    double at_s;
    char text[96];
    const char *colour;
    size_t row; /* 0 is nearest to the plot */
};

struct markers {
    struct marker items[MARKERS_MAX];
    size_t count, rows;
};

/* The worst observation of each cause, in order of time; gives how many. */
size_t markers_worst(const struct result *result, const struct observation *worst[static CAUSES_MAX]);
/* Disruptions, outage starts, detection, decision, switch, promotion, recoveries. `merge`: disruptions that follow each other at once
 * are one, as a picture has no room for all. */
void markers_collect(const struct result *result, bool merge, struct markers *markers);
void markers_layout(const struct chart *chart, struct markers *markers);
/* Labels in the rows above the plot, lines down to `bottom_y`. */
void markers_draw(struct xml *xml, const struct chart *chart, const struct markers *markers, double bottom_y);

#endif
