/* Each objective of the plan against what was measured. An objective is met only if it is met at the unfavourable end of the
 * resolution; one that was not measured is unknown, never met. */
#include <math.h>

#include "harness/base/str.h"
#include "harness/measure/shares.h"

static struct figure count_figure(const struct loss *loss, uint64_t value)
{
    if (!loss->measured) {
        return figure_unknown("%s", loss->why);
    }
    return (struct figure){.measured = true, .value = (double)value, .at_least = loss->rpa.at_least};
}

static struct figure failed_figure(const struct result *result, const char *unit)
{
    uint64_t failed = result->requests.failed + result->requests.timed_out;
    uint64_t sent = result->requests.scheduled - result->requests.not_sent;
    if (sent == 0) {
        return figure_unknown("no request was sent");
    }
    double value = *unit ? 100.0 * (double)failed / (double)sent : (double)failed;
    return (struct figure){.measured = true, .value = value};
}

static struct figure latency_figure(const struct measurement *measurement, const struct objective *objective)
{
    static const char *const parts[PART_COUNT] = {"in the load", "before the first disruption", "up to the last recovery",
                                                  "after the last recovery"};
    const struct result *result = measurement->result;
    const struct latency_part *all[PART_COUNT] = {&measurement->whole, &result->before, &result->during, &result->after};
    const struct latency_part *part = all[objective->part];
    if (!part->measured) {
        return figure_unknown("there were no requests %s", parts[objective->part]);
    }
    const struct {
        const char *name;
        double value;
    } table[] = {{"p50", part->p50_s}, {"p95", part->p95_s}, {"p99", part->p99_s}, {"max", part->max_s}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_eq(table[i].name, objective->metric)) {
            return (struct figure){.measured = true, .value = table[i].value};
        }
    }
    return figure_unknown("'%s' is not measured", objective->metric);
}

/* The longest phase of that name. A drill without any outage has no phases, so nothing to be slow in. */
static struct figure phase_figure(const struct measurement *measurement, const char *name)
{
    const struct result *result = measurement->result;
    struct figure figure = figure_unknown("'%s' was not observed", name);
    for (size_t i = 0; i < result->phase_count; i++) {
        double length_s = seconds_of(result->phases[i].end_ns - result->phases[i].start_ns);
        if (str_eq(result->phases[i].name, name) && (!figure.measured || length_s > figure.value)) {
            figure = (struct figure){.measured = true,
                                     .value = length_s,
                                     .resolution = measurement->phase_bounds_s[i],
                                     .clock = result->method.clock_bound_s};
        }
    }
    return figure;
}

static struct figure find_figure(const struct measurement *measurement, const struct objective *objective)
{
    const struct result *result = measurement->result;
    const char *metric = objective->metric;
    if (str_eq(metric, "rto")) {
        return result->rto;
    }
    if (str_eq(metric, "rpo")) {
        return result->loss.rpa;
    }
    if (str_eq(metric, "lost") || str_eq(metric, "duplicated")) {
        return count_figure(&result->loss, str_eq(metric, "lost") ? result->loss.lost : result->loss.duplicated);
    }
    if (str_eq(metric, "divergent")) {
        return result->stores.divergent;
    }
    if (str_eq(metric, "two_primaries")) {
        return result->stores.two_primaries;
    }
    if (str_eq(metric, "silent_alerts") || str_eq(metric, "false_alerts")) {
        return measure_alerts_figure(result, str_eq(metric, "silent_alerts"));
    }
    if (str_eq(metric, "out_of_order")) {
        return result->out_of_order;
    }
    if (str_eq(metric, "false_failovers")) {
        return result->false_failovers;
    }
    if (objective->fault || objective->of || str_eq(metric, "moved") ||
        (str_eq(metric, "failed") && objective->part != PART_WHOLE)) {
        return shares_figure(measurement, objective);
    }
    if (str_eq(metric, "drift")) {
        return measure_drift(measurement);
    }
    if (str_eq(metric, "unanswered")) {
        return measure_unanswered(measurement);
    }
    if (str_eq(metric, "slowest_alert") || str_eq(metric, "slowest_resolve")) {
        return measure_alerts_slowest(measurement, str_eq(metric, "slowest_resolve"));
    }
    if (str_eq(metric, "security_gaps")) {
        return measure_security_figure(measurement);
    }
    if (str_eq(metric, "failed")) {
        return failed_figure(result, objective->unit);
    }
    return metric[0] == 'p' && metric[1] >= '0' && metric[1] <= '9' ? latency_figure(measurement, objective)
           : str_eq(metric, "max")                                  ? latency_figure(measurement, objective)
                                                                    : phase_figure(measurement, metric);
}

static bool is_within(const struct objective *objective, double value)
{
    double slack = 1e-9 * fmax(1, fabs(objective->limit)); /* 0.1 + 0.2 is 0.3 here */
    if (objective->floor) {
        return objective->strict ? value > objective->limit + slack : value >= objective->limit - slack;
    }
    return objective->strict ? value < objective->limit - slack : value <= objective->limit + slack;
}

