/* The topology reader: what loads, what it expands to, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "harness/base/buf.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/param/client.h"
#include "harness/topology/topology.h"

#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test-topology-XXXXXX";
static char file[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    return str_format(file, sizeof(file), "%s/t.yaml", folder) ? 0 : -1;
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

static struct topology *load_file(const char *path, const struct node *settings)
{
    struct topology *topology = NULL;
    struct err err = {0};
    if (topology_load(path, "/run/state", "/tools", settings, &topology, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return topology;
}

static struct topology *load(const char *text)
{
    write_text("t.yaml", text);
    return load_file(file, NULL);
}

/* `wanted` begins with the position, as "3:5: ". */
static void check_refused(const char *text, const char *wanted)
{
    struct topology *topology = NULL;
    struct err err = {0};
    write_text("t.yaml", text);
    int status = topology_load(file, "/run/state", "/tools", NULL, &topology, &err);
    if (status == 0) {
        topology_free(topology);
        fail_msg("loaded, but expected: %s\n%s", wanted, text);
    }
    assert_int_equal(status, -ERR_INPUT);
    assert_int_equal(err.code, ERR_INPUT);
    assert_null(topology);
    const char *after = str_starts_with(err.text, file) ? err.text + strlen(file) + 1 : err.text;
    if (!strstr(after, wanted) || (wanted[0] >= '0' && wanted[0] <= '9' && strstr(after, wanted) != after)) {
        fail_msg("expected: %s\nfound:    %s", wanted, err.text);
    }
}

#define HEAD "name: t\nregions: { a: {}, b: {} }\nregion_hosts: { gw: 11, db: 31 }\nhosts: { client: 10.9.0.100 }\n"
#define ENTRY "entrypoint: { url: 'http://x:80' }\n"
#define SERVICE "services: { s: { role: gateway, on: gw, port: 80, command: x } }\n"

static void small_managed_topology(void **state)
{
    (void)state;
    struct topology *topology CLEANUP(topology_cleanup) = load(HEAD SERVICE ENTRY);
    assert_int_equal(topology->runtime, RUNTIME_NETNS);
    assert_int_equal(topology->host_count, 5);
    const struct topology_region *b = topology_region_find(topology, "b");
    assert_string_equal(b->cidr, "10.2.0.0/24");
    assert_string_equal(b->router, "10.2.0.1");
    const struct topology_host *host = topology_host_find(topology, "b-gw");
    assert_string_equal(host->address, "10.2.0.11");
    assert_ptr_equal(host->region, b);
    assert_null(topology_host_find(topology, "client")->region);
    const struct topology_service *service = topology_service_find(topology, "s@b-gw");
    assert_ptr_equal(service->host, host);
    assert_int_equal(service->ready.type, HEALTH_TCP);
    assert_int_equal(service->ready.port, 80);
    assert_string_equal(service->dirs[0], "/run/state/s-b-gw");
    assert_string_equal(topology->entrypoint.vantages[0], "client");
    assert_string_equal(topology->traffic.read.url, "http://x:80/");
    assert_null(topology->primary_region); /* there is no store */
    assert_ptr_equal(topology_region_of_address(topology, "10.2.0.77"), b);
    assert_null(topology_region_of_address(topology, "10.3.0.1"));
}

