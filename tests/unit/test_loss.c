/* Loss against a known truth: drops, holes, duplicates, incomplete read-backs, a thousand random histories. */
#include <stdio.h>

#include "harness/base/buf.h"
#include "tests/support/fake_evidence.h"

enum { WRITES = 100 /* ten a second for ten seconds */ };

static void add_id(struct buf *ids, unsigned number)
{
    buf_printf(ids, "w7f-edge-%09u\n", number);
}

/* Ten writes a second from 0 to 10 s, all acknowledged but those of the spans; the fault comes at 4 s. */
static struct ledger *begin(struct fake_evidence *fake, const struct fake_span *spans, size_t count)
{
    fake_open(fake);
    fake_inject(fake, 4, "f1", true);
    return fake_ledger(fake, "edge", 0, 10, 10, 1, spans, count);
}

static void all_but(struct buf *ids, unsigned from, unsigned to)
{
    for (unsigned i = 1; i <= WRITES; i++) {
        if (i < from || i > to) {
            add_id(ids, i);
        }
    }
}

static void test_nothing_lost(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct buf ids CLEANUP(buf_clear) = {0};
    ledger_close(begin(&fake, NULL, 0));
    all_but(&ids, 1, 0);
    buf_puts(&ids, "someone-elses-000000001\nw7f-edge-\nw7f-edge-00000000x\nw7f-edge-000009999\n");
    fake_readback(&fake, 11, 1, "recovery", "f1", buf_str(&ids), true, "");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_true(result->loss.measured);
    assert_int_equal(result->loss.acknowledged, WRITES);
    assert_int_equal(result->loss.lost, 0);
    assert_int_equal(result->loss.duplicated, 0);
    assert_true(result->loss.rpa.measured && result->loss.rpa.value == 0 && result->loss.rpa.resolution == 0);
    assert_int_equal(result->loss.checks[0].checked, WRITES);
    fake_close(&fake);
}

/* Writes 31 to 50 went out at 3.0 to 4.9 s; the outage begins at 4.5 s. */
static void test_hole_before_and_during_the_outage(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct buf ids CLEANUP(buf_clear) = {0};
    const struct fake_span spans[] = {{4.5, 4.9, OUTCOME_TIMEOUT_FIRST_BYTE, CLASS_NONE, 0}};
    ledger_close(begin(&fake, spans, 1));
    all_but(&ids, 31, 50);
    add_id(&ids, 60);
    add_id(&ids, 60);
    add_id(&ids, 48); /* not acknowledged, yet there */
    fake_readback(&fake, 11, 1, "recovery", "f1", buf_str(&ids), true, "");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    const struct loss *loss = &result->loss;
    assert_int_equal(result->observations[0].outage_start_ns, fake_ns(4.5));
    assert_int_equal(loss->acknowledged, WRITES - 4);
    assert_int_equal(loss->lost, 16);
    assert_int_equal(loss->lost_during_outage, 1); /* number 50 */
    assert_int_equal(loss->duplicated, 1);
    assert_int_equal(loss->unknown_present, 1);
    assert_int_equal(loss->unknown_absent, 3);
    /* number 31 was acknowledged at 3.005 s */
    assert_true(loss->rpa.value > 1.494 && loss->rpa.value < 1.496);
    assert_int_equal(loss->lost_count, 16);
    assert_string_equal(loss->lost_ids[0], "w7f-edge-000000031");
    assert_string_equal(loss->lost_ids[15], "w7f-edge-000000050");
    fake_close(&fake);
}

