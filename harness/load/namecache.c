/* A client's DNS cache for one name. */
#include "harness/load/namecache.h"

#include <arpa/inet.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { SET_TEXT_BYTES = RESOLVER_ADDRESSES_MAX * 16 };

struct namecache {
    struct resolver *resolver;
    char *name;
    struct namecache_watch watch;
    uint64_t random;
    struct resolver_answer answer; /* the newest good one */
    int64_t fresh_until_ns;        /* INT64_MAX for a literal address */
    char set[SET_TEXT_BYTES];      /* as last told */
    bool asking, failed;           /* failed: the newest query did */
};

struct namecache *namecache_new(struct resolver *resolver, const char *name, uint64_t seed, const struct namecache_watch *watch)
{
    struct namecache *cache = xcalloc(1, sizeof(*cache));
    struct in_addr literal;
    cache->resolver = resolver;
    cache->name = xstrdup(name);
    cache->watch = *watch;
    cache->random = seed * 0x9e3779b97f4a7c15u + 1;
    if (inet_pton(AF_INET, name, &literal) == 1) {
        cache->answer.addresses[0] = literal.s_addr;
        cache->answer.count = 1;
        cache->fresh_until_ns = INT64_MAX;
    }
    return cache;
}

void namecache_free(struct namecache *cache)
{
    if (cache) {
        free(cache->name);
        free(cache);
    }
}

static uint32_t pick(struct namecache *cache)
{
    if (cache->answer.count == 0) {
        return 0;
    }
    cache->random = cache->random * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return cache->answer.addresses[(cache->random >> 33) % cache->answer.count];
}

static int compare_addresses(const void *a, const void *b)
{
    uint32_t left = ntohl(*(const uint32_t *)a), right = ntohl(*(const uint32_t *)b);
    return left < right ? -1 : left > right;
}

/* Sorted, so that a server that rotates its answers does not look like a change. */
static void describe(const struct resolver_answer *answer, char out[static SET_TEXT_BYTES])
{
    uint32_t sorted[RESOLVER_ADDRESSES_MAX];
    char one[16];
    size_t size = 0;
    memcpy(sorted, answer->addresses, sizeof(sorted));
    qsort(sorted, answer->count, sizeof(sorted[0]), compare_addresses);
    (void)str_copy(out, SET_TEXT_BYTES, "none");
    for (size_t i = 0; i < answer->count; i++) {
        (void)str_format(out + size, SET_TEXT_BYTES - size, "%s%s", i ? "," : "", resolver_format(sorted[i], one));
        size += strlen(out + size);
    }
}

/* A server that is silent or broken does not change the answer, a name without addresses does. */
static void on_answer(void *context, const struct resolver_answer *answer)
{
    struct namecache *cache = context;
    char set[SET_TEXT_BYTES];
    cache->asking = false;
    cache->failed = answer->failed;
    if (!answer->failed || answer->no_address) {
        cache->answer = *answer;
        cache->fresh_until_ns = answer->answered_ns + answer->ttl_ns;
        describe(answer, set);
        if (!str_eq(set, cache->set)) {
            cache->watch.changed(cache->watch.context, cache->name, cache->set, set, answer->answered_ns);
            (void)str_copy(cache->set, sizeof(cache->set), set);
        }
    }
    cache->watch.settled(cache->watch.context, cache, answer->failed && !answer->timed_out);
}

void namecache_ask(struct namecache *cache)
{
    if (!cache->asking && cache->fresh_until_ns != INT64_MAX) {
        cache->asking = true;
        resolver_query(cache->resolver, cache->name, on_answer, cache);
    }
}

uint32_t namecache_get(struct namecache *cache, int64_t now_ns)
{
    if (cache->answer.count && now_ns < cache->fresh_until_ns) {
        return pick(cache);
    }
    namecache_ask(cache);
    return 0;
}

uint32_t namecache_latest(struct namecache *cache)
{
    return cache->failed ? 0 : pick(cache);
}
