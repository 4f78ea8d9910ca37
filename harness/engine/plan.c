/* The dry run: the scenario with steps that return at once, so that everything in it is checked before anything is touched. */
#include "harness/engine/checks.h"
#include "harness/engine/promise.h"
#include "harness/engine/steps.h"

#include "harness/base/clock.h"
#include "harness/measure/objective.h"
#include "harness/param/client.h"
#include "harness/topology/names.h"

enum { STEPS_MAX = 2000, DRIFT_LONGEST_S = 30 };

void engine_plan_free(struct engine_plan *plan)
{
    if (plan) {
        json_decref(plan->steps);
        json_decref(plan->faults);
        json_decref(plan->isolating);
        free(plan->beyond);
        free(plan);
    }
}

struct planning {
    struct script *script;
    const struct topology *topology;
    const struct engine_options *options;
    struct places *places;
    struct place *place; /* a local agent: explains faults */
    struct engine_plan *plan;
    size_t injected;
    json_t *out; /* regions, by the injection that takes them out */
};

static void add_step(struct planning *planning, const struct script_request *request, const char *text)
{
    json_array_append_new(planning->plan->steps,
                          json_pack("{s:s, s:i, s:s}", "step", request->verb, "line", request->line, "text", text));
}

static int allowed_on_host(const struct planning *planning, const char *fault, struct err *err)
{
    if (planning->topology->runtime == RUNTIME_NETNS || planning->topology->own_engine || planning->options->allow_host ||
        planning->topology->allow_host) {
        return 0;
    }
    return err_set(err, ERR_INPUT,
                   "fault '%s' would hit this machine: topology '%s' has no namespaces of its own; say --allow-host, or allow: "
                   "true in the topology",
                   fault, planning->topology->name);
}

static int explain(struct planning *planning, json_t *description, struct buf *text, struct err *err)
{
    AUTO_JSON json_t *result = NULL;
    int status = place_call(planning->place, "fault.plan", json_deep_copy(description), CALL_TIMEOUT_S * NS_PER_S, &result, err);
    if (status == 0) {
        buf_printf(text, "%s%s", text->size ? "; " : "", json_str(result, "text", ""));
        json_object_set_new(description, "isolates", json_boolean(json_flag(result, "isolates", false)));
        json_array_append(planning->plan->faults, description);
    }
    return status;
}

/* Messages of an agent have no positions: find the option that they name. */
static int place_error(const struct node *args, struct err *err)
{
    const struct node *options = node_get(args, "options"), *best = options;
    char where[512];
    for (size_t i = 0; options && i < options->count; i++) {
        char quoted[160];
        if (options->children[i]->key && str_format(quoted, sizeof(quoted), "'%s'", options->children[i]->key) &&
            strstr(err->text, quoted)) {
            best = options->children[i];
            break;
        }
    }
    if (best && *node_where(best, where)) {
        where[strlen(where) - 2] = '\0';
        return err_prefix(err, "%s", where);
    }
    return -(int)err->code;
}

static int plan_inject(struct planning *planning, const struct script_request *request, struct err *err)
{
    struct target_list list CLEANUP(target_list_clear) = {0};
    struct buf text CLEANUP(buf_clear) = {0};
    AUTO_FREE char *name = NULL;
    char id[16];
    (void)str_format(id, sizeof(id), "f%zu", ++planning->injected);
    int status = targets_describe(planning->topology, request->args, id, &list, &name, err);
    if (status < 0) {
        return status;
    }
    status = allowed_on_host(planning, node_text(request->args, "fault"), err);
    for (size_t i = 0; status == 0 && i < list.count; i++) {
        status = explain(planning, list.items[i], &text, err);
    }
    if (status < 0) {
        return place_error(request->args, err);
    }
    promise_inject(planning->plan, planning->topology, id, &list, planning->out);
    add_step(planning, request, buf_str(&text));
    script_answer(planning->script, request->task, json_string(id), NULL);
    return 0;
}

