/* programme.yaml: its fields, the rules of approval, what frameworks find missing; and the instants that all of them write. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/programme/approval.h"
#include "harness/programme/frameworks.h"
#include "harness/programme/review.h"
#include "harness/programme/when.h"

static int load(const char *text, struct programme **ret_programme, struct err *err)
{
    char path[] = "/tmp/drill-programme-XXXXXX.yaml";
    AUTO_FD int fd = mkstemps(path, 5);
    struct err ignored = {0};
    assert_int_equal(fd_write_all(fd, text, strlen(text), &ignored), 0);
    int status = programme_load(path, ret_programme, err);
    unlink(path);
    return status;
}

static void test_instants(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool end_of_day;
        int64_t seconds; /* -1: refused */
    } table[] = {
        {"2026-01-10", false, 1768003200},
        {"2026-01-10", true, 1768003200 + 86399},
        {"2026-01-10T09:30Z", false, 1768003200 + 34200},
        {"2026-01-10T09:30:05Z", true, 1768003200 + 34205},
        {"2026-01-10 09:30:05.123Z", false, 1768003200 + 34205},
        {"2026-01-10T09:30+01:00", false, 1768003200 + 30600},
        {"2026-01-10T09:30:00-0530", false, 1768003200 + 54000},
        {"2028-02-29", false, 1835395200},
        {"2026-02-29", false, -1},
        {"2026-13-01", false, -1},
        {"2026-1-1", false, -1},
        {"2026-01-10T09:30", false, -1}, /* whose half past nine? */
        {"2026-01-10T25:00Z", false, -1},
        {"2026-01-10T09:30Zulu", false, -1},
        {"10.1.2026", false, -1},
        {"", false, -1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct err err = {0};
        int64_t utc_ns = -1;
        int status = when_parse(table[i].text, table[i].end_of_day, &utc_ns, &err);
        if ((status < 0) != (table[i].seconds < 0) || (status == 0 && utc_ns != table[i].seconds * NS_PER_S)) {
            fail_msg("%s: %d, %lld: %s", table[i].text, status, (long long)(utc_ns / NS_PER_S), err.text);
        }
    }
    char name[16];
    assert_string_equal(when_quarter_name(when_quarter(1768003200 * NS_PER_S), name), "2026-Q1");
    assert_string_equal(when_day(1768003200 * NS_PER_S, name), "2026-01-10");
}

static void test_tables(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(fields_check_table(programme_fields, "programme", &err), 0);
    assert_int_equal(fields_check_table(review_fields, "review", &err), 0);
}

static void test_reading(void **state)
{
    (void)state;
    struct programme *programme CLEANUP(programme_cleanup) = NULL;
    struct err err = {0};
    if (load("environment: staging\nmtpd: 4h\nscope: gateway\nthird_parties: [Cloud A, Bank B]\n"
             "assumptions:\n  - replication is in sync\n  - { text: DNS works, reason: tested in May }\n"
             "participants:\n  - { role: incident lead, site: Berlin, present: false }\nrequire_approval: false\n",
             &programme, &err) < 0) {
        fail_msg("%s", err.text);
    }
    AUTO_FREE char *text = json_dumps(programme->fields, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text,
                        "{\"assumptions\":[{\"text\":\"replication is in sync\"},{\"reason\":\"tested in May\",\"text\":\"DNS "
                        "works\"}],\"environment\":\"staging\",\"mtpd\":\"4h\",\"participants\":[{\"present\":false,\"role\":"
                        "\"incident lead\",\"site\":\"Berlin\"}],\"require_approval\":false,\"scope\":[\"gateway\"],"
                        "\"third_parties\":[\"Cloud A\",\"Bank B\"]}");
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where, *said;
    } table[] = {
        {"enviroment: staging\n", ":1:1: ", "did you mean 'environment'"},
        {"environment: prod\n", ":1:1: ", "one of development, test, staging, production"},
        {"operator: a\nmtpd: 4\n", ":2:1: ", "unit"},
        {"not_after: tomorrow\n", ":1:1: ", "2026-01-10"},
        {"operator: [a, b]\n", ":1:1: ", "takes one text"},
        {"operator: \"\"\n", ":1:1: ", "takes one text"},
        {"approvals:\n  - { nam: carol }\n", ":2:", "did you mean 'name'"},
        {"approvals:\n  - { role: owner }\n", ":2:", "name"},
        {"approvals:\n  - { name: carol, time: noon }\n", ":2:", "'time'"},
        {"freeze:\n  - { from: 2026-12-20, to: Friday }\n", ":2:", "'to'"},
        {"require_approval: maybe\n", ":1:1: ", "true or false"},
        {"scope: [[a]]\n", ":1:", "list of texts"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct programme *programme CLEANUP(programme_cleanup) = NULL;
        struct err err = {0};
        assert_true(load(table[i].text, &programme, &err) < 0);
        if (err.code != ERR_INPUT || !strstr(err.text, table[i].where) || !strstr(err.text, table[i].said)) {
            fail_msg("%s: expected '%s' and '%s' in '%s'", table[i].text, table[i].where, table[i].said, err.text);
        }
    }
}

