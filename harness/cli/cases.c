/* A scenario's cases: which of them hold. */
#include "harness/cli/cases.h"

#include "harness/base/str.h"
#include "harness/base/vec.h"

static int unknown_name(const struct scenario *scenario, const struct topology *topology, const struct node *at, struct err *err)
{
    VEC(const char *) names = {0};
    char hint[96];
    for (size_t i = 0; i < topology->setting_count; i++) {
        *VEC_ADD(&names) = topology->settings[i].name;
    }
    for (size_t i = 0; i < scenario->params->count; i++) {
        *VEC_ADD(&names) = scenario->params->children[i]->key;
    }
    str_did_you_mean(at->key, names.items, names.count, hint);
    VEC_CLEAR(&names);
    return node_err(at, err, "cases: '%s' is neither a setting of topology '%s' nor one of the params%s", at->key, topology->name,
                    hint);
}

static const struct topology_setting *find_setting(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->setting_count; i++) {
        if (str_eq(topology->settings[i].name, name)) {
            return &topology->settings[i];
        }
    }
    return NULL;
}

static int check_value(const struct topology_setting *setting, const struct node *at, struct err *err)
{
    const char *const *choices = setting ? (const char *const *)setting->choices : NULL;
    char hint[96];
    for (size_t i = 0; setting && i < setting->choice_count; i++) {
        if (str_eq(choices[i], at->key)) {
            return 0;
        }
    }
    return !setting || setting->choice_count == 0
               ? 0
               : node_err(at, err, "cases: setting '%s' is never '%s'%s", setting->name, at->key,
                          str_did_you_mean(at->key, choices, setting->choice_count, hint));
}

static void add_objectives(struct scenario *scenario, const struct node *list)
{
    size_t count = scenario->objective_count + list->count;
    scenario->objectives = xrealloc(scenario->objectives, count + 1, sizeof(char *));
    for (size_t i = 0; i < list->count; i++) {
        scenario->objectives[scenario->objective_count++] = xstrdup(list->children[i]->text);
    }
}

static int apply_one(struct scenario *scenario, const struct topology *topology, const struct node *values, struct err *err)
{
    const struct topology_setting *setting = find_setting(topology, values->key);
    const char *value = setting ? setting->value : node_text(scenario->params, values->key);
    if (!value) {
        return unknown_name(scenario, topology, values, err);
    }
    for (size_t i = 0; i < values->count; i++) {
        int status = check_value(setting, values->children[i], err);
        if (status < 0) {
            return status;
        }
        if (str_eq(values->children[i]->key, value)) {
            add_objectives(scenario, values->children[i]);
        }
    }
    return 0;
}

int cases_apply(struct scenario *scenario, const struct topology *topology, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < scenario->cases->count; i++) {
        status = apply_one(scenario, topology, scenario->cases->children[i], err);
    }
    return status;
}
