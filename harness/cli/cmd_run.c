/* drill run: the drill, its reports and its exit code. */
#include "harness/cli/cmd_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/agent/journal.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/log.h"
#include "harness/base/str.h"
#include "harness/cli/cells.h"
#include "harness/cli/progress.h"
#include "harness/cli/render.h"
#include "harness/cli/sealing.h"
#include "harness/measure/result.h"
#include "reports/repeat.h"
#include "reports/report.h"
#include "reports/sweep.h"

const struct param run_table[] = {
    TERMS_OPTIONS(struct run_options, terms),
    {"repeat", PARAM_INTEGER, offsetof(struct run_options, repeat), 1, 1000, "1",
     .help = "drills in a row; the worst decides the exit code"},
    {"seed", PARAM_INTEGER, offsetof(struct run_options, seed), 0, 2147483647, "1", .help = "of every random choice"},
    ANNOUNCE_OPTIONS(struct run_options, announce),
    {"sign-key", PARAM_STRING, offsetof(struct run_options, sign_key), .unit_hint = "file",
     .help = "ssh key that signs what is sealed; default $DRILL_SIGN_KEY"},
    {"timestamp-url", PARAM_STRING, offsetof(struct run_options, timestamp_url), .unit_hint = "URL",
     .help = "RFC 3161 service that dates the signature; default $DRILL_TIMESTAMP_URL"},
    {"retain", PARAM_INTEGER, offsetof(struct run_options, retain), 0, 100, "6", .unit_hint = "years",
     .help = "how long the bundle says that it is to be kept"},
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

static int report(const char *folder, struct rendered *rendered, struct err *err)
{
    int status = render_measure(folder, rendered, err);
    return status < 0 ? status : render_write(rendered, folder, err);
}

/* `warning`: something that was asked for and not had, as a timestamp. `refused`: nothing was injected. */
static int tell(const struct rendered *rendered, const struct run_options *run, const struct progress *progress,
                const char *bundle, const char *warning, bool refused)
{
    const struct result *result = rendered->result;
    AUTO_FREE char *data = xasprintf("%s/data", bundle), *where = xasprintf("report: %s/data/report.html", bundle);
    struct err err = {0};
    struct announce_end end = {.where = where};
    bool failed = announce_files(&run->announce, result, &rendered->context, data, &err) < 0;
    end.code = cli_exit_worse(result->exit_code, refused ? EXIT_USAGE : warning || failed ? EXIT_ARCHIVE : EXIT_PASS);
    end.words = end.code == result->exit_code ? result->exit_words : cli_exit_words(end.code);
    if (warning || failed) {
        fprintf(stderr, "drill: sealed, but %s\n", failed ? err.text : warning);
    }
    announce_print(&run->announce, result, data, &end, progress->colour);
    announce_elsewhere(&run->announce, result, &rendered->context, data);
    repeat_add(run->repeats, result, end.code, end.words, bundle);
    if (run->sweep) {
        sweep_add(run->sweep, run->cell, result, end.code, end.words, bundle);
    }
    return end.code;
}

/* Reports are rendered, then everything is sealed. What fails here leaves the evidence where it is: the next drill seals it. */
static int conclude(struct sealing *sealing, const char *folder, const struct run_options *run, const struct progress *progress,
                    bool refused, struct err *err)
{
    struct rendered rendered CLEANUP(rendered_clear) = {0};
    AUTO_FREE char *bundle = NULL, *warning = NULL, *place = NULL;
    int status = sealing_prepare(sealing, folder, &place, err);
    if (status == 0) {
        status = report(folder, &rendered, err);
    }
    if (status == 0) {
        status = sealing_result(sealing, folder, rendered.result, &bundle, &warning, err);
    }
    if (status < 0) {
        (void)err_prefix(err, "the evidence in %s is complete, but not sealed; the next drill into this archive tries again",
                         folder);
        return cli_exit_worse(rendered.result ? rendered.result->exit_code : EXIT_PASS, EXIT_ARCHIVE);
    }
    return tell(&rendered, run, progress, bundle, warning, refused);
}

/* Bad input shows itself before the folder exists; after that there is always a report. */
static int drill_once(struct prepared *prepared, struct engine_options *options, const struct run_options *run, struct err *err)
{
    AUTO_FREE char *folder = NULL;
    struct progress progress;
    struct sealing *sealing CLEANUP(sealing_cleanup) = NULL;
    struct teller *teller CLEANUP(teller_cleanup) = NULL;
    const struct scenario *scenario = script_scenario(prepared->script);
    if (announce_begin(&run->announce, scenario->name, scenario->title, &teller, err) < 0) {
        return cli_exit_code(err);
    }
    options->told = teller ? teller_tell : NULL;
    options->told_context = teller;
    if (sealing_new(&run->sealing, prepared, options, &sealing, err) < 0) {
        return cli_exit_code(err);
    }
    progress_init(&progress, run->announce.quiet);
    options->progress = progress_show;
    options->context = &progress;
    int status = engine_run(prepared->script, prepared->topology, prepared->plan, options, &folder, err);
    progress_end(&progress);
    teller_close(TAKE(teller)); /* what happened is told before what came of it */
    options->told = NULL;
    if (!folder) {
        return cli_exit_code(err);
    }
    if (status < 0) {
        AUTO_FREE char *text = sealing_clean_text(sealing, err->text);
        fprintf(stderr, "drill: %s\n", text);
    }
    bool refused = status < 0 && err->code == ERR_UNSUPPORTED;
    *err = (struct err){0}; /* it was told, and is in the evidence */
    return conclude(sealing, folder, run, &progress, refused, err);
}

/* Fields that a framework asks for and that are missing are told before anything is injected. */
static void tell_evidence(const struct prepared *prepared, const struct run_options *run)
{
    if (prepared->terms.evidence && !run->announce.quiet) {
        (void)fputs(prepared->terms.evidence, stdout);
        (void)fflush(stdout);
    }
}

/* What several drills say together, also for machines. Where standard output is TAP it goes beside it. */
static int tell_repeats(const struct run_options *run, int worst, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *path = NULL;
    if (run->repeat < 2 || repeat_count(run->repeats) == 0) {
        return worst;
    }
    if (repeat_write(run->repeats, worst, &path, err) < 0) {
        return cli_exit_worse(worst, EXIT_ARCHIVE);
    }
    repeat_console(run->repeats, &out);
    fprintf(run->announce.tap ? stderr : stdout, "%s  repeats: %s\nexit %d: %s, the worst of %zu drills\n", buf_str(&out), path,
            worst, cli_exit_words(worst), repeat_count(run->repeats));
    return worst;
}

static bool goes_on(int worst, const struct err *err)
{
    return worst != EXIT_ABORTED && worst != EXIT_CLEANUP && err->code == ERR_NONE;
}

static int run_repeats(struct cell *cell, struct run_options *run, struct err *err)
{
    struct repeat *repeats CLEANUP(repeat_cleanup) = repeat_new();
    int worst = EXIT_PASS;
    run->repeats = repeats;
    for (int64_t i = 0; i < run->repeat && goes_on(worst, err); i++) {
        cell->options.repeat = i + 1;
        worst = cli_exit_worse(worst, drill_once(&cell->prepared, &cell->options, run, err));
        cell->options.seed++;
    }
    return err->code == ERR_NONE && !run->sweep ? tell_repeats(run, worst, err) : worst;
}

/* What was measured is told even when the sweep did not come to its end. */
static int tell_sweep(const struct run_options *run, int worst)
{
    FILE *out = run->announce.tap ? stderr : stdout;
    struct buf text CLEANUP(buf_clear) = {0};
    AUTO_FREE char *page = NULL;
    struct err err = {0};
    if (sweep_drills(run->sweep) == 0) {
        return worst;
    }
    int status = sweep_write(run->sweep, worst, cli_exit_words(worst), &page, &err);
    if (status < 0) {
        fprintf(stderr, "drill: the sweep's page was not written: %s\n", err.text);
        worst = cli_exit_worse(worst, EXIT_ARCHIVE);
    }
    sweep_console(run->sweep, &text);
    fprintf(out, "\n%s", buf_str(&text));
    if (page) {
        fprintf(out, "  sweep: %s\n", page);
    }
    fprintf(out, "exit %d: %s, the worst of %zu drills\n", worst, cli_exit_words(worst), sweep_drills(run->sweep));
    return worst;
}

static int run_sweep(struct cells *cells, struct run_options *run, struct err *err)
{
    const struct scenario *scenario = script_scenario(cells->items[0].prepared.script);
    struct sweep *sweep CLEANUP(sweep_cleanup) = sweep_new(&cells->grid, scenario->name, scenario->title);
    int worst = EXIT_PASS;
    run->sweep = sweep;
    for (size_t i = 0; i < cells->count && goes_on(worst, err); i++) {
        struct buf values CLEANUP(buf_clear) = {0};
        grid_say(&cells->grid, i, &values);
        run->cell = i;
        if (!run->announce.quiet) {
            fprintf(run->announce.tap ? stderr : stdout, "\ndrill %zu of %zu: %s\n", i + 1, cells->count, buf_str(&values));
            (void)fflush(stdout);
        }
        worst = cli_exit_worse(worst, run_repeats(&cells->items[i], run, err));
    }
    return tell_sweep(run, worst);
}

/* All that comes before the first drill. */
static int get_ready(const char *file, const struct terms_request *terms, struct engine_options *options, struct run_options *run,
                     struct cells *cells, struct err *err)
{
    if (announce_check(&run->announce, err) < 0) {
        return EXIT_USAGE;
    }
    if (cells_prepare(file, terms, options, cells, err) < 0 || refuse_standing(cells->items[0].prepared.journal, err) < 0) {
        return cli_exit_code(err);
    }
    run->sealing = (struct sealing_settings){.archive = run->terms.archive,
                                             .sign_key = run->sign_key,
                                             .timestamp_url = run->timestamp_url,
                                             .retain_years = run->retain};
    if (sealing_leftovers(&run->sealing, err) < 0) {
        return err->code == ERR_INPUT ? EXIT_USAGE : EXIT_ARCHIVE;
    }
    tell_evidence(&cells->items[0].prepared, run);
    return EXIT_PASS;
}

int run_drills(const char *file, const struct cli_args *args, const json_t *retest_of, struct err *err)
{
    struct run_options *run_options = args->options;
    struct cells cells CLEANUP(cells_clear) = {0};
    struct terms_request terms = {.options = &run_options->terms, .args = args, .retest_of = retest_of};
    struct engine_options options = {.archive = run_options->terms.archive,
                                     .command_line = args->command_line,
                                     .seed = run_options->seed,
                                     .allow_host = run_options->allow_host,
                                     .interrupt_fd = -1};
    int code = get_ready(file, &terms, &options, run_options, &cells, err);
    if (code != EXIT_PASS) {
        return code;
    }
    AUTO_FD int interrupt_fd = cli_interrupt_fd(err);
    if (interrupt_fd < 0) {
        return cli_exit_code(err);
    }
    AUTO_FREE char *control = cli_control_folder();
    for (size_t i = 0; i < cells.count; i++) {
        cells.items[i].options.interrupt_fd = interrupt_fd;
        cells.items[i].options.control = control;
    }
    return cells.count > 1 ? run_sweep(&cells, run_options, err) : run_repeats(&cells.items[0], run_options, err);
}

static int run(const struct cli_args *args, struct err *err)
{
    return run_drills(args->words[0], args, NULL, err);
}

const struct command cmd_run = {
    .name = "run",
    .arguments = "SCENARIO.lua",
    .summary = "run a drill: bring the topology up, break it under load, measure, report",
    .details =
        "Checks everything, brings the scenario's topology up (or uses the one that 'drill up' keeps), puts load on it, "
        "takes the scenario's\n"
        "steps, takes every fault away again and seals evidence and reports into the archive. Ctrl-C reverts and exits 4.\n"
        "A scenario with a sweep is drilled once for each combination of its values; a table and a heat map say what each gave.",
    .options = run_table,
    .options_size = sizeof(struct run_options),
    .min_words = 1,
    .max_words = 1,
    .takes_set = true,
    .takes_sweep = true,
    .run = run,
};
