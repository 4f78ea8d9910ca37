/* Counting, ageing and comparing the drills of each scenario. */
#include "harness/programme/standing.h"

#include <math.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/programme/when.h"

static bool is_number_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Whether two drills' recovery times may be compared. */
static bool is_like(const struct past_drill *a, const struct past_drill *b)
{
    return str_eq(a->scenario_sha256, b->scenario_sha256) && str_eq(a->environment, b->environment) &&
           is_number_same(a->rto_target_s, b->rto_target_s);
}

bool action_is_open(const json_t *action)
{
    const char *status = json_str(action, "status", "open");
    return !str_eq(status, "done") && !str_eq(status, "accepted");
}

static void count_actions(struct standing *standing, const struct past_drill *past, int64_t now_ns)
{
    size_t index;
    json_t *action;
    json_array_foreach(json_object_get(past->review, "actions"), index, action)
    {
        if (action_is_open(action)) {
            standing->open_actions++;
            standing->overdue_actions += when_or(json_str(action, "due", NULL), true, INT64_MAX) < now_ns;
        }
    }
}

static void take_drill(struct standing *standing, const struct past_drill *past, int64_t now_ns)
{
    standing->drills[standing->count++] = past;
    standing->outcomes[past->outcome]++;
    if (past->report) {
        standing->last = past;
        standing->missing_reviews += past->review_count == 0;
    }
    if (past->outcome == PAST_PASS) {
        standing->last_pass = past;
    }
    count_actions(standing, past, now_ns);
}

static void compare_times(struct standing *standing)
{
    AUTO_FREE struct figure *figures = xcalloc(standing->count + 1, sizeof(*figures));
    size_t count = 0;
    for (size_t i = 0; i < standing->count; i++) {
        const struct past_drill *past = standing->drills[i];
        if (past->rto.measured && is_like(past, standing->last)) {
            figures[count++] = past->rto;
        } else {
            standing->unlike += past->rto.measured;
        }
    }
    standing->rto = repeats_of(figures, count);
}

/* A PASS speaks for the scenario and the environment that it was made with; what the newest drill was made with is how they are now. */
static const char *find_stale(const struct standing *standing)
{
    const struct past_drill *pass = standing->last_pass, *last = standing->last;
    return !pass || !last                                          ? NULL
           : !str_eq(pass->scenario_sha256, last->scenario_sha256) ? "scenario"
           : !str_eq(pass->environment, last->environment)         ? "environment"
                                                                   : NULL;
}

static void finish(struct standing *standing, int64_t now_ns)
{
    if (standing->last) {
        compare_times(standing);
    }
    standing->pass_bound =
        repeats_pass_bound(standing->outcomes[PAST_PASS], standing->outcomes[PAST_PASS] + standing->outcomes[PAST_FAIL]);
    if (standing->last_pass) {
        standing->due_utc_ns = standing->last_pass->started_utc_ns + standing->limit_ns;
    }
    standing->overdue = !standing->last_pass || now_ns > standing->due_utc_ns;
    standing->stale = find_stale(standing);
}

static struct standing *find_or_add(struct standings *standings, const char *scenario, const struct history *history)
{
    VEC_EACH(standing, standings)
    {
        if (str_eq(standing->scenario, scenario)) {
            return standing;
        }
    }
    struct standing *standing = VEC_ADD(standings);
    standing->scenario = scenario;
    standing->limit_ns = DUE_DAYS * 86400 * NS_PER_S;
    standing->drills = xcalloc(history->count + 1, sizeof(struct past_drill *));
    return standing;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct standing *)a)->scenario, ((const struct standing *)b)->scenario);
}

void standings_make(const struct history *history, const struct budget *budget, int64_t now_utc_ns, struct standings *ret)
{
    struct standings standings = {0};
    VEC_EACH(past, history)
    {
        take_drill(find_or_add(&standings, past->scenario, history), past, now_utc_ns);
    }
    for (size_t i = 0; budget && i < budget->count; i++) {
        (void)find_or_add(&standings, budget->scenarios[i].name, history);
    }
    VEC_EACH(standing, &standings)
    {
        const struct budget_scenario *own = budget_find(budget, standing->scenario);
        int64_t due_ns = own ? own->due_ns : budget ? budget->due_ns : 0;
        standing->limit_ns = due_ns ? due_ns : standing->limit_ns;
        finish(standing, now_utc_ns);
    }
    if (standings.count > 0) {
        qsort(standings.items, standings.count, sizeof(*standings.items), by_name);
    }
    *ret = standings;
}

void standings_clear(struct standings *standings)
{
    VEC_EACH(standing, standings)
    {
        free(standing->drills);
    }
    VEC_CLEAR(standings);
}

static void print_figure(const struct figure *figure, struct buf *out)
{
    buf_printf(out, "%s%.2f s", figure->at_least ? "more than " : "", figure->value);
}

