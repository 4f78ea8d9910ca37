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

static int add_process(int pid, uint64_t *inodes, size_t most, size_t *count, struct err *err)
{
    char path[64], target[64];
    int status = 0;
    (void)str_format(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir CLEANUP(dir_cleanup) = opendir(path);
    if (!dir) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot look at the sockets of process %d", pid);
    }
    for (struct dirent *entry = readdir(dir); entry && status == 0; entry = readdir(dir)) {
        unsigned long long inode;
        ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
        target[size > 0 ? size : 0] = '\0';
        if (sscanf(target, "socket:[%llu]", &inode) == 1) {
            status = add_inode(inode, inodes, most, count, err);
        }
    }
    return status;
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
