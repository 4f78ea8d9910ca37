/* A list of ids that was read back, as numbers: how often each of the drill's writes is in it. */
#ifndef DRILL_MEASURE_LISTING_H
#define DRILL_MEASURE_LISTING_H

#include "harness/measure/measurement.h"

struct listing {
    unsigned char **times; /* [track][number - 1], 255 for more */
    size_t track_count;
};

/* Reads the file that the event names, against the number that it says. NULL, or why the list is not whole (owned); then it must not be
 * believed. To be cleared in either case. */
char *listing_read(const struct measurement *measurement, const json_t *event, struct listing *ret_listing);
void listing_clear(struct listing *listing);
/* How often the write of this record, a numbered one of that track, is listed. */
unsigned char listing_times(const struct listing *listing, size_t track, const struct ledger_record *record);

#endif
