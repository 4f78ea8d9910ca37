/* The tree of values with positions. */
#include "harness/param/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/str.h"

struct node *node_new(enum node_kind kind)
{
    struct node *node = xcalloc(1, sizeof(*node));
    node->kind = kind;
    return node;
}

void node_free(struct node *node)
{
    if (!node) {
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        node_free(node->children[i]);
    }
    free(node->children);
    free(node->key);
    free(node->text);
    free(node->file_owned);
    free(node);
}

struct node *node_scalar(const char *text)
{
    struct node *node = node_new(NODE_SCALAR);
    node->text = xstrdup(text);
    return node;
}

void node_add(struct node *list, struct node *child)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 4;
        list->children = xrealloc(list->children, list->capacity, sizeof(*list->children));
    }
    list->children[list->count++] = child;
}

void node_put(struct node *map, const char *key, struct node *child)
{
    free(child->key);
    child->key = xstrdup(key);
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->children[i]->key, key)) {
            node_free(map->children[i]);
            map->children[i] = child;
            return;
        }
    }
    node_add(map, child);
}

const struct node *node_get(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->children[i]->key, key)) {
            return map->children[i];
        }
    }
    return NULL;
}

const char *node_text(const struct node *map, const char *key)
{
    const struct node *child = node_get(map, key);
    return child && child->kind == NODE_SCALAR ? child->text : NULL;
}

static struct node *scalar_from_json(const json_t *json)
{
    if (json_is_string(json)) {
        struct node *node = node_scalar(json_string_value(json));
        node->quoted = true;
        return node;
    }
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    struct node *node = node_new(NODE_SCALAR);
    node->text = text ? text : xstrdup("null");
    return node;
}

struct node *node_from_json(const json_t *json)
{
    if (json_is_object(json)) {
        struct node *map = node_new(NODE_MAP);
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)json, key, value)
        {
            node_put(map, key, node_from_json(value));
        }
        return map;
    }
    if (json_is_array(json)) {
        struct node *list = node_new(NODE_LIST);
        size_t index;
        json_t *value;
        json_array_foreach(json, index, value)
        {
            node_add(list, node_from_json(value));
        }
        return list;
    }
    return scalar_from_json(json);
}

json_t *node_to_json(const struct node *node)
{
    if (node->kind == NODE_MAP) {
        json_t *object = json_object();
        for (size_t i = 0; i < node->count; i++) {
            json_object_set_new(object, node->children[i]->key, node_to_json(node->children[i]));
        }
        return object;
    }
    if (node->kind == NODE_LIST) {
        json_t *array = json_array();
        for (size_t i = 0; i < node->count; i++) {
            json_array_append_new(array, node_to_json(node->children[i]));
        }
        return array;
    }
    return json_string(node->text ? node->text : "");
}

struct node *node_copy(const struct node *node)
{
    struct node *copy = node_new(node->kind);
    copy->key = xstrdup(node->key);
    copy->text = xstrdup(node->text);
    copy->quoted = node->quoted;
    copy->file_owned = xstrdup(node->file);
    copy->file = copy->file_owned;
    copy->line = node->line;
    copy->column = node->column;
    for (size_t i = 0; i < node->count; i++) {
        node_add(copy, node_copy(node->children[i]));
    }
    return copy;
}

const char *node_where(const struct node *node, char out[static 512])
{
    out[0] = '\0';
    if (node && node->file && node->column > 0) {
        (void)str_format(out, 512, "%s:%d:%d: ", node->file, node->line, node->column);
    } else if (node && node->file && node->line > 0) {
        (void)str_format(out, 512, "%s:%d: ", node->file, node->line);
    } else if (node && node->file) {
        (void)str_format(out, 512, "%s: ", node->file);
    }
    return out;
}

int node_err(const struct node *node, struct err *err, const char *fmt, ...)
{
    char where[512], text[900];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return err_set(err, ERR_INPUT, "%s%s", node_where(node, where), text);
}
