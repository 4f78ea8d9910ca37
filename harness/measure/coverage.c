/* What no step of the drill touched, and who took part: from the plan's inventory and from what happened, not from anybody's word. */
#include "harness/measure/coverage.h"

#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/measure/measurement.h"

const char *coverage_name(enum covered covered)
{
    static const char *const names[COVERED_COUNT] = {"no", "around", "itself"};
    return names[covered];
}

static struct covered_part *find(struct covered_part *parts, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(parts[i].name, name)) {
            return &parts[i];
        }
    }
    return NULL;
}

static void add_part(struct covered_part **parts, size_t *count, const char *name)
{
    if (!find(*parts, *count, name)) {
        *parts = xrealloc(*parts, *count + 1, sizeof(**parts));
        (*parts)[(*count)++] = (struct covered_part){.name = xstrdup(name)};
    }
}

static void raise(struct covered_part *part, enum covered how)
{
    if (part && how > part->covered) {
        part->covered = how;
    }
}

/* An instance of the inventory that a hit reaches: by its own name, by its host's, by its region's. */
static void touch(struct coverage *coverage, const json_t *instance, const char *kind, const char *name)
{
    bool itself = str_eq(kind, "service") && str_eq(json_str(instance, "name", ""), name);
    bool host = str_eq(kind, "host") && str_eq(json_str(instance, "host", ""), name);
    bool region = str_eq(kind, "region") && str_eq(json_str(instance, "region", ""), name);
    if (!itself && !host && !region) {
        return;
    }
    raise(find(coverage->services, coverage->service_count, json_str(instance, "service", "")),
          itself ? COVERED_ITSELF : COVERED_AROUND);
    raise(find(coverage->regions, coverage->region_count, json_str(instance, "region", "")),
          region ? COVERED_ITSELF : COVERED_AROUND);
}

static bool is_proven(const struct result *result, const char *fault_id)
{
    for (size_t i = 0; i < result->fault_count; i++) {
        if (str_eq(result->faults[i].fault_id, fault_id)) {
            return result->faults[i].proven;
        }
    }
    return false;
}

static void take_event(struct coverage *coverage, const struct result *result, const json_t *inventory, const json_t *event)
{
    size_t at, index;
    json_t *hit, *instance;
    if (!str_eq(json_str(event, "kind", ""), "fault.requested") || !is_proven(result, json_str(event, "fault_id", ""))) {
        return;
    }
    raise(find(coverage->faults, coverage->fault_count, json_str(event, "fault", "")), COVERED_ITSELF);
    json_array_foreach(json_object_get(event, "hits"), at, hit)
    {
        json_array_foreach(inventory, index, instance)
        {
            touch(coverage, instance, json_str(hit, "kind", ""), json_str(hit, "name", ""));
        }
    }
}

static void list_parts(struct coverage *coverage, const json_t *plan, const json_t *inventory)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(plan, "regions"), index, item)
    {
        add_part(&coverage->regions, &coverage->region_count, json_str(item, "name", ""));
    }
    json_array_foreach(inventory, index, item)
    {
        add_part(&coverage->services, &coverage->service_count, json_str(item, "service", ""));
    }
    json_array_foreach(json_object_get(plan, "catalogue"), index, item)
    {
        add_part(&coverage->faults, &coverage->fault_count, json_is_string(item) ? json_string_value(item) : "");
    }
}

static struct person *add_person(struct coverage *coverage, const char *who, const char *how)
{
    for (size_t i = 0; i < coverage->person_count; i++) {
        if (str_eq(coverage->people[i].who, who)) {
            return &coverage->people[i];
        }
    }
    coverage->people = xrealloc(coverage->people, coverage->person_count + 1, sizeof(*coverage->people));
    struct person *person = &coverage->people[coverage->person_count++];
    *person = (struct person){.who = xstrdup(who), .how = xstrdup(how)};
    return person;
}

