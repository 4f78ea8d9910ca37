/* What repeated drills say together. Nothing is averaged; a run that did not recover sorts as the largest and stays "more than". */
#include "reports/repeat.h"

#include <stdlib.h>

#include "harness/base/json.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/measure/repeats.h"

struct run {
    char *folder, *words;
    struct figure rto, rpo;
    enum verdict verdict;
    int exit_code;
};

struct repeat {
    VEC(struct run) runs;
};

struct repeat *repeat_new(void)
{
    return xcalloc(1, sizeof(struct repeat));
}

void repeat_free(struct repeat *repeat)
{
    if (!repeat) {
        return;
    }
    VEC_EACH(run, &repeat->runs)
    {
        free(run->folder);
        free(run->words);
    }
    VEC_CLEAR(&repeat->runs);
    free(repeat);
}

void repeat_add(struct repeat *repeat, const struct result *result, int exit_code, const char *exit_words, const char *folder)
{
    *VEC_ADD(&repeat->runs) = (struct run){
        .folder = xstrdup(folder),
        .words = xstrdup(exit_words),
        .rto = result->rto,
        .rpo = result->loss.rpa,
        .verdict = result->verdict,
        .exit_code = exit_code,
    };
}

size_t repeat_count(const struct repeat *repeat)
{
    return repeat->runs.count;
}

static struct repeats gather(const struct repeat *repeat, bool rpo)
{
    AUTO_FREE struct figure *figures = xcalloc(repeat->runs.count + 1, sizeof(*figures));
    for (size_t i = 0; i < repeat->runs.count; i++) {
        figures[i] = rpo ? repeat->runs.items[i].rpo : repeat->runs.items[i].rto;
    }
    return repeats_of(figures, repeat->runs.count);
}

/* Passes of those that could be judged: one that is inconclusive says nothing of either. */
static void count_passes(const struct repeat *repeat, size_t *ret_passed, size_t *ret_judged)
{
    *ret_passed = *ret_judged = 0;
    VEC_EACH(run, &repeat->runs)
    {
        *ret_passed += run->verdict == VERDICT_PASS && run->exit_code == 0;
        *ret_judged += run->verdict == VERDICT_PASS || run->verdict == VERDICT_FAIL;
    }
}

static void say_figure(const struct figure *figure, struct buf *out)
{
    if (figure->measured) {
        buf_printf(out, "%s%.2f s", figure->at_least ? "more than " : "", figure->value);
    } else {
        buf_puts(out, "not measured");
    }
}

static void say_spread(const struct repeat *repeat, bool rpo, struct buf *out)
{
    struct repeats repeats = gather(repeat, rpo);
    buf_printf(out, "  %s  ", rpo ? "rpo" : "rto");
    if (repeats.count == 0) {
        buf_puts(out, "not measured in any run\n");
        return;
    }
    buf_puts(out, "min ");
    say_figure(&repeats.min, out);
    buf_puts(out, ", median ");
    say_figure(&repeats.median, out);
    buf_puts(out, ", max ");
    say_figure(&repeats.max, out);
    if (repeats.p95.measured) {
        buf_puts(out, ", p95 ");
        say_figure(&repeats.p95, out);
        buf_printf(out, " of %zu runs", repeats.count);
    }
    buf_printf(out, " (n = %zu%s)\n", repeats.count, repeats.p95.measured ? "" : ", too small for a p95");
}

void repeat_console(const struct repeat *repeat, struct buf *out)
{
    size_t passed, judged;
    count_passes(repeat, &passed, &judged);
    buf_printf(out, "%zu runs:\n", repeat->runs.count);
    for (size_t i = 0; i < repeat->runs.count; i++) {
        const struct run *run = &repeat->runs.items[i];
        buf_printf(out, "  %3zu  rto ", i + 1);
        say_figure(&run->rto, out);
        buf_puts(out, ", rpo ");
        say_figure(&run->rpo, out);
        buf_printf(out, "   exit %d: %s   %s\n", run->exit_code, run->words, run->folder);
    }
    say_spread(repeat, false, out);
    say_spread(repeat, true, out);
    buf_printf(out, "  passed %zu of %zu judged", passed, judged);
    if (judged > 0) {
        buf_printf(out, ": at least %.0f %% of such drills pass (95 %% confidence)", 100 * repeats_pass_bound(passed, judged));
    }
    buf_puts(out, "; the worst run decides\n");
}

json_t *repeat_figure_json(const struct figure *figure)
{
    if (!figure->measured) {
        return json_pack("{s:b, s:n, s:s}", "measured", 0, "seconds", "why", figure->why);
    }
    return json_pack("{s:b, s:f, s:f, s:b}", "measured", 1, "seconds", figure->value, "resolution_seconds", figure->resolution,
                     "at_least", figure->at_least);
}

static json_t *spread_json(const struct repeat *repeat, bool rpo)
{
    struct repeats repeats = gather(repeat, rpo);
    json_t *spread = json_pack("{s:I}", "n", (json_int_t)repeats.count);
    if (repeats.count > 0) {
        json_object_set_new(spread, "min", repeat_figure_json(&repeats.min));
        json_object_set_new(spread, "median", repeat_figure_json(&repeats.median));
        json_object_set_new(spread, "max", repeat_figure_json(&repeats.max));
    }
    if (repeats.p95.measured) {
        json_object_set_new(spread, "p95", repeat_figure_json(&repeats.p95));
    }
    return spread;
}

static json_t *runs_json(const struct repeat *repeat)
{
    json_t *runs = json_array();
    VEC_EACH(run, &repeat->runs)
    {
        json_array_append_new(runs, json_pack("{s:s, s:s, s:i, s:s, s:o, s:o}", "folder", run->folder, "verdict",
                                              verdict_name(run->verdict), "exit_code", run->exit_code, "exit_words", run->words,
                                              "rto", repeat_figure_json(&run->rto), "rpo", repeat_figure_json(&run->rpo)));
    }
    return runs;
}

int repeat_write(const struct repeat *repeat, int exit_code, char **ret_path, struct err *err)
{
    size_t passed, judged;
    if (repeat->runs.count == 0) {
        return err_set(err, ERR_STATE, "no run of --repeat came to an end");
    }
    count_passes(repeat, &passed, &judged);
    AUTO_FREE char *path = xasprintf("%s.repeat.json", repeat->runs.items[0].folder);
    AUTO_JSON json_t *json =
        json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:{s:I, s:I, s:f}}", "schema", "drill-repeat/1", "exit_code", exit_code,
                  "aggregate", "worst", "runs", runs_json(repeat), "rto", spread_json(repeat, false), "rpo",
                  spread_json(repeat, true), "pass_rate", "passed", (json_int_t)passed, "judged", (json_int_t)judged, "at_least",
                  judged ? repeats_pass_bound(passed, judged) : 0.0);
    int status = json_write_file(path, json, err);
    if (status == 0) {
        *ret_path = TAKE(path);
    }
    return status;
}
