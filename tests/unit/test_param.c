/* Values with positions, units, and the option tables that read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/str.h"
#include "harness/param/param.h"
#include "harness/param/units.h"

#include <math.h>
#include <string.h>

struct options {
    char *text;
    bool flag;
    int64_t count, time_ns, bytes;
    double share, rate;
    int mode;
};

static const char *const modes[] = {"fast", "slow", NULL};
static const struct param table[] = {
    {"text", PARAM_STRING, offsetof(struct options, text), .fallback = "none", .help = "a text"},
    {"flag", PARAM_BOOL, offsetof(struct options, flag), .help = "a flag"},
    {"count", PARAM_INTEGER, offsetof(struct options, count), 1, 10, "3", .help = "a number"},
    {"time", PARAM_DURATION, offsetof(struct options, time_ns), NS_PER_MS, 10 * NS_PER_S, "1s", .help = "a time"},
    {"size", PARAM_BYTES, offsetof(struct options, bytes), 1, 1 << 20, "1KiB", .help = "a size"},
    {"share", PARAM_SHARE, offsetof(struct options, share), 100000, 900000, "50%", .help = "a share"},
    {"rate", PARAM_RATE, offsetof(struct options, rate), 1, 1000, "10/s", .help = "a rate"},
    {"mode", PARAM_CHOICE, offsetof(struct options, mode), .fallback = "fast", .choices = modes, .help = "a choice"},
    {0},
};
static const struct param needy[] = {{"region", PARAM_STRING, 0, .required = true, .help = "which one"}, {0}};

static void durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"0", 0},      {"250ms", 250 * NS_PER_MS}, {"1.5s", 1500 * NS_PER_MS}, {"2 m", 120 * NS_PER_S},  {"7us", 7000},
        {"7µs", 7000}, {"1h", 3600 * NS_PER_S},    {"1d", 86400 * NS_PER_S},   {"3min", 180 * NS_PER_S}, {"-1s", -NS_PER_S},
        {"5ns", 5}};
    static const char *const wrong[] = {"", "20", "s", "5x", "1e400s", "inf", "nan s", "0x10s", "1s2s", "400000d", NULL};
    struct err err = {0};
    int64_t ns;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(units_duration(cases[i].text, &ns, &err), 0);
        assert_int_equal(ns, cases[i].ns);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ns = 77;
        if (units_duration(wrong[i], &ns, &err) != -ERR_INPUT) {
            fail_msg("'%s' was taken", wrong[i] ? wrong[i] : "NULL");
        }
        assert_int_equal(ns, 77);
    }
    assert_int_equal(units_duration("20", &ns, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "\"20s\""));
}

static void other_units(void **state)
{
    struct err err = {0};
    double value;
    int64_t number;
    (void)state;
    assert_int_equal(units_percent("30%", &value, &err), 0);
    assert_true(fabs(value - 0.3) < 1e-12);
    assert_int_equal(units_percent("0.3", &value, &err), -ERR_INPUT);
    assert_int_equal(units_rate("300/s", &value, &err), 0);
    assert_true(value == 300);
    assert_int_equal(units_rate("120/min", &value, &err), 0);
    assert_true(value == 2);
    assert_int_equal(units_rate("5", &value, &err), 0);
    assert_int_equal(units_rate("-5/s", &value, &err), -ERR_INPUT);
    assert_int_equal(units_rate("5/day", &value, &err), -ERR_INPUT);
    assert_int_equal(units_bytes("64KiB", &number, &err), 0);
    assert_int_equal(number, 65536);
    assert_int_equal(units_bytes("2MB", &number, &err), 0);
    assert_int_equal(number, 2000000);
    assert_int_equal(units_bytes("0", &number, &err), 0);
    assert_int_equal(units_bytes("64", &number, &err), -ERR_INPUT);
    assert_int_equal(units_bytes("-1B", &number, &err), -ERR_INPUT);
    assert_int_equal(units_bytes("1e18GB", &number, &err), -ERR_INPUT);
    assert_int_equal(units_bitrate("10Mbit", &number, &err), 0);
    assert_int_equal(number, 10000000);
    assert_int_equal(units_bitrate("0.5Kbit", &number, &err), 0);
    assert_int_equal(number, 500);
    assert_int_equal(units_bitrate("10", &number, &err), -ERR_INPUT);
    assert_int_equal(units_bitrate("10Mbyte", &number, &err), -ERR_INPUT);
    assert_int_equal(units_integer("-12", &number, &err), 0);
    assert_int_equal(number, -12);
    assert_int_equal(units_integer("1.5", &number, &err), -ERR_INPUT);
    assert_int_equal(units_integer("99999999999999999999", &number, &err), -ERR_INPUT);
    assert_int_equal(units_integer("", &number, &err), -ERR_INPUT);
    assert_int_equal(units_number("1.5", &value, &err), 0);
    assert_int_equal(units_number("1.5s", &value, &err), -ERR_INPUT);
}

static struct node *map_of(const char *json)
{
    struct err err = {0};
    AUTO_JSON json_t *parsed = NULL;
    assert_int_equal(json_parse(json, strlen(json), &parsed, &err), 0);
    return node_from_json(parsed);
}

static void every_type_is_read(void **state)
{
    AUTO_NODE struct node *map = map_of("{\"text\": \"x\", \"flag\": true, \"count\": 7, \"time\": \"20ms\", \"size\": \"2KB\","
                                        "\"share\": \"25%\", \"rate\": \"60/min\", \"mode\": \"slow\"}");
    struct options options = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(param_check_table(table, "the table", &err), 0);
    assert_int_equal(param_parse(table, map, "thing", &options, &err), 0);
    assert_string_equal(options.text, "x");
    assert_true(options.flag);
    assert_int_equal(options.count, 7);
    assert_int_equal(options.time_ns, 20 * NS_PER_MS);
    assert_int_equal(options.bytes, 2000);
    assert_true(options.share == 0.25 && options.rate == 1);
    assert_int_equal(options.mode, 1);
    param_clear(table, &options);
    assert_null(options.text);
}

static void values_go_round(void **state)
{
    static const char *const maps[] = {
        "{}", "{\"text\": \"\", \"flag\": true, \"count\": 10, \"time\": \"1001us\", \"size\": \"1MiB\", \"share\": \"12.5%\","
              "\"rate\": \"1.5\", \"mode\": \"slow\"}"};
    struct err err = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        struct options first = {0}, second = {0};
        AUTO_NODE struct node *map = map_of(maps[i]);
        assert_int_equal(param_parse(table, map, "thing", &first, &err), 0);
        AUTO_JSON json_t *json = param_to_json(table, &first);
        AUTO_NODE struct node *again = node_from_json(json);
        assert_int_equal(param_parse(table, again, "thing", &second, &err), 0);
        AUTO_JSON json_t *same = param_to_json(table, &second);
        assert_true(json_equal(json, same));
        assert_string_equal(first.text, second.text);
        assert_int_equal(first.time_ns, second.time_ns);
        assert_int_equal(first.bytes, second.bytes);
        assert_true(first.share == second.share && first.rate == second.rate && first.mode == second.mode);
        param_clear(table, &first);
        param_clear(table, &second);
    }
}

/* Figures that a coarse print would round. */
static void exact_values_go_round(void **state)
{
    struct options first = {0}, second = {0};
    struct err err = {0};
    (void)state;
    AUTO_NODE struct node *map = map_of("{\"time\": \"1234567891ns\", \"share\": \"33.3333333%\", \"rate\": \"123.456789\"}");
    assert_int_equal(param_parse(table, map, "thing", &first, &err), 0);
    AUTO_JSON json_t *json = param_to_json(table, &first);
    AUTO_NODE struct node *again = node_from_json(json);
    assert_int_equal(param_parse(table, again, "thing", &second, &err), 0);
    assert_int_equal(second.time_ns, 1234567891);
    assert_true(fabs(first.share - second.share) < 1e-9);
    assert_true(fabs(first.rate - second.rate) < 1e-6);
    param_clear(table, &first);
    param_clear(table, &second);
}