/* What is done about an outage may be a disruption of its own: it did not begin the outage. */
static void test_age_is_to_the_outage_that_goes_on(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct buf ids CLEANUP(buf_clear) = {0};
    const struct fake_span spans[] = {{4.5, 7.5, OUTCOME_TIMEOUT_FIRST_BYTE, CLASS_NONE, 0}};
    ledger_close(begin(&fake, spans, 1));
    fake_inject(&fake, 6, "f2", true);
    all_but(&ids, 44, 45);
    fake_readback(&fake, 11, 1, "recovery", "f2", buf_str(&ids), true, "");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->loss.lost, 2);
    assert_int_equal(result->loss.lost_during_outage, 0);
    /* number 44 was acknowledged at 4.305 s */
    assert_true(result->loss.rpa.value > 0.194 && result->loss.rpa.value < 0.196);
    fake_close(&fake);
}

static void test_lost_after_failback_counts_there(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct buf first CLEANUP(buf_clear) = {0};
    struct buf second CLEANUP(buf_clear) = {0};
    ledger_close(begin(&fake, NULL, 0));
    fake_revert(&fake, 7, "f1");
    for (unsigned i = 1; i <= 60; i++) {
        if (i != 20) {
            add_id(&first, i);
        }
    }
    for (unsigned i = 1; i <= WRITES; i++) { /* 20 is still missing, 41 to 50 are now */
        if (i != 20 && (i < 41 || i > 50)) {
            add_id(&second, i);
        }
    }
    fake_readback(&fake, 5.95, 1, "recovery", "f1", buf_str(&first), true, "");
    fake_readback(&fake, 11, 2, "failback", "f1", buf_str(&second), true, "");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    const struct loss *loss = &result->loss;
    assert_int_equal(loss->lost, 11);
    assert_int_equal(loss->check_count, 2);
    assert_int_equal(loss->checks[0].missing, 1);
    assert_int_equal(loss->checks[0].newly_missing, 1);
    assert_int_equal(loss->checks[1].missing, 11);
    assert_int_equal(loss->checks[1].newly_missing, 10);
    assert_string_equal(loss->checks[0].after, "inject blackhole us-east");
    assert_string_equal(loss->checks[1].after, "revert blackhole us-east");
    fake_close(&fake);
}

static void test_incomplete_proves_nothing(void **state)
{
    (void)state;
    struct fake_evidence fake;
    ledger_close(begin(&fake, NULL, 0));
    fake_objective(&fake, "lost <= 0");
    fake_objective(&fake, "rpo <= 0s");
    fake_readback(&fake, 11, 1, "recovery", "f1", "", false, "connection refused");
    fake_end(&fake, 12, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(result->loss.measured);
    assert_int_equal(result->loss.lost, 0);
    assert_string_equal(result->loss.why, "read-back after recovery incomplete: connection refused");
    assert_false(result->loss.rpa.measured);
    assert_int_equal(result->verdict, VERDICT_INCONCLUSIVE);
    assert_string_equal(result->exit_words, "INCONCLUSIVE (read-back incomplete)");
    assert_int_equal(result->exit_code, 3);
    fake_close(&fake);
}

static void test_incomplete_beside_loss_is_at_least(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct buf ids CLEANUP(buf_clear) = {0};
    ledger_close(begin(&fake, NULL, 0));
    fake_objective(&fake, "lost <= 0");
    fake_objective(&fake, "lost <= 5");
    all_but(&ids, 10, 12);
    fake_readback(&fake, 11, 1, "recovery", "f1", buf_str(&ids), true, "");
    fake_readback(&fake, 11.5, 2, "failback", "f1", "", false, "timeout");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_true(result->loss.measured);
    assert_true(result->loss.rpa.at_least);
    assert_int_equal(result->loss.lost, 3);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MISSED);
    assert_int_equal(result->objectives[1].judgement, JUDGEMENT_UNKNOWN);
    fake_close(&fake);
}

static void test_incomplete_beside_no_loss_is_not_measured(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct buf ids CLEANUP(buf_clear) = {0};
    ledger_close(begin(&fake, NULL, 0));
    fake_objective(&fake, "lost <= 0");
    all_but(&ids, 1, 0);
    fake_readback(&fake, 11, 1, "recovery", "f1", buf_str(&ids), true, "");
    fake_readback(&fake, 11.5, 2, "failback", "f1", "", false, "timeout");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(result->loss.measured);
    assert_string_equal(result->loss.why, "read-back after failback incomplete: timeout");
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_UNKNOWN);
    fake_close(&fake);
}

