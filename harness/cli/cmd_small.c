/* The small commands: version, help, undo, agent. */
#include <stdio.h>
#include <unistd.h>

#include "harness/agent/agent.h"
#include "harness/agent/journal.h"
#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "harness/base/str.h"
#include "harness/cli/cli.h"
#include "harness/place/cgroups.h"
#include "harness/programme/frameworks.h"
#include "harness/programme/programme.h"
#include "harness/programme/review.h"

static const struct param no_options[] = {{0}};

static int run_version(const struct cli_args *args, struct err *err)
{
    (void)args;
    (void)err;
    printf("drill %s\n", DRILL_VERSION);
    return EXIT_PASS;
}

/* Files that people write have pages of their own, from the tables that read them. */
static bool print_topic(const char *topic, struct buf *out)
{
    if (str_eq(topic, "programme")) {
        buf_puts(out, "programme.yaml: what no measurement can know. Every field may be left out.\n\n");
        fields_print_help(programme_fields, out);
        buf_puts(out,
                 "\nWhat --evidence looks for, for each framework (fields that the drill fills in by itself among them):\n\n");
        frameworks_print_help(out);
        return true;
    }
    if (str_eq(topic, "review")) {
        buf_puts(out, "\nThe draft's fields:\n\n");
        fields_print_help(review_fields, out);
    }
    return false;
}

static int run_help(const struct cli_args *args, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    if (args->word_count && !cli_command_find(args->words[0]) && print_topic(args->words[0], &out)) {
        (void)fputs(buf_str(&out), stdout);
        return EXIT_PASS;
    }
    const struct command *command = args->word_count ? cli_command_find(args->words[0]) : NULL;
    if (args->word_count && !command) {
        (void)err_set(err, ERR_INPUT, "there is no command '%s'", args->words[0]);
        return EXIT_USAGE;
    }
    cli_print_help(command, &out);
    if (command) {
        (void)print_topic(command->name, &out);
    }
    fputs(buf_str(&out), stdout);
    return EXIT_PASS;
}

static int run_undo(const struct cli_args *args, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *state = cli_state_folder();
    AUTO_FREE char *journal = xasprintf("%s/journal", state);
    (void)args;
    int status = journal_undo(journal, &out, err);
    size_t worlds = cgroups_sweep();
    if (worlds) {
        buf_printf(&out, "removed what the containers of %zu interrupted drill%s left: empty cgroups\n", worlds,
                   worlds == 1 ? "" : "s");
    }
    fputs(out.size ? buf_str(&out) : "nothing to undo\n", stdout);
    return status < 0 ? EXIT_CLEANUP : EXIT_PASS;
}

static int run_agent(const struct cli_args *args, struct err *err)
{
    (void)args;
    return agent_main(STDIN_FILENO, STDOUT_FILENO, err) < 0 ? EXIT_USAGE : EXIT_PASS;
}

const struct command cmd_version = {.name = "version",
                                    .arguments = "",
                                    .summary = "print the version",
                                    .details = "Prints the version.",
                                    .options = no_options,
                                    .run = run_version};
const struct command cmd_help = {.name = "help",
                                 .arguments = "[COMMAND]",
                                 .summary = "explain a command",
                                 .details = "Explains a command with its options, or lists all commands.",
                                 .options = no_options,
                                 .max_words = 1,
                                 .run = run_help};
const struct command cmd_undo = {
    .name = "undo",
    .arguments = "",
    .summary = "revert whatever an interrupted drill left",
    .details =
        "Reverts every fault that the journal still names, from the journal alone, and forgets those whose namespaces are gone.",
    .options = no_options,
    .run = run_undo};
/* No summary: it is for drill itself, and not listed. */
const struct command cmd_agent = {
    .name = "agent",
    .arguments = "",
    .details = "Serves faults, services, load and observers over standard input and output. drill starts it by itself.",
    .options = no_options,
    .run = run_agent};
