/* Security: what must hold whatever is broken, asked again and again (observers of the kind "security"). An answer begins with "holds" or
 * with "gap"; anything else says that there was nobody to ask, which is neither.
 *
 * A check was kept when no answer was a gap and at least one was given while a fault was in, where users were served then: what another
 * region answered, or this one before and after, says nothing about the doors that users were sent to. "holds in us-west" names the region;
 * an answer that names none counts when anybody was served. */
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/measure/address.h"
#include "harness/measure/measurement.h"
#include "harness/measure/series.h"

/* Only changes are told: an answer was given again and again until another one is told. */
struct answer {
    const char *region; /* that it names, one of the plan's; NULL: none */
    int64_t told_ns, bound_ns;
    int64_t last_ns; /* it was still given then */
};

/* What was seen of one check. */
struct asked {
    const char *name, *gap; /* the first gap; NULL: none. Borrowed from the events */
    int64_t gap_ns;
    bool answered, before, kept; /* at all; before the first disruption; while a fault was in, where users were served */
    json_t *held_in;             /* the regions as keys, in order */
};

static void asked_clear(struct asked *asked)
{
    json_decref(asked->held_in);
}

static bool is_answer(const char *text)
{
    return str_starts_with(text, "holds") || str_starts_with(text, "gap");
}

/* "holds in us-east", "gap in us-east: what was found" */
static const char *region_in(const struct measurement *measurement, const char *text)
{
    const char *in = strstr(text, " in ");
    size_t index, length = in ? strcspn(in + 4, " :,;") : 0;
    json_t *region;
    json_array_foreach(json_object_get(measurement->evidence->plan, "regions"), index, region)
    {
        const char *name = json_str(region, "name", "");
        if (length > 0 && strlen(name) == length && strncmp(in + 4, name, length) == 0) {
            return name;
        }
    }
    return NULL;
}

/* Was anybody served who was due in [from_ns, to_ns)? In this region; NULL: in any. */
static bool is_serving(const struct measurement *measurement, const char *region, int64_t from_ns, int64_t to_ns)
{
    struct address_regions regions = {.plan = measurement->evidence->plan};
    bool serving = false;
    for (size_t i = 0; i < measurement->tracks.count && !serving; i++) {
        const struct track *track = &measurement->tracks.items[i];
        struct series series = {track->records, track->count, track->offset_ns, CLASS_NONE, &measurement->settings};
        for (uint64_t j = series_from(&series, from_ns); j < series.count && series_due_ns(&series, j) < to_ns && !serving; j++) {
            const struct ledger_record *record = &series.records[j];
            serving = request_is_good(record, &measurement->settings) &&
                      (!region || str_eq(address_region(&regions, record->address), region));
        }
    }
    address_regions_clear(&regions);
    return serving;
}

/* An answer from before the fault may be one that was given before it: it counts from when it was surely given again. */
static bool is_given_during(const struct measurement *measurement, const struct answer *answer, const struct fault_result *fault)
{
    int64_t begin_ns = fault->applied_after_ns, end_ns = measurement->end_ns;
    int64_t from_ns = answer->told_ns >= begin_ns ? answer->told_ns : begin_ns + answer->bound_ns;
    if (fault->reverting_ns || fault->removed_ns) {
        end_ns = fault->reverting_ns ? fault->reverting_ns : fault->removed_ns;
    }
    return fault->applied && from_ns <= answer->last_ns && from_ns < end_ns &&
           is_serving(measurement, answer->region, from_ns, end_ns);
}

static bool is_given_while_broken(const struct measurement *measurement, const struct answer *answer)
{
    for (size_t i = 0; i < measurement->result->fault_count; i++) {
        if (is_given_during(measurement, answer, &measurement->result->faults[i])) {
            return true;
        }
    }
    return false;
}

static bool is_of(const json_t *event, const char *name)
{
    return str_eq(json_str(event, "observer", ""), "security") && str_eq(json_str(event, "subject", ""), name);
}

