/* A ledger's requests by class, in controller time and in order of their due times: what outages are looked for in. */
#ifndef DRILL_MEASURE_SERIES_H
#define DRILL_MEASURE_SERIES_H

#include "harness/evidence/ledger.h"
#include "harness/measure/outage.h"

enum request_fate { FATE_OK = 0, FATE_FAILED, FATE_TIMED_OUT, FATE_NOT_SENT, FATE_COUNT };

/* How a request counts in the totals; one that was still pending counts as timed out. */
enum request_fate request_fate(enum request_outcome outcome);
/* Answered as agreed within the agreed latency. */
bool request_is_good(const struct ledger_record *record, const struct outage_settings *settings);
/* The outcome as of now, with acquire order: the record's other members are complete when it is not pending. */
enum request_outcome request_outcome(const struct ledger_record *record);

struct series {
    struct outage_request *requests; /* owned */
    size_t count;
    int64_t known_until_ns; /* requests due before it are all decided; at most the `until_ns` that was asked for */
    bool expected;          /* the schedule has requests of this class */
};

/* Requests of one class that are due in [from_ns, until_ns). Those that the driver itself did not send are left out: its own
 * limit is no outage. One that is pending although its deadline is past at evidence_end_ns has failed; the first other pending
 * one ends what is known. Cleared with series_clear. */
void series_build(struct ledger *ledger, enum request_class request_class, const struct outage_settings *settings,
                  int64_t from_ns, int64_t until_ns, int64_t evidence_end_ns, struct series *series);
void series_clear(struct series *series);

#endif
