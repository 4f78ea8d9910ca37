/* Between Lua values and the tree of values, with positions found in the source text. */
#include "harness/script/convert.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "harness/base/str.h"

enum { DEPTH_MAX = 12, ENTRIES_MAX = 4096 };

struct conversion {
    lua_State *lua;
    const char *file, *source;
    size_t entries;
    struct err *err;
};

static const char *line_start(const char *source, int line)
{
    for (int at = 1; source && at < line; at++) {
        const char *end = strchr(source, '\n');
        if (!end) {
            return NULL;
        }
        source = end + 1;
    }
    return source;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Where `key` stands as a whole word, followed by "=" when it names a field, from line:column on. Lua keeps lines only, so the
 * column must be found again; a key that is computed is not found and keeps the line that is known. */
static void locate(const struct conversion *work, const char *key, bool is_field, int from_line, int *line, int *column)
{
    const char *start = line_start(work->source, from_line);
    size_t size = strlen(key);
    *line = from_line;
    *column = 0;
    if (!start || size == 0) {
        return;
    }
    for (const char *at = strstr(start, key); at; at = strstr(at + 1, key)) {
        const char *after = at + size;
        if (is_field && ((at > work->source && is_word(at[-1])) || is_word(*after))) {
            continue;
        }
        while (is_field && (*after == ' ' || *after == '"' || *after == ']')) {
            after++;
        }
        if (is_field && *after != '=') {
            continue;
        }
        for (const char *c = start; c < at; c++) {
            *line += *c == '\n';
        }
        const char *begin = at;
        while (begin > work->source && begin[-1] != '\n') {
            begin--;
        }
        *column = (int)(at - begin) + 1;
        return;
    }
}

static void place(const struct conversion *work, struct node *node, int line, int column)
{
    node->file_owned = xstrdup(work->file);
    node->file = node->file_owned;
    node->line = line;
    node->column = column;
}

static struct node *convert(struct conversion *work, int index, int line, int depth);

static struct node *scalar(lua_State *lua, int index)
{
    struct node *node = node_new(NODE_SCALAR);
    if (lua_type(lua, index) == LUA_TBOOLEAN) {
        node->text = xstrdup(lua_toboolean(lua, index) ? "true" : "false");
    } else if (lua_isinteger(lua, index)) {
        node->text = xasprintf("%lld", (long long)lua_tointeger(lua, index));
    } else if (lua_type(lua, index) == LUA_TNUMBER) {
        node->text = xasprintf("%.14g", lua_tonumber(lua, index));
    } else {
        node->text = xstrdup(lua_tostring(lua, index));
        node->quoted = true;
    }
    return node;
}

static struct node *convert_list(struct conversion *work, int index, lua_Unsigned count, int line, int depth)
{
    struct node *list = node_new(NODE_LIST);
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(work->lua, index, (lua_Integer)i); /* stack: item */
        int item_line = line, column = 0;
        if (lua_type(work->lua, -1) == LUA_TSTRING) {
            locate(work, lua_tostring(work->lua, -1), false, line, &item_line, &column);
        }
        struct node *item = convert(work, lua_gettop(work->lua), item_line, depth + 1);
        lua_pop(work->lua, 1);
        if (!item) {
            node_free(list);
            return NULL;
        }
        item->column = column;
        node_add(list, item);
    }
    return list;
}

static struct node *convert_map(struct conversion *work, int index, int line, int depth)
{
    struct node *map = node_new(NODE_MAP);
    lua_pushnil(work->lua);
    while (lua_next(work->lua, index)) { /* stack: key value */
        int key_line, column;
        if (lua_type(work->lua, -2) != LUA_TSTRING) {
            (void)err_set(work->err, ERR_INPUT, "%s:%d: expected names with values, found both names and a list", work->file,
                          line);
            lua_pop(work->lua, 2);
            node_free(map);
            return NULL;
        }
        const char *key = lua_tostring(work->lua, -2);
        if (depth == 0 && str_eq(key, "run")) {
            lua_pop(work->lua, 1);
            continue;
        }
        locate(work, key, true, line, &key_line, &column);
        struct node *value = convert(work, lua_gettop(work->lua), key_line, depth + 1);
        if (!value) {
            lua_pop(work->lua, 2);
            node_free(map);
            return NULL;
        }
        value->column = column;
        node_put(map, key, value);
        lua_pop(work->lua, 1);
    }
    return map;
}

static struct node *convert_table(struct conversion *work, int index, int line, int depth)
{
    lua_Unsigned count = lua_rawlen(work->lua, index);
    if (depth > DEPTH_MAX || !lua_checkstack(work->lua, 8)) {
        (void)err_set(work->err, ERR_INPUT, "%s:%d: tables are nested more than %d deep", work->file, line, DEPTH_MAX);
        return NULL;
    }
    return count > 0 ? convert_list(work, index, count, line, depth) : convert_map(work, index, line, depth);
}

static struct node *convert(struct conversion *work, int index, int line, int depth)
{
    struct node *node = NULL;
    if (++work->entries > ENTRIES_MAX) {
        (void)err_set(work->err, ERR_INPUT, "%s:%d: more than %d values in one table", work->file, line, ENTRIES_MAX);
        return NULL;
    }
    switch (lua_type(work->lua, index)) {
    case LUA_TTABLE:
        node = convert_table(work, index, line, depth);
        break;
    case LUA_TSTRING:
    case LUA_TNUMBER:
    case LUA_TBOOLEAN:
        node = scalar(work->lua, index);
        break;
    default:
        (void)err_set(work->err, ERR_INPUT, "%s:%d: expected a text, a number or a table, found a %s", work->file, line,
                      lua_typename(work->lua, lua_type(work->lua, index)));
    }
    if (node) {
        place(work, node, line, 0);
    }
    return node;
}

struct node *convert_to_node(lua_State *lua, int index, const char *file, const char *source, int line, struct err *err)
{
    struct conversion work = {.lua = lua, .file = file, .source = source, .err = err};
    return convert(&work, lua_absindex(lua, index), line, 0);
}

void convert_push_json(lua_State *lua, const json_t *json)
{
    const char *key;
    json_t *value;
    size_t index;
    lua_checkstack(lua, 4);
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_OBJECT:
        lua_newtable(lua);
        json_object_foreach((json_t *)json, key, value)
        {
            convert_push_json(lua, value);
            lua_setfield(lua, -2, key);
        }
        break;
    case JSON_ARRAY:
        lua_newtable(lua);
        json_array_foreach(json, index, value)
        {
            convert_push_json(lua, value);
            lua_rawseti(lua, -2, (lua_Integer)index + 1);
        }
        break;
    case JSON_STRING:
        lua_pushstring(lua, json_string_value(json));
        break;
    case JSON_INTEGER:
        lua_pushinteger(lua, json_integer_value(json));
        break;
    case JSON_REAL:
        lua_pushnumber(lua, json_real_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(lua, json_is_true(json));
        break;
    case JSON_NULL:
        lua_pushnil(lua);
    }
}
