/* /proc and pidfds. */
#include "faults/process/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { FLAG_EXITING = 0x4 }; /* PF_EXITING of the kernel's */

struct family {
    struct proc_info *items;
    size_t count, capacity;
};

static ssize_t read_small(const char *path, char *text, size_t size)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1); /* fd_close keeps errno */
    text[got > 0 ? got : 0] = '\0';
    return got;
}

bool proc_read(pid_t pid, struct proc_info *ret_info)
{
    char path[64], text[1024];
    struct proc_info info = {.pid = pid};
    unsigned long long start = 0;
    unsigned flags = 0;
    unsigned long pending = 0;
    int parent = 0;
    (void)str_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
    ssize_t size = read_small(path, text, sizeof(text));
    if (size <= 0) {
        errno = size == 0 ? ESRCH : errno;
        return false;
    }
    errno = EPROTO;
    char *open_bracket = strchr(text, '('), *close_bracket = strrchr(text, ')'); /* the name may hold brackets and spaces */
    if (!open_bracket || !close_bracket) {
        return false;
    }
    /* Fields 3, 4, 9, 22 and 31 of proc(5). */
    if (sscanf(
            close_bracket + 1,
            " %c %d %*s %*s %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %*s %*s %*s %*s %*s %*s %*s %*s %lu",
            &info.state, &parent, &flags, &start, &pending) != 5) {
        return false;
    }
    info.ending = strchr("ZX", info.state) || flags & FLAG_EXITING || pending & 1ul << (SIGKILL - 1);
    *close_bracket = '\0';
    (void)str_copy(info.name, sizeof(info.name), open_bracket + 1);
    info.parent = parent;
    info.start_ticks = start;
    *ret_info = info;
    return true;
}

static uint64_t mask_after(const char *text, const char *name)
{
    const char *found = strstr(text, name);
    return found ? strtoull(found + strlen(name), NULL, 16) : 0;
}

bool proc_read_signals(pid_t pid, struct proc_signals *ret_signals)
{
    char path[64], text[4096];
    (void)str_format(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (read_small(path, text, sizeof(text)) <= 0 || strstr(text, "\nState:\tZ")) {
        return false;
    }
    ret_signals->pending = mask_after(text, "\nSigPnd:") | mask_after(text, "\nShdPnd:");
    ret_signals->ignored = mask_after(text, "\nSigIgn:");
    return true;
}

static bool means_gone(int errnum)
{
    return errnum == ENOENT || errnum == ESRCH;
}

int proc_find(pid_t pid, uint64_t start_ticks, bool *ret_there, struct err *err)
{
    struct proc_info info;
    bool found = proc_read(pid, &info);
    if (!found && !means_gone(errno)) {
        return err_errno(err, errno, "process %d: cannot be looked at", (int)pid);
    }
    *ret_there = found && info.start_ticks == start_ticks;
    return 0;
}

int proc_open(pid_t pid, uint64_t start_ticks, int *ret_fd, struct err *err)
{
    bool there = false;
    AUTO_FD int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    *ret_fd = -1;
    if (fd < 0 && errno != ESRCH) {
        return err_errno(err, errno, "process %d: cannot be opened", (int)pid);
    }
    /* Looked at after opening: from now on the descriptor cannot mean another one. */
    int status = fd >= 0 ? proc_find(pid, start_ticks, &there, err) : 0;
    if (status == 0 && there) {
        *ret_fd = TAKE_FD(fd);
    }
    return status;
}

int proc_signal(pid_t pid, uint64_t start_ticks, int signal_number, struct err *err)
{
    AUTO_FD int fd = -1;
    int status = proc_open(pid, start_ticks, &fd, err);
    if (status < 0 || fd < 0) {
        return status;
    }
    if (syscall(SYS_pidfd_send_signal, fd, signal_number, NULL, 0) < 0 && errno != ESRCH) {
        return err_errno(err, errno, "process %d: cannot be sent signal %d (%s)", (int)pid, signal_number,
                         sigabbrev_np(signal_number) ? sigabbrev_np(signal_number) : "?");
    }
    return 0;
}

int proc_wait_gone(pid_t pid, uint64_t start_ticks, int timeout_ms, bool *ret_gone, struct err *err)
{
    AUTO_FD int fd = -1;
    int status = proc_open(pid, start_ticks, &fd, err);
    if (status == 0) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        *ret_gone = fd < 0 || poll(&waiting, 1, timeout_ms) == 1;
    }
    return status;
}

