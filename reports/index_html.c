/* The archive's index.html: the whole programme on one page, in the look of the reports. It is made from the drills and no evidence. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/programme/when.h"
#include "reports/index_page.h"
#include "reports/words.h"

static const char index_style[] =
    ".grid td{text-align:center;min-width:84px}.grid td svg{display:inline-block;vertical-align:-3px;margin:0 0 0 8px}"
    ".mark svg{display:inline-block;vertical-align:-3px;margin-right:6px}"
    "tbody th{white-space:nowrap}.late{color:#a3152b;font-weight:700}.stale{color:#7a4f00;font-weight:700}"
    "@media (max-width:600px){table{min-width:1060px}}\n";

struct index {
    struct xml *xml;
    const struct standings *standings;
    const char *archive;
    int64_t now_ns;
};

static void write_words(struct xml *xml, const struct standing *standing, void (*words)(const struct standing *, struct buf *))
{
    struct buf text CLEANUP(buf_clear) = {0};
    words(standing, &text);
    html_cell(xml, buf_str(&text));
}

static size_t count_where(const struct standings *standings, bool (*is)(const struct standing *))
{
    size_t count = 0;
    VEC_EACH(standing, standings)
    {
        count += is(standing);
    }
    return count;
}

static bool is_overdue(const struct standing *standing)
{
    return standing->overdue;
}
static bool is_stale(const struct standing *standing)
{
    return standing->stale && !standing->overdue;
}

static void write_banner(const struct index *index)
{
    struct xml *xml = index->xml;
    size_t overdue = count_where(index->standings, is_overdue), stale = count_where(index->standings, is_stale);
    size_t drills = 0, actions = 0, late = 0;
    char utc[32];
    VEC_EACH(standing, index->standings)
    {
        drills += standing->count;
        actions += standing->open_actions;
        late += standing->overdue_actions;
    }
    xml_open(xml, "header");
    xml_attrf(xml, "class", "banner %s", overdue ? "fail" : stale ? "inconclusive" : "pass");
    xml_element(xml, "p", "word", overdue ? "OVERDUE" : stale ? "STALE" : "UP TO DATE");
    xml_element(xml, "h1", NULL, "Drill programme");
    xml_elementf(xml, "p", NULL, "%zu of %zu scenarios %s passed within the time that was set. %zu action%s open%s.",
                 index->standings->count - overdue, index->standings->count, index->standings->count == 1 ? "has" : "have",
                 actions, actions == 1 ? " is" : "s are", late ? ", some of them late" : "");
    xml_close(xml);
    xml_elementf(xml, "p", "meta", "%zu drills · as of %.16sZ", drills, clock_format_utc(index->now_ns, utc));
}

static void write_due(struct xml *xml, const struct standing *standing, int64_t now_ns)
{
    struct buf text CLEANUP(buf_clear) = {0};
    standing_due_words(standing, now_ns, &text);
    xml_open(xml, "td");
    xml_attr(xml, "class", standing->overdue ? "late" : standing->stale ? "stale" : NULL);
    xml_text(xml, buf_str(&text));
    xml_close(xml);
}

static void write_drill_cell(const struct index *index, const struct past_drill *past)
{
    struct xml *xml = index->xml;
    char day[16];
    xml_open(xml, "td");
    xml_attr(xml, "class", "mark short");
    if (past) {
        index_mark_picture(xml, past->outcome);
        index_link(xml, past, index->archive);
        xml_textf(xml, " %s %s", past_outcome_name(past->outcome), when_day(past->started_utc_ns, day));
    } else {
        xml_text(xml, "never");
    }
    xml_close(xml);
}

static void write_standings(const struct index *index)
{
    static const char *const heads[] = {"Scenario", "Last run", "Last pass", "Due", "Recovery times", "To do"};
    struct xml *xml = index->xml;
    html_section(xml, "standing", "Where each scenario stands");
    html_table(xml, "Recovery times: one mark a drill, the target dashed", heads, ARRAY_LEN(heads));
    VEC_EACH(standing, index->standings)
    {
        html_row(xml);
        html_name_cell(xml, standing->scenario);
        write_drill_cell(index, standing->last);
        write_drill_cell(index, standing->last_pass);
        write_due(xml, standing, index->now_ns);
        xml_open(xml, "td");
        index_sparkline(xml, standing);
        xml_close(xml);
        write_words(xml, standing, standing_open_words);
        html_row_end(xml);
    }
    html_table_end(xml);
    html_section_end(xml);
}

static void write_quarter(const struct index *index, const struct standing *standing, int quarter)
{
    struct xml *xml = index->xml;
    bool any = false;
    xml_open(xml, "td");
    for (size_t i = 0; i < standing->count; i++) {
        const struct past_drill *past = standing->drills[i];
        if (when_quarter(past->started_utc_ns) == quarter) {
            any = true;
            index_mark_picture(xml, past->outcome);
            xml_text(xml, " ");
            index_link(xml, past, index->archive);
            xml_text(xml, " ");
        }
    }
    if (!any) {
        xml_text(xml, "·");
    }
    xml_close(xml);
}

static void write_legend(struct xml *xml)
{
    xml_open(xml, "p");
    xml_attr(xml, "class", "mark meta");
    for (int outcome = PAST_PASS; outcome < PAST_OUTCOME_COUNT; outcome++) {
        index_mark_picture(xml, (enum past_outcome)outcome);
        xml_textf(xml, "%s%s", past_outcome_name((enum past_outcome)outcome), outcome + 1 < PAST_OUTCOME_COUNT ? "    " : "");
    }
    xml_close(xml);
}

static void write_quarters(const struct index *index)
{
    enum { HEADS_MAX = 9 };
    struct quarters quarters = quarters_of(index->standings, index->now_ns);
    char names[HEADS_MAX][16];
    const char *heads[HEADS_MAX] = {"Scenario"};
    struct xml *xml = index->xml;
    for (int i = 0; i < quarters.count; i++) {
        heads[i + 1] = when_quarter_name(quarters.first + i, names[i]);
    }
    html_section(xml, "quarters", "Quarter by quarter");
    xml_open(xml, "div");
    xml_attr(xml, "class", "grid");
    html_table(xml, NULL, heads, (size_t)quarters.count + 1);
    VEC_EACH(standing, index->standings)
    {
        html_row(xml);
        html_name_cell(xml, standing->scenario);
        for (int i = 0; i < quarters.count; i++) {
            write_quarter(index, standing, quarters.first + i);
        }
        html_row_end(xml);
    }
    html_table_end(xml);
    xml_close(xml);
    write_legend(xml);
    html_section_end(xml);
}

static void write_outcome(struct xml *xml, const struct past_drill *past)
{
    xml_open(xml, "td");
    xml_attr(xml, "class", "mark");
    index_mark_picture(xml, past->outcome);
    xml_text(xml, *past->exit_words ? past->exit_words : past_outcome_name(past->outcome));
    xml_close(xml);
}

static void write_review(struct xml *xml, const struct past_drill *past)
{
    size_t open = 0, index;
    json_t *action;
    json_array_foreach(json_object_get(past->review, "actions"), index, action)
    {
        open += action_is_open(action);
    }
    if (past->review_count == 0) {
        html_cell(xml, past->report ? "missing" : "");
    } else {
        html_cellf(xml, "sealed, %zu open", open);
    }
}

static void write_target(struct xml *xml, const struct past_drill *past)
{
    if (isnan(past->rto_target_s)) {
        html_cell(xml, "");
    } else {
        html_cellf(xml, "%g s", past->rto_target_s);
    }
}

static void write_drill(const struct index *index, const struct past_drill *past)
{
    struct xml *xml = index->xml;
    struct buf rto CLEANUP(buf_clear) = {0};
    char utc[32];
    words_figure(&past->rto, "s", &rto);
    html_row(xml);
    xml_open(xml, "td");
    index_link(xml, past, index->archive);
    xml_close(xml);
    html_cellf(xml, "%.16sZ", clock_format_utc(past->started_utc_ns, utc));
    write_outcome(xml, past);
    html_cell(xml, buf_str(&rto));
    write_target(xml, past);
    html_cell(xml, past->environment);
    html_cell(xml, past->retest_of);
    write_review(xml, past);
    html_row_end(xml);
}

static void write_scenario(const struct index *index, const struct standing *standing)
{
    static const char *const heads[] = {"Drill",  "Began",       "Outcome",   "Recovery time",
                                        "Target", "Environment", "Retest of", "Review"};
    struct xml *xml = index->xml;
    AUTO_FREE char *id = xasprintf("scenario-%s", standing->scenario);
    html_section(xml, id, standing->scenario);
    if (standing->last && *standing->last->title) {
        xml_element(xml, "p", NULL, standing->last->title);
    }
    struct buf rto CLEANUP(buf_clear) = {0}, rate CLEANUP(buf_clear) = {0};
    standing_rto_words(standing, &rto);
    standing_rate_words(standing, &rate);
    xml_elementf(xml, "p", NULL, "Recovery: %s. Passes: %s.", buf_str(&rto), buf_str(&rate));
    if (standing->count > 0) {
        html_figure(xml);
        index_chart(xml, standing);
        html_figure_end(xml);
        html_table(xml, NULL, heads, ARRAY_LEN(heads));
        for (size_t i = standing->count; i-- > 0;) {
            write_drill(index, standing->drills[i]);
        }
        html_table_end(xml);
    }
    html_section_end(xml);
}

/* The actions that reviews left open, the earliest due first as they stand in the reviews. */
static void write_action(struct xml *xml, const struct index *index, const struct past_drill *past, const json_t *action)
{
    bool late = when_or(json_str(action, "due", NULL), true, INT64_MAX) < index->now_ns;
    html_row(xml);
    html_cell(xml, json_str(action, "text", ""));
    html_cell(xml, json_str(action, "owner", ""));
    xml_open(xml, "td");
    xml_attr(xml, "class", late ? "late" : NULL);
    xml_textf(xml, "%s%s", json_str(action, "due", "-"), late ? " LATE" : "");
    xml_close(xml);
    html_cell(xml, json_str(action, "ticket", ""));
    xml_open(xml, "td");
    index_link(xml, past, index->archive);
    xml_textf(xml, " %s", past->scenario);
    xml_close(xml);
    html_row_end(xml);
}