static void clients_headers_and_certificates(void **state)
{
    (void)state;
    struct topology *topology CLEANUP(topology_cleanup) =
        load("name: t\nregions: { a: { hosts: { gw: 10.1.0.11 } } }\nhosts: { client: 10.9.0.2, far: 10.9.0.3 }\n" SERVICE
             "entrypoint:\n  url: https://x:443\n  vantages: [client, far]\n  ca: certs/ca.pem\n"
             "  clients: { far: { connections: new, http: 2, weight: 3, addresses: 198.18.0.0/16 } }\n"
             "traffic:\n  served_by: X-Served-By\n  headers: { Authorization: 'Bearer {{env.TOKEN}}', X-From: '{{ vantage }}' }\n"
             "  write: { url: '/o/{{id}}?{{random}}', headers: { X-Seq: '{{seq}}' } }\n");
    assert_null(topology_client_find(topology, "client"));
    const struct topology_client *far = topology_client_find(topology, "far");
    assert_int_equal(far->weight, 3);
    assert_string_equal(far->addresses, "198.18.0.0/16");
    assert_string_equal(topology->traffic.served_by, "X-Served-By");
    assert_string_equal(client_connections_or_same[far->connections], "new");
    assert_string_equal(client_http_or_same[far->http], "2");
    assert_true(topology->entrypoint.tls_verify);
    assert_true(topology->entrypoint.ca[0] == '/' && str_ends_with(topology->entrypoint.ca, "/certs/ca.pem"));
    assert_string_equal(json_str(topology->traffic.headers, "Authorization", ""), "Bearer {{env.TOKEN}}");
    assert_string_equal(json_str(topology->traffic.headers, "X-From", ""), "{{vantage}}");
    assert_string_equal(json_str(topology->traffic.write.headers, "X-Seq", ""), "{{seq}}");
    assert_string_equal(topology->traffic.write.url, "https://x:443/o/{{id}}?{{random}}");
}

static void running_system_in_twenty_lines(void **state)
{
    (void)state;
    struct topology *topology CLEANUP(topology_cleanup) =
        load("name: mine\nruntime: local\nallow_host: true\nprotect: [sshd]\n"
             "regions:\n  left: { hosts: { web: 127.0.0.1 } }\n  right: { hosts: { web: 127.0.0.1 } }\n"
             "services:\n"
             "  proxy: { role: gateway, on: left-web, port: 8080, pid_file: /run/proxy.pid, ready: { http: /healthz } }\n"
             "  other: { role: backend, on: right-web, port: 9000, command: 'sleep 1000' }\n"
             "entrypoint: { url: 'http://127.0.0.1:8080/' }\n"
             "traffic:\n  write: { url: '/orders/{{id}}' }\n  read: { url: /orders }\n  list_url: /all\n");
    assert_int_equal(topology->runtime, RUNTIME_LOCAL);
    assert_true(topology->allow_host);
    assert_string_equal(topology->protect[0], "sshd");
    assert_string_equal(topology_service_find(topology, "proxy@left-web")->pid_file, "/run/proxy.pid");
    assert_int_equal(topology_service_find(topology, "other@right-web")->argc, 2);
    assert_string_equal(topology->entrypoint.vantages[0], "client");
    assert_string_equal(topology->traffic.write.url, "http://127.0.0.1:8080/orders/{{id}}");
    assert_string_equal(topology->traffic.write.method, "PUT");
    assert_int_equal(topology->traffic.write.status, 201);
    assert_string_equal(topology->traffic.list_url, "http://127.0.0.1:8080/all");
}

static void check_expands(const char *template, const char *wanted)
{
    write_text("template", template);
    struct topology *topology CLEANUP(topology_cleanup) =
        load("settings: { mode: { default: fast, choices: [fast, slow] } }\n" HEAD
             "services: { s: { role: gateway, on: gw, port: 80, command: x, files: { out: template } },\n"
             "            d: { role: store, on: db, port: 81, command: y } }\n" ENTRY);
    assert_string_equal(topology_service_find(topology, "s@b-gw")->files[0].content, wanted);
}

