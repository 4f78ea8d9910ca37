/* drill retest: an earlier drill again, and the link between the two. */
#include <string.h>

#include "harness/base/str.h"
#include "harness/cli/cmd_run.h"
#include "harness/cli/lookup.h"
#include "harness/evidence/redact.h"

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
    int code = take_sets(args, earlier, &again, err) < 0 ? EXIT_USAGE : run_drills(file, &again, link, err);
    free(again.sets);
    return code;
}

const struct command cmd_retest = {
    .name = "retest",
    .arguments = "DRILL [SCENARIO.lua]",
    .summary = "run an earlier drill of the archive again and link the two",
    .details =
        "Runs the scenario of an earlier drill again, with the --set values that it had, from the file that it named or the "
        "one given. The\n"
        "result names the earlier drill and what it came to. DRILL is a number, a name or an id of the archive.",
    .options = run_table,
    .options_size = sizeof(struct run_options),
    .min_words = 1,
    .max_words = 2,
    .takes_set = true,
    .run = retest,
};
