/* Who answered: shares by server and region, in which part of the drill, and sessions that moved. */
#include "tests/support/fake_evidence.h"

#include <math.h>

#include "harness/measure/objective.h"

enum { RATE = 100 };

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

static double due_s(const struct ledger_record *record)
{
    return (double)record->due_ns / 1e9;
}

/* 30 s of 100 requests a second by ten sessions: app1 and app2 in turn by session; from 10 s to 20 s "app1" fails for 2 s and then all go to
 * app2. Reads of us-east, each fourth of eu-west. */
static void add_load(struct fake_evidence *fake, const char *vantage)
{
    struct ledger *ledger = fake_ledger(fake, vantage, 0, 30, RATE, 0, NULL, 0);
    struct ledger_header *header = ledger_header(ledger);
    header->sessions = 10;
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        struct ledger_record *record = ledger_writable_at(ledger, i);
        bool hit = due_s(record) >= 10 - 1e-9 && due_s(record) < 20 - 1e-9, first = due_s(record) < 12 - 1e-9;
        record->session = 1 + (uint32_t)(i % 10);
        bool app1 = record->session <= 4 && !(hit && !first);
        record->server = ledger_server(ledger, app1 ? "app1" : "app2");
        record->address = htobe32(i % 4 ? 0x0a010011 : 0x0a020011);
        if (hit && first && app1) {
            ledger_finish(record, OUTCOME_STATUS);
        }
    }
    ledger_close(ledger);
}

static void drill(struct fake_evidence *fake)
{
    fake_open(fake);
    fake_inject(fake, 10, "f1", true);
    fake_await(fake, 10.1);
    add_load(fake, "client");
    fake_revert(fake, 20, "f1");
}

static const struct share_row *row(const struct share_row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(rows[i].name, name)) {
            return &rows[i];
        }
    }
    fail_msg("no row '%s'", name);
    return NULL;
}

static void test_windows(void **state)
{
    static const char *const names[] = {"steady", "during blackhole us-east", "during blackhole us-east, after recovery",
                                        "after blackhole us-east"};
    static const uint64_t requests[] = {1000, 1000, 806, 1000}, moved[] = {0, 4, 4, 4};
    struct fake_evidence fake;
    (void)state;
    drill(&fake);
    fake_end(&fake, 30, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->share_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct share_window *window = &result->shares[i];
        assert_string_equal(window->name, names[i]);
        assert_int_equal(window->requests, requests[i]);
        assert_int_equal(window->sessions, 10);
        assert_int_equal(window->moved, moved[i]);
        assert_int_equal(window->moves, moved[i]);
        assert_int_equal(window->failed, i == 1 ? 80 : 0);
    }
    const struct share_window *steady = &result->shares[0], *during = &result->shares[1];
    assert_int_equal(row(steady->servers, steady->server_count, "app1")->requests, 400);
    assert_int_equal(row(steady->servers, steady->server_count, "app1")->left, 0);
    assert_int_equal(row(during->servers, during->server_count, "app1")->left, 4);
    assert_int_equal(row(during->servers, during->server_count, "app2")->left, 0);
    assert_int_equal(row(during->servers, during->server_count, "app1")->failed, 80);
    assert_true(near(row(during->servers, during->server_count, "app1")->p99_s, 1)); /* failing at once is not fast */
    assert_true(near(row(during->servers, during->server_count, "app2")->p99_s, 0.005));
    assert_int_equal(row(steady->regions, steady->region_count, "eu-west")->requests, 250);
    fake_close(&fake);
}

