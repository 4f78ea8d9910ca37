/* Frameworks, the fields that each asks for, and what of them is there. */
#include "harness/programme/frameworks.h"

#include <string.h>

#include "harness/base/str.h"

/* Clauses are those of the texts named; the fields are this project's reading of them (docs/programme.md). What can only be known
 * after the drill, as lessons and actions, belongs to the review and is not asked for here. */
const struct framework frameworks[] = {
    {"soc2",
     "SOC 2",
     "A1.2, A1.3",
     {"operator", "reviewer", "plausibility", "scope", "not_tested", "staffing", "plan_ref", "plan_version", "environment",
      "topology", "scenario_sha256", "tool", "objectives"}},
    {"dora",
     "DORA",
     "Art. 11, 12, 24, 25",
     {"bia_ref", "risk_ref", "plausibility", "third_parties", "assumptions", "exercise_type", "business_service", "criticality",
      "operator", "reviewer", "independence", "participants", "communications", "rto_target", "rpo_target", "plan_ref"}},
    {"iso22301",
     "ISO 22301",
     "8.5",
     {"programme_slot", "trigger", "exercise_type", "rationale", "objectives", "recovered_when", "rto_target", "mtpd",
      "blast_radius", "abort_criteria", "participants", "reviewer", "plan_ref"}},
    {"iso27001",
     "ISO 27001",
     "A.5.29, A.5.30",
     {"bia_ref", "business_service", "rto_target", "rpo_target", "topology", "plan_ref", "operator"}},
    {"pci",
     "PCI DSS",
     "12.10.1, 12.10.2",
     {"plan_ref", "plan_version", "participants", "lead", "communications", "exercise_type", "scope"}},
    {"nist800-34",
     "NIST SP 800-34",
     "3.5, 4",
     {"exercise_type", "objectives", "rto_target", "plan_ref", "plan_version", "participants", "communications", "topology"}},
    {"nist800-84",
     "NIST SP 800-84",
     "after-action report",
     {"scope", "objectives", "rationale", "participants", "observers", "lead"}},
    {"hipaa",
     "HIPAA",
     "164.308(a)(7), 164.316(b)(2)",
     {"exercise_type", "participants", "communications", "plan_ref", "plan_version", "retain_until"}},
    {"ffiec",
     "FFIEC BCM",
     "VII.K",
     {"objectives", "rto_target", "business_service", "regions", "participants", "observers", "not_tested", "plan_ref",
      "communications"}},
    {"fedramp",
     "FedRAMP",
     "CP-4",
     {"approvals", "operator", "reviewer", "change_ticket", "plan_ref", "plan_version", "objectives", "exercise_type",
      "environment"}},
    {"uk",
     "PRA SS1/21, FCA SYSC 15A",
     "scenario testing",
     {"business_service", "impact_tolerance", "assumptions", "plausibility", "risk_ref", "plan_ref", "communications",
      "rationale", "retain_until"}},
    {"sebi",
     "SEBI",
     "2019/2021 circulars",
     {"announced", "participants", "lead", "regions", "rto_target", "rpo_target", "programme_slot", "communications"}},
    {"hseep", "HSEEP", "AAR/IP", {"objectives", "scope", "rationale", "exercise_type", "participants", "lead", "observers"}},
    {"nis2",
     "NIS2",
     "DR test protocol",
     {"exercise_type", "lead", "observers", "topology", "rto_target", "rpo_target", "approvals", "reviewer"}},
};
const size_t framework_count = ARRAY_LEN(frameworks);

/* Where the report shows a field, as the id of its section; everything else is in the plan's. */
static const struct {
    const char *field, *section;
} sections[] = {
    {"objectives", "#objectives"}, {"rto_target", "#objectives"},       {"rpo_target", "#objectives"},
    {"recovered_when", "#method"}, {"scenario_sha256", "#environment"}, {"tool", "#environment"},
};

