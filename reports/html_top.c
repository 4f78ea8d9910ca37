/* The first screen: verdict, one sentence, objectives with their margins. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

static const char *verdict_class(enum verdict verdict)
{
    return verdict == VERDICT_PASS ? "banner pass" : verdict == VERDICT_FAIL ? "banner fail" : "banner inconclusive";
}

/* A tick, a cross or a diamond: the shape says it too. */
static void draw_symbol(struct xml *xml, enum verdict verdict)
{
    const char *path = verdict == VERDICT_PASS   ? "M3 13l7 7L23 5"
                       : verdict == VERDICT_FAIL ? "M4 4l18 18M22 4L4 22"
                                                 : "M13 2l11 11-11 11L2 13z";
    const char *colour = verdict == VERDICT_PASS ? GREEN : verdict == VERDICT_FAIL ? RED : "#7a4f00";
    xml_open(xml, "svg");
    xml_attr(xml, "xmlns", "http://www.w3.org/2000/svg");
    xml_attr(xml, "width", "26");
    xml_attr(xml, "height", "26");
    xml_attr(xml, "viewBox", "0 0 26 26");
    xml_attr(xml, "aria-hidden", "true");
    chart_path(xml, path, "none", colour, 4, NULL);
    xml_end(xml);
}

static void identity(struct xml *xml, const char *name, const char *value)
{
    if (value && *value) {
        xml_open(xml, "div");
        xml_element(xml, "dt", NULL, name);
        xml_elementf(xml, "dd", NULL, "%.300s", value);
        xml_close(xml);
    }
}

static void write_identity(struct xml *xml, const struct result *result, const struct report_context *context)
{
    char started[32] = "", took[32] = "";
    AUTO_FREE char *exit_text = xasprintf("%d: %s", result->exit_code, result->exit_words ? result->exit_words : "-");
    if (result->started_utc_ns) {
        clock_format_utc(result->started_utc_ns, started);
    }
    if (result->ended_utc_ns > result->started_utc_ns) {
        clock_format_duration(result->ended_utc_ns - result->started_utc_ns, took);
    }
    xml_open(xml, "dl");
    xml_attr(xml, "class", "identity");
    identity(xml, "Drill", result->drill_id);
    identity(xml, "Scenario", result->scenario);
    identity(xml, "Topology", result->topology);
    identity(xml, "Environment", json_str(context->programme, "environment", NULL));
    identity(xml, "Service", json_str(context->programme, "business_service", NULL));
    identity(xml, "Programme", json_str(context->programme, "programme_slot", NULL));
    identity(xml, "Began (UTC)", started);
    identity(xml, "Took", took);
    identity(xml, "Exit code", exit_text);
    xml_close(xml);
    xml_newline(xml);
}

void html_banner(struct xml *xml, const struct result *result, const struct report_context *context)
{
    struct buf sentence CLEANUP(buf_clear) = {0};
    words_sentence(result, &sentence);
    xml_open(xml, "header");
    xml_element(xml, "h1", NULL, result->title ? result->title : result->scenario);
    xml_open(xml, "div");
    xml_attr(xml, "class", verdict_class(result->verdict));
    xml_open(xml, "p");
    xml_attr(xml, "class", "word");
    xml_attr(xml, "id", "verdict");
    draw_symbol(xml, result->verdict);
    xml_textf(xml, " %s", words_verdict(result->verdict));
    if (result->conclusion != CONCLUSION_COMPLETED) {
        xml_textf(xml, ", drill %s", result->conclusion == CONCLUSION_ABORTED ? "aborted" : "not completed");
    }
    xml_close(xml);
    xml_element(xml, "p", NULL, buf_str(&sentence));
    xml_close(xml);
    if (result->why && *result->why) {
        xml_elementf(xml, "p", NULL, "Why this was tried: %s", result->why);
    }
    write_identity(xml, result, context);
    xml_close(xml);
    xml_newline(xml);
}

static bool judgeable(const struct objective_result *objective)
{
    const struct figure *measured = &objective->measured;
    return measured->measured && objective->limit >= 0 && isfinite(measured->value) && measured->value >= 0;
}

/* The limit is a line at two thirds; what was used is a bar towards it, and beyond it when over. What is missing below a floor is drawn
 * as what is over another limit. */
