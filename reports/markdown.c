/* report.md: what fits into a job summary or a pull request's comment; never over its cap. */
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/words.h"
#include "reports/xml.h"

enum {
    BYTES_MAX = 60 * 1000, /* a comment may have 65536 */
    ROWS_MAX = 40,
    IDS_MAX = 20,
    TEXT_MAX = 400, /* bytes of one cell */
    BAR_WIDTH = 40,
    BAR_LINES = 48,
};

/* Text that came from elsewhere: nothing in it is markup, and it stays in its line. */
static void say(struct buf *out, const char *text)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    size_t start = out->size;
    xml_clean_text(text ? text : "", &clean);
    for (const char *byte = buf_str(&clean); *byte; byte++) {
        if (out->size - start > TEXT_MAX && (*byte & 0xc0) != 0x80) {
            buf_puts(out, "…");
            return;
        }
        const char *entity = *byte == '<' ? "&lt;" : *byte == '>' ? "&gt;" : *byte == '&' ? "&amp;" : NULL;
        if (entity) {
            buf_puts(out, entity);
        } else if (*byte == '\n' || *byte == '\t') {
            buf_puts(out, " ");
        } else {
            buf_printf(out, "%s%c", strchr("\\`*_[]|#~@", *byte) ? "\\" : "", *byte);
        }
    }
}

static void cell(struct buf *out, const char *text)
{
    buf_puts(out, "| ");
    say(out, text && *text ? text : "-");
    buf_puts(out, " ");
}

static void cell_instant(struct buf *out, const struct result *result, int64_t t_ns)
{
    struct buf text CLEANUP(buf_clear) = {0};
    words_instant(result, t_ns, &text);
    cell(out, buf_str(&text));
}

static void left_out(struct buf *out, size_t count, size_t shown)
{
    if (count > shown) {
        buf_printf(out, "\n… and %zu more in report.json\n", count - shown);
    }
}

static size_t rows(size_t count)
{
    return count < ROWS_MAX ? count : ROWS_MAX;
}

static void write_top(struct buf *out, const struct result *result)
{
    static const char *const symbols[VERDICT_COUNT] = {"◇", "✔", "✘", "◇"};
    struct buf sentence CLEANUP(buf_clear) = {0};
    char utc[32];
    words_sentence(result, &sentence);
    buf_printf(out, "# %s %s: ", symbols[result->verdict], words_verdict(result->verdict));
    say(out, result->title ? result->title : result->scenario);
    buf_puts(out, "\n\n**");
    say(out, buf_str(&sentence));
    buf_puts(out, "**\n\nDrill ");
    say(out, result->drill_id);
    buf_puts(out, ", scenario ");
    say(out, result->scenario);
    buf_puts(out, ", topology ");
    say(out, result->topology);
    buf_printf(out, ", %s. Exit %d: ", result->started_utc_ns ? clock_format_utc(result->started_utc_ns, utc) : "not started",
               result->exit_code);
    say(out, result->exit_words);
    buf_puts(out, ".\n");
}

static void write_objectives(struct buf *out, const struct result *result)
{
    buf_puts(out, "\n## Objectives\n\n");
    if (result->objective_count == 0) {
        buf_puts(out, "None were judged.\n");
        return;
    }
    buf_puts(out, "| Objective | Achieved | Margin | Result | Why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < rows(result->objective_count); i++) {
        const struct objective_result *objective = &result->objectives[i];
        struct buf achieved CLEANUP(buf_clear) = {0}, margin CLEANUP(buf_clear) = {0};
        words_achieved(objective, &achieved);
        words_margin(objective, &margin);
        cell(out, objective->text);
        cell(out, buf_str(&achieved));
        cell(out, buf_str(&margin));
        buf_printf(out, "| **%s** ", words_judgement(objective->judgement));
        cell(out, objective->reason);
        buf_puts(out, "|\n");
    }
    left_out(out, result->objective_count, ROWS_MAX);
}

