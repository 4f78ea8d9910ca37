/* What a scenario declares, read from its table of values. */
#include "harness/script/scenario.h"

#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/param/client.h"
#include "harness/param/units.h"

const struct param scenario_load_table[] = {
    {"rate", PARAM_RATE, offsetof(struct scenario_load, rate), 1, 50000, "300/s",
     .help = "requests per second, whatever the system does"},
    {"writes", PARAM_SHARE, offsetof(struct scenario_load, write_share), 0, 1000000, "30%",
     .help = "share of requests that write"},
    {"deadline", PARAM_DURATION, offsetof(struct scenario_load, deadline_ns), 10 * NS_PER_MS, 60 * NS_PER_S, "1s",
     .help = "a request not answered by then has failed"},
    {"arrivals", PARAM_CHOICE, offsetof(struct scenario_load, arrivals), .fallback = "constant", .choices = client_arrivals,
     .help = "how requests are spread in time; ramp and step go from `from` to `rate`"},
    {"from", PARAM_RATE, offsetof(struct scenario_load, from), 0, 50000, "0/s", .help = "where a ramp or steps begin"},
    {"over", PARAM_DURATION, offsetof(struct scenario_load, over_ns), 100 * NS_PER_MS, 86400 * NS_PER_S, "10s",
     .help = "how long a ramp or steps take"},
    {"steps", PARAM_INTEGER, offsetof(struct scenario_load, steps), 1, 1000, "1", .help = "in how many equal steps"},
    {"connections", PARAM_CHOICE, offsetof(struct scenario_load, connections), .fallback = "keepalive",
     .choices = client_connections, .help = "kept and reused, a new one for each request, or half of each"},
    {"http", PARAM_CHOICE, offsetof(struct scenario_load, http), .fallback = "1.1", .choices = client_http,
     .help = "version; 2 needs https"},
    {"sessions", PARAM_INTEGER, offsetof(struct scenario_load, sessions), 0, 60000, "0",
     .help = "independent users that requests are spread over by chance"},
    {"in_flight", PARAM_INTEGER, offsetof(struct scenario_load, in_flight), 0, 1000000, "0",
     .help = "limit of a vantage; 0 is rate x deadline x 2 + 64"},
    {0},
};

const struct param scenario_measure_table[] = {
    {"hold", PARAM_DURATION, offsetof(struct scenario_measure, hold_ns), NS_PER_S, 3600 * NS_PER_S, "30s",
     .help = "how long it must stay good to count as recovered"},
    {"window", PARAM_DURATION, offsetof(struct scenario_measure, window_ns), 100 * NS_PER_MS, 60 * NS_PER_S, "1s",
     .help = "length of the window that is judged good or not"},
    {"minimum", PARAM_INTEGER, offsetof(struct scenario_measure, minimum), 1, 100000, "5",
     .help = "requests that a window needs to be judged"},
    {"share", PARAM_SHARE, offsetof(struct scenario_measure, share), 10000, 1000000, "99%",
     .help = "share of a window that must be good"},
    {"latency", PARAM_DURATION, offsetof(struct scenario_measure, latency_ns), 0, 60 * NS_PER_S, "0",
     .help = "agreed latency; 0 is the load's deadline"},
    {0},
};

/* The top level, for the help and the nearest name; maps and lists are read by hand. */
static const char *const top_names[] = {"title",      "why",    "usual",    "topology", "load",       "measure",
                                        "objectives", "alerts", "may_fire", "order",    "abort_when", "settings",
                                        "params",     "sweep",  "cases",    "redact",   "run"};

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

void scenario_free(struct scenario *scenario)
{
    if (!scenario) {
        return;
    }
    for (size_t i = 0; i < scenario->objective_count; i++) {
        free(scenario->objectives[i]);
    }
    free(scenario->objectives);
    free_names(scenario->alerts, scenario->alert_count);
    free_names(scenario->may_fire, scenario->may_fire_count);
    for (size_t i = 0; i < scenario->abort_count; i++) {
        free(scenario->abort_when[i].text);
        free(scenario->abort_when[i].where);
    }
    free(scenario->abort_when);
    free_names(scenario->redact, scenario->redact_count);
    free_names(scenario->order, scenario->order_count);
    node_free(scenario->settings);
    node_free(scenario->params);
    node_free(scenario->cases);
    grid_clear(&scenario->sweep);
    free(scenario->file);
    free(scenario->folder);
    free(scenario->name);
    free(scenario->title);
    free(scenario->why);
    free(scenario->usual);
    free(scenario->topology);
    free(scenario);
}

