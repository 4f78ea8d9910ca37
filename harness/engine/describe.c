/* The topology's parts as agents and evidence receive them. */
#include "harness/engine/promise.h"

#include <math.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/digest.h"
#include "harness/measure/outage.h"
#include "harness/param/client.h"

enum { WARM_FROM_RATE = 1000 /* a second */, WARM_MOST = 64 };

static json_t *strings(char *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_string(items[i]));
    }
    return array;
}

static void put_text(json_t *object, const char *key, const char *text)
{
    if (text) {
        json_object_set_new(object, key, json_string(text));
    }
}

static void put_object(json_t *object, const char *key, json_t *value)
{
    if (value) {
        json_object_set(object, key, value);
    }
}

json_t *describe_health(const struct topology_health *health, const char *address)
{
    static const char *const types[HEALTH_TYPE_COUNT] = {"none", "http", "tcp", "dns", "exec", "file"};
    json_t *json = json_pack("{s:s, s:i, s:i, s:o}", "type", types[health->type], "port", health->port, "status", health->status,
                             "argv", strings(health->argv, health->argc));
    put_text(json, "address", address);
    put_text(json, "path", health->path);
    put_text(json, "contains", health->contains);
    put_text(json, "name", health->name);
    return json;
}

static json_t *describe_files(const struct topology_service *service)
{
    json_t *files = json_array();
    for (size_t i = 0; i < service->file_count; i++) {
        const struct topology_file *file = &service->files[i];
        json_array_append_new(files, json_pack("{s:s, s:s, s:i}", "path", file->path, "content",
                                               file->content ? file->content : "", "mode", file->mode ? file->mode : 0644));
    }
    return files;
}

json_t *describe_service(const struct topology_service *service, const char *logs, bool with_files)
{
    AUTO_FREE char *log = xasprintf("%s/%s.log", logs, service->name);
    json_t *json =
        json_pack("{s:s, s:o, s:o, s:b, s:o, s:s, s:i, s:I}", "name", service->name, "argv",
                  strings(service->argv, service->argc), "env", strings(service->env, service->env_count), "unprivileged",
                  service->unprivileged, "ready", describe_health(&service->ready, service->host->address), "log", log,
                  "stop_signal", service->stop_signal, "start_timeout_ms", (json_int_t)(service->start_timeout_ns / NS_PER_MS));
    if (with_files) {
        json_object_set_new(json, "dirs", strings(service->dirs, service->dir_count));
        json_object_set_new(json, "files", describe_files(service));
    }
    put_text(json, "pid_file", service->pid_file);
    return json;
}

json_t *describe_control(const struct topology_control *control)
{
    return json_pack("{s:o, s:o, s:I}", "get", strings(control->get, control->get_count), "set",
                     strings(control->set, control->set_count), "timeout_ms", (json_int_t)(control->timeout_ns / NS_PER_MS));
}

/* How a fault may start, stop and reload it and what it shows to clients, besides what the world's record of it says. */
json_t *describe_handle(const struct topology_service *service)
{
    json_t *json = json_pack("{s:i, s:o, s:o}", "stop_signal", service->stop_signal, "start",
                             strings(service->start, service->start_count), "stop", strings(service->stop, service->stop_count));
    put_text(json, "pid_file", service->pid_file);
    put_text(json, "container", service->host->container);
    put_text(json, "certificate", service->certificate);
    json_object_set_new(json, "address", json_string(service->host->address));
    json_object_set_new(json, "port", json_integer(service->port));
    json_object_set_new(json, "reload", strings(service->reload, service->reload_count));
    json_object_set_new(json, "reload_signal", json_integer(service->reload_signal));
    return json;
}

/* A DNS question goes to the server that clients ask; everything else to the host of the place. */
json_t *describe_steady(const struct topology *topology, const struct topology_steady *steady)
{
    const struct topology_host *host = topology_host_find(topology, steady->place);
    const char *address = host ? host->address : NULL;
    return describe_health(&steady->check, steady->check.type == HEALTH_DNS ? topology->entrypoint.dns_server : address);
}

json_t *describe_observer(const struct topology_observer *observer)
{
    static const char *const types[OBSERVER_TYPE_COUNT] = {"none", "dns", "http", "exec"};
    json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "name", observer->name, "kind", observer->kind, "type",
                             types[observer->type], "interval_ms", (json_int_t)(observer->interval_ns / NS_PER_MS), "timeout_ms",
                             (json_int_t)(observer->timeout_ns / NS_PER_MS), "argv", strings(observer->argv, observer->argc));
    put_text(json, "server", observer->server);
    put_text(json, "query", observer->query);
    put_text(json, "url", observer->url);
    put_text(json, "field", observer->field);
    put_text(json, "otherwise", observer->otherwise);
    return json;
}

