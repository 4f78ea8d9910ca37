/* What measuring gives and reports show. All times are signed 64-bit nanoseconds of the controller's clock unless they say
 * otherwise; "since" times count from the first disruption. A figure that was not measured says so; it is never a zero. */
#ifndef DRILL_MEASURE_RESULT_H
#define DRILL_MEASURE_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/base/json.h"
#include "harness/evidence/ledger.h"
#include "harness/measure/coverage.h"

enum verdict { VERDICT_NONE = 0, VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_COUNT };
enum conclusion {
    CONCLUSION_NONE = 0,
    CONCLUSION_COMPLETED,
    CONCLUSION_ABORTED,
    CONCLUSION_TIMED_OUT,
    CONCLUSION_ERROR,
    CONCLUSION_COUNT
};
enum judgement { JUDGEMENT_NONE = 0, JUDGEMENT_MET, JUDGEMENT_MISSED, JUDGEMENT_UNKNOWN, JUDGEMENT_COUNT };
const char *verdict_name(enum verdict verdict);          /* "pass" */
const char *conclusion_name(enum conclusion conclusion); /* "completed" */
const char *judgement_name(enum judgement judgement);    /* "met" */

/* A measured value, or the reason why there is none. */
struct figure {
    bool measured;
    double value;      /* in `unit` of its user; times in seconds */
    double resolution; /* ± in the same unit */
    double clock;      /* the part of the resolution that is the clocks' bound */
    bool at_least;     /* censored: "more than value" (not recovered while watched) */
    char why[160];     /* when not measured */
};

struct objective_result {
    char *text;       /* as written: "rto <= 20s" */
    char *metric;     /* "rto" */
    char *comparison; /* "<=" */
    double limit;
    char *unit; /* "s", "%", "" */
    struct figure measured;
    enum judgement judgement;
    char *reason; /* one sentence */
};

struct observation {
    char *cause; /* "inject blackhole us-east", "revert blackhole us-east" */
    char *fault_id;
    bool failback; /* the disruption was a revert */
    char *vantage;
    enum request_class request_class;
    int64_t disruption_ns, watched_until_ns;
    bool outage;                                         /* there was one */
    int64_t outage_start_ns, recovery_ns;                /* recovery 0 when not recovered */
    int64_t start_resolution_ns, recovery_resolution_ns; /* the true instants are no further away: gap, driver, clock */
    struct figure rto; /* seconds from the disruption to recovery; 0 when a proven fault caused no outage */
    uint64_t failed;   /* failed requests due in it */
    uint64_t requests;
};

struct phase {
    const char *name; /* masked detect decide switch promote reconnect hold (static) */
    int64_t start_ns, end_ns;
    char *source; /* "health us-east-gw1: up to down" */
    char *cause;  /* the observation's */
};

struct fault_result {
    char *fault_id, *fault, *target, *plan, *mechanism, *proof;
    json_t *options; /* owned */
    json_t *residue; /* owned: array of texts, NULL when it was not checked */
    int64_t requested_ns, applied_before_ns, applied_after_ns, reverting_ns, removed_ns; /* 0: did not happen */
    bool applied, proven, removed, clean;
    bool expired; /* its time to live was over */
};

struct loss {
    bool measured;
    char why[160];
    uint64_t acknowledged, lost, lost_during_outage, duplicated, unknown_present, unknown_absent;
    struct figure rpa; /* seconds */
    char **lost_ids;   /* all of them */
    size_t lost_count;
    /* per read-back: how many were missing first there */
    struct loss_check {
        char *cause; /* "recovery" or "failback" */
        char *after; /* the observation's cause */
        bool complete;
        char *reason;                             /* when not complete */
        uint64_t checked, missing, newly_missing; /* acknowledged before it and asked for; missing; of these not missing before */
    } * checks;
    size_t check_count;
};

/* What each store itself had at an instant that the scenario named: which acknowledged writes are where. Stores are bits of a mask, in the
 * order of their names in `stores`. */
