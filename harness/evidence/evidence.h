/* The evidence folder of one drill: the only thing that crosses from the run to the measuring side.
 *
 *   plan.json            scenario, title, seed, topology, objectives[] (texts), measure settings, load, steps[] of the dry run
 *   environment.json     host, kernel, versions, command line, sha256 of scenario and binary, clock state
 *   events.jsonl         events.h
 *   ledger-VANTAGE.bin   ledger.h, one per vantage
 *   readback-N.ids       the ids found by read-back N, one a line
 *   store-N-STORE.ids    the ids that a store itself had at comparison N
 *   scenario.lua topology.yaml   copies          logs/SERVICE.log   what the services printed
 *
 * plan.json's "measure" object (all durations in nanoseconds; defaults in brackets): window_ns [1 s], minimum_count [5],
 * good_share [0.99], latency_ns [= load deadline], hold_ns, late_limit_ns [50 ms: later than this counts as not on schedule],
 * late_share [0.001: more than this makes the drill inconclusive]. */
#ifndef DRILL_EVIDENCE_EVIDENCE_H
#define DRILL_EVIDENCE_EVIDENCE_H

#include "harness/base/json.h"
#include "harness/evidence/ledger.h"

struct evidence {
    char *folder;
    json_t *plan;        /* object; never NULL after loading */
    json_t *environment; /* object; empty when the file is missing */
    json_t *events;      /* array */
    struct ledger **ledgers;
    size_t ledger_count;
};

int evidence_load(const char *folder, struct evidence **ret_evidence, struct err *err) MUST_CHECK;
void evidence_free(struct evidence *evidence); /* accepts NULL */
DEFINE_CLEANUP(struct evidence *, evidence, evidence_free)

/* The ids of one read-back file, one a line, in the file's order and as a view on it. */
struct evidence_ids {
    char *text;
    size_t size, at;
};
int evidence_ids_open(const struct evidence *evidence, const char *file, struct evidence_ids *ret_ids,
                      struct err *err) MUST_CHECK;
/* The next id, not terminated, or NULL at the end; empty lines are passed over. */
const char *evidence_ids_next(struct evidence_ids *ids, size_t *ret_size);
void evidence_ids_close(struct evidence_ids *ids);

#endif
