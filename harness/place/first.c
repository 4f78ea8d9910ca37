/* The world's first process: maps its user, makes its mounts, has the network built, then waits for its owner's end. */
#include "harness/place/first.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/place/net.h"
#include "harness/place/netbuild.h"
#include "harness/place/refusal.h"

static int write_map(const char *path, unsigned id, const char *what, struct err *err)
{
    char map[64];
    (void)str_format(map, sizeof(map), "0 %u 1", id);
    return fd_write_file(path, map, err) < 0 ? refusal_explain(err, err->saved_errno, what) : 0;
}

/* One user and one group: all that an ordinary user may map without a helper, so root gets no more either. */
static int map_user(uid_t uid, gid_t gid, struct err *err)
{
    if (fd_write_file("/proc/self/setgroups", "deny", err) < 0) {
        return refusal_explain(err, err->saved_errno, "give up setgroups in a user namespace");
    }
    int status = write_map("/proc/self/uid_map", uid, "map the user of a user namespace", err);
    return status < 0 ? status : write_map("/proc/self/gid_map", gid, "map the group of a user namespace", err);
}

static int make_folders(struct err *err)
{
    /* Services of a nested user namespace, which maps to the same outer user, write into state. */
    static const struct {
        const char *path;
        mode_t mode;
    } folders[] = {{"/run/drill", 0755},
                   {"/run/drill/netns", 0755},
                   {"/run/drill/state", 0777},
                   {"/run/drill/services", 0755},
                   {"/run/lock", 0777}};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        if (mkdir(folders[i].path, folders[i].mode) < 0) {
            return err_errno(err, errno, "cannot create '%s' in the world", folders[i].path);
        }
    }
    return 0;
}

static int make_mounts(struct err *err)
{
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return refusal_explain(err, errno, "make the mounts private");
    }
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        return refusal_explain(err, errno, "mount /proc in a user namespace");
    }
    if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0) {
        return refusal_explain(err, errno, "mount a tmpfs on /run in a user namespace");
    }
    return make_folders(err);
}

/* The cheapest thing that a namespace without its capabilities refuses. */
static int bring_lo_up(struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    int status = net_open(&net, err);
    if (status == 0) {
        status = net_set_up(net, "lo", err);
    }
    return status < 0 ? refusal_explain(err, EPERM, "bring up the loopback of a network namespace") : 0;
}

static int build(const struct topology *topology, uid_t uid, gid_t gid, bool *ret_emulated, struct err *err)
{
    int status = topology && topology->own_engine ? 0 : map_user(uid, gid, err);
    if (status == 0) {
        status = make_mounts(err);
    }
    if (status == 0) {
        status = bring_lo_up(err);
    }
    if (status < 0 || !topology) {
        return status;
    }
    status = netbuild(topology, ret_emulated, err);
    return status < 0
               ? status
               : fd_write_file_atomic(FIRST_MECHANISM_FILE, *ret_emulated ? "emulator" : "netem", *ret_emulated ? 8 : 5, err);
}

/* Standard error stays: it is the only place where a sanitizer could complain. All else that came with the fork goes, or this
 * process would keep other people's pipes open for as long as the topology is up. */
static int keep_only(int pipe_fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int kept = fcntl(pipe_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (null_fd < 0 || kept < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0) {
        return -1;
    }
    (void)syscall(SYS_close_range, (unsigned)kept + 1, ~0U, 0U);
    if (kept > STDERR_FILENO + 1) {
        (void)syscall(SYS_close_range, (unsigned)STDERR_FILENO + 1, (unsigned)kept - 1, 0U);
    }
    return kept;
}

/* A first process that ignores SIGCHLD has its orphans taken by the kernel; what is left is to wait. */
static _Noreturn void live(int pipe_fd)
{
    struct pollfd owner = {.fd = pipe_fd, .events = POLLIN};
    for (;;) {
        char byte;
        if (poll(&owner, 1, -1) > 0 && recv(pipe_fd, &byte, 1, MSG_DONTWAIT) == 0) {
            _exit(0);
        }
    }
}

_Noreturn void first_run(const struct topology *topology, int pipe_fd, uid_t uid, gid_t gid)
{
    struct first_report report = {.ok = true};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the pipe does the same; this also while building */
    (void)prctl(PR_SET_NAME, "drill-world");
    (void)setsid(); /* Ctrl-C is the controller's to handle */
    (void)sigaction(SIGCHLD, &ignore, NULL);
    (void)umask(0);
    int kept = keep_only(pipe_fd);
    if (kept < 0) {
        _exit(1); /* shows to the owner as a closed pipe */
    }
    report.ok = build(topology, uid, gid, &report.emulated, &report.err) == 0;
    if (send(kept, &report, sizeof(report), MSG_NOSIGNAL) != (ssize_t)sizeof(report) || !report.ok) {
        _exit(1);
    }
    live(kept);
}
