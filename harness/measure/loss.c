/* Acknowledged writes against what was read back: set differences, so that holes count. A read-back that is not complete proves
 * nothing: neither that all is lost nor that nothing is. */
#include <stdlib.h>

#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"

/* One write, in the order of its ledger. */
struct write_fact {
    uint64_t number;
    int64_t due_ns, done_ns; /* controller clock; done 0: never */
    bool acknowledged, sent;
    bool seen, lost, duplicated;
    bool checked;  /* by a complete read-back */
    uint32_t here; /* times that the read-back at hand lists it */
};

struct write_book {
    const struct ledger_header *header;
    struct write_fact *facts; /* index = number - 1 */
    uint64_t count;
    int64_t gap_ns; /* mean distance of two writes: an age cannot be told finer */
};

struct loss_work {
    struct measurement *measurement;
    struct loss *loss;
    struct write_book *books;
    size_t book_count;
    bool any_complete, any_incomplete;
    int64_t last_begun_ns;
    int64_t oldest_age_ns;
    VEC(char *) lost_ids;
};

static uint64_t highest_number(const struct ledger *ledger)
{
    uint64_t highest = 0, count = ledger_count(ledger);
    for (uint64_t i = 0; i < count; i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        if (record->request_class == CLASS_WRITE && record->write_number > highest) {
            highest = record->write_number;
        }
    }
    return highest <= count ? highest : count; /* numbers count writes, so a higher one comes from a damaged record */
}

static void fill_book(struct write_book *book, struct ledger *ledger)
{
    uint64_t count = ledger_count(ledger);
    book->header = ledger_header(ledger);
    book->count = highest_number(ledger);
    book->facts = xcalloc(book->count + 1, sizeof(*book->facts));
    for (uint64_t i = 0; i < count; i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        if (record->request_class != CLASS_WRITE || record->write_number == 0 || record->write_number > book->count) {
            continue;
        }
        enum request_outcome outcome = request_outcome(record);
        book->facts[record->write_number - 1] = (struct write_fact){
            .number = record->write_number,
            .due_ns = record->due_ns + book->header->clock_offset_ns,
            .done_ns = record->done_ns ? record->done_ns + book->header->clock_offset_ns : 0,
            .acknowledged = outcome == OUTCOME_OK,
            /* the instant of sending is written with the answer: a pending write may be there */
            .sent = outcome == OUTCOME_PENDING || (record->sent_ns != 0 && outcome != OUTCOME_NOT_SENT),
        };
    }
}

/* The write that an id names, or NULL for an id that is not of this drill. */
static struct write_fact *find_fact(const struct loss_work *work, const char *id)
{
    for (size_t i = 0; i < work->book_count; i++) {
        const struct write_book *book = &work->books[i];
        const char *digits = id + strlen(book->header->id_prefix);
        char *end = NULL;
        if (!str_starts_with(id, book->header->id_prefix) || *digits < '0' || *digits > '9') {
            continue;
        }
        unsigned long long number = strtoull(digits, &end, 10);
        if (*end == '\0' && number > 0 && number <= book->count && book->facts[number - 1].number) {
            return &book->facts[number - 1];
        }
    }
    return NULL;
}

static void count_listed(struct loss_work *work, char **ids, size_t count)
{
    for (size_t i = 0; i < work->book_count; i++) {
        for (uint64_t j = 0; j < work->books[i].count; j++) {
            work->books[i].facts[j].here = 0;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct write_fact *fact = find_fact(work, ids[i]);
        if (fact) {
            fact->here++;
        }
    }
}

/* When the outage of the disruption that a read-back follows began: the earliest of its observations; the disruption without outage. */
static int64_t loss_start_ns(const struct result *result, const char *fault_id, bool failback, const char **ret_cause)
{
    int64_t start_ns = INT64_MAX, disruption_ns = result->origin_ns;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        if (!str_eq(observation->fault_id, fault_id) || observation->failback != failback) {
            continue;
        }
        *ret_cause = observation->cause;
        disruption_ns = observation->disruption_ns;
        if (observation->outage && observation->outage_start_ns < start_ns) {
            start_ns = observation->outage_start_ns;
        }
    }
    return start_ns == INT64_MAX ? disruption_ns : start_ns;
}

