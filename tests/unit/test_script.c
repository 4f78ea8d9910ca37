/* A scenario's Lua: what it cannot do, what it may use up, and how its steps, tasks and handles pass over the wall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/script/script.h"

#include <string.h>
#include <unistd.h>

enum { STEPS_MAX = 100, HANG_LIMIT_S = 60 };

static char folder[] = "/tmp/test-script-XXXXXX";
static char *file;

static int make_folder(void **state)
{
    (void)state;
    alarm(HANG_LIMIT_S); /* an endless loop that nothing stops must not stop the tests */
    file = mkdtemp(folder) ? xasprintf("%s/s.lua", folder) : NULL;
    return file ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct err err;
    (void)state;
    free(file);
    return fd_remove_tree(folder, &err);
}

static void write_text(const char *name, const char *text)
{
    struct err err = {0};
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    assert_int_equal(fd_write_file_atomic(path, text, strlen(text), &err), 0);
}

/* A scenario whose `run` has this body, which begins in line 3. */
static struct script *load_body(const char *body)
{
    struct script *script = NULL;
    struct err err = {0};
    AUTO_FREE char *text = xasprintf(
        "return drill { title = \"t\", topology = \"t.yaml\", objectives = { \"rto <= 1s\" }, params = { who = \"world\" },\n"
        "run = function(d)\n%s\nend }\n",
        body);
    write_text("s.lua", text);
    if (script_load(file, &script, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return script;
}

/* Runs to the end with every step answered at once; what was asked for goes into `asked`, as "wait inject revert ". */
static int run_through(struct script *script, char *asked, size_t size, struct err *err)
{
    struct script_request request = {0};
    size_t used = 0, steps = 0;
    int state = script_start(script, err);
    asked[0] = '\0';
    while (state >= 0 && (state = script_next(script, &request, err)) == SCRIPT_REQUEST) {
        assert_true(steps++ < STEPS_MAX);
        const char *text = node_text(request.args, "text");
        used += (size_t)snprintf(asked + used, size - used, "%s%s%s ", request.verb, text ? ":" : "", text ? text : "");
        assert_true(used < size);
        bool inject = str_eq(request.verb, "inject");
        script_answer(script, request.task, inject ? json_string("f1") : json_true(), NULL);
    }
    return state;
}

static void check_asks(const char *body, const char *wanted)
{
    struct script *script CLEANUP(script_cleanup) = load_body(body);
    struct err err = {0};
    char asked[1024];
    if (run_through(script, asked, sizeof(asked), &err) != SCRIPT_DONE) {
        fail_msg("%s\n%s", body, err.text);
    }
    assert_string_equal(asked, wanted);
}

/* `wanted` is a part of the message; the line is found in it as "s.lua:4: ". */
static void check_fails(const char *body, const char *wanted)
{
    struct script *script CLEANUP(script_cleanup) = load_body(body);
    struct err err = {0};
    char asked[1024];
    int status = run_through(script, asked, sizeof(asked), &err);
    if (status != -ERR_INPUT || !strstr(err.text, wanted)) {
        fail_msg("%s\nexpected: %s\nfound: %d %s", body, wanted, status, err.text);
    }
}

static void steps_are_asked_in_order(void **state)
{
    (void)state;
    check_asks("d:steady '5s' d:wait '1s' local f = d:inject(fault.kill { host = 'a' }) d:await_recovery() d:await_change { "
               "observer = 'x' } f:revert() f:revert()\n"
               "d:read_back() d:note('hello ' .. d.params.who)",
               "steady wait inject await_recovery await_change revert read_back note:hello world ");
    check_asks("", "");
}

static void answers_reach_the_scenario(void **state)
{
    struct script *script CLEANUP(script_cleanup) =
        load_body("if not d:await_recovery { within = '7s' } then d:note 'late' end\nd:note(tostring(d:read_back()))");
    struct script_request request = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(script_start(script, &err), 0);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    assert_string_equal(request.verb, "await_recovery");
    assert_string_equal(node_text(request.args, "within"), "7s");
    assert_int_equal(request.line, 3);
    assert_int_equal(node_get(request.args, "within")->line, 3);
    assert_int_equal(node_get(request.args, "within")->column, 27);
    script_answer(script, request.task, json_false(), NULL);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    assert_string_equal(node_text(request.args, "text"), "late");
    script_answer(script, request.task, NULL, NULL);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_WAITING); /* not answered yet */
    script_answer(script, request.task, json_true(), NULL);
    script_answer(script, request.task, json_false(), NULL); /* one answer a request */
    script_answer(script, 99, json_true(), NULL);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    assert_string_equal(node_text(request.args, "text"), "true");
    script_answer(script, request.task, NULL, NULL);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_DONE);
}

