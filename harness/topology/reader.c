/* Helpers that read pieces of the YAML tree: known names, expanded scalars, lists, commands. */
#include "harness/topology/reader.h"

#include <ctype.h>

enum { NAMES_MAX = 64 };

struct scope reader_scope(const struct reader *reader)
{
    return (struct scope){.topology = reader->topology, .state = reader->state, .tools = reader->tools};
}

struct scope reader_scope_of(const struct reader *reader, struct subject subject)
{
    struct scope scope = reader_scope(reader);
    scope.this = subject;
    return scope;
}

int reader_at(const struct node *node, struct err *err)
{
    char where[512];
    if (!*node_where(node, where)) {
        return -err->code;
    }
    where[strlen(where) - 2] = '\0'; /* err_prefix brings its own ": " */
    return err_prefix(err, "%s", where);
}

static bool is_in(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}

static int check_names(const struct node *map, const char *const *names, size_t count, const char *what, struct err *err)
{
    if (map && map->kind != NODE_MAP) {
        return node_err(map, err, "%s: expected names with values, found a %s", what,
                        map->kind == NODE_LIST ? "list" : "single value");
    }
    for (size_t i = 0; map && i < map->count; i++) {
        const struct node *child = map->children[i];
        char hint[96], all[400] = "";
        if (is_in(child->key, names, count)) {
            continue;
        }
        str_did_you_mean(child->key, names, count, hint);
        for (size_t n = 0, used = 0; !*hint && n < count; n++, used = strlen(all)) {
            (void)str_format(all + used, sizeof(all) - used, "%s%s", n ? ", " : "; known here: ", names[n]);
        }
        return node_err(child, err, "unknown name '%s' in %s%s%s", child->key, what, hint, all);
    }
    return 0;
}

int reader_only(const struct node *map, const char *const *names, const char *what, struct err *err)
{
    size_t count = 0;
    while (names[count]) {
        count++;
    }
    return check_names(map, names, count, what, err);
}

/* A map of copies of the scalars (and of what is wrongly no scalar, for the parser to refuse). */
static int copy_expanded(const struct node *map, const char *const *nested, size_t nested_count, const struct scope *scope,
                         struct node *copy, struct err *err)
{
    for (size_t i = 0; map && i < map->count; i++) {
        const struct node *child = map->children[i];
        if (is_in(child->key, nested, nested_count)) {
            continue;
        }
        struct node *own = node_copy(child);
        node_put(copy, child->key, own);
        if (scope && own->kind == NODE_SCALAR) {
            char *text = NULL;
            if (expand_node(scope, child, &text, err) < 0) {
                return -err->code;
            }
            free(own->text);
            own->text = text;
        }
    }
    return 0;
}

int reader_fields(const struct param *table, const char *const *nested, const struct node *map, const struct scope *scope,
                  const char *what, void *out, struct err *err)
{
    const char *names[NAMES_MAX];
    size_t nested_count = 0, count = 0;
    for (; nested && nested[nested_count]; nested_count++) {
        names[count++] = nested[nested_count];
    }
    for (const struct param *param = table; param->type != PARAM_END && count < NAMES_MAX; param++) {
        names[count++] = param->name;
    }
    if (check_names(map, names, count, what, err) < 0) {
        return -err->code;
    }
    AUTO_NODE struct node *copy = node_new(NODE_MAP);
    if (map) {
        copy->file_owned = xstrdup(map->file);
        copy->file = copy->file_owned;
        copy->line = map->line;
        copy->column = map->column;
    }
    int status = copy_expanded(map, nested, nested_count, scope, copy, err);
    return status < 0 ? status : param_parse(table, copy, what, out, err);
}

static int add_string(const struct scope *scope, const struct node *item, const char *what, char ***array, size_t *count,
                      struct err *err)
{
    char *text = NULL;
    if (item->kind != NODE_SCALAR) {
        return node_err(item, err, "%s: expected a text, found a %s", what, item->kind == NODE_LIST ? "list" : "map");
    }
    int status = expand_node(scope, item, &text, err);
    if (status == 0) {
        *GROW(*array, *count) = text;
    }
    return status;
}

int reader_strings(const struct scope *scope, const struct node *node, const char *what, char ***array, size_t *count,
                   struct err *err)
{
    if (!node) {
        return 0;
    }
    if (node->kind == NODE_MAP) {
        return node_err(node, err, "%s: expected a list, found names with values", what);
    }
    if (node->kind == NODE_SCALAR) {
        return add_string(scope, node, what, array, count, err);
    }
    for (size_t i = 0; i < node->count; i++) {
        int status = add_string(scope, node->children[i], what, array, count, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* The end of the word that starts at `at`: a blank outside of {{…}}. */
static const char *word_end(const char *at)
{
    while (*at && !isspace((unsigned char)*at)) {
        const char *close = str_starts_with(at, "{{") ? strstr(at, "}}") : NULL;
        at = close ? close + 2 : at + 1;
    }
    return at;
}

int reader_command(const struct scope *scope, const struct node *node, const char *what, char ***array, size_t *count,
                   struct err *err)
{
    if (!node || node->kind != NODE_SCALAR) {
        return reader_strings(scope, node, what, array, count, err);
    }
    if (strpbrk(node->text, "'\"|&;<>`$*")) {
        return node_err(node, err,
                        "%s: no shell reads this, so quotes and |&;<>`$* mean nothing; write a list, or [sh, -c, \"…\"]", what);
    }
    AUTO_NODE struct node *word = node_copy(node);
    const char *at = node->text;
    while (*(at += strspn(at, " \t\n"))) {
        const char *end = word_end(at);
        free(word->text);
        word->text = xasprintf("%.*s", (int)(end - at), at);
        int status = add_string(scope, word, what, array, count, err);
        if (status < 0) {
            return status;
        }
        at = end;
    }
    return 0;
}