static const char *section_of(const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        if (str_eq(sections[i].field, field)) {
            return sections[i].section;
        }
    }
    return "#plan";
}

static int find(const char *key, size_t *ret_index, struct err *err)
{
    const char *keys[ARRAY_LEN(frameworks)];
    struct buf all CLEANUP(buf_clear) = {0};
    char hint[96];
    for (size_t i = 0; i < framework_count; i++) {
        keys[i] = frameworks[i].key;
        buf_printf(&all, "%s%s", i ? ", " : "", keys[i]);
        if (str_eq(keys[i], key)) {
            *ret_index = i;
            return 0;
        }
    }
    return err_set(err, ERR_INPUT, "--evidence: unknown framework '%s'%s; there are %s", key,
                   str_did_you_mean(key, keys, framework_count, hint), buf_str(&all));
}

static void choose(size_t *chosen, size_t *count, size_t index)
{
    for (size_t i = 0; i < *count; i++) {
        if (chosen[i] == index) {
            return;
        }
    }
    chosen[(*count)++] = index;
}

int frameworks_choose(const char *list, size_t **ret_chosen, size_t *ret_count, struct err *err)
{
    AUTO_FREE size_t *chosen = xcalloc(framework_count, sizeof(*chosen));
    AUTO_FREE char *words = xstrdup(list);
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(words, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest)) {
        size_t index = 0;
        int status = find(word, &index, err);
        if (status < 0) {
            return status;
        }
        choose(chosen, &count, index);
    }
    if (count == 0) {
        return err_set(err, ERR_INPUT, "--evidence: expected frameworks, as in --evidence soc2,dora");
    }
    *ret_chosen = TAKE(chosen);
    *ret_count = count;
    return 0;
}

static bool is_there(const json_t *value)
{
    return json_is_string(value)   ? json_string_length(value) > 0
           : json_is_array(value)  ? json_array_size(value) > 0
           : json_is_object(value) ? json_object_size(value) > 0
                                   : value && !json_is_null(value) && !json_is_false(value);
}

json_t *frameworks_check(const json_t *record, const size_t *chosen, size_t count)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct framework *framework = &frameworks[chosen[i]];
        for (const char *const *field = framework->fields; *field; field++) {
            bool present = is_there(json_object_get(record, *field));
            json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:b, s:s?}", "framework", framework->title, "clause",
                                                  framework->clause, "field", *field, "present", present, "where",
                                                  present ? section_of(*field) : NULL));
        }
    }
    return rows;
}

static void print_one(const char *title, size_t present, size_t count, const struct buf *missing, struct buf *out)
{
    if (count > 0) {
        buf_printf(out, "%s %zu/%zu: %s%s\n", title, present, count, missing->size ? "missing " : "all fields present",
                   buf_str(missing));
    }
}

void frameworks_print(const json_t *rows, struct buf *out)
{
    struct buf missing CLEANUP(buf_clear) = {0};
    const char *title = NULL;
    size_t index, present = 0, count = 0;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const char *framework = json_str(row, "framework", "");
        if (!str_eq(framework, title)) {
            print_one(title, present, count, &missing, out);
            title = framework;
            present = count = 0;
            buf_reset(&missing);
        }
        count++;
        if (json_flag(row, "present", false)) {
            present++;
        } else {
            buf_printf(&missing, "%s%s", missing.size ? ", " : "", json_str(row, "field", ""));
        }
    }
    print_one(title, present, count, &missing, out);
}

void frameworks_print_help(struct buf *out)
{
    for (size_t i = 0; i < framework_count; i++) {
        buf_printf(out, "  %-11s %s (%s):", frameworks[i].key, frameworks[i].title, frameworks[i].clause);
        for (const char *const *field = frameworks[i].fields; *field; field++) {
            buf_printf(out, "%s %s", field == frameworks[i].fields ? "" : ",", *field);
        }
        buf_puts(out, "\n");
    }
}
