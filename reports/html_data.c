/* What was lost: writes, and requests by kind of failure. */
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

enum { IDS_MAX = 20 };

static void write_counts(struct xml *xml, const struct loss *loss)
{
    struct buf rpa CLEANUP(buf_clear) = {0};
    words_figure(&loss->rpa, "s", &rpa);
    html_facts(xml, "Writes, counted by their ids as a set: holes count, not only the end");
    html_fact(xml, "Acknowledged", "%llu", (unsigned long long)loss->acknowledged);
    html_fact(xml, "Lost: acknowledged and not read back", "%llu", (unsigned long long)loss->lost);
    html_fact(xml, "… of these acknowledged during the outage", "%llu", (unsigned long long)loss->lost_during_outage);
    html_fact(xml, "Read back more than once", "%llu", (unsigned long long)loss->duplicated);
    html_fact(xml, "Not answered, but took effect", "%llu", (unsigned long long)loss->unknown_present);
    html_fact(xml, "Not answered, and took no effect", "%llu", (unsigned long long)loss->unknown_absent);
    html_fact(xml, "Recovery point achieved", "%s", buf_str(&rpa));
    html_table_end(xml);
}

static void write_checks(struct xml *xml, const struct loss *loss)
{
    static const char *const heads[] = {"Read back after", "Disruption", "Complete",
                                        ">Asked for",      ">Missing",   ">Missing first here"};
    if (loss->check_count == 0) {
        return;
    }
    html_table(xml, "Read-backs: all writes acknowledged before are asked for again", heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < loss->check_count; i++) {
        const struct loss_check *check = &loss->checks[i];
        html_row(xml);
        html_name_cell(xml, check->cause);
        html_cell(xml, check->after);
        html_cellf(xml, "%s%s%s", check->complete ? "yes" : "NO", !check->complete && check->reason ? ": " : "",
                   !check->complete && check->reason ? check->reason : "");
        html_number(xml, "%llu", (unsigned long long)check->checked);
        html_number(xml, "%llu", (unsigned long long)check->missing);
        html_number(xml, "%llu", (unsigned long long)check->newly_missing);
        html_row_end(xml);
    }
    html_table_end(xml);
}

static void write_ids(struct xml *xml, const struct loss *loss)
{
    if (loss->lost_count == 0) {
        return;
    }
    xml_elementf(xml, "h3", NULL, "Lost writes%s", loss->lost_count > IDS_MAX ? ", the first 20" : "");
    xml_open(xml, "p");
    xml_attr(xml, "class", "ids");
    for (size_t i = 0; i < loss->lost_count && i < IDS_MAX; i++) {
        xml_textf(xml, "%s%s", i ? ", " : "", loss->lost_ids[i]);
    }
    xml_close(xml);
    if (loss->lost_count > IDS_MAX) {
        xml_elementf(xml, "p", "meta", "All %zu ids are in report.json under measured.rpo.lost_ids.", loss->lost_count);
    }
}

void html_data(struct xml *xml, const struct result *result)
{
    struct buf text CLEANUP(buf_clear) = {0};
    words_loss(result, &text);
    html_section(xml, "data", "Data");
    if (result->loss.measured) {
        xml_elementf(xml, "p", NULL, "%s.", buf_str(&text));
        write_counts(xml, &result->loss);
    } else {
        xml_elementf(xml, "p", NULL, "Loss of writes was %s.", buf_str(&text));
    }
    write_checks(xml, &result->loss);
    write_ids(xml, &result->loss);
    html_section_end(xml);
}

static bool is_failure(int outcome, const struct result *result)
{
    return outcome != OUTCOME_OK && result->by_outcome[outcome] > 0;
}

/* Gives how many kinds there are. `values` gets one row of numbers each. */
static size_t collect(const struct result *result, const struct columns *columns, const char *names[static OUTCOME_COUNT],
                      double *values)
{
    size_t count = 0;
    for (int outcome = OUTCOME_PENDING; outcome < OUTCOME_COUNT; outcome++) {
        if (!is_failure(outcome, result)) {
            continue;
        }
        names[count] = outcome_name((enum request_outcome)outcome);
        for (size_t i = 0; i < columns->count; i++) {
            const struct column *column = &columns->items[i];
            for (size_t bin = column->first_bin; bin < column->first_bin + column->bin_count; bin++) {
                values[count * columns->count + i] += (double)result->bins[bin].by_outcome[outcome] / (double)column->bin_count;
            }
        }
        count++;
    }
    return count;
}

static void say_when(const struct result *result, int outcome, struct buf *first, struct buf *last)
{
    for (size_t i = 0; i < result->bin_count; i++) {
        if (result->bins[i].by_outcome[outcome] > 0) {
            buf_reset(last);
            buf_printf(last, "%.0f s", words_since(result, result->bins[i].start_ns));
            if (first->size == 0) {
                buf_puts(first, buf_str(last));
            }
        }
    }
}

static void write_kinds(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"Kind", "What it means", ">Requests", ">Share of all", ">First due in second", ">Last"};
    html_table(xml, "Requests that were not answered as agreed", heads, ARRAY_LEN(heads));
    for (int outcome = OUTCOME_PENDING; outcome < OUTCOME_COUNT; outcome++) {
        struct buf share CLEANUP(buf_clear) = {0}, first CLEANUP(buf_clear) = {0}, last CLEANUP(buf_clear) = {0};
        if (!is_failure(outcome, result)) {
            continue;
        }
        words_share(result->by_outcome[outcome], result->requests.scheduled, &share);
        say_when(result, outcome, &first, &last);
        html_row(xml);
        html_name_cell(xml, outcome_name((enum request_outcome)outcome));
        html_cell(xml, words_outcome((enum request_outcome)outcome));
        html_number(xml, "%llu", (unsigned long long)result->by_outcome[outcome]);
        html_number(xml, "%s", buf_str(&share));
        html_number(xml, "%s", buf_str(&first));
        html_number(xml, "%s", buf_str(&last));
        html_row_end(xml);
    }
    html_table_end(xml);
}

void html_failures(struct xml *xml, const struct result *result, const struct columns *columns)
{
    const char *names[OUTCOME_COUNT];
    AUTO_FREE double *values = xcalloc((size_t)OUTCOME_COUNT * (columns->count + 1), sizeof(*values));
    size_t count = collect(result, columns, names, values);
    html_section(xml, "failures", "Failures by kind");
    if (count == 0) {
        xml_element(xml, "p", NULL,
                    result->requests.scheduled ? "Every request was answered as agreed." : "No request was sent.");
        html_section_end(xml);
        return;
    }
    const struct strips strips = {.id = "kinds",
                                  .title = "Failures by kind",
                                  .description =
                                      "Failed requests per second of each kind over the drill. The dashed line is the first "
                                      "disruption. The table below sums them up.",
                                  .unit = "requests/s",
                                  .names = names,
                                  .values = values,
                                  .count = count,
                                  .fill = ORANGE};
    if (columns->count > 0) {
        html_strips(xml, columns, &strips);
    }
    write_kinds(xml, result);
    html_section_end(xml);
}
