/* From a scenario's file name and --set values to a checked plan. */
#include "harness/cli/prepare.h"

#include "harness/base/str.h"
#include "harness/cli/cases.h"
#include "harness/cli/kept.h"

void prepared_clear(struct prepared *prepared)
{
    script_free(prepared->script);
    topology_free(prepared->topology);
    terms_clear(&prepared->terms);
    engine_plan_free(prepared->plan);
    free(prepared->journal);
    *prepared = (struct prepared){0};
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

/* --set reaches the scenario, which hands the topology its settings. */
static int apply_sets(struct scenario *scenario, const struct cli_args *args, struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    int status = topology_setting_names(scenario->topology, &names, &count, err);
    for (size_t i = 0; status == 0 && i < args->set_count; i++) {
        status = scenario_set(scenario, args->sets[i].name, args->sets[i].value, (const char *const *)names, count, err);
    }
    free_names(names, count);
    return status;
}

static int load_topology(const char *file, const struct node *settings, struct prepared *prepared, struct err *err)
{
    AUTO_FREE char *tools = cli_tools_folder();
    AUTO_FREE char *state = cli_state_folder();
    prepared->journal = xasprintf("%s/journal", state);
    return topology_load(file, TOPOLOGY_WORLD_STATE, tools, settings, &prepared->topology, err);
}

int prepare_topology(const char *file, const struct cli_args *args, struct prepared *ret, struct err *err)
{
    AUTO_NODE struct node *settings = node_new(NODE_MAP);
    for (size_t i = 0; i < args->set_count; i++) {
        node_put(settings, args->sets[i].name, node_scalar(args->sets[i].value));
    }
    int status = load_topology(file, settings, ret, err);
    return status < 0 ? status : kept_find(ret->topology->name, &ret->up, &ret->is_up, err);
}

int prepare_scenario(const char *file, struct terms_request *terms, struct engine_options *options, struct prepared *ret,
                     struct err *err)
{
    int status = script_load(file, &ret->script, err);
    if (status < 0) {
        return status;
    }
    struct scenario *scenario = script_scenario(ret->script);
    status = apply_sets(scenario, terms->args, err);
    if (status == 0) {
        status = load_topology(scenario->topology, scenario->settings, ret, err);
    }
    if (status == 0) {
        status = cases_apply(scenario, ret->topology, err);
    }
    if (status == 0) {
        terms->topology = ret->topology;
        status = terms_make(terms, scenario, &ret->terms, err);
    }
    if (status == 0) {
        status = kept_find(ret->topology->name, &ret->up, &ret->is_up, err);
    }
    if (status == 0) {
        options->journal = ret->journal;
        options->up = ret->is_up ? &ret->up : NULL;
        options->annex = ret->terms.annex;
        options->enclosures = ret->terms.enclosures;
        options->enclosure_count = ret->terms.enclosure_count;
        status = engine_plan_make(ret->script, ret->topology, options, &ret->plan, err);
    }
    return status;
}
