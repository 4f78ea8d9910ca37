/* A Lua state in which a scenario can do nothing but compute and take steps. Private to harness/script. */
#ifndef DRILL_SCRIPT_SANDBOX_H
#define DRILL_SCRIPT_SANDBOX_H

#include <lua.h>

#include "harness/base/err.h"

enum {
    SANDBOX_MEMORY_BYTES = 64 * 1024 * 1024,
    SANDBOX_INSTRUCTIONS = 50 * 1000 * 1000, /* between two steps: half a second of computing, far more than a scenario needs */
};

struct sandbox;

/* `folder` is where require looks, and the only place. */
int sandbox_new(const char *folder, struct sandbox **ret_sandbox, struct err *err) MUST_CHECK;
void sandbox_free(struct sandbox *sandbox); /* accepts NULL */
lua_State *sandbox_lua(struct sandbox *sandbox);
/* Give `thread` (or the main state) a fresh budget of instructions; call before each resume. */
void sandbox_refill(struct sandbox *sandbox, lua_State *thread);
/* The scenario's code has stopped: what follows is ours, and has a little memory even when the scenario has used up its own. */
void sandbox_rest(struct sandbox *sandbox);

#endif