enum { STORES_MAX = 32 };
struct store_content {
    bool complete;
    char *reason;                     /* when not complete */
    uint64_t has, missing, only_here; /* of the comparison's `asked`; only_here: on no other store that was read */
    uint64_t unacknowledged;          /* it has although nobody was told so */
};
struct store_comparison {
    char *label; /* "while both are written" */
    int64_t t_ns;
    uint64_t asked;     /* acknowledged before the first of its lists was begun */
    uint64_t divergent; /* of these on one side of a fork only */
    uint32_t forked;    /* stores that have what another lacks and lack what that one has; 0: all differences are lag */
    uint32_t complete;  /* stores that could be read */
    struct store_content *contents;
};
struct divergent_write {
    char *id;
    uint32_t *on; /* by comparison: the stores that had it */
};
/* A span in which the stores of `mask` said of themselves that they are primary, two or more at once. */
struct primaries_span {
    int64_t begin_ns, end_ns;
    uint32_t mask;
};
struct stores_result {
    char **names;
    size_t count;
    struct store_comparison *comparisons;
    size_t comparison_count;
    struct figure divergent; /* distinct writes over all comparisons */
    struct divergent_write *writes;
    size_t write_count;
    struct figure two_primaries; /* seconds, all spans together */
    struct primaries_span *spans;
    size_t span_count;
};
void stores_result_clear(struct stores_result *stores);
/* "us-east-db, us-west-db"; "no store" for 0. */
void stores_names(const struct stores_result *stores, uint32_t mask, struct buf *out);

/* An alert as the topology's observer saw it. Each time that it fired is laid to the newest disruption before. */
struct alert_result {
    char *name;  /* the observer's */
    char *after; /* the faults that it is about, "delay or loss"; NULL: any */
    bool must_fire, may_fire;
    bool silent; /* it should have fired and never did for what it is about */
    struct alert_firing {
        int64_t fired_ns, resolved_ns; /* resolved 0: it still fired at the end */
        int64_t bound_ns;              /* it fired up to so long before it was seen */
        char *cause, *fault_id;        /* "inject delay us-east"; "" before anything was broken */
        int64_t cause_ns;              /* 0: there is none */
        int64_t reverting_ns;          /* when the fault was taken away; 0: not before it was resolved */
        bool failback;                 /* the cause was a revert */
        bool expected;
    } * firings;
    size_t firing_count;
};

struct latency_part {
    bool measured;
    double p50_s, p95_s, p99_s, max_s;
    uint64_t count;
};

/* Latencies are counted in buckets, five to a decade: bucket i is below latency_bucket_end_s(i); the first holds all that was faster
 * than it, the last all that was slower. */
enum { LATENCY_BUCKETS = 30 };
double latency_bucket_end_s(size_t bucket); /* 158 µs … 100 s */

/* One second of the drill, for pictures and samples.csv: by due time. */
struct second_bin {
    int64_t start_ns;
    uint32_t ok, failed, timed_out, not_sent;
    uint32_t by_outcome[OUTCOME_COUNT];
    double p50_s, p95_s, p99_s;               /* of the answered ones; 0 without */
    uint32_t latency_counts[LATENCY_BUCKETS]; /* of the answered ones */
};

/* Requests by the region that they went to; "" is none: no address, or one outside of every region. */
struct region_result {
    char name[64];
    uint64_t answered, failed;               /* failed: all that were not answered as agreed, timed out ones too */
    int64_t first_failed_ns, last_failed_ns; /* by due time; 0 without */
};

/* Requests within a part of the drill, by whom they went to. */
struct share_row {
    char name[64]; /* "": no answer named a server; no region's address */
    uint64_t requests, failed;
    uint64_t left;       /* a server's: how often a session went from it to another one */
    double p50_s, p99_s; /* of all, failed ones with at least the deadline; NAN without requests */
};

