/* `settings:` what --set may change. */
#include "harness/topology/reader.h"

#include "harness/topology/extends.h"

static const struct param setting_table[] = {
    {.name = "default",
     .type = PARAM_STRING,
     .offset = offsetof(struct topology_setting, value),
     .required = true,
     .help = "the value without --set"},
    {.name = "help", .type = PARAM_STRING, .offset = offsetof(struct topology_setting, help), .fallback = "", .help = "one line"},
    {.type = PARAM_END},
};

static int check_choice(const struct topology_setting *setting, const struct node *at, const char *value, struct err *err)
{
    char hint[96], all[200] = "";
    const char *const *choices = (const char *const *)setting->choices;
    for (size_t i = 0; i < setting->choice_count; i++) {
        if (str_eq(choices[i], value)) {
            return 0;
        }
        size_t used = strlen(all);
        (void)str_format(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", choices[i]);
    }
    return setting->choice_count == 0 ? 0
                                      : node_err(at, err, "setting '%s': expected one of %s, found '%s'%s", setting->name, all,
                                                 value, str_did_you_mean(value, choices, setting->choice_count, hint));
}

static int read_setting(struct reader *reader, const struct node *node, struct err *err)
{
    static const char *const nested[] = {"choices", NULL};
    struct topology *topology = reader->topology;
    struct topology_setting *setting = GROW(topology->settings, topology->setting_count);
    struct scope scope = reader_scope(reader);
    setting->name = xstrdup(node->key);
    int status = names_check_spelling(node, "setting", node->key, err);
    if (status == 0 && node->kind == NODE_SCALAR) { /* NAME: VALUE */
        setting->value = xstrdup(node->text);
        setting->help = xstrdup("");
        return 0;
    }
    if (status == 0) {
        status = reader_fields(setting_table, nested, node, NULL, "a setting", setting, err);
    }
    if (status == 0) {
        status = reader_strings(&scope, node_get(node, "choices"), "choices", &setting->choices, &setting->choice_count, err);
    }
    return status < 0 ? status : check_choice(setting, node, setting->value, err);
}

static int apply_value(struct topology *topology, const struct node *value, struct err *err)
{
    const char *names[64];
    char hint[96];
    size_t count = 0;
    for (size_t i = 0; i < topology->setting_count && count < ARRAY_LEN(names); i++) {
        struct topology_setting *setting = &topology->settings[i];
        names[count++] = setting->name;
        if (!str_eq(setting->name, value->key)) {
            continue;
        }
        if (value->kind != NODE_SCALAR) {
            return node_err(value, err, "setting '%s': expected one value", value->key);
        }
        free(setting->value);
        setting->value = xstrdup(value->text);
        return check_choice(setting, value, value->text, err);
    }
    return node_err(value, err, "topology '%s' has no setting '%s'%s", topology->name, value->key,
                    str_did_you_mean(value->key, names, count, hint));
}

int reader_settings(struct reader *reader, const struct node *values, struct err *err)
{
    const struct node *map = node_get(reader->root, "settings");
    if (map && map->kind != NODE_MAP) {
        return node_err(map, err, "settings: expected names with values");
    }
    for (size_t i = 0; map && i < map->count; i++) {
        int status = read_setting(reader, map->children[i], err);
        if (status < 0) {
            return status;
        }
    }
    for (size_t i = 0; values && values->kind == NODE_MAP && i < values->count; i++) {
        int status = apply_value(reader->topology, values->children[i], err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int topology_setting_names(const char *file, char ***ret_names, size_t *ret_count, struct err *err)
{
    AUTO_NODE struct node *root = NULL;
    int status = extends_read(file, &root, NULL, err);
    if (status < 0) {
        return status;
    }
    const struct node *map = node_get(root, "settings");
    char **names = NULL;
    size_t count = 0;
    for (size_t i = 0; map && map->kind == NODE_MAP && i < map->count; i++) {
        *GROW(names, count) = xstrdup(map->children[i]->key);
    }
    *ret_names = names;
    *ret_count = count;
    return 0;
}