static void add_lost(struct loss_work *work, const struct write_book *book, struct write_fact *fact, int64_t start_ns)
{
    char id[96];
    ledger_write_id(book->header, fact->number, id);
    *VEC_ADD(&work->lost_ids) = xstrdup(id);
    fact->lost = true;
    work->loss->lost++;
    if (fact->done_ns >= start_ns) {
        work->loss->lost_during_outage++;
    } else if (start_ns - fact->done_ns > work->oldest_age_ns) {
        work->oldest_age_ns = start_ns - fact->done_ns;
        work->loss->rpa.resolution = seconds_of(book->header->clock_bound_ns + book->gap_ns);
    }
}

static void check_fact(struct loss_work *work, struct loss_check *check, const struct write_book *book, struct write_fact *fact,
                       int64_t begun_ns, int64_t start_ns)
{
    fact->seen |= fact->here > 0;
    if (fact->here > 1 && !fact->duplicated) {
        fact->duplicated = true;
        work->loss->duplicated++;
    }
    /* Acknowledged while the list was being made: it may rightly be missing. The clocks' bound goes to the same side. */
    if (!fact->acknowledged || fact->done_ns + book->header->clock_bound_ns > begun_ns) {
        return;
    }
    fact->checked = true;
    check->checked++;
    if (fact->here == 0) {
        check->missing++;
        check->newly_missing += !fact->lost;
        if (!fact->lost) {
            add_lost(work, book, fact, start_ns);
        }
    }
}

static void check_writes(struct loss_work *work, struct loss_check *check, const json_t *event)
{
    const char *cause = NULL;
    int64_t begun_ns = json_int(event, "begun_ns", json_int(event, "t", 0));
    bool failback = str_eq(check->cause, "failback");
    int64_t start_ns = loss_start_ns(work->measurement->result, json_str(event, "after_fault_id", ""), failback, &cause);
    work->last_begun_ns = begun_ns > work->last_begun_ns ? begun_ns : work->last_begun_ns;
    for (size_t i = 0; i < work->book_count; i++) {
        for (uint64_t j = 0; j < work->books[i].count; j++) {
            check_fact(work, check, &work->books[i], &work->books[i].facts[j], begun_ns, start_ns);
        }
    }
}

/* Reads the ids. A file that is not there, or not whole, makes the read-back incomplete whatever its event says. */
static void read_listed(struct loss_work *work, struct loss_check *check, const json_t *event)
{
    char **ids = NULL;
    size_t count = 0;
    struct err err = {0};
    const char *file = json_str(event, "file", "");
    if (evidence_read_ids(work->measurement->evidence, file, &ids, &count, &err) < 0) {
        check->complete = false;
        free(check->reason);
        check->reason = xstrdup(err.text);
        return;
    }
    int64_t expected = json_int(event, "count", (int64_t)count);
    if (expected != (int64_t)count) {
        check->complete = false;
        free(check->reason);
        check->reason = xasprintf("%s holds %zu ids, %lld were read back", file, count, (long long)expected);
    } else {
        count_listed(work, ids, count);
    }
    evidence_ids_free(ids, count);
}

