/* Where traffic went: the requests that each region answered, in every column, and the picture of their shares. */
#ifndef DRILL_REPORTS_REGIONS_H
#define DRILL_REPORTS_REGIONS_H

#include "harness/measure/result.h"
#include "reports/columns.h"

enum { REGIONS_MAX = 12, REGION_PARTS = 3 /* before the first disruption, up to the last recovery, afterwards */ };

struct regions {
    const char *names[REGIONS_MAX]; /* the last one stands for all that found no room */
    size_t count, column_count;
    double *values; /* count rows of one number a column: answered per second */
    uint64_t totals[REGIONS_MAX][REGION_PARTS];
    uint64_t part_totals[REGION_PARTS];
};

struct regions *regions_new(const struct result *result, const struct columns *columns); /* never NULL */
void regions_free(struct regions *regions);                                              /* accepts NULL */
DEFINE_CLEANUP(struct regions *, regions, regions_free)

/* The share of a region in what was answered in a column, 0…1; NAN when nothing was. */
double regions_share(const struct regions *regions, size_t region, size_t column);
/* Shares as a stacked area: blank where nothing was answered. */
void regions_draw(struct xml *xml, const struct result *result, const struct columns *columns);

#endif
