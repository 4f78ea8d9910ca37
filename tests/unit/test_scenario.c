/* What a scenario declares, what is refused with its position, and --set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/param/client.h"
#include "harness/script/script.h"

#include <string.h>
#include <unistd.h>

#define RUN ", run = function(d) end }"
#define HEAD "return drill { title = 't', topology = 't.yaml', objectives = { 'rto <= 20s' }"

static char folder[] = "/tmp/test-scenario-XXXXXX";
static char *file;

static int make_folder(void **state)
{
    (void)state;
    file = mkdtemp(folder) ? xasprintf("%s/outage.lua", folder) : NULL;
    return file ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct err err;
    (void)state;
    free(file);
    return fd_remove_tree(folder, &err);
}

static int load(const char *text, struct script **ret_script, struct err *err)
{
    assert_int_equal(fd_write_file_atomic(file, text, strlen(text), err), 0);
    return script_load(file, ret_script, err);
}

static struct script *load_good(const char *text)
{
    struct script *script = NULL;
    struct err err = {0};
    if (load(text, &script, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return script;
}

static void everything_is_read(void **state)
{
    struct script *script CLEANUP(script_cleanup) = load_good(
        "return drill { title = 'Lose it', why = 'It happens', topology = 'topologies/t.yaml',\n"
        "load = { rate = '50/s', writes = '10%', deadline = '2s', arrivals = 'poisson', connections = 'new' },\n"
        "measure = { hold = '10s', window = '2s', minimum = 7, share = '95%', latency = '300ms' },\n"
        "objectives = { 'rto <= 20s', 'lost <= 0' }, settings = { dcs = 'etcd' }, params = { region = 'us-east', n = 3 }" RUN);
    const struct scenario *scenario = script_scenario(script);
    AUTO_FREE char *topology = xasprintf("%s/topologies/t.yaml", folder);
    (void)state;
    assert_string_equal(scenario->name, "outage");
    assert_string_equal(scenario->folder, folder);
    assert_string_equal(scenario->title, "Lose it");
    assert_string_equal(scenario->why, "It happens");
    assert_string_equal(scenario->topology, topology);
    assert_true(scenario->load.rate == 50 && scenario->load.write_share == 0.1);
    assert_int_equal(scenario->load.deadline_ns, 2 * NS_PER_S);
    assert_string_equal(client_arrivals[scenario->load.arrivals], "poisson");
    assert_string_equal(client_connections[scenario->load.connections], "new");
    assert_int_equal(scenario->measure.hold_ns, 10 * NS_PER_S);
    assert_int_equal(scenario->measure.window_ns, 2 * NS_PER_S);
    assert_int_equal(scenario->measure.minimum, 7);
    assert_true(scenario->measure.share == 0.95);
    assert_int_equal(scenario->measure.latency_ns, 300 * NS_PER_MS);
    assert_int_equal(scenario->objective_count, 2);
    assert_string_equal(scenario->objectives[1], "lost <= 0");
    assert_string_equal(node_text(scenario->settings, "dcs"), "etcd");
    assert_string_equal(node_text(scenario->params, "n"), "3");
}

static void defaults_are_as_documented(void **state)
{
    struct script *script CLEANUP(script_cleanup) = load_good(HEAD RUN);
    const struct scenario *scenario = script_scenario(script);
    struct err err = {0};
    (void)state;
    assert_int_equal(param_check_table(scenario_load_table, "load", &err), 0);
    assert_int_equal(param_check_table(scenario_measure_table, "measure", &err), 0);
    assert_true(scenario->load.rate == 300 && scenario->load.write_share == 0.3);
    assert_int_equal(scenario->measure.hold_ns, 30 * NS_PER_S);
    assert_int_equal(scenario->measure.latency_ns, 0);
    assert_null(scenario->why);
    assert_int_equal(scenario->settings->count, 0);
    assert_int_equal(scenario->params->count, 0);
}

static void mistakes_are_placed(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {HEAD ",\n  load = { rtae = '50/s' }" RUN, "outage.lua:2:12: unknown option 'rtae' of load, did you mean 'rate'?"},
        {HEAD ",\n  load = {\n    rate = '50 apples' }" RUN, "outage.lua:3:5: option 'rate' of load: expected a rate"},
        {HEAD ",\n  load = { rate = '0.1/s' }" RUN, "outage.lua:2:12: option 'rate' of load: expected 1/s to 50000/s"},
        {HEAD ",\n  measure = { hold = 10 }" RUN, "outage.lua:2:15: option 'hold' of measure: expected a duration with its unit"},
        {HEAD ",\n  laod = {}" RUN, "outage.lua:2:3: "},
        {HEAD ",\n  settings = { a = { 1 } }" RUN, "outage.lua:2:16: 'settings': expected one value for 'a'"},
        {HEAD ",\n  params = 'x'" RUN, "outage.lua:2:3: 'params': expected names with values"},
        {"return drill { topology = 't.yaml', objectives = { 'rto <= 1s' }" RUN, "title"},
        {"return drill { title = 't', objectives = { 'rto <= 1s' }" RUN, "topology"},
        {"return drill { title = 't', topology = 't.yaml'" RUN, "outage.lua:1: a drill needs 'objectives'"},
        {"return drill { title = 't', topology = 't.yaml', objectives = { { 1 } }" RUN, "'objectives': expected texts"},
        {HEAD ",\n  cases = { 'rto <= 1s' }" RUN, "outage.lua:2:3: 'cases': expected objectives by a setting's value"},
        {HEAD ",\n  cases = { a = { b = 'rto <= 1s' } }" RUN, "outage.lua:2:19: 'cases': expected objectives"},
        {"return drill { title = 't', topology = { 1 }, objectives = { 'rto <= 1s' }" RUN, "topology"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct script *script = NULL;
        struct err err = {0};
        int status = load(cases[i].text, &script, &err);
        script_free(script);
        if (status != -ERR_INPUT || !strstr(err.text, cases[i].wanted)) {
            fail_msg("%s\nexpected: %s\nfound: %s", cases[i].text, cases[i].wanted, err.text);
        }
        assert_null(script);
    }
}

static void a_missing_file_is_input(void **state)
{
    struct script *script = NULL;
    struct err err = {0};
    (void)state;
    assert_int_equal(script_load("/does/not/exist.lua", &script, &err), -ERR_INPUT);
    assert_int_equal(err.code, ERR_INPUT);
    assert_null(script);
}

static void set_reaches_each_place(void **state)
{
    static const char *const settings[] = {"dcs", "replication"};
    struct script *script CLEANUP(script_cleanup) = load_good(HEAD ", params = { region = 'us-east' }" RUN);
    struct scenario *scenario = script_scenario(script);
    struct err err = {0};
    (void)state;
    assert_int_equal(scenario_set(scenario, "rate", "10/s", settings, 2, &err), 0);
    assert_int_equal(scenario_set(scenario, "hold", "2s", settings, 2, &err), 0);
    assert_int_equal(scenario_set(scenario, "dcs", "etcd3", settings, 2, &err), 0);
    assert_int_equal(scenario_set(scenario, "region", "eu-west", settings, 2, &err), 0);
    assert_true(scenario->load.rate == 10);
    assert_int_equal(scenario->measure.hold_ns, 2 * NS_PER_S);
    assert_string_equal(node_text(scenario->settings, "dcs"), "etcd3");
    assert_string_equal(node_text(scenario->params, "region"), "eu-west");
    assert_int_equal(scenario_set(scenario, "rate", "fast", settings, 2, &err), -ERR_INPUT);
    assert_true(str_starts_with(err.text, "--set rate=fast: option 'rate' of load: expected a rate"));
    assert_int_equal(scenario_set(scenario, "regoin", "x", settings, 2, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "did you mean 'region'?"));
    assert_int_equal(scenario_set(scenario, "replicatoin", "x", settings, 2, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "did you mean 'replication'?"));
    assert_null(node_get(scenario->settings, "replicatoin"));
}

static void a_set_parameter_reaches_run(void **state)
{
    struct script *script CLEANUP(script_cleanup) =
        load_good("return drill { title = 't', topology = 't.yaml', objectives = { 'rto <= 20s' }, params = { who = 'a' },\n"
                  "run = function(d) d:note(d.params.who) end }");
    struct script_request request = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(scenario_set(script_scenario(script), "who", "b", NULL, 0, &err), 0);
    assert_int_equal(script_start(script, &err), 0);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    assert_string_equal(node_text(request.args, "text"), "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),     cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(mistakes_are_placed),    cmocka_unit_test(a_missing_file_is_input),
        cmocka_unit_test(set_reaches_each_place), cmocka_unit_test(a_set_parameter_reaches_run),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
