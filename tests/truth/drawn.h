/* A drawn case: what the server and the driver will do, from a seed; and what the truth then was, from what the server logged. */
#ifndef DRILL_TESTS_TRUTH_DRAWN_H
#define DRILL_TESTS_TRUTH_DRAWN_H

#include "tests/truth/fixture.h"

enum { DRAWN_OUTAGES_MAX = 8 };

struct drawn {
    unsigned seed;
    enum fixture_mode kind;
    bool flapping, server_stalls, driver_stalls, poisson, fresh_connections;
    int64_t latency_ns, delay_ns; /* agreed; of a slow server */
    double rate, write_share;
    int64_t begin_ns;              /* all times below count from it */
    int64_t disruption_ns, end_ns; /* when the fault is asked for; when the last outage is over */
    int64_t length_ns;             /* from the first outage's begin to the last one's end */
    int64_t driver_stall_at_ns, driver_stall_ns;
};

/* Draw a case whose outages last at most longest_ns in all, and write the plan into the fixture; begin_ns is absolute. */
void drawn_make(unsigned seed, int64_t longest_ns, int64_t begin_ns, struct drawn *ret_drawn, struct fixture *fixture);

/* For which arrivals the server would not have answered as agreed: the first and the last edge, each within a bracket. */
struct truth {
    bool outage;
    int64_t start_from_ns, start_to_ns, recovery_from_ns, recovery_to_ns;
};
struct truth drawn_truth(const struct drawn *drawn, const struct fixture *fixture);

#endif