static void test_objectives(void **state)
{
    static const struct {
        const char *text;
        enum judgement judgement;
        double value;
    } table[] = {
        {"share of app1 >= 40% during steady", JUDGEMENT_MET, 40},
        {"share of app1 > 40% during steady", JUDGEMENT_MISSED, 40},
        {"share of app1 <= 39% during steady", JUDGEMENT_MISSED, 40},
        {"share of app2 >= 100% during blackhole after recovery", JUDGEMENT_MET, 100},
        {"share of app1 <= 0% during blackhole after recovery", JUDGEMENT_MET, 0},
        {"share of app1 <= 8% during blackhole", JUDGEMENT_MET, 8},
        {"share of eu-west >= 25%", JUDGEMENT_MET, 25},
        {"share of eu-west < 25%", JUDGEMENT_MISSED, 25},
        {"moved <= 0 during steady", JUDGEMENT_MET, 0},
        {"moved <= 3 during blackhole", JUDGEMENT_MISSED, 4},
        {"moved <= 40% after blackhole", JUDGEMENT_MET, 40},
        {"failed <= 80 during blackhole", JUDGEMENT_MET, 80},
        {"failed <= 0% after recovery", JUDGEMENT_MET, 0},
        {"failed <= 7% during blackhole", JUDGEMENT_MISSED, 8},
        {"p99 <= 5ms during blackhole after recovery", JUDGEMENT_MET, 0.005},
        {"p99 <= 900ms during blackhole", JUDGEMENT_MISSED, 1},
        {"share of app9 <= 10%", JUDGEMENT_UNKNOWN, 0},
        {"failed <= 1% during kill", JUDGEMENT_UNKNOWN, 0},
    };
    struct fake_evidence fake;
    (void)state;
    drill(&fake);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        fake_objective(&fake, table[i].text);
    }
    fake_end(&fake, 30, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const struct objective_result *objective = &result->objectives[i];
        if (objective->judgement != table[i].judgement || !near(objective->measured.value, table[i].value)) {
            fail_msg("%s: %s, %g: %s", table[i].text, judgement_name(objective->judgement), objective->measured.value,
                     objective->reason);
        }
    }
    fake_close(&fake);
}

/* Due before the fault and not answered when it came: the fault's, not the quiet time's. */
static void test_open_when_the_fault_came(void **state)
{
    const struct fake_span spans[] = {{9.95, 10, OUTCOME_TIMEOUT_FIRST_BYTE, CLASS_NONE, 0}};
    struct fake_evidence fake;
    (void)state;
    fake_open(&fake);
    fake_objective(&fake, "failed <= 0 during steady");
    fake_objective(&fake, "failed <= 4 during blackhole");
    fake_inject(&fake, 10, "f1", true);
    ledger_close(fake_ledger(&fake, "client", 0, 30, RATE, 0, spans, 1));
    fake_revert(&fake, 20, "f1");
    fake_end(&fake, 30, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MET);
    assert_int_equal(result->objectives[1].judgement, JUDGEMENT_MISSED);
    assert_true(near(result->objectives[1].measured.value, 5));
    assert_int_equal(result->shares[0].requests, 995);
    assert_int_equal(result->shares[1].requests, 1005);
    fake_close(&fake);
}

/* Two ledgers of one vantage enter the names in another order. */
static void test_names_of_several_ledgers(void **state)
{
    struct fake_evidence fake;
    (void)state;
    fake_open(&fake);
    for (int part = 0; part < 2; part++) {
        AUTO_FREE char *file = xasprintf("client-%d", part);
        struct ledger *ledger = fake_ledger(&fake, file, 10 * part, 10 * part + 10, RATE, 0, NULL, 0);
        (void)str_copy(ledger_header(ledger)->vantage, 64, "client");
        (void)str_copy(ledger_header(ledger)->id_prefix, 64, "w7f-");
        (void)ledger_server(ledger, part ? "app2" : "app1");
        for (uint64_t i = 0; i < ledger_count(ledger); i++) {
            ledger_writable_at(ledger, i)->server = ledger_server(ledger, i % 4 ? "app1" : "app2");
        }
        ledger_close(ledger);
    }
    fake_end(&fake, 20, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->share_count, 1);
    assert_int_equal(row(result->shares[0].servers, 2, "app1")->requests, 1500);
    assert_int_equal(row(result->shares[0].servers, 2, "app2")->requests, 500);
    fake_close(&fake);
}

/* A damaged record names a server that there is none of, and a session beyond all. */
static void test_damaged_records(void **state)
{
    struct fake_evidence fake;
    (void)state;
    fake_open(&fake);
    struct ledger *ledger = fake_ledger(&fake, "client", 0, 10, RATE, 0, NULL, 0);
    ledger_header(ledger)->sessions = UINT32_MAX;
    ledger_header(ledger)->server_count = UINT32_MAX;
    ledger_writable_at(ledger, 1)->server = UINT16_MAX;
    ledger_writable_at(ledger, 2)->session = UINT32_MAX;
    ledger_writable_at(ledger, 2)->server = 1;
    ledger_close(ledger);
    fake_end(&fake, 10, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    assert_int_equal(result->shares[0].requests, 1000);
    assert_int_equal(result->shares[0].named, 0);
    fake_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_objectives),
        cmocka_unit_test(test_open_when_the_fault_came),
        cmocka_unit_test(test_names_of_several_ledgers),
        cmocka_unit_test(test_damaged_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
