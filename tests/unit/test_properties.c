/* What must not change a result, and which way it may change: random evidence, measured, altered and measured again. */
#include <math.h>

#include "harness/base/buf.h"
#include "tests/support/fake_evidence.h"

enum { RATE = 60, SECONDS = 24, REQUESTS = RATE * SECONDS, ROUNDS = 120 };

struct history {
    struct ledger_record records[REQUESTS + 4 * RATE];
    size_t count;
    int64_t inject_ns, revert_ns, readback_ns, end_ns;
    unsigned lost_every; /* writes that the read-back does not list */
};

static struct ledger_record make_record(int64_t due_ns, bool write, uint64_t *writes)
{
    return (struct ledger_record){.due_ns = due_ns,
                                  .sent_ns = due_ns + 50 * NS_PER_US,
                                  .done_ns = due_ns + 5 * NS_PER_MS,
                                  .request_class = write ? CLASS_WRITE : CLASS_READ,
                                  .write_number = write ? ++*writes : 0,
                                  .http_status = 200,
                                  .address = htobe32(0x0a010011),
                                  .outcome = OUTCOME_OK};
}

static void spoil(struct ledger_record *record, unsigned *seed)
{
    static const enum request_outcome outcomes[] = {OUTCOME_RESET, OUTCOME_TIMEOUT_FIRST_BYTE, OUTCOME_STATUS, OUTCOME_REFUSED};
    record->outcome = (uint8_t)outcomes[rand_r(seed) % 4];
    record->done_ns = record->due_ns + (record->outcome == OUTCOME_TIMEOUT_FIRST_BYTE ? NS_PER_S : NS_PER_MS);
}

/* Spells of failures of any density after the injection, or none. */
static void make_history(struct history *history, unsigned *seed)
{
    uint64_t writes = 0;
    int bad_percent = 0;
    *history = (struct history){.count = REQUESTS, .lost_every = 3 + (unsigned)rand_r(seed) % 30};
    history->inject_ns = fake_ns(4 + rand_r(seed) % 300 / 100.0);
    history->revert_ns = fake_ns(11 + rand_r(seed) % 200 / 100.0);
    history->readback_ns = fake_ns(SECONDS + 1);
    history->end_ns = fake_ns(SECONDS + 2);
    for (size_t i = 0; i < REQUESTS; i++) {
        static const int densities[] = {0, 0, 0, 2, 30, 100};
        int64_t due_ns = (int64_t)i * (NS_PER_S / RATE) + rand_r(seed) % 5 * NS_PER_MS;
        bad_percent = rand_r(seed) % 60 == 0 ? densities[rand_r(seed) % 6] : bad_percent;
        bad_percent = due_ns > fake_ns(17) || due_ns < history->inject_ns ? 0 : bad_percent;
        history->records[i] = make_record(due_ns, rand_r(seed) % 4 == 0, &writes);
        if (rand_r(seed) % 100 < bad_percent) {
            spoil(&history->records[i], seed);
        }
    }
}

static void write_ledger(struct fake_evidence *fake, const char *file, const struct ledger_record *records, size_t count)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    AUTO_FREE char *path = xasprintf("%s/ledger-%s.bin", fake->folder, file);
    assert_int_equal(ledger_create(path, count + 1, &ledger, &err), 0);
    struct ledger_header *header = ledger_header(ledger);
    header->start_ns = count ? records[0].due_ns : 0;
    header->deadline_ns = NS_PER_S;
    header->rate = RATE;
    header->write_share = 0.25;
    (void)str_copy(header->vantage, sizeof(header->vantage), "edge");
    (void)str_copy(header->id_prefix, sizeof(header->id_prefix), "w7f-edge-");
    for (size_t i = 0; i < count; i++) {
        uint64_t index;
        *ledger_next(ledger, &index) = records[i];
        ledger_publish(ledger);
    }
    ledger_close(ledger);
}

static double at_s(int64_t ns)
{
    return (double)ns / 1e9;
}

