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
#include "harness/cli/render.h"
#include "harness/cli/sealing.h"
#include "harness/measure/result.h"
#include "reports/report.h"

struct run_options {
    struct terms_options terms;
    char *sign_key, *timestamp_url;
    int64_t repeat, seed, retain;
    struct announce_options announce;
    struct sealing_settings sealing;
    bool allow_host;
};

static const struct param table[] = {
    TERMS_OPTIONS(struct run_options, terms),
    {"repeat", PARAM_INTEGER, offsetof(struct run_options, repeat), 1, 1000, "1",
     .help = "drills in a row; the worst decides the exit code"},
    {"seed", PARAM_INTEGER, offsetof(struct run_options, seed), 0, 2147483647, "1", .help = "of every random choice"},
    {"sign-key", PARAM_STRING, offsetof(struct run_options, sign_key), .unit_hint = "file",
     .help = "ssh key that signs what is sealed; default $DRILL_SIGN_KEY"},
    {"timestamp-url", PARAM_STRING, offsetof(struct run_options, timestamp_url), .unit_hint = "URL",
     .help = "RFC 3161 service that dates the signature; default $DRILL_TIMESTAMP_URL"},
    {"retain", PARAM_INTEGER, offsetof(struct run_options, retain), 0, 100, "6", .unit_hint = "years",
     .help = "how long the bundle says that it is to be kept"},
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

/* Reports lie in the bundle for good, and are told of by that name. */
static int report(const char *folder, const char *place, const struct run_options *run, struct rendered *rendered,
                  struct err *err)
{
    int status = render_measure(folder, rendered, err);
    if (status == 0) {
        announce_shape(&run->announce, place, &rendered->context);
        status = render_write(rendered, folder, err);
    }
    return status < 0 ? status : announce_copy(&run->announce, folder, err);
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

/* Something that was asked for and not had, as a timestamp: the drill did not leave what it should. */
static void take_warning(struct result *result, const char *warning)
{
    fprintf(stderr, "drill: sealed, but %s\n", warning);
    if (worse(result->exit_code, EXIT_ARCHIVE) == EXIT_ARCHIVE) {
        result->exit_code = EXIT_ARCHIVE;
        free(result->exit_words);
        result->exit_words = xstrdup(cli_exit_words(EXIT_ARCHIVE));
    }
}

/* Reports are rendered, then everything is sealed. What fails here leaves the evidence where it is: the next drill seals it. */
static int conclude(struct sealing *sealing, const char *folder, const struct run_options *run, const struct progress *progress,
                    struct err *err)
{
    struct rendered rendered CLEANUP(rendered_clear) = {0};
    AUTO_FREE char *bundle = NULL, *warning = NULL, *place = NULL;
    int status = sealing_prepare(sealing, folder, &place, err);
    if (status == 0) {
        status = report(folder, place, run, &rendered, err);
    }
    if (status == 0) {
        status = sealing_result(sealing, folder, rendered.result, &bundle, &warning, err);
    }
    if (status < 0) {
        (void)err_prefix(err, "the evidence in %s is complete, but not sealed; the next drill into this archive tries again",
                         folder);
        return worse(rendered.result ? rendered.result->exit_code : EXIT_PASS, EXIT_ARCHIVE);
    }
    if (warning) {
        take_warning(rendered.result, warning);
    }
    announce_print(&run->announce, rendered.result, place, progress->colour);
    announce_elsewhere(&run->announce, rendered.result, &rendered.context, place);
    return rendered.result->exit_code;
}

/* Bad input shows itself before the folder exists; after that there is always a report. */
static int drill_once(struct prepared *prepared, struct engine_options *options, const struct run_options *run, struct err *err)
{
    AUTO_FREE char *folder = NULL;
    struct progress progress;
    struct sealing *sealing CLEANUP(sealing_cleanup) = NULL;
    if (sealing_new(&run->sealing, prepared, options, &sealing, err) < 0) {
        return cli_exit_code(err);
    }
    progress_init(&progress, run->announce.quiet);
    options->progress = progress_show;
    options->context = &progress;
    int status = engine_run(prepared->script, prepared->topology, prepared->plan, options, &folder, err);
    progress_end(&progress);
    if (!folder) {
        return cli_exit_code(err);
    }
    if (status < 0) {
        AUTO_FREE char *text = sealing_clean_text(sealing, err->text);
        fprintf(stderr, "drill: %s\n", text);
    }
    bool refused = status < 0 && err->code == ERR_UNSUPPORTED;
    *err = (struct err){0}; /* it was told, and is in the evidence */
    int code = conclude(sealing, folder, run, &progress, err);
    return refused && code != EXIT_ARCHIVE ? EXIT_USAGE : code;
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
    struct run_options *run_options = args->options;
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
    run_options->sealing = (struct sealing_settings){.archive = run_options->terms.archive,
                                                     .sign_key = run_options->sign_key,
                                                     .timestamp_url = run_options->timestamp_url,
                                                     .retain_years = run_options->retain};
    if (sealing_leftovers(&run_options->sealing, err) < 0) {
        return err->code == ERR_INPUT ? EXIT_USAGE : EXIT_ARCHIVE;
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

static bool is_set(const struct cli_args *args, const char *name)
{
    for (size_t i = 0; i < args->set_count; i++) {
        if (str_eq(args->sets[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* The earlier drill's own --set values, unless they are given anew; `ret` borrows from `earlier` and `args`. */
static int take_sets(const struct cli_args *args, const struct past_drill *earlier, struct cli_args *ret, struct err *err)
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
    for (size_t i = 0; i < ret->set_count; i++) {
        if (strstr(ret->sets[i].value, REDACTED) && !is_set(args, ret->sets[i].name)) {
            return err_set(err, ERR_INPUT, "the value of '%s' was a secret and is not in the archive: give --set %s=VALUE again",
                           ret->sets[i].name, ret->sets[i].name);
        }
    }
    return 0;
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
    int code = take_sets(args, earlier, &again, err) < 0 ? EXIT_USAGE : drill(file, &again, link, err);
    free(again.sets);
    return code;
}

const struct command cmd_run = {
    .name = "run",
    .arguments = "SCENARIO.lua",
    .summary = "run a drill: bring the topology up, break it under load, measure, report",
    .details = "Checks everything, brings the scenario's topology up (or uses the one that 'drill up' keeps), puts load on it, "
               "takes the scenario's\n"
               "steps, takes every fault away again and seals evidence and reports into the archive. Ctrl-C reverts and exits 4.",
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
