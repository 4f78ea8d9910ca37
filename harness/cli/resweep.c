/* The drills of a sweep measured again, and set side by side as when they were run. */
#include "harness/cli/resweep.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/str.h"
#include "harness/cli/cli.h"
#include "harness/cli/render.h"
#include "reports/sweep.h"

static int read_grid(const json_t *json, struct grid *grid, struct err *err)
{
    size_t index;
    json_t *axis;
    int status = str_eq(json_str(json, "schema", ""), "drill-sweep/1")
                     ? 0
                     : err_set(err, ERR_INPUT, "expected the schema drill-sweep/1, found '%s'", json_str(json, "schema", "none"));
    json_array_foreach(json_object_get(json, "axes"), index, axis)
    {
        AUTO_JSON json_t *named = json_pack("{s:O}", json_str(axis, "name", ""), json_object_get(axis, "values"));
        AUTO_NODE struct node *map = named ? node_from_json(named) : node_new(NODE_MAP);
        if (status == 0) {
            status = map->count == 1 ? grid_add(grid, map->children[0], err)
                                     : err_set(err, ERR_INPUT, "its axis %zu has no name or no values", index + 1);
        }
    }
    return status;
}

/* The caller frees it. */
static char *find_bundle(const char *path, const char *bundle)
{
    const char *slash = strrchr(path, '/'), *name = strrchr(bundle, '/');
    AUTO_FREE char *beside = xasprintf("%.*s/%s", slash ? (int)(slash - path) : 1, slash ? path : ".", name ? name + 1 : bundle);
    return access(beside, F_OK) == 0 ? TAKE(beside) : xstrdup(bundle);
}

static int add_drill(struct sweep *sweep, size_t cell, const char *bundle, int *worst, struct err *err)
{
    struct rendered rendered CLEANUP(rendered_clear) = {0};
    AUTO_FREE char *folder = xasprintf("%s/data", bundle);
    int status = render_measure(folder, &rendered, err);
    if (status < 0) {
        return err_prefix(err, "%s", bundle);
    }
    sweep_add(sweep, cell, rendered.result, rendered.result->exit_code, rendered.result->exit_words, bundle);
    *worst = cli_exit_worse(*worst, rendered.result->exit_code);
    return 0;
}

static int add_drills(struct sweep *sweep, const char *path, const json_t *json, int *worst, struct err *err)
{
    size_t index, at;
    json_t *cell, *drill;
    int status = 0;
    json_array_foreach(json_object_get(json, "cells"), index, cell)
    {
        json_array_foreach(json_object_get(cell, "drills"), at, drill)
        {
            AUTO_FREE char *bundle = find_bundle(path, json_str(drill, "bundle", ""));
            if (status == 0) {
                status = add_drill(sweep, index, bundle, worst, err);
            }
        }
    }
    return status;
}

static int write_again(const struct sweep *sweep, int worst, struct err *err)
{
    struct buf text CLEANUP(buf_clear) = {0};
    AUTO_FREE char *page = NULL;
    if (sweep_write(sweep, worst, cli_exit_words(worst), &page, err) < 0) {
        return EXIT_ARCHIVE;
    }
    sweep_console(sweep, &text);
    printf("%s  sweep: %s\nexit %d: %s, the worst of %zu drills\n", buf_str(&text), page, worst, cli_exit_words(worst),
           sweep_drills(sweep));
    return worst;
}

int resweep(const char *path, struct err *err)
{
    struct grid grid CLEANUP(grid_clear) = {0};
    AUTO_JSON json_t *json = NULL;
    int worst = EXIT_PASS;
    if (json_read_file(path, &json, err) < 0) {
        return EXIT_USAGE;
    }
    if (read_grid(json, &grid, err) < 0 || json_array_size(json_object_get(json, "cells")) != grid_cells(&grid)) {
        (void)(err->code != ERR_NONE
                   ? err_prefix(err, "%s", path)
                   : err_set(err, ERR_INPUT, "%s: expected %zu cells, as its axes say", path, grid_cells(&grid)));
        return EXIT_USAGE;
    }
    struct sweep *sweep CLEANUP(sweep_cleanup) = sweep_new(&grid, json_str(json, "scenario", ""), json_str(json, "title", ""));
    return add_drills(sweep, path, json, &worst, err) < 0 ? EXIT_ARCHIVE : write_again(sweep, worst, err);
}
