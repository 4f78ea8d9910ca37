/* junit.xml: an objective is a test case. Keeps to what GitLab, GitHub's reporters and Jenkins' junit-10.xsd all accept: no
 * attributes on <testsuites>, no zone in the timestamp, the message again as the element's text. Ant's schema knows no output of a
 * single case, GitLab likes to know the file; no other reader minds, so there is a dialect for each. */
#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/words.h"
#include "reports/xml.h"

enum { FINDINGS_MAX = 20, FINDING_TEXT_MAX = 1000 };

static void property(struct xml *xml, const char *name, const char *value)
{
    if (value && *value) {
        xml_open(xml, "property");
        xml_attr(xml, "name", name);
        xml_attr(xml, "value", value);
        xml_end(xml);
    }
}

static void write_properties(struct xml *xml, const struct result *result)
{
    struct buf rto CLEANUP(buf_clear) = {0}, loss CLEANUP(buf_clear) = {0}, cleanup CLEANUP(buf_clear) = {0};
    words_figure_near(&result->rto, words_limit(result, "rto"), "s", &rto);
    words_loss(result, &loss);
    words_cleanup(result, &cleanup);
    xml_open(xml, "properties");
    property(xml, "drill.id", result->drill_id);
    property(xml, "drill.title", result->title);
    property(xml, "drill.topology", result->topology);
    property(xml, "drill.verdict", words_verdict(result->verdict));
    property(xml, "drill.git_commit", json_str(result->environment, "git_commit", NULL));
    property(xml, "drill.exit", result->exit_words);
    property(xml, "drill.rto", buf_str(&rto));
    property(xml, "drill.loss", buf_str(&loss));
    property(xml, "drill.cleanup", buf_str(&cleanup));
    property(xml, "drill.report", "report.html");
    xml_close(xml);
}

static void write_message(struct xml *xml, const char *element, const char *type, const char *message)
{
    xml_open(xml, element);
    xml_attr(xml, "type", type);
    xml_attr(xml, "message", message);
    xml_text(xml, message);
    xml_close(xml);
}

/* The achieved time, so that CI trend charts mean something; other objectives have none. */
static double case_seconds(const struct objective_result *objective)
{
    bool time = str_eq(objective->unit, "s") && objective->measured.measured && isfinite(objective->measured.value);
    return time ? objective->measured.value : 0;
}

struct junit {
    struct xml *xml;
    const struct result *result;
    const struct report_context *context;
};

static void open_case(const struct junit *junit, const char *name, double seconds)
{
    struct xml *xml = junit->xml;
    const struct result *result = junit->result;
    xml_open(xml, "testcase");
    xml_attrf(xml, "classname", "drill.%s", result->scenario ? result->scenario : "unknown");
    xml_attr(xml, "name", name);
    xml_attrf(xml, "time", "%.3f", seconds);
    if (junit->context->junit == JUNIT_GITLAB) {
        xml_attr(xml, "file", json_str(result->plan, "scenario_file", "scenario.lua"));
    }
}

static bool named_before(const struct result *result, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (str_eq(result->objectives[i].text, result->objectives[index].text)) {
            return true;
        }
    }
    return false;
}

static void write_attachment(const struct junit *junit)
{
    const char *way = junit->context->attachments;
    if (junit->context->junit != JUNIT_ANT) {
        xml_elementf(junit->xml, "system-out", NULL, "[[ATTACHMENT|%s%scharts/timeline.svg]]", way ? way : "", way ? "/" : "");
    }
}

static void write_objective(const struct junit *junit, size_t index)
{
    struct xml *xml = junit->xml;
    const struct result *result = junit->result;
    const struct objective_result *objective = &result->objectives[index];
    const char *text = objective->text ? objective->text : "objective";
    struct buf name CLEANUP(buf_clear) = {0}, message CLEANUP(buf_clear) = {0};
    buf_puts(&name, text);
    if (named_before(result, index)) {
        buf_printf(&name, " (%zu)", index + 1); /* of equal names CI shows the first only */
    }
    buf_printf(&message, "%s: ", text);
    words_achieved(objective, &message);
    if (objective->reason && *objective->reason) {
        buf_printf(&message, "; %s", objective->reason);
    }
    open_case(junit, buf_str(&name), case_seconds(objective));
    if (objective->judgement == JUDGEMENT_MISSED) {
        write_message(xml, "failure", "budget", buf_str(&message));
    } else if (objective->judgement != JUDGEMENT_MET) {
        write_message(xml, "error", "inconclusive", buf_str(&message));
    }
    if (objective->judgement == JUDGEMENT_MISSED) {
        write_attachment(junit);
    }
    xml_close(xml);
}

