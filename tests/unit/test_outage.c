/* Outages with a known truth, random ones against a slow reference, and ledgers that still grow. */
#include "harness/measure/live.h"
#include "harness/measure/outage.h"
#include "tests/support/fake_evidence.h"

static const struct outage_settings usual = {.window_ns = NS_PER_S,
                                             .minimum_count = 5,
                                             .good_share = 0.99,
                                             .latency_ns = NS_PER_S,
                                             .hold_ns = 5 * NS_PER_S,
                                             .deadline_ns = NS_PER_S};

struct outage_request {
    int64_t due_ns;
    bool good;
};

/* The same as records: sent at once, answered within 5 ms, or not at all. */
static void find_in(const struct outage_request *requests, size_t count, const struct outage_settings *settings,
                    int64_t disruption_ns, int64_t until_ns, struct outage *ret_outage)
{
    static struct ledger_record records[20000];
    const struct series series = {.records = records, .count = count, .request_class = CLASS_READ, .settings = settings};
    for (size_t i = 0; i < count; i++) {
        records[i] = (struct ledger_record){.due_ns = requests[i].due_ns,
                                            .sent_ns = requests[i].due_ns,
                                            .done_ns = requests[i].due_ns + (requests[i].good ? 5 : 1000) * NS_PER_MS,
                                            .request_class = CLASS_READ,
                                            .outcome = requests[i].good ? OUTCOME_OK : OUTCOME_TIMEOUT_FIRST_BYTE};
    }
    outage_find(&series, disruption_ns, until_ns, ret_outage);
}

/* 100 requests a second for `seconds`; bad in [from, to) of each pair. */
static size_t make(struct outage_request *requests, double seconds, const double (*bad)[2], size_t bad_count)
{
    size_t count = (size_t)(seconds * 100);
    for (size_t i = 0; i < count; i++) {
        double due_s = (double)i / 100;
        requests[i] = (struct outage_request){.due_ns = (int64_t)i * 10 * NS_PER_MS, .good = true};
        for (size_t j = 0; j < bad_count; j++) {
            requests[i].good &= due_s < bad[j][0] - 1e-9 || due_s >= bad[j][1] - 1e-9;
        }
    }
    return count;
}

static struct outage find(double seconds, const double (*bad)[2], size_t bad_count, double disruption_s)
{
    static struct outage_request requests[20000];
    struct outage outage;
    size_t count = make(requests, seconds, bad, bad_count);
    find_in(requests, count, &usual, fake_ns(disruption_s), fake_ns(seconds), &outage);
    return outage;
}

static void test_plain_outage(void **state)
{
    (void)state;
    const double bad[][2] = {{12, 17.5}};
    struct outage outage = find(40, bad, 1, 10);
    assert_int_equal(outage.state, OUTAGE_RECOVERED);
    assert_int_equal(outage.start_ns, fake_ns(12));
    assert_int_equal(outage.recovery_ns, fake_ns(17.5));
    assert_int_equal(outage.gap_ns, 10 * NS_PER_MS);
}

static void test_relapse_never_stops_the_clock(void **state)
{
    (void)state;
    const double bad[][2] = {{12, 13}, {30, 31}};
    struct outage outage = find(60, bad, 2, 10);
    assert_int_equal(outage.state, OUTAGE_RECOVERED);
    assert_int_equal(outage.start_ns, fake_ns(12));
    assert_int_equal(outage.recovery_ns, fake_ns(31));
}

static void test_hold_decides(void **state)
{
    (void)state;
    const double bad[][2] = {{12, 17}};
    assert_int_equal(find(22, bad, 1, 10).state, OUTAGE_RECOVERED);
    assert_int_equal(find(21.9, bad, 1, 10).state, OUTAGE_OPEN);
    assert_int_equal(find(21.9, bad, 1, 10).recovery_ns, fake_ns(17));
    assert_int_equal(find(17, bad, 1, 10).recovery_ns, 0);
}