void standing_trend(const struct standing *standing, struct buf *out)
{
    const struct past_drill *now = NULL, *before = NULL;
    for (size_t i = 0; i < standing->count; i++) {
        const struct past_drill *past = standing->drills[i];
        if (past->rto.measured && is_like(past, standing->last)) {
            before = now;
            now = past;
        }
    }
    if (!now) {
        return;
    }
    print_figure(&now->rto, out);
    if (!isnan(now->rto_target_s)) {
        buf_printf(out, " of %g s", now->rto_target_s);
    }
    if (!before || now->rto.at_least || before->rto.at_least) {
        buf_puts(out, !before                ? ""
                      : !now->rto.at_least   ? ", back from not recovered"
                      : before->rto.at_least ? ", again"
                                             : ", worse");
        return;
    }
    double change = now->rto.value - before->rto.value;
    if (fabs(change) <= now->rto.resolution + before->rto.resolution) {
        buf_puts(out, ", as before");
    } else {
        buf_printf(out, ", %.2f s %s than before", fabs(change), change < 0 ? "faster" : "slower");
    }
}

static json_t *figure_to_json(const struct figure *figure)
{
    return figure->measured ? json_pack("{s:f, s:b}", "seconds", figure->value, "more_than", figure->at_least) : json_null();
}

static json_t *day_to_json(int64_t utc_ns)
{
    char day[16];
    return utc_ns ? json_string(when_day(utc_ns, day)) : json_null();
}

static json_t *drill_to_json(const struct past_drill *past)
{
    char utc[32], quarter[16];
    json_t *json = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s?, s:I, s:s?}", "number", (json_int_t)past->number,
                             "name", past->name, "drill_id", past->id, "started", clock_format_utc(past->started_utc_ns, utc),
                             "quarter", when_quarter_name(when_quarter(past->started_utc_ns), quarter), "outcome",
                             past_outcome_name(past->outcome), "exit_words", past->exit_words, "rto", figure_to_json(&past->rto),
                             "retest_of", past->retest_of, "reviews", (json_int_t)past->review_count, "folder", past->folder);
    json_object_set_new(json, "rto_target_seconds", isnan(past->rto_target_s) ? json_null() : json_real(past->rto_target_s));
    return json;
}

static json_t *standing_to_json(const struct standing *standing)
{
    struct buf trend CLEANUP(buf_clear) = {0};
    json_t *drills = json_array();
    standing_trend(standing, &trend);
    for (size_t i = 0; i < standing->count; i++) {
        json_array_append_new(drills, drill_to_json(standing->drills[i]));
    }
    json_t *json = json_pack(
        "{s:s, s:s?, s:s?, s:o, s:I, s:b, s:s?, s:s, s:f}", "scenario", standing->scenario, "last_run",
        standing->last ? standing->last->name : NULL, "last_pass", standing->last_pass ? standing->last_pass->name : NULL, "due",
        day_to_json(standing->due_utc_ns), "age_limit_days", (json_int_t)(standing->limit_ns / (86400 * NS_PER_S)), "overdue",
        standing->overdue, "stale", standing->stale, "trend", buf_str(&trend), "pass_rate_at_least", standing->pass_bound);
    json_object_set_new(json, "passed", json_integer((json_int_t)standing->outcomes[PAST_PASS]));
    json_object_set_new(json, "failed", json_integer((json_int_t)standing->outcomes[PAST_FAIL]));
    json_object_set_new(json, "inconclusive", json_integer((json_int_t)standing->outcomes[PAST_INCONCLUSIVE]));
    json_object_set_new(json, "aborted", json_integer((json_int_t)standing->outcomes[PAST_ABORTED]));
    json_object_set_new(json, "without_result", json_integer((json_int_t)standing->outcomes[PAST_UNREPORTED]));
    json_object_set_new(json, "rto",
                        json_pack("{s:I, s:I, s:o, s:o, s:o}", "n", (json_int_t)standing->rto.count, "not_comparable",
                                  (json_int_t)standing->unlike, "min", figure_to_json(&standing->rto.min), "median",
                                  figure_to_json(&standing->rto.median), "max", figure_to_json(&standing->rto.max)));
    json_object_set_new(json, "open_actions", json_integer((json_int_t)standing->open_actions));
    json_object_set_new(json, "overdue_actions", json_integer((json_int_t)standing->overdue_actions));
    json_object_set_new(json, "missing_reviews", json_integer((json_int_t)standing->missing_reviews));
    json_object_set_new(json, "drills", drills);
    return json;
}

json_t *standings_to_json(const struct standings *standings, int64_t now_utc_ns)
{
    json_t *list = json_array();
    char utc[32];
    VEC_EACH(standing, standings)
    {
        json_array_append_new(list, standing_to_json(standing));
    }
    return json_pack("{s:s, s:s, s:o}", "schema", "drill-index/1", "as_of", clock_format_utc(now_utc_ns, utc), "scenarios", list);
}