static void take_readback(struct loss_work *work, const json_t *event)
{
    struct loss *loss = work->loss;
    const char *cause = "";
    bool failback = str_eq(json_str(event, "cause", ""), "failback");
    (void)loss_start_ns(work->measurement->result, json_str(event, "after_fault_id", ""), failback, &cause);
    loss->checks = xrealloc(loss->checks, loss->check_count + 1, sizeof(*loss->checks));
    struct loss_check *check = &loss->checks[loss->check_count++];
    *check = (struct loss_check){
        .cause = xstrdup(json_str(event, "cause", "recovery")),
        .after = xstrdup(cause),
        .complete = json_flag(event, "complete", false),
        .reason = xstrdup(json_str(event, "reason", "")),
    };
    if (check->complete) {
        read_listed(work, check, event);
    }
    if (check->complete) {
        work->any_complete = true;
        check_writes(work, check, event);
        return;
    }
    work->any_incomplete = true;
    if (!loss->why[0]) {
        (void)str_format(loss->why, sizeof(loss->why), "read-back after %s incomplete%s%s", check->cause,
                         *check->reason ? ": " : "", check->reason);
    }
}

static void count_unknown(struct loss_work *work)
{
    uint64_t unchecked = 0;
    for (size_t i = 0; i < work->book_count; i++) {
        for (uint64_t j = 0; j < work->books[i].count; j++) {
            const struct write_fact *fact = &work->books[i].facts[j];
            work->loss->acknowledged += fact->acknowledged;
            unchecked += fact->acknowledged && !fact->checked;
            if (!fact->acknowledged && fact->sent && fact->due_ns < work->last_begun_ns) {
                work->loss->unknown_present += fact->seen;
                work->loss->unknown_absent += !fact->seen;
            }
        }
    }
    if (work->any_complete && unchecked > 0) {
        measure_finding(work->measurement,
                        "%llu writes were acknowledged after the last complete read-back began and are not checked.",
                        (unsigned long long)unchecked);
    }
}

/* One complete read-back is a measurement; when another was not complete, more may be lost. */
static void conclude(struct loss_work *work)
{
    struct loss *loss = work->loss;
    if (loss->acknowledged == 0) {
        (void)str_copy(loss->why, sizeof(loss->why), "no write was acknowledged");
    } else if (loss->check_count == 0) {
        (void)str_copy(loss->why, sizeof(loss->why), "nothing was read back");
    }
    loss->measured = loss->acknowledged > 0 && work->any_complete && (!work->any_incomplete || loss->lost > 0);
    if (!loss->measured) {
        loss->rpa = figure_unknown("%s", loss->why);
        return;
    }
    loss->rpa.measured = true;
    loss->rpa.at_least = work->any_incomplete;
    loss->rpa.value = seconds_of(work->oldest_age_ns);
    if (work->any_incomplete) {
        measure_finding(work->measurement, "At least %llu acknowledged writes are lost; there may be more: %s.",
                        (unsigned long long)loss->lost, loss->why);
    }
}

static void open_books(struct loss_work *work)
{
    const struct evidence *evidence = work->measurement->evidence;
    work->books = xcalloc(evidence->ledger_count + 1, sizeof(*work->books));
    for (; work->book_count < evidence->ledger_count; work->book_count++) {
        struct write_book *book = &work->books[work->book_count];
        fill_book(book, evidence->ledgers[work->book_count]);
        double writes_per_s = book->header->rate * book->header->write_share;
        book->gap_ns = writes_per_s > 0 ? (int64_t)(1e9 / writes_per_s) : 0;
    }
}

void measure_loss(struct measurement *measurement)
{
    struct loss_work work = {.measurement = measurement, .loss = &measurement->result->loss, .last_begun_ns = INT64_MIN};
    size_t index;
    json_t *event;
    open_books(&work);
    json_array_foreach(measurement->evidence->events, index, event)
    {
        if (str_eq(json_str(event, "kind", ""), "readback")) {
            take_readback(&work, event);
        }
    }
    count_unknown(&work);
    conclude(&work);
    work.loss->lost_ids = work.lost_ids.items;
    work.loss->lost_count = work.lost_ids.count;
    for (size_t i = 0; i < work.book_count; i++) {
        free(work.books[i].facts);
    }
    free(work.books);
}
