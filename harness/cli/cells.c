/* From a scenario's sweep and the command line to a prepared drill for each cell. */
#include "harness/cli/cells.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"
#include "harness/param/units.h"

void cells_clear(struct cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        prepared_clear(&cells->items[i].prepared);
        free(cells->items[i].args.sets);
    }
    free(cells->items);
    grid_clear(&cells->grid);
    *cells = (struct cells){0};
}

static int make_grid(const char *file, const struct cli_args *args, struct grid *ret, struct err *err)
{
    struct script *script CLEANUP(script_cleanup) = NULL;
    int status = script_load(file, &script, err);
    if (status == 0) {
        grid_copy(&script_scenario(script)->sweep, ret);
    }
    for (size_t i = 0; status == 0 && i < args->set_count; i++) {
        grid_drop(ret, args->sets[i].name);
    }
    for (size_t i = 0; status == 0 && i < args->sweep_count; i++) {
        const struct cli_set *sweep = &args->sweeps[i];
        for (size_t j = 0; j < args->set_count; j++) {
            if (str_eq(args->sets[j].name, sweep->name)) {
                return err_set(err, ERR_INPUT, "'%s' cannot have one value by --set and be swept by --sweep", sweep->name);
            }
        }
        status = grid_set(ret, sweep->name, sweep->value, err);
    }
    return status;
}

/* The command's --set values and the cell's; both are borrowed. */
static void add_values(const struct grid *grid, size_t index, const struct cli_args *args, struct cli_args *ret)
{
    *ret = *args;
    ret->sets = xcalloc(args->set_count + grid->axis_count + 1, sizeof(*ret->sets));
    for (size_t i = 0; i < args->set_count; i++) {
        ret->sets[i] = args->sets[i];
    }
    for (size_t i = 0; i < grid->axis_count; i++) {
        ret->sets[ret->set_count++] =
            (struct cli_set){.name = grid->axes[i].name, .value = (char *)(uintptr_t)grid_value(grid, index, i)};
    }
}

/* A topology that is kept has the settings that it was brought up with, whatever a cell says. */
static int refuse_kept(const struct cells *cells, const struct prepared *prepared, struct err *err)
{
    const struct topology *topology = prepared->topology;
    for (size_t i = 0; prepared->is_up && i < cells->grid.axis_count; i++) {
        for (size_t j = 0; j < topology->setting_count; j++) {
            if (str_eq(topology->settings[j].name, cells->grid.axes[i].name)) {
                return err_set(
                    err, ERR_STATE,
                    "the sweep over '%s' brings topology '%s' up for each drill, but it is kept already: 'drill down' first",
                    cells->grid.axes[i].name, topology->name);
            }
        }
    }
    return 0;
}

static int prepare_cell(const char *file, struct cells *cells, size_t index, const struct terms_request *terms, struct err *err)
{
    struct cell *cell = &cells->items[index];
    cell->terms = *terms;
    cell->terms.args = &cell->args;
    add_values(&cells->grid, index, terms->args, &cell->args);
    int status = prepare_scenario(file, &cell->terms, &cell->options, &cell->prepared, err);
    if (status == 0 && cells->count > 1) {
        status = refuse_kept(cells, &cell->prepared, err);
        json_object_set_new(cell->prepared.terms.annex, "sweep",
                            json_pack("{s:I, s:I}", "cell", (json_int_t)index + 1, "cells", (json_int_t)cells->count));
    }
    return status;
}

int cells_prepare(const char *file, const struct terms_request *terms, const struct engine_options *options, struct cells *ret,
                  struct err *err)
{
    int status = make_grid(file, terms->args, &ret->grid, err);
    size_t count = status == 0 ? grid_cells(&ret->grid) : 0;
    ret->items = xcalloc(count + 1, sizeof(*ret->items));
    ret->count = count;
    for (size_t i = 0; status == 0 && i < count; i++) {
        ret->items[i].options = *options;
        status = prepare_cell(file, ret, i, terms, err);
        if (status < 0 && count > 1) {
            struct buf values CLEANUP(buf_clear) = {0};
            grid_say(&ret->grid, i, &values);
            return err_prefix(err, "sweep, %s", buf_str(&values));
        }
    }
    return status;
}

int64_t cells_usual_ns(const struct cells *cells)
{
    int64_t usual_ns = 0;
    struct err ignored = {0};
    const char *usual = cells->count ? script_scenario(cells->items[0].prepared.script)->usual : NULL;
    bool said = usual && units_duration(usual, &usual_ns, &ignored) == 0;
    return said ? usual_ns * (int64_t)cells->count : 0;
}
