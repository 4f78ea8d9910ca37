/* Reading an archive's drills. */
#include "harness/programme/history.h"

#include <math.h>
#include <unistd.h>

#include "harness/archive/archive.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/programme/when.h"

const char *past_outcome_name(enum past_outcome outcome)
{
    static const char *const names[PAST_OUTCOME_COUNT] = {"NONE", "PASS", "FAIL", "INCONCLUSIVE", "ABORTED", "NO RESULT"};
    return outcome < PAST_OUTCOME_COUNT ? names[outcome] : "NONE";
}

/* NULL when the file is not there. */
static int read_part(const char *folder, const char *name, json_t **ret_json, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    return access(path, F_OK) == 0 ? json_read_file(path, ret_json, err) : 0;
}

static struct figure read_rto(const json_t *report)
{
    const json_t *rto = json_object_get(json_object_get(report, "measured"), "rto");
    const json_t *seconds = json_object_get(rto, "seconds"), *more_than = json_object_get(rto, "more_than_seconds");
    struct figure figure = {.measured = json_is_number(seconds) || json_is_number(more_than),
                            .at_least = json_is_number(more_than)};
    if (figure.measured) {
        figure.value = json_number_value(figure.at_least ? more_than : seconds);
        figure.resolution = json_num(rto, "resolution_seconds", 0);
    }
    return figure;
}

/* The strictest, since a budget may have added one. */
static double read_target(const json_t *report)
{
    double target = NAN;
    size_t index;
    json_t *objective;
    json_array_foreach(json_object_get(report, "objectives"), index, objective)
    {
        if (str_eq(json_str(objective, "metric", ""), "rto")) {
            target = fmin(target, json_num(objective, "limit", NAN)); /* fmin takes the other one when one is NAN */
        }
    }
    return target;
}

static enum past_outcome read_outcome(const json_t *report)
{
    const char *verdict = json_str(report, "verdict", "");
    if (!report) {
        return PAST_UNREPORTED;
    }
    if (str_eq(json_str(report, "conclusion", ""), "aborted")) {
        return PAST_ABORTED;
    }
    return str_eq(verdict, "pass") ? PAST_PASS : str_eq(verdict, "fail") ? PAST_FAIL : PAST_INCONCLUSIVE;
}

/* "20260210-101500-…" for a drill that never wrote a report. */
static int64_t started_by_id(const char *id)
{
    char text[32];
    if (strlen(id) < 15) {
        return 0;
    }
    (void)str_format(text, sizeof(text), "%.4s-%.2s-%.2s %.2s:%.2s:%.2sZ", id, id + 4, id + 6, id + 9, id + 11, id + 13);
    return when_or(text, false, 0);
}

static void fill(struct past_drill *past)
{
    const json_t *drill = json_object_get(past->report, "drill"), *environment = json_object_get(past->report, "environment");
    const json_t *programme = json_object_get(past->plan, "programme"), *retest = json_object_get(past->plan, "retest_of");
    past->title = xstrdup(json_str(drill, "title", json_str(past->plan, "title", "")));
    past->started_utc_ns = when_or(json_str(drill, "started", NULL), false, started_by_id(past->id));
    past->outcome = read_outcome(past->report);
    past->exit_words = xstrdup(json_str(past->report, "exit_words", ""));
    past->rto = read_rto(past->report);
    past->rto_target_s = read_target(past->report);
    past->scenario_sha256 = xstrdup(json_str(environment, "scenario_sha256", ""));
    past->scenario_file = xstrdup(json_str(past->plan, "scenario_file", ""));
    past->environment = xstrdup(json_str(programme, "environment", ""));
    past->service = xstrdup(json_str(programme, "business_service", ""));
    past->retest_of = xstrdup(json_str(retest, "name", NULL));
}

