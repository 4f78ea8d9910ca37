/* A stand-in for a gateway: a small server in the agent that connections are redirected to. It looks at the first request of each:
 * health checks it answers itself, all else it answers, ignores, breaks off or carries on to where the connection was meant to go. */
#ifndef DRILL_FAULTS_GATEWAY_STANDIN_H
#define DRILL_FAULTS_GATEWAY_STANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

enum standin_rest { STANDIN_ANSWER = 0, STANDIN_SILENCE, STANDIN_BREAK, STANDIN_CARRY };

struct standin_request {
    const char *path;       /* what checks ask for, without a query: "/healthz"; copied */
    const char *id;         /* said in answers, so that a probe knows whom it met; copied */
    int check_status;       /* HTTP status for checks: 200 */
    enum standin_rest rest; /* what becomes of everything else */
    int rest_status;        /* STANDIN_ANSWER: its HTTP status */
    uint32_t mark;          /* of the packets of connections that are carried on: no redirection may hit them */
};

enum standin_kind { STANDIN_UNDECIDED = 0, STANDIN_CHECK, STANDIN_OTHER };
/* What the first `size` bytes of a connection are; undecided when more bytes could make it a check. Pure. */
enum standin_kind standin_classify(const char *data, size_t size, const char *path);

struct standin;

/* Listen on a free port of every IPv4 address of this place and serve in a thread. */
int standin_start(const struct standin_request *request, struct standin **ret_standin, struct err *err) MUST_CHECK;
uint16_t standin_port(const struct standin *standin);
/* Once no more connections are redirected: let carried requests come to their end, with a "Connection: close" in the answers of HTTP/1
 * (within a second, and with nothing to carry for 0.3 s), end. Accepts NULL; allocates nothing. */
void standin_stop(struct standin *standin);

#endif
