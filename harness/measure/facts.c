/* What happened, from the events: faults, disruptions, how the drill ended, what it left behind. */
#include <stdio.h>
#include <time.h>

#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/vec.h"
#include "harness/measure/measurement.h"

/* "2026-11-23T12:00:00.123Z"; 0 when it is not one. */
static int64_t parse_utc(const char *text)
{
    struct tm tm = {0};
    int ms = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
               &ms) < 6) {
        return 0;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return timegm(&tm) * NS_PER_S + ms * NS_PER_MS;
}

/* The fault of an event, also when it speaks of one of its parts ("f1.2"); one that was never requested (the line was lost) gets an entry with what is known. */
static size_t fault_index(struct measurement *measurement, const json_t *event)
{
    struct result *result = measurement->result;
    const char *id = json_str(event, "fault_id", "");
    int length = (int)strcspn(id, ".");
    for (size_t i = 0; i < result->fault_count; i++) {
        const char *known = result->faults[i].fault_id;
        if (strlen(known) == (size_t)length && strncmp(known, id, (size_t)length) == 0) {
            return i;
        }
    }
    result->faults = xrealloc(result->faults, result->fault_count + 1, sizeof(*result->faults));
    result->faults[result->fault_count] = (struct fault_result){
        .fault_id = xasprintf("%.*s", length, id),
        .fault = xstrdup(json_str(event, "fault", "fault")),
        .target = xstrdup(json_str(event, "target", id)),
        .plan = xstrdup(json_str(event, "plan", "")),
        .mechanism = xstrdup(""),
        .proof = xstrdup(""),
    };
    json_t *options = json_object_get(event, "options");
    result->faults[result->fault_count].options = json_is_object(options) ? json_incref(options) : json_object();
    return result->fault_count++;
}

static void add_disruption(struct measurement *measurement, int64_t t_ns, size_t fault, bool failback)
{
    measurement->disruptions =
        xrealloc(measurement->disruptions, measurement->disruption_count + 1, sizeof(*measurement->disruptions));
    measurement->disruptions[measurement->disruption_count++] =
        (struct disruption){.t_ns = t_ns, .fault = fault, .failback = failback};
}

static void set_bracket(struct measurement *measurement, size_t fault, bool failback, int64_t bracket_ns, int64_t bound_ns)
{
    for (size_t i = 0; i < measurement->disruption_count; i++) {
        struct disruption *disruption = &measurement->disruptions[i];
        if (disruption->fault == fault && disruption->failback == failback && bracket_ns > disruption->bracket_ns) {
            disruption->bracket_ns = bracket_ns;
            disruption->clock_ns = 2 * bound_ns < bracket_ns ? 2 * bound_ns : bracket_ns;
        }
    }
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = xstrdup(value);
}

static void take_applied(struct measurement *measurement, const json_t *event, size_t index)
{
    struct fault_result *fault = &measurement->result->faults[index];
    fault->applied = true;
    fault->applied_before_ns = json_int(event, "before_ns", json_int(event, "t", 0));
    fault->applied_after_ns = json_int(event, "after_ns", json_int(event, "t", 0));
    set_text(&fault->mechanism, json_str(event, "mechanism", ""));
    set_bracket(measurement, index, false, fault->applied_after_ns - fault->applied_before_ns, json_int(event, "bound_ns", 0));
}

static void take_reverted(struct measurement *measurement, const json_t *event, size_t index)
{
    struct fault_result *fault = &measurement->result->faults[index];
    int64_t t_ns = json_int(event, "t", 0);
    fault->removed = true;
    fault->removed_ns = json_int(event, "after_ns", t_ns);
    set_bracket(measurement, index, true, fault->removed_ns - json_int(event, "before_ns", t_ns), json_int(event, "bound_ns", 0));
}

/* Each part says so; the first is enough. */
static void take_expired(struct measurement *measurement, const json_t *event, struct fault_result *fault)
{
    bool reverted = json_flag(event, "reverted", false);
    if (!fault->expired || !reverted) {
        measure_finding(measurement, "Fault %s (%s %s) came to the end of its time to live%s%s.", fault->fault_id, fault->fault,
                        fault->target, reverted ? " and was taken away by its agent" : ", and its agent could not take it away: ",
                        reverted ? "" : json_str(event, "reason", "no reason given"));
    }
    fault->expired = true;
}

