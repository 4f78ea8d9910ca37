/* drill run: the drill, its reports and its exit code. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/agent/journal.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/log.h"
#include "harness/base/str.h"
#include "harness/cli/prepare.h"
#include "harness/cli/progress.h"
#include "harness/evidence/evidence.h"
#include "harness/measure/result.h"
#include "reports/report.h"

struct run_options {
    char *archive, *junit, *json;
    int64_t repeat, seed;
    bool allow_host, quiet;
};

static const struct param table[] = {
    {"archive", PARAM_STRING, offsetof(struct run_options, archive), .fallback = "archive",
     .help = "folder that gets one folder per drill"},
    {"repeat", PARAM_INTEGER, offsetof(struct run_options, repeat), 1, 1000, "1",
     .help = "drills in a row; the worst decides the exit code"},
    {"seed", PARAM_INTEGER, offsetof(struct run_options, seed), 0, 2147483647, "1", .help = "of every random choice"},
    {"junit", PARAM_STRING, offsetof(struct run_options, junit), .unit_hint = "file", .help = "also write junit.xml there"},
    {"json", PARAM_STRING, offsetof(struct run_options, json), .unit_hint = "file", .help = "also write report.json there"},
    {"quiet", PARAM_BOOL, offsetof(struct run_options, quiet), .help = "one line at the end"},
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

static int copy_to(const char *folder, const char *name, const char *to, struct err *err)
{
    if (!to) {
        return 0;
    }
    AUTO_FREE char *from = xasprintf("%s/%s", folder, name);
    return fd_copy_file(from, to, err);
}

static int report(const char *folder, const struct run_options *run, const struct progress *progress, int *ret_code,
                  struct err *err)
{
    struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
    struct result *result CLEANUP(result_cleanup) = NULL;
    struct report_context context CLEANUP(report_context_clear) = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    int status = evidence_load(folder, &evidence, err);
    if (status == 0) {
        status = measure_evidence(evidence, &result, err);
    }
    if (status == 0) {
        status = report_context_load(folder, &context, err);
    }
    if (status == 0) {
        status = reports_write_all(result, &context, folder, err);
    }
    if (status == 0) {
        status = copy_to(folder, "junit.xml", run->junit, err);
    }
    if (status == 0) {
        status = copy_to(folder, "report.json", run->json, err);
    }
    if (status < 0) {
        return status;
    }
    report_console(result, progress->colour, run->quiet, &out);
    fputs(buf_str(&out), stdout);
    if (!run->quiet) {
        printf("  report: %s/report.html\n", folder);
    }
    printf("exit %d: %s\n", result->exit_code, result->exit_words);
    fflush(stdout);
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
    progress_init(&progress, run->quiet);
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

static int run(const struct cli_args *args, struct err *err)
{
    const struct run_options *run_options = args->options;
    struct prepared prepared CLEANUP(prepared_clear) = {0};
    struct engine_options options = {.archive = run_options->archive,
                                     .command_line = args->command_line,
                                     .seed = run_options->seed,
                                     .allow_host = run_options->allow_host,
                                     .interrupt_fd = -1};
    if (prepare_scenario(args->words[0], args, &options, &prepared, err) < 0 || refuse_standing(prepared.journal, err) < 0) {
        return cli_exit_code(err);
    }
    AUTO_FD int interrupt_fd = cli_interrupt_fd(err);
    if (interrupt_fd < 0) {
        return cli_exit_code(err);
    }
    options.interrupt_fd = interrupt_fd;
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
