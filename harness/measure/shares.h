/* Who answered: requests by server and by region within spans of time, and sessions that went from one server to another. */
#ifndef DRILL_MEASURE_SHARES_H
#define DRILL_MEASURE_SHARES_H

#include "harness/measure/window.h"

/* Count the requests of the spans: due within them, or due before and still open when a fault came, with which a span begins. A server's are
 * those whose answer named it, a region's those that went to one of its addresses; what a failed one took is at least the deadline. A
 * session has moved when an answer as agreed came from another server than its one before, which may lie before the spans. Sent requests only. */
void shares_count(const struct measurement *measurement, const struct span *spans, size_t count, struct share_window *ret_window);
/* The table of the report: before the first disruption, while each fault was in, after its recovery, after it. */
void measure_shares(struct measurement *measurement);
/* The figure of an objective on `share`, `moved`, `failed` or a latency within its part. */
struct figure shares_figure(const struct measurement *measurement, const struct objective *objective);

#endif
