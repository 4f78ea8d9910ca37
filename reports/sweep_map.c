/* The heat map: the first name gives the rows, the second the columns, what is left one field for each of its combinations. Darker is a
 * longer recovery; each cell says its figure, so no colour has to be read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"
#include "reports/chart.h"
#include "reports/sweep_parts.h"
#include "reports/words.h"

enum { CELL_WIDTH = 168, CELL_HEIGHT = 62, LEFT = 110, GAP = 28, WIDTH_MAX = 1120, SHADES = 5 };

/* Light enough for black, or dark enough for white, text: none between. */
static const char *const shades[SHADES] = {"#eaf2fa", "#c3d9ee", "#93b9dd", "#3b6ea5", "#1d4f86"};
static const char *const inks[SHADES] = {INK, INK, INK, "#ffffff", "#ffffff"};

struct map {
    const struct sweep *sweep;
    struct chart chart;
    size_t rows, columns, fields, across; /* across: fields beside each other */
    double head, least_s, step_s;         /* head: above the rows; the first shade begins at least_s */
};

static size_t axis_count(const struct map *map, size_t axis)
{
    return axis < map->sweep->grid->axis_count ? map->sweep->grid->axes[axis].count : 1;
}

static double field_width(const struct map *map)
{
    return LEFT + (double)map->columns * CELL_WIDTH;
}

static double field_height(const struct map *map)
{
    return map->head + (double)map->rows * CELL_HEIGHT + GAP;
}

static size_t shade_of(const struct map *map, double rto_s)
{
    double shade = map->step_s > 0 ? floor((rto_s - map->least_s) / map->step_s) : 0;
    return shade < 0 ? 0 : shade >= SHADES ? SHADES - 1 : (size_t)shade;
}

/* Five equal steps of whole tenths from the shortest to the longest recovery, none of them finer than the figures are. */
static void plan_shades(struct map *map)
{
    double least = INFINITY, most = 0, resolution = 0;
    for (size_t i = 0; i < map->sweep->count; i++) {
        struct figure rto = sweep_rto(&map->sweep->cells[i]);
        if (rto.measured) {
            least = fmin(least, rto.value);
            most = fmax(most, rto.value);
            resolution = fmax(resolution, rto.resolution);
        }
    }
    if (isfinite(least)) {
        map->least_s = floor(least * 10) / 10;
        map->step_s = ceil(fmax((most - map->least_s) / SHADES, resolution) * 10) / 10;
    }
}

static void plan_map(struct map *map, const struct sweep *sweep)
{
    map->sweep = sweep;
    map->rows = axis_count(map, 0);
    map->columns = axis_count(map, 1);
    map->fields = axis_count(map, 2) * axis_count(map, 3);
    map->head = 28 + (sweep->grid->axis_count > 1 ? 20 : 0) + (map->fields > 1 ? 20 : 0);
    map->across = (size_t)(WIDTH_MAX / field_width(map));
    map->across = map->across < 1 ? 1 : map->across > map->fields ? map->fields : map->across;
    size_t down = (map->fields + map->across - 1) / map->across;
    double width = 16 + (double)map->across * field_width(map);
    map->chart =
        (struct chart){.id = "sweep", .width = width < 620 ? 620 : width, .height = (double)down * field_height(map) + 50};
    plan_shades(map);
}

static void draw_words(struct xml *xml, double x, double y, const char *ink, const struct sweep_cell *cell)
{
    char text[256];
    chart_label(xml, x, y + 26, ANCHOR_MIDDLE, 13, ink, chart_clip(sweep_words(cell), 18, text));
    if (sweep_state(cell) == SWEEP_UNCERTAIN) {
        chart_label(xml, x, y + 45, ANCHOR_MIDDLE, 12, ink, "no figure");
    }
}

/* The verdict has a word and a frame of its own beside the shade. */
static void draw_figures(struct xml *xml, double x, double y, const char *ink, const struct sweep_cell *cell)
{
    struct buf text CLEANUP(buf_clear) = {0};
    const struct sweep_drill *shown = sweep_shown(cell);
    struct figure rto = sweep_rto(cell), failovers = sweep_false_failovers(cell);
    char words[256];
    if (rto.measured) {
        buf_puts(&text, rto.at_least ? "> " : "");
        words_value(rto.value, fmax(rto.resolution, 0.05), rto.value, "s", &text);
    } else {
        buf_puts(&text, "not measured");
    }
    chart_label(xml, x, y + 24, ANCHOR_MIDDLE, 17, ink, buf_str(&text));
    buf_reset(&text);
    if (shown->detect.measured) {
        buf_printf(&text, "detected %.1f s", shown->detect.value);
        chart_label(xml, x, y + 40, ANCHOR_MIDDLE, 12, ink, buf_str(&text));
    }
    buf_reset(&text);
    if (failovers.measured) {
        buf_printf(&text, "%s, %.0f false failover%s", sweep_state(cell) == SWEEP_FAIL ? "FAIL" : "PASS", failovers.value,
                   failovers.value == 1 ? "" : "s");
    } else {
        buf_puts(&text, sweep_words(cell));
    }
    chart_label(xml, x, y + 55, ANCHOR_MIDDLE, 12, ink, chart_clip(buf_str(&text), 24, words));
}

