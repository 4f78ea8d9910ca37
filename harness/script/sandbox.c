/* The sandbox: an allow-list of library functions, caps on memory and instructions, require from one folder. */
#include "harness/script/sandbox.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { HOOK_EVERY = 10000, MODULE_MAX_BYTES = 1024 * 1024, RESERVE_BYTES = 1024 * 1024 };

struct sandbox {
    lua_State *lua;
    char *folder;
    size_t used_bytes;
    long long left; /* instructions of the present step */
    bool
        running; /* the scenario's code; else ours, which has a reserve: a failure outside of a protected call ends the process */
};

static void *allocate(void *context, void *block, size_t old_size, size_t new_size)
{
    struct sandbox *sandbox = context;
    size_t had = block ? old_size : 0;
    if (new_size == 0) {
        free(block);
        sandbox->used_bytes -= had;
        return NULL;
    }
    if (sandbox->used_bytes - had + new_size > SANDBOX_MEMORY_BYTES + (sandbox->running ? 0 : RESERVE_BYTES)) {
        return NULL;
    }
    void *memory = realloc(block, new_size);
    if (memory) {
        sandbox->used_bytes += new_size - had;
    }
    return memory;
}

static struct sandbox *of(lua_State *lua)
{
    return *(struct sandbox **)lua_getextraspace(lua);
}

/* Once the budget is gone every further instruction raises, so that a pcall in an endless loop cannot catch it for good. */
static void count_instructions(lua_State *lua, lua_Debug *debug)
{
    struct sandbox *sandbox = of(lua);
    (void)debug;
    sandbox->left -= HOOK_EVERY;
    if (sandbox->left < 0) {
        lua_sethook(lua, count_instructions, LUA_MASKCOUNT, 1);
        luaL_where(lua, 0); /* in a hook level 0 is the function that was stopped */
        lua_pushfstring(lua, "ran %d million instructions without taking a step: an endless loop?",
                        SANDBOX_INSTRUCTIONS / 1000000);
        lua_concat(lua, 2);
        lua_error(lua);
    }
}

void sandbox_refill(struct sandbox *sandbox, lua_State *thread)
{
    sandbox->left = SANDBOX_INSTRUCTIONS;
    sandbox->running = true;
    lua_sethook(thread, count_instructions, LUA_MASKCOUNT, HOOK_EVERY);
}

void sandbox_rest(struct sandbox *sandbox)
{
    sandbox->running = false;
}

/* setmetatable without finalizers: no hook counts what they do. MAY RAISE. Upvalue: Lua's own. */
static int set_metatable(lua_State *lua)
{
    lua_settop(lua, 2);
    if (lua_istable(lua, 2)) {
        lua_pushliteral(lua, "__gc");
        if (lua_rawget(lua, 2) != LUA_TNIL) {
            return luaL_error(lua, "setmetatable: a scenario has no finalizers (__gc)");
        }
        lua_settop(lua, 2);
    }
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, 2, 1);
    return 1;
}

/* require "name": FOLDER/name.lua, run once. MAY RAISE. The path lives in a Lua string so that nothing is held over a jump. */
static int require_module(lua_State *lua)
{
    struct err err = {0};
    char *text = NULL;
    size_t size = 0;
    const char *name = luaL_checkstring(lua, 1);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(name) || !*name) {
        return luaL_error(lua, "require '%s': expected the name of a file in the scenario's folder, without path and .lua", name);
    }
    luaL_getsubtable(lua, LUA_REGISTRYINDEX, "drill.modules"); /* stack: name modules */
    if (lua_getfield(lua, 2, name) != LUA_TNIL) {
        return 1;
    }
    const char *path = lua_pushfstring(lua, "%s/%s.lua", of(lua)->folder, name);
    const char *chunk = lua_pushfstring(lua, "@%s", path);
    if (fd_read_file(path, MODULE_MAX_BYTES, &text, &size, &err) < 0) {
        return luaL_error(lua, "require '%s': %s", name, err.text);
    }
    int status = luaL_loadbufferx(lua, text, size, chunk, "t");
    free(text);
    if (status != LUA_OK) {
        return lua_error(lua);
    }
    lua_call(lua, 0, 1);
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        lua_pushboolean(lua, 1);
    }
    lua_pushvalue(lua, -1);
    lua_setfield(lua, 2, name);
    return 1;
}

static void keep_only(lua_State *lua, const char *const *names)
{
    lua_newtable(lua); /* stack: kept */
    for (; *names; names++) {
        lua_getglobal(lua, *names);
        lua_setfield(lua, -2, *names);
    }
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -2, "_G");
    lua_rawseti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

static int open_libraries(lua_State *lua)
{
    static const char *const kept[] = {"assert",       "error",    "ipairs",       "next",   "pairs",  "pcall",
                                       "select",       "tonumber", "tostring",     "type",   "xpcall", "rawequal",
                                       "setmetatable", "rawlen",   "getmetatable", "rawget", "rawset", "math",
                                       "string",       "table",    "utf8",         NULL};
    luaL_requiref(lua, "_G", luaopen_base, 1);
    luaL_requiref(lua, "math", luaopen_math, 1);
    luaL_requiref(lua, "string", luaopen_string, 1);
    luaL_requiref(lua, "table", luaopen_table, 1);
    luaL_requiref(lua, "utf8", luaopen_utf8, 1);
    lua_settop(lua, 0);
    keep_only(lua, kept);
    lua_pushcfunction(lua, require_module);
    lua_setglobal(lua, "require");
    lua_getglobal(lua, "setmetatable");
    lua_pushcclosure(lua, set_metatable, 1);
    lua_setglobal(lua, "setmetatable");
    lua_getglobal(lua, "string");
    lua_pushnil(lua);
    lua_setfield(lua, -2, "dump"); /* bytecode out is bytecode in: neither */
    lua_settop(lua, 0);
    return 0;
}

int sandbox_new(const char *folder, struct sandbox **ret_sandbox, struct err *err)
{
    struct sandbox *sandbox = xcalloc(1, sizeof(*sandbox));
    sandbox->folder = xstrdup(folder);
    sandbox->lua = lua_newstate(allocate, sandbox);
    if (!sandbox->lua) {
        sandbox_free(sandbox);
        return err_set(err, ERR_SYSTEM, "cannot make a Lua state");
    }
    *(struct sandbox **)lua_getextraspace(sandbox->lua) = sandbox;
    lua_pushcfunction(sandbox->lua, open_libraries);
    if (lua_pcall(sandbox->lua, 0, 0, 0) != LUA_OK) {
        int status = err_set(err, ERR_SYSTEM, "cannot open the Lua libraries: %s", lua_tostring(sandbox->lua, -1));
        sandbox_free(sandbox);
        return status;
    }
    *ret_sandbox = sandbox;
    return 0;
}

void sandbox_free(struct sandbox *sandbox)
{
    if (!sandbox) {
        return;
    }
    if (sandbox->lua) {
        lua_close(sandbox->lua);
    }
    free(sandbox->folder);
    free(sandbox);
}

lua_State *sandbox_lua(struct sandbox *sandbox)
{
    return sandbox->lua;
}
