/* What a terminal shows at the end of a drill: the gate's output. */
#include <string.h>

#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/words.h"
#include "reports/xml.h"

#define RESET "\033[0m"

enum { WORD_WIDTH = 9 };

static const char *colour_of(enum judgement judgement)
{
    return judgement == JUDGEMENT_MET ? "\033[32m" : judgement == JUDGEMENT_MISSED ? "\033[31m" : "\033[33m";
}

/* Strings from elsewhere must not move the cursor: control characters are gone, a line stays one. */
static void say(struct buf *out, const char *text)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    xml_clean_text(text ? text : "", &clean);
    for (const char *byte = buf_str(&clean); *byte; byte++) {
        buf_add(out, *byte == '\n' || *byte == '\t' ? " " : byte, 1);
    }
}

static void say_judgement(struct buf *out, const char *word, enum judgement judgement, bool colour)
{
    buf_printf(out, "%s%s%s", colour ? colour_of(judgement) : "", word, colour ? RESET : "");
    size_t size = strlen(word);
    buf_printf(out, "%*s", size < WORD_WIDTH ? (int)(WORD_WIDTH - size) : 2, "");
}

static void say_objective(struct buf *out, const struct objective_result *objective, bool colour)
{
    struct buf achieved CLEANUP(buf_clear) = {0}, margin CLEANUP(buf_clear) = {0};
    words_achieved(objective, &achieved);
    words_margin(objective, &margin);
    say_judgement(out, words_judgement(objective->judgement), objective->judgement, colour);
    say(out, objective->text);
    buf_puts(out, "   ");
    say(out, buf_str(&achieved));
    if (margin.size > 0) {
        buf_puts(out, " (");
        say(out, buf_str(&margin));
        buf_puts(out, ")");
    } else if (objective->judgement != JUDGEMENT_MET && objective->measured.measured && objective->reason) {
        buf_puts(out, " (");
        say(out, objective->reason);
        buf_puts(out, ")");
    }
    buf_puts(out, "\n");
}

static enum judgement as_judgement(enum verdict verdict)
{
    return verdict == VERDICT_PASS ? JUDGEMENT_MET : verdict == VERDICT_FAIL ? JUDGEMENT_MISSED : JUDGEMENT_UNKNOWN;
}

static void say_line(struct buf *out, const char *label, const struct buf *text)
{
    if (text->size > 0) {
        buf_printf(out, "  %s: ", label);
        say(out, buf_str(text));
        buf_puts(out, "\n");
    }
}

static void describe_worst(const struct result *result, struct buf *out)
{
    const struct observation *worst = result_worst(result);
    if (worst) {
        buf_printf(out, "%s, %s from %s: ", worst->cause, class_name(worst->request_class), worst->vantage);
        words_figure_near(&worst->rto, words_limit(result, "rto"), "s", out);
        buf_printf(out, ", %llu of %llu requests failed", (unsigned long long)worst->failed, (unsigned long long)worst->requests);
    }
}

static void say_rest(struct buf *out, const struct result *result)
{
    struct buf phases CLEANUP(buf_clear) = {0}, worst CLEANUP(buf_clear) = {0};
    struct buf loss CLEANUP(buf_clear) = {0}, cleanup CLEANUP(buf_clear) = {0};
    words_phases(result, &phases);
    describe_worst(result, &worst);
    words_loss(result, &loss);
    words_cleanup(result, &cleanup);
    say_line(out, "where it went", &phases);
    say_line(out, "worst", &worst);
    say_line(out, "data", &loss);
    say_line(out, "cleanup", &cleanup);
    for (size_t i = 0; i < result->finding_count; i++) {
        buf_puts(out, "  note: ");
        say(out, result->findings[i]);
        buf_puts(out, "\n");
    }
}

static void say_quiet(struct buf *out, const struct result *result, bool colour)
{
    struct buf sentence CLEANUP(buf_clear) = {0};
    words_sentence(result, &sentence);
    say(out, result->scenario);
    buf_puts(out, "   ");
    say_judgement(out, words_verdict(result->verdict), as_judgement(result->verdict), colour);
    say(out, buf_str(&sentence));
    buf_puts(out, "\n");
}

static void say_conclusion(struct buf *out, const struct result *result)
{
    struct buf sentence CLEANUP(buf_clear) = {0};
    if (result->conclusion != CONCLUSION_COMPLETED || result->objective_count == 0) {
        words_sentence(result, &sentence);
        say_line(out, "what happened", &sentence);
    }
}

void report_console(const struct result *result, bool colour, bool quiet, struct buf *out)
{
    enum { INDENT_MAX = 60 };
    if (quiet) {
        say_quiet(out, result, colour);
        return;
    }
    size_t start = out->size;
    say(out, result->scenario);
    buf_puts(out, "   ");
    int indent = (int)(out->size - start);
    for (size_t i = 0; i < result->objective_count; i++) {
        buf_printf(out, "%*s", i == 0 ? 0 : indent < INDENT_MAX ? indent : INDENT_MAX, "");
        say_objective(out, &result->objectives[i], colour);
    }
    if (result->objective_count == 0) {
        say_judgement(out, words_verdict(result->verdict), as_judgement(result->verdict), colour);
        buf_puts(out, "no objective was judged\n");
    }
    say_conclusion(out, result);
    say_rest(out, result);
}