/* A step that lasts: `usual` is counted when all goes well, `longest` when it runs to its limit. */
static int plan_time(struct planning *planning, const struct script_request *request, struct err *err)
{
    const struct scenario *scenario = script_scenario(planning->script);
    int64_t time_ns = 0, hold_ns = 0;
    char first[32], second[32], text[160];
    bool await = str_eq(request->verb, "await_recovery");
    int status = steps_duration(request->args, await ? "within" : "time", await ? 60 * NS_PER_S : 0, &time_ns, err);
    if (status == 0 && await) {
        status = steps_duration(request->args, "hold", scenario->measure.hold_ns, &hold_ns, err);
    }
    if (status < 0) {
        return status;
    }
    if (await) {
        (void)str_format(text, sizeof(text),
                         "wait for recovery within %s, proven by %s of good service, then read back every acknowledged write",
                         clock_format_duration(time_ns, first), clock_format_duration(hold_ns, second));
    } else {
        (void)str_format(text, sizeof(text),
                         str_eq(request->verb, "steady") ? "healthy for %s, or stop here" : "let %s pass under load",
                         clock_format_duration(time_ns, first));
    }
    planning->plan->usual_ns += await ? hold_ns : time_ns;
    planning->plan->longest_ns += await                             ? time_ns + hold_ns + 25 * NS_PER_S
                                  : str_eq(request->verb, "steady") ? 4 * time_ns + 30 * NS_PER_S
                                                                    : time_ns;
    add_step(planning, request, text);
    script_answer(planning->script, request->task, await ? json_true() : NULL, NULL);
    return 0;
}

static int plan_change(struct planning *planning, const struct script_request *request, struct err *err)
{
    const struct topology_observer *observer;
    const char *wanted = node_text(request->args, "to");
    int64_t within_ns = 0;
    char time[32], text[256];
    int status = change_check(planning->topology, request->args, &observer, err);
    if (status == 0) {
        status = steps_duration(request->args, "within", 60 * NS_PER_S, &within_ns, err);
    }
    if (status < 0) {
        return status;
    }
    (void)str_format(text, sizeof(text), "wait at most %s until '%s' changes%s%s", clock_format_duration(within_ns, time),
                     observer->name, wanted ? " to " : "", wanted ? wanted : "");
    planning->plan->longest_ns += within_ns;
    add_step(planning, request, text);
    script_answer(planning->script, request->task, json_true(), NULL);
    return 0;
}

static int plan_stores(struct planning *planning, const struct script_request *request, struct err *err)
{
    const char *label = node_text(request->args, "label");
    char text[256], time[32];
    int64_t within_ns;
    if (planning->topology->store_count < 2) {
        return err_set(err, ERR_INPUT,
                       "%s:%d: d:read_stores compares stores, topology '%s' names %zu: add stores, as "
                       "{ own: { each: role=store, list_url: … } }",
                       script_scenario(planning->script)->file, request->line, planning->topology->name,
                       planning->topology->store_count);
    }
    if (steps_duration(request->args, "within", STORES_DEFAULT_S * NS_PER_S, &within_ns, err) < 0) {
        return -err->code;
    }
    (void)str_format(text, sizeof(text), "ask each of %zu stores within %s which writes it has: %s",
                     planning->topology->store_count, clock_format_duration(within_ns, time), label);
    planning->plan->longest_ns += within_ns + STORES_SLACK_S * NS_PER_S;
    add_step(planning, request, text);
    script_answer(planning->script, request->task, NULL, NULL);
    return 0;
}

static int plan_note_wait(struct planning *planning, const struct script_request *request, struct err *err)
{
    const char *says;
    int64_t within_ns = 0;
    char time[32], text[256];
    int status = note_wait(request->args, &says, &within_ns, err);
    if (status < 0) {
        return status;
    }
    (void)str_format(text, sizeof(text), "wait at most %s for somebody's note: %s", clock_format_duration(within_ns, time), says);
    planning->plan->longest_ns += within_ns;
    add_step(planning, request, text);
    script_answer(planning->script, request->task, json_string("the plan"), NULL);
    return 0;
}

