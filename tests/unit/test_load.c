/* The load against a server that misbehaves on command: the schedule is kept, outcomes are told apart, nothing is sent twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "harness/base/fd.h"
#include "tests/support/load_run.h"

static int set_up(void **state)
{
    (void)state;
    load_run_set_up();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    load_run_tear_down();
    return 0;
}

static void set_text(json_t *settings, const char *key, const char *value)
{
    json_object_set_new(settings, key, json_string(value));
}

static void test_all_is_well(void **state)
{
    struct http_server server;
    struct err err = {0};
    struct ledger *ledger = NULL;
    uint64_t writes = 0;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    struct tally tally = load_run(load_patient_settings("127.0.0.2", server.port, 500, 0.6), 0.6);
    assert_int_equal(tally.total, 300);
    assert_int_equal(tally.by_outcome[OUTCOME_OK], 300);
    assert_true(tally.new_connections < 150); /* few, unless this machine lets requests wait and then go out at once */
    assert_int_equal(ledger_open(ledger_path, &ledger, &err), 0);
    const struct ledger_header *header = ledger_header(ledger);
    for (uint64_t i = 0; i < tally.total; i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        assert_int_equal(record->due_ns, header->start_ns + (int64_t)i * NS_PER_S / 500);
        assert_true(record->due_ns <= record->sent_ns && record->sent_ns <= record->first_byte_ns);
        assert_true(record->first_byte_ns <= record->done_ns);
        assert_int_equal(record->address, inet_addr("127.0.0.2"));
        assert_int_equal(record->http_status, 200);
        if (record->request_class == CLASS_WRITE) {
            assert_int_equal(record->write_number, ++writes);
            assert_int_equal(server.ids[writes], 1);
        }
    }
    assert_true(writes == 90);
    assert_true(header->cpu_ns > 0);
    ledger_close(ledger);
    http_server_stop(&server);
}

static void test_schedule_is_kept_while_everything_hangs(void **state)
{
    struct http_server server;
    struct err err = {0};
    struct ledger *ledger = NULL;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_HANG);
    struct tally tally = load_run(load_settings("127.0.0.2", server.port, 500, 1), 1);
    assert_int_equal(tally.total, 500);
    /* this machine may be too busy to connect within a deadline */
    assert_int_equal(tally.by_outcome[OUTCOME_TIMEOUT_FIRST_BYTE] + tally.by_outcome[OUTCOME_TIMEOUT_CONNECT], 500);
    assert_true(tally.by_outcome[OUTCOME_TIMEOUT_FIRST_BYTE] > 0);
    assert_int_equal(ledger_open(ledger_path, &ledger, &err), 0);
    for (uint64_t i = 0; i < tally.total; i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        assert_true(record->done_ns - record->due_ns >= 300 * NS_PER_MS);
    }
    ledger_close(ledger);
    http_server_stop(&server);
}

static void test_outcomes_are_told_apart(void **state)
{
    static const struct {
        enum server_mode mode;
        enum request_outcome outcome;
    } cases[] = {
        {SERVER_503, OUTCOME_STATUS},
        {SERVER_CLOSE, OUTCOME_RESET},
        {SERVER_RESET, OUTCOME_RESET},
        {SERVER_HALF, OUTCOME_TIMEOUT_BODY},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_server server;
        http_server_start(&server, "127.0.0.2", 0);
        atomic_store(&server.mode, cases[i].mode);
        json_t *settings = load_patient_settings("127.0.0.2", server.port, 100, 0.2);
        if (cases[i].mode == SERVER_HALF) {
            json_object_set_new(settings, "deadline_ms", json_integer(1000));
        }
        struct tally tally = load_run(settings, 0.2);
        assert_int_equal(tally.by_outcome[cases[i].outcome], 20);
        /* a connection that failed is not used again */
        assert_in_range(tally.new_connections, 10,
                        20); /* each wrong answer ends its connection, unless another request is on it already */
        http_server_stop(&server);
    }
}

static void test_wrong_body_is_told_apart(void **state)
{
    struct http_server server;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_WRONG_BODY);
    struct tally tally = load_run(load_patient_settings("127.0.0.2", server.port, 100, 0.2), 0.2);
    assert_int_equal(tally.by_outcome[OUTCOME_BODY], 6); /* the writes, they say what the body must contain */
    assert_int_equal(tally.by_outcome[OUTCOME_OK], 14);
    http_server_stop(&server);
}

static void test_refused_is_told_apart(void **state)
{
    struct http_server server;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    http_server_stop(&server); /* nobody listens on its port now */
    struct tally tally = load_run(load_patient_settings("127.0.0.2", server.port, 100, 0.2), 0.2);
    assert_int_equal(tally.by_outcome[OUTCOME_REFUSED], 20);
}

