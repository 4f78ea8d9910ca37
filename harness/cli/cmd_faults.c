/* `drill faults`: the catalogue, printed from the faults' own tables, as text or as the Markdown of docs/faults.md. */
#include <stdio.h>

#include "faults/fault.h"
#include "harness/base/str.h"
#include "harness/cli/cli.h"

struct faults_options {
    bool markdown;
};

static const struct param faults_options[] = {
    {.name = "markdown",
     .type = PARAM_BOOL,
     .offset = offsetof(struct faults_options, markdown),
     .help = "the whole catalogue as docs/faults.md has it"},
    {.type = PARAM_END},
};

static const struct {
    unsigned bit;
    const char *words;
} target_words[] = {
    {FAULT_REGION, "region = NAME"},
    {FAULT_HOST, "host = NAME"},
    {FAULT_SERVICE, "service = NAME or role = NAME"},
    {FAULT_CONTROL, "control = NAME"},
    {FAULT_PEER, "peer = NAME, a list or \"rest\" (needed)"},
};

static bool selects_traffic(const struct fault_ops *ops)
{
    for (const struct param *param = ops->options; param->type != PARAM_END; param++) {
        if (str_eq(param->name, "to")) {
            return true;
        }
    }
    return false;
}

static void print_targets(const struct fault_ops *ops, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < ARRAY_LEN(target_words); i++) {
        if (ops->targets & target_words[i].bit) {
            buf_printf(out, "%s%s", first ? "" : ", ", target_words[i].words);
            first = false;
        }
    }
    if (selects_traffic(ops) && !(ops->targets & FAULT_PEER)) {
        buf_puts(out, "; peer = NAME narrows it to one far side");
    }
}

/* What the catalogue says of each fault beside its options, in this order. */
static void print_facts(const struct fault_ops *ops, bool markdown, struct buf *out)
{
    struct buf targets CLEANUP(buf_clear) = {0};
    print_targets(ops, &targets);
    const struct {
        const char *name, *text;
    } facts[] = {{"hits", buf_str(&targets)},
                 {"proof", ops->proof},
                 {"needs", ops->needs},
                 {"mechanisms", ops->mechanisms},
                 {"undone", ops->undo}};
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        buf_printf(out, markdown ? "* **%s**: %s\n" : "  %-16s %s\n", facts[i].name, facts[i].text);
    }
}

static void print_one(const struct fault_ops *ops, struct buf *out)
{
    buf_printf(out, "%s: %s\n\n  %s\n\n", ops->name, ops->summary, ops->example);
    print_facts(ops, false, out);
    if (ops->options->type != PARAM_END) {
        buf_puts(out, "\noptions:\n");
        param_print_help(ops->options, out);
    }
}

static void print_list(struct buf *out)
{
    size_t count = 0;
    const struct fault_ops *const *list = fault_list(&count);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "  %-14s %s\n", list[i]->name, list[i]->summary);
    }
    buf_puts(out, "'drill faults NAME' shows an example, targets, options, what proves it and how it is undone\n");
}

static void print_markdown(struct buf *out)
{
    size_t count = 0;
    const struct fault_ops *const *list = fault_list(&count);
    buf_puts(
        out,
        "# Faults\n\n"
        "Written by `drill faults --markdown > docs/faults.md` from the faults' own tables; `ctest -R cli/faults` "
        "fails when the two "
        "differ. How to add one: [adding-a-fault.md](adding-a-fault.md).\n\n"
        "`region`, `host`, `service`, `role` and `control` say what is hit, one name or a list; `peer` says which far side, by "
        "the name of a "
        "region, a host or a service, a list of them, or \"rest\". `ttl = \"30s\"` ends "
        "a fault by itself after that time: its agent takes it away, the report says so, and times count from there as "
        "from a revert.\n\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "* [%s](#%s): %s\n", list[i]->name, list[i]->name, list[i]->summary);
    }
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "\n## %s\n\nTo %s.\n\n    %s\n\n", list[i]->name, list[i]->summary, list[i]->example);
        print_facts(list[i], true, out);
        if (list[i]->options->type != PARAM_END) {
            buf_puts(out, "\n");
            param_print_markdown(list[i]->options, out);
        }
    }
}

static int run_faults(const struct cli_args *args, struct err *err)
{
    const struct faults_options *options = args->options;
    struct buf out CLEANUP(buf_clear) = {0};
    const struct fault_ops *ops = args->word_count ? fault_require(args->words[0], err) : NULL;
    if (args->word_count && !ops) {
        return EXIT_USAGE;
    }
    if (options->markdown) {
        print_markdown(&out);
    } else if (ops) {
        print_one(ops, &out);
    } else {
        print_list(&out);
    }
    fputs(buf_str(&out), stdout);
    return EXIT_PASS;
}

const struct command cmd_faults = {.name = "faults",
                                   .arguments = "[NAME]",
                                   .summary = "the catalogue of faults, or one with its targets and options",
                                   .details = "Lists the faults that a scenario can inject; with a name: an example, what it "
                                              "hits, what proves it, what it needs, by which "
                                              "mechanisms it works, how it is undone, and its options with units and limits.",
                                   .options = faults_options,
                                   .options_size = sizeof(struct faults_options),
                                   .max_words = 1,
                                   .run = run_faults};
