/* The reader of budget files. */
#include "harness/programme/budget.h"

#include "harness/base/buf.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/param/param.h"
#include "harness/topology/yaml.h"

const char budget_file_name[] = "drill-budgets.yaml";

static const char *const top_names[] = {"due", "scenarios"};
static const char *const scenario_names[] = {"objectives", "warn", "due"};

static const struct param due_table[] = {
    {"due", PARAM_DURATION, 0, 60LL * 1000000000, 3660LL * 86400 * 1000000000, .unit_hint = "duration",
     .help = "a PASS older than this is overdue"},
    {0},
};

static int check_names(const struct node *map, const char *const *names, size_t count, const char *what, struct err *err)
{
    char hint[96];
    if (map->kind != NODE_MAP) {
        return node_err(map, err, "%s: expected names with values ('%s: …')", what, names[0]);
    }
    for (size_t i = 0; i < map->count; i++) {
        bool known = false;
        for (size_t j = 0; j < count; j++) {
            known |= str_eq(map->children[i]->key, names[j]);
        }
        if (!known) {
            return node_err(map->children[i], err, "%s: unknown name '%s'%s", what, map->children[i]->key,
                            str_did_you_mean(map->children[i]->key, names, count, hint));
        }
    }
    return 0;
}

static int read_due(const struct node *map, const char *what, int64_t *ret_due_ns, struct err *err)
{
    const struct node *node = node_get(map, "due");
    struct err inner = {0};
    if (!node) {
        return 0;
    }
    if (node->kind != NODE_SCALAR) {
        return node_err(node, err, "%s: 'due' takes a duration, as in 'due: 90d'", what);
    }
    if (param_set(due_table, "due", node->text, what, ret_due_ns, &inner) < 0) {
        return node_err(node, err, "%s", inner.text);
    }
    return 0;
}

/* Two limits on one figure in one list: one of them says nothing, and a reader cannot know which one was meant. */
static int check_once(const struct node *list, const struct budget_line *lines, size_t count, struct err *err)
{
    for (size_t i = 0; i + 1 < count; i++) {
        if (objective_is_same_figure(lines[i].objective, lines[count - 1].objective)) {
            return node_err(list->children[count - 1], err, "\"%s\": '%s' has a limit in line %d already: \"%s\"",
                            lines[count - 1].objective->text, lines[i].objective->metric, lines[i].line,
                            lines[i].objective->text);
        }
    }
    return 0;
}

static int read_lines(const struct node *list, const char *what, struct budget_line **ret_lines, size_t *ret_count,
                      struct err *err)
{
    if (!list) {
        return 0;
    }
    if (list->kind != NODE_LIST) {
        return node_err(list, err, "%s: '%s' takes a list, as in '- rto <= 20s'", what, list->key);
    }
    *ret_lines = xcalloc(list->count + 1, sizeof(**ret_lines));
    for (size_t i = 0; i < list->count; i++) {
        const struct node *item = list->children[i];
        struct budget_line *line = &(*ret_lines)[i];
        struct err inner = {0};
        if (item->kind != NODE_SCALAR) {
            return node_err(item, err, "%s: expected an objective, as in '- rto <= 20s'", what);
        }
        if (objective_parse_relative(item->text, &line->objective, &inner) < 0) {
            return node_err(item, err, "%s: objective \"%s\": %s", what, item->text, inner.text);
        }
        line->line = item->line;
        line->column = item->column;
        *ret_count = i + 1;
        int status = check_once(list, *ret_lines, i + 1, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int read_scenario(const struct node *node, const struct budget *budget, struct budget_scenario *scenario, struct err *err)
{
    AUTO_FREE char *what = xasprintf("budget of '%s'", node->key);
    scenario->name = xstrdup(node->key);
    scenario->due_ns = budget->due_ns;
    int status = check_names(node, scenario_names, ARRAY_LEN(scenario_names), what, err);
    if (status == 0) {
        status = read_lines(node_get(node, "objectives"), what, &scenario->objectives, &scenario->objective_count, err);
    }
    if (status == 0) {
        status = read_lines(node_get(node, "warn"), what, &scenario->warnings, &scenario->warning_count, err);
    }
    return status < 0 ? status : read_due(node, what, &scenario->due_ns, err);
}

static int read_scenarios(const struct node *root, struct budget *budget, struct err *err)
{
    const struct node *map = node_get(root, "scenarios");
    if (!map) {
        return node_err(root, err, "%s: expected 'scenarios:' with a budget for each", budget->file);
    }
    if (map->kind != NODE_MAP) {
        return node_err(map, err, "'scenarios' takes names with values: the scenario's name, then its 'objectives'");
    }
    budget->scenarios = xcalloc(map->count + 1, sizeof(*budget->scenarios));
    for (size_t i = 0; i < map->count; i++) {
        budget->count = i + 1;
        int status = read_scenario(map->children[i], budget, &budget->scenarios[i], err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int budget_load(const char *file, struct budget **ret_budget, struct err *err)
{
    struct budget *budget CLEANUP(budget_cleanup) = xcalloc(1, sizeof(*budget));
    AUTO_NODE struct node *root = NULL;
    budget->file = xstrdup(file);
    int status = yaml_read_source(file, &budget->text, &budget->size, &root, err);
    if (status == 0) {
        status = check_names(root, top_names, ARRAY_LEN(top_names), "budget file", err);
    }
    if (status == 0) {
        status = read_due(root, "budget file", &budget->due_ns, err);
    }
    if (status == 0) {
        status = read_scenarios(root, budget, err);
    }
    if (status < 0) {
        return status;
    }
    *ret_budget = TAKE(budget);
    return 0;
}

static void free_lines(struct budget_line *lines, size_t count)
{
    for (size_t i = 0; lines && i < count; i++) {
        objective_free(lines[i].objective);
    }
    free(lines);
}

void budget_free(struct budget *budget)
{
    if (!budget) {
        return;
    }
    for (size_t i = 0; i < budget->count; i++) {
        free_lines(budget->scenarios[i].objectives, budget->scenarios[i].objective_count);
        free_lines(budget->scenarios[i].warnings, budget->scenarios[i].warning_count);
        free(budget->scenarios[i].name);
    }
    free(budget->scenarios);
    free(budget->file);
    free(budget->text);
    free(budget);
}

const struct budget_scenario *budget_find(const struct budget *budget, const char *scenario)
{
    for (size_t i = 0; budget && i < budget->count; i++) {
        if (str_eq(budget->scenarios[i].name, scenario)) {
            return &budget->scenarios[i];
        }
    }
    return NULL;
}

int budget_lacks(const struct budget *budget, const char *scenario, struct err *err)
{
    AUTO_FREE const char **names = xcalloc(budget->count + 1, sizeof(*names));
    struct buf all CLEANUP(buf_clear) = {0};
    char hint[96];
    for (size_t i = 0; i < budget->count; i++) {
        names[i] = budget->scenarios[i].name;
        buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    return err_set(err, ERR_INPUT, "%s has a budget for %s, not for the scenario '%s'%s", budget->file,
                   budget->count ? buf_str(&all) : "nothing", scenario, str_did_you_mean(scenario, names, budget->count, hint));
}