static void write_phases(struct buf *out, const struct result *result)
{
    if (result->phase_count == 0) {
        return;
    }
    buf_puts(out, "\n## Where the time went\n\n| Phase | From | To | Took | After | Seen as |\n|---|---:|---:|---:|---|---|\n");
    for (size_t i = 0; i < rows(result->phase_count); i++) {
        const struct phase *phase = &result->phases[i];
        cell(out, phase->name);
        cell_instant(out, result, phase->start_ns);
        cell_instant(out, result, phase->end_ns);
        buf_printf(out, "| %.3f s ", (double)(phase->end_ns - phase->start_ns) / NS_PER_S);
        cell(out, phase->cause);
        cell(out, phase->source);
        buf_puts(out, "|\n");
    }
    left_out(out, result->phase_count, ROWS_MAX);
}

static void write_observations(struct buf *out, const struct result *result)
{
    if (result->observation_count == 0) {
        return;
    }
    buf_puts(out, "\n## Recovery\n\n| After | Vantage | Class | Outage | Recovered | Time to recover | Failed |\n"
                  "|---|---|---|---:|---:|---|---:|\n");
    for (size_t i = 0; i < rows(result->observation_count); i++) {
        const struct observation *observation = &result->observations[i];
        struct buf rto CLEANUP(buf_clear) = {0};
        words_figure_near(&observation->rto, words_limit(result, "rto"), "s", &rto);
        cell(out, observation->cause);
        cell(out, observation->vantage);
        cell(out, class_name(observation->request_class));
        cell_instant(out, result, observation->outage ? observation->outage_start_ns : 0);
        cell_instant(out, result, observation->recovery_ns);
        cell(out, buf_str(&rto));
        buf_printf(out, "| %llu of %llu |\n", (unsigned long long)observation->failed, (unsigned long long)observation->requests);
    }
    left_out(out, result->observation_count, ROWS_MAX);
}

/* One line for each part of the drill: its shares by server, or by region where servers do not say their names. */
static void write_shares(struct buf *out, const struct result *result)
{
    if (result->share_count == 0) {
        return;
    }
    buf_puts(out, "\n## Who answered\n\n| Part of the drill | Requests | Failed | p99 | Sessions moved | Shares |\n"
                  "|---|---:|---:|---:|---:|---|\n");
    for (size_t i = 0; i < rows(result->share_count); i++) {
        const struct share_window *window = &result->shares[i];
        const struct share_row *shares = window->named ? window->servers : window->regions;
        size_t count = window->named ? window->server_count : window->region_count;
        struct buf text CLEANUP(buf_clear) = {0};
        for (size_t j = 0; j < count && *shares[j].name; j++) {
            buf_printf(&text, "%s%s ", j ? ", " : "", shares[j].name);
            words_share(shares[j].requests, window->named ? window->named : window->routed, &text);
        }
        cell(out, window->name);
        buf_printf(out, "| %llu | %llu | %.1f ms | %llu of %llu ", (unsigned long long)window->requests,
                   (unsigned long long)window->failed, window->latency.p99_s * 1e3, (unsigned long long)window->moved,
                   (unsigned long long)window->sessions);
        cell(out, buf_str(&text));
        buf_puts(out, "|\n");
    }
    left_out(out, result->share_count, ROWS_MAX);
}

static void write_faults(struct buf *out, const struct result *result)
{
    if (result->fault_count == 0) {
        return;
    }
    buf_puts(out, "\n## Faults\n\n| Fault | State | Mechanism | Proof |\n|---|---|---|---|\n");
    for (size_t i = 0; i < rows(result->fault_count); i++) {
        const struct fault_result *fault = &result->faults[i];
        struct buf name CLEANUP(buf_clear) = {0}, state CLEANUP(buf_clear) = {0};
        words_fault(fault, &name);
        words_fault_state(result, fault, &state);
        cell(out, buf_str(&name));
        cell(out, buf_str(&state));
        cell(out, fault->mechanism);
        cell(out, fault->proof);
        buf_puts(out, "|\n");
    }
    left_out(out, result->fault_count, ROWS_MAX);
}

static void cell_seconds(struct buf *out, bool known, int64_t ns)
{
    if (known) {
        buf_printf(out, "| %.2f s ", (double)ns / NS_PER_S);
    } else {
        cell(out, NULL);
    }
}

