/* Time in report.html: the main picture, the waterfall of phases and the observations. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/lane.h"
#include "reports/markers.h"
#include "reports/timeline.h"
#include "reports/words.h"

static void write_instants(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"Instant, in seconds since the first disruption"};
    struct markers markers;
    markers_collect(result, &markers);
    if (markers.count == 0) {
        return;
    }
    xml_open(xml, "details");
    xml_element(xml, "summary", NULL, "The picture's instants as a table");
    html_table(xml, NULL, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < markers.count; i++) {
        html_row(xml);
        html_cell(xml, markers.items[i].text);
        html_row_end(xml);
    }
    html_table_end(xml);
    xml_element(xml, "p", "meta", "The counts of every second are in samples.csv.");
    xml_close(xml);
    xml_newline(xml);
}

static void write_totals(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {">Scheduled", ">Answered", ">Failed", ">Timed out", ">Not sent"};
    html_table(xml, "Requests. Scheduled is the sum of the other four.", heads, ARRAY_LEN(heads));
    html_row(xml);
    html_number(xml, "%llu", (unsigned long long)result->requests.scheduled);
    html_number(xml, "%llu", (unsigned long long)result->requests.ok);
    html_number(xml, "%llu", (unsigned long long)result->requests.failed);
    html_number(xml, "%llu", (unsigned long long)result->requests.timed_out);
    html_number(xml, "%llu", (unsigned long long)result->requests.not_sent);
    html_row_end(xml);
    html_table_end(xml);
}

void html_timeline(struct xml *xml, const struct result *result)
{
    html_section(xml, "timeline", "The drill at a glance");
    if (result->bin_count > 0 || result->fault_count > 0) {
        html_figure(xml);
        timeline_draw(xml, result);
        html_figure_end(xml);
    } else {
        xml_element(xml, "p", NULL, "There is nothing to draw: no request was sent and no fault was injected.");
    }
    write_totals(xml, result);
    write_instants(xml, result);
    html_section_end(xml);
}

static double phase_seconds(const struct phase *phase)
{
    return (double)(phase->end_ns - phase->start_ns) / NS_PER_S;
}

/* The phases from `first` on that have the same cause. */
static size_t same_cause(const struct result *result, size_t first)
{
    size_t end = first;
    while (end < result->phase_count && str_eq(result->phases[end].cause, result->phases[first].cause)) {
        end++;
    }
    return end - first;
}

static void draw_phase(struct xml *xml, const struct chart *chart, const struct phase *phase, const struct result *result,
                       double y)
{
    struct lane lane = {.name = phase->name};
    struct buf took CLEANUP(buf_clear) = {0};
    struct span *span = lane_add(&lane, words_since(result, phase->start_ns), words_since(result, phase->end_ns), SPAN_BAR);
    words_value(phase_seconds(phase), 0.01, NAN, "s", &took);
    bool hold = str_eq(phase->name, "hold");
    span->fill = BLUE;
    span->pattern = hold ? "hold" : NULL;
    span->stroke = hold ? INK : NULL;
    (void)str_copy(span->text, sizeof(span->text), buf_str(&took));
    lane_layout(chart, &lane);
    lane_draw(xml, chart, &lane, y);
}

static void draw_waterfall(struct xml *xml, const struct result *result, size_t first, size_t count)
{
    char id[32];
    struct chart chart = {.id = id, .width = 1120, .left = 132, .right = 950, .top = 8, .from_s = INFINITY, .to_s = -INFINITY};
    struct buf description CLEANUP(buf_clear) = {0};
    (void)str_format(id, sizeof(id), "phases-%zu", first);
    for (size_t i = first; i < first + count; i++) {
        const struct phase *phase = &result->phases[i];
        chart.from_s = fmin(chart.from_s, words_since(result, phase->start_ns));
        chart.to_s = fmax(chart.to_s, words_since(result, phase->end_ns));
        buf_printf(&description, "%s%s %.2f s", i > first ? ", " : "", phase->name, phase_seconds(phase));
    }
    chart.bottom = chart.top + (double)count * LANE_ROW_HEIGHT;
    chart.height = chart.bottom + 42;
    html_figure(xml);
    chart_begin(xml, &chart, "Where the time went", buf_str(&description));
    for (size_t i = 0; i < count; i++) {
        draw_phase(xml, &chart, &result->phases[first + i], result, chart.top + (double)i * LANE_ROW_HEIGHT);
    }
    chart_axis_x(xml, &chart, chart.bottom + 4);
    chart_end(xml);
    html_figure_end(xml);
}

