/* drill verify: whether an archive, a bundle or a folder is what it was, and whether its figures follow from its evidence. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/archive/archive.h"
#include "harness/archive/verify.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/cli/cli.h"
#include "harness/cli/recompute.h"

struct verify_options {
    char *archive, *allowed_signers, *signer, *timestamp_ca;
};

static const struct param table[] = {
    {"archive", PARAM_STRING, offsetof(struct verify_options, archive), .fallback = "archive",
     .help = "what is checked without a word, and where a number, a name or a drill id is looked for"},
    {"allowed-signers", PARAM_STRING, offsetof(struct verify_options, allowed_signers), .unit_hint = "file",
     .help = "whose signatures are believed (ssh-keygen(1)); get it by another road than the archive"},
    {"signer", PARAM_STRING, offsetof(struct verify_options, signer), .unit_hint = "identity",
     .help = "who of them must have signed plans and results; default: any"},
    {"timestamp-ca", PARAM_STRING, offsetof(struct verify_options, timestamp_ca), .unit_hint = "file",
     .help = "PEM certificates of the timestamp service"},
    {0},
};

struct verifying {
    struct trust trust;
    struct findings findings;
    size_t bundles;
};

static bool has(const char *folder, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static void verify_drill(struct verifying *verifying, const struct archive_drill *drill)
{
    AUTO_FREE char *where = xasprintf("%s/%s", drill->quarter, drill->name);
    verifying->bundles += (drill->plan != NULL) + (drill->result != NULL) + drill->review_count;
    if (drill->result) {
        recompute_check(drill->evidence, where, &verifying->findings);
    }
}

static int verify_whole(struct verifying *verifying, const char *archive, struct err *err)
{
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    int status = verify_archive(archive, &verifying->trust, &verifying->findings, err);
    if (status == 0) {
        status = archive_read(archive, &list, err);
    }
    VEC_EACH(drill, &list)
    {
        if (status == 0) {
            verify_drill(verifying, drill);
        }
    }
    return status;
}

static int verify_one(struct verifying *verifying, const char *bundle)
{
    AUTO_FREE char *data = xasprintf("%s/data", bundle);
    verify_bundle(bundle, bundle, &verifying->trust, &verifying->findings);
    findings_add(&verifying->findings, false, bundle, "only this bundle was checked: verify the archive for its place in it");
    if (has(data, "events.jsonl")) {
        recompute_check(data, bundle, &verifying->findings);
    }
    verifying->bundles++;
    return 0;
}

static int verify_word(struct verifying *verifying, const char *archive, const char *word, struct err *err)
{
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    const struct archive_drill *drill = NULL;
    int status = archive_read(archive, &list, err);
    if (status == 0) {
        status = archive_find(&list, word, &drill, err);
    }
    if (status < 0) {
        return status;
    }
    const char *bundle = drill->result ? drill->result : drill->plan;
    return bundle ? verify_one(verifying, bundle)
                  : err_set(err, ERR_INPUT, "the drill %s has neither plan nor result", drill->name);
}

static int verify(struct verifying *verifying, const char *archive, const char *word, struct err *err)
{
    if (!is_folder(word)) {
        return verify_word(verifying, archive, word, err);
    }
    if (has(word, "bagit.txt")) {
        return verify_one(verifying, word);
    }
    if (has(word, "events.jsonl")) {
        findings_add(&verifying->findings, false, word, "a plain folder: it is not sealed, only its figures were checked");
        recompute_check(word, word, &verifying->findings);
        return 0;
    }
    return verify_whole(verifying, word, err);
}

static int tell(const struct verifying *verifying)
{
    size_t problems = findings_problems(&verifying->findings);
    VEC_EACH(finding, &verifying->findings)
    {
        printf("%s %s: %s\n", finding->is_problem ? "PROBLEM" : "note   ", finding->where, finding->text);
    }
    if (verifying->bundles) {
        printf("%zu bundle%s: ", verifying->bundles, verifying->bundles == 1 ? "" : "s");
    }
    if (problems) {
        printf("%zu problem%s\n", problems, problems == 1 ? "" : "s");
    } else {
        printf("as they were sealed, and every figure follows from the evidence\n");
    }
    int code = problems ? EXIT_ARCHIVE : EXIT_PASS;
    printf("exit %d: %s\n", code, problems ? cli_exit_words(code) : "verified");
    return code;
}

static int readable(const char *path, struct err *err)
{
    return !path || access(path, R_OK) == 0 ? 0 : err_set(err, ERR_INPUT, "cannot read '%s'", path);
}

static int run(const struct cli_args *args, struct err *err)
{
    const struct verify_options *options = args->options;
    struct verifying verifying = {
        .trust = {.allowed_signers = options->allowed_signers, .signer = options->signer, .timestamp_ca = options->timestamp_ca}};
    const char *word = args->word_count ? args->words[0] : options->archive;
    int status = readable(options->allowed_signers, err);
    if (status == 0) {
        status = readable(options->timestamp_ca, err);
    }
    if (status == 0 && options->signer && !options->allowed_signers) {
        status = err_set(err, ERR_INPUT, "--signer needs --allowed-signers: a name without a key proves nothing");
    }
    if (status == 0) {
        status = verify(&verifying, options->archive, word, err);
    }
    int code = status < 0 ? EXIT_USAGE : tell(&verifying);
    findings_clear(&verifying.findings);
    return code;
}

const struct command cmd_verify = {
    .name = "verify",
    .arguments = "[ARCHIVE|DRILL]",
    .summary = "check hashes, signatures and chain, and every figure against the evidence",
    .details =
        "Does what README-VERIFY.txt of an archive says (hashes, files that no manifest lists, signatures, timestamps, the "
        "chain, "
        "LEDGER),\n"
        "and measures every drill again: each figure of its report must follow from its evidence. The word is an archive, a "
        "bundle,\n"
        "a folder of evidence, or a drill of --archive by number, name or id. Exit 6 names each problem.",
    .options = table,
    .options_size = sizeof(struct verify_options),
    .max_words = 1,
    .run = run,
};