static void templates_expand(void **state)
{
    (void)state;
    check_expands("{{host.name}} {{host.short}} {{address}} {{port}} {{instance}}", "b-gw gw 10.2.0.11 80 s@b-gw");
    check_expands("{{ region.name }} {{region.id}} {{region.index}} {{region.router}}", "b b 2 10.2.0.1");
    check_expands("{{state}} {{tools}} {{dir}} {{set.mode}} {{primary_region}}", "/run/state /tools /run/state/s-b-gw fast a");
    check_expands("{{#each service=d}}{{item.host.short}}={{item.address}}:{{item.port}}{{#sep}}, {{/each}}.",
                  "db=10.1.0.31:81, db=10.2.0.31:81.");
    check_expands("{{#each service=d,region=this}}{{item.instance}}{{/each}}", "d@b-db");
    check_expands("{{#each hosts,short=gw}}{{item.name}} {{/each}}", "a-gw b-gw ");
    check_expands("{{#each regions}}{{item.name}}:{{#each role=store,region=item}}{{item.address}}{{/each}} {{/each}}",
                  "a:10.1.0.31 b:10.2.0.31 ");
    check_expands("{{#if set.mode=fast}}F{{#else}}S{{/if}}{{#if region.primary=true}}P{{#else}}-{{/if}}", "F-");
    check_expands("{{#if set.mode!=fast}}{{wrong}}{{#else}}ok{{/if}}", "ok");
    check_expands("{{#each service=d,short=none}}x{{#sep}}y{{/each}}", "");
}

static void lone_tags_take_their_line(void **state)
{
    (void)state;
    check_expands("top\n  {{#each regions}}\n  {{item.name}};\n  {{/each}}\nend\n", "top\n  a;\n  b;\nend\n");
    check_expands("{{#if set.mode=slow}}\nslow\n{{#else}}\nfast\n{{/if}}\nend", "fast\nend");
}

static void check_template_refused(const char *template, const char *wanted)
{
    write_text("template", template);
    check_refused(HEAD "services: { s: { role: gateway, on: gw, port: 80, command: x, files: { out: template } } }\n" ENTRY,
                  wanted);
}

static void mistakes_in_templates(void **state)
{
    (void)state;
    check_template_refused("ok\n  {{hots.name}}", "template:2:3: unknown variable '{{hots.name}}', did you mean 'host.name'?");
    check_template_refused("{{set.nothing}}", "there is no setting 'nothing'");
    check_template_refused("{{item.address}}", "has no meaning here");
    check_template_refused("{{address", "'{{' without '}}'");
    check_template_refused("{{#each service=S}}{{/each}}", "there is no service 'S'");
    check_template_refused("{{#each hosts,region=c}}{{/each}}", "there is no region 'c'");
    check_template_refused("{{#each things}}{{/each}}", "expected regions, hosts, service=NAME or role=NAME");
    check_template_refused("x\n{{#each regions}}", "template:2:18: '{{#each regions}}' is not closed");
    check_template_refused("{{#if set.x}}{{/if}}", "expected NAME=VALUE");
    check_template_refused("{{#if region.name=a}}{{/each}}", "expected '{{/if}}', found '{{/each}}'");
    check_template_refused("{{/if}}", "closes nothing");
    check_template_refused("{{#unless x}}", "expected #each, #sep, /each, #if, #else or /if");
}

static void mistakes_in_yaml(void **state)
{
    (void)state;
    check_refused("name: t\nname: u\n", "2:1: 'name' is here twice; it is already in line 1");
    check_refused("name: &a t\n", "1:7: anchors ('&name') are not supported");
    check_refused("a: *b\n", "1:4: aliases ('*name') are not supported");
    check_refused("name: !!str t\n", "1:7: tags ('!name') are not supported");
    check_refused("name: t\n---\nname: u\n", "2:1: a second document");
    check_refused("- a\n", "1:1: expected names with values");
    check_refused("", "1:1: expected names with values");
    check_refused("a: [1, 2\nb: }\n", "not YAML");
    check_refused("a: \"\\0\"\n", "1:4: a text must not hold a NUL byte");
    struct buf deep CLEANUP(buf_clear) = {0};
    buf_puts(&deep, "a: ");
    for (int i = 0; i < 200; i++) {
        buf_puts(&deep, "[");
    }
    check_refused(buf_str(&deep), "nested too deeply");
}

