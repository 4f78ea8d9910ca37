/* Walking folders. */
#include "harness/base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/vec.h"

static void fts_end(FTS *walk)
{
    if (walk) {
        (void)fts_close(walk);
    }
}
DEFINE_CLEANUP(FTS *, fts, fts_end)

static int compare_entries(const void *a, const void *b)
{
    const struct tree_entry *left = a, *right = b;
    return strcmp(left->path, right->path);
}

static void add(struct tree *tree, const char *path, int info)
{
    *VEC_ADD(tree) = (struct tree_entry){.path = xstrdup(path), .is_folder = info == FTS_D, .is_file = info == FTS_F};
}

static int walk_all(FTS *walk, size_t skip, bool flat, struct tree *tree, struct err *err)
{
    errno = 0;
    for (FTSENT *entry; (entry = fts_read(walk)); errno = 0) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
            return err_errno(err, entry->fts_errno, "cannot list '%s'", entry->fts_path);
        }
        if (entry->fts_level == FTS_ROOTLEVEL || entry->fts_info == FTS_DP) {
            continue;
        }
        add(tree, entry->fts_path + skip, entry->fts_info);
        if (flat && entry->fts_info == FTS_D) {
            (void)fts_set(walk, entry, FTS_SKIP);
        }
    }
    return errno ? err_errno(err, errno, "cannot list folders") : 0;
}

static int list(const char *folder, bool flat, struct tree *ret_tree, struct err *err)
{
    char *const paths[] = {(char *)folder, NULL};
    struct tree tree CLEANUP(tree_clear) = {0};
    FTS *walk CLEANUP(fts_cleanup) = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) {
        return err_errno(err, errno, "cannot list '%s'", folder);
    }
    size_t length = strlen(folder), skip = length && folder[length - 1] == '/' ? length : length + 1;
    int status = walk_all(walk, skip, flat, &tree, err);
    if (status < 0) {
        return status;
    }
    if (tree.count) {
        qsort(tree.items, tree.count, sizeof(*tree.items), compare_entries);
    }
    *ret_tree = tree;
    tree = (struct tree){0};
    return 0;
}

int tree_list(const char *folder, struct tree *ret_tree, struct err *err)
{
    return list(folder, false, ret_tree, err);
}

int tree_list_flat(const char *folder, struct tree *ret_tree, struct err *err)
{
    if (access(folder, F_OK) < 0 && errno == ENOENT) {
        *ret_tree = (struct tree){0};
        return 0;
    }
    return list(folder, true, ret_tree, err);
}

void tree_clear(struct tree *tree)
{
    VEC_EACH(entry, tree)
    {
        free(entry->path);
    }
    VEC_CLEAR(tree);
}

int tree_sync_folder(const char *folder, struct err *err)
{
    AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return err_errno(err, errno, "cannot write the folder '%s' to disk", folder);
    }
    return 0;
}