static void take_fault_event(struct measurement *measurement, const json_t *event, const char *kind)
{
    size_t index = fault_index(measurement, event);
    struct fault_result *fault = &measurement->result->faults[index];
    int64_t t_ns = json_int(event, "t", 0);
    if (str_eq(kind, "fault.requested")) {
        fault->requested_ns = t_ns;
        add_disruption(measurement, t_ns, index, false);
    } else if (str_eq(kind, "fault.applied")) {
        take_applied(measurement, event, index);
    } else if (str_eq(kind, "fault.proven")) {
        fault->proven = json_flag(event, "ok", false);
        set_text(&fault->proof, json_str(event, "proof", ""));
    } else if (str_eq(kind, "fault.expired")) {
        take_expired(measurement, event, fault);
    } else if (str_eq(kind, "fault.reverting")) {
        fault->reverting_ns = t_ns;
        add_disruption(measurement, t_ns, index, true);
    } else if (str_eq(kind, "fault.reverted")) {
        take_reverted(measurement, event, index);
    } else if (str_eq(kind, "fault.residue")) {
        json_decref(fault->residue);
        fault->clean = json_flag(event, "clean", false);
        fault->residue = json_incref(json_object_get(event, "left"));
        fault->residue = fault->residue ? fault->residue : json_array();
    }
}

static void take_residue(struct result *result, const json_t *event)
{
    json_t *left = json_object_get(event, "left");
    result->residue_checked = true;
    result->clean = json_flag(event, "clean", false);
    json_decref(result->residue_left);
    result->residue_left = json_is_array(left) ? json_incref(left) : json_array();
}

static void take_end(struct result *result, const json_t *event)
{
    const char *name = json_str(event, "conclusion", "error");
    result->conclusion = CONCLUSION_ERROR;
    for (enum conclusion i = CONCLUSION_COMPLETED; i < CONCLUSION_COUNT; i++) {
        if (str_eq(conclusion_name(i), name)) {
            result->conclusion = i;
        }
    }
    set_text(&result->conclusion_reason, json_str(event, "reason", ""));
}

static void take_await(struct measurement *measurement)
{
    if (measurement->disruption_count > 0) {
        measurement->disruptions[measurement->disruption_count - 1].awaited = true;
    }
}

static void take_event(struct measurement *measurement, const json_t *event)
{
    struct result *result = measurement->result;
    const char *kind = json_str(event, "kind", "");
    if (str_starts_with(kind, "fault.")) {
        take_fault_event(measurement, event, kind);
    } else if (str_eq(kind, "residue")) {
        take_residue(result, event);
    } else if (str_eq(kind, "await.begin")) {
        take_await(measurement);
    } else if (str_eq(kind, "steady.failed")) {
        measurement->steady_failed = true;
        measure_finding(measurement, "The system was not healthy before the drill: %s.",
                        json_str(event, "reason", "no reason given"));
    } else if (str_eq(kind, "agent.lost")) {
        measure_finding(measurement, "The agent in '%s' was lost: %s.", json_str(event, "place", "?"),
                        json_str(event, "reason", "?"));
    } else if (str_eq(kind, "drill.end")) {
        measurement->ended = true;
        take_end(result, event);
    }
}

/* The newest instant that the evidence speaks of: a request whose deadline is later than that was still open. */
static int64_t evidence_end_ns(const struct measurement *measurement)
{
    const json_t *events = measurement->evidence->events;
    int64_t end_ns = json_int(json_array_get(events, json_array_size(events) - 1), "t", INT64_MIN);
    for (size_t i = 0; i < measurement->tracks.count; i++) {
        int64_t newest_ns = measurement->tracks.items[i].newest_ns;
        end_ns = newest_ns > end_ns ? newest_ns : end_ns;
    }
    return end_ns;
}

static int64_t load_start_ns(const struct evidence *evidence)
{
    int64_t start_ns = INT64_MAX;
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        const struct ledger_header *header = ledger_header(evidence->ledgers[i]);
        int64_t this_ns = header->start_ns + header->clock_offset_ns;
        start_ns = this_ns < start_ns ? this_ns : start_ns;
    }
    return start_ns == INT64_MAX ? json_int(json_array_get(evidence->events, 0), "t", 0) : start_ns;
}

void measure_facts(struct measurement *measurement)
{
    struct result *result = measurement->result;
    const json_t *events = measurement->evidence->events;
    size_t index;
    json_t *event;
    result->conclusion = CONCLUSION_ERROR;
    result->conclusion_reason = xstrdup("the evidence ends without the drill's end: it was killed");
    json_array_foreach(events, index, event)
    {
        take_event(measurement, event);
    }
    result->started_utc_ns = parse_utc(json_str(json_array_get(events, 0), "utc", ""));
    result->ended_utc_ns = parse_utc(json_str(json_array_get(events, json_array_size(events) - 1), "utc", ""));
    measurement->end_ns = evidence_end_ns(measurement);
    result->disrupted = measurement->disruption_count > 0;
    result->origin_ns = result->disrupted ? measurement->disruptions[0].t_ns : load_start_ns(measurement->evidence);
}
