/* A load comes to its end whatever its requests run into: every one of them gets an outcome, and none keeps the load for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/load/vantage_internal.h"
#include "tests/support/load_run.h"

enum { WATCHDOG_S = 100, LOADS = 12, ROUNDS = 3 };

static int set_up(void **state)
{
    (void)state;
    load_run_set_up();
    alarm(WATCHDOG_S); /* a load that hangs is a failure, not a test that hangs */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    load_run_tear_down();
    return 0;
}

static void on_changed(void *context, const char *from, const char *to, int64_t t_ns)
{
    (void)context;
    (void)from;
    (void)to;
    (void)t_ns;
}

static struct vantage *new_vantage(const json_t *settings)
{
    struct err err = {0};
    struct vantage_settings read;
    struct vantage_watch watch = {.changed = on_changed};
    struct vantage *vantage = NULL;
    if (vantage_settings_read(settings, &read, &err) < 0 || vantage_new(&read, &watch, &vantage, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return vantage;
}

/* Counts as in flight, and nothing in the HTTP client will ever end it. */
static void lose_one(struct vantage *vantage)
{
    uint64_t index;
    struct ledger_record *record = ledger_next(vantage->ledger, &index);
    *record = (struct ledger_record){.due_ns = vantage->schedule.due_ns, .request_class = CLASS_READ};
    ledger_publish(vantage->ledger);
    vantage->in_flight++;
}

static void test_a_lost_request_does_not_keep_the_load(void **state)
{
    struct http_server server;
    struct err err = {0};
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    AUTO_JSON json_t *settings = load_settings("127.0.0.2", server.port, 50, 0.2);
    struct vantage *vantage CLEANUP(vantage_cleanup) = new_vantage(settings);
    lose_one(vantage);
    assert_int_equal(vantage_run(vantage, &err), 0);
    AUTO_JSON json_t *summary = vantage_summary(vantage);
    assert_int_equal(json_int(json_object_get(summary, "not_sent_reasons"), "the driver lost track of it", 0), 1);
    vantage_free(TAKE(vantage));
    struct tally tally = load_run_count();
    assert_int_equal(tally.by_outcome[OUTCOME_PENDING], 0);
    assert_int_equal(tally.by_outcome[OUTCOME_NOT_SENT], 1);
    assert_int_equal(tally.by_reason[NOT_SENT_LOST], 1);
    assert_int_equal(tally.total, 10 + 1);
    http_server_stop(&server);
}

struct crowd { /* loads that run at once, more than there are processors */
    struct http_server server;
    struct load *loads[LOADS];
    json_t *settings[LOADS];
};

static void start_crowd(struct crowd *crowd)
{
    static const char *const policies[] = {"keepalive", "mixed", "new"};
    for (int i = 0; i < LOADS; i++) {
        json_t *settings = crowd->settings[i] = load_settings("127.0.0.2", crowd->server.port, 400, 60);
        json_object_set_new(settings, "ledger", json_sprintf("%s.%d", ledger_path, i));
        json_object_set_new(settings, "deadline_ms", json_integer(10 + 5 * (i % 6)));
        json_object_set_new(settings, "connections", json_string(policies[i % 3]));
        crowd->loads[i] = load_run_start(settings);
    }
}

static void stop_one(struct crowd *crowd, int i)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    AUTO_JSON json_t *summary = NULL;
    const char *path = json_str(crowd->settings[i], "ledger", "");
    assert_int_equal(load_stop(crowd->loads[i], &summary, &err), 0);
    load_free(crowd->loads[i]);
    assert_int_equal(ledger_open(path, &ledger, &err), 0);
    for (uint64_t at = 0; at < ledger_count(ledger); at++) {
        assert_int_not_equal(ledger_at(ledger, at)->outcome, OUTCOME_PENDING);
        assert_int_not_equal(ledger_at(ledger, at)->not_sent, NOT_SENT_LOST);
    }
    ledger_close(ledger);
    unlink(path);
    json_decref(crowd->settings[i]);
}

/* What a server does changes under way, so that requests meet its faults in all of their stages. */
static void test_every_request_ends(void **state)
{
    static const enum server_mode modes[] = {SERVER_OK, SERVER_HANG, SERVER_HALF, SERVER_RESET,       SERVER_CLOSE,
                                             SERVER_OK, SERVER_HANG, SERVER_ECHO, SERVER_KILL_REUSED, SERVER_HANG};
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        static struct crowd crowd; /* its threads outlive a test that fails */
        http_server_start(&crowd.server, "127.0.0.2", 0);
        start_crowd(&crowd);
        for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
            atomic_store(&crowd.server.mode, modes[i]);
            int until = atomic_load(&crowd.server.requests) + 300;
            while (atomic_load(&crowd.server.requests) < until) {
                poll(NULL, 0, 1);
            }
        }
        for (int i = 0; i < LOADS; i++) {
            stop_one(&crowd, i);
        }
        http_server_stop(&crowd.server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_request_does_not_keep_the_load),
        cmocka_unit_test(test_every_request_ends),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
