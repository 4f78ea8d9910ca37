/* The container engine's client against an engine that is none, over a real socket; a running system of containers as topology; and the faults
 * of containers with each of their calls failing once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults/fault.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/container/container.h"
#include "harness/topology/topology.h"
#include "tests/support/engine_served.h"

static struct {
    char folder[64], socket[96], file[96];
    struct MHD_Daemon *daemon;
} served;

static int serve(void **state)
{
    (void)state;
    (void)str_copy(served.folder, sizeof(served.folder), "/tmp/drill-test-engine-XXXXXX");
    assert_non_null(mkdtemp(served.folder));
    (void)str_format(served.socket, sizeof(served.socket), "%s/sock", served.folder);
    (void)str_format(served.file, sizeof(served.file), "%s/topology.yaml", served.folder);
    served.daemon = engine_serve(served.socket, NULL);
    return 0;
}

static int end(void **state)
{
    struct err err = {0};
    (void)state;
    MHD_stop_daemon(served.daemon);
    return fd_remove_tree(served.folder, &err);
}

static int reset(void **state)
{
    (void)state;
    fake_engine_reset();
    return 0;
}

static void a_container_is_looked_at(void **state)
{
    struct container_state found = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(container_look(served.socket, "web", &found, &err), 0);
    assert_int_equal(found.pid, 4711);
    assert_true(found.running && !found.paused);
    assert_string_equal(found.status, "running");
    assert_string_equal(found.address, "172.30.0.5");
    assert_int_equal(container_call(served.socket, "POST", "/containers/web/pause", NULL, NULL, &err), 0);
    assert_int_equal(container_look(served.socket, "web", &found, &err), 0);
    assert_true(found.running && found.paused);
}

static void mistakes_are_explained(void **state)
{
    struct container_state found = {0};
    struct err unknown = {0}, refused = {0}, nobody = {0};
    (void)state;
    assert_int_equal(container_look(served.socket, "wep", &found, &unknown), -ERR_INPUT);
    assert_non_null(strstr(unknown.text, "did you mean 'web'"));
    assert_int_equal(container_call(served.socket, "POST", "/containers/web/unpause", NULL, NULL, &refused), -ERR_STATE);
    assert_string_equal(refused.text, "the container engine answered 409: the double refuses");
    assert_int_equal(container_look("/nowhere/engine.sock", "web", &found, &nobody), -ERR_SYSTEM);
    assert_non_null(strstr(nobody.text, "no container engine answers at /nowhere/engine.sock"));
}

static void the_socket_is_found_as_docker_finds_it(void **state)
{
    (void)state;
    assert_int_equal(setenv("DOCKER_HOST", "unix:///run/other.sock", 1), 0);
    AUTO_FREE char *wanted = container_socket("unix:///run/mine.sock");
    AUTO_FREE char *plain = container_socket("/run/mine.sock");
    AUTO_FREE char *usual = container_socket(NULL);
    assert_int_equal(unsetenv("DOCKER_HOST"), 0);
    assert_string_equal(wanted, "/run/mine.sock");
    assert_string_equal(plain, "/run/mine.sock");
    assert_string_equal(usual, "/run/other.sock");
}

static int load_with(const char *container, struct topology **ret_topology, struct err *err)
{
    AUTO_FREE char *text =
        xasprintf("name: shop\nruntime: docker\nengine: unix://%s\nregions:\n  blue:\n    hosts:\n      gw: %s\n"
                  "services: { gateway: { role: gateway, on: gw, port: 80, ready: { http: / } } }\n"
                  "entrypoint: { url: \"http://127.0.0.1:8000\" }\ntraffic: { read: { url: / } }\n",
                  served.socket, container);
    assert_int_equal(fd_write_file_atomic(served.file, text, strlen(text), err), 0);
    return topology_load(served.file, "/run/drill/state", "/usr/bin", NULL, ret_topology, err);
}

static void running_containers_make_a_topology(void **state)
{
    struct topology *topology CLEANUP(topology_cleanup) = NULL, *none = NULL;
    struct err err = {0};
    AUTO_FREE char *where = xasprintf("%s:7:7: the container engine answered 404", served.file);
    (void)state;
    assert_int_equal(load_with("web", &topology, &err), 0);
    assert_string_equal(topology->engine, served.socket);
    assert_false(topology->own_engine);
    const struct topology_host *host = topology_host_find(topology, "blue-gw");
    assert_string_equal(host->container, "web");
    assert_string_equal(host->address, "172.30.0.5");
    assert_null(topology_host_find(topology, "client")->container);
    assert_int_equal(load_with("wepp", &none, &err), -ERR_INPUT);
    if (!str_starts_with(err.text, where)) {
        fail_msg("expected %s, found %s", where, err.text);
    }
    fake_engine.running = false;
    assert_int_equal(load_with("web", &none, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "container 'web' does not run"));
}

static struct fault_instance *container_fault(const char *name)
{
    static const struct fault_services lent = {.engine = fake_engine_call};
    struct fault_instance *fault = NULL;
    struct err err = {0};
    AUTO_JSON json_t *description = json_pack("{s:s, s:s, s:{}, s:{s:s, s:s, s:s, s:s, s:[s]}}", "fault_id", "f7", "fault", name,
                                              "options", "target", "place", "web", "kind", "service", "name", "web@web", "cidr",
                                              "172.30.0.5/32", "containers", FAKE_ENGINE_CONTAINER);
    assert_int_equal(fault_instance_new(description, &fault, &err), 0);
    fault->services = &lent;
    return fault;
}

static void assert_as_before(void)
{
    assert_string_equal(fake_engine.name, FAKE_ENGINE_CONTAINER);
    assert_true(fake_engine.running && fake_engine.connected && fake_engine.image);
    assert_false(fake_engine.paused || fake_engine.kept_image);
}

/* Call number n of the whole life fails; whatever it was, a revert then puts all back. True when there is no such call. */
static bool survives(const char *name, int n)
{
    struct fault_instance *fault = container_fault(name);
    struct buf proof CLEANUP(buf_clear) = {0}, left CLEANUP(buf_clear) = {0};
    struct err err = {0};
    fake_engine_reset();
    fake_engine.fail_call = n;
    int status = fault->ops->prepare(fault, &err);
    if (status == 0) {
        status = fault->ops->apply(fault, &err);
    }
    if (status == 0) {
        status = fault->ops->prove(fault, &proof, &err);
    }
    int back = fault->ops->revert(fault, &err);
    bool reached = fake_engine.calls >= n;
    assert_true(!reached || status < 0 || back < 0); /* no failure is passed over */
    fake_engine.fail_call = 0;
    assert_int_equal(fault->ops->revert(fault, &err), 0);
    assert_int_equal(fault->ops->residue(fault, &left, &err), 0);
    assert_int_equal(left.size, 0);
    assert_as_before();
    fault_instance_free(fault);
    return !reached;
}

