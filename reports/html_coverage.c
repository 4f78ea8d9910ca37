/* Who took part, and what was not tested, in report.html: from the evidence. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

static void write_people(struct xml *xml, const struct coverage *coverage)
{
    static const char *const heads[] = {"Who", "Known from", ">Notes written"};
    if (coverage->person_count == 0) {
        xml_element(xml, "p", NULL, "Nobody was named, and nobody wrote a note.");
        return;
    }
    html_table(xml, "Who took part", heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < coverage->person_count; i++) {
        const struct person *person = &coverage->people[i];
        html_row(xml);
        html_name_cell(xml, person->who);
        html_cell(xml, person->how);
        html_number(xml, "%zu", person->notes);
        html_row_end(xml);
    }
    html_table_end(xml);
}

void html_coverage(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"", "Hit itself", "Hit with what is around it or in it", "Not tested"};
    const struct coverage *coverage = result->coverage;
    if (!coverage) {
        return;
    }
    write_people(xml, coverage);
    if (!coverage->known) {
        return;
    }
    const struct {
        const char *name;
        const struct covered_part *parts;
        size_t count;
    } rows[] = {{"Regions", coverage->regions, coverage->region_count},
                {"Services", coverage->services, coverage->service_count},
                {"Kinds of fault", coverage->faults, coverage->fault_count}};
    html_table(xml, "What was tested and what was not, by the faults that were proven", heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        html_row(xml);
        html_name_cell(xml, rows[i].name);
        for (int covered = COVERED_ITSELF; covered >= COVERED_NO; covered--) {
            struct buf names CLEANUP(buf_clear) = {0};
            words_covered(rows[i].parts, rows[i].count, (enum covered)covered, &names);
            html_cell(xml, buf_str(&names));
        }
        html_row_end(xml);
    }
    html_table_end(xml);
}
