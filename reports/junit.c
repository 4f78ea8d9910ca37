/* junit.xml: an objective is a test case. Keeps to what GitLab, GitHub's reporters and Jenkins' junit-10.xsd all accept: no
 * attributes on <testsuites>, no zone in the timestamp, the message again as the element's text. */
#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/words.h"
#include "reports/xml.h"

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

static void open_case(struct xml *xml, const struct result *result, const char *name, double seconds)
{
    xml_open(xml, "testcase");
    xml_attrf(xml, "classname", "drill.%s", result->scenario ? result->scenario : "unknown");
    xml_attr(xml, "name", name);
    xml_attrf(xml, "time", "%.3f", seconds);
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

static void write_objective(struct xml *xml, const struct result *result, size_t index)
{
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
    open_case(xml, result, buf_str(&name), case_seconds(objective));
    if (objective->judgement == JUDGEMENT_MISSED) {
        write_message(xml, "failure", "budget", buf_str(&message));
    } else if (objective->judgement != JUDGEMENT_MET) {
        write_message(xml, "error", "inconclusive", buf_str(&message));
    }
    if (objective->judgement == JUDGEMENT_MISSED) {
        xml_element(xml, "system-out", NULL, "[[ATTACHMENT|timeline.svg]]");
    }
    xml_close(xml);
}

/* A drill that did not run as planned or left something behind must not look green when its objectives do. */
static bool ran_badly(const struct result *result)
{
    return result->conclusion != CONCLUSION_COMPLETED || (result->residue_checked && !result->clean);
}

static void write_conclusion(struct xml *xml, const struct result *result)
{
    struct buf message CLEANUP(buf_clear) = {0};
    if (!ran_badly(result) && result->objective_count > 0) {
        return;
    }
    words_sentence(result, &message);
    open_case(xml, result, "the drill ran as planned", 0);
    if (ran_badly(result)) {
        write_message(xml, "error", result->residue_checked && !result->clean ? "cleanup" : "drill", buf_str(&message));
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

static void write_suite(struct xml *xml, const struct result *result)
{
    char stamp[32];
    bool extra = ran_badly(result) || result->objective_count == 0;
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
    xml_attrf(xml, "errors", "%zu", count_judged(result, false) + (ran_badly(result) ? 1 : 0));
    xml_attr(xml, "skipped", "0");
    write_properties(xml, result);
    for (size_t i = 0; i < result->objective_count; i++) {
        write_objective(xml, result, i);
    }
    write_conclusion(xml, result);
    xml_close(xml);
}

static int write_junit(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    (void)context;
    struct xml *xml AUTO_XML = xml_new(XML_PLAIN);
    xml_open(xml, "testsuites");
    write_suite(xml, result);
    xml_close(xml);
    return xml_write_file(xml, folder, "junit.xml", err);
}

const struct report_ops report_junit = {
    .name = "junit", .file_name = "junit.xml", .summary = "objectives as test cases, for CI", .write = write_junit};