static json_t *describe_request(const struct topology_request *request)
{
    json_t *json = json_pack("{s:s, s:s, s:i}", "method", request->method ? request->method : "GET", "url", request->url,
                             "status", request->status ? request->status : 200);
    put_text(json, "body", request->body);
    put_text(json, "contains", request->contains);
    put_object(json, "headers", request->headers);
    return json;
}

/* The ledger's room: the longest that the plan can take, and a minute for start and end. */
static int64_t load_seconds(const struct session *session)
{
    return session->plan->longest_ns / NS_PER_S + 120;
}

static int64_t weight_of(const struct topology *topology, size_t vantage)
{
    const struct topology_client *client = topology_client_find(topology, topology->entrypoint.vantages[vantage]);
    return client ? client->weight : 1;
}

static double part_of_rate(const struct topology *topology, size_t vantage)
{
    int64_t all = 0;
    for (size_t i = 0; i < topology->entrypoint.vantage_count; i++) {
        all += weight_of(topology, i);
    }
    return (double)weight_of(topology, vantage) / (double)all;
}

/* A busy client has connections open before it counts; one at human rates opens them as it goes. */
static json_int_t warm_connections(double rate)
{
    return rate < WARM_FROM_RATE ? 0 : rate / 100 < WARM_MOST ? (json_int_t)(rate / 100) : WARM_MOST;
}

static void put_requests(json_t *json, const struct topology *topology)
{
    if (topology->traffic.write.url) {
        json_object_set_new(json, "write", describe_request(&topology->traffic.write));
    }
    json_object_set_new(json, "read", describe_request(&topology->traffic.read));
    put_object(json, "headers", topology->traffic.headers);
    put_text(json, "served_by", topology->traffic.served_by);
    put_text(json, "ca", topology->entrypoint.ca);
    json_object_set_new(json, "tls_verify", json_boolean(topology->entrypoint.tls_verify));
}

json_t *describe_client(const struct scenario *scenario, const struct topology *topology, size_t vantage)
{
    const struct scenario_load *load = &scenario->load;
    const char *name = topology->entrypoint.vantages[vantage];
    const struct topology_client *client = topology_client_find(topology, name);
    double part = part_of_rate(topology, vantage);
    int connections = client && client->connections ? client->connections - 1 : load->connections;
    int http = client && client->http ? client->http - 1 : load->http;
    json_t *json = json_pack(
        "{s:s, s:f, s:s, s:f, s:f, s:I, s:f, s:I, s:s, s:s, s:I}", "vantage", name, "rate", load->rate * part, "shape",
        client_arrivals[load->arrivals], "from", load->from * part, "over_seconds", (double)load->over_ns / NS_PER_S, "steps",
        (json_int_t)load->steps, "write_share", load->write_share, "deadline_ms", (json_int_t)(load->deadline_ns / NS_PER_MS),
        "connections", client_connections[connections], "http", client_http[http], "in_flight_max", (json_int_t)load->in_flight);
    if (!str_eq(client_connections[connections], "new")) {
        json_object_set_new(json, "warm", json_integer(warm_connections(load->rate * part)));
    }
    if (load->sessions) {
        json_object_set_new(json, "sessions", json_integer((json_int_t)ceil((double)load->sessions * part)));
    }
    put_text(json, "addresses", client ? client->addresses : NULL);
    put_text(json, "dns_server", topology->entrypoint.dns_server);
    put_text(json, "dns_name", topology->entrypoint.dns_name);
    put_requests(json, topology);
    json_object_set_new(json, "realtime", json_true());
    return json;
}

json_t *describe_load(const struct session *session, size_t vantage, const char *ledger)
{
    char prefix[32];
    int64_t offset_ns = 0, bound_ns = 0;
    (void)str_format(prefix, sizeof(prefix), "%s%c-", session->write_prefix, (char)('a' + vantage % 26));
    place_clock_offset(session->vantages.items[vantage], &offset_ns, &bound_ns);
    json_t *json = describe_client(session->scenario, session->topology, vantage);
    json_t *own =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "ledger", ledger, "id_prefix", prefix, "seed",
                  (json_int_t)(session->options->seed + (int64_t)vantage), "max_seconds", (json_int_t)load_seconds(session),
                  "clock_offset_ns", (json_int_t)offset_ns, "clock_bound_ns", (json_int_t)bound_ns);
    json_object_update(json, own);
    json_decref(own);
    return json;
}