/* The records in `parts` ledgers, dealt out in turn or cut in pieces. */
static struct result *measure(const struct history *history, size_t parts, bool in_turn)
{
    struct fake_evidence fake;
    static struct ledger_record own[REQUESTS + 4 * RATE];
    fake_open(&fake);
    fake_objective(&fake, "rto <= 20s");
    fake_inject(&fake, at_s(history->inject_ns), "f1", true);
    fake_revert(&fake, at_s(history->revert_ns), "f1");
    for (size_t part = 0; part < parts; part++) {
        AUTO_FREE char *file = xasprintf("edge%zu", part);
        size_t count = 0;
        for (size_t i = 0; i < history->count; i++) {
            if ((in_turn ? i % parts : i * parts / history->count) == part) {
                own[count++] = history->records[i];
            }
        }
        write_ledger(&fake, file, own, count);
    }
    struct buf ids CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < history->count; i++) {
        uint64_t number = history->records[i].write_number;
        if (number && number % history->lost_every) {
            buf_printf(&ids, "w7f-edge-%09llu\n", (unsigned long long)number);
        }
    }
    fake_readback(&fake, at_s(history->readback_ns), 1, "failback", "f1", buf_str(&ids), true, "");
    fake_end(&fake, at_s(history->end_ns), "completed");
    struct result *result = fake_measure(&fake);
    fake_close(&fake);
    return result;
}

static void check_figure(const struct figure *a, const struct figure *b)
{
    assert_int_equal(a->measured, b->measured);
    assert_int_equal(a->at_least, b->at_least);
    assert_true(fabs(a->value - b->value) < 1e-9 && fabs(a->resolution - b->resolution) < 1e-9);
}

static void check_latency(const struct latency_part *a, const struct latency_part *b)
{
    assert_int_equal(a->count, b->count);
    assert_true(a->p50_s == b->p50_s && a->p95_s == b->p95_s && a->p99_s == b->p99_s && a->max_s == b->max_s);
}

/* All that the outage, the loss and the totals are made of; times shifted by shift_ns. */
static void check_same(const struct result *a, const struct result *b, int64_t shift_ns)
{
    check_figure(&a->rto, &b->rto);
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->observation_count, b->observation_count);
    for (size_t i = 0; i < a->observation_count; i++) {
        const struct observation *one = &a->observations[i], *other = &b->observations[i];
        check_figure(&one->rto, &other->rto);
        assert_int_equal(one->outage, other->outage);
        assert_int_equal(one->outage_start_ns + (one->outage ? shift_ns : 0), other->outage_start_ns);
        assert_int_equal(one->recovery_ns + (one->recovery_ns ? shift_ns : 0), other->recovery_ns);
        assert_int_equal(one->start_resolution_ns, other->start_resolution_ns);
        assert_int_equal(one->recovery_resolution_ns, other->recovery_resolution_ns);
    }
    check_figure(&a->loss.rpa, &b->loss.rpa);
    assert_int_equal(a->loss.lost, b->loss.lost);
    assert_int_equal(a->loss.lost_during_outage, b->loss.lost_during_outage);
    assert_int_equal(a->loss.duplicated, b->loss.duplicated);
    assert_int_equal(a->loss.unknown_present, b->loss.unknown_present);
    assert_int_equal(a->loss.unknown_absent, b->loss.unknown_absent);
}

static void check_all_the_same(const struct result *a, const struct result *b)
{
    check_same(a, b, 0);
    check_latency(&a->before, &b->before);
    check_latency(&a->during, &b->during);
    check_latency(&a->after, &b->after);
    assert_int_equal(a->bin_count, b->bin_count);
    for (size_t i = 0; i < a->bin_count; i++) {
        assert_memory_equal(&a->bins[i], &b->bins[i], sizeof(a->bins[i]));
    }
    assert_memory_equal(&a->requests, &b->requests, sizeof(a->requests));
}

static void permute(struct history *history, unsigned *seed)
{
    for (size_t i = history->count; i > 1; i--) {
        size_t other = (size_t)rand_r(seed) % i;
        struct ledger_record kept = history->records[i - 1];
        history->records[i - 1] = history->records[other];
        history->records[other] = kept;
    }
}

static void test_order_does_not_matter(void **state)
{
    unsigned seed = 11;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct history history;
        make_history(&history, &seed);
        struct result *plain CLEANUP(result_cleanup) = measure(&history, 1, false);
        permute(&history, &seed);
        struct result *permuted CLEANUP(result_cleanup) = measure(&history, 1, false);
        check_all_the_same(plain, permuted);
    }
}

static void test_pieces_do_not_matter(void **state)
{
    unsigned seed = 12;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct history history;
        make_history(&history, &seed);
        struct result *whole CLEANUP(result_cleanup) = measure(&history, 1, false);
        struct result *pieces CLEANUP(result_cleanup) = measure(&history, 2 + (size_t)rand_r(&seed) % 4, rand_r(&seed) % 2);
        check_all_the_same(whole, pieces);
    }
}

