/* Where the time of one recovery went: its phases one below the other, as a picture and as a table's numbers. */
#ifndef DRILL_REPORTS_WATERFALL_H
#define DRILL_REPORTS_WATERFALL_H

#include "harness/measure/result.h"
#include "reports/xml.h"

/* Phases of one cause stand together in the result. */
struct waterfall {
    size_t first, count; /* into result->phases */
};

/* The phases from `first` on that have the same cause. */
struct waterfall waterfall_from(const struct result *result, size_t first);
/* Those of the worst recovery, else the first; count 0 when there are none. */
struct waterfall waterfall_worst(const struct result *result);
double waterfall_seconds(const struct phase *phase);
/* The phase's part of the time to recover; NAN for the hold, which proves the recovery and is no part of it. */
double waterfall_share(const struct result *result, struct waterfall waterfall, const struct phase *phase);
void waterfall_draw(struct xml *xml, const struct result *result, struct waterfall waterfall);

#endif
