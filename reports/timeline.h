/* The main picture: the whole drill in one look. Used by report.html and as charts/timeline.svg. */
#ifndef DRILL_REPORTS_TIMELINE_H
#define DRILL_REPORTS_TIMELINE_H

#include "harness/measure/result.h"
#include "reports/xml.h"

void timeline_draw(struct xml *xml, const struct result *result);

#endif
