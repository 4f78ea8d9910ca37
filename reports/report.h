/* Reports: formatters of one `struct result`. Each is one file that ends in one `const struct report_ops`, registered by one line
 * in reports.def. They decide nothing and measure nothing; the same result gives the same bytes. */
#ifndef DRILL_REPORTS_REPORT_H
#define DRILL_REPORTS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/measure/result.h"

struct report_ops {
    const char *name;      /* "json" */
    const char *file_name; /* "report.json": what it writes into the folder */
    const char *summary;   /* one line */
    /* Write folder/file_name, whole or not at all. Works for a drill that measured nothing. */
    int (*write)(const struct result *result, const char *folder, struct err *err);
};

/* All formats, report.json first. Static. */
const struct report_ops *const *report_list(size_t *ret_count);
const struct report_ops *report_find(const char *name); /* NULL when there is none */
/* Write every format. Goes on after a failure, so that one broken format does not cost the others; gives the first error. */
int reports_write_all(const struct result *result, const char *folder, struct err *err) MUST_CHECK;
/* The gate's output: a line for each objective, where the time went, loss and cleanup; `quiet` is one line. Where the report is
 * and the exit line are the caller's to print. */
void report_console(const struct result *result, bool colour, bool quiet, struct buf *out);

#endif
