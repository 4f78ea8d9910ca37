/* The parts of report.html. Internal to this room: html.c puts them in order. */
#ifndef DRILL_REPORTS_HTML_PAGE_H
#define DRILL_REPORTS_HTML_PAGE_H

#include <stddef.h>

#include "harness/measure/result.h"
#include "reports/columns.h"
#include "reports/report.h"
#include "reports/xml.h"

/* The page's head with the style that all pages share; more_style may be NULL. */
void html_head(struct xml *xml, const char *title, const char *generator, const char *more_style);
/* Sections: a heading with an id, then whatever, then html_section_end. */
void html_section(struct xml *xml, const char *id, const char *title);
void html_section_end(struct xml *xml);
/* A picture in a box that scrolls sideways on narrow screens. */
void html_figure(struct xml *xml);
void html_figure_end(struct xml *xml);
/* Tables: head cells, then rows of cells. A head that starts with '>' is a column of numbers. */
void html_table(struct xml *xml, const char *caption, const char *const *heads, size_t count);
void html_table_end(struct xml *xml);
void html_row(struct xml *xml);
void html_row_end(struct xml *xml);
void html_cell(struct xml *xml, const char *text); /* NULL and "" are shown as "-" */
void html_cellf(struct xml *xml, const char *fmt, ...) PRINTF_LIKE(2, 3);
void html_number(struct xml *xml, const char *fmt, ...) PRINTF_LIKE(2, 3);
void html_instant(struct xml *xml, const struct result *result, int64_t t_ns);
void html_name_cell(struct xml *xml, const char *text); /* <th scope="row"> */
/* Two columns, name and value. */
void html_facts(struct xml *xml, const char *caption);
void html_fact(struct xml *xml, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The numbers behind a picture, folded away: at most 40 rows, each some columns of the picture long. `cells` writes what stands
 * behind the time in the row of columns [from, to). */
struct over_time {
    const char *summary;
    const char *const *heads;
    size_t count;
    void (*cells)(struct xml *xml, const struct columns *columns, size_t from, size_t to, const void *context);
    const void *context;
};
void html_over_time(struct xml *xml, const struct columns *columns, const struct over_time *table);
/* Folded away on a screen, open in print. */
void html_details(struct xml *xml, const char *summary);
void html_details_end(struct xml *xml);

/* On page one, in this order. */
void html_banner(struct xml *xml, const struct result *result, const struct report_context *context);
void html_objectives(struct xml *xml, const struct result *result, const struct report_context *context);
void html_timeline(struct xml *xml, const struct result *result, const struct columns *columns);
void html_phases(struct xml *xml, const struct result *result);
void html_findings(struct xml *xml, const struct result *result, const struct report_context *context);
/* Behind it. */
void html_traffic(struct xml *xml, const struct result *result, const struct columns *columns);
/* Parts of the drill with their requests, and who answered in each: within the section on traffic. */
void html_shares(struct xml *xml, const struct result *result);
void html_observations(struct xml *xml, const struct result *result);
void html_coverage(struct xml *xml, const struct result *result);
void html_alerts(struct xml *xml, const struct result *result);
void html_latency(struct xml *xml, const struct result *result, const struct columns *columns);
void html_data(struct xml *xml, const struct result *result);
/* What each store itself had: within the section on data. */
void html_stores(struct xml *xml, const struct result *result);
void html_failures(struct xml *xml, const struct result *result, const struct columns *columns);
void html_faults(struct xml *xml, const struct result *result);
void html_events(struct xml *xml, const struct result *result);
void html_security(struct xml *xml, const struct report_context *context);
void html_plan(struct xml *xml, const struct result *result, const struct report_context *context);
void html_history(struct xml *xml, const struct result *result, const struct report_context *context);
void html_method(struct xml *xml, const struct result *result, const struct report_context *context);
/* A part of the method; nothing when it is not recorded what was taken out. */
void html_redactions(struct xml *xml, const struct report_context *context);
void html_evidence(struct xml *xml, const struct report_context *context);
void html_verify(struct xml *xml, const struct report_context *context);
void html_appendix(struct xml *xml, const struct result *result, const char *folder);

#endif