static int read_drill(const struct archive_drill *drill, struct past_drill *past, struct err *err)
{
    AUTO_FREE char *plan_data = drill->plan ? xasprintf("%s/data", drill->plan) : NULL;
    past->number = drill->number;
    past->name = xstrdup(drill->name);
    past->scenario = xstrdup(drill->scenario);
    past->id = xstrdup(drill->id);
    past->folder = xstrdup(drill->evidence);
    past->review_count = drill->review_count;
    int status = past->folder ? read_part(past->folder, "report.json", &past->report, err) : 0;
    if (status == 0 && past->folder) {
        status = read_part(past->folder, "plan.json", &past->plan, err);
    }
    if (status == 0 && !past->plan && plan_data) {
        status = read_part(plan_data, "plan.json", &past->plan, err);
    }
    if (status == 0 && drill->review_count > 0) {
        AUTO_FREE char *data = xasprintf("%s/data", drill->reviews[drill->review_count - 1]);
        status = read_part(data, "review.json", &past->review, err);
    }
    fill(past);
    return status;
}

int history_read(const char *archive, struct history *ret_history, struct err *err)
{
    struct history history CLEANUP(history_clear) = {0};
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    int status = archive_read(archive, &list, err);
    for (size_t i = 0; status == 0 && i < list.count; i++) {
        status = read_drill(&list.items[i], VEC_ADD(&history), err);
    }
    if (status == 0) {
        *ret_history = history;
        history = (struct history){0};
    }
    return status;
}

void history_clear(struct history *history)
{
    VEC_EACH(past, history)
    {
        char *const texts[] = {past->name,
                               past->scenario,
                               past->id,
                               past->title,
                               past->folder,
                               past->exit_words,
                               past->scenario_sha256,
                               past->scenario_file,
                               past->environment,
                               past->service,
                               past->retest_of};
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
            free(texts[i]);
        }
        json_decref(past->report);
        json_decref(past->plan);
        json_decref(past->review);
    }
    VEC_CLEAR(history);
}

const struct past_drill *history_last_pass(const struct history *history, const char *scenario)
{
    const struct past_drill *last = NULL;
    VEC_EACH(past, history)
    {
        if (past->outcome == PAST_PASS && str_eq(past->scenario, scenario)) {
            last = past;
        }
    }
    return last;
}

/* What makes a drill another one than the one before it: then their figures are not to be compared. */
static const char *what_changed(const struct past_drill *before, const struct past_drill *past)
{
    if (!before) {
        return NULL;
    }
    return !str_eq(before->scenario_sha256, past->scenario_sha256) ? "scenario"
           : !str_eq(before->environment, past->environment)       ? "environment"
           : !(before->rto_target_s == past->rto_target_s || (isnan(before->rto_target_s) && isnan(past->rto_target_s)))
               ? "target"
               : NULL;
}

static json_t *figures_of(const json_t *report)
{
    json_t *figures = json_object();
    size_t index;
    json_t *objective;
    json_array_foreach(json_object_get(report, "objectives"), index, objective)
    {
        if (json_is_number(json_object_get(objective, "measured"))) {
            json_object_set_new(figures, json_str(objective, "text", "?"),
                                json_pack("{s:O, s:s, s:s}", "measured", json_object_get(objective, "measured"), "unit",
                                          json_str(objective, "unit", ""), "result", json_str(objective, "result", "unknown")));
        }
    }
    return figures;
}

json_t *history_for_report(const struct history *history, const char *scenario, const char *without_id)
{
    static const char *const verdicts[PAST_OUTCOME_COUNT] = {"inconclusive", "pass",         "fail",
                                                             "inconclusive", "inconclusive", "inconclusive"};
    const struct past_drill *before = NULL;
    json_t *list = json_array();
    VEC_EACH(past, history)
    {
        char day[16];
        if (!past->report || !str_eq(past->scenario, scenario) || str_eq(past->id, without_id)) {
            continue;
        }
        json_t *item =
            json_pack("{s:s, s:s, s:s, s:b, s:o}", "drill_id", past->id, "date", when_day(past->started_utc_ns, day), "verdict",
                      verdicts[past->outcome], "censored", past->rto.at_least, "objectives", figures_of(past->report));
        json_object_set_new(item, "rto_seconds", past->rto.measured ? json_real(past->rto.value) : json_null());
        json_object_set_new(item, "target_seconds", isnan(past->rto_target_s) ? json_null() : json_real(past->rto_target_s));
        if (what_changed(before, past)) {
            json_object_set_new(item, "changed", json_string(what_changed(before, past)));
        }
        json_array_append_new(list, item);
        before = past;
    }
    return list;
}
