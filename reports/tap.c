/* TAP version 14: an objective is a test point, for `drill run --tap`. */
#include <math.h>

#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/words.h"
#include "reports/xml.h"

/* One line, in which "#" begins nothing. */
static void say(struct buf *out, const char *text)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    xml_clean_text(text ? text : "", &clean);
    for (const char *byte = buf_str(&clean); *byte; byte++) {
        if (*byte == '#' || *byte == '\\') {
            buf_puts(out, "\\");
        }
        buf_add(out, *byte == '\n' || *byte == '\t' ? " " : byte, 1);
    }
}

/* A member of the YAML block. JSON's strings are YAML's. */
static void say_member(struct buf *out, const char *name, const char *text)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    xml_clean_text(text ? text : "", &clean);
    AUTO_JSON json_t *value = json_string(buf_str(&clean));
    AUTO_FREE char *quoted = json_dumps(value, JSON_ENCODE_ANY);
    buf_printf(out, "  %s: %s\n", name, quoted ? quoted : "\"\"");
}

static void say_objective(struct buf *out, const struct objective_result *objective, size_t number)
{
    struct buf achieved CLEANUP(buf_clear) = {0};
    words_achieved(objective, &achieved);
    buf_printf(out, "%s %zu - ", objective->judgement == JUDGEMENT_MET ? "ok" : "not ok", number);
    say(out, objective->text);
    buf_puts(out, "\n  ---\n");
    say_member(out, "result", words_judgement(objective->judgement));
    say_member(out, "achieved", buf_str(&achieved));
    if (objective->reason && *objective->reason) {
        say_member(out, "message", objective->reason);
    }
    buf_puts(out, "  ...\n");
}

void report_tap(const struct result *result, struct buf *out)
{
    bool completed = result->conclusion == CONCLUSION_COMPLETED;
    struct buf sentence CLEANUP(buf_clear) = {0};
    words_sentence(result, &sentence);
    buf_printf(out, "TAP version 14\n1..%zu\n# ", result->objective_count + 1);
    say(out, buf_str(&sentence));
    buf_puts(out, "\n");
    for (size_t i = 0; i < result->objective_count; i++) {
        say_objective(out, &result->objectives[i], i + 1);
    }
    buf_printf(out, "%s %zu - the drill ran as planned and proves something\n", words_trouble(result) ? "not ok" : "ok",
               result->objective_count + 1);
    if (!completed) {
        buf_puts(out, "Bail out! ");
        say(out, result->exit_words);
        buf_puts(out, "\n");
    }
    buf_printf(out, "# exit %d: ", result->exit_code);
    say(out, result->exit_words);
    buf_puts(out, "\n");
}
