/* The base's texts: errors, strings, buffers, times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "harness/base/buf.h"
#include "harness/base/cleanup.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/str.h"

#include <errno.h>
#include <string.h>

static void error_is_filled(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(err_set(&err, ERR_INPUT, "no '%s'", "x"), -ERR_INPUT);
    assert_int_equal(err.code, ERR_INPUT);
    assert_int_equal(err.saved_errno, 0);
    assert_string_equal(err.text, "no 'x'");
    assert_non_null(strstr(err.source_file, "test_str.c"));
    assert_int_equal(err_errno(&err, ENOENT, "cannot open '%s'", "/x"), -ERR_SYSTEM);
    assert_int_equal(err.saved_errno, ENOENT);
    assert_string_equal(err.text, "cannot open '/x': No such file or directory");
    assert_int_equal(err_errno(&err, 99999, "odd"), -ERR_SYSTEM);
    assert_string_equal(err.text, "odd: unknown error");
}

static void error_grows_outwards(void **state)
{
    struct err err = {0};
    (void)state;
    (void)err_set(&err, ERR_TIMEOUT, "inner");
    assert_int_equal(err_prefix(&err, "outer %d", 1), -ERR_TIMEOUT);
    assert_string_equal(err.text, "outer 1: inner");
    (void)err_prefix(&err, "%s", err.text); /* its own text as the argument */
    assert_string_equal(err.text, "outer 1: inner: outer 1: inner");
}

/* A text that is too long ends in a whole "…" and a terminator, however it came to be too long. */
static void long_error_is_marked(void **state)
{
    struct err err = {0};
    char text[3000];
    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)err_set(&err, ERR_INPUT, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_true(str_ends_with(err.text, "a…"));
    (void)err_prefix(&err, "before");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_true(str_starts_with(err.text, "before: aaa"));
    assert_true(str_ends_with(err.text, "a…"));
    text[sizeof(err.text) - 5] = '\0';
    (void)err_errno(&err, ENOENT, "%s", text);
    assert_true(str_ends_with(err.text, "…"));
    text[10] = '\0';
    (void)err_set(&err, ERR_INPUT, "%s", text);
    assert_string_equal(err.text, "aaaaaaaaaa");
}

static void error_names_go_both_ways(void **state)
{
    (void)state;
    for (enum err_code code = ERR_NONE; code < ERR_COUNT; code++) {
        assert_int_equal(err_code_from_name(err_code_name(code)), code);
    }
    assert_string_equal(err_code_name(ERR_UNSUPPORTED), "unsupported");
    assert_string_equal(err_code_name(ERR_COUNT), "unknown");
    assert_int_equal(err_code_from_name("else"), ERR_SYSTEM);
    assert_int_equal(err_code_from_name(NULL), ERR_SYSTEM);
}

static void comparing(void **state)
{
    (void)state;
    assert_true(str_eq("a", "a"));
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq("", NULL));
    assert_false(str_eq("a", "b"));
    assert_true(str_starts_with("ledger-a", "ledger-"));
    assert_false(str_starts_with("led", "ledger-"));
    assert_true(str_ends_with("a.lua", ".lua"));
    assert_false(str_ends_with("ua", ".lua"));
}

static void copying_says_when_it_does_not_fit(void **state)
{
    char out[4];
    (void)state;
    assert_true(str_copy(out, sizeof(out), "abc"));
    assert_string_equal(out, "abc");
    assert_false(str_copy(out, sizeof(out), "abcd"));
    assert_string_equal(out, "abc");
    assert_true(str_format(out, sizeof(out), "%d", 123));
    assert_false(str_format(out, sizeof(out), "%d", 1234));
    assert_string_equal(out, "123");
    AUTO_FREE char *text = xasprintf("%s-%d", "a", 1);
    assert_string_equal(text, "a-1");
    assert_null(xstrdup(NULL));
}

static void distance_counts_single_edits(void **state)
{
    char a[100], b[100];
    (void)state;
    assert_int_equal(str_distance("", ""), 0);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("rate", "rate"), 0);
    assert_int_equal(str_distance("rate", "rat"), 1);
    assert_int_equal(str_distance("rate", "rates"), 1);
    assert_int_equal(str_distance("rate", "rote"), 1);
    assert_int_equal(str_distance("rate", "raet"), 1);
    assert_int_equal(str_distance("kitten", "sitting"), 3);
    memset(a, 'a', 99);
    memset(b, 'b', 99);
    a[99] = b[99] = '\0';
    assert_int_equal(str_distance(a, b), 64);
    a[64] = b[64] = '\0';
    assert_int_equal(str_distance(a, b), 64);
    assert_int_equal(str_distance(a, a), 0);
}

