/* Files and descriptors. */
#include "harness/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"

void fd_close(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        (void)close(fd); /* nothing can be done about a failing close of what was only read or already synced */
        errno = saved;
    }
}

int fd_write_all(int fd, const void *data, size_t size, struct err *err)
{
    const char *at = data;
    while (size > 0) {
        ssize_t wrote = write(fd, at, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return err_errno(err, errno, "cannot write %zu bytes", size);
        }
        at += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

int fd_read_file(const char *path, size_t max_bytes, char **ret_text, size_t *ret_size, struct err *err)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buf text CLEANUP(buf_clear) = {0};
    if (fd < 0) {
        return err_errno(err, errno, "cannot open '%s'", path);
    }
    for (;;) {
        char part[FD_PART_BYTES];
        ssize_t got = read(fd, part, sizeof(part));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, errno, "cannot read '%s'", path);
        }
        if (got == 0) {
            break;
        }
        if (text.size + (size_t)got > max_bytes) {
            return err_set(err, ERR_INPUT, "'%s' is larger than the %zu bytes that are accepted", path, max_bytes);
        }
        buf_add(&text, part, (size_t)got);
    }
    if (ret_size) {
        *ret_size = text.size;
    }
    *ret_text = buf_take(&text);
    return 0;
}

static int sync_folder_of(const char *path, struct err *err)
{
    AUTO_FREE char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash) {
        slash[slash == folder] = '\0';
    }
    AUTO_FD int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return err_errno(err, errno, "cannot sync the folder of '%s'", path);
    }
    return 0;
}

int fd_write_file_atomic(const char *path, const void *data, size_t size, struct err *err)
{
    AUTO_FREE char *temporary = xasprintf("%s.tmp", path);
    AUTO_FD int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_errno(err, errno, "cannot create '%s'", temporary);
    }
    int status = fd_write_all(fd, data, size, err);
    if (status < 0) {
        (void)unlink(temporary);
        return err_prefix(err, "'%s'", path);
    }
    if (fsync(fd) < 0 || rename(temporary, path) < 0) {
        status = err_errno(err, errno, "cannot finish '%s'", path);
        (void)unlink(temporary);
        return status;
    }
    return sync_folder_of(path, err);
}

int fd_write_file(const char *path, const char *text, struct err *err)
{
    AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(err, errno, "cannot open '%s'", path);
    }
    if (fd_write_all(fd, text, strlen(text), err) < 0) {
        return err_prefix(err, "'%s'", path);
    }
    return 0;
}

int fd_make_dirs(const char *path, mode_t mode, struct err *err)
{
    AUTO_FREE char *part = xstrdup(path);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/') {
            continue;
        }
        *at = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST) {
            return err_errno(err, errno, "cannot create the folder '%s'", part);
        }
        *at = '/';
    }
    if (mkdir(part, mode) < 0 && errno != EEXIST) {
        return err_errno(err, errno, "cannot create the folder '%s'", part);
    }
    return 0;
}

static int remove_below(int folder_fd, dev_t device, const char *path, struct err *err);

static int remove_entry(int folder_fd, const char *name, dev_t device, const char *path, struct err *err)
{
    struct stat info;
    if (fstatat(folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot look at '%s/%s'", path, name);
    }
    if (S_ISDIR(info.st_mode)) {
        if (info.st_dev != device) {
            return err_set(err, ERR_STATE, "'%s/%s' is on another file system: it stays", path, name);
        }
        AUTO_FD int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
            return err_errno(err, errno, "cannot open '%s/%s'", path, name);
        }
        int status = remove_below(fd, device, path, err);
        if (status < 0) {
            return status;
        }
    }
    if (unlinkat(folder_fd, name, S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT) {
        return err_errno(err, errno, "cannot remove '%s/%s'", path, name);
    }
    return 0;
}

static void close_dir(DIR *dir)
{
    if (dir) {
        (void)closedir(dir);
    }
}
DEFINE_CLEANUP(DIR *, dir, close_dir)

static int remove_below(int folder_fd, dev_t device, const char *path, struct err *err)
{
    int copy = fcntl(folder_fd, F_DUPFD_CLOEXEC, 3);
    DIR *dir CLEANUP(dir_cleanup) = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        int saved = errno;
        fd_close(copy);
        return err_errno(err, saved, "cannot list '%s'", path);
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..")) {
            continue;
        }
        int status = remove_entry(folder_fd, entry->d_name, device, path, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int fd_remove_tree(const char *path, struct err *err)
{
    struct stat info;
    if (lstat(path, &info) < 0) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot look at '%s'", path);
    }
    if (S_ISDIR(info.st_mode)) {
        AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
            return err_errno(err, errno, "cannot open '%s'", path);
        }
        int status = remove_below(fd, info.st_dev, path, err);
        if (status < 0) {
            return status;
        }
    }
    if (remove(path) < 0) {
        return err_errno(err, errno, "cannot remove '%s'", path);
    }
    return 0;
}

void fd_wake(int eventfd)
{
    enum { TRIES = 10 };
    const uint64_t one = 1;
    for (int i = 0; i < TRIES && write(eventfd, &one, sizeof(one)) < 0; i++) {
    }
}

int fd_copy_file(const char *from, const char *to, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    int status = fd_read_file(from, BUF_MAX_BYTES, &text, &size, err);
    if (status < 0) {
        return status;
    }
    return fd_write_file_atomic(to, text, size, err);
}
