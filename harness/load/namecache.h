/* A client's DNS cache for one name: keeps the answer for its TTL, asks again when someone needs it, takes a seeded random address of
 * an answer and never falls back to another, and tells when the answer has changed. */
#ifndef DRILL_LOAD_NAMECACHE_H
#define DRILL_LOAD_NAMECACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/load/resolver.h"

struct namecache;

struct namecache_watch {
    /* The set of addresses is another one: "10.1.0.11,10.1.0.12" sorted, or "none". A first answer comes from "". */
    void (*changed)(void *context, const char *name, const char *from, const char *to, int64_t t_ns);
    /* A query has ended: who waits can look again with namecache_latest. `refused`: waiting longer is no use. */
    void (*settled)(void *context, struct namecache *cache, bool refused);
    void *context;
};

/* A literal address is its own answer for ever. `resolver` is borrowed and must not be processed after the cache is freed. */
struct namecache *namecache_new(struct resolver *resolver, const char *name, uint64_t seed, const struct namecache_watch *watch);
void namecache_free(struct namecache *cache); /* accepts NULL */

/* An address to use now, or 0 when none is fresh; then a query is under way. */
uint32_t namecache_get(struct namecache *cache, int64_t now_ns);
/* An address of the newest answer even if its TTL is 0, for those who waited for it: from within `settled` only. 0: it failed. */
uint32_t namecache_latest(struct namecache *cache);
/* Ask again if nothing is under way: for those who still wait after a query that timed out. */
void namecache_ask(struct namecache *cache);

#endif
