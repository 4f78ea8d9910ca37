/* drill review: a draft to fill in, then a bundle of its own beside the drill. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/archive/archive.h"
#include "harness/archive/bundle.h"
#include "harness/base/clock.h"
#include "harness/base/digest.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/cli/cli.h"
#include "harness/evidence/scrub.h"
#include "harness/cli/lookup.h"
#include "harness/programme/review.h"

struct review_options {
    char *archive, *file, *key, *timestamp_url;
    int64_t retain_years;
    bool seal;
};

static const struct param table[] = {
    {"archive", PARAM_STRING, offsetof(struct review_options, archive), .fallback = "archive", .help = "folder of all drills"},
    {"file", PARAM_STRING, offsetof(struct review_options, file), .unit_hint = "file",
     .help = "the draft; default review-DRILL.yaml in this folder"},
    {"seal", PARAM_BOOL, offsetof(struct review_options, seal), .help = "check the filled-in draft and seal it into the archive"},
    {"review-key", PARAM_STRING, offsetof(struct review_options, key), .unit_hint = "file",
     .help = "the reviewer's own ssh key; default $DRILL_REVIEW_KEY; without one it is not signed"},
    {"timestamp-url", PARAM_STRING, offsetof(struct review_options, timestamp_url), .unit_hint = "url",
     .help = "RFC 3161 service that dates the signature; default $DRILL_TIMESTAMP_URL"},
    {"retain", PARAM_INTEGER, offsetof(struct review_options, retain_years), 0, 100, "6", .unit_hint = "years",
     .help = "how long the bundle says that it must be kept"},
    {0},
};

static int write_draft(const struct past_drill *drill, const char *file, struct err *err)
{
    struct buf draft CLEANUP(buf_clear) = {0};
    if (access(file, F_OK) == 0) {
        return err_set(err, ERR_STATE, "'%s' is there already: fill it in and seal it with 'drill review %lld --seal'", file,
                       (long long)drill->number);
    }
    review_template(drill, &draft);
    int status = fd_write_file_atomic(file, buf_str(&draft), draft.size, err);
    if (status == 0) {
        printf("%s: fill it in, then 'drill review %lld --seal'\n", file, (long long)drill->number);
    }
    return status;
}

/* The review says which sealed result it is about. */
static void link_result(const struct past_drill *drill, json_t *values)
{
    AUTO_JSON json_t *link = lookup_link(drill);
    json_object_set_new(values, "name", json_string(drill->name));
    json_object_set(values, "result_tagmanifest_sha256", json_object_get(link, "tagmanifest_sha256"));
}

static int write_payload(const struct review *review, const char *folder, struct err *err)
{
    AUTO_FREE char *json = xasprintf("%s/review.json", folder), *yaml = xasprintf("%s/review.yaml", folder);
    int status = json_write_file(json, review->values, err);
    return status < 0 ? status : fd_write_file_atomic(yaml, review->text, review->size, err);
}

static const char *or_env(const char *value, const char *name)
{
    const char *env = secure_getenv(name);
    return value ? value : env && *env ? env : NULL;
}

static int seal(const struct review_options *options, const struct past_drill *drill, const char *file, struct err *err)
{
    struct review review CLEANUP(review_clear) = {0};
    struct redactor *redactor CLEANUP(redactor_cleanup) = redactor_new();
    AUTO_FREE char *folder = NULL, *path = NULL, *warning = NULL;
    AUTO_FREE char *name = xasprintf("review-%s-%d", drill->name, (int)getpid());
    int status = review_read(file, drill, &review, err);
    if (status == 0) {
        link_result(drill, review.values);
        status = archive_working_folder(options->archive, name, &folder, err);
    }
    if (status == 0) {
        status = write_payload(&review, folder, err);
    }
    if (status == 0) {
        status = scrub_folder(redactor, folder, err);
    }
    if (status < 0) {
        return status;
    }
    struct bundle_request request = {.archive = options->archive,
                                     .kind = BUNDLE_REVIEW,
                                     .payload = folder,
                                     .drill_id = drill->id,
                                     .scenario = drill->scenario,
                                     .title = drill->title,
                                     .started_utc_ns = drill->started_utc_ns,
                                     .retain_years = options->retain_years,
                                     .signing = {.key = or_env(options->key, "DRILL_REVIEW_KEY"),
                                                 .timestamp_url = or_env(options->timestamp_url, "DRILL_TIMESTAMP_URL")}};
    if (!request.signing.key) {
        request.signing.timestamp_url = NULL; /* a timestamp is taken of a signature */
    }
    status = bundle_seal(&request, &path, &warning, err);
    if (status == 0) {
        printf("%s: sealed%s%s%s\n", path, request.signing.key ? " and signed" : ", not signed (--review-key)",
               warning ? "; " : "", warning ? warning : "");
    }
    return status;
}

static int run(const struct cli_args *args, struct err *err)
{
    const struct review_options *options = args->options;
    struct history history CLEANUP(history_clear) = {0};
    const struct past_drill *drill = NULL;
    if (history_read(options->archive, &history, err) < 0 ||
        lookup_drill(options->archive, &history, args->words[0], &drill, err) < 0) {
        return EXIT_USAGE;
    }
    AUTO_FREE char *file = options->file ? xstrdup(options->file) : xasprintf("review-%s.yaml", drill->name);
    if (!options->seal) {
        return write_draft(drill, file, err) < 0 ? EXIT_USAGE : EXIT_PASS;
    }
    int status = seal(options, drill, file, err);
    return status == 0 ? EXIT_PASS : err->code == ERR_INPUT ? EXIT_USAGE : EXIT_ARCHIVE;
}

const struct command cmd_review = {
    .name = "review",
    .arguments = "DRILL",
    .summary = "write a review's draft for a drill, or seal the filled-in one beside it",
    .details =
        "Without --seal it writes a draft: missed objectives and findings to confirm, actions, accepted risks, sign-offs. With "
        "--seal it\n"
        "checks the draft (reviewer and operator are two people; a failed drill needs an action or an accepted risk) and seals "
        "it as a\n"
        "bundle of its own, signed by the reviewer's key. The newest review says how the actions stand.",
    .options = table,
    .options_size = sizeof(struct review_options),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
