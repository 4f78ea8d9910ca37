/* The cells of a sweep, for people at a terminal and for machines. */
#include "reports/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/str.h"
#include "harness/measure/repeats.h"
#include "reports/failovers.h"
#include "reports/repeat.h"
#include "reports/sweep_parts.h"
#include "reports/words.h"

enum { AXIS_WIDTH = 8, RTO_WIDTH = 20, DETECT_WIDTH = 9, FALSE_WIDTH = 26 };

struct sweep *sweep_new(const struct grid *grid, const char *scenario, const char *title)
{
    struct sweep *sweep = xcalloc(1, sizeof(*sweep));
    sweep->grid = grid;
    sweep->scenario = xstrdup(scenario);
    sweep->title = xstrdup(title);
    sweep->count = grid_cells(grid);
    sweep->cells = xcalloc(sweep->count, sizeof(*sweep->cells));
    return sweep;
}

void sweep_free(struct sweep *sweep)
{
    if (!sweep) {
        return;
    }
    for (size_t i = 0; i < sweep->count; i++) {
        VEC_EACH(drill, &sweep->cells[i].drills)
        {
            free(drill->bundle);
            free(drill->words);
            free(drill->failed_over);
        }
        VEC_CLEAR(&sweep->cells[i].drills);
    }
    free(sweep->cells);
    free(sweep->scenario);
    free(sweep->title);
    free(sweep);
}

/* From the disruption with the worst recovery to its detection, so that it can be set beside the recovery. */
static struct figure detection(const struct result *result)
{
    const struct observation *worst = result_worst(result);
    struct figure figure = {.why = "nothing was seen to be detected"};
    for (size_t i = 0; worst && i < result->phase_count; i++) {
        const struct phase *phase = &result->phases[i];
        if (str_eq(phase->name, "detect") && str_eq(phase->cause, worst->cause)) {
            return (struct figure){.measured = true, .value = (double)(phase->end_ns - worst->disruption_ns) / NS_PER_S};
        }
    }
    return figure;
}

void sweep_add(struct sweep *sweep, size_t cell, const struct result *result, int exit_code, const char *exit_words,
               const char *bundle)
{
    struct buf failed_over CLEANUP(buf_clear) = {0};
    failovers_by_fault(result, &failed_over);
    *VEC_ADD(&sweep->cells[cell].drills) = (struct sweep_drill){
        .bundle = xstrdup(bundle),
        .words = xstrdup(exit_words),
        .failed_over = xstrdup(buf_str(&failed_over)),
        .rto = result->rto,
        .detect = detection(result),
        .false_failovers = result->false_failovers,
        .verdict = result->verdict,
        .exit_code = exit_code,
    };
}

size_t sweep_drills(const struct sweep *sweep)
{
    size_t count = 0;
    for (size_t i = 0; i < sweep->count; i++) {
        count += sweep->cells[i].drills.count;
    }
    return count;
}

/* Only a drill that came to its end and could be judged: exit 0 or 1. */
static bool is_certain(const struct sweep_drill *drill)
{
    return (drill->exit_code == 0 && drill->verdict == VERDICT_PASS) || (drill->exit_code == 1 && drill->verdict == VERDICT_FAIL);
}

const struct sweep_drill *sweep_shown(const struct sweep_cell *cell)
{
    const struct sweep_drill *shown = NULL;
    VEC_EACH(drill, &cell->drills)
    {
        if (!is_certain(drill)) {
            return drill;
        }
        bool worse = shown && drill->rto.measured && (!shown->rto.measured || repeats_compare(&drill->rto, &shown->rto) > 0);
        shown = !shown || worse ? drill : shown;
    }
    return shown;
}

/* One that failed makes the cell a failed one, whichever is shown. */
enum sweep_state sweep_state(const struct sweep_cell *cell)
{
    enum sweep_state state = cell->drills.count ? SWEEP_PASS : SWEEP_NOT_RUN;
    VEC_EACH(drill, &cell->drills)
    {
        enum sweep_state own = !is_certain(drill) ? SWEEP_UNCERTAIN : drill->verdict == VERDICT_FAIL ? SWEEP_FAIL : SWEEP_PASS;
        state = own < state ? own : state;
    }
    return state;
}