static void an_error_is_raised_at_its_step(void **state)
{
    struct script *script CLEANUP(script_cleanup) =
        load_body("local ok, text = pcall(d.wait, d, '1s')\nd:note(text)\nd:wait '2s'");
    struct script_request request = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(script_start(script, &err), 0);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    script_answer(script, request.task, NULL, "first failure");
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    assert_string_equal(node_text(request.args, "text"), "first failure");
    script_answer(script, request.task, NULL, NULL);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    script_answer(script, request.task, NULL, "second failure");
    assert_int_equal(script_next(script, &request, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "second failure"));
}

static void handles_revert_when_they_are_closed(void **state)
{
    (void)state;
    check_asks("do local f <close> = d:inject(fault.kill { host = 'a' }) d:note 'in' end d:note 'after'",
               "inject note:in revert note:after ");
    check_asks("do local f <close> = d:inject(fault.kill { host = 'a' }) f:revert() end", "inject revert ");
    check_asks("pcall(function() local f <close> = d:inject(fault.kill { host = 'a' }) error 'x' end) d:note 'caught'",
               "inject revert note:caught ");
}

/* Its handles are not closed any more: the engine reverts what is in force. */
static void a_failing_scenario_asks_nothing_more(void **state)
{
    struct script *script CLEANUP(script_cleanup) = load_body("local f <close> = d:inject(fault.kill { host = 'a' })\nerror 'x'");
    struct err err = {0};
    char asked[200];
    (void)state;
    assert_int_equal(run_through(script, asked, sizeof(asked), &err), -ERR_INPUT);
    assert_string_equal(asked, "inject ");
    assert_non_null(strstr(err.text, "s.lua:4: x"));
}

static void tasks_run_side_by_side(void **state)
{
    (void)state;
    check_asks("d:parallel { function() d:note 'a1' d:note 'a2' end, function() d:note 'b1' end } d:note 'end'",
               "note:a1 note:a2 note:b1 note:end ");
    check_asks("d:parallel { function() d:parallel { function() d:note 'inner' end } d:note 'middle' end } d:note 'outer'",
               "note:inner note:middle note:outer ");
    check_asks("d:parallel { function() end }", "");
    check_fails("d:parallel { function() d:wait '1s' end, function() error 'in a task' end }", "s.lua:3: in a task");
    check_fails("d:parallel {}", "s.lua:3: d:parallel: expected a list of functions");
    check_fails("d:parallel { 1 }", "expected a list of functions, found a number");
    check_fails("local f = {} for i = 1, 70 do f[i] = function() end end\nd:parallel(f)", "more than 64 functions");
}

static void one_slow_task_does_not_hold_another(void **state)
{
    struct script *script CLEANUP(script_cleanup) =
        load_body("d:parallel { function() d:wait '9s' end, function() d:note 'x' d:note 'y' end } d:note 'z'");
    struct script_request slow = {0}, request = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(script_start(script, &err), 0);
    assert_int_equal(script_next(script, &slow, &err), SCRIPT_REQUEST);
    assert_string_equal(slow.verb, "wait");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
        assert_int_not_equal(request.task, slow.task);
        script_answer(script, request.task, NULL, NULL);
    }
    assert_int_equal(script_next(script, &request, &err), SCRIPT_WAITING);
    script_answer(script, slow.task, NULL, NULL);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    assert_string_equal(node_text(request.args, "text"), "z");
}

static void nothing_dangerous_is_there(void **state)
{
    static const char *const names[] = {"io",      "os",        "load",  "loadstring", "loadfile",       "dofile",     "debug",
                                        "package", "coroutine", "print", "warn",       "collectgarbage", "string.dump"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *body = xasprintf("assert(%s == nil and _G.%s == nil)", names[i], names[i]);
        check_asks(body, "");
    }
    check_asks("assert(math.sin and string.format and table.concat and utf8.char and pcall and select)", "");
    check_asks("assert(getmetatable('').__index == string)", "");
}

