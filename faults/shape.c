/* The packet model. Each thing that is not asked for draws no number, so that adding one does not change the others' luck by more than
 * it must. */
#include "faults/shape.h"

#include <math.h>

#include "harness/base/clock.h"

const char *const shape_distributions[] = {"uniform", "normal", "pareto", NULL};

enum { BITS_PER_BYTE = 8, TABLE_END = 4 /* standard deviations: what 16 bits can hold in SHAPE_TABLE_UNIT */ };
static const double PARETO_CUT = 3.4; /* 2.5 % of all values lie beyond; then they end at 3.6 deviations of what is left */

double shape_draw(uint64_t *random)
{
    uint64_t x = *random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *random = x;
    return (double)((x * 2685821657736338717ULL) >> 11) / 9007199254740992.0; /* 2^53 */
}

uint64_t shape_seed(uint64_t seed)
{
    uint64_t state = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return state ? state : 1;
}

bool shape_gilbert(const struct shape *shape, double *ret_begin, double *ret_end)
{
    double inside = shape->burst_loss > 0 ? shape->burst_loss : 1;
    double bad = shape->loss / inside; /* share of packets that come in a bad time */
    if (shape->burst < 1 || !(bad > 0 && bad < 1)) {
        return false;
    }
    *ret_end = 1 / shape->burst;
    *ret_begin = *ret_end * bad / (1 - bad);
    return *ret_begin <= 1;
}

/* As netem does it: what happens to a packet is decided by the state before its own step. */
static bool gilbert_loses(const struct shape *shape, struct shape_way *way)
{
    double begin = 0, end = 1;
    bool bad = way->bad;
    (void)shape_gilbert(shape, &begin, &end);
    if (shape_draw(&way->random) < (bad ? end : begin)) {
        way->bad = !bad;
    }
    return bad && (shape->burst_loss <= 0 || shape->burst_loss >= 1 || shape_draw(&way->random) < shape->burst_loss);
}

bool shape_loses(const struct shape *shape, struct shape_way *way)
{
    if (shape->loss_every > 0) {
        return ++way->count % (uint64_t)shape->loss_every == 0;
    }
    if (shape->loss <= 0) {
        return false;
    }
    return shape->burst > 0 ? gilbert_loses(shape, way) : shape_draw(&way->random) < shape->loss;
}

/* Exponent 3: the density falls with the 4th power. Cut, because 16 bits end at 4 deviations. */
static double pareto(double u)
{
    double value = pow(1 - u, -1.0 / 3);
    return value < PARETO_CUT ? value : PARETO_CUT;
}

/* By bisection of its integral: it is asked for once a way. */
static double normal(double u)
{
    double low = -TABLE_END, high = TABLE_END;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2)) < u) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

void shape_fill_table(int distribution, int16_t table[SHAPE_TABLE_SIZE])
{
    double values[SHAPE_TABLE_SIZE], sum = 0, squares = 0;
    for (int i = 0; i < SHAPE_TABLE_SIZE; i++) {
        double u = (i + 0.5) / SHAPE_TABLE_SIZE;
        values[i] = distribution == SHAPE_NORMAL ? normal(u) : distribution == SHAPE_PARETO ? pareto(u) : 2 * u - 1;
        sum += values[i];
        squares += values[i] * values[i];
    }
    double mean = sum / SHAPE_TABLE_SIZE, deviation = sqrt(squares / SHAPE_TABLE_SIZE - mean * mean);
    for (int i = 0; i < SHAPE_TABLE_SIZE; i++) {
        double scaled = (values[i] - mean) / deviation * SHAPE_TABLE_UNIT;
        table[i] = (int16_t)(scaled > INT16_MAX ? INT16_MAX : lround(scaled));
    }
}

int64_t shape_jitter_ns(const struct shape *shape, struct shape_way *way)
{
    if (shape->jitter_ns <= 0) {
        return 0;
    }
    double u = shape_draw(&way->random);
    double deviation =
        shape->distribution == SHAPE_UNIFORM ? 2 * u - 1 : (double)way->table[(size_t)(u * SHAPE_TABLE_SIZE)] / SHAPE_TABLE_UNIT;
    return (int64_t)(deviation * (double)shape->jitter_ns);
}

int64_t shape_line_ns(struct shape_way *way, double rate_bits, double bits, int64_t now_ns)
{
    if (rate_bits <= 0) {
        return now_ns;
    }
    int64_t begin_ns = way->line_free_ns > now_ns ? way->line_free_ns : now_ns;
    way->line_free_ns = begin_ns + (int64_t)(bits / rate_bits * (double)NS_PER_S);
    return way->line_free_ns;
}

void shape_way_init(struct shape_way *way, const struct shape *shape, uint64_t seed)
{
    *way = (struct shape_way){.random = shape_seed(seed)};
    shape_fill_table(shape->distribution, way->table);
}

static bool throws(double share, struct shape_way *way)
{
    return share > 0 && shape_draw(&way->random) < share;
}

static int64_t due_ns(const struct shape *shape, struct shape_way *way, uint32_t flow, int64_t ready_ns)
{
    int64_t delay_ns = shape->delay_ns + shape_jitter_ns(shape, way);
    int64_t due = ready_ns + (delay_ns > 0 ? delay_ns : 0);
    int64_t *last = &way->flow_due_ns[flow % SHAPE_FLOWS];
    if (throws(shape->reorder, way)) {
        return due + shape->reorder_ns;
    }
    if (!shape->overtake && due < *last) {
        due = *last;
    }
    *last = due;
    return due;
}

struct shape_fate shape_packet(const struct shape *shape, struct shape_way *way, size_t bytes, uint32_t flow, int64_t now_ns)
{
    struct shape_fate fate = {.due_ns = now_ns};
    fate.lost = shape_loses(shape, way);
    if (!fate.lost && shape->rate_bits > 0 && shape->queue_ns > 0) {
        fate.lost = way->line_free_ns - now_ns > shape->queue_ns;
    }
    if (fate.lost) {
        return fate;
    }
    fate.duplicated = throws(shape->duplicate, way);
    fate.corrupted = throws(shape->corrupt, way);
    fate.dice = fate.corrupted ? (uint32_t)(shape_draw(&way->random) * UINT32_MAX) : 0;
    int64_t ready_ns = shape_line_ns(way, shape->rate_bits, (double)bytes * BITS_PER_BYTE, now_ns);
    fate.due_ns = due_ns(shape, way, flow, ready_ns);
    return fate;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 + 1e-6 * fabs(b);
}

static double burst_loss(const struct shape *shape)
{
    return shape->burst <= 0 ? 0 : shape->burst_loss > 0 ? shape->burst_loss : 1;
}

bool shape_same(const struct shape *found, const struct shape *asked)
{
    return found->delay_ns == asked->delay_ns && found->jitter_ns == asked->jitter_ns && near(found->loss, asked->loss) &&
           near(found->burst, asked->burst) && near(burst_loss(found), burst_loss(asked)) &&
           near(found->duplicate, asked->duplicate) && near(found->corrupt, asked->corrupt) &&
           near(found->reorder, asked->reorder) && (asked->reorder <= 0 || found->reorder_ns == asked->reorder_ns) &&
           fabs(found->rate_bits - asked->rate_bits) <= 8;
}
