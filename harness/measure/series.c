/* From ledger records to (due, good) sequences. */
#include "harness/measure/series.h"

#include <stdlib.h>

#include "harness/base/vec.h"

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

static int compare_due(const void *left, const void *right)
{
    const struct outage_request *a = left, *b = right;
    return a->due_ns < b->due_ns ? -1 : a->due_ns > b->due_ns;
}

/* The schedule issues in order of due times; a ledger that is not in order is put right rather than believed. */
static void sort_requests(struct series *series)
{
    for (size_t i = 1; i < series->count; i++) {
        if (series->requests[i].due_ns < series->requests[i - 1].due_ns) {
            qsort(series->requests, series->count, sizeof(*series->requests), compare_due);
            return;
        }
    }
}

static bool is_expected(const struct ledger_header *header, enum request_class request_class)
{
    double share = request_class == CLASS_WRITE ? header->write_share : 1 - header->write_share;
    return header->rate > 0 && share > 0;
}

/* The first record that can be due at or after from_ns, as far as the ledger is in order; what is older needs no look. */
static uint64_t first_record(const struct ledger *ledger, uint64_t count, int64_t from_ns)
{
    uint64_t low = 0;
    while (low < count) {
        uint64_t middle = low + (count - low) / 2;
        if (ledger_at(ledger, middle)->due_ns < from_ns) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

static void drop_unknown(struct series *series)
{
    while (series->count > 0 && series->requests[series->count - 1].due_ns >= series->known_until_ns) {
        series->count--;
    }
}

void series_build(struct ledger *ledger, enum request_class request_class, const struct outage_settings *settings,
                  int64_t from_ns, int64_t until_ns, int64_t evidence_end_ns, struct series *series)
{
    const struct ledger_header *header = ledger_header(ledger);
    VEC(struct outage_request) list = {0};
    *series = (struct series){.known_until_ns = until_ns, .expected = is_expected(header, request_class)};
    uint64_t count = ledger_count(ledger);
    uint64_t begin = from_ns > INT64_MIN ? first_record(ledger, count, from_ns - header->clock_offset_ns) : 0;
    for (uint64_t i = begin; i < count; i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        int64_t due_ns = record->due_ns + header->clock_offset_ns;
        if (record->request_class != request_class) {
            continue;
        }
        series->expected = true;
        if (due_ns < from_ns || due_ns >= until_ns) {
            continue;
        }
        enum request_outcome outcome = request_outcome(record);
        if (outcome == OUTCOME_NOT_SENT) {
            continue;
        }
        if (outcome == OUTCOME_PENDING && due_ns + settings->deadline_ns > evidence_end_ns) {
            series->known_until_ns = due_ns < series->known_until_ns ? due_ns : series->known_until_ns;
        }
        *VEC_ADD(&list) = (struct outage_request){.due_ns = due_ns, .good = request_is_good(record, settings)};
    }
    series->requests = list.items;
    series->count = list.count;
    sort_requests(series);
    drop_unknown(series);
}

void series_clear(struct series *series)
{
    free(series->requests);
    *series = (struct series){0};
}