static void mistakes_in_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"nam: t\n", "1:1: unknown name 'nam' in the topology, did you mean 'name'?"},
        {"runtime: netns\n", "needs the option 'name'"},
        {"name: t\nruntime: cloud\n", "2:1: option 'runtime' of the topology: expected one of"},
        {"name: t\n", "'regions:' with at least one region"},
        {"name: t\nregions: []\n", "2:1: a topology needs 'regions:'"},
        {"name: t\nregions:\n  a: { backbone_latency: 15 }\n", "3:8: option 'backbone_latency' of region 'a'"},
        {"name: t\nregions:\n  a: { latency: 1s }\n", "3:8: unknown name 'latency' in region 'a'"},
        {"name: t\nregions:\n  a: { cidr: 10.7.0.0/24 }\n", "3:3: region 'a': region number 1"},
        {"name: t\nregions: { a: { id: x }, b: { id: x } }\nhosts: { client: 10.9.0.2 }\nservices: { s: { role: dns, on: client, "
         "command: x } "
         "}\n" ENTRY,
         "2:1: regions 'a' and 'b' have the same id 'x'"},
        {"name: t\nregions: { a: {} }\nregion_hosts: { gw: x }\n", "3:17: host 'gw': expected an IPv4 address"},
        {"name: t\nregions: { a: {} }\nregion_hosts: { 'g w': 11 }\n", "3:17: host 'g w': expected 1 to 40 letters"},
        {HEAD, "'services:' with at least one service"},
        {HEAD SERVICE, "needs 'entrypoint:'"},
        {HEAD "services: { s: { role: gateway, command: x } }\n", "needs 'on:'"},
        {HEAD "services: { s: { role: gateway, on: gv, command: x } }\n", "there is no host 'gv'"},
        {HEAD "services: { s: { role: gateway, on: [gw, a-gw], command: x } }\n", "on host 'a-gw' twice"},
        {HEAD "services: { s: { role: gatway, on: gw, command: x } }\n", "there is no role 'gatway', did you mean 'gateway'?"},
        {HEAD "services: { s: { on: gw, command: x } }\n", "needs the option 'role'"},
        {HEAD "services: { s: { role: gateway, on: gw } }\n", "needs a 'command:'"},
        {HEAD "services: { s: { role: gateway, on: gw, comand: x } }\n",
         "unknown name 'comand' in service 's', did you mean 'command'?"},
        {HEAD "services: { s: { role: gateway, on: gw, command: 'a | b' } }\n", "no shell reads this"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, port: 70000 } }\n", "option 'port' of service 's'"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, pid_file: /x } }\n", "pid_file is for what runs already"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, after: [t] } }\n", "there is no service 't'"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, stop_signal: SIGTRM } }\n", "did you mean 'SIGTERM'?"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, reload_signal: SIGHP } }\n",
         "reload_signal: there is no signal"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, files: { f: missing.conf } } }\n", "missing.conf"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, ready: { http: /h } } }\n", "which port?"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, ready: { http: /h, tcp: 1 } } }\n", "found 2 of them"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, ready: {} } }\n", "found 0 of them"},
        {HEAD "services: { s: { role: gateway, on: gw, command: x, start_timeout: 5 } }\n", "option 'start_timeout'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_refused(cases[i].text, cases[i].wanted);
    }
}