static void whatever_call_fails_the_container_comes_back(void **state)
{
    static const char *const faults[] = {"container_disconnect", "container_kill", "container_pause", "image_gone"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        int n = 1;
        while (!survives(faults[i], n)) {
            n++;
        }
        assert_true(n > 4);
    }
}

static void a_policy_that_restarts_proves_a_kill(void **state)
{
    struct fault_instance *fault = container_fault("container_kill");
    struct buf proof CLEANUP(buf_clear) = {0};
    struct err err = {0};
    (void)state;
    fake_engine.restarts = true;
    assert_int_equal(fault->ops->prepare(fault, &err), 0);
    assert_int_equal(fault->ops->apply(fault, &err), 0);
    assert_int_equal(fault->ops->prove(fault, &proof, &err), 0);
    assert_non_null(strstr(buf_str(&proof), "started anew since"));
    fault_instance_free(fault);
}

static void who_is_no_container_is_refused(void **state)
{
    struct fault_instance *fault = NULL;
    struct err err = {0};
    AUTO_JSON json_t *description = json_pack("{s:s, s:s, s:{}, s:{s:s, s:s}}", "fault_id", "f1", "fault", "container_pause",
                                              "options", "target", "kind", "host", "name", "us-east-gw1");
    (void)state;
    assert_int_equal(fault_instance_new(description, &fault, &err), 0);
    assert_int_equal(fault->ops->check(fault, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "us-east-gw1 is none"));
    fault_instance_free(fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_container_is_looked_at, reset),
        cmocka_unit_test_setup(mistakes_are_explained, reset),
        cmocka_unit_test_setup(the_socket_is_found_as_docker_finds_it, reset),
        cmocka_unit_test_setup(running_containers_make_a_topology, reset),
        cmocka_unit_test_setup(whatever_call_fails_the_container_comes_back, reset),
        cmocka_unit_test_setup(a_policy_that_restarts_proves_a_kill, reset),
        cmocka_unit_test_setup(who_is_no_container_is_refused, reset),
    };
    return cmocka_run_group_tests(tests, serve, end);
}