/* Good requests before the first disruption's window, and after all has held. */
static void test_good_traffic_elsewhere_does_not_matter(void **state)
{
    unsigned seed = 13;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct history history;
        uint64_t writes = 0;
        make_history(&history, &seed);
        struct result *plain CLEANUP(result_cleanup) = measure(&history, 1, false);
        for (int i = 0; i < 2 * RATE; i++) {
            history.records[history.count++] = make_record(rand_r(&seed) % 2000 * NS_PER_MS, false, &writes);
        }
        permute(&history, &seed);
        struct result *more CLEANUP(result_cleanup) = measure(&history, 1, false);
        check_same(plain, more, 0);
        assert_int_equal(plain->requests.failed, more->requests.failed);
        assert_int_equal(plain->requests.ok + 2 * RATE, more->requests.ok);
    }
}

static void test_the_hour_does_not_matter(void **state)
{
    unsigned seed = 14;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct history history;
        make_history(&history, &seed);
        struct result *plain CLEANUP(result_cleanup) = measure(&history, 1, false);
        int64_t shift_ns = (1 + rand_r(&seed) % 1000000) * NS_PER_S;
        int64_t *instants[] = {&history.inject_ns, &history.revert_ns, &history.readback_ns, &history.end_ns};
        for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
            *instants[i] += shift_ns;
        }
        for (size_t i = 0; i < history.count; i++) {
            history.records[i].due_ns += shift_ns;
            history.records[i].sent_ns += shift_ns;
            history.records[i].done_ns += shift_ns;
        }
        struct result *later CLEANUP(result_cleanup) = measure(&history, 1, false);
        check_same(plain, later, shift_ns);
        check_latency(&plain->during, &later->during);
    }
}

/* Worse: not recovered, or later. What was not measured says nothing. */
static void check_not_shorter(const struct figure *before, const struct figure *after)
{
    if (before->measured && after->measured) {
        assert_true(after->at_least >= before->at_least);
        if (after->at_least == before->at_least && after->value < before->value - 1e-9) {
            fail_msg("%.3f s (at least: %d, %s) became %.3f s (%s)", before->value, before->at_least, before->why, after->value,
                     after->why);
        }
    }
    assert_true(!before->measured || after->measured);
}

static void check_not_better(const struct result *before, const struct result *after)
{
    /* the worst is the one with the latest unfavourable end: the figure may go to another that is as late within its resolution */
    struct figure worst = before->rto;
    worst.value -= worst.resolution;
    check_not_shorter(&worst, &after->rto);
    for (size_t i = 0; i < before->observation_count; i++) {
        const struct observation *one = &before->observations[i], *other = &after->observations[i];
        check_not_shorter(&one->rto, &other->rto);
        assert_true(!one->outage || (other->outage && other->outage_start_ns <= one->outage_start_ns));
    }
}

/* More failures, anywhere after the injection: single ones, or a relapse. */
static void test_more_failures_never_shorten_an_outage(void **state)
{
    unsigned seed = 15;
    int longer = 0;
    (void)state;
    for (int round = 0; round < 2 * ROUNDS; round++) {
        struct history history;
        make_history(&history, &seed);
        struct result *before CLEANUP(result_cleanup) = measure(&history, 1, false);
        bool relapse = rand_r(&seed) % 2;
        int64_t from_ns = history.inject_ns + rand_r(&seed) % 13000 * NS_PER_MS, until_ns = from_ns + 300 * NS_PER_MS;
        for (size_t i = 0; i < history.count; i++) {
            struct ledger_record *record = &history.records[i];
            bool hit = relapse ? record->due_ns >= from_ns && record->due_ns < until_ns
                               : record->due_ns >= history.inject_ns && rand_r(&seed) % 100 == 0;
            if (hit && record->outcome == OUTCOME_OK) {
                spoil(record, &seed);
            }
        }
        struct result *after CLEANUP(result_cleanup) = measure(&history, 1, false);
        check_not_better(before, after);
        longer += after->rto.value > before->rto.value + 1e-9;
    }
    assert_true(longer > ROUNDS / 4); /* the histories are not all the same */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_pieces_do_not_matter),
        cmocka_unit_test(test_good_traffic_elsewhere_does_not_matter),
        cmocka_unit_test(test_the_hour_does_not_matter),
        cmocka_unit_test(test_more_failures_never_shorten_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
