/* Small bar charts one above the other: they need no colours to be told apart. */
#include "harness/base/str.h"
#include "reports/html_page.h"

enum { STRIP_HEIGHT = 44, STRIP_GAP = 14, LEFT = 190, RIGHT = 1030 };

static double largest(const double *values, size_t count)
{
    double result = 0;
    for (size_t i = 0; i < count; i++) {
        result = values[i] > result ? values[i] : result;
    }
    return result;
}

static void draw_bars(struct xml *xml, const struct chart *chart, const struct columns *columns, const double *values,
                      const char *fill)
{
    struct buf path CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < columns->count; i++) {
        double x1 = chart_x(chart, columns->items[i].from_s), x2 = chart_x(chart, columns->items[i].to_s);
        if (values[i] > 0) {
            double y = chart_y(chart, values[i]);
            buf_printf(&path, "M%.1f %.1fV%.1fH%.1fV%.1fz", x1, chart->bottom, y > chart->bottom - 1 ? chart->bottom - 1 : y,
                       x2 - x1 > 4 ? x2 - 0.8 : x2, chart->bottom);
        }
    }
    chart_path(xml, buf_str(&path), fill, NULL, 0, NULL);
}

static void draw_strip(struct xml *xml, struct chart *chart, const struct columns *columns, const struct strips *strips,
                       size_t index)
{
    char most[64], name[256];
    const double *values = strips->values + index * columns->count;
    chart->top = 10 + (double)index * (STRIP_HEIGHT + STRIP_GAP);
    chart->bottom = chart->top + STRIP_HEIGHT;
    (void)str_format(most, sizeof(most), "at most %.0f", largest(values, columns->count));
    chart_line(xml, chart->left, chart->top, chart->right, chart->top, GRID, 1, NULL);
    draw_bars(xml, chart, columns, values, strips->fill);
    chart_line(xml, chart->left, chart->bottom, chart->right, chart->bottom, INK_SOFT, 1, NULL);
    chart_label(xml, chart->left - 8, chart->bottom - 18, ANCHOR_END, 12, INK, chart_clip(strips->names[index], 24, name));
    chart_label(xml, chart->right + 6, chart->bottom - 18, ANCHOR_START, 11, INK_SOFT, most);
    chart_label(xml, chart->right + 6, chart->bottom - 4, ANCHOR_START, 11, INK_SOFT, strips->unit);
    xml_newline(xml);
}

void html_strips(struct xml *xml, const struct columns *columns, const struct strips *strips)
{
    struct chart chart = {
        .id = strips->id, .width = 1120, .left = LEFT, .right = RIGHT, .from_s = columns->from_s, .to_s = columns->to_s};
    chart.height = 10 + (double)strips->count * (STRIP_HEIGHT + STRIP_GAP) + 38;
    chart.y_max = largest(strips->values, strips->count * columns->count);
    html_figure(xml);
    chart_begin(xml, &chart, strips->title, strips->description);
    double origin = chart_x(&chart, 0);
    for (size_t i = 0; i < strips->count; i++) {
        draw_strip(xml, &chart, columns, strips, i);
    }
    chart_line(xml, origin, 4, origin, chart.bottom, INK, 1, "4 3");
    chart_axis_x(xml, &chart, chart.bottom + 4);
    chart_end(xml);
    html_figure_end(xml);
}
