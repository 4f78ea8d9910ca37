/* Literal results for the tests of the reports: a drill that passed, failed, was not recovered, wrote nothing, was aborted. The
 * caller clears with sample_clear. */
#ifndef DRILL_TEST_REPORT_SAMPLES_H
#define DRILL_TEST_REPORT_SAMPLES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/result.h"

/* struct result owns its texts, so they are not const; these are literals that nobody frees or changes. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdiscarded-qualifiers"

enum { ORIGIN_S = 1000, BEFORE_S = 8, AFTER_S = 62, RATE = 300, OUTAGE_FROM = 0, OUTAGE_TO = 17, LOST_MAX = 40 };

/* Seconds since the first disruption on the controller's clock. */
static inline int64_t at_s(double seconds)
{
    return (int64_t)((ORIGIN_S + seconds) * NS_PER_S);
}

struct sample {
    struct result result;
    struct objective_result objectives[6];
    struct observation observations[8];
    struct phase phases[10];
    struct fault_result faults[2];
    struct loss_check checks[2];
    struct second_bin bins[BEFORE_S + AFTER_S];
    struct address_bin addresses[3];
    uint32_t counts[3][BEFORE_S + AFTER_S];
    char *lost_ids[LOST_MAX];
    char lost_text[LOST_MAX][32];
    char *findings[2];
};

static inline void sample_fill_bin(struct sample *sample, int index, bool dark)
{
    struct second_bin *bin = &sample->bins[index];
    int second = index - BEFORE_S;
    *bin = (struct second_bin){.start_ns = at_s(second)};
    uint32_t bad = dark ? (second < 6 ? RATE : (uint32_t)(RATE * (OUTAGE_TO - second) / (OUTAGE_TO - 6 + 1))) : 0;
    bin->timed_out = bad * 2 / 3;
    bin->failed = bad - bin->timed_out;
    bin->ok = RATE - bad;
    bin->by_outcome[OUTCOME_OK] = bin->ok;
    bin->by_outcome[OUTCOME_TIMEOUT_CONNECT] = bin->timed_out;
    bin->by_outcome[OUTCOME_STATUS] = bin->failed / 2;
    bin->by_outcome[OUTCOME_REFUSED] = bin->failed - bin->failed / 2;
    if (bin->ok > 0) {
        bin->p50_s = 0.004 + 0.0002 * (index % 5);
        bin->p95_s = bad ? 0.4 : 0.011;
        bin->p99_s = bad ? 0.9 : 0.019 + 0.001 * (index % 3);
    }
    bool home = second < 0 || second > 50;
    sample->counts[home ? 0 : 1][index] = bin->ok * 9 / 10;
    sample->counts[2][index] = bin->ok - bin->ok * 9 / 10;
}

static inline void sample_fill_bins(struct sample *sample, bool outage, int to)
{
    struct result *result = &sample->result;
    for (int i = 0; i < BEFORE_S + AFTER_S; i++) {
        int second = i - BEFORE_S;
        sample_fill_bin(sample, i, outage && second >= OUTAGE_FROM && second < to);
        result->requests.ok += sample->bins[i].ok;
        result->requests.failed += sample->bins[i].failed;
        result->requests.timed_out += sample->bins[i].timed_out;
        for (int j = 0; j < OUTCOME_COUNT; j++) {
            result->by_outcome[j] += sample->bins[i].by_outcome[j];
        }
    }
    result->requests.scheduled = result->requests.ok + result->requests.failed + result->requests.timed_out;
    result->bins = sample->bins;
    result->bin_count = BEFORE_S + AFTER_S;
    static const char *const regions[] = {"us-east", "eu-west", "ap-south"};
    for (size_t i = 0; i < 3; i++) {
        (void)str_format(sample->addresses[i].address, sizeof(sample->addresses[i].address), "10.%zu.0.11", i + 1);
        (void)str_copy(sample->addresses[i].region, sizeof(sample->addresses[i].region), regions[i]);
        sample->addresses[i].counts = sample->counts[i];
    }
    result->addresses = sample->addresses;
    result->address_count = 3;
}

static inline struct figure sample_figure(double value, double resolution)
{
    return (struct figure){.measured = true, .value = value, .resolution = resolution};
}

static inline struct objective_result sample_objective(char *text, char *metric, double limit, char *unit, struct figure measured,
                                                       enum judgement judgement, char *reason)
{
    return (struct objective_result){.text = text,
                                     .metric = metric,
                                     .comparison = "<=",
                                     .limit = limit,
                                     .unit = unit,
                                     .measured = measured,
                                     .judgement = judgement,
                                     .reason = reason};
}

