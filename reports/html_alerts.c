/* Alerts in report.html: who was told what, when, and whether there was a reason to. */
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

static void seconds(struct xml *xml, bool known, int64_t ns)
{
    if (known) {
        html_number(xml, "%.2f s", (double)ns / NS_PER_S);
    } else {
        html_number(xml, "-");
    }
}

static void write_firing(struct xml *xml, const struct result *result, const struct alert_result *alert,
                         const struct alert_firing *firing)
{
    struct buf meant CLEANUP(buf_clear) = {0};
    words_alert(alert, &meant);
    html_row(xml);
    html_name_cell(xml, alert->name);
    html_cell(xml, buf_str(&meant));
    html_instant(xml, result, firing->fired_ns);
    html_instant(xml, result, firing->resolved_ns);
    html_cell(xml, *firing->cause ? firing->cause : "before anything was broken");
    seconds(xml, firing->cause_ns != 0, firing->fired_ns - firing->cause_ns);
    seconds(xml, firing->reverting_ns && firing->resolved_ns, firing->resolved_ns - firing->reverting_ns);
    html_cell(xml, firing->expected ? "yes" : "NO");
    html_row_end(xml);
}

static void write_quiet(struct xml *xml, const struct result *result, const struct alert_result *alert)
{
    struct buf meant CLEANUP(buf_clear) = {0};
    words_alert(alert, &meant);
    html_row(xml);
    html_name_cell(xml, alert->name);
    html_cell(xml, buf_str(&meant));
    html_instant(xml, result, 0);
    html_instant(xml, result, 0);
    html_cell(xml, "it did not fire");
    seconds(xml, false, 0);
    seconds(xml, false, 0);
    html_cell(xml, alert->silent ? "NO: it stayed silent" : "yes");
    html_row_end(xml);
}

void html_alerts(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {
        "Alert", "Should", ">Fired at", ">Resolved at", "After", ">It took", ">Resolved after the fault", "As it should"};
    html_section(xml, "alerts", "Alerts");
    if (result->alert_count == 0) {
        xml_element(xml, "p", NULL, "The topology watches no alerts.");
    } else {
        html_table(xml, "Each time that an alert fired, as its observer saw it; the cause is the newest disruption before", heads,
                   ARRAY_LEN(heads));
        for (size_t i = 0; i < result->alert_count; i++) {
            const struct alert_result *alert = &result->alerts[i];
            for (size_t j = 0; j < alert->firing_count; j++) {
                write_firing(xml, result, alert, &alert->firings[j]);
            }
            if (alert->firing_count == 0) {
                write_quiet(xml, result, alert);
            }
        }
        html_table_end(xml);
    }
    html_section_end(xml);
}
