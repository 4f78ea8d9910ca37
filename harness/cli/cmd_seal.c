/* drill seal: what killed drills left is made part of the archive now, rather than by the next drill. */
#include <stdio.h>

#include "harness/archive/running.h"
#include "harness/base/vec.h"
#include "harness/cli/cli.h"
#include "harness/cli/sealing.h"

struct seal_options {
    char *sign_key, *timestamp_url;
    int64_t retain;
};

static const struct param table[] = {
    {"sign-key", PARAM_STRING, offsetof(struct seal_options, sign_key), .unit_hint = "file",
     .help = "ssh key that signs what is sealed; default $DRILL_SIGN_KEY"},
    {"timestamp-url", PARAM_STRING, offsetof(struct seal_options, timestamp_url), .unit_hint = "URL",
     .help = "RFC 3161 service that dates the signature; default $DRILL_TIMESTAMP_URL"},
    {"retain", PARAM_INTEGER, offsetof(struct seal_options, retain), 0, 100, "6", .unit_hint = "years",
     .help = "how long the bundle says that it is to be kept"},
    {0},
};

static int tell_rest(const char *archive, struct err *err)
{
    struct running_list list CLEANUP(running_list_clear) = {0};
    size_t left = 0, owned = 0;
    if (running_read(archive, &list, err) < 0) {
        return EXIT_ARCHIVE;
    }
    VEC_EACH(item, &list)
    {
        owned += item->is_owned;
        left += !item->is_owned;
    }
    printf("%s: %zu not sealed, %zu running\n", archive, left, owned);
    return left ? EXIT_ARCHIVE : EXIT_PASS;
}

static int run(const struct cli_args *args, struct err *err)
{
    const struct seal_options *options = args->options;
    const struct sealing_settings settings = {.archive = args->word_count ? args->words[0] : "archive",
                                              .sign_key = options->sign_key,
                                              .timestamp_url = options->timestamp_url,
                                              .retain_years = options->retain};
    if (sealing_leftovers(&settings, err) < 0) {
        return cli_exit_code(err);
    }
    return tell_rest(settings.archive, err);
}

const struct command cmd_seal = {
    .name = "seal",
    .arguments = "[ARCHIVE]",
    .summary = "seal what interrupted drills have left in an archive",
    .details =
        "A drill that was killed leaves its evidence unsealed, and one that was killed while sealing a bundle half way. The next "
        "drill\n"
        "into the archive measures and seals it; this does it without a drill. Exit 6 when something could not be sealed.",
    .options = table,
    .options_size = sizeof(struct seal_options),
    .max_words = 1,
    .run = run,
};