static void mistakes_between_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"name: t\nregions: { a: {} }\nregion_hosts: { x: 11, y: 11 }\nhosts: { client: 10.9.0.2 }\n"
         "services: { s: { role: dns, on: x, command: x } }\n" ENTRY,
         "hosts 'a-x' and 'a-y' have the same address 10.1.0.11"},
        {"name: t\nregions: { a: {} }\nhosts: { client: 10.1.0.9 }\nservices: { s: { role: dns, on: client, command: x } "
         "}\n" ENTRY,
         "3:1: host 'client': expected an address in 10.9.0.0/24"},
        {"name: t\nregions: { a: {} }\nhosts: { client: 10.9.0.2, internet: 10.9.0.3 }\n"
         "services: { s: { role: dns, on: client, command: x } }\n" ENTRY,
         "host 'internet': this name is taken"},
        {"name: t\nregions: { a: { hosts: { g: 1 } } }\nhosts: { client: 10.9.0.2 }\n"
         "services: { s: { role: dns, on: g, command: x } }\n" ENTRY,
         "host 'a-g': expected an address in 10.1.0.0/24 from .2"},
        {HEAD
         "services: { s: { role: dns, on: gw, port: 80, command: x }, t: { role: dns, on: gw, port: 80, command: x } }\n" ENTRY,
         "services 's@a-gw' and 't@a-gw' have the same port 80"},
        {HEAD
         "services: { s: { role: dns, on: gw, command: x, after: t }, t: { role: dns, on: gw, command: x, after: s } }\n" ENTRY,
         "service 's@a-gw' can never start"},
        {HEAD "primary_region: c\n" SERVICE ENTRY, "5:1: there is no region 'c' in topology 't'"},
        {HEAD SERVICE "entrypoint: { url: 'ftp://x' }\n", "expected http://NAME:PORT"},
        {HEAD SERVICE "entrypoint: { url: 'http://x', vantages: clint }\n",
         "there is no host 'clint' in topology 't', did you mean"},
        {HEAD SERVICE ENTRY "traffic: { write: { url: /x } }\n", "each write needs its own id"},
        {HEAD SERVICE ENTRY "traffic: { write: { url: '/{{ids}}' } }\n", "unknown variable '{{ids}}'"},
        {HEAD SERVICE ENTRY "traffic: { reads: {} }\n", "7:12: unknown name 'reads' in traffic, did you mean 'read'?"},
        {HEAD SERVICE "entrypoint: { url: 'http://x', clients: { clint: { weight: 2 } } }\n",
         "'clint' is no vantage, did you mean 'client'?"},
        {HEAD SERVICE "entrypoint: { url: 'http://x', clients: { client: { conections: new } } }\n",
         "did you mean 'connections'?"},
        {HEAD SERVICE "entrypoint: { url: 'http://x', clients: { client: { connections: close } } }\n", "connections"},
        {HEAD SERVICE ENTRY "traffic: { headers: { authorization: 'Bearer abc' } }\n", "write {{env.NAME}}"},
        {HEAD SERVICE ENTRY "traffic: { headers: { X: '{{sequence}}' } }\n", "unknown variable '{{sequence}}'"},
        {HEAD SERVICE ENTRY "traffic: { headers: [X] }\n", "expected names with values"},
        {HEAD SERVICE ENTRY "traffic: { served_by: Set-Cookie }\n", "may hold a secret"},
        {HEAD SERVICE ENTRY "traffic: { served_by: 'X Served' }\n", "is not the name of a header"},
        {HEAD SERVICE "entrypoint: { url: 'http://x', vantages: [a-gw], clients: { a-gw: { addresses: 198.18.0.0/16 } } }\n",
         "outside of all regions"},
        {HEAD SERVICE ENTRY "observers: { o: { kind: helth, place: client, http: 'http://x' } }\n", "did you mean 'health'?"},
        {HEAD SERVICE ENTRY "observers: { o: { kind: health, http: 'http://x' } }\n", "needs 'place:'"},
        {HEAD SERVICE ENTRY "observers: { o: { kind: dns, place: client, dns: x } }\n", "which server is asked?"},
        {HEAD SERVICE ENTRY "observers: { o: { kind: role, place: client } }\n", "found 0 of them"},
        {HEAD SERVICE ENTRY "steady: { o: { exec: x, place: nowhere } }\n", "there is no host 'nowhere'"},
        {HEAD SERVICE ENTRY "steady: { o: { exec: [], place: client } }\n", "the list is empty"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_refused(cases[i].text, cases[i].wanted);
    }
}

