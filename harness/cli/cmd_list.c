/* drill list: the scenarios at hand. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/cli/needs.h"
#include "harness/cli/prepare.h"

static const struct param no_options[] = {{0}};

struct name_list {
    char **items;
    size_t count, capacity;
};

static void name_list_clear(struct name_list *list)
{
    VEC_EACH(name, list)
    {
        free(*name);
    }
    VEC_CLEAR(list);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A scenario that cannot be read is listed with the reason: it is what its author looks for. */
static bool print_scenario(const char *file, struct buf *out)
{
    struct prepared prepared CLEANUP(prepared_clear) = {0};
    struct cli_args none = {0};
    struct err err = {0};
    if (script_load(file, &prepared.script, &err) < 0) {
        buf_printf(out, "%s\n    cannot be read: %s\n", file, err.text);
        return false;
    }
    const struct scenario *scenario = script_scenario(prepared.script);
    struct prepared parts CLEANUP(prepared_clear) = {0};
    buf_printf(out, "%s\n    %s\n", file, scenario->title);
    if (prepare_topology(scenario->topology, &none, &parts, &err) < 0) {
        buf_printf(out, "    its topology cannot be read: %s\n", err.text);
        return false;
    }
    buf_printf(out, "    topology  %s: %s\n", parts.topology->name,
               parts.topology->description ? parts.topology->description : "");
    buf_puts(out, "    needs     ");
    needs_print(parts.topology, out);
    buf_puts(out, "\n");
    buf_printf(out, "    takes     %s%s", scenario->usual ? "about " : "not said by the scenario",
               scenario->usual ? scenario->usual : "");
    if (scenario->sweep.axis_count > 0) {
        buf_printf(out, " each, swept in %zu drills", grid_cells(&scenario->sweep));
    }
    buf_puts(out, "\n");
    return true;
}

static int read_folder(const char *folder, struct name_list *list, struct err *err)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        return err_errno(err, errno, "there is no folder of scenarios '%s'", folder);
    }
    for (struct dirent *item = readdir(dir); item; item = readdir(dir)) {
        if (str_ends_with(item->d_name, ".lua")) {
            *VEC_ADD(list) = xasprintf("%s/%s", folder, item->d_name);
        }
    }
    (void)closedir(dir);
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof(char *), by_name);
    }
    return 0;
}

/* The scenarios here, else those that came with drill. */
static char *default_folder(void)
{
    const char *home = getenv("DRILL_HOME");
    return access("scenarios", R_OK) == 0 ? xstrdup("scenarios") : xasprintf("%s/scenarios", home ? home : DRILL_SOURCE_DIR);
}

static int run(const struct cli_args *args, struct err *err)
{
    AUTO_FREE char *folder = args->word_count ? xstrdup(args->words[0]) : default_folder();
    struct name_list files CLEANUP(name_list_clear) = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    bool all = true;
    if (read_folder(folder, &files, err) < 0) {
        return EXIT_USAGE;
    }
    VEC_EACH(file, &files)
    {
        all = print_scenario(*file, &out) && all;
    }
    if (files.count == 0) {
        buf_printf(&out, "no scenario in '%s': a scenario is a file that ends in .lua\n", folder);
    }
    (void)fputs(buf_str(&out), stdout);
    return all ? EXIT_PASS : EXIT_USAGE;
}

const struct command cmd_list = {
    .name = "list",
    .arguments = "[FOLDER]",
    .summary = "the scenarios at hand: what each does, on which topology, what it needs, how long it takes",
    .details =
        "Lists the scenarios of a folder: of 'scenarios' here, else those that came with drill. A file that is no scenario is "
        "named with the\nreason, and the exit code is 2 then.",
    .options = no_options,
    .max_words = 1,
    .run = run};
