/* An archive: how its bundles hang together. */
#include "harness/archive/verify.h"

#include <string.h>
#include <unistd.h>

#include "harness/archive/archive.h"
#include "harness/archive/archive_internal.h"
#include "harness/archive/baginfo.h"
#include "harness/archive/chain.h"
#include "harness/archive/commit.h"
#include "harness/archive/running.h"
#include "harness/base/cleanup.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

struct archive_check {
    const char *archive;
    const struct trust *trust;
    struct findings *findings;
    struct manifest ledger;
    struct archive_list drills;
};

static void archive_check_clear(struct archive_check *check)
{
    manifest_clear(&check->ledger);
    archive_list_clear(&check->drills);
}

#define PROBLEM(check, where, ...) findings_add((check)->findings, true, (where), __VA_ARGS__)
#define NOTE(check, where, ...) findings_add((check)->findings, false, (where), __VA_ARGS__)

/* "2026/Q1/0007-x" of a bundle's path. */
static const char *name_in(const struct archive_check *check, const char *bundle)
{
    return bundle + strlen(check->archive) + 1;
}

typedef void each_bundle_f(struct archive_check *check, const char *bundle);

static void each_bundle(struct archive_check *check, each_bundle_f *each)
{
    VEC_EACH(drill, &check->drills)
    {
        if (drill->plan) {
            each(check, drill->plan);
        }
        if (drill->result) {
            each(check, drill->result);
        }
        for (size_t i = 0; i < drill->review_count; i++) {
            each(check, drill->reviews[i]);
        }
    }
}

static void check_one(struct archive_check *check, const char *bundle)
{
    verify_bundle(bundle, name_in(check, bundle), check->trust, check->findings);
}

static bool is_pending(const struct archive_check *check, const char *name)
{
    struct tree tree CLEANUP(tree_clear) = {0};
    AUTO_FREE char *running = xasprintf("%s/" ARCHIVE_RUNNING, check->archive);
    struct err ignored = {0};
    bool found = false;
    if (tree_list_flat(running, &tree, &ignored) < 0) {
        return false;
    }
    VEC_EACH(item, &tree)
    {
        struct manifest line CLEANUP(manifest_clear) = {0};
        AUTO_FREE char *path = xasprintf("%s/%s", running, item->path);
        if (str_ends_with(item->path, COMMIT_ENTRY) && manifest_read(path, &line, &ignored) == 0 && line.count == 1) {
            AUTO_FREE char *pending = chain_bundle_of(&line.items[0]);
            found |= str_eq(pending, name);
        }
    }
    return found;
}

static void check_entered(struct archive_check *check, const char *bundle)
{
    const char *name = name_in(check, bundle);
    AUTO_FREE char *line = xasprintf("%s/" CHAIN_TAGMANIFEST, name);
    if (manifest_find(&check->ledger, line)) {
        return;
    }
    if (is_pending(check, name)) {
        PROBLEM(check, name,
                "its sealing was interrupted before it was entered into LEDGER: the next drill finishes it, or drill seal");
    } else {
        PROBLEM(check, name, "it was added: LEDGER does not know it");
    }
}

/* LEDGER against what is there. */
static void check_ledger_line(struct archive_check *check, const struct manifest_line *line)
{
    AUTO_FREE char *path = xasprintf("%s/%s", check->archive, line->path);
    AUTO_FREE char *bundle = chain_bundle_of(line);
    char digest[DIGEST_TEXT];
    struct err err = {0};
    if (!archive_is_bundle_path(bundle)) {
        PROBLEM(check, "LEDGER", "'%s' is no bundle of an archive", line->path);
    } else if (access(path, F_OK) < 0) {
        PROBLEM(check, bundle, "it was removed: LEDGER has it");
    } else if (digest_of_file(path, false, digest, NULL, &err) < 0) {
        PROBLEM(check, bundle, "%s", err.text);
    } else if (!str_eq(digest, line->digest)) {
        PROBLEM(check, bundle, "it was sealed again: LEDGER has another hash of it");
    }
}

