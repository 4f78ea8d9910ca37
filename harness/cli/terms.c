/* Finding budget and programme, checking them, and putting what they say into the plan. */
#include "harness/cli/terms.h"

#include <string.h>
#include <unistd.h>

#include "faults/fault.h"
#include "harness/base/clock.h"
#include "harness/base/digest.h"
#include "harness/base/str.h"
#include "harness/cli/provenance.h"
#include "harness/programme/approval.h"
#include "harness/programme/frameworks.h"
#include "harness/programme/gate.h"
#include "harness/programme/history.h"
#include "harness/programme/when.h"

struct making {
    const struct terms_request *request;
    struct scenario *scenario;
    struct terms *terms;
    struct history history;
    struct budget *budget;
    struct programme *programme;
};

static void making_clear(struct making *making)
{
    history_clear(&making->history);
    budget_free(making->budget);
    programme_free(making->programme);
}

char *terms_find_file(const char *given, const char *scenario, const char *name)
{
    if (given) {
        return xstrdup(given);
    }
    const char *slash = scenario ? strrchr(scenario, '/') : NULL;
    AUTO_FREE char *beside = slash ? xasprintf("%.*s/%s", (int)(slash - scenario), scenario, name) : NULL;
    if (beside && access(beside, F_OK) == 0) {
        return TAKE(beside);
    }
    return access(name, F_OK) == 0 ? xstrdup(name) : NULL;
}

/* Pipelines set CI; "false" is how some of them say no. */
static bool is_ci(void)
{
    const char *ci = secure_getenv("CI");
    return ci && *ci && !str_eq(ci, "false") && !str_eq(ci, "0");
}

static void enclose(struct terms *terms, const char *name, char *taken, size_t size)
{
    terms->owned[terms->enclosure_count] = taken;
    terms->enclosures[terms->enclosure_count++] = (struct engine_enclosure){.name = name, .text = taken, .size = size};
}

static void enclose_json(struct terms *terms, const char *name, const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);
    enclose(terms, name, text, strlen(text));
}

static int find_budget(struct making *making, const struct budget_scenario **ret_own, struct err *err)
{
    const struct terms_options *options = making->request->options;
    const struct scenario *scenario = making->scenario;
    AUTO_FREE char *file = terms_find_file(options->budget, scenario->file, budget_file_name);
    if (!file) {
        return !options->require_budget
                   ? 0
                   : err_set(err, ERR_INPUT, "--require-budget: there is no %s beside %s or in this folder, and no --budget FILE",
                             budget_file_name, scenario->file);
    }
    int status = budget_load(file, &making->budget, err);
    if (status < 0) {
        return status;
    }
    *ret_own = budget_find(making->budget, scenario->name);
    bool required = options->require_budget || options->budget || is_ci();
    return *ret_own || !required ? 0 : budget_lacks(making->budget, scenario->name, err);
}

static void replace_objectives(struct scenario *scenario, const json_t *texts)
{
    for (size_t i = 0; i < scenario->objective_count; i++) {
        free(scenario->objectives[i]);
    }
    free(scenario->objectives);
    scenario->objective_count = json_array_size(texts);
    scenario->objectives = xcalloc(scenario->objective_count + 1, sizeof(char *));
    for (size_t i = 0; i < scenario->objective_count; i++) {
        scenario->objectives[i] = xstrdup(json_string_value(json_array_get(texts, i)));
    }
}

static json_t *texts_of(char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(texts[i]));
    }
    return list;
}

/* What the verdict can be made from again: the file's identity, what was there before, what came out, and what a relative limit
 * was relative to. */
static void record_budget(struct making *making, const struct gate *gate, json_t *scenario_objectives,
                          const struct past_drill *last_pass)
{
    json_t *budget = provenance_of(making->budget->file, making->budget->text, making->budget->size);
    json_object_set_new(budget, "scenario_objectives", scenario_objectives);
    json_object_set(budget, "lines", gate->lines);
    json_object_set(budget, "notes", gate->notes);
    json_object_set_new(budget, "allow_looser", json_boolean(making->request->options->allow_looser));
    json_object_set_new(budget, "loosened", json_boolean(gate->loosened));
    json_object_set_new(budget, "last_pass",
                        last_pass ? json_pack("{s:s, s:s, s:s}", "drill_id", last_pass->id, "name", last_pass->name,
                                              "scenario_sha256", last_pass->scenario_sha256)
                                  : json_null());
    json_object_set_new(making->terms->annex, "budget", budget);
    json_object_set(making->terms->annex, "warnings", gate->warnings);
    enclose(making->terms, budget_file_name, xasprintf("%s", making->budget->text), making->budget->size);
}

