/* Acknowledged writes against what was read back: set differences, so that holes count. A read-back that is not complete proves
 * nothing: neither that all is lost nor that nothing is.
 *
 * The lists are counted first, one byte a write and read-back; then one pass over the requests judges each write by all lists. */
#include <stdlib.h>

#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/measure/listing.h"
#include "harness/measure/series.h"

/* A complete read-back. */
struct checked {
    size_t check;               /* index into loss->checks */
    int64_t begun_ns, start_ns; /* when it began; when the outage that it follows began */
    struct listing ids;
};

struct loss_work {
    struct measurement *measurement;
    struct loss *loss;
    VEC(struct checked) listings;
    bool any_incomplete;
    int64_t last_begun_ns;
    int64_t oldest_age_ns;
    uint64_t unchecked;
    VEC(char *) lost_ids;
};

/* An outage that an earlier disruption began and that was not over at t_ns goes on: a fault in its midst did not begin it. What a return
 * costs is judged by itself. */
static int64_t running_since_ns(const struct result *result, int64_t t_ns)
{
    int64_t since_ns = t_ns;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        int64_t end_ns = observation->recovery_ns ? observation->recovery_ns : observation->watched_until_ns;
        if (observation->outage && end_ns >= t_ns && observation->outage_start_ns < since_ns) {
            since_ns = observation->outage_start_ns;
        }
    }
    return since_ns;
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
    start_ns = start_ns == INT64_MAX ? disruption_ns : start_ns;
    return failback ? start_ns : running_since_ns(result, start_ns);
}

static void add_lost(struct loss_work *work, const struct track *track, const struct ledger_record *record, int64_t done_ns,
                     int64_t start_ns)
{
    double writes_per_s = track->header->rate * track->header->write_share;
    char id[96];
    ledger_write_id(track->header, record->write_number, id);
    *VEC_ADD(&work->lost_ids) = xstrdup(id);
    work->loss->lost++;
    if (done_ns >= start_ns) {
        work->loss->lost_during_outage++;
    } else if (start_ns - done_ns > work->oldest_age_ns) {
        /* the mean distance of two writes: an age cannot be told finer */
        work->oldest_age_ns = start_ns - done_ns;
        work->loss->rpa.resolution = seconds_of(track->bound_ns) + (writes_per_s > 0 ? 1 / writes_per_s : 0);
        work->loss->rpa.clock = seconds_of(track->bound_ns);
    }
}

/* Judges an acknowledged write by each list in turn: it is lost where it is missing first. */
static void judge_acknowledged(struct loss_work *work, const struct track *track, size_t track_index,
                               const struct ledger_record *record)
{
    int64_t done_ns = record->done_ns ? record->done_ns + track->offset_ns : 0;
    bool checked = false, lost = false;
    VEC_EACH(listing, &work->listings)
    {
        struct loss_check *check = &work->loss->checks[listing->check];
        /* Acknowledged while the list was being made: it may rightly be missing. The clocks' bound goes to the same side. */
        if (done_ns + track->bound_ns > listing->begun_ns) {
            continue;
        }
        checked = true;
        check->checked++;
        if (listing_times(&listing->ids, track_index, record) == 0) {
            check->missing++;
            check->newly_missing += !lost;
            if (!lost) {
                add_lost(work, track, record, done_ns, listing->start_ns);
            }
            lost = true;
        }
    }
    work->loss->acknowledged++;
    work->unchecked += !checked;
}

static void judge_write(struct loss_work *work, const struct track *track, size_t track_index, const struct ledger_record *record)
{
    enum request_outcome outcome = request_outcome(record);
    /* the instant of sending is written with the answer: a pending write may be there */
    bool sent = outcome == OUTCOME_PENDING || (record->sent_ns != 0 && outcome != OUTCOME_NOT_SENT);
    bool seen = false, duplicated = false;
    VEC_EACH(listing, &work->listings)
    {
        unsigned char times = listing_times(&listing->ids, track_index, record);
        seen |= times > 0;
        duplicated |= times > 1;
    }
    work->loss->duplicated += duplicated;
    if (outcome == OUTCOME_OK) {
        judge_acknowledged(work, track, track_index, record);
    } else if (sent && record->due_ns + track->offset_ns < work->last_begun_ns) {
        work->loss->unknown_present += seen;
        work->loss->unknown_absent += !seen;
    }
}

static void judge_writes(struct loss_work *work)
{
    const struct tracks *tracks = &work->measurement->tracks;
    for (size_t i = 0; i < tracks->count; i++) {
        const struct track *track = &tracks->items[i];
        for (uint64_t j = 0; j < track->count; j++) {
            const struct ledger_record *record = &track->records[j];
            if (record->request_class == CLASS_WRITE && record->write_number > 0 &&
                record->write_number <= track->highest_write) {
                judge_write(work, track, i, record);
            }
        }
    }
    if (work->listings.count > 0 && work->unchecked > 0) {
        measure_finding(work->measurement,
                        "%llu writes were acknowledged after the last complete read-back began and are not checked.",
                        (unsigned long long)work->unchecked);
    }
}

static void make_incomplete(struct loss_check *check, char *reason)
{
    check->complete = false;
    free(check->reason);
    check->reason = reason;
}

static void take_complete(struct loss_work *work, size_t index, const json_t *event)
{
    struct loss_check *check = &work->loss->checks[index];
    const char *cause = NULL;
    struct checked listing = {.check = index, .begun_ns = json_int(event, "begun_ns", json_int(event, "t", 0))};
    listing.start_ns =
        loss_start_ns(work->measurement->result, json_str(event, "after_fault_id", ""), str_eq(check->cause, "failback"), &cause);
    char *reason = listing_read(work->measurement, event, &listing.ids);
    if (reason) {
        make_incomplete(check, reason);
    }
    if (check->complete) {
        *VEC_ADD(&work->listings) = listing;
        work->last_begun_ns = listing.begun_ns > work->last_begun_ns ? listing.begun_ns : work->last_begun_ns;
    } else {
        listing_clear(&listing.ids);
    }
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
        take_complete(work, loss->check_count - 1, event);
    }
    if (!check->complete) {
        work->any_incomplete = true;
        if (!loss->why[0]) {
            (void)str_format(loss->why, sizeof(loss->why), "read-back after %s incomplete%s%s", check->cause,
                             *check->reason ? ": " : "", check->reason);
        }
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
    loss->measured = loss->acknowledged > 0 && work->listings.count > 0 && (!work->any_incomplete || loss->lost > 0);
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

void measure_loss(struct measurement *measurement)
{
    struct loss_work work = {.measurement = measurement, .loss = &measurement->result->loss, .last_begun_ns = INT64_MIN};
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        if (str_eq(json_str(event, "kind", ""), "readback")) {
            take_readback(&work, event);
        }
    }
    judge_writes(&work);
    conclude(&work);
    work.loss->lost_ids = work.lost_ids.items;
    work.loss->lost_count = work.lost_ids.count;
    VEC_EACH(listing, &work.listings)
    {
        listing_clear(&listing->ids);
    }
    VEC_CLEAR(&work.listings);
}
