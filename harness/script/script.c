/* A scenario's Lua: the file is run in a sandbox, and its `run` as coroutines that yield requests. */
#include "harness/script/script.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/script/convert.h"
#include "harness/script/sandbox.h"

enum { SOURCE_MAX_BYTES = 1024 * 1024, TASKS_MAX = 64 };

static const char prelude_source[] = {
#include "prelude.inc"
};

enum task_state { TASK_NONE = 0, TASK_READY, TASK_ASKED, TASK_PARENT, TASK_ENDED };

struct task {
    enum task_state state;
    lua_State *thread;
    int reference; /* keeps the thread from being collected */
    int parent;    /* -1 for the first */
    int children;  /* running ones */
    int arguments; /* on the thread's stack for the next resume */
    struct node *args;
};

struct script {
    struct sandbox *sandbox;
    struct scenario *scenario;
    char *file;
    char *source;
    int entry; /* reference: prelude's entry function */
    int run;   /* reference: the scenario's run */
    int declared_line;
    VEC(struct task) tasks;
};

/* where(level): the line of the function `level` up. */
static int lua_where(lua_State *lua)
{
    lua_Debug debug;
    lua_Integer line = 0;
    if (lua_getstack(lua, (int)luaL_checkinteger(lua, 1), &debug) && lua_getinfo(lua, "l", &debug)) {
        line = debug.currentline;
    }
    lua_pushinteger(lua, line);
    return 1;
}

static int lua_hand_over(lua_State *lua)
{
    return lua_yield(lua, 1);
}

/* Lua messages already begin with "file:line:"; anything else is put behind the file's name. */
static int lua_failure(struct script *script, lua_State *lua, struct err *err)
{
    const char *text = lua_tostring(lua, -1);
    if (!text) {
        text = "an error that is not a text";
    }
    const char *at = strstr(text, ".lua:");
    bool placed = at && at < strchrnul(text, ' ');
    return placed ? err_set(err, ERR_INPUT, "%s", text) : err_set(err, ERR_INPUT, "%s: %s", script->file, text);
}

static int run_prelude(struct script *script, lua_State *lua, struct err *err)
{
    if (luaL_loadbufferx(lua, prelude_source, sizeof(prelude_source), "=prelude", "t") != LUA_OK) {
        return lua_failure(script, lua, err);
    }
    lua_pushcfunction(lua, lua_where);
    lua_pushcfunction(lua, lua_hand_over);
    if (lua_pcall(lua, 2, 1, 0) != LUA_OK) {
        return lua_failure(script, lua, err);
    }
    script->entry = luaL_ref(lua, LUA_REGISTRYINDEX);
    return 0;
}

/* "return drill {" is a tail call, of which Lua keeps no line: look for it. */
static int declared_line(const char *source)
{
    int line = 1;
    const char *found = strstr(source, "return drill");
    for (const char *c = source; found && c < found; c++) {
        line += *c == '\n';
    }
    return line;
}

/* Like lua_getfield, but what a metatable says is not asked: this is not a protected call. */
static int raw_field(lua_State *lua, const char *name)
{
    lua_pushstring(lua, name);
    return lua_rawget(lua, -2);
}

/* stack: the value that the file returned */
static int take_declaration(struct script *script, lua_State *lua, const char *file, struct node **ret_declared, struct err *err)
{
    bool is_drill = lua_istable(lua, -1) && raw_field(lua, "is_drill") == LUA_TBOOLEAN;
    if (!is_drill) {
        return err_set(err, ERR_INPUT, "%s: expected the file to end in: return drill { … }; it returned %s", file,
                       lua_istable(lua, -1) || lua_isnil(lua, -1) ? "no drill" : "something else");
    }
    lua_pop(lua, 1);
    script->declared_line = declared_line(script->source);
    (void)raw_field(lua, "declared"); /* stack: result declared */
    if (!lua_istable(lua, -1) || raw_field(lua, "run") != LUA_TFUNCTION) {
        return err_set(err, ERR_INPUT, "%s:%d: a drill needs 'run', a function of its steps: run = function(d) … end", file,
                       script->declared_line);
    }
    script->run = luaL_ref(lua, LUA_REGISTRYINDEX);
    *ret_declared = convert_to_node(lua, -1, file, script->source, script->declared_line, err);
    lua_settop(lua, 0);
    return *ret_declared ? 0 : -(int)err->code;
}