static void close_dir(DIR *dir)
{
    if (dir) {
        (void)closedir(dir);
    }
}
DEFINE_CLEANUP(DIR *, dir, close_dir)

/* Reverting a pause comes through here, so running out of memory is an error and not the end. */
static bool add(struct family *all, const struct proc_info *info)
{
    if (all->count == all->capacity) {
        size_t capacity = all->capacity ? all->capacity * 2 : 256;
        struct proc_info *items = reallocarray(all->items, capacity, sizeof(*items));
        if (!items) {
            return false;
        }
        all->items = items;
        all->capacity = capacity;
    }
    all->items[all->count++] = *info;
    return true;
}

static int list_all(struct family *all, struct err *err)
{
    DIR *dir CLEANUP(dir_cleanup) = opendir("/proc");
    if (!dir) {
        return err_errno(err, errno, "cannot list the processes in /proc");
    }
    struct dirent *entry;
    for (errno = 0; (entry = readdir(dir)); errno = 0) {
        struct proc_info info;
        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        bool found = proc_read((pid_t)strtol(entry->d_name, NULL, 10), &info);
        if (!found && !means_gone(errno)) {
            return err_errno(err, errno, "process %s: cannot be looked at", entry->d_name);
        }
        if (found && !add(all, &info)) {
            return err_set(err, ERR_SYSTEM, "cannot list the processes in /proc: out of memory");
        }
    }
    return errno ? err_errno(err, errno, "cannot list the processes in /proc") : 0;
}

static json_t *describe(const struct proc_info *info)
{
    const char state[2] = {info->state, '\0'};
    json_t *name = json_stringn(info->name, strlen(info->name)); /* NULL when it is not UTF-8 */
    return json_pack("{s:i, s:I, s:o, s:s}", "pid", (int)info->pid, "start", (json_int_t)info->start_ticks, "name",
                     name ? name : json_string("?"), "state", state);
}

static bool has(const json_t *family, pid_t pid)
{
    for (size_t i = 0; i < json_array_size(family); i++) {
        if (json_int(json_array_get(family, i), "pid", 0) == pid) {
            return true;
        }
    }
    return false;
}

static bool is_given(const struct proc_info *info, const int *pids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pids[i] == info->pid) {
            return true;
        }
    }
    return false;
}

/* Children have no order by pid (pids wrap), so rounds go on until one finds nobody new. */
int proc_family(const int *pids, size_t count, json_t **ret_array, struct err *err)
{
    struct family all = {0};
    AUTO_JSON json_t *family = json_array();
    int status = list_all(&all, err);
    bool grew = status == 0;
    for (bool first = true; grew; first = false) {
        grew = first;
        for (const struct proc_info *info = all.items; info < all.items + all.count; info++) {
            bool wanted = first ? is_given(info, pids, count) : has(family, info->parent) && !has(family, info->pid);
            if (wanted && info->state != 'Z' && info->state != 'X') {
                json_array_append_new(family, describe(info));
                grew = true;
            }
        }
    }
    free(all.items);
    if (status == 0) {
        *ret_array = TAKE(family);
    }
    return status;
}

int proc_list_stopped(json_t **ret_array, struct err *err)
{
    struct family all = {0};
    int status = list_all(&all, err);
    if (status == 0) {
        *ret_array = json_array();
        for (const struct proc_info *info = all.items; info < all.items + all.count; info++) {
            if (info->state == 'T') {
                json_array_append_new(*ret_array, describe(info));
            }
        }
    }
    free(all.items);
    return status;
}

int proc_supported(struct err *err)
{
    struct proc_info self;
    if (!proc_read(getpid(), &self)) {
        return err_set(err, ERR_UNSUPPORTED, "/proc does not show the processes of this place: mount it there");
    }
    int status = proc_signal(getpid(), self.start_ticks, 0, err);
    return status < 0 ? err_set(err, ERR_UNSUPPORTED,
                                "pidfds do not work here: they need Linux 5.3 and a seccomp profile that lets "
                                "pidfd_open and pidfd_send_signal through")
                      : 0;
}