/* Of the event at this index. What is told next was not so yet when the question before it was asked: its bound. */
static struct answer answer_of(const struct measurement *measurement, size_t index, const char *name)
{
    const json_t *events = measurement->evidence->events, *event = json_array_get(events, index);
    struct answer answer = {
        .region = region_in(measurement, json_str(event, "to", "")),
        .told_ns = json_int(event, "t", 0),
        .bound_ns = json_int(event, "bound_ns", 0),
    };
    answer.last_ns = measurement->end_ns - answer.bound_ns;
    for (size_t i = index + 1; i < json_array_size(events); i++) {
        const json_t *next = json_array_get(events, i);
        if (is_of(next, name)) {
            answer.last_ns = json_int(next, "t", 0) - json_int(next, "bound_ns", 0);
            break;
        }
    }
    answer.last_ns = answer.last_ns > answer.told_ns ? answer.last_ns : answer.told_ns;
    return answer;
}

static struct asked look_for(const struct measurement *measurement, const char *name)
{
    struct asked asked = {.name = name, .held_in = json_object()};
    const struct result *result = measurement->result;
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        const char *to = json_str(event, "to", "");
        if (!is_of(event, name) || !is_answer(to)) {
            continue;
        }
        struct answer answer = answer_of(measurement, index, name);
        asked.answered = true;
        asked.before = asked.before || (result->disrupted && answer.told_ns < result->origin_ns);
        asked.kept = asked.kept || !result->disrupted || is_given_while_broken(measurement, &answer);
        if (str_starts_with(to, "holds") && answer.region) {
            json_object_set_new(asked.held_in, answer.region, json_true());
        } else if (str_starts_with(to, "gap") && !asked.gap) {
            asked.gap = to;
            asked.gap_ns = answer.told_ns;
        }
    }
    return asked;
}

/* " in us-east, us-west"; "" when no answer named a region. */
static void name_regions(const struct asked *asked, struct buf *out)
{
    const char *region;
    json_t *value;
    json_object_foreach(asked->held_in, region, value)
    {
        buf_printf(out, "%s%s", out->size ? ", " : " in ", region);
    }
}

static void tell(struct measurement *measurement, const struct asked *asked)
{
    const struct result *result = measurement->result;
    double after_s = seconds_of(asked->gap_ns - result->origin_ns);
    struct buf regions CLEANUP(buf_clear) = {0};
    name_regions(asked, &regions);
    if (asked->gap && result->disrupted && asked->gap_ns >= result->origin_ns) {
        measure_finding(measurement, "%s: %s, seen %.1f s after the first disruption%s.", asked->name, asked->gap, after_s,
                        asked->before ? " and not before" : "");
    } else if (asked->gap) {
        measure_finding(measurement, "%s: %s, seen before anything was broken.", asked->name, asked->gap);
    } else if (asked->kept) {
        measure_finding(measurement, "%s: no gap: holds%s.", asked->name, buf_str(&regions));
    } else if (asked->answered) {
        measure_finding(measurement,
                        "%s: not measured: held%s, but was not answered where users were served while a fault was in.",
                        asked->name, buf_str(&regions));
    }
}

static const json_t *watched(const struct measurement *measurement)
{
    return json_object_get(measurement->evidence->plan, "security");
}

void measure_security(struct measurement *measurement)
{
    size_t index;
    json_t *name;
    json_array_foreach(watched(measurement), index, name)
    {
        struct asked asked CLEANUP(asked_clear) = look_for(measurement, json_is_string(name) ? json_string_value(name) : "");
        tell(measurement, &asked);
    }
}

struct figure measure_security_figure(const struct measurement *measurement)
{
    struct figure figure = {.measured = true};
    struct figure unknown = {0};
    size_t index;
    json_t *name;
    if (json_array_size(watched(measurement)) == 0) {
        return figure_unknown("the topology has no observers of the kind security");
    }
    json_array_foreach(watched(measurement), index, name)
    {
        struct asked asked CLEANUP(asked_clear) = look_for(measurement, json_is_string(name) ? json_string_value(name) : "");
        figure.value += asked.gap != NULL;
        if (!asked.kept) {
            unknown = figure_unknown("'%s' was not answered%s", asked.name,
                                     asked.answered ? " where users were served while a fault was in" : "");
        }
    }
    return figure.value == 0 && unknown.why[0] ? unknown : figure;
}
