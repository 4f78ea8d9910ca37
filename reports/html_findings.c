/* What somebody has to do something about, worst first, and who signs. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

enum { FINDINGS_MAX = 40, FINDING_TEXT_MAX = 600 };

struct findings {
    struct xml *xml;
    size_t count;
};

static void write_finding(struct findings *findings, const char *severity, const char *text, const json_t *given)
{
    static const char *const heads[] = {"Severity", "Finding", "Owner", "Due"};
    struct xml *xml = findings->xml;
    const char *id = json_str(given, "id", ""), *ticket = json_str(given, "ticket", "");
    if (findings->count++ == 0) {
        html_table(xml, NULL, heads, ARRAY_LEN(heads));
    }
    if (findings->count > FINDINGS_MAX) {
        return;
    }
    html_row(xml);
    html_name_cell(xml, severity);
    html_cellf(xml, "%s%s%.*s%s%s%s", id, *id ? ": " : "", FINDING_TEXT_MAX, text ? text : "", *ticket ? " (" : "", ticket,
               *ticket ? ")" : "");
    html_cell(xml, json_str(given, "owner", ""));
    html_cell(xml, json_str(given, "due", ""));
    html_row_end(xml);
}

static void write_objectives(struct findings *findings, const struct result *result, enum judgement judgement)
{
    for (size_t i = 0; i < result->objective_count; i++) {
        const struct objective_result *objective = &result->objectives[i];
        bool missed = objective->judgement == JUDGEMENT_MISSED, met = objective->judgement == JUDGEMENT_MET;
        if (missed != (judgement == JUDGEMENT_MISSED) || met) {
            continue;
        }
        struct buf achieved CLEANUP(buf_clear) = {0};
        words_achieved(objective, &achieved);
        AUTO_FREE char *text =
            xasprintf("%s %s: %s%s%s", objective->text, missed ? "was missed" : "could not be judged", buf_str(&achieved),
                      objective->reason && *objective->reason ? "; " : "", objective->reason ? objective->reason : "");
        write_finding(findings, missed ? "major" : "minor", text, NULL);
    }
}

static void write_given(struct findings *findings, const struct report_context *context)
{
    size_t index;
    const json_t *finding;
    json_array_foreach(json_object_get(context->programme, "findings"), index, finding)
    {
        write_finding(findings, json_str(finding, "severity", "note"), json_str(finding, "text", ""), finding);
    }
}

static void write_all(struct findings *findings, const struct result *result, const struct report_context *context)
{
    struct buf cleanup CLEANUP(buf_clear) = {0};
    words_cleanup(result, &cleanup);
    if (result->residue_checked && !result->clean) {
        write_finding(findings, "critical", buf_str(&cleanup), NULL);
    }
    if (words_trouble(result) && (result->clean || !result->residue_checked)) {
        AUTO_FREE char *text = xasprintf("The drill itself: %s", result->exit_words ? result->exit_words : "not judged");
        write_finding(findings, "major", text, NULL);
    }
    write_objectives(findings, result, JUDGEMENT_MISSED);
    write_given(findings, context);
    write_objectives(findings, result, JUDGEMENT_UNKNOWN);
    for (size_t i = 0; i < result->finding_count; i++) {
        write_finding(findings, "note", result->findings[i], NULL);
    }
    if (findings->count > 0) {
        html_table_end(findings->xml);
    } else {
        xml_element(findings->xml, "p", NULL, "None.");
    }
    if (findings->count > FINDINGS_MAX) {
        xml_elementf(findings->xml, "p", "meta", "… and %zu more in report.json", findings->count - FINDINGS_MAX);
    }
}

/* Those who sign, side by side; the space is for what is written by hand, until programme.yaml says who did. */
static void write_sign_offs(struct xml *xml, const struct report_context *context)
{
    enum { SIGN_OFFS_MAX = 4, DEFAULT_COUNT = 3 };
    static const char *const roles[DEFAULT_COUNT] = {"Prepared by", "Reviewed by", "Acknowledged by"};
    const char *heads[SIGN_OFFS_MAX];
    const json_t *given = json_object_get(context->programme, "sign_offs");
    size_t count = json_array_size(given);
    count = count == 0 ? DEFAULT_COUNT : count < SIGN_OFFS_MAX ? count : SIGN_OFFS_MAX;
    for (size_t i = 0; i < count; i++) {
        heads[i] = json_str(json_array_get(given, i), "role", i < DEFAULT_COUNT ? roles[i] : "Signed by");
    }
    html_table(xml, NULL, heads, count);
    html_row(xml);
    for (size_t i = 0; i < count; i++) {
        const json_t *sign_off = json_array_get(given, i);
        xml_elementf(xml, "td", "blank", "%s %s", json_str(sign_off, "name", ""), json_str(sign_off, "time", ""));
    }
    html_row_end(xml);
    html_table_end(xml);
}

void html_findings(struct xml *xml, const struct result *result, const struct report_context *context)
{
    struct findings findings = {.xml = xml};
    struct buf cleanup CLEANUP(buf_clear) = {0};
    words_cleanup(result, &cleanup);
    html_section(xml, "findings", "Findings");
    write_all(&findings, result, context);
    xml_elementf(xml, "p", "meta", "Clean-up: %s.", buf_str(&cleanup));
    write_sign_offs(xml, context);
    html_section_end(xml);
}
