/* Latency of answered requests, counted from when they were due: over time and in three parts. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/latencies.h"

static void write_part(struct xml *xml, const char *name, const struct latency_part *part)
{
    const double values[] = {part->p50_s, part->p95_s, part->p99_s, part->max_s};
    html_row(xml);
    html_name_cell(xml, name);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char text[32];
        bool known = part->measured && isfinite(values[i]);
        html_number(xml, "%s", known ? clock_format_duration(llround(values[i] * NS_PER_S), text) : "not measured");
    }
    html_number(xml, "%llu", (unsigned long long)part->count);
    html_row_end(xml);
}

static void write_cells(struct xml *xml, const struct columns *columns, size_t from, size_t to, const void *context)
{
    double worst[3] = {0};
    (void)context;
    for (size_t i = from; i < to; i++) {
        worst[0] = fmax(worst[0], columns->items[i].p50_s);
        worst[1] = fmax(worst[1], columns->items[i].p95_s);
        worst[2] = fmax(worst[2], columns->items[i].p99_s);
    }
    for (size_t i = 0; i < ARRAY_LEN(worst); i++) {
        char text[32];
        html_number(xml, "%s", worst[i] > 0 ? clock_format_duration(llround(worst[i] * NS_PER_S), text) : "-");
    }
}

void html_latency(struct xml *xml, const struct result *result, const struct columns *columns)
{
    static const char *const heads[] = {"Part", ">p50", ">p95", ">p99", ">Largest", ">Requests"};
    static const char *const over_time[] = {">p50", ">p95", ">p99"};
    const struct over_time table = {
        .summary = "The percentiles as a table", .heads = over_time, .count = ARRAY_LEN(over_time), .cells = write_cells};
    html_section(xml, "latency", "Latency");
    if (columns->latency_max_s > 0) {
        html_figure(xml);
        latencies_draw(xml, result, columns);
        html_figure_end(xml);
        html_over_time(xml, columns, &table);
    }
    html_table(xml,
               "Latency counts from when a request was due. One that failed counts with at least its deadline, so that refusing "
               "quickly does not look fast.",
               heads, ARRAY_LEN(heads));
    write_part(xml, "before the first disruption", &result->before);
    write_part(xml, "from then to the last recovery", &result->during);
    write_part(xml, "afterwards", &result->after);
    html_table_end(xml);
    html_section_end(xml);
}
