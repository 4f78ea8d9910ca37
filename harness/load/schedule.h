/* When each request is due and whether it reads or writes: fixed by the settings and the seed alone, whatever the system does. */
#ifndef DRILL_LOAD_SCHEDULE_H
#define DRILL_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/evidence/ledger.h"

enum schedule_shape { SHAPE_NONE = 0, SHAPE_CONSTANT, SHAPE_POISSON, SHAPE_RAMP, SHAPE_STEP, SHAPE_COUNT };

struct schedule {
    enum schedule_shape shape;
    double rate;        /* per second; of a ramp or steps, at their end and after it */
    double from;        /* per second at T0, of a ramp or steps */
    double over_s;      /* seconds from T0 until `rate` is reached */
    int steps;          /* in how many equal steps, of equal length */
    double write_share; /* 0…1 */
    int64_t start_ns;   /* T0 */
    uint64_t number;    /* of the next request, from 0 */
    int64_t due_ns;     /* when it is due */
    double elapsed_s;   /* poisson: sum of the gaps so far */
    double phase;       /* 0…1 from the seed: where in its pattern the writes begin */
    uint64_t random;
};

/* shape, rate, from, over_s, steps, write_share and start_ns are set by the caller. */
void schedule_begin(struct schedule *schedule, uint64_t seed);
void schedule_advance(struct schedule *schedule);
/* A number by chance, fixed by the seed and `number` alone. */
uint64_t schedule_random(uint64_t seed, uint64_t number);
/* The user that a request belongs to, 1 to `sessions`, by chance: in turn would keep step with a gateway that takes its servers in turn.
 * 0 when there are none. */
uint32_t schedule_session(uint64_t seed, uint64_t number, uint32_t sessions);
enum request_class schedule_class(const struct schedule *schedule); /* of the next request */
double schedule_highest_rate(const struct schedule *schedule);      /* per second, at any time */
/* Enough room for what is due within max_s seconds. */
uint64_t schedule_capacity(const struct schedule *schedule, double max_s);

#endif