static void draw_margin(struct xml *xml, const struct objective_result *objective)
{
    enum { WIDTH = 150, LIMIT_X = 100 };
    double value = objective->measured.value, limit = objective->limit;
    double length = limit > 0 ? value / limit * LIMIT_X : value > 0 ? WIDTH : 0;
    xml_open(xml, "svg");
    xml_attr(xml, "xmlns", "http://www.w3.org/2000/svg");
    xml_attrf(xml, "width", "%d", WIDTH);
    xml_attr(xml, "height", "16");
    xml_attrf(xml, "viewBox", "0 0 %d 16", WIDTH);
    xml_attr(xml, "aria-hidden", "true");
    bool floor = objective->comparison && objective->comparison[0] == '>';
    chart_rect(xml, 0, 4, LIMIT_X, 8, "#e4e4e4", NULL);
    if (length > 0 && limit > 0) {
        chart_rect(xml, 0, 4, fmin(length, LIMIT_X), 8, BLUE, NULL);
    }
    if (floor && length < LIMIT_X) {
        chart_rect(xml, length, 1, LIMIT_X - length, 14, RED, NULL);
    } else if (length > LIMIT_X) {
        chart_rect(xml, LIMIT_X, floor ? 4 : 1, fmin(length, WIDTH) - LIMIT_X, floor ? 8 : 14, floor ? BLUE : RED, NULL);
    }
    chart_line(xml, LIMIT_X, 0, LIMIT_X, 16, INK, 2, NULL);
    xml_end(xml);
}

static const json_t *last_drill(const struct report_context *context)
{
    size_t count = json_array_size(context->history);
    return count > 0 ? json_array_get(context->history, count - 1) : NULL;
}

/* What the objective came to in the drill before; "" when that is not known. */
static void say_last(const json_t *last, const struct objective_result *objective, struct buf *out)
{
    const json_t *objectives = json_object_get(last, "objectives"), *before = json_object_get(objectives, objective->text);
    before = before ? before : json_object_get(objectives, objective->metric);
    const json_t *measured = before ? json_object_get(before, "measured") : NULL;
    bool censored = before ? json_flag(before, "censored", false) : json_flag(last, "censored", false);
    if (!before && str_eq(objective->metric, "rto")) {
        measured = json_object_get(last, "rto_seconds");
    }
    if (json_is_number(measured)) {
        buf_puts(out, censored ? "more than " : "");
        words_value(json_number_value(measured), 0.01, NAN, objective->unit, out);
    }
}

static void write_last(struct xml *xml, const json_t *last, const struct objective_result *objective)
{
    struct buf text CLEANUP(buf_clear) = {0};
    say_last(last, objective, &text);
    if (text.size > 0) {
        xml_elementf(xml, "td", "short", "%s, %s, %.10s", buf_str(&text), json_str(last, "verdict", "?"),
                     json_str(last, "date", ""));
    } else {
        xml_element(xml, "td", "short", last ? "not measured" : "none");
    }
}

/* The id is for those who compare the page with report.json. */
static void write_achieved(struct xml *xml, const struct objective_result *objective, size_t index)
{
    struct buf achieved CLEANUP(buf_clear) = {0};
    words_achieved(objective, &achieved);
    xml_open(xml, "td");
    xml_attrf(xml, "id", "achieved-%zu", index);
    xml_attr(xml, "class", objective->measured.measured ? "short figure" : NULL);
    xml_text(xml, buf_str(&achieved));
    xml_close(xml);
}

static void write_objective(struct xml *xml, const struct objective_result *objective, size_t index, const json_t *last)
{
    static const char *const classes[JUDGEMENT_COUNT] = {"unknown", "met", "missed", "unknown"};
    static const char *const symbols[JUDGEMENT_COUNT] = {"◇", "✔", "✘", "◇"};
    struct buf margin CLEANUP(buf_clear) = {0};
    words_margin(objective, &margin);
    html_row(xml);
    html_name_cell(xml, objective->text);
    write_achieved(xml, objective, index);
    xml_open(xml, "td");
    xml_attr(xml, "class", "short");
    if (judgeable(objective)) {
        draw_margin(xml, objective);
    }
    bool unused = judgeable(objective) && !objective->measured.at_least;
    xml_textf(xml, " %s", margin.size ? buf_str(&margin) : unused ? "nothing used" : "-");
    xml_close(xml);
    xml_elementf(xml, "td", classes[objective->judgement], "%s %s", symbols[objective->judgement],
                 words_judgement(objective->judgement));
    write_last(xml, last, objective);
    html_row_end(xml);
}

void html_objectives(struct xml *xml, const struct result *result, const struct report_context *context)
{
    static const char *const heads[] = {"Objective", "Achieved ± resolution", "Margin to the limit", "Result", "Last drill"};
    html_section(xml, "objectives", "Objectives");
    if (result->objective_count == 0) {
        xml_element(xml, "p", NULL, "No objective was judged.");
    } else {
        html_table(xml, "An objective is met only if it is met at the unfavourable end of the resolution.", heads,
                   ARRAY_LEN(heads));
        for (size_t i = 0; i < result->objective_count; i++) {
            write_objective(xml, &result->objectives[i], i, last_drill(context));
        }
        html_table_end(xml);
    }
    html_section_end(xml);
}
