/* A scenario's Lua, behind a wall: loaded in a sandbox, advanced step by step. The engine sees requests and gives answers; it
 * never sees Lua. Errors carry file:line and, where the word can be found in the source, the column. */
#ifndef DRILL_SCRIPT_SCRIPT_H
#define DRILL_SCRIPT_SCRIPT_H

#include "harness/base/json.h"
#include "harness/script/scenario.h"

struct script;

enum script_state {
    SCRIPT_NONE = 0,
    SCRIPT_REQUEST, /* *ret_request was filled and waits for script_answer */
    SCRIPT_WAITING, /* every task waits for an answer */
    SCRIPT_DONE,    /* the scenario has ended */
};

struct script_request {
    int task;      /* give it back with the answer */
    char verb[32]; /* steady wait inject revert await_recovery await_change await_note drift read_back read_stores note */
    const struct node *args; /* a map; borrowed until the answer is given */
    int line;
};

/* Read the file and its declarations. Nothing of `run` is executed. */
int script_load(const char *file, struct script **ret_script, struct err *err) MUST_CHECK;
void script_free(struct script *script); /* accepts NULL; pending <close> variables are closed */
DEFINE_CLEANUP(struct script *, script, script_free)
struct scenario *script_scenario(struct script *script); /* borrowed; --set may change it before script_start */

/* Begin `run` from its first line. May be called again: each start is a fresh run of the file. */
int script_start(struct script *script, struct err *err) MUST_CHECK;
/* Advance every task that can run. Gives a script_state, or an error when the scenario failed. */
int script_next(struct script *script, struct script_request *ret_request, struct err *err) MUST_CHECK;
/* Answer a request: `value` (taken, may be NULL) or, when `error` is not NULL, an error raised at the step. */
void script_answer(struct script *script, int task, json_t *value, const char *error);

#endif
