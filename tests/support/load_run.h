/* A load run from a test, and what its ledger says afterwards. */
#ifndef DRILL_TESTS_LOAD_RUN_H
#define DRILL_TESTS_LOAD_RUN_H

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/evidence/ledger.h"
#include "harness/load/load.h"
#include "tests/support/load_server.h"

struct tally {
    uint64_t total, by_outcome[OUTCOME_COUNT], by_reason[NOT_SENT_COUNT], new_connections, pending_sent;
};

static char ledger_path[64];

static inline void load_run_set_up(void)
{
    snprintf(ledger_path, sizeof(ledger_path), "/tmp/drill-test-load-%d.bin", (int)getpid());
}

static inline void load_run_tear_down(void)
{
    unlink(ledger_path);
}

static inline json_t *load_settings(const char *host, int port, double rate, double max_s)
{
    char *url = xasprintf("http://%s:%d/orders", host, port);
    json_t *settings =
        json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:i, s:{s:s, s:s, s:s, s:s}, s:{s:s}}", "vantage", "client", "ledger",
                  ledger_path, "id_prefix", "id-", "rate", rate, "max_seconds", max_s, "write_share", 0.3, "deadline_ms", 300,
                  "write", "method", "POST", "url", url, "body", "{\"id\":\"{{id}}\"}", "contains", "fine", "read", "url", url);
    free(url);
    assert_non_null(settings);
    return settings;
}

/* With a deadline that nothing runs into that is answered at all, however busy the machine. */
static inline json_t *load_patient_settings(const char *host, int port, double rate, double max_s)
{
    json_t *settings = load_settings(host, port, rate, max_s);
    json_object_set_new(settings, "deadline_ms", json_integer(20000));
    return settings;
}

static inline struct load *load_run_start(const json_t *settings)
{
    struct err err = {0};
    struct load *load = NULL;
    if (load_start(settings, &load, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return load;
}

static inline void load_run_wait_until(const struct load *load, double since_start_s)
{
    int64_t end_ns = load_start_ns(load) + (int64_t)(since_start_s * NS_PER_S);
    struct timespec until = {.tv_sec = end_ns / NS_PER_S, .tv_nsec = end_ns % NS_PER_S};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* The load ends by itself after max_seconds; this asks for the end only once its last request is due. */
static inline json_t *load_run_stop(struct load *load, double max_s)
{
    struct err err = {0};
    json_t *summary = NULL;
    load_run_wait_until(load, max_s);
    if (load_stop(load, &summary, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return summary;
}

static inline struct tally load_run_count(void)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    struct tally tally = {0};
    assert_int_equal(ledger_open(ledger_path, &ledger, &err), 0);
    tally.total = ledger_count(ledger);
    for (uint64_t i = 0; i < tally.total; i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        tally.by_outcome[record->outcome]++;
        tally.by_reason[record->not_sent]++;
        tally.new_connections += record->new_connection;
        tally.pending_sent += record->outcome == OUTCOME_PENDING && record->sent_ns >= record->due_ns;
    }
    ledger_close(ledger);
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        if (tally.by_outcome[i]) {
            printf("    %s %llu\n", outcome_name((enum request_outcome)i), (unsigned long long)tally.by_outcome[i]);
        }
    }
    return tally;
}

/* Takes the settings. */
static inline struct tally load_run(json_t *settings, double max_s)
{
    AUTO_JSON json_t *owned = settings;
    AUTO_LOAD struct load *load = load_run_start(owned);
    AUTO_JSON json_t *summary = load_run_stop(load, max_s);
    load_free(TAKE(load));
    return load_run_count();
}

#endif
