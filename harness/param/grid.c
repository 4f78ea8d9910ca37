/* Axes of values and their combinations. */
#include "harness/param/grid.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

static void clear_axis(struct grid_axis *axis)
{
    for (size_t i = 0; i < axis->count; i++) {
        free(axis->values[i]);
    }
    free(axis->values);
    free(axis->name);
    *axis = (struct grid_axis){0};
}

void grid_clear(struct grid *grid)
{
    for (size_t i = 0; i < grid->axis_count; i++) {
        clear_axis(&grid->axes[i]);
    }
    *grid = (struct grid){0};
}

static void add_value(struct grid_axis *axis, char *value)
{
    axis->values = xrealloc(axis->values, axis->count + 1, sizeof(char *));
    axis->values[axis->count++] = value;
}

void grid_copy(const struct grid *grid, struct grid *ret)
{
    *ret = (struct grid){.axis_count = grid->axis_count};
    for (size_t i = 0; i < grid->axis_count; i++) {
        ret->axes[i].name = xstrdup(grid->axes[i].name);
        for (size_t j = 0; j < grid->axes[i].count; j++) {
            add_value(&ret->axes[i], xstrdup(grid->axes[i].values[j]));
        }
    }
}

static size_t find_axis(const struct grid *grid, const char *name)
{
    size_t i = 0;
    while (i < grid->axis_count && !str_eq(grid->axes[i].name, name)) {
        i++;
    }
    return i;
}

void grid_drop(struct grid *grid, const char *name)
{
    size_t at = find_axis(grid, name);
    if (at < grid->axis_count) {
        clear_axis(&grid->axes[at]);
        grid->axis_count--;
        memmove(&grid->axes[at], &grid->axes[at + 1], (grid->axis_count - at) * sizeof(grid->axes[0]));
        grid->axes[grid->axis_count] = (struct grid_axis){0};
    }
}

size_t grid_cells(const struct grid *grid)
{
    size_t cells = 1;
    for (size_t i = 0; i < grid->axis_count; i++) {
        cells *= grid->axes[i].count;
    }
    return cells;
}

const char *grid_value(const struct grid *grid, size_t cell, size_t axis)
{
    size_t step = 1;
    for (size_t i = axis + 1; i < grid->axis_count; i++) {
        step *= grid->axes[i].count;
    }
    return grid->axes[axis].values[cell / step % grid->axes[axis].count];
}

void grid_say(const struct grid *grid, size_t cell, struct buf *out)
{
    for (size_t i = 0; i < grid->axis_count; i++) {
        buf_printf(out, "%s%s=%s", i ? " " : "", grid->axes[i].name, grid_value(grid, cell, i));
    }
}

/* Too many values are refused before they are multiplied by anything else. */
static int check_axis(const struct grid *grid, const struct grid_axis *axis, struct err *err)
{
    for (size_t i = 0; i < axis->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq(axis->values[i], axis->values[j])) {
                return err_set(err, ERR_INPUT, "'%s' has the value '%s' twice", axis->name, axis->values[i]);
            }
        }
    }
    size_t cells = axis->count > GRID_CELLS_MAX ? axis->count : grid_cells(grid);
    return cells <= GRID_CELLS_MAX
               ? 0
               : err_set(err, ERR_INPUT, "'%s' makes it %zu drills, at most %d can be swept", axis->name, cells, GRID_CELLS_MAX);
}

static int add_axis(struct grid *grid, const char *name, struct grid_axis **ret, struct err *err)
{
    if (grid->axis_count == GRID_AXES_MAX) {
        return err_set(err, ERR_INPUT, "'%s' is one name too many, at most %d can be swept", name, GRID_AXES_MAX);
    }
    *ret = &grid->axes[grid->axis_count++];
    (*ret)->name = xstrdup(name);
    return 0;
}

int grid_set(struct grid *grid, const char *name, const char *values, struct err *err)
{
    size_t at = find_axis(grid, name);
    struct grid_axis *axis = at < grid->axis_count ? &grid->axes[at] : NULL;
    if (axis) {
        clear_axis(axis);
        axis->name = xstrdup(name);
    } else if (add_axis(grid, name, &axis, err) < 0) {
        return err_prefix(err, "--sweep %s=%s", name, values);
    }
    for (const char *from = values;; from++) {
        size_t size = strcspn(from, ",");
        if (size == 0) {
            return err_set(err, ERR_INPUT, "--sweep: expected NAME=A,B,C, found '%s=%s'", name, values);
        }
        add_value(axis, xasprintf("%.*s", (int)size, from));
        from += size;
        if (!*from) {
            break;
        }
    }
    return check_axis(grid, axis, err) < 0 ? err_prefix(err, "--sweep %s=%s", name, values) : 0;
}

int grid_add(struct grid *grid, const struct node *list, struct err *err)
{
    struct grid_axis *axis = NULL;
    bool scalars = list->kind == NODE_LIST && list->count > 0;
    for (size_t i = 0; scalars && i < list->count; i++) {
        scalars = list->children[i]->kind == NODE_SCALAR;
    }
    if (!scalars) {
        return node_err(list, err, "'sweep': expected a list of values for '%s', as { 2, 5 }", list->key);
    }
    int status = add_axis(grid, list->key, &axis, err);
    for (size_t i = 0; status == 0 && i < list->count; i++) {
        add_value(axis, xstrdup(list->children[i]->text));
    }
    if (status == 0) {
        status = check_axis(grid, axis, err);
    }
    if (status < 0) {
        char text[sizeof(err->text)];
        (void)str_copy(text, sizeof(text), err->text);
        return node_err(list, err, "sweep: %s", text);
    }
    return 0;
}

static int by_position(const void *a, const void *b)
{
    const struct node *first = *(struct node *const *)a, *second = *(struct node *const *)b;
    return first->line != second->line       ? first->line - second->line
           : first->column != second->column ? first->column - second->column
                                             : strcmp(first->key, second->key);
}

int grid_read(const struct node *map, struct grid *ret, struct err *err)
{
    int status = 0;
    *ret = (struct grid){0};
    if (!map || (map->kind == NODE_LIST && map->count == 0)) {
        return 0;
    }
    if (map->kind != NODE_MAP) {
        return node_err(map, err, "'sweep': expected names with lists of values, as { interval = { 2, 5 } }");
    }
    AUTO_FREE struct node **lists = xcalloc(map->count + 1, sizeof(*lists));
    if (map->count > 0) {
        memcpy(lists, map->children, map->count * sizeof(*lists));
        qsort(lists, map->count, sizeof(*lists), by_position); /* Lua keeps no order */
    }
    for (size_t i = 0; status == 0 && i < map->count; i++) {
        status = grid_add(ret, lists[i], err);
    }
    return status;
}
