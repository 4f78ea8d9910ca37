/* drill run: the drill, its reports and its exit code. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/agent/journal.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/log.h"
#include "harness/base/str.h"
#include "harness/cli/announce.h"
#include "harness/cli/lookup.h"
#include "harness/cli/prepare.h"
#include "harness/cli/progress.h"
#include "harness/evidence/evidence.h"
#include "harness/measure/result.h"
#include "reports/report.h"

struct run_options {
    struct terms_options terms;
    int64_t repeat, seed;
    struct announce_options announce;
    bool allow_host;
};

static const struct param table[] = {
    TERMS_OPTIONS(struct run_options, terms),
    {"repeat", PARAM_INTEGER, offsetof(struct run_options, repeat), 1, 1000, "1",
     .help = "drills in a row; the worst decides the exit code"},
    {"seed", PARAM_INTEGER, offsetof(struct run_options, seed), 0, 2147483647, "1", .help = "of every random choice"},
    ANNOUNCE_OPTIONS(struct run_options, announce),
    {"allow-host", PARAM_BOOL, offsetof(struct run_options, allow_host),
     .help = "faults may hit this machine, not only namespaces of drill's own"},
    {0},
};

/* A journal entry that stands means that something may still be injected: nothing new goes in before it is out. */
static int refuse_standing(const char *journal, struct err *err)
{
    struct buf standing CLEANUP(buf_clear) = {0};
    int status = journal_standing(journal, &standing, err);
    if (status == 0 && standing.size > 0) {
        return err_set(err, ERR_STATE, "a fault of an interrupted drill may still be in place, run 'drill undo' first: %s",
                       buf_str(&standing));
    }
    return status;
}

static int report(const char *folder, const struct run_options *run, const struct progress *progress, int *ret_code,
                  struct err *err)
{
    struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
    struct result *result CLEANUP(result_cleanup) = NULL;
    struct report_context context CLEANUP(report_context_clear) = {0};
    int status = evidence_load(folder, &evidence, err);
    if (status == 0) {
        status = measure_evidence(evidence, &result, err);
    }
    if (status == 0) {
        status = report_context_load(folder, &context, err);
    }
    if (status == 0) {
        announce_shape(&run->announce, folder, &context);
        status = reports_write_all(result, &context, folder, err);
    }
    if (status == 0) {
        status = announce_copy(&run->announce, folder, err);
    }
    if (status < 0) {
        return status;
    }
    announce_print(&run->announce, result, folder, progress->colour);
    announce_elsewhere(&run->announce, result, &context, folder);
    *ret_code = result->exit_code;
    return 0;
}

/* Bad input shows itself before the folder exists; after that there is always a report. */
static int drill_once(struct prepared *prepared, struct engine_options *options, const struct run_options *run, struct err *err)
{
    AUTO_FREE char *folder = NULL;
    struct progress progress;
    struct err report_err = {0};
    int code = EXIT_ARCHIVE;
    progress_init(&progress, run->announce.quiet);
    options->progress = progress_show;
    options->context = &progress;
    int status = engine_run(prepared->script, prepared->topology, prepared->plan, options, &folder, err);
    progress_end(&progress);
    if (!folder) {
        return cli_exit_code(err);
    }
    if (status < 0) {
        fprintf(stderr, "drill: %s\n", err->text);
    }
    if (report(folder, run, &progress, &code, &report_err) < 0) {
        (void)err_prefix(&report_err, "the evidence in %s is complete, the report is not", folder);
        *err = report_err;
        return EXIT_ARCHIVE;
    }
    bool refused = status < 0 && err->code == ERR_UNSUPPORTED;
    *err = (struct err){0}; /* it was told, and is in the evidence */
    return refused ? EXIT_USAGE : code;
}

/* Worse first: the order in which several outcomes of --repeat are weighed. */
static int worse(int a, int b)
{
    static const int order[] = {EXIT_CLEANUP, EXIT_ABORTED, EXIT_USAGE, EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_ARCHIVE};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (a == order[i] || b == order[i]) {
            return order[i];
        }
    }
    return EXIT_PASS;
}

/* Fields that a framework asks for and that are missing are told before anything is injected. */
static void tell_evidence(const struct prepared *prepared, const struct run_options *run)
{
    if (prepared->terms.evidence && !run->announce.quiet) {
        (void)fputs(prepared->terms.evidence, stdout);
        (void)fflush(stdout);
    }
}