/* Those who were named, and those who wrote notes, by the account that the kernel tells. */
static void list_people(struct measurement *measurement, struct coverage *coverage)
{
    const json_t *plan = measurement->evidence->plan;
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(json_object_get(plan, "programme"), "participants"), index, item)
    {
        (void)add_person(coverage, json_str(item, "name", json_str(item, "role", "?")), "named by the programme");
    }
    json_array_foreach(json_object_get(plan, "participants"), index, item)
    {
        (void)add_person(coverage, json_is_string(item) ? json_string_value(item) : "?", "named for this drill");
    }
    json_array_foreach(measurement->evidence->events, index, item)
    {
        const char *by = json_str(item, "by", "");
        if (str_eq(json_str(item, "kind", ""), "note") && *by) {
            AUTO_FREE char *account = xasprintf("%.*s", (int)strcspn(by, " "), by); /* "root (pid 4711)" */
            add_person(coverage, account, "wrote notes")->notes++;
        }
    }
}

void measure_coverage(struct measurement *measurement)
{
    struct result *result = measurement->result;
    const json_t *plan = measurement->evidence->plan, *inventory = json_object_get(plan, "inventory");
    struct coverage *coverage = xcalloc(1, sizeof(*coverage));
    size_t index;
    json_t *event;
    result->coverage = coverage;
    coverage->known = json_array_size(inventory) > 0;
    list_parts(coverage, plan, inventory);
    json_array_foreach(measurement->evidence->events, index, event)
    {
        take_event(coverage, result, inventory, event);
    }
    list_people(measurement, coverage);
}

static void free_parts(struct covered_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(parts[i].name);
    }
    free(parts);
}

void coverage_free(struct coverage *coverage)
{
    if (!coverage) {
        return;
    }
    free_parts(coverage->regions, coverage->region_count);
    free_parts(coverage->services, coverage->service_count);
    free_parts(coverage->faults, coverage->fault_count);
    for (size_t i = 0; i < coverage->person_count; i++) {
        free(coverage->people[i].who);
        free(coverage->people[i].how);
    }
    free(coverage->people);
    free(coverage);
}

/* The newest comparison counts; a drill that made none has not measured it. */
struct figure measure_drift(const struct measurement *measurement)
{
    struct figure figure = figure_unknown("the scenario compares nothing: it has no d:drift()");
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        if (str_eq(json_str(event, "kind", ""), "drift")) {
            figure = (struct figure){.measured = true, .value = (double)json_array_size(json_object_get(event, "differences"))};
        }
    }
    return figure;
}

/* How often somebody was waited for and nobody came. */
struct figure measure_unanswered(const struct measurement *measurement)
{
    struct figure figure = figure_unknown("the scenario waits for nobody: it has no d:await_note()");
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        if (str_eq(json_str(event, "kind", ""), "note.end")) {
            figure = (struct figure){.measured = true, .value = figure.value + !json_flag(event, "seen", false)};
        }
    }
    return figure;
}

/* What people were waited for, who came, and after how long. */
static void tell_waits(struct measurement *measurement, const json_t *event)
{
    char waited[32];
    const char *says = json_str(event, "says", "?");
    (void)clock_format_duration(json_int(event, "waited_ns", 0), waited);
    if (json_flag(event, "seen", false)) {
        measure_finding(measurement, "\"%s\" was waited for, and said after %s by %s.", says, waited, json_str(event, "by", "?"));
    } else {
        measure_finding(measurement, "\"%s\" was waited for, and nobody said it in %s.", says, waited);
    }
}

void measure_people_findings(struct measurement *measurement)
{
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        if (str_eq(json_str(event, "kind", ""), "note.end")) {
            tell_waits(measurement, event);
        }
    }
}

void measure_drift_findings(struct measurement *measurement)
{
    size_t index, at;
    json_t *event, *text;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        if (!str_eq(json_str(event, "kind", ""), "drift")) {
            continue;
        }
        json_array_foreach(json_object_get(event, "differences"), at, text)
        {
            measure_finding(measurement, "drift: %s", json_is_string(text) ? json_string_value(text) : "?");
        }
    }
}