static int make_gate(struct making *making, struct err *err)
{
    struct scenario *scenario = making->scenario;
    struct gate gate CLEANUP(gate_clear) = {0};
    const struct budget_scenario *own = NULL;
    const struct past_drill *last_pass = history_last_pass(&making->history, scenario->name);
    int status = find_budget(making, &own, err);
    if (status < 0 || !making->budget) {
        return status;
    }
    struct gate_input input = {.objectives = scenario->objectives,
                               .objective_count = scenario->objective_count,
                               .budget = making->budget,
                               .own = own,
                               .last_pass = last_pass ? last_pass->report : NULL,
                               .archive = making->request->options->archive,
                               .allow_looser = making->request->options->allow_looser};
    status = gate_make(&input, &gate, err);
    if (status < 0) {
        return err_prefix(err, "%s", scenario->file);
    }
    record_budget(making, &gate, texts_of(scenario->objectives, scenario->objective_count), last_pass);
    replace_objectives(scenario, gate.objectives);
    making->terms->notes = json_incref(gate.notes);
    return 0;
}

static bool limits(const struct scenario *scenario, const char *metric)
{
    for (size_t i = 0; i < scenario->objective_count; i++) {
        struct objective *objective CLEANUP(objective_cleanup) = NULL;
        struct err ignored = {0};
        if (objective_parse(scenario->objectives[i], &objective, &ignored) == 0 && str_eq(objective->metric, metric)) {
            return true;
        }
    }
    return false;
}

/* What frameworks ask for and the drill knows by itself, beside the programme's fields. New reference. */
static json_t *record_of(const struct making *making, const json_t *programme)
{
    const struct scenario *scenario = making->scenario;
    const struct topology *topology = making->request->topology;
    json_t *record = json_deep_copy(programme), *regions = json_array();
    char sha256[DIGEST_TEXT];
    for (size_t i = 0; i < topology->region_count; i++) {
        json_array_append_new(regions, json_string(topology->regions[i].name));
    }
    json_object_set_new(record, "objectives", texts_of(scenario->objectives, scenario->objective_count));
    json_object_set_new(record, "rationale", json_string(scenario->why ? scenario->why : ""));
    json_object_set_new(record, "rto_target", json_boolean(limits(scenario, "rto")));
    json_object_set_new(record, "rpo_target", json_boolean(limits(scenario, "rpo")));
    json_object_set_new(record, "topology", json_string(topology->name));
    json_object_set_new(record, "regions", regions);
    json_object_set_new(record, "recovered_when", json_true()); /* hold, window and share are always part of the plan */
    json_object_set_new(record, "scenario_sha256", json_string(digest_file(scenario->file, sha256)));
    json_object_set_new(record, "tool", json_string("drill " DRILL_VERSION));
    return record;
}

static int check_evidence(struct making *making, json_t *programme, struct err *err)
{
    AUTO_FREE size_t *chosen = NULL;
    size_t count = 0;
    struct buf lines CLEANUP(buf_clear) = {0};
    if (!making->request->options->evidence) {
        return 0;
    }
    int status = frameworks_choose(making->request->options->evidence, &chosen, &count, err);
    if (status == 0) {
        AUTO_JSON json_t *record = record_of(making, programme);
        json_t *rows = frameworks_check(record, chosen, count);
        json_object_set_new(programme, "evidence", rows);
        frameworks_print(rows, &lines);
        making->terms->evidence = buf_take(&lines);
    }
    return status;
}