static int plan_drift(struct planning *planning, const struct script_request *request, struct err *err)
{
    int status = drift_check(planning->topology, err);
    if (status < 0) {
        return err_prefix(err, "%s:%d", script_scenario(planning->script)->file, request->line);
    }
    add_step(planning, request, "compare what runs with what is declared, and region with region");
    planning->plan->longest_ns += DRIFT_LONGEST_S * NS_PER_S;
    script_answer(planning->script, request->task, json_integer(0), NULL);
    return 0;
}

static int plan_request(struct planning *planning, const struct script_request *request, struct err *err)
{
    char text[256];
    if (json_array_size(planning->plan->steps) >= STEPS_MAX) {
        return err_set(err, ERR_INPUT, "%s:%d: the scenario takes more than %d steps: does it loop without end?",
                       script_scenario(planning->script)->file, request->line, STEPS_MAX);
    }
    if (str_eq(request->verb, "inject")) {
        return plan_inject(planning, request, err);
    }
    if (str_eq(request->verb, "wait") || str_eq(request->verb, "steady") || str_eq(request->verb, "await_recovery")) {
        return plan_time(planning, request, err);
    }
    if (str_eq(request->verb, "await_change")) {
        return plan_change(planning, request, err);
    }
    if (str_eq(request->verb, "read_stores")) {
        return plan_stores(planning, request, err);
    }
    if (str_eq(request->verb, "await_note")) {
        return plan_note_wait(planning, request, err);
    }
    if (str_eq(request->verb, "drift")) {
        return plan_drift(planning, request, err);
    }
    const char *id = node_text(request->args, "id"), *note = node_text(request->args, "text");
    promise_revert(id ? id : "", planning->out);
    (void)str_format(text, sizeof(text), "%s%s",
                     id     ? "take the fault away: "
                     : note ? "note: "
                            : "read back every acknowledged write",
                     id     ? id
                     : note ? note
                            : "");
    add_step(planning, request, text);
    script_answer(planning->script, request->task, str_eq(request->verb, "read_back") ? json_true() : NULL, NULL);
    return 0;
}

