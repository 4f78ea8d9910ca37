/* drill report and drill ledger: what can be had from evidence once more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/archive/archive.h"
#include "harness/archive/verify.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/cli/announce.h"
#include "harness/cli/cli.h"
#include "harness/cli/recompute.h"
#include "harness/cli/render.h"
#include "harness/cli/resweep.h"

struct report_options {
    char *archive, *output;
    struct announce_options announce;
    bool check;
};

static const struct param report_table[] = {
    {"archive", PARAM_STRING, offsetof(struct report_options, archive), .fallback = "archive",
     .help = "where a number, a name or a drill id is looked for"},
    {"output", PARAM_STRING, offsetof(struct report_options, output), .unit_hint = "folder",
     .help = "write the reports there; default: into the drill's folder, and nowhere when that is sealed"},
    {"check", PARAM_BOOL, offsetof(struct report_options, check),
     .help = "write nothing: compare with the reports that are there, exit 6 when they differ"},
    ANNOUNCE_OPTIONS(struct report_options, announce),
    {0},
};

static int check(const char *folder)
{
    struct findings findings CLEANUP(findings_clear) = {0};
    recompute_check(folder, folder, &findings);
    VEC_EACH(finding, &findings)
    {
        printf("%s: %s\n", finding->is_problem ? "PROBLEM" : "note", finding->text);
    }
    int code = findings_problems(&findings) ? EXIT_ARCHIVE : EXIT_PASS;
    printf("exit %d: %s\n", code, code == EXIT_PASS ? "the reports are what the evidence gives" : cli_exit_words(code));
    return code;
}

static int tell(const struct report_options *options, const struct rendered *rendered, const char *folder, const char *out,
                struct err *err)
{
    const struct result *result = rendered->result;
    AUTO_FREE char *where = out ? xasprintf("report: %s/report.html", out)
                                : xstrdup("sealed: nothing was written; --output FOLDER renders it elsewhere, --check compares");
    struct announce_end end = {.where = where, .code = result->exit_code, .words = result->exit_words};
    if (announce_files(&options->announce, result, &rendered->context, out ? out : folder, err) < 0) {
        return EXIT_ARCHIVE;
    }
    announce_print(&options->announce, result, folder, &end, isatty(STDOUT_FILENO) && !secure_getenv("NO_COLOR"));
    announce_elsewhere(&options->announce, result, &rendered->context, out ? out : folder);
    return result->exit_code;
}

static int run_report(const struct cli_args *args, struct err *err)
{
    const struct report_options *options = args->options;
    struct rendered rendered CLEANUP(rendered_clear) = {0};
    AUTO_FREE char *folder = NULL;
    bool sealed = false;
    if (str_ends_with(args->words[0], ".sweep.json")) {
        return resweep(args->words[0], err);
    }
    if (announce_check(&options->announce, err) < 0 ||
        archive_evidence(options->archive, args->words[0], &folder, &sealed, err) < 0) {
        return EXIT_USAGE;
    }
    if (options->check) {
        return check(folder);
    }
    const char *out = options->output ? options->output : sealed ? NULL : folder;
    int status = render_measure(folder, &rendered, err);
    if (status < 0) {
        return rendered.evidence ? EXIT_ARCHIVE : EXIT_USAGE;
    }
    if (out && render_write(&rendered, out, err) < 0) {
        return EXIT_ARCHIVE;
    }
    return tell(options, &rendered, folder, out, err);
}

static void print_record(const struct ledger_header *header, const struct ledger_record *record, uint64_t index)
{
    char id[96] = "", server[LEDGER_SERVER_BYTES];
    ledger_server_name(header, record->server, server);
    if (record->write_number) {
        ledger_write_id(header, record->write_number, id);
    }
    const unsigned char *address = (const unsigned char *)&record->address;
    printf("%s,%" PRIu64 ",%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%u,%u.%u.%u.%u,%u,%" PRIu32 ",%" PRId64
           ",%s,%s,%" PRIu32 "\n",
           header->vantage, index, class_name(record->request_class), outcome_name(record->outcome), record->due_ns,
           record->sent_ns, record->first_byte_ns, record->done_ns, id, record->http_status, address[0], address[1], address[2],
           address[3], record->new_connection, record->late_us, header->clock_offset_ns,
           record->outcome == OUTCOME_NOT_SENT ? not_sent_text(record->not_sent) : "", server, record->session);
}

struct ledger_options {
    char *archive;
    bool csv;
};

static const struct param ledger_table[] = {
    {"archive", PARAM_STRING, offsetof(struct ledger_options, archive), .fallback = "archive",
     .help = "where a number, a name or a drill id is looked for"},
    {"csv", PARAM_BOOL, offsetof(struct ledger_options, csv),
     .help = "as comma-separated values, which is what it prints anyway"},
    {0},
};

static int run_ledger(const struct cli_args *args, struct err *err)
{
    const struct ledger_options *options = args->options;
    struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
    AUTO_FREE char *folder = NULL;
    bool sealed = false;
    if (archive_evidence(options->archive, args->words[0], &folder, &sealed, err) < 0 ||
        evidence_load(folder, &evidence, err) < 0) {
        return EXIT_USAGE;
    }
    puts("vantage,index,class,outcome,due_ns,sent_ns,first_byte_ns,done_ns,write_id,http_status,address,"
         "new_connection,late_us,clock_offset_ns,not_sent,served_by,session");
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        uint64_t count = ledger_count(evidence->ledgers[i]);
        for (uint64_t j = 0; j < count; j++) {
            print_record(ledger_header(evidence->ledgers[i]), ledger_at(evidence->ledgers[i], j), j);
        }
    }
    return EXIT_PASS;
}

const struct command cmd_report = {.name = "report",
                                   .arguments = "DRILL",
                                   .summary = "compute the verdict again from a drill's evidence and render the reports",
                                   .details =
                                       "Reads the evidence of a drill, measures it again and renders all reports. DRILL is a "
                                       "number, a name or an id of the archive, "
                                       "a bundle,\n"
                                       "or a folder of evidence. A sealed bundle is never written to. Exits as the drill did.\n"
                                       "Of a sweep (NAME.sweep.json) all drills are measured again, and its page, map and table "
                                       "written anew.",
                                   .options = report_table,
                                   .options_size = sizeof(struct report_options),
                                   .min_words = 1,
                                   .max_words = 1,
                                   .run = run_report};
const struct command cmd_ledger = {
    .name = "ledger",
    .arguments = "DRILL",
    .summary = "print every request of a drill as CSV",
    .details =
        "Prints the ledgers of a drill: one line a request, times in nanoseconds of the vantage's clock. DRILL is as for 'drill "
        "report'.",
    .options = ledger_table,
    .options_size = sizeof(struct ledger_options),
    .min_words = 1,
    .max_words = 1,
    .run = run_ledger};
