/* The API's statements. Each has one deadline for all that it does; with patience it is tried again. */
#include "scenarios/reference/ordersd/orders.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t request_ns = 800 * 1000000LL, all_ns = 4000 * 1000000LL, again_ns = 20 * 1000000LL;

static struct answer say(unsigned status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static struct answer say(unsigned status, const char *fmt, ...)
{
    struct answer answer = {.status = status};
    va_list args;
    va_start(args, fmt);
    int size = vasprintf(&answer.text, fmt, args);
    va_end(args);
    if (size < 0) {
        return (struct answer){.status = 500};
    }
    answer.size = (size_t)size;
    return answer;
}

/* One statement on a connection of `store`; NULL when there is no good answer. */
static PGresult *ask(struct store *store, const char *sql, int count, const char *const *values, int64_t deadline_ns)
{
    PGconn *conn = store_take(store, deadline_ns);
    if (!conn) {
        return NULL;
    }
    PGresult *result = pg_query(conn, sql, count, values, deadline_ns);
    ExecStatusType status = PQresultStatus(result); /* PGRES_FATAL_ERROR for NULL */
    bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    store_give(store, conn, good);
    if (!good) {
        PQclear(result);
        return NULL;
    }
    return result;
}

static struct store *primary_of(const struct backend *backend)
{
    if (backend->writer) {
        return store_role(backend->writer) == STORE_PRIMARY ? backend->writer : NULL;
    }
    return store_primary(backend->stores, backend->store_count);
}

/* A pause, when there is patience for another try behind it. */
static bool wait_again(int64_t until_ns)
{
    bool again = now_ns() + again_ns < until_ns;
    if (again) {
        nanosleep(&(struct timespec){.tv_nsec = again_ns}, NULL);
    }
    return again;
}

enum put_result { PUT_NONE = 0, PUT_ADDED, PUT_THERE, PUT_NO_PRIMARY, PUT_BUSY, PUT_UNANSWERED };

static enum put_result put_once(const struct backend *backend, const char *id, struct store *primary, int64_t deadline_ns)
{
    const char *const values[] = {id, backend->region, backend->node};
    if (!primary) {
        return PUT_NO_PRIMARY;
    }
    if (!store_write_begin(primary)) {
        return PUT_BUSY;
    }
    PGresult *result =
        ask(primary, "insert into orders (id, region, node) values ($1, $2, $3) on conflict do nothing", 3, values, deadline_ns);
    store_write_end(primary, result != NULL);
    bool added = result && strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return !result ? PUT_UNANSWERED : added ? PUT_ADDED : PUT_THERE;
}

static struct answer say_put(enum put_result result, const struct backend *backend, const char *id, const char *host)
{
    switch (result) {
    case PUT_ADDED:
    case PUT_THERE:
        return say(result == PUT_ADDED ? 201 : 200, "%s %s %s\n", id, backend->region, host);
    case PUT_BUSY:
        return say(503, "the primary %s does not keep up\n", host);
    case PUT_UNANSWERED:
        return say(503, "the primary %s did not answer\n", host);
    default:
        return say(503, "no primary is known\n");
    }
}

struct answer orders_put(const struct backend *backend, const char *id)
{
    int64_t until_ns = now_ns() + backend->patience_ns;
    bool perhaps_added = false;
    for (;;) {
        struct store *primary = primary_of(backend);
        enum put_result result = put_once(backend, id, primary, now_ns() + request_ns);
        if (result == PUT_THERE && perhaps_added) {
            result = PUT_ADDED; /* by the try that was not answered */
        }
        if (result == PUT_ADDED || result == PUT_THERE || !wait_again(until_ns)) {
            return say_put(result, backend, id, primary ? store_host(primary) : "");
        }
        perhaps_added |= result == PUT_UNANSWERED;
    }
}

/* From the region's own server, which gets half of the time; from the primary when it does not answer, as while it is being rewound. */
static PGresult *ask_near_once(const struct backend *backend, const char *sql, const char *value)
{
    const char *const values[] = {value};
    int64_t begun_ns = now_ns();
    struct store *primary = primary_of(backend);
    PGresult *result = NULL;
    if (store_role(backend->local) != STORE_UNKNOWN) {
        result = ask(backend->local, sql, 1, values, begun_ns + request_ns / 2);
    }
    if (!result && primary && primary != backend->local) {
        result = ask(primary, sql, 1, values, begun_ns + request_ns);
    }
    return result;
}

static PGresult *ask_near(const struct backend *backend, const char *sql, const char *value)
{
    int64_t until_ns = now_ns() + backend->patience_ns;
    PGresult *result = ask_near_once(backend, sql, value);
    while (!result && wait_again(until_ns)) {
        result = ask_near_once(backend, sql, value);
    }
    return result;
}

struct answer orders_get(const struct backend *backend, const char *id)
{
    PGresult *result = ask_near(backend, "select region, node, at from orders where id = $1", id);
    if (!result) {
        return say(503, "neither the store %s nor a primary answered\n", store_host(backend->local));
    }
    struct answer answer = PQntuples(result) != 1 ? say(404, "there is no order %s\n", id)
                                                  : say(200, "%s %s %s %s\n", id, PQgetvalue(result, 0, 0),
                                                        PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2));
    PQclear(result);
    return answer;
}

