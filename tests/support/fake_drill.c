/* From a scenario's text to a result, as `drill run` goes, without a kernel. */
#include "tests/support/fake_drill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/log.h"
#include "harness/engine/engine.h"
#include "harness/evidence/evidence.h"

static char folder[] = "/tmp/test-drill-XXXXXX";
static char *scenario_file;

static const char topology_text[] =
    "name: fake\n"
    "regions: { us-east: { id: use1, backbone_latency: 10ms }, us-west: {} }\n"
    "region_hosts: { gw: 11, db: 31 }\n"
    "hosts: { dns: 10.9.0.53, client: 10.9.0.100 }\n"
    "services:\n"
    "  store: { role: store, on: db, port: 6379, command: store }\n"
    "  proxy: { role: gateway, on: gw, port: 8080, after: [store], command: 'proxy --config {{dir}}/proxy.conf',\n"
    "           files: { proxy.conf: proxy.conf } }\n"
    "entrypoint: { url: 'http://api:8080', dns_server: 10.9.0.53 }\n"
    "traffic:\n"
    "  write: { method: PUT, url: '/orders/{{id}}', status: 201 }\n"
    "  read: { url: /orders }\n"
    "  list_url: /orders\n"
    "observers:\n"
    "  health: { each: role=gateway, kind: health, place: dns, http: 'http://{{address}}:8080/' }\n"
    "  view: { each: role=gateway, kind: state, on_demand: true, http: 'http://{{address}}:8080/view', field: version }\n"
    "  version: { each: role=gateway, kind: same, exec: [proxy, --version] }\n"
    "stores: { own: { each: role=store, list_url: 'http://{{address}}:6379/ids' } }\n"
    "steady:\n"
    "  a gateway answers: { place: us-east-gw, exec: [check] }\n";

static void write_text(const char *name, const char *text)
{
    struct err err = {0};
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    if (fd_write_file_atomic(path, text, strlen(text), &err) < 0) {
        fail_msg("%s", err.text);
    }
}

int fake_drill_setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    log_set_level(LOG_NONE);
    scenario_file = xasprintf("%s/fake.lua", folder);
    write_text("fake.yaml", topology_text);
    write_text("proxy.conf", FAKE_SETTINGS);
    return 0;
}

int fake_drill_teardown(void **state)
{
    struct err err;
    (void)state;
    free(scenario_file);
    fake_system_reset();
    return fd_remove_tree(folder, &err);
}

int fake_drill_reset(void **state)
{
    (void)state;
    fake_system_reset();
    return 0;
}

struct ingredients {
    struct script *script;
    struct topology *topology;
    struct engine_plan *plan;
    struct engine_options options;
};

static void clear_ingredients(struct ingredients *parts)
{
    script_free(parts->script);
    topology_free(parts->topology);
    engine_plan_free(parts->plan);
    fd_close(parts->options.interrupt_fd);
}

const char *fake_drill_write(const char *steps)
{
    AUTO_FREE char *text = xasprintf("return drill { title = 'Fake', topology = 'fake.yaml',\n"
                                     "load = { rate = '%s', writes = '30%%', deadline = '1s' }, measure = { hold = '5s' },\n"
                                     "objectives = { %s },\n%srun = function(d)\n%s\nend }\n",
                                     fake_system.rate ? fake_system.rate : "50/s",
                                     fake_system.objectives ? fake_system.objectives : "'rto <= 20s', 'lost <= 0', 'rpo <= 0s'",
                                     fake_system.declares ? fake_system.declares : "", steps);
    write_text("fake.lua", text);
    return scenario_file;
}

static void prepare(const char *steps, struct ingredients *parts)
{
    struct err err = {0};
    (void)fake_drill_write(steps);
    if (script_load(scenario_file, &parts->script, &err) < 0) {
        fail_msg("%s", err.text);
    }
    const struct scenario *scenario = script_scenario(parts->script);
    if (topology_load(scenario->topology, "/run/drill/state", "/tools", scenario->settings, &parts->topology, &err) < 0 ||
        engine_plan_make(parts->script, parts->topology, &parts->options, &parts->plan, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void measure(const char *evidence_folder, struct fake_drill *drill)
{
    struct err err = {0};
    struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
    if (evidence_load(evidence_folder, &evidence, &err) < 0 || measure_evidence(evidence, &drill->result, &err) < 0) {
        fail_msg("%s", err.text);
    }
    drill->events = json_incref(evidence->events);
}

void fake_drill_run(const char *steps, struct fake_drill *ret_drill)
{
    AUTO_FREE char *archive = xasprintf("%s/archive", folder), *control = xasprintf("%s/control", folder), *evidence = NULL;
    struct ingredients parts CLEANUP(clear_ingredients) = {
        .options = {.archive = archive, .journal = folder, .control = control, .command_line = "test", .seed = 1}};
    const struct engine_up up = {.world_pid = 1, .world_start_ticks = 1};
    struct err err = {0};
    parts.options.annex = fake_system.annex;
    parts.options.told = fake_system.told;
    parts.options.told_context = fake_system.told_context;
    parts.options.up = fake_system.kept ? &up : NULL;
    *ret_drill = (struct fake_drill){0};
    parts.options.interrupt_fd = fake_system.interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fake_system.control = control;
    prepare(steps, &parts);
    int64_t begun_ns = clock_now_ns();
    ret_drill->status = engine_run(parts.script, parts.topology, parts.plan, &parts.options, &evidence, &ret_drill->err);
    ret_drill->seconds = (double)(clock_now_ns() - begun_ns) / 1e9;
    if (!evidence) {
        fail_msg("no evidence: %s", ret_drill->err.text);
    }
    measure(evidence, ret_drill);
    assert_int_equal(fd_remove_tree(evidence, &err), 0);
    assert_int_equal(fake_system.worlds, 0);
}

void fake_drill_clear(struct fake_drill *drill)
{
    result_free(drill->result);
    json_decref(drill->events);
    *drill = (struct fake_drill){0};
}

size_t fake_drill_count(const struct fake_drill *drill, const char *kind)
{
    size_t index, count = 0;
    json_t *event;
    json_array_foreach(drill->events, index, event)
    {
        count += str_eq(json_str(event, "kind", ""), kind);
    }
    return count;
}

const json_t *fake_drill_event(const struct fake_drill *drill, const char *kind, size_t index)
{
    size_t i;
    json_t *event;
    json_array_foreach(drill->events, i, event)
    {
        if (str_eq(json_str(event, "kind", ""), kind) && index-- == 0) {
            return event;
        }
    }
    fail_msg("there is no event '%s'", kind);
    return NULL;
}