static void test_silent_tls_is_told_apart(void **state)
{
    struct http_server server;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_HANG);
    json_t *settings = load_settings("127.0.0.2", server.port, 50, 0.2);
    AUTO_FREE char *url = xasprintf("https://127.0.0.2:%d/", server.port);
    json_object_set_new(settings, "deadline_ms", json_integer(3000)); /* a busy machine needs a while to begin ten handshakes */
    json_object_set_new(settings, "tls_verify", json_false()); /* reading the certificates takes its time under a sanitizer */
    json_object_set_new(settings, "write", json_pack("{s:s}", "url", url));
    json_object_set_new(settings, "read", json_pack("{s:s}", "url", url));
    struct tally tally = load_run(settings, 0.2);
    assert_int_equal(tally.by_outcome[OUTCOME_TIMEOUT_TLS], 10);
    http_server_stop(&server);
}

/* A queue of waiting connections that is full makes the kernel ignore further ones: what a black hole looks like. */
static void test_connect_timeout_is_told_apart(void **state)
{
    int port = 0, fillers[8], listener = server_listen("127.0.0.2", SOCK_STREAM, &port);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = inet_addr("127.0.0.2")};
    (void)state;
    listen(listener, 0);
    for (size_t i = 0; i < ARRAY_LEN(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&to, sizeof(to));
    }
    struct tally tally = load_run(load_settings("127.0.0.2", port, 50, 0.2), 0.2);
    assert_int_equal(tally.by_outcome[OUTCOME_TIMEOUT_CONNECT], 10);
    for (size_t i = 0; i < ARRAY_LEN(fillers); i++) {
        close(fillers[i]);
    }
    close(listener);
}

/* libcurl on its own would send the second request of each connection once more on a new one, and see no failure. */
static void test_no_write_is_sent_twice(void **state)
{
    struct http_server server;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_KILL_REUSED);
    json_t *settings = load_patient_settings("127.0.0.2", server.port, 200, 0.5);
    json_object_set_new(settings, "write_share", json_real(1));
    struct tally tally = load_run(settings, 0.5);
    assert_true(tally.by_outcome[OUTCOME_RESET] >= 10);
    assert_int_equal(tally.by_outcome[OUTCOME_OK] + tally.by_outcome[OUTCOME_RESET], 100);
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(server.ids[i], 1);
    }
    assert_int_equal(server.requests, 100);
    http_server_stop(&server);
}

static void test_in_flight_cap_is_recorded(void **state)
{
    struct http_server server;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_HANG);
    AUTO_JSON json_t *settings = load_settings("127.0.0.2", server.port, 200, 0.25);
    json_object_set_new(settings, "in_flight_max", json_integer(10));
    json_object_set_new(settings, "deadline_ms", json_integer(1000)); /* none ends before the last is due */
    AUTO_LOAD struct load *load = load_run_start(settings);
    AUTO_JSON json_t *summary = load_run_stop(load, 0.25);
    load_free(TAKE(load));
    struct tally tally = load_run_count();
    assert_int_equal(tally.total, 50);
    assert_int_equal(tally.by_outcome[OUTCOME_NOT_SENT], 40);
    assert_int_equal(tally.by_reason[NOT_SENT_IN_FLIGHT], 40);
    assert_int_equal(tally.by_outcome[OUTCOME_TIMEOUT_FIRST_BYTE], 10);
    assert_int_equal(json_int(summary, "not_sent", 0), 40);
    assert_int_equal(json_int(summary, "in_flight_max", 0), 10);
    assert_int_equal(json_int(summary, "sent", 0), 10);
    assert_int_equal(json_int(json_object_get(summary, "not_sent_reasons"), "over the in-flight limit", 0), 40);
    assert_int_equal(json_int(summary, "in_flight_limit", 0), 10);
    assert_true(json_int(summary, "memory_limit_bytes", 0) > 10 * 1024);
    http_server_stop(&server);
}

static void test_out_of_descriptors_is_recorded(void **state)
{
    struct http_server server;
    struct rlimit before, few;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_HANG);
    json_t *settings = load_settings("127.0.0.2", server.port, 200, 0.25);
    AUTO_LOAD struct load *load = load_run_start(settings);
    json_decref(settings);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 20;
    setrlimit(RLIMIT_NOFILE, &few); /* the server's side runs out first or the client's: neither is a failure of the system */
    load_run_wait_until(load, 0.25);
    setrlimit(RLIMIT_NOFILE, &before);
    AUTO_JSON json_t *summary = load_run_stop(load, 0.25);
    load_free(TAKE(load));
    struct tally tally = load_run_count();
    assert_true(tally.by_outcome[OUTCOME_NOT_SENT] >= 20);
    assert_int_equal(tally.by_reason[NOT_SENT_DESCRIPTORS], tally.by_outcome[OUTCOME_NOT_SENT]);
    http_server_stop(&server);
}

