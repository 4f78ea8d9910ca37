/* The command line: finding the command, parsing its options from its table, printing help from the same table. */
#include "harness/cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/log.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"

#define COMMAND(name) extern const struct command cmd_##name;
#include "harness/cli/commands.def"
#undef COMMAND

static const struct command *const commands[] = {
#define COMMAND(name) &cmd_##name,
#include "harness/cli/commands.def"
#undef COMMAND
};

const struct command *const *cli_commands(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(commands);
    return commands;
}

const struct command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (str_eq(commands[i]->name, name)) {
            return commands[i];
        }
    }
    return NULL;
}

static void print_overview(struct buf *out)
{
    buf_puts(out, "drill: breaks a running API gateway topology on purpose and measures how long it was gone and what it lost\n\n"
                  "  drill SCENARIO.lua [options]     the same as drill run SCENARIO.lua\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (commands[i]->summary) {
            char usage[64];
            (void)str_format(usage, sizeof(usage), "%s %s", commands[i]->name, commands[i]->arguments);
            buf_printf(out, "  drill %-26s %s\n", usage, commands[i]->summary);
        }
    }
    buf_puts(out, "\nTry 'drill help COMMAND'.\nExit codes:");
    for (int code = EXIT_PASS; code <= EXIT_OVERDUE; code++) {
        buf_printf(out, "%s %d %s", code ? "," : "", code, cli_exit_words(code));
    }
    buf_puts(out, "\n");
}

void cli_print_help(const struct command *command, struct buf *out)
{
    if (!command) {
        print_overview(out);
        return;
    }
    buf_printf(out, "drill %s %s\n\n%s\n", command->name, command->arguments, command->details);
    if (command->options[0].type != PARAM_END || command->takes_set) {
        buf_puts(out, "\nOptions (--NAME VALUE or --NAME=VALUE; a true|false option may stand alone):\n");
        param_print_help(command->options, out);
    }
    if (command->takes_set) {
        buf_puts(out, "  set              NAME=VALUE: an option of load or measure, a parameter of the scenario, a setting of "
                      "the topology\n");
    }
    if (command->takes_sweep) {
        buf_puts(
            out,
            "  sweep            NAME=A,B,C: one drill for each value, and for each combination when given again; in place of "
            "the scenario's own\n");
    }
}

struct parsing {
    const struct command *command;
    struct cli_args *args;
    char what[64];
};

static int add_set(const char *option, const char *text, struct cli_set **sets, size_t *count, struct err *err)
{
    const char *equals = text ? strchr(text, '=') : NULL;
    if (!equals || equals == text) {
        return err_set(err, ERR_INPUT, "--%s: expected NAME=VALUE, found '%s'", option, text ? text : "");
    }
    *sets = xrealloc(*sets, *count + 1, sizeof(**sets));
    (*sets)[(*count)++] = (struct cli_set){.name = xasprintf("%.*s", (int)(equals - text), text), .value = xstrdup(equals + 1)};
    return 0;
}

static bool is_switch(const struct param *table, const char *name)
{
    for (; table->type != PARAM_END; table++) {
        if (str_eq(table->name, name)) {
            return table->type == PARAM_BOOL;
        }
    }
    return false;
}

/* One "--name value", "--name=value" or "--switch"; *at moves over what was used. */
static int parse_option(struct parsing *parsing, char **argv, int argc, int *at, struct err *err)
{
    char name[64];
    const char *text = argv[*at] + 2, *equals = strchr(text, '=');
    const char *value = equals ? equals + 1 : NULL;
    if (!str_format(name, sizeof(name), "%.*s", equals ? (int)(equals - text) : (int)strlen(text), text)) {
        return err_set(err, ERR_INPUT, "unknown option '%s'", argv[*at]);
    }
    bool set = parsing->command->takes_set && str_eq(name, "set");
    bool sweep = parsing->command->takes_sweep && str_eq(name, "sweep");
    if (!value && !set && !sweep && is_switch(parsing->command->options, name)) {
        value = "true";
    } else if (!value && *at + 1 < argc) {
        value = argv[++*at];
    }
    if (!value) {
        bool known = set || sweep;
        for (const struct param *param = parsing->command->options; param->type != PARAM_END; param++) {
            known |= str_eq(param->name, name);
        }
        if (known) {
            return err_set(err, ERR_INPUT, "option '--%s' needs a value", name);
        }
        value = "";
    }
    struct cli_args *args = parsing->args;
    return set     ? add_set(name, value, &args->sets, &args->set_count, err)
           : sweep ? add_set(name, value, &args->sweeps, &args->sweep_count, err)
                   : param_set(parsing->command->options, name, value, parsing->what, parsing->args->options, err);
}

