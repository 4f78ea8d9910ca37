/* The parts of the archive's index.html. Internal to this room: index_html.c puts them in order. */
#ifndef DRILL_REPORTS_INDEX_PAGE_H
#define DRILL_REPORTS_INDEX_PAGE_H

#include "reports/html_page.h"
#include "reports/programme.h"

/* A mark for an outcome, centred at x, y: each has a shape of its own beside its colour. */
void index_mark(struct xml *xml, double x, double y, double radius, enum past_outcome outcome);
/* The mark as a picture of its own, in text. */
void index_mark_picture(struct xml *xml, enum past_outcome outcome);
/* Recovery times of a scenario, one mark a drill, against their targets. */
void index_chart(struct xml *xml, const struct standing *standing);
/* A small one without words for a table cell. */
void index_sparkline(struct xml *xml, const struct standing *standing);
/* A link to a drill's report, "0007"; only the number when it has none. `archive`: what its folder's path begins with. */
void index_link(struct xml *xml, const struct past_drill *past, const char *archive);

#endif