static void test_share_is_the_limit(void **state)
{
    (void)state;
    const double one[][2] = {{12, 12.01}}, two[][2] = {{12, 12.02}};
    assert_int_equal(find(30, one, 1, 10).state, OUTAGE_NONE);
    struct outage outage = find(30, two, 1, 10);
    assert_int_equal(outage.state, OUTAGE_RECOVERED);
    assert_int_equal(outage.start_ns, fake_ns(12));
}

static void test_failures_before_the_disruption_are_not_its_own(void **state)
{
    (void)state;
    const double bad[][2] = {{8, 9.99}};
    assert_int_equal(find(30, bad, 1, 10).state, OUTAGE_NONE);
}

static void test_too_few_is_unknown_not_good(void **state)
{
    (void)state;
    struct outage_request requests[40];
    struct outage outage;
    for (size_t i = 0; i < 40; i++) {
        requests[i] = (struct outage_request){.due_ns = (int64_t)i * NS_PER_S / 4, .good = true};
    }
    find_in(requests, 40, &usual, 0, 10 * NS_PER_S, &outage);
    assert_int_equal(outage.state, OUTAGE_UNKNOWN);
    find_in(requests, 0, &usual, 0, 10 * NS_PER_S, &outage);
    assert_int_equal(outage.state, OUTAGE_UNKNOWN);
    requests[20].good = false; /* a failure among too few is an outage: it cannot be called good */
    find_in(requests, 40, &usual, 0, 10 * NS_PER_S, &outage);
    assert_int_equal(outage.start_ns, 5 * NS_PER_S);
}

/* Word for word: every window counted from scratch, every candidate tried. */
static struct outage reference(const struct outage_request *requests, size_t count, const struct outage_settings *settings,
                               int64_t disruption_ns, int64_t until_ns)
{
    struct outage outage = {.state = OUTAGE_UNKNOWN};
    size_t last_bad = SIZE_MAX;
    bool unknown = false, any = false;
    for (size_t i = 0; i < count; i++) {
        size_t total = 0, good = 0;
        int64_t first_bad_ns = -1;
        if (requests[i].due_ns < disruption_ns || requests[i].due_ns + settings->window_ns > until_ns) {
            continue;
        }
        for (size_t j = i; j < count; j++) {
            if (requests[j].due_ns < requests[i].due_ns + settings->window_ns) {
                total++;
                good += requests[j].good;
                first_bad_ns = first_bad_ns < 0 && !requests[j].good ? requests[j].due_ns : first_bad_ns;
            }
        }
        any = true;
        unknown |= total < settings->minimum_count;
        if (total < settings->minimum_count || (double)good + 1e-9 < settings->good_share * (double)total) {
            last_bad = i;
            outage.start_ns = outage.start_ns == 0 && first_bad_ns >= 0 ? first_bad_ns : outage.start_ns;
        }
    }
    if (outage.start_ns == 0) {
        outage.state = any && !unknown ? OUTAGE_NONE : OUTAGE_UNKNOWN;
        return outage;
    }
    outage.state = OUTAGE_OPEN;
    for (size_t i = last_bad + 1; i < count && requests[i].due_ns < until_ns && outage.recovery_ns == 0; i++) {
        if (requests[i].good) {
            outage.recovery_ns = requests[i].due_ns;
            outage.gap_ns = requests[i].due_ns - requests[i - 1].due_ns;
            outage.state = until_ns - requests[i].due_ns >= settings->hold_ns ? OUTAGE_RECOVERED : OUTAGE_OPEN;
        }
    }
    return outage;
}

