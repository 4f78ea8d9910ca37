/* Reading back: a list is complete only when all of it has come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/load/readback.h"
#include "tests/support/load_server.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

enum { WAIT_MS = 8000 };

static char file_path[64];
static struct http_server server;

static struct readback *start(const char *host, const char *dns_server, int timeout_ms)
{
    struct err err = {0};
    struct readback *readback = NULL;
    AUTO_FREE char *url = xasprintf("http://%s:%d/ids", host, server.port);
    AUTO_JSON json_t *settings = json_pack("{s:s, s:s, s:s, s:i, s:s*}", "url", url, "file", file_path, "prefix", "w1-",
                                           "timeout_ms", timeout_ms, "dns_server", dns_server);
    if (readback_start(settings, &readback, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return readback;
}

static json_t *finish(struct readback *readback)
{
    struct err err = {0};
    json_t *result = NULL;
    struct pollfd fd = {.fd = readback_fd(readback), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
    if (readback_finish(readback, &result, &err) < 0) {
        fail_msg("%s", err.text);
    }
    readback_free(readback);
    return result;
}

static void serve(const char *text)
{
    atomic_store(&server.text, text);
    atomic_store(&server.mode, SERVER_TEXT);
}

static void test_whole_list(void **state)
{
    struct err err = {0};
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    (void)state;
    serve(HEAD "w1-000000001\nw2-000000001\nw1-000000002\n# 3\n");
    AUTO_JSON json_t *result = finish(start("127.0.0.2", NULL, 5000));
    assert_true(json_flag(result, "complete", false));
    assert_string_equal(json_str(result, "reason", "?"), "");
    assert_string_equal(json_str(result, "via", ""), "127.0.0.2");
    assert_int_equal(json_int(result, "count", 0), 2);
    assert_int_equal(json_int(result, "listed", 0), 3);
    assert_int_equal(json_int(result, "attempts", 0), 1);
    assert_int_equal(fd_read_file(file_path, 1000, &text, &size, &err), 0);
    assert_string_equal(text, "w1-000000001\nw1-000000002\n");
}

static void test_incomplete_lists_say_why(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {HEAD "w1-000000001\n", "without its last line"},
        {HEAD "w1-000000001\n# 2\n", "says that it has 2 ids, 1 were listed"},
        {HEAD "w1-000000001\n# 1\nw1-000000002\n", "a line that is no id"},
        {"HTTP/1.1 503 Unavailable\r\nConnection: close\r\n\r\n# 0\n", "answered HTTP 503"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nw1-000000001\n# 1\n", "failed: reset"},
        {"", "failed: reset"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        serve(cases[i].text);
        AUTO_JSON json_t *result = finish(start("127.0.0.2", NULL, 100));
        assert_false(json_flag(result, "complete", true));
        if (!strstr(json_str(result, "reason", ""), cases[i].reason)) {
            fail_msg("'%s' instead of '%s'", json_str(result, "reason", ""), cases[i].reason);
        }
    }
}

static void test_it_is_tried_again_with_a_fresh_file(void **state)
{
    struct err err = {0};
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    (void)state;
    serve(HEAD "w1-000000009\n");
    int before = atomic_load(&server.requests);
    struct readback *readback = start("127.0.0.2", NULL, 6000);
    while (atomic_load(&server.requests) == before) {
        poll(NULL, 0, 1);
    }
    serve(HEAD "w1-000000001\n# 1\n");
    AUTO_JSON json_t *result = finish(readback);
    assert_true(json_flag(result, "complete", false));
    assert_in_range(json_int(result, "attempts", 0), 2, 3);
    assert_int_equal(fd_read_file(file_path, 1000, &text, &size, &err), 0);
    assert_string_equal(text, "w1-000000001\n");
}

static void test_names_are_asked_for(void **state)
{
    struct dns_server dns;
    (void)state;
    serve(HEAD "# 0\n");
    dns_server_start(&dns, "127.0.0.2", 0);
    AUTO_JSON json_t *result = finish(start("api.drill.test", dns.text, 5000));
    assert_true(json_flag(result, "complete", false));
    assert_string_equal(json_str(result, "via", ""), "127.0.0.2");
    atomic_store(&dns.mode, DNS_NXDOMAIN);
    AUTO_JSON json_t *gone = finish(start("api.drill.test", dns.text, 100));
    assert_false(json_flag(gone, "complete", true));
    assert_non_null(strstr(json_str(gone, "reason", ""), "failed: dns"));
    dns_server_stop(&dns);
}

static void test_a_silent_server_ends_in_time_and_can_be_stopped(void **state)
{
    (void)state;
    atomic_store(&server.mode, SERVER_HANG);
    int64_t begun_ns = clock_now_ns();
    AUTO_JSON json_t *result = finish(start("127.0.0.2", NULL, 300));
    assert_false(json_flag(result, "complete", true));
    assert_in_range(clock_now_ns() - begun_ns, 250 * NS_PER_MS, 1500 * NS_PER_MS);
    begun_ns = clock_now_ns();
    readback_free(start("127.0.0.2", NULL, 60000));
    assert_true(clock_now_ns() - begun_ns < NS_PER_S);
}

static void test_a_file_that_cannot_be_written_is_an_error(void **state)
{
    struct err err = {0};
    json_t *result = NULL;
    AUTO_READBACK struct readback *readback = NULL;
    AUTO_FREE char *url = xasprintf("http://127.0.0.2:%d/", server.port);
    AUTO_JSON json_t *settings = json_pack("{s:s, s:s}", "url", url, "file", "/nonexistent/file");
    (void)state;
    assert_int_equal(readback_start(settings, &readback, &err), 0);
    assert_true(readback_finish(readback, &result, &err) < 0);
    assert_non_null(strstr(err.text, "/nonexistent/file"));
}

static int set_up(void **state)
{
    (void)state;
    snprintf(file_path, sizeof(file_path), "/tmp/drill-test-readback-%d.ids", (int)getpid());
    http_server_start(&server, "127.0.0.2", 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_server_stop(&server);
    unlink(file_path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_list),
        cmocka_unit_test(test_incomplete_lists_say_why),
        cmocka_unit_test(test_it_is_tried_again_with_a_fresh_file),
        cmocka_unit_test(test_names_are_asked_for),
        cmocka_unit_test(test_a_silent_server_ends_in_time_and_can_be_stopped),
        cmocka_unit_test(test_a_file_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