/* A file that was cut off or removed after it was written must not turn into loss. */
static void test_damaged_file_is_incomplete(void **state)
{
    (void)state;
    struct fake_evidence fake;
    struct buf ids CLEANUP(buf_clear) = {0};
    struct err err = {0};
    ledger_close(begin(&fake, NULL, 0));
    all_but(&ids, 1, 0);
    fake_readback(&fake, 11, 1, "recovery", "f1", buf_str(&ids), true, "");
    AUTO_FREE char *path = xasprintf("%s/readback-1.ids", fake.folder);
    assert_int_equal(fd_write_file_atomic(path, "w7f-edge-000000001\n", 19, &err), 0);
    struct result *cut CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(cut->loss.measured);
    assert_non_null(strstr(cut->loss.why, "1 ids, 100 were read back"));
    assert_int_equal(remove(path), 0);
    struct result *gone CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(gone->loss.measured);
    fake_close(&fake);
}

static void test_no_writes_is_not_measured(void **state)
{
    (void)state;
    struct fake_evidence fake;
    fake_open(&fake);
    fake_inject(&fake, 4, "f1", true);
    ledger_close(fake_ledger(&fake, "edge", 0, 10, 10, 0, NULL, 0));
    fake_readback(&fake, 11, 1, "recovery", "f1", "", true, "");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_false(result->loss.measured);
    assert_string_equal(result->loss.rpa.why, "no write was acknowledged");
    fake_close(&fake);
}

/* A store that keeps, drops, delays and doubles writes and lists them in any order; two read-backs, an outage in between. */
struct store_write {
    bool answered, sent;
    unsigned first, second; /* how often each read-back lists it */
};

struct store_truth {
    uint64_t acknowledged, lost, during, duplicated, present, absent, missing_second;
};

static unsigned draw_copies(unsigned *seed)
{
    unsigned drawn = (unsigned)rand_r(seed) % 20;
    unsigned many = rand_r(seed) % 2000 ? 2 + (unsigned)rand_r(seed) % 2 : 300;
    return drawn < 3 ? 0 : drawn < 5 ? many : 1;
}

/* Mostly the second list is like the first; holes, late arrivals and writes thrown away at failback make it another. */
static struct store_write draw_write(unsigned *seed)
{
    struct store_write write = {.answered = rand_r(seed) % 8 != 0, .sent = rand_r(seed) % 10 != 0, .first = draw_copies(seed)};
    write.second = rand_r(seed) % 10 ? write.first : draw_copies(seed);
    return write;
}

static void shuffle(unsigned *numbers, size_t count, unsigned *seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)rand_r(seed) % i;
        unsigned kept = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = kept;
    }
}

static void list_store(const struct store_write *writes, bool second, struct buf *ids, unsigned *seed)
{
    static unsigned numbers[WRITES * 300];
    size_t count = 0;
    for (unsigned i = 0; i < WRITES; i++) {
        for (unsigned copies = second ? writes[i].second : writes[i].first; copies > 0; copies--) {
            numbers[count++] = i + 1;
        }
    }
    shuffle(numbers, count, seed);
    buf_puts(ids, "w7f-other-000000001\n");
    for (size_t i = 0; i < count; i++) {
        add_id(ids, numbers[i]);
    }
}

/* Any failure of ten spoils its window: the outage begins with the first one. At 9.9 s no window is whole any more. */
static double outage_start_s(const struct store_write *writes, double disruption_s)
{
    for (unsigned i = (unsigned)(disruption_s * 10 + 0.5); i < WRITES - 1; i++) {
        if (!writes[i].answered) {
            return i / 10.0;
        }
    }
    return disruption_s;
}

