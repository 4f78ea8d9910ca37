/* Secrets by name in everything that a drill writes down; what is none stays as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/evidence/redact.h"

#include <string.h>

#include "harness/base/str.h"

static void expect(const char *text, const char *wanted)
{
    struct redactor *redactor CLEANUP(redactor_cleanup) = redactor_new();
    struct err err = {0};
    assert_int_equal(redactor_add(redactor, "x-tenant", &err), 0);
    AUTO_FREE char *found = redactor_string(redactor, "test", text);
    assert_string_equal(found, wanted);
    AUTO_FREE char *again = redactor_string(redactor, "test", found);
    assert_string_equal(again, wanted);
}

static void test_headers(void **state)
{
    (void)state;
    expect("> Authorization: Bearer abc.def\r\n> Host: a\r\n", "> Authorization: [redacted]\r\n> Host: a\r\n");
    expect("Cookie: a=b; c=d, e\nx: y", "Cookie: [redacted]\nx: y");
    expect("set-cookie: sid=1\nX-API-Key: k\n", "set-cookie: [redacted]\nX-API-Key: [redacted]\n");
    expect("x-Tenant: acme\nx-tenants: 3", "x-Tenant: [redacted]\nx-tenants: 3");
    expect("curl -H 'X-Api-Key: k k' -H \"Cookie: a\" http://h/",
           "curl -H 'X-Api-Key: [redacted]' -H \"Cookie: [redacted]\" http://h/");
    expect("sent Bearer abcdef123 again", "sent Bearer [redacted] again");
    expect("the bearer of this letter", "the bearer of this letter");
    expect("authorization=Basic dXNlcjpwdw== x", "authorization=[redacted] x");
}

static void test_urls(void **state)
{
    (void)state;
    expect("GET /a?token=s3&n=1&sig=x HTTP/1.1", "GET /a?token=[redacted]&n=1&sig=[redacted] HTTP/1.1");
    expect("http://u:p@ss@h:80/x?key=k#f", "http://[redacted]@h:80/x?key=[redacted]#f");
    expect("postgres://app:pw@db/x, https://h/a@b", "postgres://[redacted]@db/x, https://h/a@b");
    expect("next=https%3A%2F%2Fh%3Ftoken%3Dabc%26n%3D1", "next=https%3A%2F%2Fh%3Ftoken%3D[redacted]%26n%3D1");
    expect("/x?X-Amz-Signature=ab&page=2", "/x?X-Amz-Signature=[redacted]&page=2");
    expect("key=5 code=7 session", "key=5 code=7 session");
}

static void test_settings(void **state)
{
    (void)state;
    expect("PGPASSWORD=a b", "PGPASSWORD=[redacted] b");
    expect("[\"PGPASSWORD=a b\", \"c\"]", "[\"PGPASSWORD=[redacted]\", \"c\"]");
    expect("host=h password=x user=u", "host=h password=[redacted] user=u");
    expect("db:\n  password: a b, c # d\n  port: 1\n", "db:\n  password: [redacted]\n  port: 1\n");
    expect("  secret: |\n    one\n    two\n  port: 1\n", "  secret: |\n    [redacted]\n  port: 1\n");
    expect("- token:\n    - a\n    - b\n- port: 1\n", "- token:\n    [redacted]\n- port: 1\n");
    expect("- name: X-Api-Key\n  value: abc\n- name: Host\n  value: h\n",
           "- name: X-Api-Key\n  value: [redacted]\n- name: Host\n  value: h\n");
    expect("headers = { [\"x-api-key\"] = \"abc\", n = 1 }", "headers = { [\"x-api-key\"] = \"[redacted]\", n = 1 }");
    expect("headers = { Authorization = 'a', n = 1 }", "headers = { Authorization = '[redacted]', n = 1 }");
    expect("{\"token\":\"a\\\"b\",\"n\":1,\"password\":12}", "{\"token\":\"[redacted]\",\"n\":1,\"password\":[redacted]}");
    expect("log: {\\\"token\\\":\\\"abc\\\",\\\"n\\\":1}", "log: {\\\"token\\\":\\\"[redacted]\\\",\\\"n\\\":1}");
    expect("psql --password x -v 1", "psql --password [redacted] -v 1");
    expect("argv: [a, '--token', 'x', b]", "argv: [a, '--token', '[redacted]', b]");
    expect("CREATE ROLE r PASSWORD 'x'; ok", "CREATE ROLE r PASSWORD '[redacted]'; ok");
    expect("requirepass foo\nport 1", "requirepass [redacted]\nport 1");
    expect("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n",
           "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----\n");
}

static void test_what_is_none(void **state)
{
    (void)state;
    expect("password authentication failed for user \"x\"", "password authentication failed for user \"x\"");
    expect("token_bucket: 5\nsecrets_path: /x\npassword:\n", "token_bucket: 5\nsecrets_path: /x\npassword:\n");
    expect("the cookie is gone, the token too", "the cookie is gone, the token too");
    expect("password: \"\"\ntoken = nil\n", "password: \"\"\ntoken = nil\n");
    expect("at 10:15:00 http://h:80/x status=200", "at 10:15:00 http://h:80/x status=200");
    expect("", "");
}

static void test_known_values(void **state)
{
    (void)state;
    struct redactor *redactor CLEANUP(redactor_cleanup) = redactor_new();
    AUTO_FREE char *first = redactor_string(redactor, "topology.yaml", "token: abcdef123456789\npassword: postgres\n");
    AUTO_FREE char *later = redactor_string(redactor, "events.jsonl", "refused abcdef123456789 by postgres");
    assert_string_equal(later, "refused [redacted] by postgres");
}

static void test_json(void **state)
{
    (void)state;
    struct redactor *redactor CLEANUP(redactor_cleanup) = redactor_new();
    AUTO_JSON json_t *json =
        json_pack("{s:s, s:{s:s, s:i}, s:[s, s, s], s:{s:s, s:s}, s:s, s:i}", "text", "a?token=b c", "cookie", "x", "y", "z", 3,
                  "argv", "psql", "--password", "q", "header", "name", "X-Api-Key", "value", "v", "apiKey", "w", "n", 1);
    AUTO_JSON json_t *found = redactor_json(redactor, "plan.json", json);
    AUTO_FREE char *text = json_dumps(found, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"apiKey\":\"[redacted]\",\"argv\":[\"psql\",\"--password\",\"[redacted]\"],\"cookie\":{\"x\":"
                              "\"[redacted]\",\"z\":\"[redacted]\"},\"header\":{\"name\":\"X-Api-Key\",\"value\":\"[redacted]\"},"
                              "\"n\":1,\"text\":\"a?token=[redacted] c\"}");
}

/* It says what was taken where and by which rule, and nothing of what it was. */
static void test_list(void **state)
{
    (void)state;
    struct redactor *redactor CLEANUP(redactor_cleanup) = redactor_new();
    struct err err = {0};
    assert_int_equal(redactor_add(redactor, "x tenant", &err), -ERR_INPUT);
    AUTO_FREE char *b = redactor_string(redactor, "b", "token: 1\ntoken: 2\n");
    AUTO_FREE char *a = redactor_string(redactor, "a", "MY_SECRET=3");
    AUTO_JSON json_t *list = redactor_list(redactor);
    AUTO_FREE char *text = json_dumps(json_object_get(list, "redacted"), JSON_COMPACT);
    assert_string_equal(text,
                        "[{\"file\":\"a\",\"rule\":\"secret\",\"count\":1},{\"file\":\"b\",\"rule\":\"token\",\"count\":2}]");
}

/* Without end or in pieces: it reads no further than it was given. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    static const char text[] = "{\"token\":\"a\\\"\", [\"x-tenant\"] = 'b', u://c:d@e?key=%3Ftoken%3D, name: Cookie\n value: f\n"
                               "password: |\n  g\n-----BEGIN X PRIVATE KEY-----\nh";
    struct redactor *redactor CLEANUP(redactor_cleanup) = redactor_new();
    for (size_t size = 0; size < sizeof(text); size++) {
        char *exact = size ? xcalloc(1, size) : xcalloc(1, 1);
        struct buf out CLEANUP(buf_clear) = {0};
        memcpy(exact, text, size);
        redactor_text(redactor, "x", exact, size, &out);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),      cmocka_unit_test(test_urls),         cmocka_unit_test(test_settings),
        cmocka_unit_test(test_what_is_none), cmocka_unit_test(test_known_values), cmocka_unit_test(test_json),
        cmocka_unit_test(test_list),         cmocka_unit_test(test_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
