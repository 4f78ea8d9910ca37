/* Views on records. */
#include "harness/measure/series.h"

enum request_fate request_fate(enum request_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_OK:
        return FATE_OK;
    case OUTCOME_PENDING:
    case OUTCOME_TIMEOUT_CONNECT:
    case OUTCOME_TIMEOUT_TLS:
    case OUTCOME_TIMEOUT_FIRST_BYTE:
    case OUTCOME_TIMEOUT_BODY:
        return FATE_TIMED_OUT;
    case OUTCOME_NOT_SENT:
        return FATE_NOT_SENT;
    default:
        return FATE_FAILED;
    }
}

enum request_outcome request_outcome(const struct ledger_record *record)
{
    return (enum request_outcome)__atomic_load_n(&record->outcome, __ATOMIC_ACQUIRE);
}

bool request_is_good(const struct ledger_record *record, const struct outage_settings *settings)
{
    return request_outcome(record) == OUTCOME_OK && record->done_ns - record->due_ns <= settings->latency_ns;
}

bool series_is_expected(const struct ledger_header *header, enum request_class request_class)
{
    double share = request_class == CLASS_WRITE ? header->write_share : 1 - header->write_share;
    return header->rate > 0 && share > 0;
}

static bool is_member(const struct series *series, uint64_t index)
{
    const struct ledger_record *record = &series->records[index];
    return record->request_class == series->request_class && request_outcome(record) != OUTCOME_NOT_SENT;
}

uint64_t series_next(const struct series *series, uint64_t index)
{
    while (index < series->count && !is_member(series, index)) {
        index++;
    }
    return index < series->count ? index : series->count;
}

uint64_t series_before(const struct series *series, uint64_t index)
{
    while (index-- > 0) {
        if (is_member(series, index)) {
            return index;
        }
    }
    return UINT64_MAX;
}

uint64_t series_from(const struct series *series, int64_t from_ns)
{
    uint64_t low = 0, count = series->count;
    while (low < count) {
        uint64_t middle = low + (count - low) / 2;
        if (series_due_ns(series, middle) < from_ns) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

int64_t series_due_ns(const struct series *series, uint64_t index)
{
    return series->records[index].due_ns + series->offset_ns;
}

bool series_is_good(const struct series *series, uint64_t index)
{
    return request_is_good(&series->records[index], series->settings);
}

int64_t series_known_until_ns(const struct series *series, int64_t evidence_end_ns)
{
    uint64_t last = series_before(series, series->count);
    if (last == UINT64_MAX) {
        return INT64_MIN / 2;
    }
    int64_t known_until_ns = series_due_ns(series, last) + 1;
    for (uint64_t i = last; i != UINT64_MAX && series_due_ns(series, i) + series->settings->deadline_ns > evidence_end_ns;
         i = series_before(series, i)) {
        if (request_outcome(&series->records[i]) == OUTCOME_PENDING) {
            known_until_ns = series_due_ns(series, i);
        }
    }
    return known_until_ns;
}
