/* The instants above the main picture. */
#include "reports/markers.h"

#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/words.h"

enum { LABEL_SIZE = 13, CAUSE_MAX_CHARACTERS = 44 };
#define MERGE_NS (NS_PER_S / 2)

/* Not recovered is worse than any time, any time worse than not measured. The unfavourable end of the resolution counts. */
static double badness(const struct observation *observation)
{
    const struct figure *rto = &observation->rto;
    return !rto->measured ? -1 : rto->at_least ? INFINITY : rto->value + rto->resolution;
}

size_t markers_worst(const struct result *result, const struct observation *worst[static CAUSES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        size_t at = 0;
        while (at < count &&
               !(str_eq(worst[at]->cause, observation->cause) && worst[at]->disruption_ns == observation->disruption_ns)) {
            at++;
        }
        if (at == count && count < CAUSES_MAX) {
            worst[count++] = observation;
        } else if (at < count && badness(observation) > badness(worst[at])) {
            worst[at] = observation;
        }
    }
    return count;
}

static void add(struct markers *markers, const struct result *result, int64_t t_ns, const char *colour, const char *words)
{
    if (t_ns == 0 || markers->count == MARKERS_MAX) {
        return;
    }
    struct buf value CLEANUP(buf_clear) = {0};
    struct marker *marker = &markers->items[markers->count++];
    *marker = (struct marker){.at_s = words_since(result, t_ns), .colour = colour};
    words_value(marker->at_s, 0.01, NAN, "s", &value);
    (void)str_format(marker->text, sizeof(marker->text), "%s %s", buf_str(&value), words);
}

/* Disruptions of one kind in quick succession are told as the first of them. */
static size_t followers(const struct observation *const *worst, size_t count, size_t first)
{
    size_t end = first + 1;
    while (end < count && worst[end]->failback == worst[first]->failback && !worst[end - 1]->outage &&
           worst[end]->disruption_ns - worst[first]->disruption_ns < MERGE_NS) {
        end++;
    }
    return end - first - 1;
}

static void add_disruption(struct markers *markers, const struct result *result, const struct observation *observation,
                           size_t more)
{
    char words[256], text[300];
    chart_clip(observation->cause ? observation->cause : "disruption", CAUSE_MAX_CHARACTERS, words);
    (void)str_format(text, sizeof(text), "%s and %zu more", words, more);
    add(markers, result, observation->disruption_ns, INK, more ? text : words);
}

static void add_outage(struct markers *markers, const struct result *result, const struct observation *observation)
{
    if (observation->outage) {
        add(markers, result, observation->outage_start_ns, DARK_RED, "outage starts");
        add(markers, result, observation->recovery_ns, GREEN, "recovered");
    }
}

static void add_phases(struct markers *markers, const struct result *result)
{
    static const struct {
        const char *phase, *words;
    } ends[] = {{"detect", "detected"}, {"decide", "decided"}, {"switch", "traffic switched"}, {"promote", "replica promoted"}};
    for (size_t i = 0; i < result->phase_count; i++) {
        const struct phase *phase = &result->phases[i];
        for (size_t j = 0; j < ARRAY_LEN(ends); j++) {
            if (str_eq(phase->name, ends[j].phase)) {
                add(markers, result, phase->end_ns, BLUE, ends[j].words);
            }
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct marker *first = a, *second = b;
    int order = (first->at_s > second->at_s) - (first->at_s < second->at_s);
    return order ? order : strcmp(first->text, second->text);
}

void markers_collect(const struct result *result, bool merge, struct markers *markers)
{
    const struct observation *worst[CAUSES_MAX];
    size_t count = markers_worst(result, worst);
    *markers = (struct markers){0};
    for (size_t i = 0, more; i < count; i += 1 + more) {
        more = merge ? followers(worst, count, i) : 0;
        add_disruption(markers, result, worst[i], more);
    }
    for (size_t i = 0; i < count; i++) {
        add_outage(markers, result, worst[i]);
    }
    for (size_t i = 0; count == 0 && i < result->fault_count; i++) {
        struct buf name CLEANUP(buf_clear) = {0};
        words_fault(&result->faults[i], &name);
        char words[256];
        add(markers, result, result->faults[i].requested_ns, INK, chart_clip(buf_str(&name), CAUSE_MAX_CHARACTERS, words));
    }
    add_phases(markers, result);
    qsort(markers->items, markers->count, sizeof(markers->items[0]), compare);
}

/* From right to left: a label stands above all labels to its right that it reaches over, so that their lines, which go down from
 * their rows, never cross it. */
void markers_layout(const struct chart *chart, struct markers *markers)
{
    markers->rows = 0;
    for (size_t i = markers->count; i-- > 0;) {
        struct marker *marker = &markers->items[i];
        double end = chart_x(chart, marker->at_s) + chart_text_width(marker->text, LABEL_SIZE) + 10;
        marker->row = 0;
        for (size_t j = i + 1; j < markers->count; j++) {
            if (chart_x(chart, markers->items[j].at_s) < end && markers->items[j].row >= marker->row) {
                marker->row = markers->items[j].row + 1;
            }
        }
        markers->rows = marker->row + 1 > markers->rows ? marker->row + 1 : markers->rows;
    }
}

void markers_draw(struct xml *xml, const struct chart *chart, const struct markers *markers, double bottom_y)
{
    for (size_t i = 0; i < markers->count; i++) {
        const struct marker *marker = &markers->items[i];
        double x = chart_x(chart, marker->at_s), y = chart->top - 12 - (double)marker->row * MARKER_ROW_HEIGHT;
        chart_line(xml, x, y - 11, x, bottom_y, marker->colour, 1.2, "4 3");
        chart_label(xml, x + 4, y, ANCHOR_START, LABEL_SIZE, marker->colour, marker->text);
    }
    xml_newline(xml);
}