static void settings_are_checked(void **state)
{
    (void)state;
    static const char text[] = "settings: { mode: { default: fast, choices: [fast, slow] }, free: 1 }\n" HEAD
                               "services: { s: { role: gateway, on: gw, command: 'x {{set.mode}} {{set.free}}' } }\n" ENTRY;
    struct topology *topology = NULL;
    struct err err = {0};
    write_text("t.yaml", text);
    AUTO_NODE struct node *settings = node_new(NODE_MAP);
    node_put(settings, "mode", node_scalar("slow"));
    topology = load_file(file, settings);
    assert_string_equal(topology->services[0].argv[1], "slow");
    assert_string_equal(topology->services[0].argv[2], "1");
    topology_free(TAKE(topology));
    node_put(settings, "mode", node_scalar("slwo"));
    assert_int_equal(topology_load(file, "/s", "/t", settings, &topology, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "expected one of fast, slow, found 'slwo', did you mean 'slow'?"));
    node_put(settings, "mode", node_scalar("slow"));
    node_put(settings, "fee", node_scalar("2"));
    assert_int_equal(topology_load(file, "/s", "/t", settings, &topology, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "has no setting 'fee', did you mean 'free'?"));
    char **names = NULL;
    size_t count = 0;
    assert_int_equal(topology_setting_names(file, &names, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "mode");
    assert_string_equal(names[1], "free");
    free(names[0]);
    free(names[1]);
    free(names);
}

static void check_selects(const struct topology *topology, const char *selector, size_t wanted, const char *place,
                          const char *kind, const char *cidr)
{
    AUTO_FREE struct topology_target *targets = NULL;
    size_t count = 0;
    struct err err = {0};
    if (topology_select(topology, selector, &targets, &count, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(count, wanted);
    assert_string_equal(targets[0].place, place);
    assert_string_equal(targets[0].kind, kind);
    assert_string_equal(targets[0].cidr, cidr);
}

static void check_select_refused(const struct topology *topology, const char *selector, const char *wanted)
{
    struct topology_target *targets = NULL;
    size_t count = 0;
    struct err err = {0};
    assert_int_equal(topology_select(topology, selector, &targets, &count, &err), -ERR_INPUT);
    assert_null(targets);
    if (!strstr(err.text, wanted)) {
        fail_msg("expected: %s\nfound:    %s", wanted, err.text);
    }
}

static void selectors(void **state)
{
    (void)state;
    struct topology *topology CLEANUP(topology_cleanup) =
        load_file(DRILL_SOURCE_DIR "/scenarios/topologies/three-region.yaml", NULL);
    check_selects(topology, "region=us-west", 1, "us-west", "region", "10.2.0.0/24");
    check_selects(topology, "host=us-east-gw1", 1, "us-east-gw1", "host", "10.1.0.11/32");
    check_selects(topology, "service=haproxy@us-east-gw2", 1, "us-east-gw2", "service", "10.1.0.12/32");
    check_selects(topology, "service=haproxy,region=eu-west", 2, "eu-west-gw1", "service", "10.3.0.11/32");
    check_selects(topology, "role=gateway", 6, "us-east-gw1", "service", "10.1.0.11/32");
    check_selects(topology, "role=store,host=us-west-db", 1, "us-west-db", "service", "10.2.0.31/32");
    check_select_refused(topology, "region=us-eats", "did you mean 'us-east'?");
    check_select_refused(topology, "host=gw1", "there is no host 'gw1'");
    check_select_refused(topology, "service=haproxi", "did you mean 'haproxy'?");
    check_select_refused(topology, "regoin=x", "did you mean 'region'?");
    check_select_refused(topology, "", "a target is needed");
    check_select_refused(topology, "region=", "expected region=NAME");
    check_select_refused(topology, "region=us-east,region=us-west", "said twice");
    check_select_refused(topology, "service=gdnsd,region=us-east", "nothing in topology");
}

static const struct topology_file *file_of(const struct topology *topology, const char *instance, size_t index)
{
    const struct topology_service *service = topology_service_find(topology, instance);
    assert_non_null(service);
    assert_true(index < service->file_count);
    return &service->files[index];
}

static void three_regions_load(void **state)
{
    (void)state;
    const char *path = DRILL_SOURCE_DIR "/scenarios/topologies/three-region.yaml";
    struct topology *topology CLEANUP(topology_cleanup) = load_file(path, NULL);
    assert_int_equal(topology->host_count, 17);
    assert_int_equal(topology->service_count, 3 + 3 + 6 + 6 + 1);
    assert_string_equal(topology->primary_region, "us-east");
    assert_int_equal(topology->regions[2].backbone_latency_ns, 20000000);
    const struct topology_service *west = topology_service_find(topology, "patroni@us-west-db");
    assert_true(west->unprivileged);
    assert_int_equal(west->after_count, 4);
    assert_string_equal(west->after[3], "patroni@us-east-db");
    assert_int_equal(topology_service_find(topology, "patroni@us-east-db")->after_count, 3);
    assert_non_null(strstr(file_of(topology, "haproxy@us-west-gw1", 0)->content, "server app2 10.2.0.22:9000 check\n"));
    assert_non_null(strstr(file_of(topology, "patroni@us-west-db", 0)->content, "\netcd:\n"));
    assert_non_null(strstr(file_of(topology, "patroni@us-west-db", 0)->content, "synchronous_mode: false\n"));
    assert_int_equal(file_of(topology, "patroni@us-west-db", 1)->mode, 0755);
    assert_int_equal(topology->observer_count, 1 + 6 + 3 + 3 + 3);
    assert_string_equal(topology->observers[9].name, "role eu-west-db");
    assert_string_equal(topology->observers[9].place, "eu-west-db");
    assert_string_equal(topology->observers[0].server, "10.9.0.53");
    assert_string_equal(topology->traffic.write.url, "http://api.example.com:8080/orders/{{id}}");
    AUTO_NODE struct node *settings = node_new(NODE_MAP);
    node_put(settings, "dcs", node_scalar("etcd3"));
    node_put(settings, "replication", node_scalar("sync"));
    struct topology *other CLEANUP(topology_cleanup) = load_file(path, settings);
    assert_non_null(strstr(file_of(other, "patroni@us-west-db", 0)->content, "\netcd3:\n"));
    assert_non_null(strstr(file_of(other, "patroni@us-west-db", 0)->content, "synchronous_mode: true\n"));
}

static void two_regions_load(void **state)
{
    (void)state;
    struct topology *topology CLEANUP(topology_cleanup) =
        load_file(DRILL_SOURCE_DIR "/scenarios/topologies/two-region.yaml", NULL);
    assert_int_equal(topology->service_count, 2 + 3 + 4 + 1);
    assert_null(strstr(file_of(topology, "redis@us-east-db", 0)->content, "replicaof"));
    assert_non_null(strstr(file_of(topology, "redis@us-west-db", 0)->content, "replicaof 10.1.0.31 6379\n"));
    assert_non_null(strstr(file_of(topology, "sentinel@witness", 0)->content, "sentinel known-replica orders 10.2.0.31 6379\n"));
}

static void example_of_a_running_system_loads(void **state)
{
    (void)state;
    struct topology *topology CLEANUP(topology_cleanup) =
        load_file(DRILL_SOURCE_DIR "/scenarios/topologies/running-system.yaml", NULL);
    assert_int_equal(topology->runtime, RUNTIME_LOCAL);
    assert_string_equal(topology_service_find(topology, "api@green-web")->pid_file, "/run/api-green.pid");
    assert_string_equal(topology->observers[1].url, "http://127.0.0.2:8080/healthz");
    check_selects(topology, "region=green", 1, "green-web", "host", "127.0.0.2/32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_managed_topology),
        cmocka_unit_test(clients_headers_and_certificates),
        cmocka_unit_test(running_system_in_twenty_lines),
        cmocka_unit_test(templates_expand),
        cmocka_unit_test(lone_tags_take_their_line),
        cmocka_unit_test(mistakes_in_templates),
        cmocka_unit_test(mistakes_in_yaml),
        cmocka_unit_test(mistakes_in_parts),
        cmocka_unit_test(mistakes_between_parts),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(selectors),
        cmocka_unit_test(three_regions_load),
        cmocka_unit_test(two_regions_load),
        cmocka_unit_test(example_of_a_running_system_loads),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
