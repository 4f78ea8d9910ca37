/* PostgreSQL with deadlines. */
#include "scenarios/reference/ordersd/pg.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Whether the socket became ready in time. */
static bool wait_for(PGconn *conn, short events, int64_t deadline_ns)
{
    for (;;) {
        struct pollfd ready = {.fd = PQsocket(conn), .events = events};
        int64_t left_ns = deadline_ns - now_ns();
        if (ready.fd < 0 || left_ns <= 0) {
            return false;
        }
        struct timespec timeout = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
        int count = ppoll(&ready, 1, &timeout, NULL);
        if (count > 0) {
            return true;
        }
        if (count == 0 || errno != EINTR) {
            return false;
        }
    }
}

static bool finish_connecting(PGconn *conn, int64_t deadline_ns)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED || !wait_for(conn, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ns)) {
            return false;
        }
        status = PQconnectPoll(conn);
    }
    return PQsetnonblocking(conn, 1) == 0;
}

PGconn *pg_open(const char *host, int64_t deadline_ns)
{
    /* tcp_user_timeout (ms): the kernel gives up a connection whose peer has vanished with data in flight. */
    static const char *const names[] = {"hostaddr",
                                        "port",
                                        "user",
                                        "dbname",
                                        "application_name",
                                        "sslmode",
                                        "gssencmode",
                                        "keepalives",
                                        "tcp_user_timeout",
                                        "keepalives_idle",
                                        "options",
                                        "client_encoding",
                                        NULL};
    const char *const values[] = {host, "5432", "app", "postgres", "ordersd", "disable", "disable",
                                  "1",  "1000", "2",   "",         "UTF8",    NULL};
    PGconn *conn = PQconnectStartParams(names, values, 0);
    if (conn && (PQstatus(conn) == CONNECTION_BAD || !finish_connecting(conn, deadline_ns))) {
        PQfinish(conn);
        return NULL;
    }
    return conn;
}

static bool send_all(PGconn *conn, int64_t deadline_ns)
{
    int left;
    while ((left = PQflush(conn)) > 0) {
        if (!wait_for(conn, POLLIN | POLLOUT, deadline_ns) || !PQconsumeInput(conn)) {
            return false;
        }
    }
    return left == 0;
}

static bool receive(PGconn *conn, int64_t deadline_ns)
{
    while (PQisBusy(conn)) {
        if (!wait_for(conn, POLLIN, deadline_ns) || !PQconsumeInput(conn)) {
            return false;
        }
    }
    return true;
}

PGresult *pg_query(PGconn *conn, const char *sql, int count, const char *const *values, int64_t deadline_ns)
{
    if (!PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0) || !send_all(conn, deadline_ns) ||
        !receive(conn, deadline_ns)) {
        return NULL;
    }
    PGresult *result = PQgetResult(conn);
    /* The end of the statement is a result of its own; without it the connection cannot take the next one. */
    PGresult *end = result && receive(conn, deadline_ns) ? PQgetResult(conn) : result;
    if (end || PQstatus(conn) != CONNECTION_OK) {
        PQclear(result);
        if (end != result) {
            PQclear(end);
        }
        return NULL;
    }
    return result;
}