static size_t make_random(struct outage_request *requests, unsigned *seed)
{
    size_t count = 50 + (size_t)(rand_r(seed) % 400);
    int64_t due_ns = 1;
    int bad_percent = 0;
    for (size_t i = 0; i < count; i++) {
        static const int chances[] = {0, 0, 0, 1, 5, 60, 100};
        if (rand_r(seed) % 40 == 0) {
            bad_percent = chances[rand_r(seed) % 7];
        }
        due_ns += rand_r(seed) % 50 == 0 ? rand_r(seed) % 2000 * NS_PER_MS : rand_r(seed) % 60 * NS_PER_MS;
        requests[i] = (struct outage_request){.due_ns = due_ns, .good = rand_r(seed) % 100 >= bad_percent};
    }
    return count;
}

static void test_random_against_reference(void **state)
{
    (void)state;
    struct outage_request requests[512];
    unsigned seed = 20261123, states[OUTAGE_STATE_COUNT] = {0};
    for (int round = 0; round < 5000; round++) {
        size_t count = make_random(requests, &seed);
        int64_t end_ns = requests[count - 1].due_ns;
        int64_t disruption_ns = rand_r(&seed) % 1000 * (end_ns / 2000), until_ns = end_ns - rand_r(&seed) % 500 * NS_PER_MS;
        struct outage_settings settings = usual;
        settings.hold_ns = (1 + rand_r(&seed) % 4) * NS_PER_S;
        settings.good_share = rand_r(&seed) % 2 ? 0.99 : 0.9;
        struct outage found, expected = reference(requests, count, &settings, disruption_ns, until_ns);
        find_in(requests, count, &settings, disruption_ns, until_ns, &found);
        assert_int_equal(found.state, expected.state);
        assert_int_equal(found.start_ns, expected.start_ns);
        assert_int_equal(found.recovery_ns, expected.recovery_ns);
        assert_int_equal(found.gap_ns, expected.gap_ns);
        states[found.state]++;
    }
    for (size_t i = 0; i < OUTAGE_STATE_COUNT; i++) {
        assert_true(states[i] > 50); /* the histories reach all of it */
    }
}

static void test_live(void **state)
{
    (void)state;
    struct fake_evidence fake;
    const struct fake_span spans[] = {{12, 15, OUTCOME_TIMEOUT_CONNECT, CLASS_WRITE, 0},
                                      {29, 30, OUTCOME_PENDING, CLASS_NONE, 0}};
    fake_open(&fake);
    AUTO_LEDGER struct ledger *ledger = fake_ledger(&fake, "edge", 0, 30, 100, 2, spans, 2);
    struct ledger *const ledgers[] = {ledger};
    assert_false(live_recovered(ledgers, 0, &usual, fake_ns(10), fake_ns(20)));
    /* writes recover at 15.0, hold to 20.0, and the newest second may still be answered */
    assert_false(live_recovered(ledgers, 1, &usual, fake_ns(10), fake_ns(20.9)));
    assert_true(live_recovered(ledgers, 1, &usual, fake_ns(10), fake_ns(21.05)));
    /* pending ones within their deadline are no failure yet, past it they are */
    assert_true(live_recovered(ledgers, 1, &usual, fake_ns(10), fake_ns(29.9)));
    assert_false(live_recovered(ledgers, 1, &usual, fake_ns(10), fake_ns(30.9)));
    /* nothing failed since 16: good once it has been so for the hold time */
    assert_false(live_recovered(ledgers, 1, &usual, fake_ns(16), fake_ns(21.9)));
    assert_true(live_recovered(ledgers, 1, &usual, fake_ns(16), fake_ns(22.1)));
    struct live_second second = live_last_second(ledgers, 1, &usual, fake_ns(15));
    assert_int_equal(second.ok, 50);
    assert_int_equal(second.failed, 50);
    fake_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_outage),
        cmocka_unit_test(test_relapse_never_stops_the_clock),
        cmocka_unit_test(test_hold_decides),
        cmocka_unit_test(test_share_is_the_limit),
        cmocka_unit_test(test_failures_before_the_disruption_are_not_its_own),
        cmocka_unit_test(test_too_few_is_unknown_not_good),
        cmocka_unit_test(test_random_against_reference),
        cmocka_unit_test(test_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
