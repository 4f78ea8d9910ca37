/* Arrival plans: constant, Poisson, ramp, steps. */
#include "harness/load/schedule.h"

#include <math.h>

#include "harness/base/clock.h"

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t schedule_random(uint64_t seed, uint64_t number)
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + number; /* murmur3's finalizer: each bit in changes half of those out */
    z = (z ^ (z >> 33)) * 0xff51afd7ed558ccdu;
    z = (z ^ (z >> 33)) * 0xc4ceb9fe1a85ec53u;
    return z ^ (z >> 33);
}

uint32_t schedule_session(uint64_t seed, uint64_t number, uint32_t sessions)
{
    return sessions ? 1 + (uint32_t)(schedule_random(~seed, number) % sessions) : 0; /* ~: in no step with {{random}} */
}

static double uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

/* While the rate grows, n(t) = from t + (to - from) t² / 2D; solved for t. After D the rate is constant. */
static double ramp_due_s(const struct schedule *schedule, double number)
{
    double slope = (schedule->rate - schedule->from) / schedule->over_s;
    double in_ramp = (schedule->from + schedule->rate) / 2 * schedule->over_s;
    if (number >= in_ramp) {
        return schedule->over_s + (number - in_ramp) / schedule->rate;
    }
    if (fabs(slope) < 1e-9) {
        return number / schedule->rate;
    }
    return (sqrt(schedule->from * schedule->from + 2 * slope * number) - schedule->from) / slope;
}

/* Each of the steps lasts over_s / steps; the first is at `from`, the one behind the last at `rate`. */
static double step_due_s(const struct schedule *schedule, double number)
{
    double length_s = schedule->over_s / schedule->steps;
    for (int i = 0; i < schedule->steps; i++) {
        double rate = schedule->from + (schedule->rate - schedule->from) * i / schedule->steps;
        if (number < rate * length_s) {
            return i * length_s + number / rate;
        }
        number -= rate * length_s;
    }
    return schedule->over_s + number / schedule->rate;
}

static double due_s(struct schedule *schedule)
{
    switch (schedule->shape) {
    case SHAPE_POISSON:
        schedule->elapsed_s += -log1p(-uniform(&schedule->random)) / schedule->rate;
        return schedule->elapsed_s;
    case SHAPE_RAMP:
        return ramp_due_s(schedule, (double)schedule->number);
    case SHAPE_STEP:
        return step_due_s(schedule, (double)schedule->number);
    case SHAPE_NONE:
    case SHAPE_CONSTANT:
    case SHAPE_COUNT:
        break;
    }
    return (double)schedule->number / schedule->rate;
}

static void set_due(struct schedule *schedule)
{
    schedule->due_ns = schedule->start_ns + (int64_t)llround(due_s(schedule) * NS_PER_S);
}

void schedule_begin(struct schedule *schedule, uint64_t seed)
{
    schedule->random = seed;
    schedule->phase = uniform(&schedule->random);
    schedule->number = 0;
    schedule->elapsed_s = 0;
    set_due(schedule);
}

void schedule_advance(struct schedule *schedule)
{
    schedule->number++;
    set_due(schedule);
}

enum request_class schedule_class(const struct schedule *schedule)
{
    double before = floor((double)schedule->number * schedule->write_share + schedule->phase);
    double after = floor((double)(schedule->number + 1) * schedule->write_share + schedule->phase);
    return after > before ? CLASS_WRITE : CLASS_READ;
}

double schedule_highest_rate(const struct schedule *schedule)
{
    bool changes = schedule->shape == SHAPE_RAMP || schedule->shape == SHAPE_STEP;
    return changes ? fmax(schedule->rate, schedule->from) : schedule->rate;
}

uint64_t schedule_capacity(const struct schedule *schedule, double max_s)
{
    double expected = schedule_highest_rate(schedule) * max_s;
    double slack = schedule->shape == SHAPE_POISSON ? 6 * sqrt(expected) : 0;
    return (uint64_t)ceil(expected + slack) + 1;
}
