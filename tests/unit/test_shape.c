/* The packet model: what is asked for is what many packets get, order is kept, equal seeds give equal fates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "faults/shape.h"
#include "harness/base/cleanup.h"
#include "harness/base/clock.h"

enum { MANY = 1000000, FEW = 60000 };

static struct shape_way way;

static void begin(const struct shape *shape, uint64_t seed)
{
    shape_way_init(&way, shape, seed);
}

static void assert_near(double found, double expected, double tolerance)
{
    if (fabs(found - expected) > tolerance) {
        fail_msg("found %g, expected %g within %g", found, expected, tolerance);
    }
}

static void nothing_asked_nothing_done(void **state)
{
    struct shape shape = {0};
    (void)state;
    begin(&shape, 1);
    for (int i = 0; i < 1000; i++) {
        struct shape_fate fate = shape_packet(&shape, &way, 100, 0, i);
        assert_true(!fate.lost && !fate.duplicated && !fate.corrupted && fate.due_ns == i);
    }
}

static void random_loss_is_the_share(void **state)
{
    static const double shares[] = {0.01, 0.05, 0.3, 1};
    (void)state;
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        struct shape shape = {.loss = shares[i]};
        double lost = 0;
        begin(&shape, i);
        for (int packet = 0; packet < FEW; packet++) {
            lost += shape_packet(&shape, &way, 100, 0, 0).lost;
        }
        assert_near(lost / FEW, shares[i], 3 * sqrt(shares[i] * (1 - shares[i]) / FEW));
    }
}

static void every_nth_is_exact(void **state)
{
    struct shape shape = {.loss_every = 7};
    (void)state;
    begin(&shape, 1);
    for (int packet = 1; packet <= 700; packet++) {
        assert_int_equal(shape_packet(&shape, &way, 100, 0, 0).lost, packet % 7 == 0);
    }
}

static void bursts_have_their_length_and_share(void **state)
{
    static const struct {
        double loss, burst;
    } asked[] = {{0.05, 10}, {0.01, 4}, {0.2, 50}};
    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct shape shape = {.loss = asked[i].loss, .burst = asked[i].burst};
        double lost = 0, bursts = 0;
        bool before = false;
        begin(&shape, 11 + i);
        for (int packet = 0; packet < MANY; packet++) {
            bool now = shape_packet(&shape, &way, 100, 0, 0).lost;
            lost += now;
            bursts += now && !before;
            before = now;
        }
        assert_near(lost / bursts, asked[i].burst, asked[i].burst * 0.05);
        assert_near(lost / MANY, asked[i].loss, asked[i].loss * 0.1);
    }
}

static void a_bad_time_may_lose_only_a_part(void **state)
{
    struct shape shape = {.loss = 0.1, .burst = 20, .burst_loss = 0.5};
    double lost = 0, begins, ends;
    (void)state;
    assert_true(shape_gilbert(&shape, &begins, &ends));
    assert_near(ends, 0.05, 1e-12);
    assert_near(begins / (begins + ends), 0.2, 1e-12);
    begin(&shape, 5);
    for (int packet = 0; packet < MANY; packet++) {
        lost += shape_packet(&shape, &way, 100, 0, 0).lost;
    }
    assert_near(lost / MANY, 0.1, 0.01);
    shape.loss = 0.6; /* more than half of all packets cannot be lost when half of the bad ones are */
    assert_false(shape_gilbert(&shape, &begins, &ends));
}

static void shares_of_doubled_damaged_and_late(void **state)
{
    struct shape shape = {.duplicate = 0.05, .corrupt = 0.02, .reorder = 0.1, .reorder_ns = 1000};
    double doubled = 0, damaged = 0, late = 0;
    (void)state;
    begin(&shape, 3);
    for (int packet = 0; packet < FEW; packet++) {
        struct shape_fate fate = shape_packet(&shape, &way, 100, 0, packet);
        doubled += fate.duplicated;
        damaged += fate.corrupted;
        late += fate.due_ns == packet + 1000;
    }
    assert_near(doubled / FEW, 0.05, 3 * sqrt(0.05 * 0.95 / FEW));
    assert_near(damaged / FEW, 0.02, 3 * sqrt(0.02 * 0.98 / FEW));
    assert_near(late / FEW, 0.1, 3 * sqrt(0.1 * 0.9 / FEW));
}

static void order_is_kept_within_a_flow(void **state)
{
    struct shape shape = {.delay_ns = 50 * NS_PER_MS, .jitter_ns = 20 * NS_PER_MS};
    int64_t last[2] = {0};
    int between = 0, overtaken = 0;
    (void)state;
    begin(&shape, 9);
    for (int packet = 0; packet < FEW; packet++) {
        uint32_t flow = (uint32_t)packet % 2;
        int64_t due_ns = shape_packet(&shape, &way, 100, flow, packet * NS_PER_MS).due_ns;
        assert_true(due_ns >= last[flow]);
        between += due_ns < last[!flow];
        last[flow] = due_ns;
    }
    assert_true(between > 0); /* flows do not wait for each other */
    shape.overtake = true;
    begin(&shape, 9);
    for (int packet = 0; packet < 1000; packet++) {
        int64_t due_ns = shape_packet(&shape, &way, 100, 0, packet * NS_PER_MS).due_ns;
        overtaken += due_ns < last[0];
        last[0] = due_ns;
    }
    assert_true(overtaken > 100);
}

