/* Controls of a topology: how they are read, found and selected, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/topology/topology.h"

static int load(const char *controls, struct topology **ret_topology, struct err *err)
{
    char path[] = "/tmp/test-controls-XXXXXX";
    AUTO_FD int fd = mkstemp(path);
    AUTO_FREE char *text =
        xasprintf("name: t\nregions: { a: { id: r1 }, b: {} }\nregion_hosts: { gw: 11 }\nhosts: { client: 10.9.0.100 }\n"
                  "services: { s: { role: gateway, on: gw, port: 80, command: x } }\n"
                  "entrypoint: { url: 'http://x:80' }\n%s",
                  controls);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    int status = topology_load(path, "/run/state", "/tools", NULL, ret_topology, err);
    (void)unlink(path);
    return status;
}

static void one_for_each_region_and_one_alone(void **state)
{
    struct topology *topology CLEANUP(topology_cleanup) = NULL;
    AUTO_FREE struct topology_target *targets = NULL;
    struct err err = {0};
    size_t count = 0;
    (void)state;
    assert_int_equal(
        load("controls:\n  routing: { each: regions, place: client, get: 'r get {{region.id}}', set: [r, set, '{{region.id}}'], "
             "values: ['on', 'off'] }\n  primary: { place: client, timeout: 3s, get: g, set: s }\n",
             &topology, &err),
        0);
    assert_int_equal(topology->control_count, 3);
    const struct topology_control *routing = topology_control_find(topology, "routing a");
    assert_string_equal(routing->get[2], "r1");
    assert_string_equal(routing->set[1], "set");
    assert_int_equal(routing->value_count, 2);
    assert_int_equal(routing->timeout_ns, 10 * NS_PER_S);
    assert_int_equal(topology_control_find(topology, "primary")->timeout_ns, 3 * NS_PER_S);
    assert_int_equal(topology_select(topology, "control=routing b", &targets, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_ptr_equal(targets->control, topology_control_find(topology, "routing b"));
    assert_string_equal(targets->kind, "control");
    assert_string_equal(targets->place, "client");
    assert_int_equal(topology_select(topology, "control=ruoting b", &targets, &count, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "there is no control 'ruoting b'"));
    assert_non_null(strstr(err.text, "did you mean 'routing b'"));
}

static void mistakes_are_placed(void **state)
{
    static const char *const cases[][2] = {
        {"controls: { c: { place: client, get: g } }\n", ":7:13: control 'c' needs 'get:'"},
        {"controls: { c: { get: g, set: s } }\n", ":7:13: 'c' needs 'place:'"},
        {"controls: { c: { place: cleint, get: g, set: s } }\n", "did you mean 'client'"},
        {"controls: { c: { place: client, get: g, set: s, timeout: 20min } }\n", "option 'timeout'"},
        {"controls: { c: { place: client, gte: g, set: s } }\n", "did you mean 'get'"},
        {"controls: [ c ]\n", "controls: expected names with values"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct topology *topology = NULL;
        struct err err = {0};
        int status = load(cases[i][0], &topology, &err);
        topology_free(topology);
        if (status != -ERR_INPUT || !strstr(err.text, cases[i][1])) {
            fail_msg("%s\nexpected: %s\nfound: %s", cases[i][0], cases[i][1], err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_for_each_region_and_one_alone),
        cmocka_unit_test(mistakes_are_placed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