void scenario_alert_split(const char *text, char **ret_name, char **ret_fault)
{
    static const char word[] = " after ";
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, word)); at++) {
        last = at;
    }
    *ret_name = last ? xasprintf("%.*s", (int)(last - text), text) : xstrdup(text);
    *ret_fault = last ? xstrdup(last + sizeof(word) - 1) : NULL;
}

static void read_names(struct scenario *scenario, const char *file)
{
    const char *slash = strrchr(file, '/');
    scenario->file = xstrdup(file);
    scenario->folder = slash ? xasprintf("%.*s", (int)(slash - file), file) : xstrdup(".");
    scenario->name = xstrdup(slash ? slash + 1 : file);
    if (str_ends_with(scenario->name, ".lua")) {
        scenario->name[strlen(scenario->name) - 4] = '\0';
    }
}

static int check_names(const struct node *declared, struct err *err)
{
    for (size_t i = 0; i < declared->count; i++) {
        const struct node *child = declared->children[i];
        bool known = false;
        for (size_t j = 0; j < ARRAY_LEN(top_names); j++) {
            known |= str_eq(top_names[j], child->key);
        }
        if (!known) {
            char hint[96];
            return node_err(child, err, "unknown key '%s' in a drill%s", child->key,
                            str_did_you_mean(child->key, top_names, ARRAY_LEN(top_names), hint));
        }
    }
    return 0;
}

static int read_text(const struct node *declared, const char *key, bool required, char **out, struct err *err)
{
    const struct node *child = node_get(declared, key);
    if (!child && required) {
        return node_err(declared, err, "a drill needs '%s'", key);
    }
    if (child && (child->kind != NODE_SCALAR || !child->quoted || !*child->text)) {
        return node_err(child, err, "'%s': expected a text", key);
    }
    *out = child ? xstrdup(child->text) : NULL;
    return 0;
}

static int read_texts(const struct node *list, const char *expected, char ***out, size_t *count, struct err *err)
{
    *out = xcalloc(list->count + 1, sizeof(char *));
    for (size_t i = 0; i < list->count; i++) {
        if (list->children[i]->kind != NODE_SCALAR) {
            return node_err(list->children[i], err, "%s", expected);
        }
        (*out)[(*count)++] = xstrdup(list->children[i]->text);
    }
    return 0;
}

static int read_objectives(struct scenario *scenario, const struct node *declared, struct err *err)
{
    const struct node *list = node_get(declared, "objectives");
    if (!list || list->kind != NODE_LIST || list->count == 0) {
        return node_err(list ? list : declared, err,
                        "a drill needs 'objectives', a list such as { \"rto <= 20s\", \"lost <= 0\" }: without one there is "
                        "nothing to judge");
    }
    return read_texts(list, "'objectives': expected texts such as \"rto <= 20s\"", &scenario->objectives,
                      &scenario->objective_count, err);
}

static int read_redact(struct scenario *scenario, const struct node *declared, struct err *err)
{
    static const char expected[] = "'redact': expected a list of names such as { \"x-tenant\" }";
    const struct node *list = node_get(declared, "redact");
    if (list && list->kind != NODE_LIST) {
        return node_err(list, err, "%s", expected);
    }
    return list ? read_texts(list, expected, &scenario->redact, &scenario->redact_count, err) : 0;
}

static int read_names_of(const struct node *declared, const char *key, char ***ret_names, size_t *ret_count, struct err *err)
{
    const struct node *list = node_get(declared, key);
    if (list && list->kind != NODE_LIST) {
        return node_err(list, err, "'%s': expected a list of observers of the kind alert, as { \"alert RegionDown\" }", key);
    }
    *ret_names = xcalloc(list ? list->count + 1 : 1, sizeof(char *));
    for (size_t i = 0; list && i < list->count; i++) {
        if (list->children[i]->kind != NODE_SCALAR) {
            return node_err(list->children[i], err, "'%s': expected names of observers", key);
        }
        (*ret_names)[(*ret_count)++] = xstrdup(list->children[i]->text);
    }
    return 0;
}