static void draw_cell(struct xml *xml, const struct map *map, size_t index, double x, double y)
{
    const struct sweep_cell *cell = &map->sweep->cells[index];
    enum sweep_state state = sweep_state(cell);
    struct figure rto = sweep_rto(cell);
    char hatch[64];
    size_t shade = shade_of(map, rto.value);
    const char *fill = state == SWEEP_NOT_RUN ? "#ffffff" : rto.measured ? shades[shade] : "#f3f3f3";
    chart_rect(xml, x + 2, y + 2, CELL_WIDTH - 4, CELL_HEIGHT - 4, fill, GREY);
    if (state == SWEEP_UNCERTAIN) {
        chart_rect(xml, x + 2, y + 2, CELL_WIDTH - 4, 8, chart_pattern(&map->chart, "hatch", hatch), NULL);
    } else if (state == SWEEP_FAIL) {
        chart_rect(xml, x + 2, y + 2, 8, CELL_HEIGHT - 4, chart_pattern(&map->chart, "timeout", hatch), NULL);
    }
    if (state >= SWEEP_FAIL) {
        draw_figures(xml, x + CELL_WIDTH / 2.0 + (state == SWEEP_FAIL ? 4 : 0), y, rto.measured ? inks[shade] : INK, cell);
    } else {
        draw_words(xml, x + CELL_WIDTH / 2.0, y, INK, cell);
    }
    xml_newline(xml);
}

/* "ttl = 2", "ttl = 2, timeout = 1" */
static void name_field(const struct map *map, size_t field, struct buf *out)
{
    const struct grid *grid = map->sweep->grid;
    for (size_t axis = 2; axis < grid->axis_count; axis++) {
        buf_printf(out, "%s%s = %s", axis > 2 ? ", " : "", grid->axes[axis].name, grid_value(grid, field, axis));
    }
}

static void draw_heads(struct xml *xml, const struct map *map, size_t field, double x, double y)
{
    const struct grid *grid = map->sweep->grid;
    struct buf text CLEANUP(buf_clear) = {0};
    char clipped[256];
    name_field(map, field, &text);
    chart_label(xml, x + LEFT, y + 16, ANCHOR_START, 15, INK, chart_clip(buf_str(&text), 40, clipped));
    if (grid->axis_count > 1) {
        chart_label(xml, x + LEFT, y + map->head - 28, ANCHOR_START, 13, INK_SOFT, grid->axes[1].name);
    }
    for (size_t i = 0; grid->axis_count > 1 && i < map->columns; i++) {
        chart_label(xml, x + LEFT + ((double)i + 0.5) * CELL_WIDTH, y + map->head - 8, ANCHOR_MIDDLE, 14, INK,
                    chart_clip(grid->axes[1].values[i], 18, clipped));
    }
    chart_label(xml, x + LEFT - 10, y + map->head - 8, ANCHOR_END, 13, INK_SOFT, chart_clip(grid->axes[0].name, 12, clipped));
    for (size_t i = 0; i < map->rows; i++) {
        chart_label(xml, x + LEFT - 10, y + map->head + ((double)i + 0.5) * CELL_HEIGHT + 5, ANCHOR_END, 14, INK,
                    chart_clip(grid->axes[0].values[i], 12, clipped));
    }
    xml_newline(xml);
}

static void draw_field(struct xml *xml, const struct map *map, size_t field)
{
    double x = (double)(field % map->across) * field_width(map), y = (double)(field / map->across) * field_height(map);
    draw_heads(xml, map, field, x, y);
    for (size_t row = 0; row < map->rows; row++) {
        for (size_t column = 0; column < map->columns; column++) {
            draw_cell(xml, map, (row * map->columns + column) * map->fields + field, x + LEFT + (double)column * CELL_WIDTH,
                      y + map->head + (double)row * CELL_HEIGHT);
        }
    }
}

static void draw_key(struct xml *xml, const struct map *map)
{
    double y = map->chart.height - 34;
    chart_label(xml, LEFT, y + 13, ANCHOR_START, 12, INK_SOFT, "recovery, s");
    for (size_t i = 0; map->step_s > 0 && i < SHADES; i++) {
        double x = LEFT + 84 + (double)i * 84;
        char text[32];
        (void)str_format(text, sizeof(text), "%.1f-%.1f", map->least_s + (double)i * map->step_s,
                         map->least_s + (double)(i + 1) * map->step_s);
        chart_rect(xml, x, y, 80, 18, shades[i], GREY);
        chart_label(xml, x + 40, y + 13, ANCHOR_MIDDLE, 12, inks[i], text);
    }
}

static void describe(const struct sweep *sweep, struct buf *out)
{
    for (size_t i = 0; i < sweep->count; i++) {
        struct figure rto = sweep_rto(&sweep->cells[i]), failovers = sweep_false_failovers(&sweep->cells[i]);
        buf_puts(out, i ? "; " : "");
        grid_say(sweep->grid, i, out);
        buf_puts(out, ": ");
        if (rto.measured) {
            words_figure(&rto, "s", out);
            buf_puts(out, ", ");
        }
        if (failovers.measured) {
            buf_printf(out, "false failovers %.0f, ", failovers.value);
        }
        buf_puts(out, sweep_words(&sweep->cells[i]));
    }
}

void sweep_map(struct xml *xml, const struct sweep *sweep)
{
    struct map map = {0};
    struct buf description CLEANUP(buf_clear) = {0};
    plan_map(&map, sweep);
    describe(sweep, &description);
    chart_begin(xml, &map.chart, "Recovery time by setting", buf_str(&description));
    for (size_t i = 0; i < map.fields; i++) {
        draw_field(xml, &map, i);
    }
    draw_key(xml, &map);
    chart_end(xml);
}