static int drill(const char *file, const struct cli_args *args, const json_t *retest_of, struct err *err)
{
    const struct run_options *run_options = args->options;
    struct prepared prepared CLEANUP(prepared_clear) = {0};
    struct terms_request terms = {.options = &run_options->terms, .args = args, .retest_of = retest_of};
    struct engine_options options = {.archive = run_options->terms.archive,
                                     .command_line = args->command_line,
                                     .seed = run_options->seed,
                                     .allow_host = run_options->allow_host,
                                     .interrupt_fd = -1};
    if (announce_check(&run_options->announce, err) < 0) {
        return EXIT_USAGE;
    }
    if (prepare_scenario(file, &terms, &options, &prepared, err) < 0 || refuse_standing(prepared.journal, err) < 0) {
        return cli_exit_code(err);
    }
    tell_evidence(&prepared, run_options);
    AUTO_FD int interrupt_fd = cli_interrupt_fd(err);
    if (interrupt_fd < 0) {
        return cli_exit_code(err);
    }
    AUTO_FREE char *control = cli_control_folder();
    options.interrupt_fd = interrupt_fd;
    options.control = control;
    int worst = EXIT_PASS;
    for (int64_t i = 0; i < run_options->repeat && worst != EXIT_ABORTED && worst != EXIT_CLEANUP; i++) {
        options.repeat = i + 1;
        worst = worse(worst, drill_once(&prepared, &options, run_options, err));
        options.seed++;
        if (err->code != ERR_NONE) {
            break;
        }
    }
    return worst;
}

static int run(const struct cli_args *args, struct err *err)
{
    return drill(args->words[0], args, NULL, err);
}

/* The earlier drill's own --set values, unless they are given anew; `ret` borrows from `earlier` and `args`. */
static void take_sets(const struct cli_args *args, const struct past_drill *earlier, struct cli_args *ret)
{
    const json_t *sets = json_object_get(earlier->plan, "sets");
    size_t index;
    json_t *set;
    *ret = *args;
    ret->sets = xcalloc(json_array_size(sets) + args->set_count + 1, sizeof(*ret->sets));
    ret->set_count = 0;
    json_array_foreach(sets, index, set)
    {
        ret->sets[ret->set_count++] = (struct cli_set){.name = (char *)(uintptr_t)json_str(set, "name", ""),
                                                       .value = (char *)(uintptr_t)json_str(set, "value", "")};
    }
    for (size_t i = 0; i < args->set_count; i++) {
        ret->sets[ret->set_count++] = args->sets[i]; /* later ones win */
    }
}

static int retest(const struct cli_args *args, struct err *err)
{
    const struct run_options *run_options = args->options;
    struct history history CLEANUP(history_clear) = {0};
    const struct past_drill *earlier = NULL;
    struct cli_args again = {0};
    if (history_read(run_options->terms.archive, &history, err) < 0 ||
        lookup_drill(run_options->terms.archive, &history, args->words[0], &earlier, err) < 0) {
        return cli_exit_code(err);
    }
    const char *file = args->word_count > 1 ? args->words[1] : earlier->scenario_file;
    if (!*file) {
        (void)err_set(err, ERR_INPUT, "%s does not say which file its scenario was: drill retest %s SCENARIO.lua", earlier->name,
                      args->words[0]);
        return EXIT_USAGE;
    }
    AUTO_JSON json_t *link = lookup_link(earlier);
    take_sets(args, earlier, &again);
    int code = drill(file, &again, link, err);
    free(again.sets);
    return code;
}

const struct command cmd_run = {
    .name = "run",
    .arguments = "SCENARIO.lua",
    .summary = "run a drill: bring the topology up, break it under load, measure, report",
    .details = "Checks everything, brings the scenario's topology up (or uses the one that 'drill up' keeps), puts load on it, "
               "takes the scenario's\n"
               "steps, takes every fault away again and writes one folder with evidence and reports. Ctrl-C reverts and exits 4.",
    .options = table,
    .options_size = sizeof(struct run_options),
    .min_words = 1,
    .max_words = 1,
    .takes_set = true,
    .run = run,
};
const struct command cmd_retest = {
    .name = "retest",
    .arguments = "DRILL [SCENARIO.lua]",
    .summary = "run an earlier drill of the archive again and link the two",
    .details =
        "Runs the scenario of an earlier drill again, with the --set values that it had, from the file that it named or the "
        "one given. The\n"
        "result names the earlier drill and what it came to. DRILL is a number, a name or an id of the archive.",
    .options = table,
    .options_size = sizeof(struct run_options),
    .min_words = 1,
    .max_words = 2,
    .takes_set = true,
    .run = retest,
};