json_t *describe_readback(const struct topology *topology, const char *vantage, const char *file, const char *prefix)
{
    json_t *json = json_pack("{s:s, s:s?, s:s, s:s, s:s, s:b}", "url", topology->traffic.list_url, "dns_server",
                             topology->entrypoint.dns_server, "vantage", vantage, "file", file, "prefix", prefix, "tls_verify",
                             topology->entrypoint.tls_verify);
    put_object(json, "headers", topology->traffic.headers);
    put_text(json, "ca", topology->entrypoint.ca);
    return json;
}

/* Stores are asked beside them: by address, without the users' DNS. */
json_t *describe_store(const struct topology *topology, const struct topology_store *store, const char *file, const char *prefix)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:b}", "url", store->list_url, "vantage", store->name, "file", file, "prefix",
                             prefix, "tls_verify", topology->entrypoint.tls_verify);
    put_object(json, "headers", topology->traffic.headers);
    put_text(json, "ca", topology->entrypoint.ca);
    return json;
}

/* What is sent, as it is written: variables of the environment stay names. */
static json_t *describe_traffic(const struct scenario *scenario, const struct topology *topology)
{
    json_t *clients = json_array(), *json = json_object();
    for (size_t i = 0; i < topology->entrypoint.vantage_count; i++) {
        AUTO_JSON json_t *whole = describe_client(scenario, topology, i);
        json_array_append_new(clients, json_pack("{s:O, s:O, s:O, s:O}", "vantage", json_object_get(whole, "vantage"), "rate",
                                                 json_object_get(whole, "rate"), "connections",
                                                 json_object_get(whole, "connections"), "http", json_object_get(whole, "http")));
    }
    put_requests(json, topology);
    put_text(json, "list_url", topology->traffic.list_url);
    json_object_set_new(json, "clients", clients);
    return json;
}

static json_t *describe_measure(const struct session *session)
{
    const struct scenario_measure *measure = &session->scenario->measure;
    int64_t latency_ns = measure->latency_ns ? measure->latency_ns : session->scenario->load.deadline_ns;
    return json_pack("{s:I, s:I, s:f, s:I, s:I, s:I, s:f}", "window_ns", (json_int_t)measure->window_ns, "minimum_count",
                     (json_int_t)measure->minimum, "good_share", measure->share, "latency_ns", (json_int_t)latency_ns, "hold_ns",
                     (json_int_t)measure->hold_ns, "late_limit_ns", (json_int_t)(50 * NS_PER_MS), "late_share", 0.001);
}

static json_t *describe_regions(const struct topology *topology)
{
    json_t *regions = json_array();
    for (size_t i = 0; i < topology->region_count; i++) {
        json_array_append_new(regions,
                              json_pack("{s:s, s:s?}", "name", topology->regions[i].name, "cidr", topology->regions[i].cidr));
    }
    return regions;
}

/* Of the text as it lies in the evidence: a hash of a file with a short secret in it would give the secret away. */
static void put_digest(json_t *object, const char *key, const struct session *session, const char *name)
{
    char digest[DIGEST_TEXT];
    AUTO_FREE char *path = xasprintf("%s/%s", session->folder, name);
    put_text(object, key, digest_file(path, digest));
}

static json_t *describe_redact(const struct session *session)
{
    json_t *names = strings(session->topology->redact, session->topology->redact_count);
    AUTO_JSON json_t *own = strings(session->scenario->redact, session->scenario->redact_count);
    json_array_extend(names, own);
    return names;
}

static json_t *describe_settings(const struct topology *topology)
{
    json_t *settings = json_object();
    for (size_t i = 0; i < topology->setting_count; i++) {
        json_object_set_new(settings, topology->settings[i].name, json_string(topology->settings[i].value));
    }
    return settings;
}

/* The names alone; the faults that they are about go into `after`, by name. One that is named without a fault is about any. */
static json_t *describe_expected(char *const *texts, size_t count, json_t *after)
{
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *name = NULL, *fault = NULL;
        scenario_alert_split(texts[i], &name, &fault);
        json_array_append_new(names, json_string(name));
        if (!json_object_get(after, name)) {
            json_object_set_new(after, name, json_array());
        }
        if (fault) {
            json_array_append_new(json_object_get(after, name), json_string(fault));
        }
    }
    return names;
}

