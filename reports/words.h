/* The words that all formats share: figures with their resolution, what an objective came to, what an event says. All append to
 * `out`, which the caller clears. */
#ifndef DRILL_REPORTS_WORDS_H
#define DRILL_REPORTS_WORDS_H

#include "harness/base/buf.h"
#include "harness/measure/result.h"

/* Seconds from the first disruption to an instant; before it they are negative. */
double words_since(const struct result *result, int64_t t_ns);

/* "PASS", "FAIL", "INCONCLUSIVE"; static. */
const char *words_verdict(enum verdict verdict);
/* "PASS", "FAIL", "UNKNOWN"; static. */
const char *words_judgement(enum judgement judgement);
/* What a request outcome is, for people: "connection refused"; static. */
const char *words_outcome(enum request_outcome outcome);

/* "17.43 s": enough digits for the resolution, and at least enough to differ from `apart_from` when the values differ. */
void words_value(double value, double resolution, double apart_from, const char *unit, struct buf *out);
/* "17.43 s ± 0.02 s", "more than 30.0 s", "not measured: no writes" */
void words_figure(const struct figure *figure, const char *unit, struct buf *out);
/* The same, with the digits that tell it from `limit` when it is not that. */
void words_figure_near(const struct figure *figure, double limit, const char *unit, struct buf *out);
/* The limit of the first objective on that metric; NAN without. */
double words_limit(const struct result *result, const char *metric);
/* The same for an objective's own limit. */
void words_achieved(const struct objective_result *objective, struct buf *out);
/* "2.57 s to spare", "over by 12.4 s", "" when there is nothing to compare */
void words_margin(const struct objective_result *objective, struct buf *out);
/* Seconds, or "-" when the instant did not happen (0). */
void words_instant(const struct result *result, int64_t t_ns, struct buf *out);
/* "0.31%" of a whole; "-" when the whole is 0. */
void words_share(uint64_t part, uint64_t whole, struct buf *out);

/* What an alert should do: "fire after delay", "fire or not", "stay quiet". */
void words_alert(const struct alert_result *alert, struct buf *out);

/* Names of the parts that were covered so: "us-east, us-west". */
void words_covered(const struct covered_part *parts, size_t count, enum covered covered, struct buf *out);

/* One plain sentence or two for people who were not there. */
void words_sentence(const struct result *result, struct buf *out);
/* The drill did not run as planned, left something behind, or could not be judged for a reason that no objective shows (a fault that
 * was not proven): what must not look green when every objective does. */
bool words_trouble(const struct result *result);
/* Where the time of the worst recovery went: "masked 0.10 s | detect 4.20 s | …"; "" when no phase was observed. */
void words_phases(const struct result *result, struct buf *out);
/* "2 of 5400 acknowledged writes lost (2 during the outage), 0 duplicated" or why it was not measured. */
void words_loss(const struct result *result, struct buf *out);
/* "nothing left behind", "left behind: …", "not checked" */
void words_cleanup(const struct result *result, struct buf *out);
/* One line for one event of events.jsonl. `place` receives where it happened, "" when it does not say. */
void words_event(const json_t *event, struct buf *place, struct buf *out);
/* The fault's target and name as "blackhole us-east". */
void words_fault(const struct fault_result *fault, struct buf *out);
/* "in force after 0.02 s, proven", "never in force" … */
void words_fault_state(const struct result *result, const struct fault_result *fault, struct buf *out);

/* The worst observation, or NULL. */
const struct observation *result_worst(const struct result *result);

#endif