/* Packets of a flow that are far apart do not meet: mean, deviation and limits are those that were asked for. */
static void jitter_has_its_distribution(void **state)
{
    static const double deviations[] = {0.57735, 1, 1}; /* uniform in ± 1: 1 / sqrt(3) */
    (void)state;
    for (int distribution = SHAPE_UNIFORM; distribution <= SHAPE_PARETO; distribution++) {
        struct shape shape = {.delay_ns = 50 * NS_PER_MS, .jitter_ns = 5 * NS_PER_MS, .distribution = distribution};
        double sum = 0, squares = 0, least = 1e9;
        begin(&shape, 17);
        for (int packet = 0; packet < FEW; packet++) {
            int64_t now_ns = packet * NS_PER_S;
            double late = (double)(shape_packet(&shape, &way, 100, 0, now_ns).due_ns - now_ns - shape.delay_ns) / 5e6;
            sum += late;
            squares += late * late;
            least = late < least ? late : least;
        }
        double mean = sum / FEW;
        assert_near(mean, 0, 0.03);
        assert_near(sqrt(squares / FEW - mean * mean), deviations[distribution], 0.02);
        assert_true(distribution != SHAPE_UNIFORM || least >= -1);
        assert_true(distribution != SHAPE_PARETO || least > -1); /* its tail is to the right only */
    }
}

static void a_line_has_its_rate_and_its_queue(void **state)
{
    struct shape shape = {.rate_bits = 8e6, .queue_ns = 50 * NS_PER_MS};
    int64_t last_ns = 0;
    int passed = 0;
    (void)state;
    begin(&shape, 1);
    for (int packet = 0; packet < 4000; packet++) { /* twice as much as passes: 1000 bytes each half millisecond */
        struct shape_fate fate = shape_packet(&shape, &way, 1000, (uint32_t)packet, packet * NS_PER_MS / 2);
        assert_true(fate.lost || fate.due_ns - packet * NS_PER_MS / 2 <= 52 * NS_PER_MS);
        passed += !fate.lost;
        last_ns = fate.lost ? last_ns : fate.due_ns;
    }
    assert_near(passed * 8000.0 / ((double)last_ns / 1e9), 8e6, 8e6 * 0.001);
    assert_near(passed, 2050, 10);
}

static void equal_seeds_give_equal_fates(void **state)
{
    struct shape shape = {.loss = 0.2, .burst = 3, .duplicate = 0.1, .jitter_ns = 1000000, .distribution = SHAPE_NORMAL};
    static struct shape_way other;
    int different = 0;
    (void)state;
    begin(&shape, 4);
    shape_way_init(&other, &shape, 4);
    for (int packet = 0; packet < 1000; packet++) {
        struct shape_fate a = shape_packet(&shape, &way, 100, 0, packet), b = shape_packet(&shape, &other, 100, 0, packet);
        assert_memory_equal(&a.due_ns, &b.due_ns, sizeof(a.due_ns));
        assert_true(a.lost == b.lost && a.duplicated == b.duplicated);
    }
    shape_way_init(&other, &shape, 5);
    for (int packet = 0; packet < 1000; packet++) {
        different += shape_packet(&shape, &way, 100, 0, packet).lost != shape_packet(&shape, &other, 100, 0, packet).lost;
    }
    assert_true(different > 100);
}

static void what_differs_is_not_the_same(void **state)
{
    const struct shape asked = {.delay_ns = 5, .loss = 0.1, .burst = 50, .burst_loss = 0.4, .rate_bits = 1e6};
    struct shape others[] = {asked, asked, asked, asked, asked}, all = asked, none = asked;
    (void)state;
    assert_true(shape_same(&asked, &asked));
    others[0].delay_ns = 6;
    others[1].loss = 0.2;
    others[2].burst = 40;
    others[3].burst_loss = 0.5;
    others[4].rate_bits = 2e6;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(shape_same(&others[i], &asked));
    }
    all.burst_loss = 1;  /* as it is read back… */
    none.burst_loss = 0; /* …where it was not said */
    assert_true(shape_same(&all, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_nothing_done),
        cmocka_unit_test(random_loss_is_the_share),
        cmocka_unit_test(every_nth_is_exact),
        cmocka_unit_test(bursts_have_their_length_and_share),
        cmocka_unit_test(a_bad_time_may_lose_only_a_part),
        cmocka_unit_test(shares_of_doubled_damaged_and_late),
        cmocka_unit_test(order_is_kept_within_a_flow),
        cmocka_unit_test(jitter_has_its_distribution),
        cmocka_unit_test(a_line_has_its_rate_and_its_queue),
        cmocka_unit_test(equal_seeds_give_equal_fates),
        cmocka_unit_test(what_differs_is_not_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