/* Run the file in a fresh sandbox up to its declaration. */
static int open_file(struct script *script, const char *file, const char *folder, struct node **ret_declared, struct err *err)
{
    sandbox_free(TAKE(script->sandbox));
    int status = sandbox_new(folder, &script->sandbox, err);
    if (status < 0) {
        return status;
    }
    lua_State *lua = sandbox_lua(script->sandbox);
    status = run_prelude(script, lua, err);
    if (status < 0) {
        return status;
    }
    AUTO_FREE char *chunk = xasprintf("@%s", file);
    sandbox_refill(script->sandbox, lua);
    bool failed =
        luaL_loadbufferx(lua, script->source, strlen(script->source), chunk, "t") != LUA_OK || lua_pcall(lua, 0, 1, 0) != LUA_OK;
    sandbox_rest(script->sandbox);
    if (failed) {
        return lua_failure(script, lua, err);
    }
    return take_declaration(script, lua, file, ret_declared, err);
}

int script_load(const char *file, struct script **ret_script, struct err *err)
{
    struct script *script CLEANUP(script_cleanup) = xcalloc(1, sizeof(*script));
    AUTO_NODE struct node *declared = NULL;
    const char *slash = strrchr(file, '/');
    AUTO_FREE char *folder = slash ? xasprintf("%.*s", (int)(slash - file), file) : xstrdup(".");
    script->file = xstrdup(file);
    int status = fd_read_file(file, SOURCE_MAX_BYTES, &script->source, NULL, err);
    if (status < 0) {
        err->code = ERR_INPUT;
        return -ERR_INPUT;
    }
    status = open_file(script, file, folder, &declared, err);
    if (status == 0) {
        status = scenario_read(file, declared, &script->scenario, err);
    }
    if (status < 0) {
        return status;
    }
    *ret_script = TAKE(script);
    return 0;
}

static void end_task(struct script *script, struct task *task)
{
    if (task->thread) {
        luaL_unref(sandbox_lua(script->sandbox), LUA_REGISTRYINDEX, task->reference);
        task->thread = NULL;
    }
    node_free(TAKE(task->args));
    task->state = TASK_ENDED;
}

static void end_tasks(struct script *script)
{
    VEC_EACH(task, &script->tasks)
    {
        if (task->thread) {
            (void)lua_resetthread(task->thread); /* runs pending <close>; a step there raises, the engine reverts by itself */
        }
        end_task(script, task);
    }
    script->tasks.count = 0;
}

void script_free(struct script *script)
{
    if (!script) {
        return;
    }
    end_tasks(script);
    VEC_CLEAR(&script->tasks);
    sandbox_free(script->sandbox);
    scenario_free(script->scenario);
    free(script->source);
    free(script->file);
    free(script);
}

struct scenario *script_scenario(struct script *script)
{
    return script->scenario;
}

static struct task *add_task(struct script *script, int parent)
{
    lua_State *lua = sandbox_lua(script->sandbox);
    struct task *task = VEC_ADD(&script->tasks);
    task->thread = lua_newthread(lua);
    task->reference = luaL_ref(lua, LUA_REGISTRYINDEX);
    task->parent = parent;
    task->state = TASK_READY;
    return task;
}

int script_start(struct script *script, struct err *err)
{
    AUTO_NODE struct node *declared = NULL;
    end_tasks(script);
    int status = open_file(script, script->scenario->file, script->scenario->folder, &declared, err);
    if (status < 0) {
        return status;
    }
    struct task *task = add_task(script, -1);
    AUTO_JSON json_t *params = node_to_json(script->scenario->params);
    lua_rawgeti(task->thread, LUA_REGISTRYINDEX, script->entry);
    lua_rawgeti(task->thread, LUA_REGISTRYINDEX, script->run);
    convert_push_json(task->thread, params);
    task->arguments = 2;
    return 0;
}

