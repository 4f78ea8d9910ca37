/* For auditors: which field of which framework stands where, how to recompute the figures and how to check the files. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/report.h"

static void write_where(struct xml *xml, const json_t *item)
{
    const char *where = json_str(item, "where", "");
    xml_open(xml, "td");
    if (!json_flag(item, "present", false)) {
        xml_element(xml, "b", "missed", "missing");
    } else if (where[0] == '#' && where[1]) {
        xml_open(xml, "a");
        xml_attr(xml, "href", where);
        xml_text(xml, where + 1);
        xml_close(xml);
    } else {
        xml_text(xml, *where ? where : "present");
    }
    xml_close(xml);
}

/* "DORA: 14 of 16 fields are there." for each framework, in the order of the list. */
static void write_counts(struct xml *xml, const json_t *evidence)
{
    size_t count = json_array_size(evidence);
    xml_open(xml, "ul");
    for (size_t i = 0; i < count; i++) {
        const char *framework = json_str(json_array_get(evidence, i), "framework", "?");
        size_t present = 0, all = 0, first = i;
        for (size_t j = 0; j < count; j++) {
            const json_t *item = json_array_get(evidence, j);
            if (str_eq(json_str(item, "framework", "?"), framework)) {
                first = j < first ? j : first;
                present += json_flag(item, "present", false);
                all++;
            }
        }
        if (first == i) {
            xml_elementf(xml, "li", NULL, "%s: %zu of %zu fields are there", framework, present, all);
        }
    }
    xml_close(xml);
}

void html_evidence(struct xml *xml, const struct report_context *context)
{
    static const char *const heads[] = {"Framework", "Clause", "Field", "Where on this page"};
    const json_t *evidence = json_object_get(context->programme, "evidence"), *item;
    size_t index;
    html_section(xml, "evidence", "Evidence map");
    if (json_array_size(evidence) == 0) {
        xml_element(xml, "p", NULL, "No framework was asked for (--evidence soc2,dora,…).");
        html_section_end(xml);
        return;
    }
    xml_element(xml, "p", NULL, "Which fields are there and where. Whether they satisfy a framework is for its auditor to say.");
    write_counts(xml, evidence);
    html_table(xml, NULL, heads, ARRAY_LEN(heads));
    json_array_foreach(evidence, index, item)
    {
        html_row(xml);
        html_name_cell(xml, json_str(item, "framework", ""));
        html_cell(xml, json_str(item, "clause", ""));
        html_cell(xml, json_str(item, "field", ""));
        write_where(xml, item);
        html_row_end(xml);
    }
    html_table_end(xml);
    html_section_end(xml);
}

static void write_commands(struct xml *xml, const json_t *verify)
{
    static const char *const commands[] = {
        "sha256sum -c --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt",
        "diff <(find data -type f | sort) <(cut -c67- manifest-sha256.txt | sort)",
        "drill verify FOLDER",
    };
    const json_t *given = json_object_get(verify, "commands");
    size_t count = json_array_size(given);
    xml_open(xml, "ol");
    for (size_t i = 0; i < (count ? count : ARRAY_LEN(commands)); i++) {
        const char *command = count ? json_string_value(json_array_get(given, i)) : commands[i];
        xml_open(xml, "li");
        xml_element(xml, "code", NULL, command ? command : "");
        xml_close(xml);
    }
    xml_close(xml);
    xml_newline(xml);
}

static void write_limits(struct xml *xml, const json_t *verify)
{
    static const char *const limits[] = {
        "Hashes show that the files are those that were sealed. A signature also shows who sealed them, if the key's fingerprint "
        "reached you by another road than this archive.",
        "Neither shows that the right system was measured, that the scenario was severe, or that no drill was run outside of "
        "this "
        "archive.",
        "That the last drill of an archive was taken away is seen only with a copy of LEDGER kept elsewhere.",
    };
    const json_t *given = json_object_get(verify, "limits");
    size_t count = json_array_size(given);
    xml_open(xml, "ul");
    for (size_t i = 0; i < (count ? count : ARRAY_LEN(limits)); i++) {
        const char *limit = count ? json_string_value(json_array_get(given, i)) : limits[i];
        xml_element(xml, "li", NULL, limit ? limit : "");
    }
    xml_close(xml);
    xml_newline(xml);
}

void html_verify(struct xml *xml, const struct report_context *context)
{
    const char *bundle = json_str(context->verify, "bundle", ""), *signer = json_str(context->verify, "signer", "");
    html_section(xml, "verify", "How to verify this report");
    xml_element(
        xml, "p", NULL,
        "In the folder of the sealed bundle, the one that holds data/. The first two commands need nothing of drill; the third "
        "computes the verdict again from the evidence and compares every figure.");
    write_commands(xml, context->verify);
    if (*bundle || *signer) {
        html_facts(xml, NULL);
        html_fact(xml, "Bundle", "%s", bundle);
        html_fact(xml, "Signer", "%s", *signer ? signer : "not signed");
        html_table_end(xml);
    }
    write_limits(xml, context->verify);
    html_section_end(xml);
}
