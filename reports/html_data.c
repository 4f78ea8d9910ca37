/* Data in report.html: what became of the writes. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

enum { IDS_MAX = 20 };

static void write_count(struct xml *xml, const char *id, const char *words, uint64_t count)
{
    html_row(xml);
    html_name_cell(xml, words);
    xml_open(xml, "td");
    xml_attr(xml, "id", id);
    xml_textf(xml, "%llu", (unsigned long long)count);
    xml_close(xml);
    html_row_end(xml);
}

static void write_counts(struct xml *xml, const struct loss *loss)
{
    struct buf rpa CLEANUP(buf_clear) = {0};
    words_figure(&loss->rpa, "s", &rpa);
    html_facts(xml, "Writes, counted by their ids as a set: holes count, not only the end");
    write_count(xml, "writes-acknowledged", "Acknowledged", loss->acknowledged);
    write_count(xml, "writes-lost", "Lost: acknowledged and not read back", loss->lost);
    write_count(xml, "writes-lost-during-outage", "… of these acknowledged during the outage", loss->lost_during_outage);
    write_count(xml, "writes-duplicated", "Read back more than once", loss->duplicated);
    write_count(xml, "writes-unknown-present", "Not answered, but took effect", loss->unknown_present);
    write_count(xml, "writes-unknown-absent", "Not answered, and took no effect", loss->unknown_absent);
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
    html_stores(xml, result);
    html_section_end(xml);
}
