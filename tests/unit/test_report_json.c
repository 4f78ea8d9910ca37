/* report.json: keeps to its schema, has every path that other tools rely on, never invents a figure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "harness/base/fd.h"
#include "reports/report.h"
#include "tests/unit/test_report_samples.h"

static json_t *write_and_read(void (*fill)(struct sample *))
{
    static struct sample sample;
    struct err err = {0};
    char folder[] = "/tmp/drill-report-XXXXXX";
    json_t *json = NULL;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = xasprintf("%s/report.json", folder);
    fill(&sample);
    assert_int_equal(report_find("json")->write(&sample.result, &(struct report_context){0}, folder, &err), 0);
    assert_int_equal(json_read_file(path, &json, &err), 0);
    assert_int_equal(fd_remove_tree(folder, &err), 0);
    sample_clear(&sample);
    return json;
}

static const json_t *at_path(const json_t *json, const char *path)
{
    char name[64];
    while (json && *path) {
        size_t size = strcspn(path, ".");
        (void)str_format(name, sizeof(name), "%.*s", (int)size, path);
        json = json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10)) : json_object_get(json, name);
        path += size + (path[size] == '.');
    }
    return json;
}

static bool is_type(const json_t *value, const char *type)
{
    return (str_eq(type, "object") && json_is_object(value)) || (str_eq(type, "array") && json_is_array(value)) ||
           (str_eq(type, "string") && json_is_string(value)) || (str_eq(type, "integer") && json_is_integer(value)) ||
           (str_eq(type, "number") && json_is_number(value)) || (str_eq(type, "boolean") && json_is_boolean(value)) ||
           (str_eq(type, "null") && json_is_null(value));
}

static bool type_fits(const json_t *value, const json_t *type)
{
    size_t index;
    json_t *one;
    if (json_is_string(type)) {
        return is_type(value, json_string_value(type));
    }
    json_array_foreach(type, index, one)
    {
        if (is_type(value, json_string_value(one))) {
            return true;
        }
    }
    return !type;
}

static bool enumerated(const json_t *value, const json_t *choices)
{
    size_t index;
    json_t *one;
    json_array_foreach(choices, index, one)
    {
        if (json_equal(one, value)) {
            return true;
        }
    }
    return !choices;
}

static void validate(const json_t *root, const json_t *schema, json_t *value, const char *where);

static void validate_object(const json_t *root, const json_t *schema, json_t *value, const char *where)
{
    size_t index;
    const char *key;
    json_t *member, *name;
    json_array_foreach(json_object_get(schema, "required"), index, name)
    {
        if (!json_object_get(value, json_string_value(name))) {
            fail_msg("%s.%s is missing", where, json_string_value(name));
        }
    }
    json_object_foreach(value, key, member)
    {
        const json_t *part = json_object_get(json_object_get(schema, "properties"), key);
        const json_t *others = json_object_get(schema, "additionalProperties");
        AUTO_FREE char *there = xasprintf("%s.%s", where, key);
        if (!part && json_is_false(others)) {
            fail_msg("%s is not in the schema", there);
        }
        if (part || json_is_object(others)) {
            validate(root, part ? part : others, member, there);
        }
    }
}

/* As much of JSON Schema as report.schema.json uses. */
static void validate(const json_t *root, const json_t *schema, json_t *value, const char *where)
{
    size_t index;
    json_t *item;
    if (json_object_get(schema, "$ref")) {
        const char *name = json_str(schema, "$ref", "");
        assert_true(str_starts_with(name, "#/definitions/"));
        schema = json_object_get(json_object_get(root, "definitions"), name + strlen("#/definitions/"));
        assert_non_null(schema);
    }
    const json_t *constant = json_object_get(schema, "const"), *items = json_object_get(schema, "items");
    if (!type_fits(value, json_object_get(schema, "type")) || !enumerated(value, json_object_get(schema, "enum")) ||
        (constant && !json_equal(constant, value))) {
        AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY);
        fail_msg("%s is %s, which the schema does not allow", where, text);
    }
    if (json_is_object(value)) {
        validate_object(root, schema, value, where);
    }
    json_array_foreach(items ? value : NULL, index, item)
    {
        AUTO_FREE char *there = xasprintf("%s[%zu]", where, index);
        validate(root, items, item, there);
    }
}