static json_t *observers_of(const struct topology *topology, const char *kind)
{
    json_t *names = json_array();
    for (size_t i = 0; i < topology->observer_count; i++) {
        if (str_eq(topology->observers[i].kind, kind)) {
            json_array_append_new(names, json_string(topology->observers[i].name));
        }
    }
    return names;
}

static json_t *describe_alerts(const struct session *session)
{
    const struct scenario *scenario = session->scenario;
    json_t *after = json_object();
    json_t *must_fire = describe_expected(scenario->alerts, scenario->alert_count, after);
    json_t *may_fire = describe_expected(scenario->may_fire, scenario->may_fire_count, after);
    return json_pack("{s:o, s:o, s:o, s:o}", "watched", observers_of(session->topology, "alert"), "must_fire", must_fire,
                     "may_fire", may_fire, "after", after);
}

/* All that a drill could have touched: reports say what it did not. */
static json_t *describe_inventory(const struct topology *topology)
{
    json_t *inventory = json_array();
    for (size_t i = 0; i < topology->service_count; i++) {
        const struct topology_service *service = &topology->services[i];
        json_array_append_new(inventory,
                              json_pack("{s:s, s:s, s:s, s:s}", "name", service->name, "service", service->service, "host",
                                        service->host->name, "region", service->host->region ? service->host->region->name : ""));
    }
    return inventory;
}

json_t *describe_plan(const struct session *session)
{
    const struct scenario *scenario = session->scenario;
    json_t *plan =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:O, s:I, s:I}", "drill_id", session->id,
                  "scenario", scenario->name, "title", scenario->title, "why", scenario->why ? scenario->why : "", "seed",
                  (json_int_t)session->options->seed, "topology", session->topology->name, "write_prefix", session->write_prefix,
                  "objectives", strings(scenario->objectives, scenario->objective_count), "measure", describe_measure(session),
                  "regions", describe_regions(session->topology), "load", param_to_json(scenario_load_table, &scenario->load),
                  "settings", describe_settings(session->topology), "steps", session->plan->steps, "usual_ns",
                  (json_int_t)session->plan->usual_ns, "longest_ns", (json_int_t)session->plan->longest_ns);
    json_object_set_new(plan, "alerts", describe_alerts(session));
    json_object_set_new(plan, "order", strings(scenario->order, scenario->order_count));
    json_t *promise = promise_describe(session->topology, session->plan);
    if (promise) {
        json_object_set_new(plan, "promise", promise);
    }
    json_object_set_new(plan, "security", observers_of(session->topology, "security"));
    json_object_set_new(plan, "params", node_to_json(scenario->params));
    json_object_set_new(plan, "inventory", describe_inventory(session->topology));
    json_t *rules = json_array();
    for (size_t i = 0; i < scenario->abort_count; i++) {
        json_array_append_new(rules, json_string(scenario->abort_when[i].text));
    }
    json_object_set_new(plan, "abort_when", rules);
    json_object_set_new(plan, "traffic", describe_traffic(scenario, session->topology));
    json_object_set_new(plan, "repeat", json_integer(session->options->repeat));
    json_object_set_new(plan, "redact", describe_redact(session));
    if (session->options->annex) {
        (void)json_object_update_missing(plan, (json_t *)(uintptr_t)session->options->annex);
    }
    return plan;
}

/* Whether the wall clock is disciplined: times are decided with the monotonic clock, but people compare UTC. */
static const char *clock_state(void)
{
    struct timex state = {0};
    int status = adjtimex(&state);
    return status < 0 ? "unknown" : status == TIME_ERROR || (state.status & STA_UNSYNC) ? "not synchronised" : "synchronised";
}

json_t *describe_environment(const struct session *session)
{
    struct utsname system;
    char utc[32], binary[DIGEST_TEXT];
    (void)uname(&system);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:i, s:s, s:i, s:b}", "tool", "drill " DRILL_VERSION, "host", system.nodename,
                  "system", system.sysname, "kernel", system.release, "machine", system.machine, "command_line",
                  session->options->command_line, "uid", (int)getuid(), "started_utc", clock_format_utc(clock_utc_now_ns(), utc),
                  "cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "kept_topology", session->options->up != NULL);
    put_digest(json, "scenario_sha256", session, "scenario.lua");
    put_digest(json, "topology_sha256", session, "topology.yaml");
    put_text(json, "binary_sha256", digest_file("/proc/self/exe", binary));
    put_text(json, "wall_clock", clock_state());
    return json;
}
