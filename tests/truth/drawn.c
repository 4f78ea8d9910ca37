/* Drawing cases, and reading the truth from the server's log. */
#include "tests/truth/drawn.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/clock.h"

#define SHORTEST_NS (20 * NS_PER_MS)

static double uniform(unsigned *seed, double low, double high)
{
    return low + (high - low) * rand_r(seed) / ((double)RAND_MAX + 1);
}

static int64_t uniform_ns(unsigned *seed, int64_t low_ns, int64_t high_ns)
{
    return high_ns > low_ns ? (int64_t)uniform(seed, (double)low_ns, (double)high_ns) : low_ns;
}

static int64_t log_uniform_ns(unsigned *seed, int64_t low_ns, int64_t high_ns)
{
    return (int64_t)exp(uniform(seed, log((double)low_ns), log((double)high_ns)));
}

static bool chance(unsigned *seed, int percent)
{
    return rand_r(seed) % 100 < percent;
}

static void add(struct fixture *fixture, int *count, struct fixture_action action)
{
    fixture->actions[(*count)++] = action;
}

static void draw_terms(struct drawn *drawn, unsigned *seed)
{
    static const int64_t latencies_ms[] = {250, 500, 1000};
    drawn->kind = (enum fixture_mode)(1 + rand_r(seed) % (MODE_COUNT - 1));
    drawn->latency_ns = latencies_ms[rand_r(seed) % 3] * NS_PER_MS;
    drawn->rate = floor(uniform(seed, 250, 400));
    drawn->write_share = 0.3;
    drawn->fresh_connections = chance(seed, 30);
    drawn->flapping = chance(seed, 30);
    drawn->server_stalls = chance(seed, 30);
    drawn->driver_stalls = chance(seed, 25);
    drawn->poisson = chance(seed, 20);
    /* one in five slow servers is slow as agreed: no outage */
    drawn->delay_ns = drawn->latency_ns * (chance(seed, 20) ? 3 : 15) / 10;
}

/* The shortest outage that is sure to be seen: a chance arrival needs more than a due one; a driver at a halt sees nothing; one that
 * stops reading is out only for what exceeds the agreed latency. */
static int64_t shortest_ns(const struct drawn *drawn)
{
    int64_t least_ns = drawn->poisson ? 250 * NS_PER_MS : SHORTEST_NS;
    least_ns = drawn->driver_stalls && least_ns < 250 * NS_PER_MS ? 250 * NS_PER_MS : least_ns;
    least_ns = drawn->server_stalls ? 400 * NS_PER_MS : least_ns;
    return drawn->kind == MODE_STOP ? least_ns + drawn->latency_ns : least_ns;
}

static int64_t add_outages(struct drawn *drawn, unsigned *seed, int64_t longest_ns, struct fixture *fixture, int *count)
{
    int64_t at_ns = drawn->disruption_ns + uniform_ns(seed, 0, 300 * NS_PER_MS), least_ns = shortest_ns(drawn);
    int flaps = drawn->flapping ? 2 + rand_r(seed) % (DRAWN_OUTAGES_MAX - 1) : 1;
    int64_t most_ns = longest_ns / flaps > least_ns ? longest_ns / flaps : least_ns;
    int64_t limit_ns = drawn->kind == MODE_STOP ? 8 * NS_PER_S : most_ns; /* or the queue of connections is full */
    for (int i = 0; i < flaps; i++) {
        int64_t length_ns = log_uniform_ns(seed, least_ns, most_ns < limit_ns ? most_ns : limit_ns + least_ns);
        if (drawn->kind == MODE_STOP && !drawn->flapping && !drawn->driver_stalls && !drawn->server_stalls && chance(seed, 30)) {
            length_ns = drawn->latency_ns * 6 / 10; /* a halt that nobody may complain about */
        }
        add(fixture, count, (struct fixture_action){.at_ns = at_ns, .mode = drawn->kind, .delay_ns = drawn->delay_ns});
        at_ns += length_ns;
        add(fixture, count, (struct fixture_action){.at_ns = at_ns, .mode = MODE_OK});
        drawn->end_ns = at_ns;
        at_ns += uniform_ns(seed, 60 * NS_PER_MS, 700 * NS_PER_MS);
    }
    return fixture->actions[0].at_ns;
}

/* Stalls of both sides and an agreed slowness together stay within the agreed latency. */
static int64_t longest_stall_ns(const struct drawn *drawn)
{
    return drawn->latency_ns / 5 < 80 * NS_PER_MS ? drawn->latency_ns / 5 : 80 * NS_PER_MS;
}