static void steps_that_make_no_sense(void **state)
{
    (void)state;
    check_fails("\nd:sleep '1s'", "s.lua:4: there is no step d:sleep; steps are: ");
    check_fails("d:wait(5)", "s.lua:3: d:wait: expected a duration such as \"10s\", found number");
    check_fails("d:steady()", "s.lua:3: d:steady: expected a duration");
    check_fails("d:inject { region = 'x' }", "s.lua:3: d:inject: expected a fault such as");
    check_fails("d:inject(fault.kill 'a')", "s.lua:3: fault.kill: expected options in braces");
    check_fails("d:await_change 'dns'", "s.lua:3: d:await_change: expected { observer");
    check_fails("d:await_recovery '60s'", "s.lua:3: d:await_recovery: expected");
    check_fails("fault.own = function() end", "s.lua:3: faults cannot be defined");
    check_fails("d:await_recovery { within = print }\nd:await_recovery { within = function() end }", "s.lua:");
    check_fails("local t = {} t.t = t d:inject(fault.kill(t))", "nested more than 12 deep");
    check_fails("local x = nil + 1", "s.lua:3: attempt to perform arithmetic");
    check_fails("error({})", "s.lua: an error that is not a text");
}

static void endless_loops_end(void **state)
{
    static const char message[] = "ran 50 million instructions without taking a step";
    (void)state;
    check_fails("\nwhile true do end", "s.lua:4: ran 50 million");
    check_fails("while true do pcall(function() while true do end end) end", message);
    check_fails("repeat local ok = pcall(error) until false", message);
    check_fails("local function again() return xpcall(again, again) end while true do again() end", message);
    check_fails("local s <close> = setmetatable({}, { __close = function() while true do end end }) d:wait '1s'", message);
    check_fails("d:parallel { function() while true do end end }", message);
}

/* The budget is a step's, not the scenario's. */
static void each_step_has_a_budget_of_its_own(void **state)
{
    (void)state;
    check_asks("for i = 1, 3 do for j = 1, 12e6 do end d:note(i) end", "note:1 note:2 note:3 ");
}

static void finalizers_are_refused(void **state)
{
    (void)state;
    check_fails("setmetatable({}, { __gc = function() while true do end end })", "s.lua:3: ");
    check_fails("getmetatable(fault.kill {}).__gc = function() while true do end end\nlocal f = fault.kill {}", "__gc");
    check_asks("local t = setmetatable({}, { __index = function(_, k) return k end }) d:note(t.a)", "note:a ");
    check_asks("local t = setmetatable({}, nil) d:note(tostring(getmetatable(t)))", "note:nil ");
}

static void memory_is_limited(void **state)
{
    (void)state;
    check_fails("local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end", "not enough memory");
    check_fails("return ('x'):rep(1e9)", "not enough memory");
}

/* A scenario that has used up its memory and goes on must not take drill down with it. */
static void full_memory_does_not_end_drill(void **state)
{
    struct script *script CLEANUP(script_cleanup) =
        load_body("local t = {}\n"
                  "for size = 6, 0, -1 do\n"
                  "  pcall(function() while true do t[#t + 1] = ('x'):rep(10 ^ size // 1 | 0) .. #t end end)\n"
                  "end\n"
                  "local l = nil pcall(function() while true do l = { l } end end)\n"
                  "while true do d:await_recovery() end");
    struct script_request request = {0};
    struct err err = {0};
    (void)state;
    int status = script_start(script, &err);
    for (int i = 0; status >= 0 && i < 10; i++) {
        status = script_next(script, &request, &err);
        if (status == SCRIPT_REQUEST) {
            script_answer(script, request.task, json_true(), NULL);
        }
    }
    assert_true(status < 0 || status == SCRIPT_REQUEST);
}

static int load_text(const char *text, struct err *err)
{
    struct script *script CLEANUP(script_cleanup) = NULL;
    write_text("s.lua", text);
    int status = script_load(file, &script, err);
    return status == 0 ? script_start(script, err) : status;
}

