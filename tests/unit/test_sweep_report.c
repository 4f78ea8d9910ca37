/* What a sweep's table, map and page show of their cells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/json.h"
#include "harness/base/str.h"
#include "reports/sweep.h"

struct files {
    char folder[32];
    char *page, *map, *json;
};

static void files_clear(struct files *files)
{
    struct err err = {0};
    free(files->page);
    free(files->map);
    free(files->json);
    (void)!fd_remove_tree(files->folder, &err);
}

static void make_grid(struct grid *grid)
{
    struct err err = {0};
    assert_int_equal(grid_set(grid, "interval", "2,5", &err), 0);
    assert_int_equal(grid_set(grid, "ttl", "1,10", &err), 0);
}

static void add(struct sweep *sweep, size_t cell, const struct figure *rto, int code, const char *words, const char *bundle)
{
    char one[] = "loss 3%", two[] = "loss 5%";
    struct false_failover failovers[] = {{.during = one}, {.during = two}, {.during = two}};
    struct result result = {.false_failover_list = failovers,
                            .false_failover_count = 3,
                            .verdict = code == 0   ? VERDICT_PASS
                                       : code == 1 ? VERDICT_FAIL
                                                   : VERDICT_INCONCLUSIVE,
                            .rto = *rto,
                            .rto_observation = SIZE_MAX,
                            .false_failovers = {.measured = true, .value = 3}};
    sweep_add(sweep, cell, &result, code, words, bundle);
}

static const struct figure eight = {.measured = true, .value = 8.25, .resolution = 0.02};
static const struct figure nine = {.measured = true, .value = 9.5, .resolution = 0.02};
static const struct figure censored = {.measured = true, .value = 30, .at_least = true};

static char *read_text(const char *folder, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    char *text = NULL;
    size_t size;
    struct err err = {0};
    if (fd_read_file(path, 1024 * 1024, &text, &size, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return text;
}

static void write_files(const struct sweep *sweep, const char *folder, struct files *ret)
{
    AUTO_FREE char *path = NULL;
    struct err err = {0};
    if (sweep_write(sweep, 1, "FAIL", &path, &err) < 0) {
        fail_msg("%s", err.text);
    }
    ret->page = read_text(folder, "0001-x.sweep.html");
    ret->map = read_text(folder, "0001-x.sweep.svg");
    ret->json = read_text(folder, "0001-x.sweep.json");
}

/* One cell passed, one was never seen to recover, one could not be judged though it has a figure, one was not run. */
static void make_sweep(const struct grid *grid, const char *folder, struct sweep **ret)
{
    AUTO_FREE char *first = xasprintf("%s/0001-x", folder);
    *ret = sweep_new(grid, "thresholds", "Title & more");
    add(*ret, 0, &eight, 0, "PASS", first);
    add(*ret, 1, &censored, 1, "FAIL (rto)", "elsewhere/0002-x");
    add(*ret, 2, &nine, 3, "INCONCLUSIVE", "elsewhere/0003-x");
}

static void test_no_cell_is_filled_in(void **state)
{
    struct grid grid CLEANUP(grid_clear) = {0};
    struct files files CLEANUP(files_clear) = {.folder = "/tmp/drill-sweep-XXXXXX"};
    struct sweep *sweep CLEANUP(sweep_cleanup) = NULL;
    struct buf out CLEANUP(buf_clear) = {0};
    (void)state;
    make_grid(&grid);
    assert_non_null(mkdtemp(files.folder));
    make_sweep(&grid, files.folder, &sweep);
    sweep_console(sweep, &out);
    assert_non_null(strstr(buf_str(&out), "3 of 4 settings drilled, partial:"));
    assert_non_null(strstr(buf_str(&out), "8.25 s ± 0.02 s"));
    assert_non_null(strstr(buf_str(&out), "3 (loss 3%: 1, loss 5%: 2)"));
    assert_non_null(strstr(buf_str(&out), "more than 30 s"));
    assert_non_null(strstr(buf_str(&out), "not run"));
    assert_null(strstr(buf_str(&out), "9.5"));
    write_files(sweep, files.folder, &files);
    assert_null(strstr(files.page, "9.5"));
    assert_null(strstr(files.map, "9.5"));
    assert_non_null(strstr(files.map, "&gt; 30 s"));
    assert_non_null(strstr(files.map, "INCONCLUSIVE"));
    assert_non_null(strstr(files.map, "interval=5 ttl=10: not run"));
    assert_non_null(strstr(files.page, "1 passed, 1 failed, 1 could not be judged, 1 were not run"));
    assert_non_null(strstr(files.page, "Title &amp; more"));
    assert_non_null(strstr(files.page, "href=\"0001-x/data/report.html\""));
}