static void write_alert(struct buf *out, const struct result *result, const struct alert_result *alert)
{
    struct buf meant CLEANUP(buf_clear) = {0};
    words_alert(alert, &meant);
    for (size_t i = 0; i < alert->firing_count; i++) {
        const struct alert_firing *firing = &alert->firings[i];
        cell(out, alert->name);
        cell(out, buf_str(&meant));
        cell_instant(out, result, firing->fired_ns);
        cell_instant(out, result, firing->resolved_ns);
        cell(out, *firing->cause ? firing->cause : "before anything was broken");
        cell_seconds(out, firing->cause_ns != 0, firing->fired_ns - firing->cause_ns);
        cell_seconds(out, firing->reverting_ns && firing->resolved_ns, firing->resolved_ns - firing->reverting_ns);
        buf_printf(out, "| %s |\n", firing->expected ? "yes" : "**NO**");
    }
    if (alert->firing_count == 0) {
        cell(out, alert->name);
        cell(out, buf_str(&meant));
        buf_printf(out, "| - | - | - | - | - | %s |\n", alert->silent ? "**NO**: it stayed silent" : "yes");
    }
}

static void write_alerts(struct buf *out, const struct result *result)
{
    if (result->alert_count == 0) {
        return;
    }
    buf_puts(out,
             "\n## Alerts\n\n| Alert | Should | Fired | Resolved | After | It took | Resolved after the fault | As it should |\n"
             "|---|---|---:|---:|---|---:|---:|---|\n");
    for (size_t i = 0; i < rows(result->alert_count); i++) {
        write_alert(out, result, &result->alerts[i]);
    }
    left_out(out, result->alert_count, ROWS_MAX);
}

static void write_loss(struct buf *out, const struct result *result)
{
    const struct loss *loss = &result->loss;
    struct buf text CLEANUP(buf_clear) = {0};
    size_t shown = loss->lost_count < IDS_MAX ? loss->lost_count : IDS_MAX;
    words_loss(result, &text);
    buf_puts(out, "\n## Data\n\n");
    say(out, buf_str(&text));
    buf_puts(out, ".\n");
    for (size_t i = 0; i < shown; i++) {
        buf_puts(out, i == 0 ? "\nLost: " : ", ");
        say(out, loss->lost_ids[i]);
    }
    buf_puts(out, shown ? "\n" : "");
    left_out(out, loss->lost_count, shown);
}

/* One line for each store at each comparison. */
static void write_stores(struct buf *out, const struct result *result)
{
    const struct stores_result *stores = &result->stores;
    if (stores->comparison_count == 0) {
        return;
    }
    buf_puts(out, "\n## What each store had\n\n| When | Store | Acknowledged writes | Missing | Only here |  |\n"
                  "|---|---|---:|---:|---:|---|\n");
    for (size_t i = 0; i < rows(stores->comparison_count); i++) {
        const struct store_comparison *comparison = &stores->comparisons[i];
        for (size_t j = 0; j < stores->count; j++) {
            const struct store_content *content = &comparison->contents[j];
            cell(out, comparison->label);
            cell(out, stores->names[j]);
            buf_printf(out, "| %llu | %llu | %llu ", (unsigned long long)content->has, (unsigned long long)content->missing,
                       (unsigned long long)content->only_here);
            cell(out, !content->complete ? "could not be read" : comparison->forked & 1U << j ? "has parted ways" : "");
            buf_puts(out, "|\n");
        }
    }
    left_out(out, stores->comparison_count, ROWS_MAX);
}

static uint32_t bin_total(const struct second_bin *bin)
{
    return bin->ok + bin->failed + bin->timed_out + bin->not_sent;
}

/* `step` seconds from bins[first] in one line: # answered, ! failed, T timed out, ? not sent. */
static void write_bar(struct buf *out, const struct result *result, size_t first, size_t step)
{
    static const char symbols[] = {'#', '!', 'T', '?'};
    uint64_t counts[4] = {0}, total = 0;
    for (size_t i = first; i < first + step && i < result->bin_count; i++) {
        const struct second_bin *bin = &result->bins[i];
        const uint32_t parts[] = {bin->ok, bin->failed, bin->timed_out, bin->not_sent};
        for (size_t part = 0; part < ARRAY_LEN(parts); part++) {
            counts[part] += parts[part];
        }
        total += bin_total(bin);
    }
    buf_printf(out, "%8.1f s |", words_since(result, result->bins[first].start_ns));
    uint64_t reached = 0, drawn = 0;
    for (size_t part = 0; part < ARRAY_LEN(counts) && total > 0; part++) {
        reached += counts[part];
        while (drawn * total < reached * BAR_WIDTH) {
            buf_add(out, &symbols[part], 1);
            drawn++;
        }
    }
    buf_printf(out, "%*s| %llu ok %llu failed %llu timed out\n", (int)(BAR_WIDTH - drawn), "", (unsigned long long)counts[0],
               (unsigned long long)counts[1], (unsigned long long)counts[2]);
}