/* The first column, one row a line, and with `counted` the line that says how many. */
static struct answer lines(const PGresult *result, bool counted)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return (struct answer){.status = 500};
    }
    int rows = PQntuples(result);
    for (int row = 0; row < rows; row++) {
        fputs(PQgetvalue(result, row, 0), out);
        fputc('\n', out);
    }
    if (counted) {
        fprintf(out, "# %d\n", rows);
    }
    if (fclose(out) != 0) {
        free(text);
        return (struct answer){.status = 500};
    }
    return (struct answer){.status = 200, .text = text, .size = size};
}

struct answer orders_some(const struct backend *backend, long limit)
{
    char text[24];
    snprintf(text, sizeof(text), "%ld", limit);
    PGresult *result = ask_near(backend, "select id from orders order by id desc limit $1::bigint", text);
    if (!result) {
        return say(503, "neither the store %s nor a primary answered\n", store_host(backend->local));
    }
    struct answer answer = lines(result, false);
    PQclear(result);
    return answer;
}

/* A server that was a primary when it was looked at may be none any more: the statement itself says so, with an empty first row. */
struct answer orders_all(const struct backend *backend)
{
    static const char sql[] = "select null where pg_is_in_recovery() union all select id from orders";
    struct store *primary = primary_of(backend);
    PGresult *result = primary ? ask(primary, sql, 0, NULL, now_ns() + all_ns) : NULL;
    if (!result) {
        return say(503, "no primary answered\n");
    }
    bool standby = PQntuples(result) > 0 && PQgetisnull(result, 0, 0);
    struct answer answer = standby ? say(503, "%s is no primary\n", store_host(primary)) : lines(result, true);
    PQclear(result);
    return answer;
}

/* What the region's own server has, whatever its role. */
struct answer orders_here(const struct backend *backend)
{
    PGresult *result = ask(backend->local, "select id from orders", 0, NULL, now_ns() + all_ns);
    if (!result) {
        return say(503, "the store %s did not answer\n", store_host(backend->local));
    }
    struct answer answer = lines(result, true);
    PQclear(result);
    return answer;
}

/* Asked of the server itself, now: what a failover manager says of it may be old, or nothing when it hangs. */
struct answer orders_store(const struct backend *backend)
{
    PGresult *result = ask(backend->local, "select case when pg_is_in_recovery() then 'standby' else 'primary' end", 0, NULL,
                           now_ns() + request_ns);
    if (!result) {
        return say(503, "the store %s did not answer\n", store_host(backend->local));
    }
    struct answer answer = say(200, "{\"role\": \"%s\"}\n", PQgetvalue(result, 0, 0));
    PQclear(result);
    return answer;
}

struct answer orders_ready(const struct backend *backend)
{
    struct store *primary = primary_of(backend);
    if (!primary) {
        return say(503, "no primary is known\n");
    }
    if (store_role(backend->local) == STORE_UNKNOWN) {
        return say(503, "the store %s does not answer\n", store_host(backend->local));
    }
    return say(200, "primary %s\n", store_host(primary));
}