/* A stall somewhere, or such that it ends where the server changes: then what came in meanwhile meets the changed server. */
static void add_stalls(const struct drawn *drawn, unsigned *seed, struct fixture *fixture, int *count)
{
    int stalls = 1 + rand_r(seed) % 2;
    for (int i = 0; i < stalls && *count < FIXTURE_ACTIONS_MAX; i++) {
        int64_t stall_ns = uniform_ns(seed, 5 * NS_PER_MS, longest_stall_ns(drawn));
        int64_t at_ns = uniform_ns(seed, drawn->disruption_ns - 200 * NS_PER_MS, drawn->end_ns + 200 * NS_PER_MS);
        if (chance(seed, 50)) {
            struct fixture_action *change = &fixture->actions[rand_r(seed) % *count];
            at_ns = change->stall_ns ? at_ns : change->at_ns - uniform_ns(seed, 0, stall_ns);
            change->hard = !change->stall_ns && chance(seed, 50);
        }
        add(fixture, count, (struct fixture_action){.at_ns = at_ns, .stall_ns = stall_ns});
    }
}

static int compare_actions(const void *a, const void *b)
{
    const struct fixture_action *left = a, *right = b;
    return left->at_ns < right->at_ns ? -1 : left->at_ns > right->at_ns;
}

/* Half of them where the outage begins or ends, the others anywhere. */
static void draw_driver_stall(struct drawn *drawn, unsigned *seed, int64_t first_ns)
{
    drawn->driver_stall_ns = uniform_ns(seed, 10 * NS_PER_MS, longest_stall_ns(drawn));
    int64_t edge_ns = chance(seed, 50) ? first_ns : drawn->end_ns;
    drawn->driver_stall_at_ns = chance(seed, 70) ? edge_ns - uniform_ns(seed, 0, drawn->driver_stall_ns)
                                                 : uniform_ns(seed, drawn->disruption_ns, drawn->end_ns);
}

void drawn_make(unsigned seed, int64_t longest_ns, int64_t begin_ns, struct drawn *ret_drawn, struct fixture *fixture)
{
    unsigned state = seed * 2654435761u + 1;
    int count = 0;
    struct drawn drawn = {.seed = seed, .begin_ns = begin_ns, .disruption_ns = 1300 * NS_PER_MS};
    draw_terms(&drawn, &state);
    int64_t first_ns = add_outages(&drawn, &state, longest_ns, fixture, &count);
    drawn.length_ns = drawn.end_ns - first_ns;
    if (drawn.server_stalls) {
        add_stalls(&drawn, &state, fixture, &count);
    }
    if (drawn.driver_stalls) {
        draw_driver_stall(&drawn, &state, first_ns);
    }
    qsort(fixture->actions, (size_t)count, sizeof(fixture->actions[0]), compare_actions);
    for (int i = 0; i < count; i++) {
        fixture->actions[i].at_ns += begin_ns;
    }
    *ret_drawn = drawn;
    __atomic_store_n(&fixture->count, count, __ATOMIC_RELEASE);
}

/* From when on arrivals met what this action brought: those that came in during a stall right before a hard change met it too. The
 * kernel alone refuses for a server that is not there, so nobody waited for that one's return. */
static struct fixture_fact reach(const struct drawn *drawn, const struct fixture *fixture, int index)
{
    const struct fixture_action *action = &fixture->actions[index];
    bool waited_for = action->mode != MODE_OK || drawn->kind != MODE_REFUSE;
    bool after_stall = index > 0 && fixture->actions[index - 1].stall_ns && fixture->facts[index - 1].after_ns >= action->at_ns;
    if (action->hard && waited_for && after_stall) {
        int64_t since_ns = fixture->facts[index - 1].before_ns;
        return (struct fixture_fact){.before_ns = since_ns, .after_ns = since_ns};
    }
    return fixture->facts[index];
}

static int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

struct truth drawn_truth(const struct drawn *drawn, const struct fixture *fixture)
{
    int64_t disruption_ns = drawn->begin_ns + drawn->disruption_ns; /* what failed before it is not its own */
    struct truth truth = {0};
    for (int i = 0; i < fixture->count; i++) {
        const struct fixture_action *action = &fixture->actions[i];
        int end = i + 1;
        while (end < fixture->count && fixture->actions[end].stall_ns) {
            end++;
        }
        if (action->stall_ns || action->mode == MODE_OK || (action->mode == MODE_SLOW && action->delay_ns <= drawn->latency_ns)) {
            continue;
        }
        struct fixture_fact start = reach(drawn, fixture, i), over = reach(drawn, fixture, end);
        if (action->mode == MODE_STOP) { /* what waits no longer than agreed is answered as agreed */
            over = fixture->facts[end];
            over.before_ns -= drawn->latency_ns;
            over.after_ns -= drawn->latency_ns;
        }
        if (over.after_ns <= start.before_ns) {
            continue;
        }
        truth.start_from_ns = truth.outage ? truth.start_from_ns : later(start.before_ns, disruption_ns);
        truth.start_to_ns = truth.outage ? truth.start_to_ns : later(start.after_ns, disruption_ns);
        truth.outage = true;
        truth.recovery_from_ns = over.before_ns;
        truth.recovery_to_ns = over.after_ns;
    }
    return truth;
}