static inline void sample_add_observation(struct sample *sample, bool failback, char *vantage, enum request_class request_class,
                                          double recovery_s)
{
    double from_s = failback ? 38 : 0;
    struct observation *observation = &sample->observations[sample->result.observation_count++];
    *observation = (struct observation){.cause = failback ? "revert blackhole us-east" : "inject blackhole us-east",
                                        .fault_id = "f1",
                                        .failback = failback,
                                        .vantage = vantage,
                                        .request_class = request_class,
                                        .disruption_ns = at_s(from_s),
                                        .watched_until_ns = at_s(failback ? 62 : 38),
                                        .outage = !failback,
                                        .outage_start_ns = failback ? 0 : at_s(0.003),
                                        .recovery_ns = failback ? 0 : at_s(recovery_s),
                                        .rto = sample_figure(failback ? 0 : recovery_s, 0.011),
                                        .failed = failback ? 0 : 1740,
                                        .requests = 5700};
    sample->result.observations = sample->observations;
}

static inline void sample_add_phase(struct sample *sample, const char *name, double from_s, double to_s, char *source)
{
    sample->phases[sample->result.phase_count++] = (struct phase){
        .name = name, .start_ns = at_s(from_s), .end_ns = at_s(to_s), .source = source, .cause = "inject blackhole us-east"};
    sample->result.phases = sample->phases;
}

static inline void sample_add_fault(struct sample *sample)
{
    sample->faults[0] =
        (struct fault_result){.fault_id = "f1",
                              .fault = "blackhole",
                              .target = "us-east",
                              .plan = "drop every packet that enters or leaves 10.1.0.0/24; its counter will prove it",
                              .mechanism = "nft owner table",
                              .proof = "the table's drop counter rose by 412 packets in 1.0 s",
                              .options = json_pack("{s:s, s:b}", "region", "us-east", "established", 1),
                              .residue = json_array(),
                              .requested_ns = at_s(0),
                              .applied_before_ns = at_s(0.0011),
                              .applied_after_ns = at_s(0.0031),
                              .reverting_ns = at_s(38),
                              .removed_ns = at_s(38.004),
                              .applied = true,
                              .proven = true,
                              .removed = true,
                              .clean = true};
    sample->result.faults = sample->faults;
    sample->result.fault_count = 1;
}

static inline void sample_add_event(json_t *events, double seconds, const char *kind, json_t *fields)
{
    char utc[32];
    json_object_set_new(fields, "t", json_integer(at_s(seconds)));
    json_object_set_new(fields, "kind", json_string(kind));
    json_object_set_new(fields, "utc", json_string(clock_format_utc((1764000000 + (int64_t)seconds) * NS_PER_S, utc)));
    json_array_append_new(events, fields);
}

static inline json_t *sample_events(void)
{
    json_t *events = json_array();
    sample_add_event(events, -9, "drill.start", json_pack("{s:s}", "drill_id", "20251124-160000-region-outage"));
    sample_add_event(events, -8, "load.start", json_pack("{s:s}", "vantage", "client"));
    sample_add_event(
        events, 0, "fault.requested",
        json_pack("{s:s, s:s, s:s, s:s}", "fault_id", "f1", "fault", "blackhole", "target", "us-east", "plan", "drop all"));
    sample_add_event(events, 0.003, "fault.applied", json_pack("{s:s, s:s}", "fault_id", "f1", "mechanism", "nft owner table"));
    sample_add_event(events, 1, "fault.proven",
                     json_pack("{s:s, s:b, s:s}", "fault_id", "f1", "ok", 1, "proof", "412 packets dropped"));
    sample_add_event(events, 4.1, "observe",
                     json_pack("{s:s, s:s, s:s, s:s, s:s}", "observer", "health", "subject", "us-east-gw1", "from", "up", "to",
                               "down", "place", "dns"));
    sample_add_event(events, 38, "fault.reverting", json_pack("{s:s}", "fault_id", "f1"));
    sample_add_event(events, 39, "a.kind.of.tomorrow", json_pack("{s:i}", "answer", 42));
    sample_add_event(events, 62, "drill.end", json_pack("{s:s, s:s}", "conclusion", "completed", "reason", ""));
    return events;
}