struct figure sweep_rto(const struct sweep_cell *cell)
{
    struct figure unknown = {.why = "the drill said nothing certain"};
    return sweep_state(cell) >= SWEEP_FAIL ? sweep_shown(cell)->rto : unknown;
}

struct figure sweep_false_failovers(const struct sweep_cell *cell)
{
    struct figure sum = {.measured = sweep_state(cell) >= SWEEP_FAIL, .why = "the drill said nothing certain"};
    for (size_t i = 0; sum.measured && i < cell->drills.count; i++) {
        const struct figure *own = &cell->drills.items[i].false_failovers;
        if (!own->measured) {
            return *own;
        }
        sum.value += own->value;
    }
    return sum;
}

/* The words of the drill that decides the state. */
const char *sweep_words(const struct sweep_cell *cell)
{
    const struct sweep_drill *shown = sweep_shown(cell);
    VEC_EACH(drill, &cell->drills)
    {
        if (sweep_state(cell) == SWEEP_FAIL && drill->verdict == VERDICT_FAIL) {
            return drill->words;
        }
    }
    return shown ? shown->words : "not run";
}

bool sweep_complete(const struct sweep *sweep)
{
    bool complete = true;
    for (size_t i = 0; i < sweep->count; i++) {
        complete = complete && sweep_state(&sweep->cells[i]) >= SWEEP_FAIL;
    }
    return complete;
}

/* A column that is `width` characters wide, however many bytes they take. */
static void say_column(const char *text, size_t width, struct buf *out)
{
    size_t characters = 0;
    for (const char *byte = text; *byte; byte++) {
        characters += ((unsigned char)*byte & 0xc0) != 0x80;
    }
    buf_printf(out, "  %s%*s", text, characters < width ? (int)(width - characters) : 0, "");
}

static void say_cell(const struct sweep *sweep, size_t index, struct buf *out)
{
    const struct sweep_cell *cell = &sweep->cells[index];
    const struct sweep_drill *shown = sweep_shown(cell);
    struct figure rto = sweep_rto(cell), failovers = sweep_false_failovers(cell);
    struct buf text CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < sweep->grid->axis_count; i++) {
        int width = (int)strlen(sweep->grid->axes[i].name);
        buf_printf(out, "  %*s", width > AXIS_WIDTH ? width : AXIS_WIDTH, grid_value(sweep->grid, index, i));
    }
    if (rto.measured) {
        words_figure(&rto, "s", &text);
    }
    say_column(rto.measured ? buf_str(&text) : "-", RTO_WIDTH, out);
    buf_reset(&text);
    if (rto.measured && shown->detect.measured) {
        words_value(shown->detect.value, shown->rto.resolution, shown->detect.value, "s", &text);
    }
    say_column(text.size ? buf_str(&text) : "-", DETECT_WIDTH, out);
    buf_reset(&text);
    buf_printf(&text, "%.0f", failovers.value);
    if (cell->drills.count == 1 && *shown->failed_over) {
        buf_printf(&text, " (%s)", shown->failed_over);
    }
    say_column(failovers.measured ? buf_str(&text) : "-", FALSE_WIDTH, out);
    buf_printf(out, "  %s%s%s\n", sweep_words(cell), shown ? "   " : "", shown ? shown->bundle : "");
}

void sweep_console(const struct sweep *sweep, struct buf *out)
{
    size_t run = 0;
    for (size_t i = 0; i < sweep->count; i++) {
        run += sweep->cells[i].drills.count > 0;
    }
    buf_printf(out, "%zu of %zu settings drilled%s\n", run, sweep->count, sweep_complete(sweep) ? ":" : ", partial:");
    for (size_t i = 0; i < sweep->grid->axis_count; i++) {
        buf_printf(out, "  %*s", AXIS_WIDTH, sweep->grid->axes[i].name);
    }
    say_column("rto", RTO_WIDTH, out);
    say_column("detected", DETECT_WIDTH, out);
    say_column("false failovers", FALSE_WIDTH, out);
    buf_puts(out, "  verdict\n");
    for (size_t i = 0; i < sweep->count; i++) {
        say_cell(sweep, i, out);
    }
}