static void defaults_without_a_map(void **state)
{
    struct options options;
    struct err err = {0};
    (void)state;
    memset(&options, 0x5a, sizeof(options));
    assert_int_equal(param_parse(table, NULL, "thing", &options, &err), 0);
    assert_string_equal(options.text, "none");
    assert_false(options.flag);
    assert_int_equal(options.count, 3);
    assert_int_equal(options.time_ns, NS_PER_S);
    assert_int_equal(options.bytes, 1024);
    assert_int_equal(options.mode, 0);
    param_clear(table, &options);
}

static void refusals_say_what_was_expected(void **state)
{
    static const struct {
        const char *map, *wanted;
    } cases[] = {
        {"{\"count\": 11}", "option 'count' of thing: expected 1 to 10, found '11'"},
        {"{\"count\": 0}", "expected 1 to 10"},
        {"{\"count\": \"x\"}", "expected a whole number, found 'x'"},
        {"{\"time\": \"1us\"}", "expected 1.0 ms to 10.00 s, found '1us'"},
        {"{\"time\": \"11s\"}", "expected 1.0 ms to 10.00 s"},
        {"{\"share\": \"95%\"}", "expected 10% to 90%, found '95%'"},
        {"{\"rate\": \"0.5/s\"}", "expected 1/s to 1000/s"},
        {"{\"size\": \"1GB\"}", "expected 1 to 1048576"},
        {"{\"flag\": \"maybe\"}", "expected true or false, found 'maybe'"},
        {"{\"mode\": \"slwo\"}", "expected one of fast, slow, found 'slwo', did you mean 'slow'?"},
        {"{\"tiem\": \"1s\"}", "unknown option 'tiem' of thing, did you mean 'time'?"},
        {"{\"completely\": 1}", "(it has: text, flag, count, time, size, share, rate, mode)"},
        {"{\"text\": [\"a\"]}", "option 'text' of thing: expected one value, found a list"},
        {"{\"text\": {\"a\": 1}}", "found a map"},
        {"[1]", "thing: expected options by name"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct options options = {0};
        struct err err = {0};
        AUTO_NODE struct node *map = map_of(cases[i].map);
        assert_int_equal(param_parse(table, map, "thing", &options, &err), -ERR_INPUT);
        if (!strstr(err.text, cases[i].wanted)) {
            fail_msg("%s: expected: %s\nfound: %s", cases[i].map, cases[i].wanted, err.text);
        }
        assert_null(options.text); /* nothing is left to be freed */
    }
}

static void required_is_asked_for(void **state)
{
    char *region = NULL;
    struct err err = {0};
    AUTO_NODE struct node *map = map_of("{\"region\": \"us-east\"}");
    (void)state;
    assert_int_equal(param_parse(needy, NULL, "fault 'x'", &region, &err), -ERR_INPUT);
    assert_string_equal(err.text, "fault 'x' needs the option 'region': which one");
    assert_int_equal(param_parse(needy, map, "fault 'x'", &region, &err), 0);
    assert_string_equal(region, "us-east");
    param_clear(needy, &region);
}

static void one_option_is_set_from_text(void **state)
{
    struct options options = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(param_set(table, "text", "one", "thing", &options, &err), 0);
    assert_int_equal(param_set(table, "text", "two", "thing", &options, &err), 0);
    assert_string_equal(options.text, "two");
    assert_int_equal(param_set(table, "count", "99", "thing", &options, &err), -ERR_INPUT);
    assert_true(str_starts_with(err.text, "option 'count' of thing: "));
    assert_int_equal(param_set(table, "coutn", "9", "thing", &options, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "'count'"));
    param_clear(table, &options);
}

static void positions_stand_in_front(void **state)
{
    struct options options = {0};
    struct err err = {0};
    char where[512];
    AUTO_NODE struct node *map = map_of("{\"count\": 11}");
    struct node *child = map->children[0];
    (void)state;
    child->file = "t.yaml";
    assert_string_equal(node_where(child, where), "t.yaml: ");
    child->line = 3;
    assert_string_equal(node_where(child, where), "t.yaml:3: ");
    child->column = 9;
    assert_int_equal(param_parse(table, map, "thing", &options, &err), -ERR_INPUT);
    assert_true(str_starts_with(err.text, "t.yaml:3:9: option 'count'"));
    AUTO_NODE struct node *copy = node_copy(map);
    child->file = NULL;
    assert_string_equal(node_where(copy->children[0], where), "t.yaml:3:9: ");
    assert_int_equal(node_err(copy->children[0], &err, "no %d", 1), -ERR_INPUT);
    assert_string_equal(err.text, "t.yaml:3:9: no 1");
}

static void nodes_hold_a_tree(void **state)
{
    AUTO_NODE struct node *map = map_of("{\"a\": [1, true, null, \"x\"], \"b\": {\"c\": \"d\"}}");
    AUTO_JSON json_t *json = node_to_json(map),
                     *wanted = json_pack("{s:[s,s,s,s], s:{s:s}}", "a", "1", "true", "null", "x", "b", "c", "d");
    (void)state;
    assert_true(json_equal(json, wanted));
    assert_false(node_get(map, "a")->children[0]->quoted);
    assert_true(node_get(map, "a")->children[3]->quoted);
    assert_string_equal(node_text(node_get(map, "b"), "c"), "d");
    assert_null(node_text(map, "a"));
    assert_null(node_get(map, "none"));
    assert_null(node_get(NULL, "a"));
    node_put(map, "a", node_scalar("new"));
    assert_int_equal(map->count, 2);
    assert_string_equal(node_text(map, "a"), "new");
}

static void wrong_tables_are_found(void **state)
{
    static const struct param twice[] = {{"a", PARAM_BOOL, 0, .help = "x"}, {"a", PARAM_BOOL, 0, .help = "x"}, {0}};
    static const struct param silent[] = {{"a", PARAM_BOOL, 0, .help = ""}, {0}};
    static const struct param crossed[] = {{"a", PARAM_INTEGER, 0, 2, 1, .help = "x"}, {0}};
    static const struct param outside[] = {{"a", PARAM_INTEGER, 0, 1, 2, "3", .help = "x"}, {0}};
    static const struct param choiceless[] = {{"a", PARAM_CHOICE, 0, .help = "x"}, {0}};
    static const struct param *const all[] = {twice, silent, crossed, outside, choiceless};
    struct err err = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_true(param_check_table(all[i], "table", &err) < 0);
        assert_true(str_starts_with(err.text, "table: "));
    }
}

static void help_shows_limits_and_defaults(void **state)
{
    struct buf out CLEANUP(buf_clear) = {0};
    (void)state;
    param_print_help(table, &out);
    assert_non_null(strstr(buf_str(&out), "a number (number, 1 to 10, default 3)\n"));
    assert_non_null(strstr(buf_str(&out), "a choice (fast, slow, default fast)\n"));
    buf_reset(&out);
    param_print_help(needy, &out);
    assert_non_null(strstr(buf_str(&out), "which one (text, required)\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(other_units),
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(values_go_round),
        cmocka_unit_test(exact_values_go_round),
        cmocka_unit_test(defaults_without_a_map),
        cmocka_unit_test(refusals_say_what_was_expected),
        cmocka_unit_test(required_is_asked_for),
        cmocka_unit_test(one_option_is_set_from_text),
        cmocka_unit_test(positions_stand_in_front),
        cmocka_unit_test(nodes_hold_a_tree),
        cmocka_unit_test(wrong_tables_are_found),
        cmocka_unit_test(help_shows_limits_and_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
