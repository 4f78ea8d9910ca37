/* The command line: one table of commands, one file each. Only here and in main.c may a process end. */
#ifndef DRILL_CLI_CLI_H
#define DRILL_CLI_CLI_H

#include <stdbool.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/param/param.h"

/* The exit codes are an interface: pipelines depend on them. */
enum exit_code {
    EXIT_PASS = 0,
    EXIT_FAIL = 1,  /* an objective was missed */
    EXIT_USAGE = 2, /* usage, scenario or topology error, or something that this machine lacks: nothing was injected */
    EXIT_INCONCLUSIVE = 3,
    EXIT_ABORTED = 4, /* faults removed */
    EXIT_CLEANUP = 5, /* something may still be injected */
    EXIT_ARCHIVE = 6,
    EXIT_OVERDUE = 7, /* drill due only */
};

struct cli_set { /* --set NAME=VALUE, --sweep NAME=A,B,C; repeatable */
    char *name, *value;
};

struct cli_args {
    void *options; /* the command's own struct, filled from its table */
    char **words;  /* what is not an option */
    size_t word_count;
    struct cli_set *sets;
    size_t set_count;
    struct cli_set *sweeps;
    size_t sweep_count;
    char *command_line; /* for the evidence */
};

struct command {
    const char *name, *arguments, *summary, *details; /* details: a paragraph for its help */
    const struct param *options;
    size_t options_size;
    size_t min_words, max_words;
    bool takes_set, takes_sweep;
    /* Returns an exit code; on an error it fills err and returns EXIT_USAGE or what fits. */
    int (*run)(const struct cli_args *args, struct err *err);
};

const struct command *const *cli_commands(size_t *ret_count);
const struct command *cli_command_find(const char *name);
void cli_print_help(const struct command *command, struct buf *out); /* NULL: the overview */
/* Parse and run; prints errors on standard error. Returns the exit code. */
int cli_main(int argc, char **argv);

/* Where things are; the caller frees. DRILL_STATE_DIR overrides both. */
char *cli_state_folder(void);   /* journals: survives a reboot */
char *cli_runtime_folder(void); /* kept topologies: does not */
char *cli_tools_folder(void);   /* our own service binaries, beside the drill binary */
char *cli_control_folder(void); /* control sockets of running drills, below the runtime folder */
/* SIGINT, SIGTERM and SIGHUP as a readable descriptor; they no longer end the process. */
int cli_interrupt_fd(struct err *err);
/* The exit code that an error stands for. */
int cli_exit_code(const struct err *err);
const char *cli_exit_words(int code);
/* Of several outcomes the one that is told: 5, 4, 2, 1, 3, 6, 7, 0. */
int cli_exit_worse(int a, int b);

#endif
