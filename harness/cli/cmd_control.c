/* drill abort and drill note: a running drill, from a second terminal. */
#include <stdio.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/cli/cli.h"
#include "harness/engine/control.h"

enum { WORDS_MAX = 200, END_TIMEOUT_MS = 180000 };

struct abort_options {
    char *reason;
};
static const struct param abort_table[] = {
    {"reason", PARAM_STRING, offsetof(struct abort_options, reason), .unit_hint = "text", .help = "why; goes into the report"},
    {0},
};

struct note_options {
    char *drill;
};
static const struct param note_table[] = {
    {"drill", PARAM_STRING, offsetof(struct note_options, drill), .unit_hint = "id",
     .help = "which one, when several are running"},
    {0},
};

char *cli_control_folder(void)
{
    AUTO_FREE char *runtime = cli_runtime_folder();
    return xasprintf("%s/control", runtime);
}

static int find(const char *id, struct control_drill *ret_drill, struct err *err)
{
    AUTO_FREE char *folder = cli_control_folder();
    return control_find(folder, id, ret_drill, err);
}

static int run_abort(const struct cli_args *args, struct err *err)
{
    const struct abort_options *options = args->options;
    struct control_drill drill = {.fd = -1};
    if (find(args->word_count ? args->words[0] : NULL, &drill, err) < 0) {
        return cli_exit_code(err);
    }
    AUTO_FD int fd = drill.fd;
    int status = control_ask(&drill, "abort", options->reason ? options->reason : "", err);
    if (status == 0) {
        printf("drill %s: stopping, its faults are being taken away\n", drill.id);
        (void)fflush(stdout);
        status = control_await_end(&drill, END_TIMEOUT_MS, err);
    }
    if (status < 0) {
        return cli_exit_code(err);
    }
    printf("drill %s has ended\n", drill.id);
    return EXIT_PASS;
}

static int run_note(const struct cli_args *args, struct err *err)
{
    const struct note_options *options = args->options;
    struct control_drill drill = {.fd = -1};
    struct buf text CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < args->word_count; i++) {
        buf_printf(&text, "%s%s", i ? " " : "", args->words[i]);
    }
    if (text.size == 0) {
        (void)err_set(err, ERR_INPUT, "expected: drill note TEXT");
        return EXIT_USAGE;
    }
    if (find(options->drill, &drill, err) < 0) {
        return cli_exit_code(err);
    }
    AUTO_FD int fd = drill.fd;
    if (control_ask(&drill, "note", buf_str(&text), err) < 0) {
        return cli_exit_code(err);
    }
    printf("noted in drill %s\n", drill.id);
    return EXIT_PASS;
}

const struct command cmd_abort = {
    .name = "abort",
    .arguments = "[ID]",
    .summary = "stop a running drill from a second terminal: faults out, exit 4",
    .details = "Stops the drill of this user that is running (with several, the one with that id or pid), waits until its faults "
               "are taken\n"
               "away and it has ended. Its report says who stopped it and why.",
    .options = abort_table,
    .options_size = sizeof(struct abort_options),
    .max_words = 1,
    .run = run_abort,
};
const struct command cmd_note = {
    .name = "note",
    .arguments = "TEXT",
    .summary = "put a dated note into the running drill's events",
    .details =
        "Dates what people do during a drill, as \"declared by the duty manager\": a note that begins with \"declared\" "
        "ends the phase\n"
        "in which the decision was still to be taken. A scenario that waits for a note (d:await_note) goes on when it comes.",
    .options = note_table,
    .options_size = sizeof(struct note_options),
    .min_words = 1,
    .max_words = WORDS_MAX,
    .run = run_note,
};
