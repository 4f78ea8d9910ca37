/* Renames in an order that can be cut anywhere. */
#include "harness/archive/commit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/archive/archive_internal.h"
#include "harness/archive/chain.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

void commit_step(const struct commit *commit, const char *step)
{
    if (commit->at_step) {
        commit->at_step(commit->context, step);
    }
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

int commit_begin(struct commit *commit, struct err *err)
{
    int status = fd_remove_tree(commit->staging, err);
    if (status == 0) {
        commit_step(commit, "staging folder");
        status = fd_make_dirs(commit->staging, 0755, err);
    }
    return status;
}

void commit_take_back(struct commit *commit)
{
    struct err ignored = {0};
    AUTO_FREE char *data = xasprintf("%s/data", commit->staging);
    AUTO_FREE char *entry = xasprintf("%s" COMMIT_ENTRY, commit->payload);
    if (!is_there(data) && is_there(commit->payload)) {
        (void)unlink(entry);
        (void)!fd_remove_tree(commit->staging, &ignored); /* what stays is taken away by the next sealing */
    }
}

void commit_clear(struct commit *commit)
{
    free(commit->staging);
    free(commit->path);
}

static int move(const char *from, const char *to, struct err *err)
{
    if (rename(from, to) < 0) {
        return err_errno(err, errno, "cannot move '%s' to '%s'", from, to);
    }
    return 0;
}

static int write_entry(struct commit *commit, struct err *err)
{
    char digest[DIGEST_TEXT];
    AUTO_FREE char *file = xasprintf("%s/" CHAIN_TAGMANIFEST, commit->staging);
    AUTO_FREE char *entry = xasprintf("%s" COMMIT_ENTRY, commit->payload);
    int status = digest_of_file(file, true, digest, NULL, err);
    if (status < 0) {
        return status;
    }
    AUTO_FREE char *line = xasprintf("%s  %s/" CHAIN_TAGMANIFEST "\n", digest, commit->path);
    return fd_write_file_atomic(entry, line, strlen(line), err);
}

static int take_payload(struct commit *commit, struct err *err)
{
    AUTO_FREE char *data = xasprintf("%s/data", commit->staging);
    if (is_there(data)) {
        return 0;
    }
    int status = move(commit->payload, data, err);
    return status < 0 ? status : tree_sync_folder(commit->staging, err);
}

/* The folders above it are on the disk before anything is in them. */
static int sync_above(const struct commit *commit, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", commit->archive, commit->path);
    int status = 0;
    for (int level = 0; status == 0 && level < 3; level++) {
        *strrchr(path, '/') = '\0';
        status = tree_sync_folder(path, err);
    }
    return status;
}

static int put_in_place(struct commit *commit, struct err *err)
{
    AUTO_FREE char *place = xasprintf("%s/%s", commit->archive, commit->path);
    AUTO_FREE char *above = xasprintf("%.*s", (int)(strrchr(place, '/') - place), place);
    if (!is_there(commit->staging)) {
        return 0; /* a killed process had come further */
    }
    int status = fd_make_dirs(above, 0755, err);
    if (status == 0) {
        status = sync_above(commit, err);
    }
    if (status == 0) {
        status = move(commit->staging, place, err);
    }
    return status < 0 ? status : tree_sync_folder(above, err);
}

static int enter(struct commit *commit, struct err *err)
{
    struct manifest ledger CLEANUP(manifest_clear) = {0};
    AUTO_FREE char *entry = xasprintf("%s" COMMIT_ENTRY, commit->payload);
    AUTO_FREE char *name = xasprintf("%s/" CHAIN_TAGMANIFEST, commit->path);
    AUTO_FREE char *line = NULL;
    int status = fd_read_file(entry, BUF_MAX_BYTES, &line, NULL, err);
    if (status == 0) {
        status = chain_read(commit->archive, &ledger, err);
    }
    if (status == 0 && !manifest_find(&ledger, name)) {
        status = chain_append(commit->archive, line, err);
    }
    commit_step(commit, "entry removed");
    if (status == 0 && unlink(entry) < 0) {
        status = err_errno(err, errno, "cannot remove '%s'", entry);
    }
    return status;
}

/* From the entry on, whoever it is that goes on. */
static int go_on(struct commit *commit, struct err *err)
{
    commit_step(commit, "payload moved");
    int status = take_payload(commit, err);
    if (status == 0) {
        commit_step(commit, "in place");
        status = put_in_place(commit, err);
    }
    if (status == 0) {
        commit_step(commit, "ledger");
        status = enter(commit, err);
    }
    return status;
}

int commit_all(struct commit *commit, struct err *err)
{
    commit_step(commit, "entry");
    int status = write_entry(commit, err);
    return status < 0 ? status : go_on(commit, err);
}

static int finish_entry(const char *archive, const char *entry, struct err *err)
{
    struct manifest lines CLEANUP(manifest_clear) = {0};
    AUTO_FREE char *payload = xasprintf("%.*s", (int)(strlen(entry) - strlen(COMMIT_ENTRY)), entry);
    int status = manifest_read(entry, &lines, err);
    if (status < 0 || lines.count != 1) {
        return status < 0 ? status : err_set(err, ERR_INPUT, "'%s': expected one line", entry);
    }
    struct commit commit CLEANUP(commit_clear) = {.archive = archive,
                                                  .payload = payload,
                                                  .staging = xasprintf("%s" COMMIT_STAGING, payload),
                                                  .path = chain_bundle_of(&lines.items[0])};
    AUTO_FREE char *place = xasprintf("%s/%s", archive, commit.path);
    if (!archive_is_bundle_path(commit.path) || (!is_there(commit.staging) && !is_there(place))) {
        return err_set(err, ERR_STATE, "'%s' speaks of a bundle that is nowhere: look what became of it, then remove the file",
                       entry);
    }
    if (!is_there(commit.staging)) {
        return enter(&commit, err);
    }
    return go_on(&commit, err);
}

int commit_finish_interrupted(const char *archive, struct err *err)
{
    struct tree left CLEANUP(tree_clear) = {0};
    AUTO_FREE char *running = xasprintf("%s/" ARCHIVE_RUNNING, archive);
    int status = tree_list_flat(running, &left, err);
    VEC_EACH(item, &left)
    {
        AUTO_FREE char *path = xasprintf("%s/%s", running, item->path);
        if (status == 0 && item->is_file && str_ends_with(item->path, COMMIT_ENTRY)) {
            status = finish_entry(archive, path, err);
        } else if (status == 0 && item->is_folder && str_ends_with(item->path, COMMIT_STAGING)) {
            status = is_there(path) ? fd_remove_tree(path, err) : 0;
        }
    }
    return status;
}