/* The hold proves recovery and is no part of it, so shares are of the time without it. */
static double recovery_seconds(const struct result *result, size_t first, size_t count)
{
    int64_t from_ns = INT64_MAX, to_ns = INT64_MIN;
    for (size_t i = first; i < first + count; i++) {
        const struct phase *phase = &result->phases[i];
        if (!str_eq(phase->name, "hold")) {
            from_ns = phase->start_ns < from_ns ? phase->start_ns : from_ns;
            to_ns = phase->end_ns > to_ns ? phase->end_ns : to_ns;
        }
    }
    return to_ns > from_ns ? (double)(to_ns - from_ns) / NS_PER_S : 0;
}

static void write_phases(struct xml *xml, const struct result *result, size_t first, size_t count)
{
    static const char *const heads[] = {"Phase", ">From", ">To", ">Took", ">Share", "Seen as"};
    double total = recovery_seconds(result, first, count);
    html_table(xml, "Phases, with their share of the time to recover. Those that ran at the same time overlap.", heads,
               ARRAY_LEN(heads));
    for (size_t i = first; i < first + count; i++) {
        const struct phase *phase = &result->phases[i];
        bool share = total > 0 && !str_eq(phase->name, "hold");
        html_row(xml);
        html_name_cell(xml, phase->name);
        html_instant(xml, result, phase->start_ns);
        html_instant(xml, result, phase->end_ns);
        html_number(xml, "%.3f s", phase_seconds(phase));
        if (share) {
            html_number(xml, "%.0f%%", 100 * phase_seconds(phase) / total);
        } else {
            html_number(xml, "-");
        }
        html_cell(xml, phase->source);
        html_row_end(xml);
    }
    html_table_end(xml);
}

void html_phases(struct xml *xml, const struct result *result)
{
    html_section(xml, "phases", "Where the time went");
    if (result->phase_count == 0) {
        xml_element(xml, "p", NULL, "No phase was observed: there was no outage, or nothing watched health, DNS or roles.");
    }
    for (size_t first = 0; first < result->phase_count;) {
        size_t count = same_cause(result, first);
        const char *cause = result->phases[first].cause;
        xml_elementf(xml, "h3", NULL, "After “%s”", cause ? cause : "the disruption");
        draw_waterfall(xml, result, first, count);
        write_phases(xml, result, first, count);
        first += count;
    }
    html_section_end(xml);
}

static void write_observation(struct xml *xml, const struct result *result, const struct observation *observation)
{
    struct buf rto CLEANUP(buf_clear) = {0}, share CLEANUP(buf_clear) = {0};
    words_figure_near(&observation->rto, words_limit(result, "rto"), "s", &rto);
    words_share(observation->failed, observation->requests, &share);
    html_row(xml);
    html_name_cell(xml, observation->cause);
    html_cell(xml, observation->vantage);
    html_cell(xml, class_name(observation->request_class));
    html_instant(xml, result, observation->disruption_ns);
    html_instant(xml, result, observation->outage ? observation->outage_start_ns : 0);
    html_instant(xml, result, observation->recovery_ns);
    html_cell(xml, buf_str(&rto));
    html_number(xml, "%llu of %llu (%s)", (unsigned long long)observation->failed, (unsigned long long)observation->requests,
                buf_str(&share));
    html_row_end(xml);
}

void html_observations(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"After",        "Vantage",    "Class",           ">Disruption",
                                        ">Outage from", ">Recovered", "Time to recover", ">Failed requests"};
    html_section(xml, "observations", "Every observation");
    if (result->observation_count == 0) {
        xml_element(xml, "p", NULL, "There was no disruption, so there is nothing to observe.");
    } else {
        html_table(xml, "Each fault and each revert, seen from each vantage, reads and writes apart. The worst one counts.",
                   heads, ARRAY_LEN(heads));
        for (size_t i = 0; i < result->observation_count; i++) {
            write_observation(xml, result, &result->observations[i]);
        }
        html_table_end(xml);
    }
    html_section_end(xml);
}