/* Each bundle must name the one that LEDGER has before it: that is the order which reordering lines of LEDGER cannot change. */
static void check_link(struct archive_check *check, const struct manifest_line *line, const struct manifest_line *before)
{
    struct buf wanted CLEANUP(buf_clear) = {0};
    struct manifest link CLEANUP(manifest_clear) = {0};
    AUTO_FREE char *bundle = chain_bundle_of(line);
    AUTO_FREE char *path = xasprintf("%s/%s/previous-sha256.txt", check->archive, bundle);
    AUTO_FREE char *folder = xasprintf("%s/%s", check->archive, bundle);
    struct err err = {0};
    bool linked = access(path, F_OK) == 0;
    if (access(folder, F_OK) < 0) {
        return; /* told already */
    }
    if (!before) {
        if (linked) {
            PROBLEM(check, bundle, "it is the first in LEDGER and names one before it: the beginning of the archive was removed");
        }
        return;
    }
    if (!linked || manifest_read(path, &link, &err) < 0 || link.count != 1) {
        PROBLEM(check, bundle, "it does not name the bundle before it");
        return;
    }
    chain_print_previous(before, &wanted);
    AUTO_FREE char *found = xasprintf("%s  %s\n", link.items[0].digest, link.items[0].path);
    if (!str_eq(found, buf_str(&wanted))) {
        AUTO_FREE char *other = chain_bundle_of(before);
        PROBLEM(check, bundle, "it was sealed after '%s', and LEDGER has '%s' before it: a bundle was removed, changed or moved",
                link.items[0].path, other);
    }
}

static void check_ledger(struct archive_check *check)
{
    const struct manifest_line *before = NULL;
    VEC_EACH(line, &check->ledger)
    {
        check_ledger_line(check, line);
        check_link(check, line, before);
        before = line;
    }
}

/* Its place must be the one that it was sealed for. */
static void check_place(struct archive_check *check, const char *bundle)
{
    struct archive_name name = {0};
    AUTO_FREE char *number = baginfo_value(bundle, "Drill-Sequence");
    AUTO_FREE char *kind = baginfo_value(bundle, "Drill-Bundle");
    (void)archive_parse_name(strrchr(bundle, '/') + 1, &name);
    if (!number || strtoll(number, NULL, 10) != name.number || !str_eq(kind, bundle_kind_name(name.kind))) {
        PROBLEM(check, name_in(check, bundle), "it was sealed as %s %s, and lies in another's place", kind ? kind : "something",
                number ? number : "without a number");
    }
}

static bool is_running(const struct running_list *running, const char *id, bool *ret_owned)
{
    VEC_EACH(item, running)
    {
        if (str_eq(item->id, id)) {
            *ret_owned = item->is_owned;
            return true;
        }
    }
    return false;
}

static void check_plan_has_result(struct archive_check *check, const struct archive_drill *drill,
                                  const struct running_list *running)
{
    AUTO_FREE char *where = xasprintf("%s/%s", drill->quarter, drill->name);
    bool owned = false;
    if (!drill->plan) {
        PROBLEM(check, where, "it has no plan bundle");
    }
    if (drill->result) {
        return;
    }
    if (!is_running(running, drill->id, &owned)) {
        PROBLEM(check, where, "it has a plan and no result: it was not reported, or the result was removed");
    } else if (owned) {
        NOTE(check, where, "it runs");
    } else {
        PROBLEM(check, where, "it was interrupted and is not sealed: the next drill into this archive does it, or drill seal");
    }
}

static int check_drills(struct archive_check *check, struct err *err)
{
    struct running_list running CLEANUP(running_list_clear) = {0};
    int64_t expected = 1;
    int status = running_read(check->archive, &running, err);
    VEC_EACH(drill, &check->drills)
    {
        for (; expected < drill->number; expected++) {
            PROBLEM(check, "archive", "there is no drill %lld", (long long)expected);
        }
        if (drill->number < expected) {
            PROBLEM(check, "archive", "two drills have the number %lld", (long long)drill->number);
        }
        expected = drill->number + 1;
        check_plan_has_result(check, drill, &running);
    }
    return status;
}

int verify_archive(const char *archive, const struct trust *trust, struct findings *findings, struct err *err)
{
    struct archive_check check CLEANUP(archive_check_clear) = {.archive = archive, .trust = trust, .findings = findings};
    if (archive_read(archive, &check.drills, err) < 0) {
        return -err->code;
    }
    if (check.drills.count == 0 && access(archive, F_OK) < 0) {
        return err_set(err, ERR_INPUT, "there is no archive '%s'", archive);
    }
    if (chain_read(archive, &check.ledger, err) < 0) {
        PROBLEM(&check, "LEDGER", "%s", err->text);
        *err = (struct err){0};
    }
    each_bundle(&check, check_one);
    each_bundle(&check, check_entered);
    each_bundle(&check, check_place);
    check_ledger(&check);
    return check_drills(&check, err);
}
