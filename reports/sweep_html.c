/* The page of a sweep, in the look of the reports. It is made from the drills and no evidence: that is in their bundles. */
#include <string.h>

#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/sweep_parts.h"
#include "reports/words.h"

enum { HEADS_MAX = GRID_AXES_MAX + 5 };

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void write_banner(struct xml *xml, const struct sweep *sweep, int exit_code, const char *exit_words)
{
    size_t counts[SWEEP_PASS + 1] = {0};
    for (size_t i = 0; i < sweep->count; i++) {
        counts[sweep_state(&sweep->cells[i])]++;
    }
    xml_open(xml, "header");
    xml_attrf(xml, "class", "banner %s", exit_code == 0 ? "pass" : exit_code == 1 ? "fail" : "inconclusive");
    xml_element(xml, "p", "word", exit_words);
    xml_element(xml, "h1", NULL, sweep->title);
    xml_elementf(xml, "p", NULL,
                 "%zu settings: %zu passed, %zu failed, %zu could not be judged, %zu were not run. The worst decides.",
                 sweep->count, counts[SWEEP_PASS], counts[SWEEP_FAIL], counts[SWEEP_UNCERTAIN], counts[SWEEP_NOT_RUN]);
    if (!sweep_complete(sweep)) {
        xml_element(xml, "p", NULL, "This is partial: a setting without a figure was not measured.");
    }
    xml_close(xml);
    xml_elementf(xml, "p", "meta", "sweep of %s · %zu drills, each sealed with its own evidence", sweep->scenario,
                 sweep_drills(sweep));
}

static void write_drill_cell(struct xml *xml, const struct sweep_drill *drill)
{
    xml_open(xml, "td");
    if (drill) {
        xml_open(xml, "a");
        xml_attrf(xml, "href", "%s/data/report.html", base_name(drill->bundle));
        xml_text(xml, base_name(drill->bundle));
        xml_close(xml);
    } else {
        xml_text(xml, "-");
    }
    xml_close(xml);
}

/* How many, and during which faults in each of the drills. */
static void write_failovers(struct xml *xml, const struct sweep_cell *cell)
{
    struct figure failovers = sweep_false_failovers(cell);
    struct buf text CLEANUP(buf_clear) = {0};
    buf_printf(&text, "%.0f", failovers.value);
    VEC_EACH(drill, &cell->drills)
    {
        if (*drill->failed_over) {
            buf_printf(&text, "; %s", drill->failed_over);
        }
    }
    html_cell(xml, failovers.measured ? buf_str(&text) : "");
}

static void write_cell(struct xml *xml, const struct sweep *sweep, size_t index)
{
    const struct sweep_cell *cell = &sweep->cells[index];
    const struct sweep_drill *shown = sweep_shown(cell);
    struct figure rto = sweep_rto(cell);
    struct buf text CLEANUP(buf_clear) = {0};
    html_row(xml);
    for (size_t i = 0; i < sweep->grid->axis_count; i++) {
        html_name_cell(xml, grid_value(sweep->grid, index, i));
    }
    if (rto.measured) {
        words_figure(&rto, "s", &text);
    }
    html_number(xml, "%s", rto.measured ? buf_str(&text) : "-");
    if (rto.measured && shown->detect.measured) {
        html_number(xml, "%.2f s", shown->detect.value);
    } else {
        html_number(xml, "-");
    }
    write_failovers(xml, cell);
    html_cell(xml, sweep_words(cell));
    write_drill_cell(xml, shown);
    html_row_end(xml);
}

static void write_table(struct xml *xml, const struct sweep *sweep)
{
    const char *heads[HEADS_MAX];
    size_t count = 0;
    for (; count < sweep->grid->axis_count; count++) {
        heads[count] = sweep->grid->axes[count].name;
    }
    heads[count++] = ">Recovery";
    heads[count++] = ">Detected after";
    heads[count++] = "False failovers";
    heads[count++] = "Verdict";
    heads[count++] = "Drill";
    html_section(xml, "table", "Every setting");
    html_table(xml, "The recovery time of a setting's drill, of several the longest", heads, count);
    for (size_t i = 0; i < sweep->count; i++) {
        write_cell(xml, sweep, i);
    }
    html_table_end(xml);
    html_section_end(xml);
}

static void write_reading(struct xml *xml)
{
    html_section(xml, "reading", "How to read it");
    xml_element(
        xml, "p", NULL,
        "Each setting was drilled by itself: the topology started anew, broken, and put back. A recovery time is one draw: the "
        "same setting gives another one when the fault falls at another moment between two checks, so differences below "
        "the interval of the checks say little. --repeat makes several drills of each setting, and shows the longest.");
    xml_element(
        xml, "p", NULL,
        "A setting whose drill was stopped, or could not be judged, says so and has no figure; none is filled in from its "
        "neighbours. A false failover is a time that DNS left the first region while users were served as agreed. A recovery "
        "that was not seen is \"more than\" the time that was watched.");
    html_section_end(xml);
}

int sweep_page(const struct sweep *sweep, int exit_code, const char *exit_words, const char *folder, const char *name,
               struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_HTML);
    AUTO_FREE char *title = xasprintf("%s: sweep of %s", exit_words, sweep->scenario);
    xml_open(xml, "html");
    xml_attr(xml, "lang", "en");
    xml_newline(xml);
    html_head(xml, title, "drill " DRILL_VERSION, NULL);
    xml_open(xml, "body");
    xml_open(xml, "main");
    write_banner(xml, sweep, exit_code, exit_words);
    html_section(xml, "map", "Recovery time by setting");
    html_figure(xml);
    sweep_map(xml, sweep);
    html_figure_end(xml);
    html_section_end(xml);
    write_table(xml, sweep);
    write_reading(xml);
    xml_close(xml);
    xml_close(xml);
    xml_close(xml);
    return xml_write_file(xml, folder, name, err);
}
