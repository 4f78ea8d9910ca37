/* Where the time of an outage went, from what the observers saw. For the slowest observation of each disruption that has an outage:
 *
 *   masked     disruption              → first failed request
 *   detect     first failed request    → a health check goes from up to down, or a database leaves the role of primary
 *   decide     detection               → a note that begins with "declared"
 *   switch     detection or decision   → a DNS answer changes to other addresses
 *   promote    detection or decision   → another database becomes primary or master
 *   reconnect  the last of these       → recovery
 *   hold       recovery                → it has held
 *
 * What was not observed is left out. What was seen before the phase could begin (a detection before the first failure) took no time. */
#include "harness/base/str.h"
#include "harness/measure/measurement.h"

struct story {
    struct measurement *measurement;
    const struct observation *observation;
    int64_t cursor_ns; /* where the next phase begins */
};

/* Takes `source`. `bound_ns` is what an observer that asks every so often leaves open. */
static void add_phase(struct story *story, const char *name, int64_t begin_ns, int64_t end_ns, int64_t bound_ns, char *source)
{
    struct measurement *measurement = story->measurement;
    struct result *result = measurement->result;
    measurement->phase_bounds_s =
        xrealloc(measurement->phase_bounds_s, result->phase_count + 1, sizeof(*measurement->phase_bounds_s));
    measurement->phase_bounds_s[result->phase_count] = seconds_of(bound_ns) + result->method.clock_bound_s;
    result->phases = xrealloc(result->phases, result->phase_count + 1, sizeof(*result->phases));
    result->phases[result->phase_count++] = (struct phase){
        .name = name,
        .start_ns = begin_ns < end_ns ? begin_ns : end_ns,
        .end_ns = end_ns,
        .source = source,
        .cause = xstrdup(story->observation->cause),
    };
}

/* Addresses, not a word for why there is none. */
bool measure_is_answer(const char *value)
{
    return *value >= '0' && *value <= '9';
}

/* A role, not a word for why none was told. */
static bool is_role(const char *value)
{
    static const char *const none[] = {"", "unreachable", "unknown", "none", "down"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        if (str_eq(value, none[i])) {
            return false;
        }
    }
    return true;
}

static bool is_primary(const char *role)
{
    return str_eq(role, "primary") || str_eq(role, "master");
}

/* What the same observer last saw of the subject before this event, passing over times without an answer; "" when nothing. */
const char *measure_seen_before(const json_t *events, const json_t *event, bool (*is_value)(const char *value))
{
    const char *last = "";
    size_t index;
    json_t *earlier;
    json_array_foreach(events, index, earlier)
    {
        if (earlier == event) {
            break;
        }
        if (str_eq(json_str(earlier, "observer", ""), json_str(event, "observer", "")) &&
            str_eq(json_str(earlier, "subject", ""), json_str(event, "subject", "")) && is_value(json_str(earlier, "to", ""))) {
            last = json_str(earlier, "to", "");
        }
    }
    const char *from = json_str(event, "from", "");
    return is_value(from) ? from : last;
}

static bool watches_alerts(const json_t *events)
{
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event)
    {
        if (str_eq(json_str(event, "observer", ""), "alert")) {
            return true;
        }
    }
    return false;
}

/* Where alerts are watched they are what people are told by: nothing else is a detection there. */
static bool is_detection(const json_t *events, const json_t *event)
{
    const char *observer = json_str(event, "observer", ""), *from = json_str(event, "from", ""), *to = json_str(event, "to", "");
    bool health = str_eq(observer, "health") && str_eq(from, "up") && str_eq(to, "down");
    if (measure_is_firing(event) || watches_alerts(events)) {
        return measure_is_firing(event);
    }
    return health || (str_eq(observer, "role") && is_role(to) && !is_primary(to) &&
                      is_primary(measure_seen_before(events, event, is_role)));
}

static bool is_decision(const json_t *events, const json_t *event)
{
    (void)events;
    return str_eq(json_str(event, "kind", ""), "note") && str_starts_with(json_str(event, "text", ""), "declared");
}

bool measure_is_switch(const json_t *events, const json_t *event)
{
    const char *to = json_str(event, "to", "");
    if (!str_eq(json_str(event, "observer", ""), "dns") || !measure_is_answer(to)) {
        return false;
    }
    const char *before = measure_seen_before(events, event, measure_is_answer);
    return *before && !str_eq(before, to);
}