struct share_window {
    char *name;               /* "steady", "during kill app1" */
    int64_t begin_ns, end_ns; /* INT64_MIN, INT64_MAX: from the load's begin, to its end */
    uint64_t requests, failed;
    struct latency_part latency;
    struct share_row *servers; /* who answered, by name, the nameless last */
    size_t server_count;
    struct share_row *regions; /* where requests went, in the same order */
    size_t region_count;
    uint64_t named, routed;          /* requests in rows with a name: what shares are of */
    uint64_t sessions, moved, moves; /* that got an answer; of them those that changed servers; how often all did */
};
void share_window_clear(struct share_window *window);

/* The first request that ended so, by due time. */
struct failure_example {
    bool known;
    char vantage[64];
    enum request_class request_class;
    int64_t due_ns, took_ns; /* took_ns 0: it never ended */
    uint16_t http_status;
    char address[16]; /* "" when it had none */
};

struct address_bin {
    char address[16];
    char region[64];
    uint32_t *counts;
}; /* answered requests per second bin */

struct result {
    char *drill_id, *scenario, *title, *why, *topology;
    int64_t started_utc_ns, ended_utc_ns, seed;
    int64_t origin_ns; /* the first disruption, or the load's start when there was none */
    bool disrupted;
    enum verdict verdict;
    enum conclusion conclusion;
    char *conclusion_reason;
    bool residue_checked, clean;
    json_t *residue_left; /* owned array of texts */
    int exit_code;        /* design: 0 pass 1 fail 2 usage 3 inconclusive 4 aborted 5 cleanup failed */
    char *exit_words;     /* "FAIL (rto)" */

    struct objective_result *objectives;
    size_t objective_count;
    struct objective_result *warnings; /* the budget's warn lines: judged the same, part of no verdict */
    size_t warning_count;
    struct observation *observations;
    size_t observation_count;
    struct phase *phases;
    size_t phase_count;
    struct fault_result *faults;
    size_t fault_count;
    struct coverage *coverage; /* NULL: not asked for */
    struct alert_result *alerts;
    size_t alert_count;
    struct loss loss;
    struct stores_result stores;
    struct figure out_of_order; /* a count */
    struct layer_result {
        char *name;                /* as declared, in the declared order: "role" */
        int64_t seen_ns, bound_ns; /* when it was seen to fail over, and by how much earlier it may have; 0: it was not */
        char *source;              /* "role us-west-db: replica to master" */
    } * layers;
    size_t layer_count;
    struct figure false_failovers; /* a count */
    struct false_failover {
        int64_t t_ns;
        char *from, *to; /* regions; to may be "" */
        char *during;    /* "loss 5%": the newest fault that was in, with what tells it from others of its kind; "" without one */
    } * false_failover_list;
    size_t false_failover_count;
    struct figure rto;      /* worst over observations */
    size_t rto_observation; /* index of the worst; SIZE_MAX without */
    struct {
        uint64_t scheduled, ok, failed, timed_out, not_sent;
    } requests; /* add up: scheduled = ok + failed + timed_out + not_sent */
    uint64_t by_outcome[OUTCOME_COUNT];
    struct latency_part before, during, after;
    struct {
        bool measured;
        double late_p99_s, late_max_s;
        bool schedule_kept;
    } driver;
    struct {
        int64_t hold_ns, window_ns, latency_ns;
        uint32_t minimum_count;
        double good_share;
        double clock_bound_s;
    } method;

    struct second_bin *bins;
    size_t bin_count;
    struct address_bin *addresses;
    size_t address_count;
    struct region_result *regions;
    size_t region_count;
    struct share_window *shares;
    size_t share_count;
    struct failure_example first_of[OUTCOME_COUNT];
    json_t *events;      /* owned: the array of events.jsonl */
    json_t *environment; /* owned */
    json_t *plan;        /* owned */
    char **findings;
    size_t finding_count; /* sentences: what a reader should know, as "the driver was late …" */
};

void result_free(struct result *result); /* accepts NULL */
DEFINE_CLEANUP(struct result *, result, result_free)

struct evidence;
/* Everything from evidence to result: pure, same evidence gives the same result. */
int measure_evidence(const struct evidence *evidence, struct result **ret_result, struct err *err) MUST_CHECK;

#endif
