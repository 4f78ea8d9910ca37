/* The world: made, held, attached to, stopped. */
#include "harness/place/world.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/proc.h"
#include "harness/base/str.h"
#include "harness/place/cgroups.h"
#include "harness/place/first.h"
#include "harness/place/refusal.h"

enum { STOP_TIMEOUT_MS = 10000, BUILD_TIMEOUT_MS = 20000 };

struct world {
    pid_t pid;
    int pidfd;
    int pipe_fd; /* -1 when attached */
    uint64_t start_ticks;
    bool emulated;
    bool attached;
    bool rootful; /* without a user namespace: a container engine needs to be the machine's root */
};

static int receive_report(struct world *world, struct err *err)
{
    struct first_report report;
    struct pollfd ready = {.fd = world->pipe_fd, .events = POLLIN};
    const int64_t deadline_ns = clock_now_ns() + BUILD_TIMEOUT_MS * NS_PER_MS;
    int got;
    do {
        int64_t left_ms = (deadline_ns - clock_now_ns()) / NS_PER_MS;
        got = poll(&ready, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        return err_set(err, ERR_TIMEOUT, "the world's network was not built within %d s", BUILD_TIMEOUT_MS / 1000);
    }
    if (recv(world->pipe_fd, &report, sizeof(report), MSG_WAITALL) != (ssize_t)sizeof(report)) {
        return err_set(err, ERR_SYSTEM, "the world's first process ended before its network was built");
    }
    if (!report.ok) {
        *err = report.err;
        return -(int)err->code;
    }
    world->emulated = report.emulated;
    return 0;
}

static int start(const struct topology *topology, struct world **ret_world, struct err *err)
{
    int pair[2];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_errno(err, errno, "cannot make the world's pipe");
    }
    bool rootful = topology && topology->own_engine;
    long namespaces = rootful ? FIRST_NAMESPACES & ~CLONE_NEWUSER : FIRST_NAMESPACES;
    pid_t pid = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        fd_close(pair[0]);
        first_run(topology, pair[1], uid, gid);
    }
    int saved = errno;
    fd_close(pair[1]);
    if (pid < 0) {
        fd_close(pair[0]);
        return rootful && saved == EPERM
                   ? err_set(err, ERR_UNSUPPORTED,
                             "a container engine of drill's own needs root: run it as root, or use --topology with "
                             "the names of containers that run already")
                   : refusal_explain(err, saved, "make a user namespace");
    }
    struct world *world = xcalloc(1, sizeof(*world));
    *world = (struct world){.pid = pid, .rootful = rootful, .pipe_fd = pair[0], .start_ticks = proc_start_ticks(pid)};
    world->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int status = world->pidfd < 0 ? err_errno(err, errno, "cannot watch the world's first process") : receive_report(world, err);
    if (status < 0) {
        world_stop(world);
        return status;
    }
    *ret_world = world;
    return 0;
}

int world_start(const struct topology *topology, struct world **ret_world, struct err *err)
{
    return start(topology, ret_world, err);
}

int world_supported(struct err *err)
{
    struct world *world = NULL;
    int status = start(NULL, &world, err);
    world_stop(world);
    return status;
}

/* Its owner built it, so what the owner found is read out of the world itself. */
static int read_mechanism(struct world *world, struct err *err)
{
    char path[96];
    AUTO_FREE char *text = NULL;
    (void)str_format(path, sizeof(path), "/proc/%d/root" FIRST_MECHANISM_FILE, (int)world->pid);
    if (fd_read_file(path, 64, &text, NULL, err) < 0) {
        return err_prefix(err, "cannot look into the topology's world (pid %d; was it started by another user?)",
                          (int)world->pid);
    }
    world->emulated = str_eq(text, "emulator");
    return 0;
}

int world_attach(pid_t pid, uint64_t start_ticks, struct world **ret_world, struct err *err)
{
    AUTO_FD int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct pollfd ended = {.fd = pidfd, .events = POLLIN}; /* it may have, and nobody has waited for it yet */
    if (pidfd < 0 || start_ticks == 0 || proc_start_ticks(pid) != start_ticks || poll(&ended, 1, 0) != 0) {
        return err_set(err, ERR_STATE, "the topology's world (pid %d) is gone; start it again with 'drill up'", (int)pid);
    }
    struct world *world = xcalloc(1, sizeof(*world));
    *world = (struct world){.pid = pid, .pidfd = TAKE_FD(pidfd), .pipe_fd = -1, .start_ticks = start_ticks, .attached = true};
    int status = read_mechanism(world, err);
    if (status < 0) {
        world_stop(world);
        return status;
    }
    *ret_world = world;
    return 0;
}

static void await_end(const struct world *world)
{
    struct pollfd gone = {.fd = world->pidfd, .events = POLLIN};
    const int64_t deadline_ns = clock_now_ns() + STOP_TIMEOUT_MS * NS_PER_MS;
    int got;
    do {
        int64_t left_ms = (deadline_ns - clock_now_ns()) / NS_PER_MS;
        got = poll(&gone, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        (void)kill(world->pid, SIGKILL); /* not waited for yet, so the pid is still its own */
    }
    /* Returns once the kernel has taken every process of the namespace. */
    while (waitpid(world->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

void world_stop(struct world *world)
{
    if (!world) {
        return;
    }
    fd_close(world->pipe_fd);
    if (!world->attached) {
        await_end(world);
    }
    if (world->rootful) {
        (void)cgroups_sweep();
    }
    fd_close(world->pidfd);
    free(world);
}

int world_pidfd(const struct world *world)
{
    return world->pidfd;
}

int world_namespaces(const struct world *world)
{
    int own = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    return world->rootful ? own : own | CLONE_NEWUSER;
}

bool world_is_emulated(const struct world *world)
{
    return world->emulated;
}

pid_t world_pid(const struct world *world)
{
    return world->pid;
}

uint64_t world_start_ticks(const struct world *world)
{
    return world->start_ticks;
}
