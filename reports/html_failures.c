/* Failures in report.html: each kind over time, in all, and its first example. */
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/failures.h"
#include "reports/html_page.h"
#include "reports/words.h"

static void say_example(const struct result *result, const struct failure_example *example, struct buf *out)
{
    char took[32];
    if (!example->known) {
        return;
    }
    buf_printf(out, "%s from %s", class_name(example->request_class), example->vantage);
    if (*example->address) {
        buf_printf(out, " to %s", example->address);
    }
    if (example->http_status) {
        buf_printf(out, ", HTTP status %u", example->http_status);
    }
    buf_printf(out, ", due at %.3f s", words_since(result, example->due_ns));
    if (example->took_ns > 0) {
        buf_printf(out, ", failed after %s", clock_format_duration(example->took_ns, took));
    }
}

static void write_kinds(struct xml *xml, const struct result *result, const enum request_outcome *kinds, size_t count)
{
    static const char *const heads[] = {"Kind", "What it means", ">Requests", ">Share of all", "The first of them"};
    html_table(xml, "Requests that were not answered as agreed", heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < count; i++) {
        struct buf share CLEANUP(buf_clear) = {0}, example CLEANUP(buf_clear) = {0};
        words_share(result->by_outcome[kinds[i]], result->requests.scheduled, &share);
        say_example(result, &result->first_of[kinds[i]], &example);
        html_row(xml);
        html_name_cell(xml, outcome_name(kinds[i]));
        html_cell(xml, words_outcome(kinds[i]));
        html_number(xml, "%llu", (unsigned long long)result->by_outcome[kinds[i]]);
        html_number(xml, "%s", buf_str(&share));
        html_cell(xml, buf_str(&example));
        html_row_end(xml);
    }
    html_table_end(xml);
}

struct kinds {
    const struct result *result;
    enum request_outcome items[OUTCOME_COUNT];
    size_t count;
};

static void write_cells(struct xml *xml, const struct columns *columns, size_t from, size_t to, const void *context)
{
    const struct kinds *kinds = context;
    for (size_t i = 0; i < kinds->count; i++) {
        uint64_t sum = 0;
        for (size_t column = from; column < to; column++) {
            const struct column *item = &columns->items[column];
            for (size_t bin = item->first_bin; bin < item->first_bin + item->bin_count; bin++) {
                sum += kinds->result->bins[bin].by_outcome[kinds->items[i]];
            }
        }
        html_number(xml, "%llu", (unsigned long long)sum);
    }
}

static void write_over_time(struct xml *xml, const struct columns *columns, const struct kinds *kinds)
{
    char heads[OUTCOME_COUNT][40];
    const char *names[OUTCOME_COUNT];
    for (size_t i = 0; i < kinds->count; i++) {
        (void)str_format(heads[i], sizeof(heads[i]), ">%s", outcome_name(kinds->items[i]));
        names[i] = heads[i];
    }
    const struct over_time table = {
        .summary = "The failures as a table", .heads = names, .count = kinds->count, .cells = write_cells, .context = kinds};
    html_over_time(xml, columns, &table);
}

void html_failures(struct xml *xml, const struct result *result, const struct columns *columns)
{
    struct kinds kinds = {.result = result};
    kinds.count = failures_kinds(result, kinds.items);
    html_section(xml, "failures", "Failures by kind");
    if (kinds.count == 0) {
        xml_element(xml, "p", NULL,
                    result->requests.scheduled ? "Every request was answered as agreed." : "No request was sent.");
    } else {
        if (columns->count > 0) {
            html_figure(xml);
            failures_draw(xml, result, columns);
            html_figure_end(xml);
            write_over_time(xml, columns, &kinds);
        }
        write_kinds(xml, result, kinds.items, kinds.count);
    }
    html_section_end(xml);
}
