/* The event log of report.html. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

/* A drill with more is cut in the middle: how it began and how it ended both matter. */
enum { EVENTS_MAX = 500, TEXT_MAX = 600 };

static void write_event(struct xml *xml, const struct result *result, const json_t *event)
{
    struct buf place CLEANUP(buf_clear) = {0}, text CLEANUP(buf_clear) = {0};
    words_event(event, &place, &text);
    html_row(xml);
    html_number(xml, "%.3f s", words_since(result, json_int(event, "t", result->origin_ns)));
    xml_element(xml, "td", "short", json_str(event, "utc", ""));
    xml_elementf(xml, "td", "short", "%.40s", buf_str(&place));
    html_cellf(xml, "%.*s%s", TEXT_MAX, buf_str(&text), text.size > TEXT_MAX ? "…" : "");
    html_row_end(xml);
}

void html_events(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {">Time", "UTC", "Place", "Event"};
    size_t count = json_array_size(result->events), half = EVENTS_MAX / 2;
    html_section(xml, "events", "Event log");
    if (count == 0) {
        xml_element(xml, "p", NULL, "No event was recorded.");
        html_section_end(xml);
        return;
    }
    xml_open(xml, "details");
    xml_attr(xml, "open", "open");
    xml_elementf(xml, "summary", NULL, "%zu events, times in seconds since the first disruption", count);
    html_table(xml, NULL, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < count; i++) {
        if (count > EVENTS_MAX && i == half) {
            i = count - half;
            html_row(xml);
            html_number(xml, "…");
            html_cell(xml, "");
            html_cell(xml, "");
            html_cellf(xml, "%zu events are left out here, all are in events.jsonl", count - EVENTS_MAX);
            html_row_end(xml);
        }
        write_event(xml, result, json_array_get(result->events, i));
    }
    html_table_end(xml);
    xml_close(xml);
    html_section_end(xml);
}