static inline void sample_base(struct sample *sample)
{
    struct result *result = &sample->result;
    memset(sample, 0, sizeof(*sample));
    result->drill_id = "20251124-160000-region-outage";
    result->scenario = "region-outage";
    result->title = "Lose us-east";
    result->why = "A power cut or a fibre cut takes a whole region at once.";
    result->topology = "three-region";
    result->started_utc_ns = 1764000000LL * NS_PER_S;
    result->ended_utc_ns = 1764000078LL * NS_PER_S;
    result->seed = 1;
    result->origin_ns = at_s(0);
    result->rto_observation = SIZE_MAX;
    result->method.hold_ns = 10 * NS_PER_S;
    result->method.window_ns = NS_PER_S;
    result->method.latency_ns = NS_PER_S;
    result->method.minimum_count = 5;
    result->method.good_share = 0.99;
    result->method.clock_bound_s = 0.00005;
    result->environment = json_pack("{s:s, s:s, s:s, s:i}", "tool", "drill 0.1.0", "host", "lab", "kernel", "6.1.0", "cpus", 2);
    result->plan = json_pack("{s:{s:s, s:s}}", "load", "rate", "300/s", "writes", "30%");
}

static inline void sample_clear(struct sample *sample)
{
    json_decref(sample->result.environment);
    json_decref(sample->result.plan);
    json_decref(sample->result.events);
    json_decref(sample->result.residue_left);
    json_decref(sample->faults[0].options);
    json_decref(sample->faults[0].residue);
}

static inline void sample_passing(struct sample *sample)
{
    struct result *result = &sample->result;
    sample_base(sample);
    sample_fill_bins(sample, true, OUTAGE_TO);
    sample_add_fault(sample);
    sample_add_observation(sample, false, "client", CLASS_READ, 16.2);
    sample_add_observation(sample, false, "client", CLASS_WRITE, 17.43);
    sample_add_observation(sample, true, "client", CLASS_READ, 0);
    sample_add_observation(sample, true, "client", CLASS_WRITE, 0);
    sample_add_phase(sample, "masked", 0, 0.003, "first failed request");
    sample_add_phase(sample, "detect", 0.003, 4.1, "health us-east-gw1: up to down");
    sample_add_phase(sample, "switch", 4.1, 6.3, "dns api: 10.1.0.11 to 10.2.0.11");
    sample_add_phase(sample, "promote", 6.3, 15.9, "role eu-west-db: replica to primary");
    sample_add_phase(sample, "reconnect", 15.9, 17.43, "writes good again");
    sample_add_phase(sample, "hold", 17.43, 27.43, "good for 10 s");
    sample->objectives[0] = sample_objective("rto <= 20s", "rto", 20, "s", sample_figure(17.43, 0.011), JUDGEMENT_MET, "");
    sample->objectives[1] = sample_objective("rpo <= 0s", "rpo", 0, "s", sample_figure(0, 0), JUDGEMENT_MET, "");
    sample->objectives[2] = sample_objective("failed < 30%", "failed", 30, "%", sample_figure(16.571, 0), JUDGEMENT_MET, "");
    sample->objectives[2].comparison = "<";
    result->objectives = sample->objectives;
    result->objective_count = 3;
    result->loss = (struct loss){.measured = true,
                                 .acknowledged = 5130,
                                 .unknown_present = 12,
                                 .unknown_absent = 1030,
                                 .rpa = sample_figure(0, 0),
                                 .checks = sample->checks,
                                 .check_count = 2};
    sample->checks[0] = (struct loss_check){"recovery", "inject blackhole us-east", true, NULL, 3000, 0, 0};
    sample->checks[1] = (struct loss_check){"failback", "revert blackhole us-east", true, NULL, 5130, 0, 0};
    result->disrupted = true;
    result->verdict = VERDICT_PASS;
    result->conclusion = CONCLUSION_COMPLETED;
    result->residue_checked = result->clean = true;
    result->residue_left = json_array();
    result->exit_words = "PASS";
    result->rto = sample_figure(17.43, 0.011);
    result->rto_observation = 1;
    result->before = (struct latency_part){true, 0.0044, 0.011, 0.0195, 0.031, 2400};
    result->during = (struct latency_part){true, 0.0046, 0.4, 0.9, 0.998, 3100};
    result->after = (struct latency_part){true, 0.0045, 0.012, 0.021, 0.04, 13500};
    result->driver.measured = result->driver.schedule_kept = true;
    result->driver.late_p99_s = 0.0004;
    result->driver.late_max_s = 0.0031;
    result->events = sample_events();
}