static void keeps_to_the_schema(void **state)
{
    void (*const fills[])(struct sample *) = {sample_passing,        sample_failing, sample_not_recovered,
                                              sample_without_writes, sample_aborted, sample_hostile};
    struct err err = {0};
    AUTO_JSON json_t *schema = NULL;
    (void)state;
    assert_int_equal(json_read_file(DRILL_SOURCE_DIR "/reports/report.schema.json", &schema, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
        AUTO_JSON json_t *json = write_and_read(fills[i]);
        validate(schema, schema, json, "report");
    }
}

static void has_every_path(void **state)
{
    static const char *const paths[] = {"schema",
                                        "verdict",
                                        "conclusion",
                                        "exit_code",
                                        "drill.id",
                                        "drill.scenario",
                                        "drill.title",
                                        "drill.started",
                                        "drill.ended",
                                        "drill.seed",
                                        "drill.repeat",
                                        "objectives.0.text",
                                        "objectives.0.metric",
                                        "objectives.0.limit",
                                        "objectives.0.unit",
                                        "objectives.0.measured",
                                        "objectives.0.resolution",
                                        "objectives.0.result",
                                        "measured.rto.seconds",
                                        "measured.rto.resolution_seconds",
                                        "measured.rto.recovered",
                                        "measured.rto.outage_start",
                                        "measured.rto.recovery",
                                        "measured.rpo.seconds",
                                        "measured.rpo.acknowledged",
                                        "measured.rpo.lost",
                                        "measured.rpo.lost_during_outage",
                                        "measured.rpo.duplicated",
                                        "measured.rpo.unknown_present",
                                        "measured.rpo.unknown_absent",
                                        "measured.requests.scheduled",
                                        "measured.requests.ok",
                                        "measured.requests.failed",
                                        "measured.requests.timed_out",
                                        "measured.requests.not_sent",
                                        "measured.latency.before.p50",
                                        "measured.latency.during.p95",
                                        "measured.latency.after.p99",
                                        "measured.latency.after.max",
                                        "observations.0.cause",
                                        "observations.0.disruption",
                                        "observations.0.outage_start",
                                        "observations.0.recovery",
                                        "observations.0.seconds",
                                        "observations.0.vantage",
                                        "observations.0.class",
                                        "phases.0.name",
                                        "phases.0.start",
                                        "phases.0.end",
                                        "phases.0.source",
                                        "faults.0.fault",
                                        "faults.0.target",
                                        "faults.0.options",
                                        "faults.0.mechanism",
                                        "faults.0.requested",
                                        "faults.0.in_force",
                                        "faults.0.removed",
                                        "faults.0.proof",
                                        "faults.0.residue",
                                        "driver.late_p99_seconds",
                                        "driver.late_max_seconds",
                                        "driver.schedule_kept",
                                        "environment.host"};
    AUTO_JSON json_t *json = write_and_read(sample_passing);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (!at_path(json, paths[i])) {
            fail_msg("report.json has no %s", paths[i]);
        }
    }
    assert_string_equal(json_str(json, "schema", ""), "drill-report/1");
    assert_string_equal(json_str(json, "verdict", ""), "pass");
    assert_true(json_number_value(at_path(json, "measured.rto.seconds")) == 17.43);
    assert_true(json_number_value(at_path(json, "measured.rto.recovery")) == 17.43);
    assert_true(json_number_value(at_path(json, "faults.0.in_force")) == 0.0031);
    assert_string_equal(json_string_value(at_path(json, "drill.started")), "2025-11-24T16:00:00.000Z");
}

static void totals_add_up(void **state)
{
    AUTO_JSON json_t *json = write_and_read(sample_failing);
    const json_t *requests = at_path(json, "measured.requests"), *outcomes = at_path(json, "measured.outcomes");
    const char *key;
    json_t *value;
    int64_t sum = 0;
    (void)state;
    assert_int_equal(json_int(requests, "scheduled", -1), json_int(requests, "ok", 0) + json_int(requests, "failed", 0) +
                                                              json_int(requests, "timed_out", 0) +
                                                              json_int(requests, "not_sent", 0));
    json_object_foreach((json_t *)outcomes, key, value)
    {
        sum += json_integer_value(value);
    }
    assert_int_equal(json_int(requests, "scheduled", -1), sum);
    assert_int_equal(json_array_size(at_path(json, "measured.rpo.lost_ids")), LOST_MAX);
}

static void not_recovered_has_no_seconds(void **state)
{
    AUTO_JSON json_t *json = write_and_read(sample_not_recovered);
    (void)state;
    assert_true(json_is_null(at_path(json, "measured.rto.seconds")));
    assert_true(json_is_false(at_path(json, "measured.rto.recovered")));
    assert_true(json_is_null(at_path(json, "measured.rto.recovery")));
    assert_true(json_number_value(at_path(json, "measured.rto.more_than_seconds")) == 38);
    assert_true(json_is_null(at_path(json, "objectives.0.measured")));
}

static void nothing_is_invented(void **state)
{
    AUTO_JSON json_t *dry = write_and_read(sample_without_writes), *aborted = write_and_read(sample_aborted);
    static const char *const nulls[] = {
        "measured.rto.seconds",        "measured.rto.recovered", "measured.rpo.seconds", "measured.rpo.lost",
        "measured.latency.before.p50", "driver.schedule_kept",   "cleanup.clean",        "drill.started"};
    (void)state;
    assert_true(json_is_null(at_path(dry, "measured.rpo.lost")));
    assert_string_equal(json_string_value(at_path(dry, "measured.rpo.why")), "the drill wrote nothing");
    assert_string_equal(json_string_value(at_path(dry, "objectives.1.result")), "unknown");
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++) {
        assert_true(json_is_null(at_path(aborted, nulls[i])));
    }
    assert_string_equal(json_str(aborted, "conclusion", ""), "aborted");
    assert_int_equal(json_int(aborted, "exit_code", 0), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_to_the_schema),          cmocka_unit_test(has_every_path),      cmocka_unit_test(totals_add_up),
        cmocka_unit_test(not_recovered_has_no_seconds), cmocka_unit_test(nothing_is_invented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