#define NOW "2026-05-10T12:00Z"
#define GOOD                                                                                                                     \
    "environment: production\noperator: alice\nchange_ticket: CHG-1234\n"                                                        \
    "not_before: 2026-05-10T11:00Z\nnot_after: 2026-05-10\n"                                                                     \
    "approvals:\n  - { name: carol, role: service owner, time: 2026-05-09, ticket: CHG-1234 }\n"

static void test_approval(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said; /* NULL: allowed */
    } table[] = {
        {GOOD, NULL},
        {"environment: staging\n", NULL},
        {"environment: production\n", "'approvals' is missing"},
        {"environment: production\n", "'operator' is missing"},
        {"environment: production\n", "'change_ticket' is missing"},
        {"environment: staging\nrequire_approval: true\n", "(require_approval)"},
        {GOOD "  - { name: Alice, time: 2026-05-09 }\n", ":6:1: 'Alice' approves and operates"},
        {GOOD "  - { name: dave }\n", "the approval by 'dave' has no time"},
        {GOOD "  - { name: dave, time: 2026-05-11 }\n", "from the future"},
        {GOOD "  - { name: dave, time: 2026-05-09, ticket: soon }\n", "ticket 'soon' does not match"},
        {GOOD "ticket_pattern: '^OPS-'\n", "ticket 'CHG-1234' does not match '^OPS-'"},
        {GOOD "ticket_pattern: '^CHG-[0-9]{4}$'\n", NULL},
        {GOOD "ticket_pattern: '('\n", "not an extended regular expression"},
        {GOOD "freeze:\n  - { from: 2026-05-01, to: 2026-05-10, reason: quarter end }\n",
         "change freeze from 2026-05-01 to 2026-05-10: quarter end"},
        {GOOD "freeze:\n  - { from: 2026-05-01, to: 2026-05-09 }\n", NULL},
        {"environment: production\nnot_before: 2026-05-11\n", ":2:1: the window opens at 2026-05-11"},
        {"environment: production\nnot_after: 2026-05-10T11:59Z\n", ":2:1: the window closed at"},
    };
    int64_t now_ns = when_or(NOW, false, 0);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct programme *programme CLEANUP(programme_cleanup) = NULL;
        struct err err = {0};
        if (load(table[i].text, &programme, &err) < 0) {
            fail_msg("%s: %s", table[i].text, err.text);
        }
        int status = approval_check(programme, now_ns, &err);
        if ((status < 0) != (table[i].said != NULL) || (table[i].said && !strstr(err.text, table[i].said))) {
            fail_msg("%s: expected '%s' in '%s'", table[i].text, table[i].said ? table[i].said : "nothing", err.text);
        }
    }
}

static void test_frameworks(void **state)
{
    (void)state;
    AUTO_FREE size_t *chosen = NULL;
    size_t count = 0;
    struct err err = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    assert_true(frameworks_choose("soc2,doar", &chosen, &count, &err) < 0);
    assert_non_null(strstr(err.text, "did you mean 'dora'"));
    assert_int_equal(frameworks_choose("hipaa, dora,hipaa", &chosen, &count, &err), 0);
    assert_int_equal(count, 2);
    AUTO_JSON json_t *record =
        json_pack("{s:s, s:s, s:s, s:s, s:[], s:[s], s:s}", "exercise_type", "functional", "plan_ref", "DR-1", "plan_version", "",
                  "retain_until", "2032-01-01", "participants", "communications", "mail", "operator", "alice");
    AUTO_JSON json_t *rows = frameworks_check(record, chosen, count);
    frameworks_print(rows, &out);
    assert_non_null(strstr(buf_str(&out), "HIPAA 4/6: missing participants, plan_version\n"));
    assert_non_null(strstr(buf_str(&out), "DORA 4/16: missing bia_ref, risk_ref,"));
    assert_null(strcasestr(buf_str(&out), "complian"));
}

/* Every field that a framework asks for is one that a programme can hold or that the drill fills in. */
static void test_frameworks_fields(void **state)
{
    (void)state;
    static const char *const filled[] = {"objectives", "rationale",      "rto_target",      "rpo_target", "topology",
                                         "regions",    "recovered_when", "scenario_sha256", "tool"};
    for (size_t i = 0; i < framework_count; i++) {
        for (const char *const *field = frameworks[i].fields; *field; field++) {
            bool known = false;
            for (const struct field *programme = programme_fields; programme->kind != FIELD_NONE; programme++) {
                known |= str_eq(programme->name, *field);
            }
            for (size_t j = 0; j < sizeof(filled) / sizeof(filled[0]); j++) {
                known |= str_eq(filled[j], *field);
            }
            if (!known) {
                fail_msg("%s asks for '%s', which nobody can fill in", frameworks[i].key, *field);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instants),          cmocka_unit_test(test_tables),   cmocka_unit_test(test_reading),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_approval), cmocka_unit_test(test_frameworks),
        cmocka_unit_test(test_frameworks_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
