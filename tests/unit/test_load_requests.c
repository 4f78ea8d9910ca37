/* What goes out: filled-in texts, secrets of the environment, TLS with a certificate of one's own, HTTP/2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/load/source.h"
#include "tests/support/load_run.h"
#include "tests/support/web_nginx.h"

static struct web_nginx web;

static int set_up(void **state)
{
    (void)state;
    load_run_set_up();
    if (web_nginx_is_there()) {
        web_nginx_start(&web, "127.0.0.2");
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (web_nginx_is_there()) {
        web_nginx_stop(&web);
    }
    load_run_tear_down();
    return 0;
}

/* The server sends each request back as it came; `contains` then says what must have been in it. */
static void check_request(json_t *headers, const char *path, const char *body, const char *contains)
{
    struct http_server server;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_ECHO);
    json_t *settings = load_settings("127.0.0.2", server.port, 100, 0.1);
    AUTO_FREE char *url = xasprintf("http://127.0.0.2:%d%s", server.port, path);
    json_object_set_new(settings, "write_share", json_real(1));
    json_object_set_new(settings, "headers", headers);
    json_object_set_new(settings, "write",
                        json_pack("{s:s, s:s, s:s, s:s?, s:{s:s}}", "method", "PUT", "url", url, "contains", contains, "body",
                                  body, "headers", "x-kind", "write {{seq}}"));
    struct tally tally = load_run(settings, 0.1);
    assert_int_equal(tally.by_outcome[OUTCOME_OK], 10);
    http_server_stop(&server);
}

static void test_texts_are_filled_in(void **state)
{
    (void)state;
    setenv("DRILL_TEST_TOKEN", "s3cret/+", 1);
    check_request(NULL, "/o/{{id}}?r={{random}}", NULL, "PUT /o/{{id}}?r={{random}} HTTP/1.1\r\n");
    check_request(json_pack("{s:s}", "Authorization", "Bearer {{env.DRILL_TEST_TOKEN}}"), "/", NULL,
                  "\r\nAuthorization: Bearer s3cret/+\r\n");
    check_request(json_pack("{s:s}", "X-Kind", "all"), "/", NULL, "\r\nx-kind: write {{seq}}\r\n");
    check_request(json_pack("{s:s}", "X-From", "{{vantage}}"), "/", NULL, "\r\nX-From: client\r\n");
    check_request(NULL, "/?t={{env.DRILL_TEST_TOKEN}}", NULL, "PUT /?t=s3cret%2F%2B HTTP/1.1\r\n");
    check_request(NULL, "/", "{\"id\": \"{{id}}\", \"n\": {{seq}}}", "\r\n\r\n{\"id\": \"{{id}}\", \"n\": {{seq}}}");
    check_request(json_pack("{s:s}", "content-type", "text/csv"), "/", "a;b", "\r\ncontent-type: text/csv\r\n");
}

/* The header's last name, made plain; an answer without it is nobody's. */
static void test_who_answered(void **state)
{
    static const struct {
        const char *header, *expected;
    } cases[] = {{"x-served-by: us-east-app1", "us-east-app1"},
                 {"X-SERVED-BY:  10.0.0.1:80, 10.0.0.2:80 ", "10.0.0.2:80"},
                 {"X-Served-By: a\"b;c", "a_b_c"},
                 {"X-Served-By-Not: app1", ""},
                 {"X-Served-By:", ""}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_server server;
        struct err err = {0};
        char name[LEDGER_SERVER_BYTES];
        AUTO_LEDGER struct ledger *ledger = NULL;
        AUTO_FREE char *text = xasprintf("HTTP/1.1 200 OK\r\n%s\r\nContent-Length: 4\r\n\r\nfine", cases[i].header);
        http_server_start(&server, "127.0.0.2", 0);
        atomic_store(&server.text, text);
        atomic_store(&server.mode, SERVER_TEXT);
        json_t *settings = load_settings("127.0.0.2", server.port, 100, 0.1);
        json_object_set_new(settings, "served_by", json_string("X-Served-By"));
        assert_int_equal(load_run(settings, 0.1).by_outcome[OUTCOME_OK], 10);
        assert_int_equal(ledger_open(ledger_path, &ledger, &err), 0);
        for (uint64_t j = 0; j < ledger_count(ledger); j++) {
            ledger_server_name(ledger_header(ledger), ledger_at(ledger, j)->server, name);
            assert_string_equal(name, cases[i].expected);
        }
        http_server_stop(&server);
    }
}

