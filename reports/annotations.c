/* GitHub Actions' workflow commands: what to look at, at the scenario's own lines. Ten are shown of a step and the rest is dropped
 * unseen, so the worst come first and there are no more. */
#include <string.h>

#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/words.h"
#include "reports/xml.h"

enum { ANNOTATIONS_MAX = 10, TEXT_MAX = 600 };

struct annotations {
    const char *file; /* NULL: not known */
    const char *source;
    struct buf *out;
    size_t count;
};

/* What would end the command or one of its properties is written as %XX. */
static void escape(struct buf *out, const char *text, bool property)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    xml_clean_text(text ? text : "", &clean);
    size_t start = out->size;
    for (const char *byte = buf_str(&clean); *byte; byte++) {
        bool special = *byte == '%' || *byte == '\r' || *byte == '\n' || (property && (*byte == ':' || *byte == ','));
        if (out->size - start > TEXT_MAX && (*byte & 0xc0) != 0x80) {
            buf_puts(out, "…");
            return;
        }
        if (special) {
            buf_printf(out, "%%%02X", (unsigned char)*byte);
        } else {
            buf_add(out, byte, 1);
        }
    }
}

/* The line of the source that holds the text; 0 when none does. */
static size_t line_of(const char *source, const char *text)
{
    const char *at = source && text && *text ? strstr(source, text) : NULL;
    size_t line = at ? 1 : 0;
    for (const char *byte = source; at && byte < at; byte++) {
        line += *byte == '\n';
    }
    return line;
}

static void annotate(struct annotations *annotations, const char *level, const char *about, const char *title, const char *text)
{
    struct buf *out = annotations->out;
    size_t line = line_of(annotations->source, about);
    if (annotations->count++ >= ANNOTATIONS_MAX) {
        return;
    }
    buf_printf(out, "::%s title=", level);
    escape(out, title, true);
    if (annotations->file) {
        buf_puts(out, ",file=");
        escape(out, annotations->file, true);
        buf_printf(out, ",line=%zu", line ? line : 1);
    }
    buf_puts(out, "::");
    escape(out, text, false);
    buf_puts(out, "\n");
}

static void annotate_objectives(struct annotations *annotations, const struct result *result, enum judgement judgement)
{
    for (size_t i = 0; i < result->objective_count; i++) {
        const struct objective_result *objective = &result->objectives[i];
        bool missed = objective->judgement == JUDGEMENT_MISSED, met = objective->judgement == JUDGEMENT_MET;
        if (met || missed != (judgement == JUDGEMENT_MISSED)) {
            continue;
        }
        struct buf text CLEANUP(buf_clear) = {0};
        words_achieved(objective, &text);
        if (objective->reason && *objective->reason) {
            buf_printf(&text, "; %s", objective->reason);
        }
        AUTO_FREE char *title = xasprintf("%s: %s %s", result->scenario ? result->scenario : "drill", objective->text,
                                          missed ? "was missed" : "could not be judged");
        annotate(annotations, missed ? "error" : "warning", objective->text, title, buf_str(&text));
    }
}

void report_annotations(const struct result *result, const char *file, const char *source, struct buf *out)
{
    struct annotations annotations = {.file = file, .source = source, .out = out};
    struct buf sentence CLEANUP(buf_clear) = {0}, cleanup CLEANUP(buf_clear) = {0};
    words_sentence(result, &sentence);
    words_cleanup(result, &cleanup);
    if (result->residue_checked && !result->clean) {
        annotate(&annotations, "error", NULL, "something may still be injected", buf_str(&cleanup));
    }
    if (result->conclusion != CONCLUSION_COMPLETED) {
        annotate(&annotations, "error", NULL, "the drill did not run as planned", buf_str(&sentence));
    }
    annotate_objectives(&annotations, result, JUDGEMENT_MISSED);
    annotate_objectives(&annotations, result, JUDGEMENT_UNKNOWN);
    for (size_t i = 0; i < result->finding_count; i++) {
        bool warning = str_starts_with(result->findings[i], "warning");
        annotate(&annotations, warning ? "warning" : "notice", NULL, "drill", result->findings[i]);
    }
}
