/* Asking one DNS server (or the system's) for IPv4 addresses with their TTLs, without blocking: c-ares behind one descriptor that
 * any event loop can hold. No cache here: namecache.h has one for the load's clients. One thread at a time. */
#ifndef DRILL_LOAD_RESOLVER_H
#define DRILL_LOAD_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

enum { RESOLVER_ADDRESSES_MAX = 16, RESOLVER_TIMEOUT_MS = 1000 /* a usual timeout of one query */ };

struct resolver_answer {
    int failed;         /* 0: there is at least one address; else the negative code of the DNS library */
    const char *reason; /* when failed, in words: "Timeout while contacting DNS servers"; static */
    int timed_out;      /* failed because nothing came back: asking again may help; other failures are answers */
    int no_address;     /* failed because the server says that there is none (NXDOMAIN, no A record) */
    uint32_t addresses[RESOLVER_ADDRESSES_MAX]; /* network order, in the order of the answer */
    size_t count;
    int64_t ttl_ns;                /* smallest TTL of the answer */
    int64_t asked_ns, answered_ns; /* CLOCK_MONOTONIC */
};

struct resolver;

typedef void (*resolver_done)(void *context, const struct resolver_answer *answer);

/* `server` is "10.9.0.53:53" or NULL for what /etc/resolv.conf and /etc/hosts say. A query that is not answered within timeout_ms
 * fails; it is sent once. */
int resolver_new(const char *server, int timeout_ms, struct resolver **ret_resolver, struct err *err) MUST_CHECK;
/* Accepts NULL. Queries under way end without a call of `done`. */
void resolver_free(struct resolver *resolver);
DEFINE_CLEANUP(struct resolver *, resolver, resolver_free)
#define AUTO_RESOLVER CLEANUP(resolver_cleanup)

/* Ask for `name` (a literal address answers itself). `done` is called exactly once, always from resolver_process, never from
 * here. */
void resolver_query(struct resolver *resolver, const char *name, resolver_done done, void *context);
/* Readable (EPOLLIN) whenever resolver_process has something to do, its own timeouts included: an epoll descriptor, borrowed. */
int resolver_fd(const struct resolver *resolver);
/* Do what is due and deliver answers. Never blocks. `done` may ask again, but must not free the resolver. */
void resolver_process(struct resolver *resolver);

/* "10.1.0.5" into out; "" for 0. */
const char *resolver_format(uint32_t address, char out[static 16]);

#endif
