/* Between Lua values and the tree of values. Private to harness/script. */
#ifndef DRILL_SCRIPT_CONVERT_H
#define DRILL_SCRIPT_CONVERT_H

#include <lua.h>

#include "harness/base/json.h"
#include "harness/param/node.h"

/* The value at `index` as a tree; functions and the key `run` at the top are left out. Does not raise. Positions come from
 * looking for each key in `source` (the file's text) from `line` on. NULL with err when it cannot be a tree (too deep, odd keys).
 */
struct node *convert_to_node(lua_State *lua, int index, const char *file, const char *source, int line, struct err *err);
/* Push a JSON value. May raise when memory is gone: call it protected. */
void convert_push_json(lua_State *lua, const json_t *json);

#endif
