/* The drills of a sweep: one for each combination of its values, all prepared before the first of them touches anything. Without a sweep
 * there is one. */
#ifndef DRILL_CLI_CELLS_H
#define DRILL_CLI_CELLS_H

#include "harness/cli/prepare.h"
#include "harness/param/grid.h"

struct cell {
    struct cli_args args; /* the command's own, and the cell's values as further --set */
    struct terms_request terms;
    struct engine_options options;
    struct prepared prepared;
};

struct cells {
    struct grid grid; /* the scenario's, as --sweep and --set left it */
    struct cell *items;
    size_t count;
};

/* `terms` and `options` are what all cells begin with; what they borrow has to outlive the cells. A name that --set gives a value is not
 * swept. cells_clear after success and failure. */
int cells_prepare(const char *file, const struct terms_request *terms, const struct engine_options *options, struct cells *ret,
                  struct err *err) MUST_CHECK;
void cells_clear(struct cells *cells);
/* How long all of them usually take, by the scenario's own word; 0: it does not say. */
int64_t cells_usual_ns(const struct cells *cells);

#endif
