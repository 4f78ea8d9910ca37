/* The drills of this scenario before, in report.html. */
#include <math.h>

#include "harness/base/str.h"
#include "reports/history.h"
#include "reports/html_page.h"
#include "reports/words.h"

static void say_seconds(double seconds, bool censored, struct buf *out)
{
    if (!isfinite(seconds)) {
        buf_puts(out, "not measured");
        return;
    }
    buf_puts(out, censored ? "more than " : "");
    words_value(seconds, 0.01, NAN, "s", out);
}

static void write_point(struct xml *xml, const struct history_point *point, bool last)
{
    struct buf rto CLEANUP(buf_clear) = {0}, target CLEANUP(buf_clear) = {0};
    say_seconds(point->rto_s, point->censored, &rto);
    if (isfinite(point->target_s)) {
        say_seconds(point->target_s, false, &target);
    }
    html_row(xml);
    xml_open(xml, "th");
    xml_attr(xml, "scope", "row");
    xml_textf(xml, "%.10s%s", point->date, last ? ", this drill" : "");
    xml_close(xml);
    html_cell(xml, point->drill_id);
    html_cell(xml, words_verdict(point->verdict));
    html_number(xml, "%s", buf_str(&rto));
    html_number(xml, "%s", target.size ? buf_str(&target) : "none");
    html_cell(xml, point->changed);
    html_row_end(xml);
}

static void write_summary(struct xml *xml, const struct history *history)
{
    struct buf text CLEANUP(buf_clear) = {0};
    buf_printf(&text, "%zu drills: %zu passed, %zu failed, %zu could not be judged. Time to recover: least ", history->count,
               history->passed, history->failed, history->count - history->passed - history->failed);
    say_seconds(history->least_s, false, &text);
    buf_puts(&text, ", median ");
    say_seconds(history->median_s, history->median_censored, &text);
    buf_puts(&text, ", most ");
    say_seconds(history->most_s, history->most_censored, &text);
    if (isfinite(history->p95_s)) {
        buf_puts(&text, ", 95th percentile ");
        say_seconds(history->p95_s, history->p95_censored, &text);
    }
    buf_puts(&text, ". ");
    if (history->passed == history->count) {
        buf_printf(&text, "All passed: with 95%% confidence at least %.0f%% of such drills do.",
                   100 * history_pass_bound(history->count));
    }
    xml_element(xml, "p", NULL, buf_str(&text));
}

void html_history(struct xml *xml, const struct result *result, const struct report_context *context)
{
    static const char *const heads[] = {"Date", "Drill", "Verdict", ">Time to recover", ">Limit", "Not comparable from here on"};
    struct history *history CLEANUP(history_cleanup) = history_new(result, context);
    html_section(xml, "history", "History of this scenario");
    if (history->count == 1) {
        xml_element(xml, "p", NULL, "This is the first drill of this scenario that the archive knows of.");
        html_section_end(xml);
        return;
    }
    write_summary(xml, history);
    html_figure(xml);
    history_draw(xml, history);
    html_figure_end(xml);
    html_details(xml, "The drills as a table");
    html_table(xml, NULL, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < history->count; i++) {
        write_point(xml, &history->points[i], i + 1 == history->count);
    }
    html_table_end(xml);
    html_details_end(xml);
    html_section_end(xml);
}
