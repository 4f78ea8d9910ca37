/* How it was measured, what the words mean, on what it ran, and how to get the same figures again. */
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

static const struct {
    const char *word, *meaning;
} definitions[] = {
    {"Disruption", "The instant at which drill asks for a fault, or for its removal. Times count from the first one."},
    {"Fault proof",
     "Evidence that a fault changed the system, from a source other than the injector's own answer. Without it the drill is "
     "inconclusive."},
    {"Request",
     "Sent on a fixed schedule that does not wait for earlier answers. One that is not answered by its deadline has failed; none "
     "is left out. Latency counts from when it was due."},
    {"Outage", "Starts when the first failed request of the first window that is not good was due, at or after the disruption. A "
               "window with "
               "too few requests is unknown, and unknown is not good."},
    {"Recovery",
     "The first good request from which every window stays good for the hold time, with none that is not good afterwards. After "
     "a relapse the clock never stopped. The hold proves the recovery and is not added to it."},
    {"Time to recover", "From disruption to recovery. When service was not back while drill watched it is “more than” the time "
                        "watched, and worse than any number."},
    {"Lost writes",
     "Writes that were acknowledged and cannot be read back afterwards, as a set difference of ids. Each is asked for after "
     "recovery and again after failback."},
    {"Recovery point achieved",
     "The age, when the outage started, of the oldest acknowledged write that was lost; zero when none was. "
     "Without writes it is not measured, never zero."},
    {"Resolution", "How far a time can be off: the gap to the previous request and the bound of the clocks' comparison."},
    {"Verdict",
     "PASS: every objective is met. FAIL: at least one is missed. INCONCLUSIVE: none is known to be missed, but at least one "
     "could not be judged."},
};

static void write_settings(struct xml *xml, const struct result *result)
{
    char window[32], latency[32], hold[32], bound[32];
    const char *wall_clock = json_str(result->environment, "wall_clock", "not recorded");
    html_facts(xml, "Settings");
    html_fact(xml, "Window", "%s, with at least %u requests", clock_format_duration(result->method.window_ns, window),
              result->method.minimum_count);
    html_fact(xml, "Good window", "at least %g%% answered as agreed within %s", result->method.good_share * 100,
              clock_format_duration(result->method.latency_ns, latency));
    html_fact(xml, "Hold", "%s", clock_format_duration(result->method.hold_ns, hold));
    html_fact(xml, "Clocks of different places agree within", "± %s",
              clock_format_duration((int64_t)(result->method.clock_bound_s * NS_PER_S), bound));
    if (result->driver.measured) {
        char p99[32], most[32];
        html_fact(xml, "Driver late by", "99%% at most %s, at worst %s; schedule %s",
                  clock_format_duration((int64_t)(result->driver.late_p99_s * NS_PER_S), p99),
                  clock_format_duration((int64_t)(result->driver.late_max_s * NS_PER_S), most),
                  result->driver.schedule_kept ? "kept" : "NOT KEPT");
    } else {
        html_fact(xml, "Driver late by", "not measured");
    }
    html_fact(xml, "Clock", "Times are of the monotonic clock. The wall clock, which UTC is read from, was %s.", wall_clock);
    html_fact(xml, "Requests reconcile", "%llu scheduled = %llu answered + %llu failed + %llu timed out + %llu not sent",
              (unsigned long long)result->requests.scheduled, (unsigned long long)result->requests.ok,
              (unsigned long long)result->requests.failed, (unsigned long long)result->requests.timed_out,
              (unsigned long long)result->requests.not_sent);
    html_table_end(xml);
}

static void write_recipe(struct xml *xml)
{
    static const struct {
        const char *words, *command;
    } steps[] = {
        {"Everything, from the evidence alone, in the folder of this file:", "drill report ."},
        {"Every request as a line:", "drill ledger . > requests.csv"},
        {"The time to recover, to the second: the end of the last second after the disruption that was not good.",
         "awk -F, 'NR > 1 && $1 >= 0 && $2 < 0.99 * ($2 + $3 + $4) { last = $1 + 1 } END { print last + 0 }' samples.csv"},
        {"… exactly: take the requests of one vantage and class in the order of due_ns, find the first after the disruption "
         "(fault.requested in events.jsonl) that failed in a window that is not good, then the first good one from which every "
         "window "
         "stays good for the hold time.",
         NULL},
        {"The lost writes: acknowledged, and not among the ids that were read back.",
         "awk -F, '$3 == \"write\" && $4 == \"ok\" { print $9 }' requests.csv | sort | comm -23 - <(sort readback-1.ids)"},
    };
    xml_element(xml, "h3", NULL, "To compute the figures again");
    xml_open(xml, "ol");
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        xml_open(xml, "li");
        xml_textf(xml, "%s ", steps[i].words);
        if (steps[i].command) {
            xml_element(xml, "code", NULL, steps[i].command);
        }
        xml_close(xml);
    }
    xml_close(xml);
    xml_newline(xml);
}

static void write_definitions(struct xml *xml)
{
    xml_element(xml, "h3", NULL, "Definitions");
    xml_open(xml, "dl");
    for (size_t i = 0; i < ARRAY_LEN(definitions); i++) {
        xml_element(xml, "dt", NULL, definitions[i].word);
        xml_element(xml, "dd", NULL, definitions[i].meaning);
    }
    xml_close(xml);
}

void html_method(struct xml *xml, const struct result *result, const struct report_context *context)
{
    html_section(xml, "method", "Method and definitions");
    write_settings(xml, result);
    write_recipe(xml);
    write_definitions(xml);
    html_redactions(xml, context);
    html_section_end(xml);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_member(struct xml *xml, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    AUTO_FREE char *text = json_is_string(value) ? xstrdup(json_string_value(value))
                                                 : json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    html_fact(xml, key, "%s", text ? text : "");
}

static void write_object(struct xml *xml, const json_t *object, const char *caption)
{
    size_t count = json_object_size(object), at = 0;
    AUTO_FREE const char **keys = xcalloc(count + 1, sizeof(*keys));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        keys[at++] = key;
    }
    qsort(keys, at, sizeof(*keys), compare_keys);
    html_facts(xml, caption);
    for (size_t i = 0; i < at; i++) {
        write_member(xml, object, keys[i]);
    }
    html_table_end(xml);
}

/* A file of the drill's folder, as it was used; nothing when it is not there. */
static void write_source(struct xml *xml, const char *folder, const char *name, const char *summary)
{
    enum { SOURCE_MAX = 64 * 1024 };
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    struct err err = {0};
    if (access(path, R_OK) != 0) {
        return;
    }
    html_details(xml, summary);
    if (fd_read_file(path, SOURCE_MAX, &text, &size, &err) == 0) {
        xml_open(xml, "pre");
        xml_text(xml, text);
        xml_close(xml);
    } else {
        xml_elementf(xml, "p", NULL, "Too large for this page: it is in %s.", name);
    }
    html_details_end(xml);
}

void html_appendix(struct xml *xml, const struct result *result, const char *folder)
{
    static const char *const parts[] = {"load", "settings", "params"};
    html_section(xml, "appendix", "Appendix: environment and scenario");
    if (json_object_size(result->environment) > 0) {
        write_object(xml, result->environment, "Where it ran");
    } else {
        xml_element(xml, "p", NULL, "The environment was not recorded.");
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const json_t *part = json_object_get(result->plan, parts[i]);
        if (json_object_size(part) > 0) {
            write_object(xml, part, parts[i]);
        }
    }
    write_source(xml, folder, "scenario.lua", "The scenario's source");
    write_source(xml, folder, "topology.yaml", "The topology");
    html_section_end(xml);
}