/* A part of a fault that the scenario does not inject would never be measured. */
static int check_parts(const struct planning *planning, const struct scenario *scenario, struct err *err)
{
    size_t count = json_array_size(planning->plan->faults);
    AUTO_FREE const char **names = xcalloc(count + 1, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        names[i] = json_str(json_array_get(planning->plan->faults, i), "fault", "");
    }
    for (size_t i = 0; i < scenario->objective_count; i++) {
        struct objective *objective CLEANUP(objective_cleanup) = NULL;
        char hint[96];
        bool found = false;
        int status = objective_parse(scenario->objectives[i], &objective, err);
        for (size_t j = 0; status == 0 && objective->fault && j < count; j++) {
            found |= str_eq(names[j], objective->fault);
        }
        if (status == 0 && objective->fault && !found) {
            status = err_set(err, ERR_INPUT, "%s: objective \"%s\": the scenario injects no '%s'%s", scenario->file,
                             scenario->objectives[i], objective->fault, str_did_you_mean(objective->fault, names, count, hint));
        }
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* "alert SlowAnswers after delay", and no delay is injected: it would have to stay silent. Known after the dry run. */
static int check_alert_faults(const struct planning *planning, const char *key, char *const *texts, size_t count, struct err *err)
{
    VEC(const char *) faults = {0};
    int status = 0;
    size_t index;
    json_t *description;
    json_array_foreach(planning->plan->faults, index, description)
    {
        *VEC_ADD(&faults) = json_str(description, "fault", "");
    }
    for (size_t i = 0; status == 0 && i < count; i++) {
        AUTO_FREE char *name = NULL, *fault = NULL;
        char hint[96];
        scenario_alert_split(texts[i], &name, &fault);
        bool found = !fault;
        for (size_t j = 0; !found && j < faults.count; j++) {
            found = str_eq(faults.items[j], fault);
        }
        if (!found) {
            status =
                err_set(err, ERR_INPUT, "%s: %s: \"%s\": the scenario injects no '%s'%s", script_scenario(planning->script)->file,
                        key, texts[i], fault, str_did_you_mean(fault, faults.items, faults.count, hint));
        }
    }
    VEC_CLEAR(&faults);
    return status;
}

/* Texts, variables of the environment, certificates: an agent knows what can be sent. */
static int check_clients(struct planning *planning, struct err *err)
{
    const struct scenario *scenario = script_scenario(planning->script);
    int status = 0;
    for (size_t i = 0; status == 0 && i < planning->topology->entrypoint.vantage_count; i++) {
        json_t *load = describe_client(scenario, planning->topology, i);
        const char *ca = json_str(load, "ca", "");
        if (str_starts_with(ca, TOPOLOGY_WORLD_STATE "/")) {
            json_object_del(load, "ca"); /* the topology makes it when it starts */
        }
        json_t *params = json_pack("{s:o}", "load", load);
        status = place_call(planning->place, "load.check", params, CALL_TIMEOUT_S * NS_PER_S, NULL, err);
    }
    return status < 0 ? err_prefix(err, "%s", planning->topology->file) : 0;
}

static void ignore_event(void *context, struct place *place, const json_t *params, int64_t t_ns)
{
    (void)context;
    (void)place;
    (void)params;
    (void)t_ns;
}

static void ignore_loss(void *context, struct place *place, const char *reason)
{
    (void)context;
    (void)place;
    (void)reason;
}

static int dry_run(struct planning *planning, struct err *err)
{
    struct script_request request = {0};
    int state = script_start(planning->script, err);
    while (state >= 0 && (state = script_next(planning->script, &request, err)) == SCRIPT_REQUEST) {
        state = plan_request(planning, &request, err);
    }
    if (state < 0) {
        return state;
    }
    const struct scenario *scenario = script_scenario(planning->script);
    if (planning->injected == 0) {
        return err_set(err, ERR_INPUT, "%s: the scenario injects no fault: there is nothing to drill", scenario->file);
    }
    int status = check_alert_faults(planning, "alerts", scenario->alerts, scenario->alert_count, err);
    return status < 0 ? status : check_alert_faults(planning, "may_fire", scenario->may_fire, scenario->may_fire_count, err);
}

static int plan_with_agent(struct planning *planning, struct err *err)
{
    const struct places_hooks hooks = {.on_event = ignore_event, .on_log = ignore_event, .on_lost = ignore_loss};
    const struct place_settings settings = {.heartbeat_ms = 0};
    planning->places = places_new(&hooks, NULL);
    int status = places_add_local(planning->places, "planning", &settings, &planning->place, err);
    if (status == 0) {
        status = check_clients(planning, err);
    }
    if (status == 0) {
        status = dry_run(planning, err);
    }
    places_exit_all(planning->places, NS_PER_S);
    places_free(planning->places);
    return status;
}

int engine_plan_make(struct script *script, const struct topology *topology, const struct engine_options *options,
                     struct engine_plan **ret_plan, struct err *err)
{
    struct engine_plan *plan CLEANUP(engine_plan_cleanup) = xcalloc(1, sizeof(*plan));
    plan->steps = json_array();
    plan->faults = json_array();
    plan->isolating = json_array();
    AUTO_JSON json_t *out = json_object();
    struct planning planning = {.script = script, .topology = topology, .options = options, .plan = plan, .out = out};
    const struct scenario *scenario = script_scenario(script);
    int status = checks_of_scenario(scenario, topology, err);
    if (status == 0) {
        status = plan_with_agent(&planning, err);
    }
    if (status == 0) {
        status = check_parts(&planning, scenario, err);
    }
    if (status < 0) {
        return status;
    }
    *ret_plan = TAKE(plan);
    return 0;
}
