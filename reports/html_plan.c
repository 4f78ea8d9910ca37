/* What was planned, by whom and with whose consent: the purpose, the steps, the bounds, the people. */
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

/* Members of programme.json that are a text or a list of texts, in the order of the page. */
static const struct {
    const char *key, *words;
} facts[] = {
    {"exercise_type", "Kind of exercise"},
    {"environment", "Environment"},
    {"business_service", "Business service"},
    {"criticality", "Criticality"},
    {"trigger", "Occasion"},
    {"announced", "Announced beforehand"},
    {"hypothesis", "Expected"},
    {"scope", "In scope"},
    {"not_tested", "Not tested"},
    {"blast_radius", "Blast radius"},
    {"abort_criteria", "Abort rules"},
    {"rollback", "Way back"},
    {"impact_tolerance", "Impact tolerance"},
    {"mtpd", "Maximum tolerable period of disruption"},
    {"bia_ref", "Business impact analysis"},
    {"risk_ref", "Risk assessment"},
    {"plan_ref", "Recovery plan"},
    {"plan_version", "Version of the plan"},
    {"third_parties", "Third parties"},
    {"change_ticket", "Change ticket"},
    {"operator", "Operator"},
    {"lead", "Lead"},
    {"reviewer", "Reviewer"},
    {"independence", "Independence"},
    {"deviations", "Deviations from the plan"},
    {"recommendations", "Recommendations"},
};

/* Shown elsewhere, or as tables below. */
static const char *const elsewhere[] = {"programme_slot", "assumptions", "approvals", "participants", "observers",
                                        "communications", "security",    "findings",  "sign_offs",    "evidence"};

static void say_object(const json_t *object, struct buf *out)
{
    const char *key, *separator = "";
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
        buf_printf(out, "%s%s: %s", separator, key, json_is_string(value) ? json_string_value(value) : text ? text : "?");
        separator = ", ";
    }
}

static void say_value(const json_t *value, struct buf *out)
{
    size_t index;
    json_t *item;
    if (json_is_string(value)) {
        buf_puts(out, json_string_value(value));
    } else if (json_is_boolean(value)) {
        buf_puts(out, json_is_true(value) ? "yes" : "no");
    } else if (json_is_object(value)) {
        say_object(value, out);
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, item)
        {
            buf_puts(out, index ? "; " : "");
            say_value(item, out);
        }
    } else if (value && !json_is_null(value)) {
        AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        buf_puts(out, text ? text : "");
    }
}

static void write_member(struct xml *xml, const char *words, const json_t *value)
{
    struct buf text CLEANUP(buf_clear) = {0};
    say_value(value, &text);
    if (text.size > 0) {
        html_fact(xml, words, "%s", buf_str(&text));
    }
}

static bool is_known(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        if (str_eq(facts[i].key, key)) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
        if (str_eq(elsewhere[i], key)) {
            return true;
        }
    }
    return false;
}

static void write_facts(struct xml *xml, const struct result *result, const json_t *programme)
{
    const char *key;
    json_t *value;
    html_facts(xml, "What was planned");
    html_fact(xml, "Purpose", "%s", result->why ? result->why : "");
    write_member(xml, "Stops by itself when", json_object_get(result->plan, "abort_when"));
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        write_member(xml, facts[i].words, json_object_get(programme, facts[i].key));
    }
    json_object_foreach((json_t *)programme, key, value)
    {
        if (!is_known(key)) {
            write_member(xml, key, value);
        }
    }
    html_table_end(xml);
}

static void write_steps(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {">Step", "What it does", ">Line of the scenario"};
    const json_t *steps = json_object_get(result->plan, "steps"), *step;
    size_t index;
    if (json_array_size(steps) == 0) {
        return;
    }
    html_table(xml, "Steps, as planned before anything was touched", heads, ARRAY_LEN(heads));
    json_array_foreach(steps, index, step)
    {
        html_row(xml);
        html_number(xml, "%zu", index + 1);
        html_cell(xml, json_str(step, "text", json_str(step, "step", "")));
        html_number(xml, "%lld", (long long)json_int(step, "line", 0));
        html_row_end(xml);
    }
    html_table_end(xml);
}

/* A list of objects (or texts, in the first column) as a table of the members named. */
struct listing {
    const char *key, *caption;
    const char *heads[6], *members[6];
    size_t count;
};

static const struct listing listings[] = {
    {"assumptions", "Assumptions", {"Assumption", "Why it is justified"}, {"text", "reason"}, 2},
    {"approvals", "Approvals", {"Approved by", "Role", "Time", "Ticket"}, {"name", "role", "time", "ticket"}, 4},
    {"participants",
     "Participants",
     {"Name or role", "Role", "Team", "Site", "Present"},
     {"name", "role", "team", "site", "present"},
     5},
    {"observers", "Observers", {"Name or role", "Role", "Team", "Site"}, {"name", "role", "team", "site"}, 4},
    {"communications",
     "Communications",
     {"When", "Time", "Channel", "Audience", "Reference"},
     {"phase", "time", "channel", "audience", "reference"},
     5},
};

static void write_listing(struct xml *xml, const struct listing *listing, const json_t *programme)
{
    const json_t *items = json_object_get(programme, listing->key), *item;
    size_t index;
    if (json_array_size(items) == 0) {
        return;
    }
    html_table(xml, listing->caption, listing->heads, listing->count);
    json_array_foreach(items, index, item)
    {
        html_row(xml);
        for (size_t i = 0; i < listing->count; i++) {
            struct buf text CLEANUP(buf_clear) = {0};
            bool plain = !json_is_object(item);
            say_value(plain ? (i == 0 ? item : NULL) : json_object_get(item, listing->members[i]), &text);
            html_cell(xml, buf_str(&text));
        }
        html_row_end(xml);
    }
    html_table_end(xml);
}

void html_plan(struct xml *xml, const struct result *result, const struct report_context *context)
{
    html_section(xml, "plan", "Plan and people");
    write_facts(xml, result, context->programme);
    write_steps(xml, result);
    for (size_t i = 0; i < ARRAY_LEN(listings); i++) {
        write_listing(xml, &listings[i], context->programme);
    }
    html_coverage(xml, result);
    if (!context->programme) {
        xml_element(xml, "p", NULL,
                    "No programme.yaml was given, so service, environment, assumptions and approvals are not known.");
    }
    html_section_end(xml);
}

void html_security(struct xml *xml, const struct report_context *context)
{
    static const char *const heads[] = {"Result", "Assertion", "Seen"};
    const json_t *security = json_object_get(context->programme, "security"), *item;
    size_t index;
    html_section(xml, "security", "Security during the drill");
    if (json_array_size(security) == 0) {
        xml_element(
            xml, "p", NULL,
            "Not tested: this drill asserted nothing about authentication, TLS, rate limits or audit logs while the fault was "
            "in force.");
    } else {
        html_table(xml, "What had to hold while the fault was in force", heads, ARRAY_LEN(heads));
        json_array_foreach(security, index, item)
        {
            bool passed = str_eq(json_str(item, "result", ""), "pass");
            html_row(xml);
            xml_elementf(xml, "td", passed ? "met" : "missed", "%s", passed ? "✔ PASS" : "✘ FAIL");
            html_cell(xml, json_str(item, "text", ""));
            html_cell(xml, json_str(item, "detail", ""));
            html_row_end(xml);
        }
        html_table_end(xml);
    }
    html_section_end(xml);
}