static void test_for_machines(void **state)
{
    struct grid grid CLEANUP(grid_clear) = {0};
    struct files files CLEANUP(files_clear) = {.folder = "/tmp/drill-sweep-XXXXXX"};
    struct sweep *sweep CLEANUP(sweep_cleanup) = NULL;
    AUTO_JSON json_t *json = NULL;
    struct err err = {0};
    (void)state;
    make_grid(&grid);
    assert_non_null(mkdtemp(files.folder));
    make_sweep(&grid, files.folder, &sweep);
    write_files(sweep, files.folder, &files);
    assert_int_equal(json_parse(files.json, strlen(files.json), &json, &err), 0);
    assert_string_equal(json_str(json_at(json, "cells.2"), "state", ""), "uncertain");
    assert_true(json_is_null(json_at(json, "cells.2.rto.seconds")));
    assert_true(json_is_null(json_at(json, "cells.2.false_failovers")));
    assert_int_equal(json_int(json_at(json, "cells.0"), "false_failovers", 0), 3);
    assert_string_equal(json_str(json_at(json, "cells.0.drills.0"), "false_failovers_during", ""), "loss 3%: 1, loss 5%: 2");
    assert_true(json_num(json_at(json, "cells.2.drills.0.rto"), "seconds", 0) == 9.5); /* what it said stays on record */
    assert_string_equal(json_str(json_at(json, "cells.3"), "state", ""), "not run");
    assert_false(json_flag(json, "complete", true));
}

static void test_the_same_bytes_again(void **state)
{
    struct grid grid CLEANUP(grid_clear) = {0};
    struct files first CLEANUP(files_clear) = {.folder = "/tmp/drill-sweep-XXXXXX"};
    struct files second = {0};
    struct sweep *sweep CLEANUP(sweep_cleanup) = NULL;
    (void)state;
    make_grid(&grid);
    assert_non_null(mkdtemp(first.folder));
    make_sweep(&grid, first.folder, &sweep);
    write_files(sweep, first.folder, &first);
    write_files(sweep, first.folder, &second);
    assert_string_equal(first.page, second.page);
    assert_string_equal(first.map, second.map);
    assert_string_equal(first.json, second.json);
    free(second.page);
    free(second.map);
    free(second.json);
}

/* Of several drills the longest recovery; one that cannot be judged takes the figure away; false failovers are added up. */
static void test_repeated_cells(void **state)
{
    struct grid grid CLEANUP(grid_clear) = {0};
    struct sweep *sweep CLEANUP(sweep_cleanup) = NULL;
    struct buf out CLEANUP(buf_clear) = {0};
    (void)state;
    make_grid(&grid);
    sweep = sweep_new(&grid, "thresholds", "Title");
    add(sweep, 0, &eight, 1, "FAIL (lost)", "a");
    add(sweep, 0, &nine, 0, "PASS", "b");
    add(sweep, 0, &eight, 0, "PASS", "c");
    sweep_console(sweep, &out);
    assert_non_null(strstr(buf_str(&out), "9.5 s ± 0.02 s"));
    assert_non_null(strstr(buf_str(&out), "9                           FAIL (lost)"));
    add(sweep, 0, &eight, 4, "ABORTED", "d");
    buf_reset(&out);
    sweep_console(sweep, &out);
    assert_null(strstr(buf_str(&out), "9.5 s"));
    assert_non_null(strstr(buf_str(&out), "ABORTED"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_cell_is_filled_in),
        cmocka_unit_test(test_for_machines),
        cmocka_unit_test(test_the_same_bytes_again),
        cmocka_unit_test(test_repeated_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