/* stack of the task: the yielded request with `tasks`, a list of functions */
static int begin_parallel(struct script *script, size_t index, struct err *err)
{
    lua_State *from = script->tasks.items[index].thread;
    lua_Unsigned count = lua_rawlen(from, -1);
    if (script->tasks.count + count > TASKS_MAX) {
        return err_set(err, ERR_INPUT, "%s: more than %d functions run in parallel", script->scenario->file, TASKS_MAX);
    }
    for (lua_Unsigned i = 1; i <= count; i++) {
        struct task *child = add_task(script, (int)index);
        lua_rawgeti(from, -1, (lua_Integer)i);
        lua_xmove(from, child->thread, 1);
        child->arguments = 0;
    }
    script->tasks.items[index].children = (int)count;
    script->tasks.items[index].state = TASK_PARENT;
    lua_settop(from, 0);
    return 0;
}

/* stack of the task: the yielded request */
static int take_request(struct script *script, size_t index, struct script_request *ret_request, struct err *err)
{
    struct task *task = &script->tasks.items[index];
    lua_State *lua = task->thread;
    lua_getfield(lua, 1, "verb");
    (void)str_copy(ret_request->verb, sizeof(ret_request->verb), lua_tostring(lua, -1) ?: "");
    lua_getfield(lua, 1, "line");
    ret_request->line = (int)lua_tointeger(lua, -1);
    if (str_eq(ret_request->verb, "parallel")) {
        lua_getfield(lua, 1, "tasks");
        return begin_parallel(script, index, err);
    }
    lua_getfield(lua, 1, "args");
    node_free(TAKE(task->args));
    task->args = convert_to_node(lua, -1, script->scenario->file, script->source, ret_request->line, err);
    lua_settop(lua, 0);
    if (!task->args) {
        return -(int)err->code;
    }
    task->state = TASK_ASKED;
    ret_request->task = (int)index;
    ret_request->args = task->args;
    return SCRIPT_REQUEST;
}

static void push_answer(struct task *task, const json_t *value, const char *error)
{
    lua_newtable(task->thread);
    convert_push_json(task->thread, value);
    lua_setfield(task->thread, -2, "value");
    if (error) {
        lua_pushstring(task->thread, error);
        lua_setfield(task->thread, -2, "error");
    }
    task->arguments = 1;
    task->state = TASK_READY;
}

static void finish_task(struct script *script, struct task *task)
{
    int parent = task->parent;
    end_task(script, task);
    if (parent >= 0 && --script->tasks.items[parent].children == 0) {
        push_answer(&script->tasks.items[parent], NULL, NULL);
    }
}

/* Resume one task: 0 when it ended or became a parent, SCRIPT_REQUEST when it asks. */
static int resume(struct script *script, size_t index, struct script_request *ret_request, struct err *err)
{
    struct task *task = &script->tasks.items[index];
    int results = 0;
    sandbox_refill(script->sandbox, task->thread);
    int status = lua_resume(task->thread, sandbox_lua(script->sandbox), task->arguments, &results);
    sandbox_rest(script->sandbox);
    if (status == LUA_YIELD) {
        return take_request(script, index, ret_request, err);
    }
    if (status != LUA_OK) {
        return lua_failure(script, task->thread, err);
    }
    finish_task(script, task);
    return 0;
}

int script_next(struct script *script, struct script_request *ret_request, struct err *err)
{
    bool progress = true, waiting = false;
    while (progress) {
        progress = waiting = false;
        for (size_t i = 0; i < script->tasks.count; i++) {
            waiting |= script->tasks.items[i].state == TASK_ASKED;
            if (script->tasks.items[i].state != TASK_READY) {
                continue;
            }
            int status = resume(script, i, ret_request, err);
            if (status != 0) {
                return status;
            }
            progress = true;
        }
    }
    return waiting ? SCRIPT_WAITING : SCRIPT_DONE;
}

void script_answer(struct script *script, int task, json_t *value, const char *error)
{
    AUTO_JSON json_t *owned = value;
    if (task >= 0 && (size_t)task < script->tasks.count && script->tasks.items[task].state == TASK_ASKED) {
        push_answer(&script->tasks.items[task], owned, error);
    }
}
