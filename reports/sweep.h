/* A sweep: what each setting gave, side by side. Every drill has its own bundle; here stand their figures, as a table, a heat map and for
 * machines. A cell whose drill said nothing certain shows that, and has no figure. */
#ifndef DRILL_REPORTS_SWEEP_H
#define DRILL_REPORTS_SWEEP_H

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/measure/result.h"
#include "harness/param/grid.h"

struct sweep; /* the cells so far */

/* `grid` is borrowed and has to outlive it. */
struct sweep *sweep_new(const struct grid *grid, const char *scenario, const char *title);
void sweep_free(struct sweep *sweep); /* accepts NULL */
DEFINE_CLEANUP(struct sweep *, sweep, sweep_free)
/* A cell may have several drills (--repeat): the worst is shown. */
void sweep_add(struct sweep *sweep, size_t cell, const struct result *result, int exit_code, const char *exit_words,
               const char *bundle);
size_t sweep_drills(const struct sweep *sweep); /* how many were added */
/* A table of all cells, also of those that were not run. */
void sweep_console(const struct sweep *sweep, struct buf *out);
/* BUNDLE.sweep.html, .svg and .json beside the bundle of the first drill. *ret_path (the page) is the caller's to free. */
int sweep_write(const struct sweep *sweep, int exit_code, const char *exit_words, char **ret_path, struct err *err) MUST_CHECK;

#endif