static void write_timeline(struct buf *out, const struct result *result)
{
    size_t step = (result->bin_count + BAR_LINES - 1) / BAR_LINES;
    if (result->bin_count == 0) {
        return;
    }
    buf_printf(out,
               "\n## Timeline\n\nA line is %zu s, counted from the first disruption: `#` answered, `!` failed, `T` timed out, "
               "`?` not sent."
               "\n\n```text\n",
               step);
    for (size_t i = 0; i < result->bin_count; i += step) {
        write_bar(out, result, i, step);
    }
    buf_puts(out, "```\n");
}

static void write_covered(struct buf *out, const char *what, const struct covered_part *parts, size_t count)
{
    struct buf names CLEANUP(buf_clear) = {0};
    words_covered(parts, count, COVERED_NO, &names);
    if (names.size > 0) {
        buf_printf(out, "* %s: ", what);
        say(out, buf_str(&names));
        buf_puts(out, "\n");
    }
}

static void write_coverage(struct buf *out, const struct result *result)
{
    const struct coverage *coverage = result->coverage;
    if (!coverage || !coverage->known) {
        return;
    }
    buf_puts(out, "\n## Who took part, and what was not tested\n\n* Took part: ");
    for (size_t i = 0; i < rows(coverage->person_count); i++) {
        buf_puts(out, i ? "; " : "");
        say(out, coverage->people[i].who);
        buf_printf(out, " (%s)", coverage->people[i].how);
    }
    buf_puts(out, coverage->person_count ? "\n" : "nobody was named, and nobody wrote a note\n");
    write_covered(out, "Regions that no fault touched", coverage->regions, coverage->region_count);
    write_covered(out, "Services that no fault touched", coverage->services, coverage->service_count);
    write_covered(out, "Kinds of fault that were not used", coverage->faults, coverage->fault_count);
}

static void write_findings(struct buf *out, const struct result *result)
{
    struct buf cleanup CLEANUP(buf_clear) = {0};
    words_cleanup(result, &cleanup);
    buf_puts(out, "\n## Clean-up and findings\n\n* Clean-up: ");
    say(out, buf_str(&cleanup));
    buf_puts(out, "\n");
    for (size_t i = 0; i < rows(result->finding_count); i++) {
        buf_puts(out, "* ");
        say(out, result->findings[i]);
        buf_puts(out, "\n");
    }
    left_out(out, result->finding_count, ROWS_MAX);
}

/* Sections in order of worth; one that does not fit is left out whole, and said to be. */
static void build(struct buf *out, const struct result *result)
{
    static void (*const sections[])(struct buf *, const struct result *) = {
        write_top,    write_objectives, write_phases, write_observations, write_alerts,   write_shares,
        write_faults, write_loss,       write_stores, write_coverage,     write_findings, write_timeline};
    static const char omitted[] = "\n… a section was left out here, see report.html\n";
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        struct buf section CLEANUP(buf_clear) = {0};
        sections[i](&section, result);
        bool fits = out->size + section.size + sizeof(omitted) * ARRAY_LEN(sections) < BYTES_MAX;
        buf_puts(out, fits ? buf_str(&section) : omitted);
    }
}

static int write_markdown(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    (void)context;
    AUTO_FREE char *path = xasprintf("%s/report.md", folder);
    struct buf out CLEANUP(buf_clear) = {0};
    build(&out, result);
    return fd_write_file_atomic(path, buf_str(&out), out.size, err);
}

const struct report_ops report_markdown = {
    .name = "markdown", .file_name = "report.md", .summary = "for job summaries and comments", .write = write_markdown};
