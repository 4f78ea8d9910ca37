/* Sections, figures and tables of report.html. */
#include <stdarg.h>
#include <string.h>

#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

/* The whole of a longer text is in report.json or events.jsonl. */
enum { TEXT_MAX = 1000, OVER_TIME_ROWS_MAX = 40 };

static void clipped(struct xml *xml, const char *text)
{
    if (strlen(text) > TEXT_MAX) {
        xml_textf(xml, "%.*s…", TEXT_MAX, text);
    } else {
        xml_text(xml, text);
    }
}

static void cell(struct xml *xml, const char *class, const char *text)
{
    xml_open(xml, "td");
    xml_attr(xml, "class", class);
    clipped(xml, text && *text ? text : "-");
    xml_close(xml);
}

void html_section(struct xml *xml, const char *id, const char *title)
{
    xml_newline(xml);
    xml_open(xml, "section");
    xml_attrf(xml, "aria-labelledby", "%s", id);
    xml_open(xml, "h2");
    xml_attr(xml, "id", id);
    xml_text(xml, title);
    xml_close(xml);
    xml_newline(xml);
}

void html_section_end(struct xml *xml)
{
    xml_close(xml);
    xml_newline(xml);
}

void html_figure(struct xml *xml)
{
    xml_open(xml, "figure");
    xml_attr(xml, "class", "box");
    xml_newline(xml);
}

void html_figure_end(struct xml *xml)
{
    xml_close(xml);
    xml_newline(xml);
}

static void open_table(struct xml *xml, const char *class, const char *caption, const char *const *heads, size_t count)
{
    xml_open(xml, "div");
    xml_attr(xml, "class", "box");
    xml_open(xml, "table");
    xml_attr(xml, "class", class);
    xml_attr(xml, "cellpadding", "4"); /* for those who strip the style sheet */
    if (caption) {
        xml_element(xml, "caption", NULL, caption);
    }
    xml_open(xml, "thead");
    xml_open(xml, "tr");
    for (size_t i = 0; i < count; i++) {
        bool number = heads[i][0] == '>';
        xml_open(xml, "th");
        xml_attr(xml, "scope", "col");
        xml_attr(xml, "class", number ? "n" : NULL);
        xml_text(xml, heads[i] + (number ? 1 : 0));
        xml_close(xml);
    }
    xml_close(xml);
    xml_close(xml);
    xml_open(xml, "tbody");
    xml_newline(xml);
}

void html_table(struct xml *xml, const char *caption, const char *const *heads, size_t count)
{
    open_table(xml, NULL, caption, heads, count);
}

void html_table_end(struct xml *xml)
{
    xml_close(xml); /* tbody */
    xml_close(xml); /* table */
    xml_close(xml); /* div */
    xml_newline(xml);
}

void html_row(struct xml *xml)
{
    xml_open(xml, "tr");
}

void html_row_end(struct xml *xml)
{
    xml_close(xml);
    xml_newline(xml);
}

void html_cell(struct xml *xml, const char *text)
{
    cell(xml, NULL, text);
}

void html_name_cell(struct xml *xml, const char *text)
{
    xml_open(xml, "th");
    xml_attr(xml, "scope", "row");
    clipped(xml, text && *text ? text : "-");
    xml_close(xml);
}

static void cell_args(struct xml *xml, const char *class, const char *fmt, va_list args) __attribute__((format(printf, 3, 0)));

static void cell_args(struct xml *xml, const char *class, const char *fmt, va_list args)
{
    struct buf text CLEANUP(buf_clear) = {0};
    buf_vprintf(&text, fmt, args);
    cell(xml, class, buf_str(&text));
}

void html_cellf(struct xml *xml, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    cell_args(xml, NULL, fmt, args);
    va_end(args);
}

void html_number(struct xml *xml, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    cell_args(xml, "n", fmt, args);
    va_end(args);
}

void html_instant(struct xml *xml, const struct result *result, int64_t t_ns)
{
    struct buf text CLEANUP(buf_clear) = {0};
    words_instant(result, t_ns, &text);
    html_number(xml, "%s", buf_str(&text));
}

void html_facts(struct xml *xml, const char *caption)
{
    static const char *const heads[] = {"What", "Value"};
    open_table(xml, "facts", caption, heads, ARRAY_LEN(heads)); /* its head is for screen readers */
}

void html_fact(struct xml *xml, const char *name, const char *fmt, ...)
{
    va_list args;
    html_row(xml);
    html_name_cell(xml, name);
    va_start(args, fmt);
    cell_args(xml, NULL, fmt, args);
    va_end(args);
    html_row_end(xml);
}

void html_details(struct xml *xml, const char *summary)
{
    xml_open(xml, "details");
    xml_element(xml, "summary", NULL, summary);
}

void html_details_end(struct xml *xml)
{
    xml_close(xml);
    xml_newline(xml);
}

void html_over_time(struct xml *xml, const struct columns *columns, const struct over_time *table)
{
    enum { HEADS_MAX = 16 };
    const char *heads[HEADS_MAX] = {">From"};
    char caption[32];
    size_t step = (columns->count + OVER_TIME_ROWS_MAX - 1) / OVER_TIME_ROWS_MAX;
    size_t count = table->count < HEADS_MAX - 1 ? table->count : HEADS_MAX - 1;
    memcpy(heads + 1, table->heads, count * sizeof(*heads));
    (void)str_format(caption, sizeof(caption), "Rows of %zu s", step * columns->step);
    html_details(xml, table->summary);
    html_table(xml, caption, heads, count + 1);
    for (size_t from = 0; from < columns->count; from += step) {
        size_t to = from + step < columns->count ? from + step : columns->count;
        html_row(xml);
        html_number(xml, "%.0f s", columns->items[from].from_s);
        table->cells(xml, columns, from, to, table->context);
        html_row_end(xml);
    }
    html_table_end(xml);
    html_details_end(xml);
}
