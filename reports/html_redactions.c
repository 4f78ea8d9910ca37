/* Which secrets were taken out of the evidence, where and by which rule; never what they were. */
#include "harness/base/str.h"
#include "reports/html_page.h"

enum { ROWS_MAX = 100 };

static int64_t count_all(const json_t *redacted)
{
    int64_t count = 0;
    for (size_t i = 0; i < json_array_size(redacted); i++) {
        count += json_int(json_array_get(redacted, i), "count", 0);
    }
    return count;
}

static void write_table(struct xml *xml, const json_t *redacted)
{
    static const char *const heads[] = {"File", "Rule", ">Times"};
    size_t size = json_array_size(redacted);
    html_table(xml, NULL, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < size && i < ROWS_MAX; i++) {
        const json_t *item = json_array_get(redacted, i);
        html_row(xml);
        html_cell(xml, json_str(item, "file", ""));
        html_cell(xml, json_str(item, "rule", ""));
        html_number(xml, "%lld", (long long)json_int(item, "count", 0));
        html_row_end(xml);
    }
    html_table_end(xml);
    if (size > ROWS_MAX) {
        xml_elementf(xml, "p", NULL, "%zu lines more are in redactions.json.", size - ROWS_MAX);
    }
}

/* The rules that the drill's own files added to those that are always there. */
static void write_added(struct xml *xml, const json_t *added)
{
    struct buf names CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < json_array_size(added); i++) {
        const char *name = json_string_value(json_array_get(added, i));
        buf_printf(&names, "%s%s", names.size ? ", " : "", name ? name : "?");
    }
    if (names.size) {
        xml_elementf(xml, "p", NULL, "Names that scenario and topology added to the rules: %s.", buf_str(&names));
    }
}

void html_redactions(struct xml *xml, const struct report_context *context)
{
    const json_t *redacted = json_object_get(context->redactions, "redacted");
    if (!context->redactions) {
        return;
    }
    int64_t count = count_all(redacted);
    xml_element(xml, "h3", NULL, "Secrets taken out");
    if (count == 0) {
        xml_element(xml, "p", NULL, "No rule found a secret to take out of the evidence.");
    } else {
        xml_elementf(xml, "p", NULL,
                     "%lld %s replaced with [redacted]. What stood there is not kept, nor its length or a hash of it; "
                     "redactions.json has the rules.",
                     (long long)count, count == 1 ? "value was" : "values were");
        write_table(xml, redacted);
    }
    write_added(xml, json_object_get(context->redactions, "added"));
}
