/* Charts: scales, axes, shapes. */
#include "reports/chart.h"

#include <math.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/str.h"

/* A small hatch on a ground. Those of the series differ in hue, in lightness and in what is on them. */
struct pattern {
    const char *name, *ground, *stroke, *path;
};
static const struct pattern patterns[] = {
    {"hatch", "#f3e9d8", "#8a6d3b", "M-1 7L7 -1M-1 1L1 -1M5 7L7 5"},
    {"band", NULL, "#c9b48c", "M-1 7L7 -1M-1 1L1 -1M5 7L7 5"},
    {"failed", ORANGE, "#ffffff", "M-1 -1L7 7M-1 5L1 7M5 -1L7 1"},
    {"timeout", DARK_RED, "#dba3ad", "M0 3H2M3 0H5M3 6H5"},
    {"hold", "#e3f1e8", "#1e7145", "M3 0V6"},
    {"series-a", BLUE, NULL, NULL},
    {"series-b", "#b5d1ea", "#2c5f96", "M1 2H2.5M4 5H5.5"},
    {"series-c", "#2c6e63", "#b9ddd5", "M0 1H6"},
    {"series-d", "#c9b6d9", "#5d3a7a", "M3 0V6"},
    {"series-e", "#5b6b7b", "#e8ecf0", "M1 1H2M4 4H5"},
    {"series-f", "#b9cf8a", "#4d6619", "M-1 -1L7 7M-1 5L1 7M5 -1L7 1"},
};

static void define_pattern(struct xml *xml, const struct chart *chart, const struct pattern *pattern)
{
    xml_open(xml, "pattern");
    xml_attrf(xml, "id", "%s-%s", chart->id, pattern->name);
    xml_attr(xml, "width", "6");
    xml_attr(xml, "height", "6");
    xml_attr(xml, "patternUnits", "userSpaceOnUse");
    if (pattern->ground) {
        chart_rect(xml, 0, 0, 6, 6, pattern->ground, NULL);
    }
    if (pattern->path) {
        chart_path(xml, pattern->path, "none", pattern->stroke, 1, NULL);
    }
    xml_end(xml);
}

void chart_begin(struct xml *xml, const struct chart *chart, const char *title, const char *description)
{
    xml_open(xml, "svg");
    xml_attr(xml, "xmlns", "http://www.w3.org/2000/svg");
    xml_attrf(xml, "viewBox", "0 0 %g %g", chart->width, chart->height);
    xml_attrf(xml, "width", "%g", chart->width);
    xml_attrf(xml, "height", "%g", chart->height);
    xml_attr(xml, "role", "img");
    xml_attrf(xml, "aria-labelledby", "%s-title %s-desc", chart->id, chart->id);
    xml_attr(xml, "font-family", "DejaVu Sans, Verdana, sans-serif");
    xml_open(xml, "title");
    xml_attrf(xml, "id", "%s-title", chart->id);
    xml_text(xml, title);
    xml_close(xml);
    xml_open(xml, "desc");
    xml_attrf(xml, "id", "%s-desc", chart->id);
    xml_text(xml, description);
    xml_close(xml);
    xml_open(xml, "defs");
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        define_pattern(xml, chart, &patterns[i]);
    }
    xml_end(xml);
    chart_rect(xml, 0, 0, chart->width, chart->height, "#ffffff", NULL);
    xml_newline(xml);
}

void chart_end(struct xml *xml)
{
    xml_close(xml);
    xml_newline(xml);
}

static double clamp(double value, double low, double high)
{
    return !(value > low) ? low : value > high ? high : value;
}

double chart_x(const struct chart *chart, double seconds)
{
    double range = chart->to_s - chart->from_s;
    double share = range > 0 ? (seconds - chart->from_s) / range : 0;
    return chart->left + clamp(share, 0, 1) * (chart->right - chart->left);
}

double chart_y(const struct chart *chart, double value)
{
    double share = chart->y_max > 0 ? value / chart->y_max : 0;
    return chart->bottom - clamp(share, 0, 1) * (chart->bottom - chart->top);
}

