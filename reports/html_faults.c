/* Faults in report.html: what was done, by which means, what proves it, and whether it is gone. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

static void say_options(const struct fault_result *fault, struct buf *out)
{
    const char *key;
    json_t *value;
    const char *separator = "";
    json_object_foreach(fault->options, key, value)
    {
        AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
        buf_printf(out, "%s%s = %s", separator, key, json_is_string(value) ? json_string_value(value) : text ? text : "?");
        separator = ", ";
    }
}

static void say_residue(const struct fault_result *fault, struct buf *out)
{
    size_t index;
    json_t *left;
    if (!fault->residue) {
        buf_puts(out, "not checked");
        return;
    }
    if (json_array_size(fault->residue) == 0) {
        buf_puts(out, "nothing left");
        return;
    }
    buf_puts(out, "LEFT: ");
    json_array_foreach(fault->residue, index, left)
    {
        buf_printf(out, "%s%s", index ? "; " : "", json_is_string(left) ? json_string_value(left) : "?");
    }
}

static void write_fault(struct xml *xml, const struct result *result, const struct fault_result *fault)
{
    struct buf name CLEANUP(buf_clear) = {0}, options CLEANUP(buf_clear) = {0}, residue CLEANUP(buf_clear) = {0};
    words_fault(fault, &name);
    say_options(fault, &options);
    say_residue(fault, &residue);
    xml_elementf(xml, "h3", NULL, "%s%s%s", fault->fault_id ? fault->fault_id : "", fault->fault_id ? ": " : "", buf_str(&name));
    html_facts(xml, NULL);
    html_fact(xml, "Plan", "%s", fault->plan ? fault->plan : "");
    html_fact(xml, "Options", "%s", buf_str(&options));
    html_fact(xml, "Mechanism", "%s", fault->mechanism ? fault->mechanism : "");
    html_fact(xml, "Proof", "%s%s%s", fault->proven ? "✔ proven" : "✘ NOT PROVEN", fault->proof && *fault->proof ? ": " : "",
              fault->proof ? fault->proof : "");
    html_fact(xml, "Asked for at", "%.3f s", words_since(result, fault->requested_ns));
    if (fault->applied) {
        html_fact(xml, "In force", "between %.4f s and %.4f s", words_since(result, fault->applied_before_ns),
                  words_since(result, fault->applied_after_ns));
    } else {
        html_fact(xml, "In force", "never");
    }
    if (fault->removed_ns) {
        html_fact(xml, "Removed at", "%.3f s%s", words_since(result, fault->removed_ns),
                  fault->expired ? ", its time to live was over" : "");
    } else {
        html_fact(xml, "Removed at", "%s", fault->applied ? "NOT REMOVED, as far as the evidence says" : "");
    }
    html_fact(xml, "Left behind", "%s", buf_str(&residue));
    html_table_end(xml);
}

void html_faults(struct xml *xml, const struct result *result)
{
    html_section(xml, "faults", "Faults and their proof");
    if (result->fault_count == 0) {
        xml_element(xml, "p", NULL, "No fault was injected.");
    }
    for (size_t i = 0; i < result->fault_count; i++) {
        write_fault(xml, result, &result->faults[i]);
    }
    html_section_end(xml);
}
