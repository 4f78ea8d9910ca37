/* Hand-made evidence with a known truth: a folder in /tmp with a plan, events, ledgers and read-backs. Times are seconds on the
 * controller's clock. Header only, so that a test program stays one file. */
#ifndef DRILL_TESTS_FAKE_EVIDENCE_H
#define DRILL_TESTS_FAKE_EVIDENCE_H

#include <endian.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/evidence/events.h"
#include "harness/evidence/evidence.h"
#include "harness/measure/result.h"

#define FAKE_UNUSED __attribute__((unused))

struct fake_evidence {
    char folder[64];
    json_t *plan;
    struct events *events;
};

/* Requests due in [from_s, to_s) end like this; the last span that fits wins. */
struct fake_span {
    double from_s, to_s;
    enum request_outcome outcome;
    enum request_class request_class; /* CLASS_NONE: any */
    int64_t latency_ns;               /* 0: 5 ms for good and fast outcomes, the deadline for timeouts */
};

static inline int64_t fake_ns(double seconds)
{
    return (int64_t)(seconds * 1e9 + (seconds < 0 ? -0.5 : 0.5));
}

/* A plan with hold 5 s and deadline 1 s; objectives are added with fake_objective. */
FAKE_UNUSED static void fake_open(struct fake_evidence *fake)
{
    struct err err = {0};
    /* where writing through to the disk costs nothing, if there is such a place */
    bool shm = access("/dev/shm", W_OK) == 0;
    (void)str_copy(fake->folder, sizeof(fake->folder), shm ? "/dev/shm/drill-fake-XXXXXX" : "/tmp/drill-fake-XXXXXX");
    assert_non_null(mkdtemp(fake->folder));
    fake->plan = json_pack("{s:s, s:s, s:s, s:s, s:i, s:[], s:{s:I, s:i, s:f, s:I, s:I}, s:[{s:s, s:s}, {s:s, s:s}]}", "drill_id",
                           "20261123-120000-fake", "scenario", "region-outage", "title", "Lose us-east", "topology",
                           "three-region", "seed", 1, "objectives", "measure", "window_ns", (json_int_t)NS_PER_S, "minimum_count",
                           5, "good_share", 0.99, "latency_ns", (json_int_t)NS_PER_S, "hold_ns", (json_int_t)(5 * NS_PER_S),
                           "regions", "name", "us-east", "cidr", "10.1.0.0/24", "name", "eu-west", "cidr", "10.2.0.0/24");
    assert_non_null(fake->plan);
    AUTO_FREE char *path = xasprintf("%s/events.jsonl", fake->folder);
    assert_int_equal(events_open(path, &fake->events, &err), 0);
}

FAKE_UNUSED static void fake_objective(struct fake_evidence *fake, const char *text)
{
    json_array_append_new(json_object_get(fake->plan, "objectives"), json_string(text));
}

/* Takes `fields`. */
FAKE_UNUSED static void fake_event(struct fake_evidence *fake, double t_s, const char *kind, json_t *fields)
{
    struct err err = {0};
    assert_int_equal(events_add(fake->events, fake_ns(t_s), kind, fields, &err), 0);
}

/* fault.requested, applied within 1 ms, proven or not. */
FAKE_UNUSED static void fake_inject(struct fake_evidence *fake, double t_s, const char *id, bool proven)
{
    fake_event(fake, t_s, "fault.requested",
               json_pack("{s:s, s:s, s:s, s:{}, s:s}", "fault_id", id, "fault", "blackhole", "target", "us-east", "options",
                         "plan", "drops everything to and from us-east"));
    fake_event(fake, t_s + 0.002, "fault.applied",
               json_pack("{s:s, s:I, s:I, s:s}", "fault_id", id, "before_ns", (json_int_t)fake_ns(t_s + 0.001), "after_ns",
                         (json_int_t)fake_ns(t_s + 0.002), "mechanism", "nft owner table"));
    fake_event(fake, t_s + 0.01, "fault.proven",
               json_pack("{s:s, s:b, s:s}", "fault_id", id, "ok", proven, "proof", "12 packets dropped"));
}

FAKE_UNUSED static void fake_revert(struct fake_evidence *fake, double t_s, const char *id)
{
    fake_event(fake, t_s, "fault.reverting", json_pack("{s:s}", "fault_id", id));
    fake_event(fake, t_s + 0.002, "fault.reverted",
               json_pack("{s:s, s:I, s:I}", "fault_id", id, "before_ns", (json_int_t)fake_ns(t_s + 0.001), "after_ns",
                         (json_int_t)fake_ns(t_s + 0.002)));
    fake_event(fake, t_s + 0.003, "fault.residue", json_pack("{s:s, s:b, s:[]}", "fault_id", id, "clean", true, "left"));
}

FAKE_UNUSED static void fake_await(struct fake_evidence *fake, double t_s)
{
    fake_event(fake, t_s, "await.begin", json_pack("{s:I, s:I}", "within_ns", (json_int_t)0, "hold_ns", (json_int_t)0));
}

FAKE_UNUSED static void fake_end(struct fake_evidence *fake, double t_s, const char *conclusion)
{
    fake_event(fake, t_s, "residue", json_pack("{s:b, s:[]}", "clean", true, "left"));
    fake_event(fake, t_s, "drill.end", json_pack("{s:s, s:s}", "conclusion", conclusion, "reason", ""));
}

