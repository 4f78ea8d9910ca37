/* Names with several values each, and every combination of them: what a sweep goes through. */
#ifndef DRILL_PARAM_GRID_H
#define DRILL_PARAM_GRID_H

#include <stddef.h>

#include "harness/base/buf.h"
#include "harness/param/node.h"

enum { GRID_AXES_MAX = 4, GRID_CELLS_MAX = 64 };

struct grid_axis {
    char *name;
    char **values; /* as written */
    size_t count;  /* at least one */
};
struct grid { /* zero-initialised is a grid of one cell without values */
    struct grid_axis axes[GRID_AXES_MAX];
    size_t axis_count;
};

void grid_clear(struct grid *grid);
/* From a map of names to lists of values, in the order of the file; map NULL: no axis. Errors have the position; `ret` is to be cleared
 * after them too. */
int grid_read(const struct node *map, struct grid *ret, struct err *err) MUST_CHECK;
/* One more name, with a list of values that is called so (`list->key`). */
int grid_add(struct grid *grid, const struct node *list, struct err *err) MUST_CHECK;
/* "A,B,C" for a name, in place of what it had. */
int grid_set(struct grid *grid, const char *name, const char *values, struct err *err) MUST_CHECK;
void grid_drop(struct grid *grid, const char *name); /* of a name that is no axis: nothing */
void grid_copy(const struct grid *grid, struct grid *ret);

size_t grid_cells(const struct grid *grid); /* 1 to GRID_CELLS_MAX */
/* The value of an axis in a cell; the last axis changes from each cell to the next. */
const char *grid_value(const struct grid *grid, size_t cell, size_t axis);
/* "interval=2 ttl=10" appended to out. */
void grid_say(const struct grid *grid, size_t cell, struct buf *out);

#endif
