/* events.jsonl: what is appended comes back in time order; a line that a crash cut off does not. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/support/fake_evidence.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    (void)str_copy(path, sizeof(path), "/tmp/drill-events-XXXXXX");
    int fd = mkstemp(path);
    fd_close(fd);
    return fd < 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void append(const char *text)
{
    struct err err = {0};
    AUTO_FD int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(fd_write_all(fd, text, strlen(text), &err), 0);
}

static void add(int64_t t_ns, const char *kind, json_t *fields)
{
    struct err err = {0};
    struct events *events = NULL;
    assert_int_equal(events_open(path, &events, &err), 0);
    assert_int_equal(events_add(events, t_ns, kind, fields, &err), 0);
    events_close(events);
}

static void test_time_order_and_fields(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO_JSON json_t *array = NULL;
    add(300, "note", json_pack("{s:s}", "text", "third\nin two lines"));
    add(100, "note", json_pack("{s:s, s:s}", "text", "first", "kind", "forged"));
    add(200, "residue", NULL);
    add(200, "drill.end", NULL);
    assert_int_equal(events_read(path, &array, &err), 0);
    assert_int_equal(json_array_size(array), 4);
    assert_string_equal(json_str(json_array_get(array, 0), "text", ""), "first");
    assert_string_equal(json_str(json_array_get(array, 0), "kind", ""), "note");
    assert_string_equal(json_str(json_array_get(array, 1), "kind", ""), "residue");
    assert_string_equal(json_str(json_array_get(array, 2), "kind", ""), "drill.end");
    assert_string_equal(json_str(json_array_get(array, 3), "text", ""), "third\nin two lines");
    assert_int_equal(json_int(json_array_get(array, 3), "t", 0), 300);
}

static void test_utc_stands_beside_t(void **state)
{
    (void)state;
    struct err err = {0};
    char utc[32];
    AUTO_JSON json_t *array = NULL;
    clock_fake_set_ns(5 * NS_PER_S);
    int64_t offset_ns = clock_utc_now_ns() - 5 * NS_PER_S;
    add(2 * NS_PER_S + 500 * NS_PER_MS, "note", NULL);
    clock_use_real();
    assert_int_equal(events_read(path, &array, &err), 0);
    assert_string_equal(json_str(json_array_get(array, 0), "utc", ""),
                        clock_format_utc(offset_ns + 2 * NS_PER_S + 500 * NS_PER_MS, utc));
}

static void test_torn_last_line(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO_JSON json_t *array = NULL;
    add(1, "note", NULL);
    append("{\"t\":2,\"kind\":\"drill.e");
    assert_int_equal(events_read(path, &array, &err), 0);
    assert_int_equal(json_array_size(array), 1);
}

static void test_damage_elsewhere_is_named(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *array = NULL;
    add(1, "note", NULL);
    append("{\"t\":\n");
    add(2, "note", NULL);
    assert_int_equal(events_read(path, &array, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "line 2"));
    assert_null(array);
}

static void test_empty_and_missing(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO_JSON json_t *array = NULL;
    assert_int_equal(events_read(path, &array, &err), 0);
    assert_int_equal(json_array_size(array), 0);
    assert_int_equal(events_read("/nonexistent/events.jsonl", &array, &err), -ERR_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_time_order_and_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_utc_stands_beside_t, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn_last_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_elsewhere_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_and_missing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