/* "More than": missed already, not known yet, or, for a recovery that was watched for to the end, worse than any number. */
static void judge_censored(const struct objective *objective, struct objective_result *judged)
{
    const struct figure *figure = &judged->measured;
    bool is_rto = str_eq(objective->metric, "rto");
    bool known = !is_within(objective, figure->value) || (is_rto && !figure->why[0]);
    judged->judgement = known ? JUDGEMENT_MISSED : JUDGEMENT_UNKNOWN;
    if (is_rto) {
        judged->reason = known ? xasprintf("not recovered within the %.2f s that were watched", figure->value)
                               : xasprintf("not recovered, but %s", figure->why);
    } else {
        judged->reason =
            xasprintf("at least %.6g%s%s, more may be missing", figure->value, *judged->unit ? " " : "", judged->unit);
    }
}

static void judge_number(const struct objective *objective, struct objective_result *judged)
{
    const struct figure *figure = &judged->measured;
    bool met = is_within(objective, figure->value + figure->resolution);
    judged->judgement = met ? JUDGEMENT_MET : JUDGEMENT_MISSED;
    if (!met && figure->clock > 0 && is_within(objective, figure->value + figure->resolution - figure->clock)) {
        judged->judgement = JUDGEMENT_UNKNOWN; /* the system may have met it: it is the clocks that cannot tell */
        judged->reason = xasprintf("marginal: %.6g ± %.3g %s, and the clocks' bound of %.3g %s is larger than the margin",
                                   figure->value, figure->resolution, judged->unit, figure->clock, judged->unit);
    } else if (!met && is_within(objective, figure->value)) {
        judged->reason = xasprintf("marginal: %.6g ± %.3g %s is within the limit only at the favourable end", figure->value,
                                   figure->resolution, judged->unit);
    } else if (met) {
        judged->reason = xasprintf("%.6g %s is within the limit", figure->value, judged->unit);
    } else {
        judged->reason = xasprintf("%.6g %s is %s the limit by %.6g", figure->value, judged->unit,
                                   objective->floor ? "below" : "over", fabs(figure->value - objective->limit));
    }
}

static void judge(const struct measurement *measurement, const struct objective *objective, struct objective_result *judged)
{
    *judged = (struct objective_result){
        .text = xstrdup(objective->text),
        .metric = xstrdup(objective->metric),
        .comparison = xasprintf("%s%s", objective->floor ? ">" : "<", objective->strict ? "" : "="),
        .limit = objective->limit,
        .unit = xstrdup(objective->unit),
        .measured = find_figure(measurement, objective),
    };
    if (!judged->measured.measured) {
        judged->judgement = JUDGEMENT_UNKNOWN;
        judged->reason = xasprintf("not measured: %s", judged->measured.why);
    } else if (judged->measured.at_least) {
        judge_censored(objective, judged);
    } else {
        judge_number(objective, judged);
    }
}

static int judge_list(const struct measurement *measurement, const char *member, struct objective_result **ret_judged,
                      size_t *ret_count, struct err *err)
{
    size_t index;
    json_t *text;
    json_t *texts = json_object_get(measurement->evidence->plan, member);
    *ret_judged = xcalloc(json_array_size(texts) + 1, sizeof(**ret_judged));
    json_array_foreach(texts, index, text)
    {
        struct objective *objective CLEANUP(objective_cleanup) = NULL;
        const char *written = json_is_string(text) ? json_string_value(text) : "";
        if (objective_parse(written, &objective, err) < 0) {
            return err_prefix(err, "plan.json: %s: \"%s\"", member, written);
        }
        judge(measurement, objective, &(*ret_judged)[(*ret_count)++]);
    }
    return 0;
}

/* What a reader should know of the plan's terms: which drill this one repeats; lines of the budget that are not judged or looser than
 * the scenario; warn lines that were missed. */
static void find_terms(struct measurement *measurement)
{
    const struct result *result = measurement->result;
    const json_t *budget = json_object_get(measurement->evidence->plan, "budget");
    const json_t *retest = json_object_get(measurement->evidence->plan, "retest_of");
    size_t index;
    json_t *note;
    json_array_foreach(json_object_get(budget, "notes"), index, note)
    {
        measure_finding(measurement, "%s", json_is_string(note) ? json_string_value(note) : "");
    }
    if (retest) {
        measure_finding(measurement, "retest of %s (%s)", json_str(retest, "name", "?"), json_str(retest, "outcome", "?"));
    }
    for (size_t i = 0; i < result->warning_count; i++) {
        const struct objective_result *warning = &result->warnings[i];
        if (warning->judgement != JUDGEMENT_MET) {
            measure_finding(measurement, "warning: \"%s\" %s: %s", warning->text,
                            warning->judgement == JUDGEMENT_MISSED ? "is missed, which does not fail the drill" : "is not known",
                            warning->reason);
        }
    }
}

int measure_judge(struct measurement *measurement, struct err *err)
{
    struct result *result = measurement->result;
    int status = judge_list(measurement, "objectives", &result->objectives, &result->objective_count, err);
    if (status == 0) {
        status = judge_list(measurement, "warnings", &result->warnings, &result->warning_count, err);
    }
    if (status == 0) {
        find_terms(measurement);
    }
    return status;
}
