/* The programme over all drills of an archive: drill history, due, compare, index. */
#include <stdio.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/cli/lookup.h"
#include "harness/cli/terms.h"
#include "harness/programme/when.h"
#include "reports/programme.h"

struct programme_options {
    char *archive, *budget, *at, *json;
    bool stale;
};

#define ARCHIVE_OPTION                                                                                                           \
    {                                                                                                                            \
        "archive", PARAM_STRING, offsetof(struct programme_options, archive), .fallback = "archive",                             \
                                                                              .help = "folder of all drills"                     \
    }
#define STANDING_OPTIONS                                                                                                         \
    ARCHIVE_OPTION,                                                                                                              \
        {"budget", PARAM_STRING, offsetof(struct programme_options, budget), .unit_hint = "file",                                \
         .help = "budget file with the age limits; else drill-budgets.yaml in this folder"},                                     \
    {                                                                                                                            \
        "at", PARAM_STRING, offsetof(struct programme_options, at),                                                              \
            .unit_hint = "day", .help = "look ahead: how things stand on that day if no drill is run until then"                 \
    }
#define JSON_OPTION                                                                                                              \
    {                                                                                                                            \
        "json", PARAM_STRING, offsetof(struct programme_options, json), .unit_hint = "file",                                     \
                                                                        .help = "also write it there; - prints it"               \
    }

static const struct param history_table[] = {STANDING_OPTIONS, JSON_OPTION, {0}};
static const struct param due_table[] = {STANDING_OPTIONS,
                                         {"stale", PARAM_BOOL, offsetof(struct programme_options, stale),
                                          .help = "a PASS of another scenario file or environment counts as overdue too"},
                                         {0}};
static const struct param index_table[] = {STANDING_OPTIONS, {0}};
static const struct param compare_table[] = {ARCHIVE_OPTION, {0}};

/* An archive, as of a day. */
struct view {
    struct history history;
    struct budget *budget;
    struct standings standings;
    int64_t now_ns;
};

static void view_clear(struct view *view)
{
    standings_clear(&view->standings);
    history_clear(&view->history);
    budget_free(view->budget);
}

/* Only ahead: with an earlier day an overdue drill would look as if it were not. */
static int choose_day(const char *at, int64_t *ret_now_ns, struct err *err)
{
    int64_t now_ns = clock_utc_now_ns(), at_ns = now_ns;
    if (at && when_parse(at, true, &at_ns, err) < 0) {
        return err_prefix(err, "--at");
    }
    if (at_ns < now_ns) {
        return err_set(err, ERR_INPUT, "--at looks ahead: %s is over", at);
    }
    *ret_now_ns = at_ns;
    return 0;
}

static int open_view(const struct programme_options *options, struct view *view, struct err *err)
{
    AUTO_FREE char *budget = terms_find_file(options->budget, NULL, budget_file_name);
    int status = choose_day(options->at, &view->now_ns, err);
    if (status == 0) {
        status = history_read(options->archive, &view->history, err);
    }
    if (status == 0 && budget) {
        status = budget_load(budget, &view->budget, err);
    }
    if (status == 0) {
        standings_make(&view->history, view->budget, view->now_ns, &view->standings);
    }
    return status;
}

static bool has_colour(void)
{
    return isatty(STDOUT_FILENO) && !secure_getenv("NO_COLOR");
}

static void tell_day(const struct programme_options *options, struct buf *out)
{
    if (options->at) {
        buf_printf(out, "as of %s, if no drill is run until then\n", options->at);
    }
}

