/* File descriptors: -1 is empty, everything is O_CLOEXEC, closing keeps errno. */
#ifndef DRILL_BASE_FD_H
#define DRILL_BASE_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

void fd_close(int fd); /* accepts -1 */
DEFINE_CLEANUP(int, fd, fd_close)
#define AUTO_FD CLEANUP(fd_cleanup)
#define TAKE_FD(fd)                                                                                                              \
    ({                                                                                                                           \
        int take_fd_ = (fd);                                                                                                     \
        (fd) = -1;                                                                                                               \
        take_fd_;                                                                                                                \
    })

/* Write all of it, going on after EINTR and short writes. */
int fd_write_all(int fd, const void *data, size_t size, struct err *err) MUST_CHECK;
enum { FD_PART_BYTES = 16384 }; /* of a file at a time */
/* Whole file as a NUL-terminated string; the caller frees. Refuses files over max_bytes. */
int fd_read_file(const char *path, size_t max_bytes, char **ret_text, size_t *ret_size, struct err *err) MUST_CHECK;
/* Write to path.tmp, fsync, rename: readers see the old file or the whole new one. */
int fd_write_file_atomic(const char *path, const void *data, size_t size, struct err *err) MUST_CHECK;
/* Write a file in one call without the rename (for /proc and /sys). */
int fd_write_file(const char *path, const char *text, struct err *err) MUST_CHECK;
int fd_make_dirs(const char *path, mode_t mode, struct err *err) MUST_CHECK; /* mkdir -p */
/* Remove a folder and all below it, not following symbolic links and not crossing into another file system. Missing is fine. */
int fd_remove_tree(const char *path, struct err *err) MUST_CHECK;
/* Add one to an eventfd, so that who waits for it wakes up. Tries again what fails: nobody could be told, and the other side would wait for ever. */
void fd_wake(int eventfd);
int fd_copy_file(const char *from, const char *to, struct err *err) MUST_CHECK;

#endif