/* Each request is one user's, all users come, the same in each run, and the texts have the number. */
static void test_sessions(void **state)
{
    enum { SESSIONS = 8 };
    (void)state;
    uint32_t first[60] = {0};
    for (int run = 0; run < 2; run++) {
        struct http_server server;
        struct err err = {0};
        int seen = 0;
        AUTO_LEDGER struct ledger *ledger = NULL;
        http_server_start(&server, "127.0.0.2", 0);
        atomic_store(&server.mode, SERVER_ECHO);
        json_t *settings = load_settings("127.0.0.2", server.port, 300, 0.2);
        json_object_set_new(settings, "sessions", json_integer(SESSIONS));
        json_object_set_new(settings, "headers", json_pack("{s:s}", "X-User", "user-{{session}}"));
        json_object_del(json_object_get(settings, "write"), "contains");
        json_object_set_new(json_object_get(settings, "read"), "contains", json_string("X-User: user-{{session}}\r\n"));
        assert_int_equal(load_run(settings, 0.2).by_outcome[OUTCOME_OK], 60);
        assert_int_equal(ledger_open(ledger_path, &ledger, &err), 0);
        assert_int_equal(ledger_header(ledger)->sessions, SESSIONS);
        for (uint64_t j = 0; j < 60; j++) {
            uint32_t session = ledger_at(ledger, j)->session;
            assert_in_range(session, 1, SESSIONS);
            seen |= 1 << session;
            assert_true(run == 0 || first[j] == session);
            first[j] = session;
        }
        assert_int_equal(seen, 0x1fe);
        http_server_stop(&server);
    }
}

/* Each user has cookies of its own, and comes from its own address over its own connection. */
static void test_sessions_are_apart(void **state)
{
    enum { SESSIONS = 8 };
    struct http_server server;
    (void)state;
    http_server_start(&server, "127.0.0.2", 0);
    atomic_store(&server.mode, SERVER_ECHO);
    json_t *settings = load_patient_settings("127.0.0.2", server.port, 300, 0.3);
    json_object_set_new(settings, "sessions", json_integer(SESSIONS));
    json_object_set_new(settings, "addresses", json_string("127.8.0.0/16"));
    json_object_set_new(settings, "write_share", json_real(0));
    json_object_set_new(json_object_get(settings, "read"), "contains", json_string("Cookie: seen=yes"));
    struct tally tally = load_run(settings, 0.3);
    /* the first of each has no cookie yet; a wrong answer ends its connection, so that its next request opens another */
    assert_in_range(tally.by_outcome[OUTCOME_BODY], SESSIONS, 2 * SESSIONS);
    assert_int_equal(tally.by_outcome[OUTCOME_BODY] + tally.by_outcome[OUTCOME_OK], 90);
    assert_in_range(tally.new_connections, SESSIONS, 5 * SESSIONS);
    http_server_stop(&server);
}

static void test_addresses_of_sessions(void **state)
{
    static const char *const refused[] = {"198.18.0.0",    "198.18.0.0/25", "198.18.0.0/4",
                                          "198.18.0.1/16", "x/16",          "198.18.0.0/16x"};
    struct source_range range;
    struct err err = {0};
    (void)state;
    assert_int_equal(source_range_read("198.18.0.0/20", &range, &err), 0);
    AUTO_FREE bool *taken = calloc(1 << 12, sizeof(bool));
    bool networks[16] = {0};
    assert_int_equal(source_room(&range), 16 * 254);
    for (uint32_t session = 1; session <= source_room(&range); session++) {
        uint32_t address = ntohl(source_address(&range, session)), within = address & 0xfff;
        assert_int_equal(address & ~0xfffU, 0xc6120000);
        assert_false(taken[within] || (within & 0xff) == 0 || (within & 0xff) == 255);
        taken[within] = true;
        assert_true(session > 16 || !networks[within >> 8]);
        networks[within >> 8] = true;
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_int_equal(source_range_read(refused[i], &range, &err), -ERR_INPUT);
    }
    AUTO_JSON json_t *settings = load_settings("127.0.0.2", 80, 10, 1);
    json_object_set_new(settings, "addresses", json_string("127.8.0.0/24"));
    json_object_set_new(settings, "sessions", json_integer(255));
    assert_int_equal(load_check(settings, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "room for the addresses of 254"));
}