static void test_connections_are_warm_before_the_start(void **state)
{
    struct http_server server;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    AUTO_JSON json_t *settings = load_patient_settings("127.0.0.2", server.port, 100, 0.2);
    json_object_set_new(settings, "warm", json_integer(20)); /* as many as requests: a stall of this machine needs no more */
    AUTO_LOAD struct load *load = load_run_start(settings);
    AUTO_JSON json_t *summary = load_run_stop(load, 0.2);
    load_free(TAKE(load));
    struct tally tally = load_run_count();
    assert_int_equal(tally.by_outcome[OUTCOME_OK], 20);
    assert_true(tally.new_connections <= 15); /* none, unless this machine lets T0 pass meanwhile */
    assert_int_equal(json_int(summary, "warmed", 0), 20);
    assert_int_equal(server.requests, 40);
    http_server_stop(&server);
}

static void test_connection_policies(void **state)
{
    static const struct {
        const char *policy;
        uint64_t least, most;
    } cases[] = {{"new", 100, 100}, {"mixed", 40, 90}, {"keepalive", 1, 60}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_server server;
        http_server_start(&server, "127.0.0.2", 0);
        json_t *settings = load_patient_settings("127.0.0.2", server.port, 200, 0.5);
        set_text(settings, "connections", cases[i].policy);
        struct tally tally = load_run(settings, 0.5);
        assert_int_equal(tally.by_outcome[OUTCOME_OK], 100);
        assert_in_range(tally.new_connections, cases[i].least, cases[i].most);
        http_server_stop(&server);
    }
}

static void test_dropped_requests_stay_pending(void **state)
{
    struct http_server server;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_HANG);
    AUTO_JSON json_t *settings = load_settings("127.0.0.2", server.port, 200, 10);
    json_object_set_new(settings, "deadline_ms", json_integer(60000));
    struct load *load = load_run_start(settings);
    while (atomic_load(&server.requests) < 20) {
        sched_yield();
    }
    load_free(load);
    struct tally tally = load_run_count();
    assert_int_equal(tally.by_outcome[OUTCOME_PENDING], tally.total);
    assert_true(tally.total >= 20);
    assert_true(tally.pending_sent >= 20); /* the record says so although no answer came */
    http_server_stop(&server);
}

/* A table that grows while requests pile up would stop the schedule for 10 ms each time. */
static void test_descriptor_table_is_wide_from_the_start(void **state)
{
    char *text = NULL;
    size_t size = 0;
    struct err err = {0};
    (void)state;
    AUTO_JSON json_t *settings = load_settings("127.0.0.2", 1, 1, 1);
    json_object_set_new(settings, "in_flight_max", json_integer(2000));
    AUTO_LOAD struct load *load = load_run_start(settings);
    assert_int_equal(fd_read_file("/proc/self/status", 100000, &text, &size, &err), 0);
    assert_true(strtol(strstr(text, "FDSize:") + 7, NULL, 10) >= 4096);
    free(text);
}

static void test_wrong_settings_are_refused(void **state)
{
    static const struct {
        const char *key;
        json_type type;
        const char *text, *expected;
    } cases[] = {
        {"rate", JSON_REAL, "0", "rate"},
        {"write_share", JSON_REAL, "1.5", "write_share"},
        {"shape", JSON_STRING, "poison", "did you mean 'poisson'"},
        {"connections", JSON_STRING, "close", "connections"},
        {"dns_server", JSON_STRING, "not an address", "DNS server"},
        {"ledger", JSON_STRING, "/nonexistent/ledger", "/nonexistent/ledger"},
        {"read", JSON_STRING, "x", "read"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        struct load *load = NULL;
        AUTO_JSON json_t *settings = load_settings("127.0.0.2", 80, 10, 1);
        json_object_set_new(settings, cases[i].key,
                            cases[i].type == JSON_REAL ? json_real(strtod(cases[i].text, NULL)) : json_string(cases[i].text));
        assert_true(load_start(settings, &load, &err) < 0);
        assert_non_null(strstr(err.text, cases[i].expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_schedule_is_kept_while_everything_hangs),
        cmocka_unit_test(test_outcomes_are_told_apart),
        cmocka_unit_test(test_wrong_body_is_told_apart),
        cmocka_unit_test(test_refused_is_told_apart),
        cmocka_unit_test(test_silent_tls_is_told_apart),
        cmocka_unit_test(test_connect_timeout_is_told_apart),
        cmocka_unit_test(test_no_write_is_sent_twice),
        cmocka_unit_test(test_in_flight_cap_is_recorded),
        cmocka_unit_test(test_out_of_descriptors_is_recorded),
        cmocka_unit_test(test_connections_are_warm_before_the_start),
        cmocka_unit_test(test_connection_policies),
        cmocka_unit_test(test_dropped_requests_stay_pending),
        cmocka_unit_test(test_descriptor_table_is_wide_from_the_start),
        cmocka_unit_test(test_wrong_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