static int read_order(struct scenario *scenario, const struct node *declared, struct err *err)
{
    static const char expected[] =
        "'order': expected two or more observers in the order of their failover, as { \"role\", \"dns\" }";
    const struct node *list = node_get(declared, "order");
    if (list && (list->kind != NODE_LIST || list->count < 2)) {
        return node_err(list, err, "%s", expected);
    }
    return list ? read_texts(list, expected, &scenario->order, &scenario->order_count, err) : 0;
}

/* What they say is checked by the plan, which knows the metrics and the vantages. */
static int read_abort_when(struct scenario *scenario, const struct node *declared, struct err *err)
{
    const struct node *list = node_get(declared, "abort_when");
    if (!list || (list->kind == NODE_LIST && list->count == 0)) {
        return 0;
    }
    scenario->abort_when = xcalloc(list->kind == NODE_LIST ? list->count : 0, sizeof(*scenario->abort_when));
    for (size_t i = 0; list->kind == NODE_LIST && i < list->count; i++) {
        char where[512];
        if (list->children[i]->kind != NODE_SCALAR) {
            break;
        }
        scenario->abort_when[scenario->abort_count++] = (struct scenario_rule){
            .text = xstrdup(list->children[i]->text), .where = xstrdup(node_where(list->children[i], where))};
    }
    return scenario->abort_count == list->count && list->kind == NODE_LIST
               ? 0
               : node_err(list, err, "'abort_when': expected a list of rules such as { \"failed > 90%% for 30s\" }");
}

static int read_map(const struct node *declared, const char *key, struct node **out, struct err *err)
{
    const struct node *map = node_get(declared, key);
    if (map && map->kind != NODE_MAP && !(map->kind == NODE_LIST && map->count == 0)) {
        return node_err(map, err, "'%s': expected names with values", key);
    }
    for (size_t i = 0; map && i < map->count; i++) {
        if (map->children[i]->kind != NODE_SCALAR) {
            return node_err(map->children[i], err, "'%s': expected one value for '%s'", key, map->children[i]->key);
        }
    }
    *out = map && map->kind == NODE_MAP ? node_copy(map) : node_new(NODE_MAP);
    return 0;
}

static bool is_list_of_texts(const struct node *list)
{
    bool texts = list->kind == NODE_LIST;
    for (size_t i = 0; texts && i < list->count; i++) {
        texts = list->children[i]->kind == NODE_SCALAR;
    }
    return texts;
}

static int read_cases(const struct node *declared, struct node **out, struct err *err)
{
    static const char expected[] =
        "'cases': expected objectives by a setting's value, as { policy = { geo = { \"rto <= 20s\" } } }";
    const struct node *map = node_get(declared, "cases");
    if (map && map->kind != NODE_MAP) {
        return node_err(map, err, "%s", expected);
    }
    for (size_t i = 0; map && i < map->count; i++) {
        const struct node *values = map->children[i];
        if (values->kind != NODE_MAP) {
            return node_err(values, err, "%s", expected);
        }
        for (size_t j = 0; j < values->count; j++) {
            if (!is_list_of_texts(values->children[j])) {
                return node_err(values->children[j], err, "%s", expected);
            }
        }
    }
    *out = map ? node_copy(map) : node_new(NODE_MAP);
    return 0;
}

static int read_usual(struct scenario *scenario, const struct node *declared, struct err *err)
{
    int64_t usual_ns;
    int status = read_text(declared, "usual", false, &scenario->usual, err);
    if (status < 0 || !scenario->usual || units_duration(scenario->usual, &usual_ns, err) == 0) {
        return status;
    }
    char text[sizeof(err->text)];
    (void)str_copy(text, sizeof(text), err->text);
    return node_err(node_get(declared, "usual"), err, "usual: %s", text);
}

static int read_topology(struct scenario *scenario, const struct node *declared, struct err *err)
{
    AUTO_FREE char *topology = NULL;
    int status = read_text(declared, "topology", true, &topology, err);
    if (status == 0) {
        scenario->topology = topology[0] == '/' ? xstrdup(topology) : xasprintf("%s/%s", scenario->folder, topology);
    }
    return status;
}

