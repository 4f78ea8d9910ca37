/* The first screen: verdict, one sentence, objectives with their margins, findings. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

enum { FINDINGS_MAX = 40, FINDING_TEXT_MAX = 800 };

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
    const char *colour = verdict == VERDICT_PASS ? GREEN : verdict == VERDICT_FAIL ? "#a3152b" : "#7a4f00";
    xml_open(xml, "svg");
    xml_attr(xml, "xmlns", "http://www.w3.org/2000/svg");
    xml_attr(xml, "width", "26");
    xml_attr(xml, "height", "26");
    xml_attr(xml, "viewBox", "0 0 26 26");
    xml_attr(xml, "aria-hidden", "true");
    chart_path(xml, path, "none", colour, 4, NULL);
    xml_end(xml);
}

static void write_identity(struct xml *xml, const struct result *result)
{
    char started[32], duration[32];
    xml_open(xml, "p");
    xml_attr(xml, "class", "meta");
    xml_textf(xml, "Drill %s · scenario %s · topology %s", result->drill_id ? result->drill_id : "-",
              result->scenario ? result->scenario : "-", result->topology ? result->topology : "-");
    if (result->started_utc_ns) {
        xml_textf(xml, " · began %s", clock_format_utc(result->started_utc_ns, started));
    }
    if (result->ended_utc_ns > result->started_utc_ns) {
        xml_textf(xml, ", took %s", clock_format_duration(result->ended_utc_ns - result->started_utc_ns, duration));
    }
    xml_textf(xml, " · seed %lld · exit %d: %s", (long long)result->seed, result->exit_code,
              result->exit_words ? result->exit_words : "-");
    xml_close(xml);
}

static void write_findings(struct xml *xml, const struct result *result)
{
    struct buf cleanup CLEANUP(buf_clear) = {0};
    words_cleanup(result, &cleanup);
    xml_open(xml, "ul");
    xml_elementf(xml, "li", NULL, "Clean-up: %s.", buf_str(&cleanup));
    for (size_t i = 0; i < result->finding_count && i < FINDINGS_MAX; i++) {
        xml_elementf(xml, "li", NULL, "%.*s", FINDING_TEXT_MAX, result->findings[i]);
    }
    if (result->finding_count > FINDINGS_MAX) {
        xml_elementf(xml, "li", NULL, "… and %zu more in report.json", result->finding_count - FINDINGS_MAX);
    }
    xml_close(xml);
    xml_newline(xml);
}

void html_banner(struct xml *xml, const struct result *result)
{
    struct buf sentence CLEANUP(buf_clear) = {0};
    words_sentence(result, &sentence);
    xml_open(xml, "header");
    xml_element(xml, "h1", NULL, result->title ? result->title : result->scenario);
    xml_open(xml, "div");
    xml_attr(xml, "class", verdict_class(result->verdict));
    xml_open(xml, "p");
    xml_attr(xml, "class", "word");
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
    write_identity(xml, result);
    xml_close(xml);
    xml_newline(xml);
}

static bool judgeable(const struct objective_result *objective)
{
    const struct figure *measured = &objective->measured;
    return measured->measured && objective->limit > 0 && isfinite(measured->value) && measured->value >= 0;
}

/* The limit is a line at two thirds; what was used is a bar towards it, and beyond it when over. */
static void draw_margin(struct xml *xml, const struct objective_result *objective)
{
    enum { WIDTH = 150, LIMIT_X = 100 };
    double length = objective->measured.value / objective->limit * LIMIT_X;
    bool over = length > LIMIT_X;
    xml_open(xml, "svg");
    xml_attr(xml, "xmlns", "http://www.w3.org/2000/svg");
    xml_attrf(xml, "width", "%d", WIDTH);
    xml_attr(xml, "height", "16");
    xml_attr(xml, "aria-hidden", "true");
    chart_rect(xml, 0, 4, LIMIT_X, 8, "#eeeeee", NULL);
    chart_rect(xml, 0, 4, fmin(length, LIMIT_X), 8, BLUE, NULL);
    if (over) {
        chart_rect(xml, LIMIT_X, 2, fmin(length, WIDTH) - LIMIT_X, 12, "#a3152b", NULL);
    }
    chart_line(xml, LIMIT_X, 0, LIMIT_X, 16, INK, 2, NULL);
    xml_end(xml);
}

static void write_objective(struct xml *xml, const struct objective_result *objective)
{
    static const char *const classes[JUDGEMENT_COUNT] = {"unknown", "met", "missed", "unknown"};
    static const char *const symbols[JUDGEMENT_COUNT] = {"◇", "✔", "✘", "◇"};
    struct buf achieved CLEANUP(buf_clear) = {0}, margin CLEANUP(buf_clear) = {0};
    words_achieved(objective, &achieved);
    words_margin(objective, &margin);
    html_row(xml);
    html_name_cell(xml, objective->text);
    xml_elementf(xml, "td", classes[objective->judgement], "%s %s", symbols[objective->judgement],
                 words_judgement(objective->judgement));
    xml_element(xml, "td", objective->measured.measured ? "short" : NULL, buf_str(&achieved));
    xml_open(xml, "td");
    if (judgeable(objective)) {
        draw_margin(xml, objective);
    }
    xml_text(xml, margin.size ? buf_str(&margin) : "-");
    xml_close(xml);
    html_cell(xml, str_eq(objective->reason, buf_str(&achieved)) ? "" : objective->reason);
    html_row_end(xml);
}

void html_objectives(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"Objective", "Result", "Achieved ± resolution", "Margin to the limit", "Why"};
    html_section(xml, "objectives", "Objectives");
    if (result->objective_count == 0) {
        xml_element(xml, "p", NULL, "No objective was judged.");
    } else {
        html_table(xml, "An objective is met only if it is met at the unfavourable end of the resolution.", heads,
                   ARRAY_LEN(heads));
        for (size_t i = 0; i < result->objective_count; i++) {
            write_objective(xml, &result->objectives[i]);
        }
        html_table_end(xml);
    }
    write_findings(xml, result);
    html_section_end(xml);
}