/* Word for word: what the definitions say of one write, from 1, when the first read-back begins at first_s and the second one at 11 s,
 * and their outages at starts_s. A write is due at (number - 1) / 10 s and answered 5 ms later. */
static void tell_truth(const struct store_write *write, unsigned number, double first_s, const double *starts_s,
                       struct store_truth *truth)
{
    double due_s = (number - 1) / 10.0, done_s = due_s + 0.005;
    bool in_first = done_s <= first_s, gone_first = in_first && write->first == 0, gone_second = write->second == 0;
    truth->duplicated += write->first > 1 || write->second > 1;
    if (!write->answered) {
        truth->present += write->sent && (write->first || write->second);
        truth->absent += write->sent && !write->first && !write->second;
        return;
    }
    truth->acknowledged++;
    truth->missing_second += gone_second;
    if (gone_first || gone_second) {
        truth->lost++;
        truth->during += done_s >= starts_s[gone_first ? 0 : 1];
    }
}

static void check_random(unsigned *seed)
{
    struct fake_evidence fake;
    struct store_write writes[WRITES];
    struct store_truth truth = {0};
    struct buf first CLEANUP(buf_clear) = {0};
    struct buf second CLEANUP(buf_clear) = {0};
    double first_s = 6.05 + rand_r(seed) % 15 / 10.0;
    struct ledger *ledger = begin(&fake, NULL, 0);
    fake_revert(&fake, 8, "f1");
    for (unsigned i = 0; i < WRITES; i++) {
        bool outage = i == 45 || i == 46; /* due at 4.5 and 4.6 s */
        struct ledger_record *record = ledger_writable_at(ledger, i);
        writes[i] = draw_write(seed);
        writes[i].answered = writes[i].answered && !outage;
        record->sent_ns = writes[i].answered || writes[i].sent ? record->sent_ns : 0;
        ledger_finish(record, writes[i].answered ? OUTCOME_OK : OUTCOME_RESET);
    }
    ledger_close(ledger);
    const double starts_s[] = {outage_start_s(writes, 4), outage_start_s(writes, 8)};
    for (unsigned i = 0; i < WRITES; i++) {
        tell_truth(&writes[i], i + 1, first_s, starts_s, &truth);
    }
    list_store(writes, false, &first, seed);
    list_store(writes, true, &second, seed);
    fake_readback(&fake, first_s, 1, "recovery", "f1", buf_str(&first), true, "");
    fake_readback(&fake, 11, 2, "failback", "f1", buf_str(&second), true, "");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    const struct loss *loss = &result->loss;
    assert_int_equal(loss->acknowledged, truth.acknowledged);
    assert_int_equal(loss->lost, truth.lost);
    assert_int_equal(loss->lost_count, truth.lost);
    assert_int_equal(loss->duplicated, truth.duplicated);
    assert_int_equal(loss->unknown_present, truth.present);
    assert_int_equal(loss->unknown_absent, truth.absent);
    assert_int_equal(loss->checks[1].missing, truth.missing_second);
    if (loss->lost_during_outage != truth.during) {
        fail_msg("lost during the outage: %llu, in truth %llu", (unsigned long long)loss->lost_during_outage,
                 (unsigned long long)truth.during);
    }
    fake_close(&fake);
}

static void test_random_histories(void **state)
{
    (void)state;
    unsigned seed = 42;
    for (int i = 0; i < 10000; i++) {
        check_random(&seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_lost),
        cmocka_unit_test(test_hole_before_and_during_the_outage),
        cmocka_unit_test(test_age_is_to_the_outage_that_goes_on),
        cmocka_unit_test(test_lost_after_failback_counts_there),
        cmocka_unit_test(test_incomplete_proves_nothing),
        cmocka_unit_test(test_incomplete_beside_loss_is_at_least),
        cmocka_unit_test(test_incomplete_beside_no_loss_is_not_measured),
        cmocka_unit_test(test_damaged_file_is_incomplete),
        cmocka_unit_test(test_no_writes_is_not_measured),
        cmocka_unit_test(test_random_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