static int write_json(const struct view *view, const char *file, struct err *err)
{
    AUTO_JSON json_t *json = standings_to_json(&view->standings, view->now_ns);
    if (str_eq(file, "-")) {
        (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        (void)puts("");
        return 0;
    }
    return file ? json_write_file(file, json, err) : 0;
}

static int check_scenario(const struct view *view, const char *scenario, struct err *err)
{
    AUTO_FREE const char **names = xcalloc(view->standings.count + 1, sizeof(*names));
    char hint[96];
    size_t count = 0;
    VEC_EACH(standing, &view->standings)
    {
        if (str_eq(standing->scenario, scenario)) {
            return 0;
        }
        names[count++] = standing->scenario;
    }
    return err_set(err, ERR_INPUT, "neither archive nor budget knows a scenario '%s'%s", scenario,
                   str_did_you_mean(scenario, names, count, hint));
}

static int run_history(const struct cli_args *args, struct err *err)
{
    const struct programme_options *options = args->options;
    const char *scenario = args->word_count ? args->words[0] : NULL;
    struct view view CLEANUP(view_clear) = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    if (open_view(options, &view, err) < 0 || (scenario && check_scenario(&view, scenario, err) < 0) ||
        write_json(&view, options->json, err) < 0) {
        return EXIT_USAGE;
    }
    if (!str_eq(options->json, "-")) {
        tell_day(options, &out);
        programme_history(&view.standings, scenario, view.now_ns, has_colour(), &out);
        (void)fputs(buf_str(&out), stdout);
    }
    return EXIT_PASS;
}

static int run_due(const struct cli_args *args, struct err *err)
{
    const struct programme_options *options = args->options;
    struct view view CLEANUP(view_clear) = {0};
    struct buf out CLEANUP(buf_clear) = {0}, late CLEANUP(buf_clear) = {0};
    if (open_view(options, &view, err) < 0) {
        return EXIT_USAGE;
    }
    if (view.standings.count == 0) {
        (void)err_set(err, ERR_INPUT, "nothing can be due: there is no drill in '%s' and no budget", options->archive);
        return EXIT_USAGE;
    }
    tell_day(options, &out);
    programme_due(&view.standings, options->stale, view.now_ns, has_colour(), &late, &out);
    (void)fputs(buf_str(&out), stdout);
    if (late.size > 0) {
        printf("exit %d: %s (%s)\n", EXIT_OVERDUE, cli_exit_words(EXIT_OVERDUE), buf_str(&late));
        return EXIT_OVERDUE;
    }
    printf("exit %d: nothing is overdue\n", EXIT_PASS);
    return EXIT_PASS;
}

static int run_compare(const struct cli_args *args, struct err *err)
{
    const struct programme_options *options = args->options;
    struct history history CLEANUP(history_clear) = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    const struct past_drill *a = NULL, *b = NULL;
    if (history_read(options->archive, &history, err) < 0 ||
        lookup_drill(options->archive, &history, args->words[0], &a, err) < 0 ||
        lookup_drill(options->archive, &history, args->words[1], &b, err) < 0) {
        return EXIT_USAGE;
    }
    programme_compare(a, b, &out);
    (void)fputs(buf_str(&out), stdout);
    return EXIT_PASS;
}

static int run_index(const struct cli_args *args, struct err *err)
{
    const struct programme_options *options = args->options;
    struct view view CLEANUP(view_clear) = {0};
    if (open_view(options, &view, err) < 0) {
        return EXIT_USAGE;
    }
    if (view.history.count == 0) {
        (void)err_set(err, ERR_INPUT, "there is no drill in '%s'", options->archive);
        return EXIT_USAGE;
    }
    if (index_write(&view.standings, options->archive, view.now_ns, err) < 0) {
        return EXIT_ARCHIVE;
    }
    printf("%s/index.html: %zu drills of %zu scenarios\n", options->archive, view.history.count, view.standings.count);
    return EXIT_PASS;
}

const struct command cmd_history = {
    .name = "history",
    .arguments = "[SCENARIO]",
    .summary = "how each scenario stands: quarter by quarter, last pass, trend, what is to do",
    .details =
        "Reads every drill of the archive. Recovery times are compared with drills of the same scenario file, environment and "
        "target\n"
        "only. With a scenario it lists each of its drills.",
    .options = history_table,
    .options_size = sizeof(struct programme_options),
    .max_words = 1,
    .run = run_history,
};
const struct command cmd_due = {
    .name = "due",
    .arguments = "",
    .summary = "which scenarios have not passed for too long; exits 7 when one has not",
    .details =
        "A scenario is overdue when its last PASS is older than its age limit ('due:' in the budget file, else 90 days) or when "
        "it never\n"
        "passed. Drills that failed or were inconclusive do not reset the clock. A PASS of a scenario file or an environment "
        "that changed\n"
        "since is stale.",
    .options = due_table,
    .options_size = sizeof(struct programme_options),
    .run = run_due,
};
const struct command cmd_compare = {
    .name = "compare",
    .arguments = "DRILL DRILL",
    .summary = "two drills side by side: objectives, phases, what changed in the plan",
    .details = "DRILL is a number, a name or an id of the archive.",
    .options = compare_table,
    .options_size = sizeof(struct programme_options),
    .min_words = 2,
    .max_words = 2,
    .run = run_compare,
};
const struct command cmd_index = {
    .name = "index",
    .arguments = "",
    .summary = "write the archive's index.html and index.json anew",
    .details = "Both are made from the drills and may be deleted at any time: they are no evidence.",
    .options = index_table,
    .options_size = sizeof(struct programme_options),
    .run = run_index,
};
