/* /proc/PID/fd: links that read "socket:[12345]". */
#include "faults/process/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/str.h"

static void close_dir(DIR *dir)
{
    if (dir) {
        (void)closedir(dir);
    }
}
DEFINE_CLEANUP(DIR *, dir, close_dir)

static int add_inode(uint64_t inode, uint64_t *inodes, size_t most, size_t *count, struct err *err)
{
    for (size_t i = 0; i < *count; i++) {
        if (inodes[i] == inode) {
            return 0;
        }
    }
    if (*count == most) {
        return err_set(err, ERR_INPUT, "its processes hold more than %zu sockets", most);
    }
    inodes[(*count)++] = inode;
    return 0;
}

/* A descriptor may have been closed meanwhile; "." and ".." are no links. */
static int add_descriptor(DIR *dir, const char *name, uint64_t *inodes, size_t most, size_t *count, struct err *err)
{
    char target[64];
    unsigned long long inode;
    ssize_t size = readlinkat(dirfd(dir), name, target, sizeof(target) - 1);
    if (size < 0) {
        return errno == ENOENT || errno == EINVAL ? 0 : err_errno(err, errno, "cannot look at descriptor %s", name);
    }
    target[size] = '\0';
    return sscanf(target, "socket:[%llu]", &inode) == 1 ? add_inode(inode, inodes, most, count, err) : 0;
}

/* A list that broke off is an error: sockets would be missing from it. */
static int add_process(int pid, uint64_t *inodes, size_t most, size_t *count, struct err *err)
{
    char path[64];
    struct dirent *entry;
    (void)str_format(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir CLEANUP(dir_cleanup) = opendir(path);
    if (!dir) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot look at the sockets of process %d", pid);
    }
    for (errno = 0; (entry = readdir(dir)); errno = 0) {
        int status = add_descriptor(dir, entry->d_name, inodes, most, count, err);
        if (status < 0) {
            return err_prefix(err, "process %d", pid);
        }
    }
    return errno && errno != ENOENT ? err_errno(err, errno, "cannot look at the sockets of process %d", pid) : 0;
}

int sockets_of(const json_t *family, uint64_t *inodes, size_t most, size_t *ret_count, struct err *err)
{
    int status = 0;
    *ret_count = 0;
    for (size_t i = 0; i < json_array_size(family) && status == 0; i++) {
        status = add_process((int)json_int(json_array_get(family, i), "pid", 0), inodes, most, ret_count, err);
    }
    return status;
}