double chart_step(double range, int ticks)
{
    if (!(range > 0) || !isfinite(range)) {
        return 1;
    }
    double power = pow(10, floor(log10(range / ticks)));
    double factor = range / ticks / power;
    return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

static void coordinate(struct xml *xml, const char *name, double value)
{
    xml_attrf(xml, name, "%g", round(value * 10) / 10);
}

void chart_rect(struct xml *xml, double x, double y, double width, double height, const char *fill, const char *stroke)
{
    xml_open(xml, "rect");
    coordinate(xml, "x", x);
    coordinate(xml, "y", y);
    coordinate(xml, "width", width);
    coordinate(xml, "height", height);
    xml_attr(xml, "fill", fill);
    xml_attr(xml, "stroke", stroke);
    xml_end(xml);
}

void chart_line(struct xml *xml, double x1, double y1, double x2, double y2, const char *stroke, double width, const char *dash)
{
    xml_open(xml, "line");
    coordinate(xml, "x1", x1);
    coordinate(xml, "y1", y1);
    coordinate(xml, "x2", x2);
    coordinate(xml, "y2", y2);
    xml_attr(xml, "stroke", stroke);
    xml_attrf(xml, "stroke-width", "%g", width);
    xml_attr(xml, "stroke-dasharray", dash);
    xml_end(xml);
}

void chart_label(struct xml *xml, double x, double y, enum chart_anchor anchor, double size, const char *fill, const char *text)
{
    static const char *const anchors[] = {NULL, "middle", "end"};
    xml_open(xml, "text");
    coordinate(xml, "x", x);
    coordinate(xml, "y", y);
    xml_attrf(xml, "font-size", "%g", size);
    xml_attr(xml, "fill", fill);
    xml_attr(xml, "text-anchor", anchors[anchor]);
    xml_text(xml, text);
    xml_end(xml);
}

void chart_path(struct xml *xml, const char *data, const char *fill, const char *stroke, double width, const char *dash)
{
    xml_open(xml, "path");
    xml_attr(xml, "d", data);
    xml_attr(xml, "fill", fill);
    xml_attr(xml, "stroke", stroke);
    if (stroke) {
        xml_attrf(xml, "stroke-width", "%g", width);
    }
    xml_attr(xml, "stroke-dasharray", dash);
    xml_end(xml);
}

const char *chart_pattern(const struct chart *chart, const char *name, char out[static 64])
{
    (void)str_format(out, 64, "url(#%s-%s)", chart->id, name);
    return out;
}

const char *chart_clip(const char *text, size_t characters, char out[static 256])
{
    size_t count = 0, size = 0;
    while (text[size] && size < 240) {
        bool starts = (text[size] & 0xc0) != 0x80;
        if (starts && count == characters) {
            break;
        }
        count += starts;
        size++;
    }
    (void)str_format(out, 256, "%.*s%s", (int)size, text, text[size] ? "…" : "");
    return out;
}

/* Of DejaVu Sans, the widest of the families that are asked for, in thousandths of the size. */
static int character_width(unsigned char byte)
{
    if (byte < 0x80 && strchr(" .,:;|'!ijl()-", byte)) {
        return 350;
    }
    if (byte == 'm' || byte == 'w' || byte == 'M' || byte == 'W' || byte == '%' || byte == '@') {
        return 950;
    }
    return byte >= 'A' && byte <= 'Z' ? 690 : byte >= 'a' && byte <= 'z' ? 600 : byte < 0x80 ? 640 : 850;
}

double chart_text_width(const char *text, double size)
{
    int width = 0;
    for (const char *byte = text; *byte; byte++) {
        width += (*byte & 0xc0) == 0x80 ? 0 : character_width((unsigned char)*byte);
    }
    return width * size / 1000;
}

void chart_axis_y(struct xml *xml, const struct chart *chart, const char *unit)
{
    double step = chart_step(chart->y_max, 5);
    for (double value = 0; value <= chart->y_max * 1.0001; value += step) {
        char text[32];
        double y = chart_y(chart, value);
        (void)str_format(text, sizeof(text), "%g", value);
        chart_line(xml, chart->left, y, chart->right, y, value > 0 ? GRID : INK, 1, NULL);
        chart_label(xml, chart->left - 6, y + 4, ANCHOR_END, 12, INK_SOFT, text);
    }
    chart_label(xml, chart->left - 6, chart->top - 9, ANCHOR_END, 12, INK_SOFT, unit);
    xml_newline(xml);
}

void chart_axis_x(struct xml *xml, const struct chart *chart, double at_y)
{
    double step = chart_step(chart->to_s - chart->from_s, 14);
    chart_line(xml, chart->left, at_y, chart->right, at_y, INK, 1, NULL);
    for (double value = ceil(chart->from_s / step) * step; value <= chart->to_s + step * 0.001; value += step) {
        char text[32];
        double x = chart_x(chart, value);
        (void)str_format(text, sizeof(text), "%g", fabs(value) < step * 0.001 ? 0.0 : value);
        chart_line(xml, x, at_y, x, at_y + 5, INK, 1, NULL);
        chart_label(xml, x, at_y + 17, ANCHOR_MIDDLE, 12, INK_SOFT, text);
    }
    chart_label(xml, (chart->left + chart->right) / 2, at_y + 32, ANCHOR_MIDDLE, 12, INK_SOFT,
                "seconds since the first disruption");
    xml_newline(xml);
}