static int read_all(struct scenario *scenario, const struct node *declared, struct err *err)
{
    int status = check_names(declared, err);
    if (status == 0) {
        status = read_text(declared, "title", true, &scenario->title, err);
    }
    if (status == 0) {
        status = read_text(declared, "why", false, &scenario->why, err);
    }
    if (status == 0) {
        status = read_usual(scenario, declared, err);
    }
    if (status == 0) {
        status = read_topology(scenario, declared, err);
    }
    if (status == 0) {
        status = param_parse(scenario_load_table, node_get(declared, "load"), "load", &scenario->load, err);
    }
    if (status == 0) {
        status = param_parse(scenario_measure_table, node_get(declared, "measure"), "measure", &scenario->measure, err);
    }
    if (status == 0) {
        status = read_objectives(scenario, declared, err);
    }
    if (status == 0) {
        status = read_names_of(declared, "alerts", &scenario->alerts, &scenario->alert_count, err);
    }
    if (status == 0) {
        status = read_names_of(declared, "may_fire", &scenario->may_fire, &scenario->may_fire_count, err);
    }
    if (status == 0) {
        status = read_order(scenario, declared, err);
    }
    if (status == 0) {
        status = read_abort_when(scenario, declared, err);
    }
    if (status == 0) {
        status = read_redact(scenario, declared, err);
    }
    if (status == 0) {
        status = read_map(declared, "settings", &scenario->settings, err);
    }
    if (status == 0) {
        status = read_map(declared, "params", &scenario->params, err);
    }
    if (status == 0) {
        status = grid_read(node_get(declared, "sweep"), &scenario->sweep, err);
    }
    return status < 0 ? status : read_cases(declared, &scenario->cases, err);
}

int scenario_read(const char *file, const struct node *declared, struct scenario **ret_scenario, struct err *err)
{
    struct scenario *scenario CLEANUP(scenario_cleanup) = xcalloc(1, sizeof(*scenario));
    read_names(scenario, file);
    if (declared->kind != NODE_MAP) {
        return node_err(declared, err, "expected a scenario that ends in: return drill { title = …, run = function(d) … end }");
    }
    int status = read_all(scenario, declared, err);
    if (status < 0) {
        return status;
    }
    *ret_scenario = TAKE(scenario);
    return 0;
}

static bool has_name(const struct param *table, const char *name)
{
    for (; table->type != PARAM_END; table++) {
        if (str_eq(table->name, name)) {
            return true;
        }
    }
    return false;
}

static int unknown_setting(const struct scenario *scenario, const char *name, const char *const *settings, size_t setting_count,
                           struct err *err)
{
    VEC(const char *) names = {0};
    char hint[96];
    for (const struct param *param = scenario_load_table; param->type != PARAM_END; param++) {
        *VEC_ADD(&names) = param->name;
    }
    for (const struct param *param = scenario_measure_table; param->type != PARAM_END; param++) {
        *VEC_ADD(&names) = param->name;
    }
    for (size_t i = 0; i < setting_count; i++) {
        *VEC_ADD(&names) = settings[i];
    }
    for (size_t i = 0; i < scenario->params->count; i++) {
        *VEC_ADD(&names) = scenario->params->children[i]->key;
    }
    struct buf all CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < names.count; i++) {
        buf_printf(&all, "%s%s", i ? ", " : "", names.items[i]);
    }
    str_did_you_mean(name, names.items, names.count, hint);
    int status =
        err_set(err, ERR_INPUT, "--set %s: '%s' is neither an option of this scenario nor of its topology%s (there are: %s)",
                name, name, hint, buf_str(&all));
    VEC_CLEAR(&names);
    return status;
}

int scenario_set(struct scenario *scenario, const char *name, const char *value, const char *const *settings,
                 size_t setting_count, struct err *err)
{
    int status = 0;
    for (size_t i = 0; i < setting_count; i++) {
        if (str_eq(settings[i], name)) {
            node_put(scenario->settings, name, node_scalar(value));
            return 0;
        }
    }
    if (has_name(scenario_load_table, name)) {
        status = param_set(scenario_load_table, name, value, "load", &scenario->load, err);
    } else if (has_name(scenario_measure_table, name)) {
        status = param_set(scenario_measure_table, name, value, "measure", &scenario->measure, err);
    } else if (node_get(scenario->params, name)) {
        node_put(scenario->params, name, node_scalar(value));
    } else {
        return unknown_setting(scenario, name, settings, setting_count, err);
    }
    return status < 0 ? err_prefix(err, "--set %s=%s", name, value) : 0;
}
