/* What the steps of one measuring share: the evidence, the settings of its plan and the result that fills up. Each step is one file;
 * measure.c calls them in order. Internal to this room. */
#ifndef DRILL_MEASURE_MEASUREMENT_H
#define DRILL_MEASURE_MEASUREMENT_H

#include <netinet/in.h>

#include "harness/evidence/evidence.h"
#include "harness/measure/objective.h"
#include "harness/measure/outage.h"
#include "harness/measure/result.h"
#include "harness/measure/track.h"

/* An instant at which the drill changed something on purpose: an injection or a revert. */
struct disruption {
    int64_t t_ns;
    int64_t bracket_ns; /* how long the injector's kernel calls took, with the bound of its clock on both sides */
    int64_t clock_ns;   /* the part of it that is that bound */
    size_t fault;       /* index into result->faults */
    bool failback;
    bool awaited; /* the scenario waited for the recovery from it */
};

struct measurement {
    const struct evidence *evidence;
    struct tracks tracks;
    struct result *result;
    struct outage_settings settings;
    int64_t late_limit_ns;
    double late_share;
    int64_t end_ns; /* of the evidence */
    struct disruption *disruptions;
    size_t disruption_count;
    bool steady_failed;
    bool baseline_failed;            /* a window before the first disruption was not good */
    bool driver_late, driver_unsent; /* more than late_share of the requests went out late, or not at all */
    bool ended;                      /* the evidence has the drill's end */
    struct latency_part whole;
    double *phase_bounds_s; /* how exactly the end of each of result->phases is known */
};

/* facts.c: faults, disruptions, conclusion and residue, from the events. */
void measure_facts(struct measurement *measurement);
/* promise.c: a finding when more regions were out at once than the topology promises to stand; needs the faults and end_ns. */
void measure_promise(struct measurement *measurement);
/* traffic.c: totals, bins, addresses, the driver's lateness; needs result->origin_ns. */
void measure_traffic(struct measurement *measurement);
/* The region whose network holds the address; "" when none does. */
void measure_region_name(const json_t *plan, struct in_addr address, char *out, size_t size);
/* The region of the first address in a list with commas; "" when it is in none. */
void measure_region_of(const struct measurement *measurement, const char *answer, char out[static 64]);
/* detail.c: what pictures and tables show beside the totals: latencies in buckets, regions, the first failure of each kind; needs the
 * bins. */
void measure_detail(struct measurement *measurement);
/* latency.c: quantiles of the parts; needs the observations. */
void measure_latency(struct measurement *measurement);
/* baseline.c: was the system healthy before */
void measure_baseline(struct measurement *measurement);
/* observe.c: the observations and the worst of them. */
void measure_observations(struct measurement *measurement);
/* phase.c */
void measure_phases(struct measurement *measurement);
/* Did this event tell that DNS answers with other addresses than before, or that another database became primary? */
bool measure_is_switch(const json_t *events, const json_t *event);
bool measure_is_promotion(const json_t *events, const json_t *event);
bool measure_is_answer(const char *value); /* addresses, not a word for why there is none */
/* What the same observer last saw of the subject before this event, passing over what is no value; "" when nothing. */
const char *measure_seen_before(const json_t *events, const json_t *event, bool (*is_value)(const char *value));
/* failover.c: times that DNS left a region which served; needs the observations. */
void measure_failovers(struct measurement *measurement);
/* order.c: when what the plan's `order` names failed over; needs the first disruption. */
void measure_order(struct measurement *measurement);
/* loss.c: what the read-backs show. */
void measure_loss(struct measurement *measurement);
/* alerts.c: which fired, which did not; needs the first disruption. */
void measure_alerts(struct measurement *measurement);
/* coverage.c: what was touched, who took part; how many differences the scenario's d:drift found, and each as a
 * finding; how often nobody said what was waited for, and each wait as a finding. */
void measure_coverage(struct measurement *measurement);
struct figure measure_drift(const struct measurement *measurement);
void measure_drift_findings(struct measurement *measurement);
struct figure measure_unanswered(const struct measurement *measurement);
void measure_people_findings(struct measurement *measurement);
/* Did this event tell that an alert fires? */
bool measure_is_firing(const json_t *event);
/* How many that should have fired did not (silent), or how many fired that should not have. */
struct figure measure_alerts_figure(const struct result *result, bool silent);
/* The slowest of the alerts that have to fire: until it fired, or (resolve) from the fault's end until it was resolved. */
struct figure measure_alerts_slowest(const struct measurement *measurement, bool resolve);
/* security.c: which of the things that must hold were seen not to; needs the first disruption. */
void measure_security(struct measurement *measurement);
/* How many of them. */
struct figure measure_security_figure(const struct measurement *measurement);
/* judge.c: the plan's objectives. */
int measure_judge(struct measurement *measurement, struct err *err) MUST_CHECK;
/* verdict.c */
void measure_verdict(struct measurement *measurement);

/* One more sentence for the reader. */
void measure_finding(struct measurement *measurement, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A figure that is not measured, and why. */
struct figure figure_unknown(const char *fmt, ...) PRINTF_LIKE(1, 2);
double seconds_of(int64_t ns);

#endif
