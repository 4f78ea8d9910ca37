/* One class of a vantage's requests, as a view on its records: nothing is copied. */
#ifndef DRILL_MEASURE_SERIES_H
#define DRILL_MEASURE_SERIES_H

#include <stdbool.h>

#include "harness/evidence/ledger.h"

enum request_fate { FATE_OK = 0, FATE_FAILED, FATE_TIMED_OUT, FATE_NOT_SENT, FATE_COUNT };

struct outage_settings {
    int64_t window_ns;
    uint32_t minimum_count;
    double good_share;   /* 0…1 */
    int64_t latency_ns;  /* from due to done; slower is not good */
    int64_t hold_ns;     /* how long all windows must stay good to prove a recovery */
    int64_t deadline_ns; /* a request unanswered for so long has timed out */
};

/* How a request counts in the totals; one that was still pending counts as timed out. */
enum request_fate request_fate(enum request_outcome outcome);
/* Answered as agreed within the agreed latency. */
bool request_is_good(const struct ledger_record *record, const struct outage_settings *settings);
/* The outcome as of now, with acquire order: the record's other members are complete when it is not pending. */
enum request_outcome request_outcome(const struct ledger_record *record);

/* Requests that the driver itself did not send are left out: its own limit is no outage. Indexes are those of the records. */
struct series {
    const struct ledger_record *records; /* in order of due times, vantage clock */
    uint64_t count;
    int64_t offset_ns; /* controller clock = vantage clock + offset */
    enum request_class request_class;
    const struct outage_settings *settings;
};

/* The schedule has requests of this class. */
bool series_is_expected(const struct ledger_header *header, enum request_class request_class);
/* The first member at or after `index`, `count` without; the last one before it, UINT64_MAX without. */
uint64_t series_next(const struct series *series, uint64_t index);
uint64_t series_before(const struct series *series, uint64_t index);
/* The first record due at or after from_ns (controller clock), of any class. */
uint64_t series_from(const struct series *series, int64_t from_ns);
int64_t series_due_ns(const struct series *series, uint64_t index); /* controller clock */
bool series_is_good(const struct series *series, uint64_t index);
/* Requests due before it are all decided: one that is pending although its deadline is past at evidence_end_ns has failed, the first
 * other pending one ends what is known. At most just after the last request that was due; INT64_MIN / 2 without any. */
int64_t series_known_until_ns(const struct series *series, int64_t evidence_end_ns);

#endif