static void odd_files_are_refused(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", "s.lua: expected the file to end in: return drill"},
        {"return 5", "it returned something else"},
        {"return {}", "it returned no drill"},
        {"return setmetatable({}, { __index = function() error 'x' end })", "it returned no drill"},
        {"return { is_drill = true }", "a drill needs 'run'"},
        {"return { is_drill = true, declared = 'x' }", "a drill needs 'run'"},
        {"return drill { title = 't' }", "s.lua:1: a drill needs 'run'"},
        {"return drill(5)", "drill: expected a table"},
        {"return drill {\n title = = 1 }", "s.lua:2: unexpected symbol near '='"},
        {"\033Lua", "attempt to load a binary chunk"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        if (load_text(cases[i].text, &err) != -ERR_INPUT || !strstr(err.text, cases[i].wanted)) {
            fail_msg("%s\nexpected: %s\nfound: %s", cases[i].text, cases[i].wanted, err.text);
        }
    }
}

/* Loaded with all memory in use: what is ours still works. */
static void full_memory_at_load(void **state)
{
    struct err err = {0};
    (void)state;
    int status =
        load_text("local function fill() while true do list = { list } end end\n"
                  "local declared = drill { title = 't', topology = 'x', objectives = { 'rto <= 1s' }, run = function() end }\n"
                  "for i = 1, 3 do pcall(fill) end\n"
                  "return declared",
                  &err);
    if (status < 0) {
        fail_msg("%s", err.text);
    }
}

static void modules_come_from_the_folder_only(void **state)
{
    struct err err = {0};
    AUTO_FREE char *inner = xasprintf("%s/inner", folder);
    (void)state;
    assert_int_equal(fd_make_dirs(inner, 0755, &err), 0);
    write_text("steps.lua", "count = (count or 0) + 1\nreturn { say = function(d, text) d:note(text) end, count = count }");
    write_text("broken.lua", "return {\n  a = = 1 }");
    write_text("binary.lua", "\033Lua");
    write_text("inner/other.lua", "return 1");
    check_asks("require('steps').say(d, 'from a module') d:note(require('steps').count)", "note:from a module note:1 ");
    check_fails("require 'missing'", "require 'missing': cannot open ");
    check_fails("require 'broken'", "broken.lua:2: unexpected symbol near '='");
    check_fails("require 'binary'", "attempt to load a binary chunk");
    check_fails("require 'inner/other'", "without path");
    check_fails("require '../x'", "without path");
    check_fails("require '/etc/passwd'", "without path");
    check_fails("require ''", "without path");
}

static void each_start_is_fresh(void **state)
{
    struct script *script CLEANUP(script_cleanup) =
        load_body("seen = (seen or 0) + 1 local f <close> = d:inject(fault.kill {}) d:note(seen)");
    struct script_request request = {0};
    struct err err = {0};
    char asked[200];
    (void)state;
    assert_int_equal(script_start(script, &err), 0);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST);
    script_answer(script, request.task, json_string("f1"), NULL);
    assert_int_equal(script_next(script, &request, &err), SCRIPT_REQUEST); /* left here with an open handle */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_through(script, asked, sizeof(asked), &err), SCRIPT_DONE);
        assert_string_equal(asked, "inject note:1 revert ");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_asked_in_order),
        cmocka_unit_test(answers_reach_the_scenario),
        cmocka_unit_test(an_error_is_raised_at_its_step),
        cmocka_unit_test(handles_revert_when_they_are_closed),
        cmocka_unit_test(a_failing_scenario_asks_nothing_more),
        cmocka_unit_test(tasks_run_side_by_side),
        cmocka_unit_test(one_slow_task_does_not_hold_another),
        cmocka_unit_test(nothing_dangerous_is_there),
        cmocka_unit_test(steps_that_make_no_sense),
        cmocka_unit_test(endless_loops_end),
        cmocka_unit_test(each_step_has_a_budget_of_its_own),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(modules_come_from_the_folder_only),
        cmocka_unit_test(each_start_is_fresh),
        cmocka_unit_test(finalizers_are_refused),
        cmocka_unit_test(odd_files_are_refused),
        cmocka_unit_test(full_memory_at_load),
        cmocka_unit_test(full_memory_does_not_end_drill),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