static void write_conclusion(const struct junit *junit)
{
    struct xml *xml = junit->xml;
    const struct result *result = junit->result;
    struct buf message CLEANUP(buf_clear) = {0};
    if (!words_trouble(result) && result->objective_count > 0) {
        return;
    }
    words_sentence(result, &message);
    open_case(junit, "the drill ran as planned and proves something", 0);
    if (words_trouble(result)) {
        write_message(xml, "error",
                      result->residue_checked && !result->clean    ? "cleanup"
                      : result->conclusion == CONCLUSION_COMPLETED ? "inconclusive"
                                                                   : "drill",
                      buf_str(&message));
    }
    xml_close(xml);
}

static size_t count_judged(const struct result *result, bool missed)
{
    size_t count = 0;
    for (size_t i = 0; i < result->objective_count; i++) {
        enum judgement judgement = result->objectives[i].judgement;
        count += missed ? judgement == JUDGEMENT_MISSED : judgement != JUDGEMENT_MISSED && judgement != JUDGEMENT_MET;
    }
    return count;
}

/* Behind the cases and in this order, as Ant's schema wants them. */
static void write_output(const struct junit *junit)
{
    struct buf sentence CLEANUP(buf_clear) = {0}, notes CLEANUP(buf_clear) = {0};
    words_sentence(junit->result, &sentence);
    for (size_t i = 0; i < junit->result->finding_count && i < FINDINGS_MAX; i++) {
        buf_printf(&notes, "%s%.*s", i ? "\n" : "", FINDING_TEXT_MAX, junit->result->findings[i]);
    }
    xml_element(junit->xml, "system-out", NULL, buf_str(&sentence));
    xml_element(junit->xml, "system-err", NULL, buf_str(&notes));
}

static void write_suite(const struct junit *junit)
{
    struct xml *xml = junit->xml;
    const struct result *result = junit->result;
    char stamp[32];
    bool extra = words_trouble(result) || result->objective_count == 0;
    clock_format_utc(result->started_utc_ns, stamp);
    stamp[strlen("2026-01-01T00:00:00")] = '\0';
    xml_open(xml, "testsuite");
    xml_attr(xml, "name", result->scenario ? result->scenario : "unknown");
    xml_attr(xml, "package", "drill");
    xml_attr(xml, "id", "0");
    xml_attr(xml, "hostname", json_str(result->environment, "host", "unknown"));
    xml_attr(xml, "timestamp", stamp);
    xml_attrf(xml, "time", "%.3f", (double)(result->ended_utc_ns - result->started_utc_ns) / NS_PER_S);
    xml_attrf(xml, "tests", "%zu", result->objective_count + (extra ? 1 : 0));
    xml_attrf(xml, "failures", "%zu", count_judged(result, true));
    xml_attrf(xml, "errors", "%zu", count_judged(result, false) + (words_trouble(result) ? 1 : 0));
    xml_attr(xml, "skipped", "0");
    write_properties(xml, result);
    for (size_t i = 0; i < result->objective_count; i++) {
        write_objective(junit, i);
    }
    write_conclusion(junit);
    write_output(junit);
    xml_close(xml);
}

static int write_junit(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_PLAIN);
    const struct junit junit = {.xml = xml, .result = result, .context = context};
    xml_open(xml, "testsuites");
    write_suite(&junit);
    xml_close(xml);
    return xml_write_file(xml, folder, "junit.xml", err);
}

const struct report_ops report_junit = {
    .name = "junit", .file_name = "junit.xml", .summary = "objectives as test cases, for CI", .write = write_junit};
