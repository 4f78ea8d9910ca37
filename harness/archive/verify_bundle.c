/* One bundle: what it lists, what is there, who signed it and when. */
#include "harness/archive/verify.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/archive/baginfo.h"
#include "harness/archive/chain.h"
#include "harness/base/cleanup.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

static const char payload_prefix[] = "data/";
static const char signature_name[] = CHAIN_TAGMANIFEST ".sig";
static const char stamp_name[] = CHAIN_TAGMANIFEST ".sig.tsr";

struct bundle_check {
    const char *bundle, *where;
    const struct trust *trust;
    struct findings *findings;
    struct manifest tags, payload;
};

static void bundle_check_clear(struct bundle_check *check)
{
    manifest_clear(&check->tags);
    manifest_clear(&check->payload);
}

#define PROBLEM(check, ...) findings_add((check)->findings, true, (check)->where, __VA_ARGS__)
#define NOTE(check, ...) findings_add((check)->findings, false, (check)->where, __VA_ARGS__)

static bool is_there(const struct bundle_check *check, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/%s", check->bundle, name);
    return access(path, F_OK) == 0;
}

static bool read_list(struct bundle_check *check, const char *name, struct manifest *list)
{
    AUTO_FREE char *path = xasprintf("%s/%s", check->bundle, name);
    struct err err = {0};
    if (manifest_read(path, list, &err) < 0) {
        PROBLEM(check, "%s", err.text);
        return false;
    }
    return true;
}

/* A list may come from anybody: what it names must lie in the bundle. */
static bool is_inside(const char *path)
{
    return path[0] != '/' && !str_starts_with(path, "../") && !strstr(path, "/../") && !str_ends_with(path, "/..");
}

static int64_t check_files(struct bundle_check *check, const struct manifest *list)
{
    int64_t bytes = 0;
    VEC_EACH(line, list)
    {
        AUTO_FREE char *path = xasprintf("%s/%s", check->bundle, line->path);
        char digest[DIGEST_TEXT];
        int64_t size = 0;
        struct err err = {0};
        if (!is_inside(line->path)) {
            PROBLEM(check, "'%s' is listed and not in the bundle", line->path);
        } else if (access(path, F_OK) < 0) {
            PROBLEM(check, "'%s' is missing", line->path);
        } else if (digest_of_file(path, false, digest, &size, &err) < 0) {
            PROBLEM(check, "%s", err.text);
        } else if (!str_eq(digest, line->digest)) {
            PROBLEM(check, "'%s' has been changed", line->path);
        }
        bytes += size;
    }
    return bytes;
}

static bool is_listed(const struct bundle_check *check, const char *path)
{
    if (str_starts_with(path, payload_prefix)) {
        return manifest_find(&check->payload, path) != NULL;
    }
    return manifest_find(&check->tags, path) || str_eq(path, CHAIN_TAGMANIFEST) || str_eq(path, signature_name) ||
           str_eq(path, stamp_name);
}

static void check_unlisted(struct bundle_check *check)
{
    struct tree tree CLEANUP(tree_clear) = {0};
    struct err err = {0};
    if (tree_list(check->bundle, &tree, &err) < 0) {
        PROBLEM(check, "%s", err.text);
    }
    VEC_EACH(entry, &tree)
    {
        if (!entry->is_folder && !is_listed(check, entry->path)) {
            PROBLEM(check, "'%s' was added: no manifest lists it", entry->path);
        }
    }
}

/* What makes it a bag, and what the signature is to cover. */
static void check_required(struct bundle_check *check)
{
    static const char *const required[] = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt"};
    for (size_t i = 0; i < ARRAY_LEN(required); i++) {
        if (!manifest_find(&check->tags, required[i])) {
            PROBLEM(check, "the tagmanifest does not list '%s'", required[i]);
        }
    }
}

static void check_oxum(struct bundle_check *check, int64_t bytes)
{
    AUTO_FREE char *said = baginfo_value(check->bundle, "Payload-Oxum");
    AUTO_FREE char *found = xasprintf("%lld.%zu", (long long)bytes, check->payload.count);
    if (!str_eq(said, found)) {
        PROBLEM(check, "Payload-Oxum is %s, expected %s (bytes.files)", said ? said : "missing", found);
    }
}

/* "2026-02-10T10:15:00.000Z" as ssh-keygen takes it. Only the bundle's own word, until a timestamp proves it. */
static void sealed_time(const struct bundle_check *check, char out[static 32])
{
    AUTO_FREE char *sealed = baginfo_value(check->bundle, "Drill-Sealed");
    size_t length = 0;
    for (const char *at = sealed; at && *at && *at != '.' && length < 14; at++) {
        if (*at >= '0' && *at <= '9') {
            out[length++] = *at;
        }
    }
    (void)str_copy(out + length, 32 - length, "Z");
}

/* True when a token proves the time of signing. */
static bool check_stamp(struct bundle_check *check, const char *file, char time[static 32])
{
    struct err err = {0};
    char stamped[32];
    if (!is_there(check, stamp_name)) {
        if (check->trust->timestamp_ca) {
            PROBLEM(check, "it has no timestamp");
        }
        return false;
    }
    if (signature_check_stamp(file, check->trust, stamped, &err) < 0) {
        PROBLEM(check, "%s", err.text);
        return false;
    }
    if (!check->trust->timestamp_ca) {
        NOTE(check, "it has a timestamp, which was not checked: give --timestamp-ca");
        return false;
    }
    (void)str_copy(time, 32, stamped);
    return true;
}

static const char *namespace_of(const struct bundle_check *check)
{
    AUTO_FREE char *kind = baginfo_value(check->bundle, "Drill-Bundle");
    return bundle_namespace(str_eq(kind, "review") ? BUNDLE_REVIEW : BUNDLE_RESULT);
}

static void check_signature(struct bundle_check *check)
{
    AUTO_FREE char *file = xasprintf("%s/" CHAIN_TAGMANIFEST, check->bundle);
    AUTO_FREE char *said = baginfo_value(check->bundle, "Drill-Signature"), *signer = NULL;
    char time[32];
    struct err err = {0};
    bool promised = said && !str_eq(said, "none");
    if (!is_there(check, signature_name)) {
        if (promised) {
            PROBLEM(check, "its signature was removed: bag-info.txt says that it was signed");
        } else if (check->trust->allowed_signers) {
            PROBLEM(check, "it is not signed");
        }
        return;
    }
    sealed_time(check, time);
    bool proven = check_stamp(check, file, time);
    if (signature_check(file, namespace_of(check), check->trust, time, &signer, &err) < 0) {
        PROBLEM(check, "%s", err.text);
    } else if (!check->trust->allowed_signers) {
        NOTE(check, "signed by the key %s; whose key that is was not checked: give --allowed-signers", signer);
    } else {
        NOTE(check, "signed by %s%s", signer, proven ? ", at a time that its timestamp proves" : "");
    }
}

void verify_bundle(const char *bundle, const char *where, const struct trust *trust, struct findings *findings)
{
    struct bundle_check check CLEANUP(bundle_check_clear) = {
        .bundle = bundle, .where = where, .trust = trust, .findings = findings};
    if (!read_list(&check, CHAIN_TAGMANIFEST, &check.tags) || !read_list(&check, "manifest-sha256.txt", &check.payload)) {
        return;
    }
    check_required(&check);
    (void)check_files(&check, &check.tags);
    check_oxum(&check, check_files(&check, &check.payload));
    check_unlisted(&check);
    check_signature(&check);
}
