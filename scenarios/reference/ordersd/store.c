/* The database servers: watching, and idle connections. */
#include "scenarios/reference/ordersd/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IDLE_MAX = 32, WRITES_MAX = 64 };
static const int64_t ms = 1000000;
static const int64_t watch_interval_ms = 200, watch_timeout_ms = 500, stale_ms = 900;

struct store {
    char *host;
    pthread_t watcher;
    _Atomic int role;
    _Atomic unsigned long timeline;
    _Atomic int64_t seen_ns; /* when role was true */
    _Atomic int writes;      /* begun, not ended */
    _Atomic bool suspect;    /* the last write was not answered */
    pthread_mutex_t mutex;   /* guards the two below */
    PGconn *idle[IDLE_MAX];
    size_t idle_count;
};

/* The timeline of a primary, nothing of a standby. */
static const char watch_sql[] =
    "select case when pg_is_in_recovery() then '' else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end";

static void drop_idle(struct store *store)
{
    PGconn *dropped[IDLE_MAX];
    pthread_mutex_lock(&store->mutex);
    size_t count = store->idle_count;
    memcpy(dropped, store->idle, count * sizeof(*dropped));
    store->idle_count = 0;
    pthread_mutex_unlock(&store->mutex);
    for (size_t i = 0; i < count; i++) {
        PQfinish(dropped[i]);
    }
}

/* One look over `conn`, which is opened when it is NULL; gives what to use next time. */
static PGconn *look(struct store *store, PGconn *conn)
{
    int64_t asked_ns = now_ns();
    int64_t deadline_ns = asked_ns + watch_timeout_ms * ms;
    conn = conn ? conn : pg_open(store->host, deadline_ns);
    PGresult *result = conn ? pg_query(conn, watch_sql, 0, NULL, deadline_ns) : NULL;
    if (!result || PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        PQclear(result);
        PQfinish(conn);
        if (atomic_exchange(&store->role, STORE_UNKNOWN) != STORE_UNKNOWN) {
            drop_idle(store);
        }
        return NULL;
    }
    const char *timeline = PQgetvalue(result, 0, 0);
    atomic_store(&store->timeline, strtoul(timeline, NULL, 16));
    atomic_store(&store->seen_ns, asked_ns);
    atomic_store(&store->role, *timeline ? STORE_PRIMARY : STORE_STANDBY);
    PQclear(result);
    return conn;
}

static void *watch(void *argument)
{
    struct store *store = argument;
    PGconn *conn = NULL;
    for (int64_t next_ns = now_ns();;) {
        conn = look(store, conn);
        int64_t now = now_ns();
        next_ns += watch_interval_ms * ms;
        next_ns = next_ns < now ? now + watch_interval_ms * ms : next_ns;
        struct timespec until = {.tv_sec = next_ns / 1000000000, .tv_nsec = next_ns % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    return NULL;
}

struct store *store_new(const char *host)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store || !(store->host = strdup(host))) {
        free(store);
        return NULL;
    }
    pthread_mutex_init(&store->mutex, NULL);
    if (pthread_create(&store->watcher, NULL, watch, store) != 0) {
        pthread_mutex_destroy(&store->mutex);
        free(store->host);
        free(store);
        return NULL;
    }
    return store;
}

const char *store_host(const struct store *store)
{
    return store->host;
}

enum store_role store_role(const struct store *store)
{
    bool fresh = now_ns() - atomic_load(&store->seen_ns) < stale_ms * ms;
    return fresh ? (enum store_role)atomic_load(&store->role) : STORE_UNKNOWN;
}

struct store *store_primary(struct store *const *stores, size_t count)
{
    struct store *primary = NULL;
    for (size_t i = 0; i < count; i++) {
        if (store_role(stores[i]) == STORE_PRIMARY &&
            (!primary || atomic_load(&stores[i]->timeline) > atomic_load(&primary->timeline))) {
            primary = stores[i];
        }
    }
    return primary;
}

PGconn *store_take(struct store *store, int64_t deadline_ns)
{
    PGconn *conn = NULL;
    pthread_mutex_lock(&store->mutex);
    if (store->idle_count > 0) {
        conn = store->idle[--store->idle_count];
    }
    pthread_mutex_unlock(&store->mutex);
    return conn ? conn : pg_open(store->host, deadline_ns);
}

void store_give(struct store *store, PGconn *conn, bool good)
{
    if (good) {
        pthread_mutex_lock(&store->mutex);
        if (store->idle_count < IDLE_MAX) {
            store->idle[store->idle_count++] = conn;
            conn = NULL;
        }
        pthread_mutex_unlock(&store->mutex);
    } else {
        drop_idle(store); /* what stood before the failure is most likely dead too */
    }
    PQfinish(conn);
}

bool store_write_begin(struct store *store)
{
    int limit = atomic_load(&store->suspect) ? 1 : WRITES_MAX;
    int writes = atomic_load(&store->writes);
    while (writes < limit) { /* one that is refused is never counted: many that ask would keep each other out */
        if (atomic_compare_exchange_weak(&store->writes, &writes, writes + 1)) {
            return true;
        }
    }
    return false;
}

void store_write_end(struct store *store, bool answered)
{
    atomic_store(&store->suspect, !answered);
    atomic_fetch_sub(&store->writes, 1);
}
