/* Paths into JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "harness/base/json.h"
#include "harness/base/str.h"

static void paths_lead_somewhere_or_nowhere(void **state)
{
    static const char text[] = "{\"a\": {\"b\": [{\"name\": \"x\", \"v\": 1}, {\"name\": \"y=z\", \"v\": 2}]}, \"c\": \"d\"}";
    static const struct {
        const char *path;
        int64_t wanted; /* 0: nowhere */
    } cases[] = {{"a.b.0.v", 1},      {"a.b.1.v", 2},
                 {"a.b.name=x.v", 1}, {"a.b.name=y=z.v", 2},
                 {"a.b.2.v", 0},      {"a.b.name=w.v", 0},
                 {"a.b.x.v", 0},      {"a..b", 0},
                 {"c.d", 0},          {"", 0},
                 {"a.b.-1.v", 0},     {"a.b.99999999999999999999.v", 0}};
    AUTO_JSON json_t *json = NULL;
    struct err err = {0};
    (void)state;
    assert_int_equal(json_parse(text, strlen(text), &json, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const json_t *found = json_at(json, cases[i].path);
        if (json_integer_value(found) != cases[i].wanted || (!cases[i].wanted && found)) {
            fail_msg("%s: expected %lld, found %lld", cases[i].path, (long long)cases[i].wanted,
                     (long long)json_integer_value(found));
        }
    }
    assert_string_equal(json_string_value(json_at(json, "c")), "d");
    assert_null(json_at(NULL, "c"));
    char endless[400];
    memset(endless, 'x', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_null(json_at(json, endless));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths_lead_somewhere_or_nowhere)};
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
