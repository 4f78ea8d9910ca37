/* Time in report.html: the main picture, the phases and the observations. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/markers.h"
#include "reports/timeline.h"
#include "reports/waterfall.h"
#include "reports/words.h"

static void write_instants(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"Instant, in seconds since the first disruption"};
    struct markers markers;
    markers_collect(result, false, &markers);
    if (markers.count == 0) {
        return;
    }
    html_details(xml, "The instants as a table");
    html_table(xml, NULL, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < markers.count; i++) {
        html_row(xml);
        html_cell(xml, markers.items[i].text);
        html_row_end(xml);
    }
    html_table_end(xml);
    html_details_end(xml);
}

static void write_counts(struct xml *xml, const struct columns *columns, size_t from, size_t to, const void *context)
{
    const struct result *result = context;
    uint64_t sums[4] = {0};
    for (size_t i = columns->items[from].first_bin; i < columns->items[to - 1].first_bin + columns->items[to - 1].bin_count;
         i++) {
        const struct second_bin *bin = &result->bins[i];
        const uint32_t parts[] = {bin->ok, bin->failed, bin->timed_out, bin->not_sent};
        for (size_t part = 0; part < ARRAY_LEN(parts); part++) {
            sums[part] += parts[part];
        }
    }
    for (size_t part = 0; part < ARRAY_LEN(sums); part++) {
        html_number(xml, "%llu", (unsigned long long)sums[part]);
    }
}

/* The numbers that the browser test and auditors compare with report.json carry ids. */
static void write_totals(struct xml *xml, const struct result *result)
{
    const struct {
        const char *id, *words;
        uint64_t count;
    } totals[] = {{"requests-scheduled", "scheduled", result->requests.scheduled},
                  {"requests-ok", "answered", result->requests.ok},
                  {"requests-failed", "failed", result->requests.failed},
                  {"requests-timed-out", "timed out", result->requests.timed_out},
                  {"requests-not-sent", "not sent", result->requests.not_sent}};
    xml_open(xml, "p");
    xml_attr(xml, "class", "meta");
    xml_text(xml, "Requests: ");
    for (size_t i = 0; i < ARRAY_LEN(totals); i++) {
        xml_text(xml, i == 0 ? "" : i == 1 ? " = " : " + ");
        xml_open(xml, "b");
        xml_attr(xml, "id", totals[i].id);
        xml_textf(xml, "%llu", (unsigned long long)totals[i].count);
        xml_close(xml);
        xml_textf(xml, " %s", totals[i].words);
    }
    xml_text(xml, ".");
    xml_close(xml);
    xml_newline(xml);
}

void html_timeline(struct xml *xml, const struct result *result, const struct columns *columns)
{
    static const char *const heads[] = {">Answered", ">Failed", ">Timed out", ">Not sent"};
    const struct over_time table = {.summary = "The requests as a table",
                                    .heads = heads,
                                    .count = ARRAY_LEN(heads),
                                    .cells = write_counts,
                                    .context = result};
    html_section(xml, "timeline", "The drill at a glance");
    if (result->bin_count > 0 || result->fault_count > 0) {
        html_figure(xml);
        timeline_draw(xml, result);
        html_figure_end(xml);
    } else {
        xml_element(xml, "p", NULL, "There is nothing to draw: no request was sent and no fault was injected.");
    }
    if (columns->bin_count < result->bin_count) {
        xml_elementf(xml, "p", "meta", "Pictures show %zu of the drill's %zu s: in the others nothing failed.",
                     columns->bin_count, result->bin_count);
    }
    write_totals(xml, result);
    write_instants(xml, result);
    if (columns->count > 0) {
        html_over_time(xml, columns, &table);
    }
    html_section_end(xml);
}

static void write_phases(struct xml *xml, const struct result *result, struct waterfall waterfall)
{
    static const char *const heads[] = {"Phase", ">From", ">To", ">Took", ">Share", "Seen as"};
    html_details(xml, "The phases as a table, with what each was seen by");
    html_table(xml, "Shares are of the time to recover. Phases that ran at the same time overlap.", heads, ARRAY_LEN(heads));
    for (size_t i = waterfall.first; i < waterfall.first + waterfall.count; i++) {
        const struct phase *phase = &result->phases[i];
        double share = waterfall_share(result, waterfall, phase);
        html_row(xml);
        html_name_cell(xml, phase->name);
        html_instant(xml, result, phase->start_ns);
        html_instant(xml, result, phase->end_ns);
        html_number(xml, "%.3f s", waterfall_seconds(phase));
        if (isfinite(share)) {
            html_number(xml, "%.0f%%", 100 * share);
        } else {
            html_number(xml, "-");
        }
        html_cell(xml, phase->source);
        html_row_end(xml);
    }
    html_table_end(xml);
    html_details_end(xml);
}

static void write_waterfall(struct xml *xml, const struct result *result, struct waterfall waterfall)
{
    const char *cause = result->phases[waterfall.first].cause;
    xml_elementf(xml, "p", "meta", "After “%.200s”. What nobody observed is left out, not guessed.",
                 cause ? cause : "disruption");
    html_figure(xml);
    waterfall_draw(xml, result, waterfall);
    html_figure_end(xml);
    write_phases(xml, result, waterfall);
}

void html_phases(struct xml *xml, const struct result *result)
{
    struct waterfall waterfall = waterfall_worst(result);
    if (waterfall.count == 0) {
        return; /* there was no outage: the timeline says so */
    }
    html_section(xml, "phases", "Where the time went");
    write_waterfall(xml, result, waterfall);
    html_section_end(xml);
}

static void write_observation(struct xml *xml, const struct result *result, const struct observation *observation)
{
    struct buf rto CLEANUP(buf_clear) = {0}, share CLEANUP(buf_clear) = {0};
    if (observation->rto.measured && !observation->outage) {
        buf_puts(&rto, "no outage");
    } else {
        words_figure_near(&observation->rto, words_limit(result, "rto"), "s", &rto);
    }
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

static void write_other_phases(struct xml *xml, const struct result *result)
{
    enum { OTHERS_MAX = 4 };
    struct waterfall worst = waterfall_worst(result), other;
    size_t drawn = 0;
    for (size_t first = 0; first < result->phase_count && drawn < OTHERS_MAX; first += other.count) {
        other = waterfall_from(result, first);
        if (first != worst.first) {
            write_waterfall(xml, result, other);
            drawn++;
        }
    }
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
    write_other_phases(xml, result);
    html_section_end(xml);
}
