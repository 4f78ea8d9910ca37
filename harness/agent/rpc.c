/* JSON-RPC lines: dispatch by a table, answers, events. */
#include "harness/agent/rpc.h"

#include <unistd.h>

#include "harness/agent/spawn.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

static void send_message(struct agent *agent, json_t *message)
{
    AUTO_JSON json_t *owned = message;
    AUTO_FREE char *text = json_dumps(owned, JSON_COMPACT);
    if (text) {
        buf_puts(&agent->out, text);
        buf_puts(&agent->out, "\n");
    }
}

void rpc_reply(struct agent *agent, int64_t id, json_t *result)
{
    send_message(agent,
                 json_pack("{s:s, s:I, s:o}", "jsonrpc", "2.0", "id", (json_int_t)id, "result", result ? result : json_object()));
}

void rpc_fail(struct agent *agent, int64_t id, const struct err *err)
{
    json_t *text = json_string(err->text);
    if (!text) {
        text = json_string("an error whose text is not UTF-8");
    }
    send_message(agent, json_pack("{s:s, s:I, s:{s:i, s:o, s:{s:s}}}", "jsonrpc", "2.0", "id", (json_int_t)id, "error", "code",
                                  -32000, "message", text, "data", "code", err_code_name(err->code)));
}

void rpc_event(struct agent *agent, int64_t t_ns, const char *kind, json_t *fields)
{
    json_t *params = fields ? fields : json_object();
    json_object_set_new(params, "kind", json_string(kind));
    json_object_set_new(params, "t_ns", json_integer(t_ns));
    send_message(agent, json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", "event", "params", params));
}

static int ping(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    (void)params;
    (void)err;
    rpc_reply(agent, id, json_pack("{s:I}", "clock_ns", (json_int_t)clock_now_ns()));
    return 0;
}

static int hello(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    json_t *adopted = json_array();
    (void)str_copy(agent->place, sizeof(agent->place), json_str(params, "place", ""));
    free(agent->journal);
    agent->journal = xstrdup(json_str(params, "journal", NULL));
    agent->heartbeat_limit_ns = 3 * json_int(params, "heartbeat_ms", 0) * NS_PER_MS;
    agent->heartbeat_ns = clock_now_ns();
    int status = faults_adopt(agent, adopted, err);
    if (status < 0) {
        json_decref(adopted);
        return status;
    }
    rpc_reply(agent, id, json_pack("{s:s, s:i, s:o}", "version", DRILL_VERSION, "pid", (int)getpid(), "adopted", adopted));
    return 0;
}

static int heartbeat(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    (void)id;
    (void)params;
    (void)err;
    agent->heartbeat_ns = clock_now_ns();
    return 0;
}

static int set_links(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    json_t *result = NULL;
    int status = links_set(&agent->links, params, &result, err);
    if (status == 0) {
        rpc_reply(agent, id, result);
    }
    return status;
}

static int service_files(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    int status = spawn_write_files(params, err);
    if (status == 0) {
        rpc_reply(agent, id, NULL);
    }
    return status;
}

static int end(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    (void)params;
    (void)err;
    faults_free(agent);
    rpc_reply(agent, id, NULL);
    agent->ending = true;
    return 0;
}

static const struct {
    const char *name;
    rpc_handler_f *handler;
} methods[] = {
    {"hello", hello},
    {"ping", ping},
    {"heartbeat", heartbeat},
    {"service.start", service_start},
    {"service.stop", service_stop},
    {"service.pids", service_pids},
    {"service.inspect", service_inspect},
    {"service.files", service_files},
    {"check", check_once},
    {"fault.supported", fault_supported},
    {"fault.plan", fault_plan},
    {"fault.apply", fault_apply},
    {"fault.prove", fault_prove},
    {"fault.revert", fault_revert},
    {"fault.residue", fault_residue},
    {"snapshot.take", snapshot_rpc_take},
    {"snapshot.compare", snapshot_rpc_compare},
    {"load.check", traffic_load_check},
    {"load.start", traffic_load_start},
    {"load.stop", traffic_load_stop},
    {"readback", traffic_readback},
    {"observe.start", observe_start},
    {"observe.stop", observe_stop},
    {"metrics.serve", exposition_serve},
    {"link.set", set_links},
    {"exit", end},
};

static rpc_handler_f *find_handler(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_eq(methods[i].name, name)) {
            return methods[i].handler;
        }
    }
    return NULL;
}

void rpc_take_line(struct agent *agent, const char *line, size_t size)
{
    AUTO_JSON json_t *message = NULL;
    struct err err = {0};
    if (json_parse(line, size, &message, &err) < 0) {
        rpc_fail(agent, 0, &err);
        return;
    }
    const char *name = json_str(message, "method", "");
    int64_t id = json_int(message, "id", 0);
    rpc_handler_f *handler = find_handler(name);
    int status = handler ? handler(agent, id, json_object_get(message, "params"), &err)
                         : err_set(&err, ERR_PROTOCOL, "there is no method '%s'", name);
    if (status < 0 && id > 0) {
        rpc_fail(agent, id, &err);
    }
}
