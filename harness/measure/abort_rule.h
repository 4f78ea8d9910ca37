/* Rules that stop a drill: "failed > 90% for 30s", "p99 > 800ms from client for 10s". They are asked of the live ledgers once a second.
 *
 *   METRIC > VALUE [from VANTAGE] for DURATION        also >=
 *   failed, not_sent                a percentage of the requests that were due in a second; timed out ones have failed
 *   p50 p95 p99                     a duration: of the requests of a second; a failed one took the deadline
 *   from VANTAGE                    of that vantage alone; without it all vantages together
 *   for DURATION                    every second must exceed the value for so long; a second without a request changes nothing */
#ifndef DRILL_MEASURE_ABORT_RULE_H
#define DRILL_MEASURE_ABORT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"
#include "harness/evidence/ledger.h"

enum abort_metric { ABORT_FAILED = 0, ABORT_NOT_SENT, ABORT_P50, ABORT_P95, ABORT_P99, ABORT_METRIC_COUNT };

struct abort_rule {
    char *text; /* as written */
    enum abort_metric metric;
    bool or_equal;    /* ">=" */
    double limit;     /* percent, or seconds */
    int64_t for_ns;   /* 1 s … 1 h */
    char vantage[64]; /* "": all together */
    /* while it is watched */
    int64_t since_ns; /* start of the first of the seconds in a row that exceed the limit; 0: none */
    double last;      /* what the newest second showed */
};

/* Read one rule. An unknown metric, a wrong or missing unit, no "for" and anything left over is ERR_INPUT, with the nearest name. */
int abort_rule_parse(const char *text, struct abort_rule **ret_rule, struct err *err) MUST_CHECK;
void abort_rule_free(struct abort_rule *rule); /* accepts NULL */
DEFINE_CLEANUP(struct abort_rule *, abort_rule, abort_rule_free)
bool abort_rule_is_latency(const struct abort_rule *rule);

/* Look at the requests due in [from_ns, from_ns + 1 s), controller time, whose deadlines are past. True when the rule says stop. Seconds
 * are given in order, each once. */
bool abort_rule_watch(struct abort_rule *rule, struct ledger *const *ledgers, size_t count, int64_t from_ns, int64_t deadline_ns);
/* "failed 97.3 % in the last second" into out. */
const char *abort_rule_found(const struct abort_rule *rule, char out[static 96]);

#endif
