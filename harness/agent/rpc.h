/* The agent's end of the line: JSON-RPC 2.0 requests in, answers and notifications out, one message a line, never blocking. */
#ifndef DRILL_AGENT_RPC_H
#define DRILL_AGENT_RPC_H

#include "harness/agent/loop.h"
#include "harness/base/json.h"

struct rpc;
struct call; /* a request that is not answered yet; owned by its rpc, gone with its answer */

enum { RPC_LATER = 1 };
/* 0 with *ret_result (new reference; NULL stands for {}), a negative error, or RPC_LATER: `call` will be answered. */
typedef int rpc_handler(void *context, const json_t *params, struct call *call, json_t **ret_result, struct err *err);
struct rpc_method {
    const char *name;
    rpc_handler *f;
};

/* The descriptors become non-blocking and stay the caller's, as do `methods` (`count` of them). */
int rpc_new(struct loop *loop, int in_fd, int out_fd, const struct rpc_method *methods, size_t count, void *context,
            struct rpc **ret_rpc, struct err *err) MUST_CHECK;
void rpc_free(struct rpc *rpc); /* accepts NULL; calls that are open are dropped */
void call_answer(struct call *call, json_t *result); /* takes result; NULL stands for {} */
void call_fail(struct call *call, const struct err *error);
void rpc_notify(struct rpc *rpc, const char *method, json_t *params); /* takes params */
/* Notification "event": takes `fields` (NULL: none), adds `kind`, and `t_ns` of now unless it is there. */
void rpc_event(struct rpc *rpc, const char *kind, json_t *fields);
bool rpc_closed(const struct rpc *rpc);      /* the other side went away or cannot be understood any more */
int64_t rpc_heard_ns(const struct rpc *rpc); /* when something came in last, CLOCK_MONOTONIC */
/* Wait until all is written, the other side is gone, or `until_ns`. */
void rpc_drain(struct rpc *rpc, int64_t until_ns);

#endif
