/* Every option of every registered fault at its limits and past them, from the option tables themselves. Past a limit it is refused with
 * the option's name before anything is touched; at a limit it works or is refused in words; either way nothing is left. */
#include "tests/contract/test_faults_victim.h"

#include "faults/snapshot.h"

static struct victim victim;

/* As a user would write it. */
static char *written(const struct param *param, int64_t value)
{
    switch (param->type) {
    case PARAM_DURATION:
        return xasprintf("%lldns", (long long)value);
    case PARAM_SHARE:
        return xasprintf("%.4f%%", (double)value / 1e4);
    case PARAM_RATE:
        return xasprintf("%lld/s", (long long)value);
    case PARAM_BITRATE:
        return xasprintf("%lldbit", (long long)value);
    default:
        return xasprintf("%lld", (long long)value);
    }
}

static int make(const struct fault_ops *ops, const char *name, const char *value, struct fault_instance **ret_fault,
                struct err *err)
{
    json_t *options = json_loads(fault_hint_options(fault_hint(ops)), 0, NULL);
    json_object_set_new(options, name, json_string(value));
    return victim_try_hint(fault_hint(ops), options, &victim, ret_fault, err);
}

static void assert_refused(const struct fault_ops *ops, const struct param *param, const char *value)
{
    struct fault_instance *fault = NULL;
    struct err err = {0};
    int status = make(ops, param->name, value, &fault, &err);
    if (status == 0) {
        status = ops->supported(fault, &err); /* limits that depend on other options */
        fault_instance_free(fault);
    }
    if (status != -ERR_INPUT || !strstr(err.text, param->name)) {
        fail_msg("%s: %s = %s: expected to be refused by name, found: %s", ops->name, param->name, value, err.text);
    }
}

static void assert_nothing_left(const struct snapshot *before, const char *what)
{
    AUTO_JSON json_t *left = json_array();
    must(snapshot_compare(before, left, err));
    for (size_t i = 0; i < json_array_size(left); i++) {
        const char *text = json_string_value(json_array_get(left, i));
        if (!str_starts_with(text, "stopped process") && !victim_is_meant(text)) { /* those may be other tests' */
            fail_msg("%s left: %s", what, text);
        }
    }
}

static void assert_works_or_says_why(const struct fault_ops *ops, const struct param *param, const char *value)
{
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    struct fault_instance *fault = NULL;
    struct err refusal = {0};
    AUTO_FREE char *what = xasprintf("%s with %s = %s", ops->name, param->name, value);
    must(snapshot_take(&before, err));
    int status = make(ops, param->name, value, &fault, &refusal);
    if (status < 0) {
        fail_msg("%s: a limit is a value that is taken: %s", what, refusal.text);
    }
    status = ops->supported(fault, &refusal);
    if (status == 0) {
        must(ops->prepare(fault, err));
        must(ops->apply(fault, err));
        must(ops->revert(fault, err));
        lab_assert_clean(fault);
    } else if ((status != -ERR_INPUT && status != -ERR_UNSUPPORTED) || !refusal.text[0]) {
        fail_msg("%s: expected to work or to be refused as input, found: %s", what, refusal.text);
    }
    fault_instance_free(fault);
    assert_nothing_left(before, what);
    if (fault_hint(ops)->permanent) { /* a service that was ended is not there for the next */
        victim_end(victim);
        victim = victim_start(0);
    }
}

static void check_numbers(const struct fault_ops *ops, const struct param *param)
{
    AUTO_FREE char *least = written(param, param->min), *most = written(param, param->max);
    AUTO_FREE char *too_small = written(param, param->min - 1), *too_much = NULL;
    assert_works_or_says_why(ops, param, least);
    assert_works_or_says_why(ops, param, most);
    assert_refused(ops, param, too_small);
    if (param->max < INT64_MAX) { /* else nothing is past it */
        too_much = written(param, param->max + 1);
        assert_refused(ops, param, too_much);
    }
    assert_refused(ops, param, "much");
}

static void check_choices(const struct fault_ops *ops, const struct param *param)
{
    for (const char *const *choice = param->choices; *choice; choice++) {
        if (!str_eq(ops->name, "null")) { /* its choices are ways to fail */
            assert_works_or_says_why(ops, param, *choice);
        }
    }
    assert_refused(ops, param, "no such choice");
}

static void each_option_keeps_its_limits(void **state)
{
    size_t count = 0;
    const struct fault_ops *const *faults = fault_list(&count);
    (void)state;
    victim = victim_start(0);
    for (size_t i = 0; i < count; i++) {
        for (const struct param *param = faults[i]->options; param->type != PARAM_END; param++) {
            print_message("%s: %s\n", faults[i]->name, param->name);
            if (param->type == PARAM_CHOICE) {
                check_choices(faults[i], param);
            } else if (param->min || param->max) {
                check_numbers(faults[i], param);
            }
        }
    }
    victim_end(victim);
}

static void unknown_options_are_refused(void **state)
{
    size_t count = 0;
    const struct fault_ops *const *faults = fault_list(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct fault_instance *fault = NULL;
        struct err err = {0};
        assert_int_equal(make(faults[i], "there_is_no_such_option", "1", &fault, &err), -ERR_INPUT);
        assert_non_null(strstr(err.text, faults[i]->name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_option_keeps_its_limits),
                                       cmocka_unit_test(unknown_options_are_refused)};
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
