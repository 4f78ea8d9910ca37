/* The small commands: version, help, report, ledger, undo, agent. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/agent/agent.h"
#include "harness/agent/journal.h"
#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "harness/base/str.h"
#include "harness/cli/announce.h"
#include "harness/cli/cli.h"
#include "harness/evidence/evidence.h"
#include "harness/measure/result.h"
#include "harness/programme/frameworks.h"
#include "harness/programme/programme.h"
#include "harness/programme/review.h"
#include "reports/report.h"

static const struct param no_options[] = {{0}};
struct report_run {
    struct announce_options announce;
};
static const struct param report_options[] = {ANNOUNCE_OPTIONS(struct report_run, announce), {0}};

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

static int run_report(const struct cli_args *args, struct err *err)
{
    const struct announce_options *options = &((const struct report_run *)args->options)->announce;
    const char *folder = args->words[0];
    struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
    struct result *result CLEANUP(result_cleanup) = NULL;
    struct report_context context CLEANUP(report_context_clear) = {0};
    if (announce_check(options, err) < 0 || evidence_load(folder, &evidence, err) < 0 ||
        report_context_load(folder, &context, err) < 0) {
        return EXIT_USAGE;
    }
    announce_shape(options, folder, &context);
    if (measure_evidence(evidence, &result, err) < 0 || reports_write_all(result, &context, folder, err) < 0 ||
        announce_copy(options, folder, err) < 0) {
        return EXIT_ARCHIVE;
    }
    announce_print(options, result, folder, isatty(STDOUT_FILENO) && !secure_getenv("NO_COLOR"));
    announce_elsewhere(options, result, &context, folder);
    return result->exit_code;
}

static void print_record(const struct ledger_header *header, const struct ledger_record *record, uint64_t index)
{
    char id[96] = "";
    if (record->write_number) {
        ledger_write_id(header, record->write_number, id);
    }
    const unsigned char *address = (const unsigned char *)&record->address;
    printf("%s,%" PRIu64 ",%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%u,%u.%u.%u.%u\n", header->vantage, index,
           class_name(record->request_class), outcome_name(record->outcome), record->due_ns, record->sent_ns,
           record->first_byte_ns, record->done_ns, id, record->http_status, address[0], address[1], address[2], address[3]);
}

static int run_ledger(const struct cli_args *args, struct err *err)
{
    struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
    if (evidence_load(args->words[0], &evidence, err) < 0) {
        return EXIT_USAGE;
    }
    puts("vantage,index,class,outcome,due_ns,sent_ns,first_byte_ns,done_ns,write_id,http_status,address");
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        uint64_t count = ledger_count(evidence->ledgers[i]);
        for (uint64_t j = 0; j < count; j++) {
            print_record(ledger_header(evidence->ledgers[i]), ledger_at(evidence->ledgers[i], j), j);
        }
    }
    return EXIT_PASS;
}

static int run_undo(const struct cli_args *args, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *state = cli_state_folder();
    AUTO_FREE char *journal = xasprintf("%s/journal", state);
    (void)args;
    int status = journal_undo(journal, &out, err);
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
const struct command cmd_report = {
    .name = "report",
    .arguments = "FOLDER",
    .summary = "compute the verdict again from a drill's evidence and render the reports",
    .details = "Reads the evidence of a drill's folder, measures it again and writes all reports anew. Exits as the drill did.",
    .options = report_options,
    .options_size = sizeof(struct report_run),
    .min_words = 1,
    .max_words = 1,
    .run = run_report};
const struct command cmd_ledger = {
    .name = "ledger",
    .arguments = "FOLDER",
    .summary = "print every request of a drill as CSV",
    .details = "Prints the ledgers of a drill's folder: one line a request, times in nanoseconds of the vantage's clock.",
    .options = no_options,
    .min_words = 1,
    .max_words = 1,
    .run = run_ledger};
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
