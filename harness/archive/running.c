/* Locks on drills that are not sealed. */
#include "harness/archive/running.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/archive/archive_internal.h"
#include "harness/archive/commit.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

enum { YOUNG_S = 60 }; /* a drill makes its folder and claims it a moment later */

static char *lock_path(const char *archive, const char *id)
{
    return xasprintf("%s/" ARCHIVE_RUNNING "/%s.lock", archive, id);
}

int running_claim(const char *archive, const char *id, struct err *err)
{
    AUTO_FREE char *path = lock_path(archive, id);
    AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd < 0) {
        return err_errno(err, errno, "cannot open '%s'", path);
    }
    if (fcntl(fd, F_SETLK, &whole) == 0) {
        return TAKE_FD(fd);
    }
    return errno == EACCES || errno == EAGAIN ? err_set(err, ERR_STATE, "the drill '%s' belongs to another process", id)
                                              : err_errno(err, errno, "cannot lock '%s'", path);
}

void running_release(const char *archive, const char *id, int claim)
{
    AUTO_FREE char *path = lock_path(archive, id);
    if (claim >= 0) {
        (void)unlink(path);
        fd_close(claim);
    }
}

static bool is_young(const char *folder)
{
    struct stat info;
    return stat(folder, &info) == 0 && time(NULL) - info.st_mtime < YOUNG_S;
}

static bool is_owned(const char *archive, const char *id, const char *folder)
{
    AUTO_FREE char *path = lock_path(archive, id);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return is_young(folder);
    }
    return fcntl(fd, F_GETLK, &whole) < 0 || whole.l_type != F_UNLCK;
}

int running_read(const char *archive, struct running_list *ret_list, struct err *err)
{
    struct running_list list CLEANUP(running_list_clear) = {0};
    struct tree tree CLEANUP(tree_clear) = {0};
    AUTO_FREE char *running = xasprintf("%s/" ARCHIVE_RUNNING, archive);
    int status = tree_list_flat(running, &tree, err);
    VEC_EACH(entry, &tree)
    {
        if (status == 0 && entry->is_folder && !str_ends_with(entry->path, COMMIT_STAGING)) {
            AUTO_FREE char *folder = xasprintf("%s/%s", running, entry->path);
            bool owned = is_owned(archive, entry->path, folder);
            *VEC_ADD(&list) = (struct running_item){.id = xstrdup(entry->path), .folder = TAKE(folder), .is_owned = owned};
        }
    }
    if (status == 0) {
        *ret_list = list;
        list = (struct running_list){0};
    }
    return status;
}

void running_list_clear(struct running_list *list)
{
    VEC_EACH(item, list)
    {
        free(item->id);
        free(item->folder);
    }
    VEC_CLEAR(list);
}
