/* One question to one thing, asynchronously: an HTTP GET, a TCP connect, a DNS query, a program, a file. Checks and observers use it. */
#ifndef DRILL_AGENT_PROBE_H
#define DRILL_AGENT_PROBE_H

#include "harness/agent/loop.h"
#include "harness/base/json.h"

struct probe_answer {
    bool answered;    /* something came back in time */
    int status;       /* HTTP status, exit status; 0 for the others */
    const char *text; /* body, first line of output, addresses "10.1.0.11,10.1.0.12"; why not, when not answered */
};
typedef void probe_f(void *context, const struct probe_answer *answer);
struct probe;

/* Kinds: { type: "http", address, port, path } or { type: "http", url }; { type: "tcp", address, port };
 * { type: "dns", server or address, name }; { type: "exec", argv[] }; { type: "file", argv[0] }.
 * Exactly one answer, from the loop, never from inside this call. The probe frees itself after it. ERR_INPUT for what cannot be asked. */
int probe_start(struct loop *loop, const json_t *what, int64_t timeout_ns, probe_f *f, void *context, struct probe **ret_probe,
                struct err *err) MUST_CHECK;
void probe_cancel(struct probe *probe); /* accepts NULL; no answer will come */

#endif
