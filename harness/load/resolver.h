/* A client's DNS resolver (c-ares): one server, asked directly, answers with their TTLs. Lives in any epoll loop: watch
 * resolver_fd for reading, call resolver_process when it is readable or resolver_timeout_ns has come. Not shared between threads.
 */
#ifndef DRILL_LOAD_RESOLVER_H
#define DRILL_LOAD_RESOLVER_H

#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

enum { RESOLVER_ADDRESSES = 8 };

struct resolver_answer {
    uint32_t addresses[RESOLVER_ADDRESSES]; /* IPv4, network order, as answered */
    int count;                              /* 0: none, see reason */
    int64_t ttl_ns;                         /* smallest of them */
    const char *reason;                     /* "timeout", "server failure", …; NULL with addresses */
};

struct resolver;
typedef void resolver_answer_f(void *context, const struct resolver_answer *answer);

/* `server` is "10.9.0.53" or "10.9.0.53:53". One try of timeout_ms a query: whoever wants another asks again. */
int resolver_new(const char *server, int timeout_ms, struct resolver **ret_resolver, struct err *err) MUST_CHECK;
void resolver_free(struct resolver *resolver); /* accepts NULL; queries under way are answered with a reason first */
DEFINE_CLEANUP(struct resolver *, resolver, resolver_free)
/* Ask for the IPv4 addresses of `name`. The answer comes from resolver_process, or at once. */
void resolver_query(struct resolver *resolver, const char *name, resolver_answer_f *answer, void *context);
int resolver_fd(const struct resolver *resolver);
/* When resolver_process has to be called at the latest, CLOCK_MONOTONIC; INT64_MAX when nothing is under way. */
int64_t resolver_timeout_ns(const struct resolver *resolver);
void resolver_process(struct resolver *resolver);

#endif