static void write_actions(const struct index *index)
{
    static const char *const heads[] = {"Action", "Owner", "Due", "Ticket", "From"};
    struct xml *xml = index->xml;
    size_t at, open = 0;
    json_t *action;
    VEC_EACH(standing, index->standings)
    {
        open += standing->open_actions;
    }
    html_section(xml, "actions", "Open actions");
    if (open == 0) {
        xml_element(xml, "p", NULL, "None.");
        html_section_end(xml);
        return;
    }
    html_table(xml, NULL, heads, ARRAY_LEN(heads));
    VEC_EACH(standing, index->standings)
    {
        for (size_t i = 0; i < standing->count; i++) {
            json_array_foreach(json_object_get(standing->drills[i]->review, "actions"), at, action)
            {
                if (action_is_open(action)) {
                    write_action(xml, index, standing->drills[i], action);
                }
            }
        }
    }
    html_table_end(xml);
    html_section_end(xml);
}

static void write_body(const struct index *index)
{
    struct xml *xml = index->xml;
    xml_open(xml, "body");
    xml_open(xml, "main");
    write_banner(index);
    write_standings(index);
    write_quarters(index);
    write_actions(index);
    VEC_EACH(standing, index->standings)
    {
        write_scenario(index, standing);
    }
    html_section(xml, "what", "What this page is");
    xml_element(xml, "p", NULL,
                "It is made from the drills of this archive by 'drill index' and may be deleted at any time: it is no evidence. "
                "README-VERIFY.txt says how to check the drills themselves.");
    html_section_end(xml);
    xml_close(xml);
    xml_close(xml);
}

int index_write(const struct standings *standings, const char *archive, int64_t now_utc_ns, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_HTML);
    struct index index = {xml, standings, archive, now_utc_ns};
    AUTO_FREE char *path = xasprintf("%s/index.json", archive);
    AUTO_JSON json_t *json = standings_to_json(standings, now_utc_ns);
    xml_open(xml, "html");
    xml_attr(xml, "lang", "en");
    xml_newline(xml);
    html_head(xml, "Drill programme", "drill " DRILL_VERSION, index_style);
    write_body(&index);
    xml_close(xml);
    int status = xml_write_file(xml, archive, "index.html", err);
    return status < 0 ? status : json_write_file(path, json, err);
}