/* Writes were lost and service came back too late, seen from two vantages. */
static inline void sample_failing(struct sample *sample)
{
    struct result *result = &sample->result;
    sample_passing(sample);
    sample_add_observation(sample, false, "client-asia", CLASS_READ, 20.0004);
    result->rto = sample->observations[4].rto;
    result->rto_observation = 4;
    sample->objectives[0] =
        sample_objective("rto <= 20s", "rto", 20, "s", result->rto, JUDGEMENT_MISSED, "20.0004 s is over the limit of 20 s");
    sample->objectives[3] =
        sample_objective("lost <= 0", "lost", 0, "", sample_figure(LOST_MAX, 0), JUDGEMENT_MISSED, "writes were lost");
    result->objective_count = 4;
    for (size_t i = 0; i < LOST_MAX; i++) {
        (void)str_format(sample->lost_text[i], sizeof(sample->lost_text[i]), "w7f3a91a-%09zu", 900 + i);
        sample->lost_ids[i] = sample->lost_text[i];
    }
    result->loss.lost = result->loss.lost_count = LOST_MAX;
    result->loss.lost_during_outage = 3;
    result->loss.lost_ids = sample->lost_ids;
    result->loss.rpa = sample_figure(1.3, 0.01);
    sample->checks[1].missing = sample->checks[1].newly_missing = LOST_MAX;
    result->verdict = VERDICT_FAIL;
    result->exit_code = 1;
    result->exit_words = "FAIL (rto, lost)";
}

/* Service did not come back while it was watched. */
static inline void sample_not_recovered(struct sample *sample)
{
    struct result *result = &sample->result;
    sample_passing(sample);
    for (size_t i = 0; i < 2; i++) {
        sample->observations[i].recovery_ns = 0;
        sample->observations[i].rto = (struct figure){.measured = true, .value = 38, .resolution = 0.01, .at_least = true};
    }
    result->rto = sample->observations[1].rto;
    sample->objectives[0] = sample_objective("rto <= 20s", "rto", 20, "s", result->rto, JUDGEMENT_MISSED, "not recovered");
    result->phase_count = 2;
    result->verdict = VERDICT_FAIL;
    result->exit_code = 1;
    result->exit_words = "FAIL (rto)";
}

/* Nothing was written, so nothing is known about loss. */
static inline void sample_without_writes(struct sample *sample)
{
    struct result *result = &sample->result;
    struct figure none = {.why = "the drill wrote nothing"};
    sample_passing(sample);
    sample->objectives[1] = sample_objective("rpo <= 0s", "rpo", 0, "s", none, JUDGEMENT_UNKNOWN, "the drill wrote nothing");
    result->loss = (struct loss){.why = "the drill wrote nothing", .rpa = none};
    result->verdict = VERDICT_INCONCLUSIVE;
    result->exit_code = 3;
    result->exit_words = "INCONCLUSIVE (rpo)";
    sample->findings[0] = "The driver was late by more than 50 ms for 0.3% of the requests.";
    result->findings = sample->findings;
    result->finding_count = 1;
}

/* Stopped before anything was measured. */
static inline void sample_aborted(struct sample *sample)
{
    memset(sample, 0, sizeof(*sample));
    sample->result.scenario = "region-outage";
    sample->result.verdict = VERDICT_INCONCLUSIVE;
    sample->result.conclusion = CONCLUSION_ABORTED;
    sample->result.conclusion_reason = "interrupted by Ctrl-C";
    sample->result.exit_code = 4;
    sample->result.exit_words = "ABORTED";
    sample->result.rto_observation = SIZE_MAX;
}

/* Every text that can come from elsewhere is hostile. */
#define HOSTILE "<script>alert(1)</script> ]]> & \" ' | `x` \x01\x1b[2J \xff\xfe [a](javascript:b)"

static inline void sample_hostile(struct sample *sample)
{
    struct result *result = &sample->result;
    static char text[] = HOSTILE;
    sample_failing(sample);
    result->drill_id = result->scenario = result->title = result->why = result->topology = result->exit_words = text;
    result->conclusion_reason = text;
    sample->objectives[0].text = sample->objectives[0].reason = text;
    sample->observations[0].cause = sample->observations[0].vantage = text;
    sample->phases[1].source = sample->phases[1].cause = text;
    sample->faults[0].proof = sample->faults[0].target = sample->faults[0].plan = sample->faults[0].mechanism = text;
    sample->faults[0].fault_id = sample->faults[0].fault = text;
    sample->lost_ids[0] = text;
    sample->checks[0].reason = text;
    sample->checks[0].complete = false;
    sample->findings[0] = text;
    result->findings = sample->findings;
    result->finding_count = 1;
    (void)str_copy(sample->addresses[1].region, sizeof(sample->addresses[1].region), HOSTILE);
    sample_add_event(result->events, 3, "note", json_pack("{s:s}", "text", "<script>alert(2)</script> ]]> \x01\x1b[2J"));
}

#pragma GCC diagnostic pop

#endif
