/* A topology that extends another: what is joined, what is replaced, and where mistakes are said to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/topology/topology.h"

static char folder[] = "/tmp/test-extends-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct err err;
    (void)state;
    return fd_remove_tree(folder, &err);
}

static void write_text(const char *name, const char *text)
{
    struct err err = {0};
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    if (fd_write_file_atomic(path, text, strlen(text), &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static struct topology *load_file(const char *path)
{
    struct topology *topology = NULL;
    struct err err = {0};
    if (topology_load(path, "/run/state", "/tools", NULL, &topology, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return topology;
}

/* `wanted`: what the message has, behind the folder's name. */
static void check_refused(const char *text, const char *wanted)
{
    struct topology *topology = NULL;
    struct err err = {0};
    AUTO_FREE char *path = xasprintf("%s/t.yaml", folder), *expected = xasprintf("%s/%s", folder, wanted);
    write_text("t.yaml", text);
    assert_int_equal(topology_load(path, "/run/state", "/tools", NULL, &topology, &err), -ERR_INPUT);
    if (!str_starts_with(err.text, expected)) {
        fail_msg("expected: %s\nfound:    %s", expected, err.text);
    }
}

static void one_extends_another(void **state)
{
    (void)state;
    write_text("base.yaml",
               "name: t\nregions: { a: {}, b: {} }\nregion_hosts: { gw: 11, db: 31 }\nhosts: { client: 10.9.0.100 }\n"
               "services:\n"
               "  s: { role: gateway, on: gw, port: 80, command: old, files: { a: one.txt, b: { content: kept } } }\n"
               "  r: { role: backend, on: db, port: 81, command: r }\n"
               "entrypoint: { url: 'http://x:80' }\n");
    write_text("one.txt", "first\n");
    AUTO_FREE char *sub = xasprintf("%s/sub", folder);
    struct err err = {0};
    assert_int_equal(fd_make_dirs(sub, 0755, &err), 0);
    write_text("sub/two.txt", "second\n");
    write_text("sub/over.yaml", "extends: ../base.yaml\nname: other\nhosts: { monitor: 10.9.0.60 }\n"
                                "services:\n  s: { command: new, files: { a: two.txt } }\n"
                                "  m: { role: monitor, on: monitor, port: 90, command: m }\n");
    AUTO_FREE char *path = xasprintf("%s/over.yaml", sub);
    struct topology *topology CLEANUP(topology_cleanup) = load_file(path);
    assert_string_equal(topology->name, "other");
    assert_int_equal(topology->host_count, 6);
    assert_int_equal(topology->service_count, 2 + 2 + 1);
    assert_string_equal(topology_service_find(topology, "s@a-gw")->argv[0], "new");
    assert_int_equal(topology_service_find(topology, "s@a-gw")->port, 80);
    assert_string_equal(topology_service_find(topology, "s@a-gw")->files[0].content,
                        "second\n"); /* named from the file that says so */
    assert_string_equal(topology_service_find(topology, "s@a-gw")->files[1].content, "kept");
    assert_non_null(strstr(topology->bases[0], "base.yaml"));
    assert_null(topology->bases[1]);
}

static void mistakes_in_what_is_extended(void **state)
{
    (void)state;
    check_refused("extends: t.yaml\nname: x\n", "t.yaml:1:1: extends: more than");
    check_refused("extends: [a, b]\n", "t.yaml:1:1: extends: expected the path of one topology file");
    check_refused("extends: base.yaml\nservices: { s: { comand: x } }\n", "t.yaml:2:18: ");
    write_text("base.yaml", "name: t\nregoins: {}\n");
    check_refused("extends: base.yaml\n", "base.yaml:2:1: ");
}

static void the_monitored_topology_loads(void **state)
{
    (void)state;
    struct topology *topology CLEANUP(topology_cleanup) = load_file(DRILL_SOURCE_DIR "/scenarios/topologies/monitored.yaml");
    assert_int_equal(topology->service_count, 3 + 3 + 6 + 6 + 1 + 3);
    const struct topology_observer *down = topology_observer_find(topology, "alert RegionDown");
    assert_non_null(down);
    assert_string_equal(down->kind, "alert");
    assert_string_equal(down->field, "0.status.state");
    assert_string_equal(down->otherwise, "inactive");
    assert_string_equal(down->place, "monitor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_extends_another),
        cmocka_unit_test(mistakes_in_what_is_extended),
        cmocka_unit_test(the_monitored_topology_loads),
    };
    return cmocka_run_group_tests_name("topology extends", tests, make_folder, remove_folder);
}
