/* The one reader of such tables. */
#include "harness/programme/fields.h"

#include "harness/base/str.h"
#include "harness/param/units.h"
#include "harness/programme/when.h"

static const struct field *find_field(const struct field *table, const char *name)
{
    for (const struct field *field = table; field->kind != FIELD_NONE; field++) {
        if (str_eq(field->name, name)) {
            return field;
        }
    }
    return NULL;
}

static int unknown_field(const struct field *table, const struct node *node, const char *help, struct err *err)
{
    const char *names[64];
    char hint[96];
    size_t count = 0;
    for (const struct field *field = table; field->kind != FIELD_NONE && count < ARRAY_LEN(names); field++) {
        names[count++] = field->name;
    }
    return node_err(node, err, "unknown field '%s'%s; '%s' lists them", node->key,
                    str_did_you_mean(node->key, names, count, hint), help);
}

/* A scalar of any kind; it is kept as it was written. */
static int check_scalar(const struct field *field, const struct node *node, struct err *err)
{
    struct err inner = {0};
    int64_t ignored = 0;
    int chosen = 0;
    const struct param choice[] = {{field->name, PARAM_CHOICE, 0, .choices = field->choices}, {0}};
    if (node->kind != NODE_SCALAR || !*node->text) {
        return node_err(node, err, "'%s' takes one text: %s", field->name, field->help);
    }
    int status = 0;
    if (field->kind == FIELD_CHOICE) {
        status = param_set(choice, field->name, node->text, "field", &chosen, &inner);
    } else if (field->kind == FIELD_DURATION) {
        status = units_duration(node->text, &ignored, &inner);
    } else if (field->kind == FIELD_WHEN) {
        status = when_parse(node->text, false, &ignored, &inner);
    } else if (field->kind == FIELD_SWITCH && !str_eq(node->text, "true") && !str_eq(node->text, "false")) {
        status = err_set(&inner, ERR_INPUT, "expected true or false, found '%s'", node->text);
    }
    return status < 0 ? node_err(node, err, "'%s': %s", field->name, inner.text) : 0;
}

/* Times inside of items are checked here, since an option table has no type for them. */
static int check_times(const struct node *map, struct err *err)
{
    static const char *const names[] = {"time", "from", "to"};
    int64_t ignored = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err inner = {0};
        const struct node *node = node_get(map, names[i]);
        if (node && node->kind == NODE_SCALAR && when_parse(node->text, false, &ignored, &inner) < 0) {
            return node_err(node, err, "'%s': %s", names[i], inner.text);
        }
    }
    return 0;
}

static int read_item(const struct field *field, const struct node *node, json_t *list, struct err *err)
{
    AUTO_FREE void *item = xcalloc(1, field->item_size);
    AUTO_NODE struct node *alone = node_new(NODE_MAP);
    if (node->kind == NODE_SCALAR) {
        struct node *text = node_copy(node);
        node_put(alone, field->item[0].name, text);
        alone->file = node->file;
        alone->line = node->line;
        alone->column = node->column;
    }
    const struct node *map = node->kind == NODE_SCALAR ? alone : node;
    int status = param_parse(field->item, map, field->name, item, err);
    if (status == 0) {
        status = check_times(map, err);
    }
    if (status == 0) {
        json_array_append_new(list, param_to_json(field->item, item));
    }
    param_clear(field->item, item);
    return status;
}

static int read_list(const struct field *field, const struct node *node, json_t *list, struct err *err)
{
    size_t count = node->kind == NODE_LIST ? node->count : 1;
    int status = 0;
    for (size_t i = 0; status == 0 && i < count; i++) {
        const struct node *item = node->kind == NODE_LIST ? node->children[i] : node;
        if (field->kind == FIELD_ITEMS) {
            status = read_item(field, item, list, err);
        } else if (item->kind != NODE_SCALAR) {
            status = node_err(item, err, "'%s' takes a list of texts: %s", field->name, field->help);
        } else {
            json_array_append_new(list, json_string(item->text));
        }
    }
    return status;
}

static int read_field(const struct field *table, const struct node *node, const char *help, json_t *fields, struct err *err)
{
    const struct field *field = find_field(table, node->key);
    if (!field) {
        return unknown_field(table, node, help, err);
    }
    if (field->kind == FIELD_TEXTS || field->kind == FIELD_ITEMS) {
        json_t *list = json_array();
        json_object_set_new(fields, field->name, list);
        return read_list(field, node, list, err);
    }
    int status = check_scalar(field, node, err);
    if (status == 0) {
        json_object_set_new(fields, field->name,
                            field->kind == FIELD_SWITCH ? json_boolean(str_eq(node->text, "true")) : json_string(node->text));
    }
    return status;
}

int fields_read(const struct field *table, const struct node *map, const char *help, json_t *values, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < map->count; i++) {
        status = read_field(table, map->children[i], help, values, err);
    }
    return status;
}

static void print_choices(const char *const *choices, struct buf *out)
{
    for (size_t i = 0; choices[i]; i++) {
        buf_printf(out, "%s%s", i ? "|" : "", choices[i]);
    }
}

void fields_print_help(const struct field *table, struct buf *out)
{
    static const char *const kinds[] = {[FIELD_TEXT] = "text",   [FIELD_DURATION] = "duration", [FIELD_WHEN] = "day or instant",
                                        [FIELD_TEXTS] = "texts", [FIELD_ITEMS] = "list",        [FIELD_SWITCH] = "true|false"};
    for (const struct field *field = table; field->kind != FIELD_NONE; field++) {
        buf_printf(out, "  %-17s %s (", field->name, field->help);
        if (field->kind == FIELD_CHOICE) {
            print_choices(field->choices, out);
        } else {
            buf_puts(out, kinds[field->kind]);
        }
        for (const struct param *option = field->item; option && option->type != PARAM_END; option++) {
            buf_printf(out, "%s%s", option == field->item ? " of " : ", ", option->name);
        }
        buf_puts(out, ")\n");
    }
}

int fields_check_table(const struct field *table, const char *what, struct err *err)
{
    for (const struct field *field = table; field->kind != FIELD_NONE; field++) {
        if (!field->help || !*field->help || find_field(table, field->name) != field) {
            return err_set(err, ERR_STATE, "%s: field '%s' has no help or is there twice", what, field->name);
        }
        if ((field->kind == FIELD_CHOICE) != (field->choices != NULL) || (field->kind == FIELD_ITEMS) != (field->item != NULL)) {
            return err_set(err, ERR_STATE, "%s: field '%s' is of another kind than its table", what, field->name);
        }
        if (field->item && (field->item_size == 0 || param_check_table(field->item, field->name, err) < 0)) {
            return err_prefix(err, "%s", what);
        }
    }
    return 0;
}
