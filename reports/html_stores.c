/* Data in report.html: what each store itself had. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

enum { WRITES_MAX = 40 };

static void write_content(struct xml *xml, const struct store_comparison *comparison, const char *name,
                          const struct store_content *content, bool forked)
{
    html_row(xml);
    html_name_cell(xml, comparison->label);
    html_cell(xml, name);
    if (!content->complete) {
        html_cellf(xml, "could not be read: %s", content->reason);
        for (int i = 0; i < 4; i++) {
            html_number(xml, "%s", "-");
        }
    } else {
        html_cell(xml, forked ? "HAS PARTED WAYS" : content->missing ? "lags" : "has all");
        html_number(xml, "%llu", (unsigned long long)content->has);
        html_number(xml, "%llu", (unsigned long long)content->missing);
        html_number(xml, "%llu", (unsigned long long)content->only_here);
        html_number(xml, "%llu", (unsigned long long)content->unacknowledged);
    }
    html_row_end(xml);
}

static void write_comparisons(struct xml *xml, const struct stores_result *stores)
{
    static const char *const heads[] = {
        "When", "Store", "State", ">Acknowledged writes", ">Missing", ">Only here", ">Unacknowledged ones"};
    html_table(xml, "What each store itself had. Two have parted ways when each has acknowledged writes that the other lacks",
               heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < stores->comparison_count; i++) {
        const struct store_comparison *comparison = &stores->comparisons[i];
        for (size_t j = 0; j < stores->count; j++) {
            write_content(xml, comparison, stores->names[j], &comparison->contents[j], comparison->forked & 1U << j);
        }
    }
    html_table_end(xml);
}

static void write_write(struct xml *xml, const struct stores_result *stores, const struct divergent_write *write)
{
    html_row(xml);
    html_name_cell(xml, write->id);
    for (size_t i = 0; i < stores->comparison_count; i++) {
        struct buf on CLEANUP(buf_clear) = {0};
        stores_names(stores, write->on[i], &on);
        html_cell(xml, buf_str(&on));
    }
    html_row_end(xml);
}

static void write_writes(struct xml *xml, const struct stores_result *stores)
{
    if (stores->write_count == 0) {
        return;
    }
    AUTO_FREE const char **heads = xcalloc(stores->comparison_count + 1, sizeof(*heads));
    size_t shown = stores->write_count < WRITES_MAX ? stores->write_count : WRITES_MAX;
    heads[0] = "Write";
    for (size_t i = 0; i < stores->comparison_count; i++) {
        heads[i + 1] = stores->comparisons[i].label;
    }
    html_details(xml, "Writes that were accepted on two sides, and where they were");
    html_table(xml, "All of them are in report.json under measured.stores.divergent_writes", heads, stores->comparison_count + 1);
    for (size_t i = 0; i < shown; i++) {
        /* from both ends, so that more than one side is seen */
        size_t index = i < shown / 2 ? i : stores->write_count - shown + i;
        write_write(xml, stores, &stores->writes[index]);
    }
    html_table_end(xml);
    html_details_end(xml);
}

static void write_spans(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"Primary at once", ">From", ">To", ">For"};
    const struct stores_result *stores = &result->stores;
    if (stores->span_count == 0) {
        return;
    }
    html_table(xml, "Two primaries, as the stores themselves said", heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < stores->span_count; i++) {
        const struct primaries_span *span = &stores->spans[i];
        struct buf names CLEANUP(buf_clear) = {0};
        stores_names(stores, span->mask, &names);
        html_row(xml);
        html_name_cell(xml, buf_str(&names));
        html_instant(xml, result, span->begin_ns);
        html_instant(xml, result, span->end_ns);
        html_number(xml, "%.2f s", (double)(span->end_ns - span->begin_ns) / 1e9);
        html_row_end(xml);
    }
    html_table_end(xml);
}

void html_stores(struct xml *xml, const struct result *result)
{
    if (result->stores.comparison_count > 0) {
        write_comparisons(xml, &result->stores);
        write_writes(xml, &result->stores);
    }
    write_spans(xml, result);
}