static void nearest_name(void **state)
{
    static const char *const names[] = {"blackhole", "kill", "loss", "partition"};
    char out[96];
    (void)state;
    assert_string_equal(str_nearest("blackhol", names, 4), "blackhole");
    assert_string_equal(str_nearest("lsos", names, 4), "loss");
    assert_string_equal(str_nearest("kill", names, 4), "kill");
    assert_null(str_nearest("earthquake", names, 4));
    assert_null(str_nearest("kill", names, 0));
    assert_string_equal(str_did_you_mean("partitoin", names, 4, out), ", did you mean 'partition'?");
    assert_string_equal(str_did_you_mean("earthquake", names, 4, out), "");
}

static void buffer_grows(void **state)
{
    struct buf buf CLEANUP(buf_clear) = {0};
    (void)state;
    assert_string_equal(buf_str(&buf), "");
    buf_add(&buf, "", 0);
    assert_int_equal(buf.size, 0);
    for (int i = 0; i < 1000; i++) {
        buf_printf(&buf, "%04d", i);
    }
    assert_int_equal(buf.size, 4000);
    assert_memory_equal(buf.data + 3992, "09980999", 9);
    buf_drop_front(&buf, 3996);
    assert_string_equal(buf_str(&buf), "0999");
    buf_drop_front(&buf, 5);
    assert_string_equal(buf_str(&buf), "");
    buf_add(&buf, "a\0b", 3);
    assert_int_equal(buf.size, 3);
    buf_reset(&buf);
    buf_puts(&buf, "again");
    AUTO_FREE char *taken = buf_take(&buf);
    assert_string_equal(taken, "again");
    assert_null(buf.data);
    AUTO_FREE char *none = buf_take(&buf);
    assert_string_equal(none, "");
}

static void buffer_has_a_cap(void **state)
{
    struct buf buf CLEANUP(buf_clear) = {0};
    (void)state;
    buf_puts(&buf, "kept");
    buf_add(&buf, "x", BUF_MAX_BYTES); /* refused before a byte of it is read */
    assert_true(buf.truncated);
    assert_string_equal(buf_str(&buf), "kept");
    buf_add(&buf, "x", SIZE_MAX);
    assert_string_equal(buf_str(&buf), "kept");
    buf_reset(&buf);
    assert_false(buf.truncated);
}

static void clock_can_be_faked(void **state)
{
    char out[32];
    (void)state;
    int64_t before_ns = clock_now_ns();
    clock_fake_set_ns(5 * NS_PER_S);
    assert_int_equal(clock_now_ns(), 5 * NS_PER_S);
    clock_fake_advance_ns(NS_PER_MS);
    assert_int_equal(clock_now_ns(), 5 * NS_PER_S + NS_PER_MS);
    assert_string_equal(clock_format_utc(clock_utc_now_ns(), out), "2026-01-01T00:00:05.001Z");
    clock_use_real();
    assert_true(clock_now_ns() >= before_ns);
}

static void durations_for_people(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{0, "0 s"},
                 {1, "0 µs"},
                 {4200, "4 µs"},
                 {12300 * NS_PER_US, "12.3 ms"},
                 {250 * NS_PER_MS, "250 ms"},
                 {1234 * NS_PER_MS, "1.23 s"},
                 {30 * NS_PER_S, "30.00 s"},
                 {100 * NS_PER_S, "100.0 s"},
                 {-2 * NS_PER_S, "-2.00 s"}};
    char out[32];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(clock_format_duration(cases[i].ns, out), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_is_filled),
        cmocka_unit_test(error_grows_outwards),
        cmocka_unit_test(long_error_is_marked),
        cmocka_unit_test(error_names_go_both_ways),
        cmocka_unit_test(comparing),
        cmocka_unit_test(copying_says_when_it_does_not_fit),
        cmocka_unit_test(distance_counts_single_edits),
        cmocka_unit_test(nearest_name),
        cmocka_unit_test(buffer_grows),
        cmocka_unit_test(buffer_has_a_cap),
        cmocka_unit_test(clock_can_be_faked),
        cmocka_unit_test(durations_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