/* What need not be written down because it follows: the slot from today's quarter, the trigger from being a retest. */
static void fill_in(const struct making *making, json_t *fields)
{
    char quarter[16];
    (void)when_quarter_name(when_quarter(clock_utc_now_ns()), quarter);
    AUTO_JSON json_t *slot = json_string(quarter);
    AUTO_JSON json_t *trigger = json_string("retest");
    AUTO_JSON json_t *defaults = making->request->retest_of ? json_pack("{s:O, s:O}", "programme_slot", slot, "trigger", trigger)
                                                            : json_pack("{s:O}", "programme_slot", slot);
    (void)json_object_update_missing(fields, defaults);
}

static int take_programme(struct making *making, struct err *err)
{
    const struct terms_options *options = making->request->options;
    struct terms *terms = making->terms;
    AUTO_FREE char *file = terms_find_file(options->programme, making->scenario->file, programme_file_name);
    int status = 0;
    if (file) {
        status = programme_load(file, &making->programme, err);
    } else {
        making->programme = programme_empty();
    }
    if (status == 0) {
        status = approval_check(making->programme, clock_utc_now_ns(), err);
    }
    if (status < 0 || (!file && !options->evidence)) {
        return status;
    }
    AUTO_JSON json_t *fields = json_deep_copy(making->programme->fields);
    fill_in(making, fields);
    status = check_evidence(making, fields, err);
    if (status == 0) {
        json_object_set(terms->annex, "programme", fields);
        enclose_json(terms, "programme.json", fields);
    }
    if (status == 0 && file) {
        json_object_set_new(terms->annex, "programme_file",
                            provenance_of(file, making->programme->text, making->programme->size));
        enclose(terms, programme_file_name, xasprintf("%s", making->programme->text), making->programme->size);
    }
    return status;
}

/* How to make the same drill again: its file as it was named, and every --set. */
static void record_call(struct making *making)
{
    const struct terms_request *request = making->request;
    json_t *sets = json_array();
    for (size_t i = 0; i < request->args->set_count; i++) {
        json_array_append_new(
            sets, json_pack("{s:s, s:s}", "name", request->args->sets[i].name, "value", request->args->sets[i].value));
    }
    json_object_set_new(making->terms->annex, "scenario_file", json_string(making->scenario->file));
    json_object_set_new(making->terms->annex, "sets", sets);
    if (request->retest_of) {
        json_object_set_new(making->terms->annex, "retest_of", json_deep_copy(request->retest_of));
    }
}

static void add_participants(struct making *making)
{
    const char *given = making->request->options->participants;
    AUTO_FREE char *list = xstrdup(given ? given : "");
    char *rest = list, *name;
    json_t *names = json_array();
    while ((name = strsep(&rest, ","))) {
        name += strspn(name, " ");
        if (*name) {
            json_array_append_new(names, json_string(name));
        }
    }
    json_object_set_new(making->terms->annex, "participants", names);
}

/* Every kind of fault that there is: the report says which of them the drill did not use. */
static void record_catalogue(struct making *making)
{
    size_t count;
    const struct fault_ops *const *all = fault_list(&count);
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(all[i]->name, "null")) {
            json_array_append_new(names, json_string(all[i]->name));
        }
    }
    json_object_set_new(making->terms->annex, "catalogue", names);
}

int terms_make(const struct terms_request *request, struct scenario *scenario, struct terms *terms, struct err *err)
{
    struct making making CLEANUP(making_clear) = {.request = request, .scenario = scenario, .terms = terms};
    terms->annex = json_object();
    int status = history_read(request->options->archive, &making.history, err);
    if (status == 0) {
        status = make_gate(&making, err);
    }
    if (status == 0) {
        status = take_programme(&making, err);
    }
    if (status == 0) {
        record_call(&making);
        record_catalogue(&making);
        add_participants(&making);
        AUTO_JSON json_t *history = history_for_report(&making.history, scenario->name, "");
        enclose_json(terms, "history.json", history);
    }
    return status;
}

void terms_clear(struct terms *terms)
{
    for (size_t i = 0; i < terms->enclosure_count; i++) {
        free(terms->owned[i]);
    }
    json_decref(terms->annex);
    json_decref(terms->notes);
    free(terms->evidence);
    *terms = (struct terms){0};
}