static int parse_words(struct parsing *parsing, int argc, char **argv, struct err *err)
{
    bool only_words = false;
    for (int at = 0; at < argc; at++) {
        if (!only_words && str_eq(argv[at], "--")) {
            only_words = true;
        } else if (!only_words && str_starts_with(argv[at], "--")) {
            int status = parse_option(parsing, argv, argc, &at, err);
            if (status < 0) {
                return status;
            }
        } else if (!only_words && argv[at][0] == '-' && argv[at][1]) {
            return err_set(err, ERR_INPUT, "unknown option '%s': options are long, as --quiet", argv[at]);
        } else {
            parsing->args->words = xrealloc(parsing->args->words, parsing->args->word_count + 1, sizeof(char *));
            parsing->args->words[parsing->args->word_count++] = argv[at];
        }
    }
    const struct command *command = parsing->command;
    if (parsing->args->word_count < command->min_words || parsing->args->word_count > command->max_words) {
        return err_set(err, ERR_INPUT, "expected: drill %s %s", command->name, command->arguments);
    }
    return 0;
}

/* As a shell would take it: it can be repeated, and whoever takes secrets out of it sees where a word ends. */
static char *join_command_line(int argc, char **argv)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=:,@%+";
    struct buf line = {0};
    for (int i = 0; i < argc; i++) {
        bool quoted = !*argv[i] || argv[i][strspn(argv[i], plain)];
        const char *quote = !quoted ? "" : strchr(argv[i], '\'') ? "\"" : "'";
        buf_printf(&line, "%s%s%s%s", i ? " " : "", quote, argv[i], quote);
    }
    return buf_take(&line);
}

static void clear_sets(struct cli_set *sets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(sets[i].name);
        free(sets[i].value);
    }
    free(sets);
}

static void clear_args(const struct command *command, struct cli_args *args)
{
    param_clear(command->options, args->options);
    clear_sets(args->sets, args->set_count);
    clear_sets(args->sweeps, args->sweep_count);
    free(args->options);
    free(args->words);
    free(args->command_line);
}

static int run_command(const struct command *command, int argc, char **argv, char *command_line, struct err *err)
{
    struct cli_args args = {.options = xcalloc(1, command->options_size + 1), .command_line = command_line};
    struct parsing parsing = {.command = command, .args = &args};
    (void)str_format(parsing.what, sizeof(parsing.what), "drill %s", command->name);
    int status = param_parse(command->options, NULL, parsing.what, args.options, err);
    if (status == 0) {
        status = parse_words(&parsing, argc, argv, err);
    }
    int code = status < 0 ? EXIT_USAGE : command->run(&args, err);
    clear_args(command, &args);
    return code;
}

static void tell_error(const struct command *command, const struct err *err, int code)
{
    if (err->code != ERR_NONE) {
        fprintf(stderr, "drill: %s\n", err->text);
        if (str_starts_with(err->text, "unknown option") || str_starts_with(err->text, "expected: ")) {
            fprintf(stderr, "try 'drill help %s'\n", command->name);
        }
    }
    if ((code == EXIT_USAGE || err->code != ERR_NONE) && !str_eq(command->name, "agent")) {
        fprintf(stderr, "exit %d: %s\n", code, cli_exit_words(code));
    }
}

static const struct command *choose(const char *word, struct err *err)
{
    const struct command *command = cli_command_find(word);
    const char *names[ARRAY_LEN(commands)];
    char hint[96];
    if (command) {
        return command;
    }
    if (str_ends_with(word, ".lua") || strchr(word, '/')) {
        return cli_command_find("run");
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        names[i] = commands[i]->name;
    }
    (void)err_set(err, ERR_INPUT, "there is no command '%s'%s; scenarios end in .lua", word,
                  str_did_you_mean(word, names, ARRAY_LEN(names), hint));
    return NULL;
}

static const char *alias(const char *word)
{
    if (str_eq(word, "--help") || str_eq(word, "-h")) {
        return "help";
    }
    return str_eq(word, "--version") || str_eq(word, "-V") ? "version" : word;
}

/* The first word is the command or, without one, a scenario; options may stand before it. */
int cli_main(int argc, char **argv)
{
    struct err err = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    if (argc < 2) {
        print_overview(&out);
        (void)fputs(buf_str(&out), stderr);
        fprintf(stderr, "drill: no scenario given\nexit %d: %s\n", EXIT_USAGE, cli_exit_words(EXIT_USAGE));
        return EXIT_USAGE;
    }
    const char *first = alias(argv[1]);
    bool options_first = str_starts_with(first, "--");
    const struct command *command = options_first ? cli_command_find("run") : choose(first, &err);
    if (!command) {
        fprintf(stderr, "drill: %s\nexit %d: %s\n", err.text, EXIT_USAGE, cli_exit_words(EXIT_USAGE));
        return EXIT_USAGE;
    }
    int skip = options_first || !str_eq(command->name, first) ? 1 : 2;
    for (int i = skip; i < argc; i++) {
        if (str_eq(alias(argv[i]), "help") && *argv[i] == '-') { /* "drill run --help": as "drill help run" */
            cli_print_help(command, &out);
            (void)fputs(buf_str(&out), stdout);
            return EXIT_PASS;
        }
    }
    int code = run_command(command, argc - skip, argv + skip, join_command_line(argc, argv), &err);
    tell_error(command, &err, code);
    return code;
}