static json_t *axes_json(const struct grid *grid)
{
    json_t *axes = json_array();
    for (size_t i = 0; i < grid->axis_count; i++) {
        json_t *values = json_array();
        for (size_t j = 0; j < grid->axes[i].count; j++) {
            json_array_append_new(values, json_string(grid->axes[i].values[j]));
        }
        json_array_append_new(axes, json_pack("{s:s, s:o}", "name", grid->axes[i].name, "values", values));
    }
    return axes;
}

/* null: not measured. */
static json_t *count_json(const struct figure *figure)
{
    return figure->measured ? json_integer((json_int_t)figure->value) : json_null();
}

static json_t *drills_json(const struct sweep_cell *cell)
{
    json_t *drills = json_array();
    VEC_EACH(drill, &cell->drills)
    {
        json_array_append_new(
            drills, json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:s}", "bundle", drill->bundle, "verdict",
                              verdict_name(drill->verdict), "exit_code", drill->exit_code, "exit_words", drill->words, "rto",
                              repeat_figure_json(&drill->rto), "detect", repeat_figure_json(&drill->detect), "false_failovers",
                              count_json(&drill->false_failovers), "false_failovers_during", drill->failed_over));
    }
    return drills;
}

static json_t *cells_json(const struct sweep *sweep)
{
    static const char *const states[] = {"not run", "uncertain", "fail", "pass"};
    json_t *cells = json_array();
    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_cell *cell = &sweep->cells[i];
        struct figure rto = sweep_rto(cell), failovers = sweep_false_failovers(cell);
        json_t *values = json_object();
        for (size_t j = 0; j < sweep->grid->axis_count; j++) {
            json_object_set_new(values, sweep->grid->axes[j].name, json_string(grid_value(sweep->grid, i, j)));
        }
        json_array_append_new(cells,
                              json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "values", values, "state", states[sweep_state(cell)],
                                        "words", sweep_words(cell), "rto", repeat_figure_json(&rto), "false_failovers",
                                        count_json(&failovers), "drills", drills_json(cell)));
    }
    return cells;
}

static int write_json(const struct sweep *sweep, int exit_code, const char *path, struct err *err)
{
    AUTO_JSON json_t *json =
        json_pack("{s:s, s:s, s:s, s:i, s:s, s:b, s:o, s:o}", "schema", "drill-sweep/1", "scenario", sweep->scenario, "title",
                  sweep->title, "exit_code", exit_code, "aggregate", "worst", "complete", sweep_complete(sweep), "axes",
                  axes_json(sweep->grid), "cells", cells_json(sweep));
    return json_write_file(path, json, err);
}

static int write_map(const struct sweep *sweep, const char *folder, const char *name, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_SVG);
    sweep_map(xml, sweep);
    return xml_write_file(xml, folder, name, err);
}

static const char *first_bundle(const struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->count; i++) {
        if (sweep->cells[i].drills.count > 0) {
            return sweep->cells[i].drills.items[0].bundle;
        }
    }
    return NULL;
}

int sweep_write(const struct sweep *sweep, int exit_code, const char *exit_words, char **ret_path, struct err *err)
{
    const char *bundle = first_bundle(sweep);
    const char *slash = bundle ? strrchr(bundle, '/') : NULL;
    if (!bundle) {
        return err_set(err, ERR_STATE, "no drill of the sweep came to an end");
    }
    AUTO_FREE char *folder = slash ? xasprintf("%.*s", (int)(slash - bundle), bundle) : xstrdup(".");
    AUTO_FREE char *page = xasprintf("%s.sweep.html", slash ? slash + 1 : bundle);
    AUTO_FREE char *map = xasprintf("%s.sweep.svg", slash ? slash + 1 : bundle);
    AUTO_FREE char *json = xasprintf("%s.sweep.json", bundle);
    int status = write_json(sweep, exit_code, json, err);
    if (status == 0) {
        status = write_map(sweep, folder, map, err);
    }
    if (status == 0) {
        status = sweep_page(sweep, exit_code, exit_words, folder, page, err);
    }
    if (status == 0) {
        *ret_path = xasprintf("%s.sweep.html", bundle);
    }
    return status;
}
