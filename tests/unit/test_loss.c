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

/* Each write is acknowledged or not, kept or not, doubled or not: the counts must be exact. */
static void check_random(unsigned *seed)
{
    struct fake_evidence fake;
    struct buf ids CLEANUP(buf_clear) = {0};
    unsigned acknowledged = 0, lost = 0, duplicated = 0, present = 0, absent = 0;
    struct ledger *ledger = begin(&fake, NULL, 0);
    for (unsigned i = 1; i <= WRITES; i++) {
        bool answered = rand_r(seed) % 8 != 0, kept = rand_r(seed) % 5 != 0, doubled = kept && rand_r(seed) % 10 == 0;
        struct ledger_record *record = ledger_writable_at(ledger, i - 1);
        ledger_finish(record, answered ? OUTCOME_OK : OUTCOME_RESET);
        acknowledged += answered;
        lost += answered && !kept;
        duplicated += doubled;
        present += !answered && kept;
        absent += !answered && !kept;
        for (int copies = kept + doubled; copies > 0; copies--) {
            add_id(&ids, i);
        }
    }
    ledger_close(ledger);
    fake_readback(&fake, 11, 1, "recovery", "f1", buf_str(&ids), true, "");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->loss.acknowledged, acknowledged);
    assert_int_equal(result->loss.lost, lost);
    assert_int_equal(result->loss.lost_count, lost);
    assert_int_equal(result->loss.duplicated, duplicated);
    assert_int_equal(result->loss.unknown_present, present);
    assert_int_equal(result->loss.unknown_absent, absent);
    fake_close(&fake);
}

static void test_random_histories(void **state)
{
    (void)state;
    unsigned seed = 42;
    for (int i = 0; i < 1000; i++) {
        check_random(&seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_lost),
        cmocka_unit_test(test_hole_before_and_during_the_outage),
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