/* A database that was primary all along and only comes back has not been promoted. */
bool measure_is_promotion(const json_t *events, const json_t *event)
{
    if (!str_eq(json_str(event, "observer", ""), "role") || !is_primary(json_str(event, "to", ""))) {
        return false;
    }
    const char *before = measure_seen_before(events, event, is_role);
    return *before && !is_primary(before);
}

typedef bool is_meant_f(const json_t *events, const json_t *event);

static int64_t end_of(const struct observation *observation)
{
    return observation->recovery_ns ? observation->recovery_ns : observation->watched_until_ns;
}

/* An observer sees a change up to `bound_ns` after it: one that it saw just after the recovery may have brought it about. */
static const json_t *first_event(const struct story *story, is_meant_f *is_meant)
{
    const struct observation *observation = story->observation;
    int64_t end_ns = end_of(observation);
    size_t index;
    json_t *event;
    json_array_foreach(story->measurement->evidence->events, index, event)
    {
        int64_t t_ns = json_int(event, "t", 0);
        if (t_ns >= observation->disruption_ns && t_ns - json_int(event, "bound_ns", 0) <= end_ns &&
            is_meant(story->measurement->evidence->events, event)) {
            return event;
        }
    }
    return NULL;
}

static char *describe(const json_t *event)
{
    if (str_eq(json_str(event, "kind", ""), "note")) {
        return xstrdup(json_str(event, "text", ""));
    }
    const char *observer = json_str(event, "observer", ""), *subject = json_str(event, "subject", "");
    bool said = str_starts_with(subject, observer);
    return xasprintf("%s%s%s: %s to %s", said ? "" : observer, said ? "" : " ", subject, json_str(event, "from", "?"),
                     json_str(event, "to", "?"));
}

/* Adds the phase when its end was observed; gives that instant, or the cursor. */
static int64_t add_seen(struct story *story, const char *name, is_meant_f *is_meant)
{
    const json_t *event = first_event(story, is_meant);
    if (!event) {
        return story->cursor_ns;
    }
    int64_t t_ns = json_int(event, "t", 0), end_ns = end_of(story->observation);
    t_ns = t_ns > end_ns ? end_ns : t_ns;
    add_phase(story, name, story->cursor_ns, t_ns, json_int(event, "bound_ns", 0), describe(event));
    return t_ns > story->cursor_ns ? t_ns : story->cursor_ns;
}

static void tell(struct story *story)
{
    const struct observation *observation = story->observation;
    add_phase(story, "masked", observation->disruption_ns, observation->outage_start_ns, 0,
              xasprintf("first failed %s from %s", class_name(observation->request_class), observation->vantage));
    story->cursor_ns = observation->outage_start_ns;
    story->cursor_ns = add_seen(story, "detect", is_detection);
    story->cursor_ns = add_seen(story, "decide", is_decision);
    int64_t switched_ns = add_seen(story, "switch", measure_is_switch);
    int64_t promoted_ns = add_seen(story, "promote", measure_is_promotion);
    story->cursor_ns = switched_ns > promoted_ns ? switched_ns : promoted_ns;
    if (observation->recovery_ns) {
        add_phase(story, "reconnect", story->cursor_ns, observation->recovery_ns, 0,
                  xasprintf("good %ss from %s", class_name(observation->request_class), observation->vantage));
        add_phase(story, "hold", observation->recovery_ns, observation->recovery_ns + story->measurement->settings.hold_ns, 0,
                  xstrdup("every window good"));
    }
}

/* The latest recovery; one that never came is the latest of all. */
static bool is_slower(const struct observation *a, const struct observation *b)
{
    if (!a->recovery_ns || !b->recovery_ns) {
        return b->recovery_ns && !a->recovery_ns;
    }
    return a->recovery_ns > b->recovery_ns;
}

void measure_phases(struct measurement *measurement)
{
    const struct result *result = measurement->result;
    for (size_t begin = 0, end = 0; begin < result->observation_count; begin = end) {
        const struct observation *slowest = NULL;
        for (; end < result->observation_count &&
               result->observations[end].disruption_ns == result->observations[begin].disruption_ns;
             end++) {
            const struct observation *observation = &result->observations[end];
            if (observation->outage && (!slowest || is_slower(observation, slowest))) {
                slowest = observation;
            }
        }
        if (slowest) {
            struct story story = {.measurement = measurement, .observation = slowest};
            tell(&story);
        }
    }
}