static void test_what_cannot_be_sent_is_refused(void **state)
{
    static const struct {
        const char *key, *name, *value, *expected;
    } cases[] = {
        {"headers", "Authorization", "{{env.DRILL_TEST_NOT_SET}}", "DRILL_TEST_NOT_SET is not set"},
        {"headers", "X Y", "z", "header 'X Y'"},
        {"headers", "X", "{{identity}}", "unknown '{{identity}}'"},
        {"read", "url", "http://{{vantage}}/", "only in the path"},
        {"read", "url", "ftp://127.0.0.1/", "expected http://"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        AUTO_JSON json_t *settings = load_settings("127.0.0.2", 80, 10, 1);
        json_object_set_new(settings, cases[i].key, json_pack("{s:s}", cases[i].name, cases[i].value));
        assert_int_equal(load_check(settings, &err), -ERR_INPUT);
        assert_non_null(strstr(err.text, cases[i].expected));
    }
    struct err err = {0};
    AUTO_JSON json_t *settings = load_settings("127.0.0.2", 80, 10, 1);
    assert_int_equal(load_check(settings, &err), 0);
    json_object_set_new(settings, "ca", json_string("/nonexistent/ca.pem"));
    assert_true(load_check(settings, &err) < 0);
    assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
    json_object_set_new(settings, "ca", json_string("/etc/hostname"));
    assert_int_equal(load_check(settings, &err), -ERR_INPUT);
}

static struct tally run_web(const char *scheme, int port, const char *version, bool with_ca, bool verify)
{
    AUTO_FREE char *url = xasprintf("%s://127.0.0.2:%d/", scheme, port);
    json_t *settings = load_settings("127.0.0.2", port, 100, 0.3);
    json_object_set_new(settings, "write_share", json_real(0));
    json_object_del(settings, "write");
    json_object_set_new(settings, "deadline_ms", json_integer(2000));
    json_object_set_new(settings, "http", json_string(version));
    json_object_set_new(settings, "tls_verify", json_boolean(verify));
    json_object_set_new(
        settings, "read",
        json_pack("{s:s, s:s}", "url", url, "contains", str_eq(version, "2") ? "fine HTTP/2.0" : "fine HTTP/1.1"));
    if (with_ca) {
        json_object_set_new(settings, "ca", json_string(web.ca));
    }
    return load_run(settings, 0.3);
}

static void needs_nginx(void)
{
    if (!web_nginx_is_there()) {
        skip();
    }
}

static void test_tls_trusts_only_what_it_is_told(void **state)
{
    (void)state;
    needs_nginx();
    assert_int_equal(run_web("https", web.tls_port, "1.1", true, true).by_outcome[OUTCOME_OK], 30);
    assert_int_equal(run_web("https", web.tls_port, "1.1", false, true).by_outcome[OUTCOME_TLS], 30);
    assert_int_equal(run_web("https", web.tls_port, "1.1", false, false).by_outcome[OUTCOME_OK], 30);
}

static void test_http_2_shares_a_connection(void **state)
{
    (void)state;
    needs_nginx();
    struct tally over_tls = run_web("https", web.tls_port, "2", true, true);
    assert_int_equal(over_tls.by_outcome[OUTCOME_OK], 30);
    assert_true(over_tls.new_connections <= 2);
}

/* With a libcurl that cannot keep such connections it is refused, never measured wrongly. */
static void test_http_2_without_tls(void **state)
{
    struct err err = {0};
    (void)state;
    needs_nginx();
    AUTO_JSON json_t *settings = load_settings("127.0.0.2", web.h2c_port, 100, 0.3);
    json_object_set_new(settings, "http", json_string("2"));
    if (load_check(settings, &err) < 0) {
        assert_int_equal(err.code, ERR_UNSUPPORTED);
        assert_non_null(strstr(err.text, "without TLS"));
        return;
    }
    struct tally plain = run_web("http", web.h2c_port, "2", false, true);
    assert_int_equal(plain.by_outcome[OUTCOME_OK], 30);
    assert_true(plain.new_connections <= 2);
}

/* A stopped server keeps its connections: the client must leave the dead one by itself. */
static void test_http_2_leaves_a_silent_connection(void **state)
{
    struct err err = {0};
    json_t *summary = NULL;
    (void)state;
    needs_nginx();
    AUTO_FREE char *url = xasprintf("https://127.0.0.2:%d/", web.tls_port);
    AUTO_JSON json_t *settings = load_settings("127.0.0.2", web.tls_port, 100, 1.5);
    json_object_set_new(settings, "ca", json_string(web.ca));
    json_object_set_new(settings, "write_share", json_real(0));
    json_object_del(settings, "write");
    json_object_set_new(settings, "http", json_string("2"));
    json_object_set_new(settings, "read", json_pack("{s:s}", "url", url));
    AUTO_LOAD struct load *load = load_run_start(settings);
    load_run_wait_until(load, 0.3);
    kill(web.pid, SIGSTOP);
    load_run_wait_until(load, 1);
    kill(web.pid, SIGCONT);
    load_run_wait_until(load, 1.5);
    assert_int_equal(load_stop(load, &summary, &err), 0);
    json_decref(summary);
    load_free(TAKE(load));
    struct tally tally = load_run_count();
    /* due more than a deadline before the server went on; the first to end in time takes the others with it */
    assert_true(tally.by_outcome[OUTCOME_TIMEOUT_FIRST_BYTE] >= 1);
    assert_true(tally.total - tally.by_outcome[OUTCOME_OK] >= 35);
    assert_true(tally.by_outcome[OUTCOME_OK] >= 50);
    assert_true(tally.new_connections >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_filled_in),
        cmocka_unit_test(test_what_cannot_be_sent_is_refused),
        cmocka_unit_test(test_who_answered),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_sessions_are_apart),
        cmocka_unit_test(test_addresses_of_sessions),
        cmocka_unit_test(test_tls_trusts_only_what_it_is_told),
        cmocka_unit_test(test_http_2_shares_a_connection),
        cmocka_unit_test(test_http_2_without_tls),
        cmocka_unit_test(test_http_2_leaves_a_silent_connection),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
