/* A tree of values with positions: what YAML, Lua, JSON and --set all become before an option table reads them. */
#ifndef DRILL_PARAM_NODE_H
#define DRILL_PARAM_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

enum node_kind { NODE_NONE = 0, NODE_SCALAR, NODE_LIST, NODE_MAP, NODE_KIND_COUNT };

struct node {
    enum node_kind kind;
    char *key;   /* the name under which a map holds it; NULL elsewhere */
    char *text;  /* scalars: as written */
    bool quoted; /* scalars: a quoted string, never a number or a null */
    struct node **children;
    size_t count, capacity;
    const char *file; /* owned by the root (interned there); NULL for JSON */
    int line, column; /* 1-based; 0 when not known */
    char *file_owned; /* the root's */
};

struct node *node_new(enum node_kind kind);
void node_free(struct node *node);
DEFINE_CLEANUP(struct node *, node, node_free)
#define AUTO_NODE CLEANUP(node_cleanup)

struct node *node_scalar(const char *text);
void node_add(struct node *list, struct node *child);                 /* takes child */
void node_put(struct node *map, const char *key, struct node *child); /* takes child, replaces an older one */
const struct node *node_get(const struct node *map, const char *key); /* NULL when missing or not a map */
const char *node_text(const struct node *map, const char *key);       /* the scalar's text or NULL */
struct node *node_from_json(const json_t *json);
json_t *node_to_json(const struct node *node); /* scalars become strings; new reference */
struct node *node_copy(const struct node *node);

/* "file:line:column: " or "" into out. */
const char *node_where(const struct node *node, char out[static 512]);
/* err_set(ERR_INPUT) with the node's position in front. */
int node_err(const struct node *node, struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