static inline const struct fake_span *fake_span_at(const struct fake_span *spans, size_t count, double due_s,
                                                   enum request_class request_class)
{
    const struct fake_span *found = NULL;
    for (size_t i = 0; i < count; i++) {
        bool fits = spans[i].request_class == CLASS_NONE || spans[i].request_class == request_class;
        found = fits && due_s >= spans[i].from_s - 1e-9 && due_s < spans[i].to_s - 1e-9 ? &spans[i] : found;
    }
    return found;
}

static inline void fake_complete(struct ledger_record *record, enum request_outcome outcome, int64_t latency_ns)
{
    bool timeout = outcome >= OUTCOME_TIMEOUT_CONNECT && outcome <= OUTCOME_TIMEOUT_BODY;
    int64_t took_ns = latency_ns ? latency_ns : timeout ? NS_PER_S : 5 * NS_PER_MS;
    if (outcome == OUTCOME_PENDING || outcome == OUTCOME_NOT_SENT) {
        ledger_finish(record, outcome);
        return;
    }
    record->sent_ns = record->due_ns + 100 * NS_PER_US;
    record->done_ns = record->due_ns + took_ns;
    record->http_status = outcome == OUTCOME_OK ? 200 : outcome == OUTCOME_STATUS ? 503 : 0;
    record->address = record->http_status ? htobe32(0x0a010011) : 0; /* 10.1.0.17 */
    ledger_finish(record, outcome);
}

/* A ledger of `rate` requests a second from from_s to to_s; every write_every-th is a write (0: none). Left open for more changes. */
FAKE_UNUSED static struct ledger *fake_ledger(struct fake_evidence *fake, const char *vantage, double from_s, double to_s,
                                              double rate, unsigned write_every, const struct fake_span *spans, size_t span_count)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    uint64_t count = (uint64_t)((to_s - from_s) * rate + 0.5), writes = 0;
    AUTO_FREE char *path = xasprintf("%s/ledger-%s.bin", fake->folder, vantage);
    assert_int_equal(ledger_create(path, count, &ledger, &err), 0);
    struct ledger_header *header = ledger_header(ledger);
    header->start_ns = fake_ns(from_s);
    header->deadline_ns = NS_PER_S;
    header->rate = rate;
    header->write_share = write_every ? 1.0 / write_every : 0;
    (void)str_copy(header->vantage, sizeof(header->vantage), vantage);
    (void)str_format(header->id_prefix, sizeof(header->id_prefix), "w7f-%s-", vantage);
    for (uint64_t i = 0, index; i < count; i++) {
        struct ledger_record *record = ledger_next(ledger, &index);
        record->due_ns = fake_ns(from_s + (double)i / rate);
        record->request_class = write_every && i % write_every == 0 ? CLASS_WRITE : CLASS_READ;
        record->write_number = record->request_class == CLASS_WRITE ? ++writes : 0;
        const struct fake_span *span =
            fake_span_at(spans, span_count, from_s + (double)i / rate, (enum request_class)record->request_class);
        fake_complete(record, span ? span->outcome : OUTCOME_OK, span ? span->latency_ns : 0);
        ledger_publish(ledger);
    }
    return ledger;
}

/* Write readback-N.ids and its event. `ids` is one id a line; number counts from 1. */
FAKE_UNUSED static void fake_readback(struct fake_evidence *fake, double begun_s, int number, const char *cause,
                                      const char *fault_id, const char *ids, bool complete, const char *reason)
{
    struct err err = {0};
    AUTO_FREE char *file = xasprintf("readback-%d.ids", number);
    AUTO_FREE char *path = xasprintf("%s/%s", fake->folder, file);
    int64_t count = 0;
    for (const char *c = ids; *c; c++) {
        count += *c == '\n';
    }
    assert_int_equal(fd_write_file_atomic(path, ids, strlen(ids), &err), 0);
    fake_event(fake, begun_s + 0.2, "readback",
               json_pack("{s:i, s:I, s:s, s:s, s:b, s:s, s:s, s:I, s:s}", "number", number, "begun_ns",
                         (json_int_t)fake_ns(begun_s), "cause", cause, "after_fault_id", fault_id, "complete", complete, "reason",
                         reason, "file", file, "count", (json_int_t)count, "via", "10.2.0.17"));
}

/* Write the plan, then measure the folder; the caller frees both results. */
FAKE_UNUSED static struct result *fake_measure(struct fake_evidence *fake)
{
    struct err err = {0};
    struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
    struct result *result = NULL;
    AUTO_FREE char *path = xasprintf("%s/plan.json", fake->folder);
    assert_int_equal(json_write_file(path, fake->plan, &err), 0);
    if (evidence_load(fake->folder, &evidence, &err) < 0 || measure_evidence(evidence, &result, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return result;
}

FAKE_UNUSED static void fake_close(struct fake_evidence *fake)
{
    struct err err = {0};
    events_close(fake->events);
    json_decref(fake->plan);
    assert_int_equal(fd_remove_tree(fake->folder, &err), 0);
}

#endif
