/* The world: made, held, attached to, stopped. */
#include "harness/place/world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/place/net.h"
#include "harness/place/netbuild.h"
#include "harness/place/place.h"

enum {
    STOP_TIMEOUT_MS = 10000,
    BUILD_TIMEOUT_MS = 20000,
    NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET,
};

struct world {
    pid_t pid;
    int pidfd;
    int pipe_fd; /* -1 when attached */
    uint64_t start_ticks;
    bool emulated;
    bool attached;
};

/* What the first process says once it has built everything. */
struct built {
    bool ok, emulated;
    struct err err;
};

/* Field 22 of /proc/PID/stat: with the pid it names a process for good. */
static uint64_t read_start_ticks(pid_t pid)
{
    char path[64];
    AUTO_FREE char *text = NULL;
    struct err err = {0};
    unsigned long long ticks = 0;
    (void)str_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (fd_read_file(path, 4096, &text, NULL, &err) < 0) {
        return 0;
    }
    const char *after = strrchr(text, ')');
    if (!after ||
        sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1) {
        return 0;
    }
    return ticks;
}

/* Many kernels let the namespace be made and then refuse what one needs it for, so the message depends on where it stopped. */
static int refused(struct err *err, int errnum, const char *what)
{
    if (errnum == ENOSPC) {
        return err_set(err, ERR_UNSUPPORTED, "cannot %s: user.max_user_namespaces is 0 or used up; raise it with sysctl as root",
                       what);
    }
    return err_set(err, ERR_UNSUPPORTED,
                   "cannot %s: %s. Unprivileged user namespaces are refused here. On Ubuntu 23.10 and later: "
                   "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with 'userns,' for this "
                   "binary; on hardened "
                   "Debian: sysctl kernel.unprivileged_userns_clone=1; in a container: allow unshare in its seccomp profile; or "
                   "run drill as root",
                   what, strerrordesc_np(errnum));
}

static int map_user(uid_t uid, gid_t gid, struct err *err)
{
    char map[64];
    struct err ignored = {0};
    (void)!fd_write_file("/proc/self/setgroups", "deny", &ignored);
    (void)str_format(map, sizeof(map), "0 %u 1", uid);
    if (fd_write_file("/proc/self/uid_map", map, err) < 0) {
        return refused(err, err->saved_errno, "map the user of a user namespace");
    }
    (void)str_format(map, sizeof(map), "0 %u 1", gid);
    if (fd_write_file("/proc/self/gid_map", map, err) < 0) {
        return refused(err, err->saved_errno, "map the group of a user namespace");
    }
    return 0;
}

static int make_mounts(struct err *err)
{
    static const char *const folders[] = {"/run/drill", "/run/drill/netns", "/run/drill/state", "/run/drill/services",
                                          "/run/lock"};
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return refused(err, errno, "make the mounts private");
    }
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        return refused(err, errno, "mount /proc");
    }
    if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0) {
        return refused(err, errno, "mount a tmpfs on /run");
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (mkdir(folders[i], 0755) < 0) {
            return err_errno(err, errno, "cannot create '%s' in the world", folders[i]);
        }
    }
    return 0;
}

static int bring_lo_up(struct err *err)
{
    struct net *net CLEANUP(net_cleanup) = NULL;
    int status = net_open(&net, err);
    if (status == 0) {
        status = net_set_up(net, "lo", err);
    }
    return status < 0 ? refused(err, EPERM, "bring up a network namespace's loopback") : 0;
}

static int build(const struct topology *topology, uid_t uid, gid_t gid, bool *ret_emulated, struct err *err)
{
    int status = map_user(uid, gid, err);
    if (status == 0) {
        status = make_mounts(err);
    }
    if (status == 0) {
        status = bring_lo_up(err);
    }
    return status < 0 || !topology ? status : netbuild(topology, ret_emulated, err);
}

/* The first process of the pid namespace: reaps whatever is left to it, ends when its owner has. */
static void live(int pipe_fd)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    (void)sigprocmask(SIG_UNBLOCK, &signals, NULL);
    for (;;) {
        struct pollfd owner = {.fd = pipe_fd, .events = POLLIN};
        char byte;
        int ready = poll(&owner, 1, 1000);
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (ready > 0 && recv(pipe_fd, &byte, 1, MSG_DONTWAIT) == 0) {
            _exit(0);
        }
    }
}

static void on_child(int signal_number)
{
    (void)signal_number; /* only interrupts the poll */
}

static void close_all_but(int keep)
{
    (void)syscall(SYS_close_range, 3, (unsigned)keep - 1, 0);
    (void)syscall(SYS_close_range, (unsigned)keep + 1, ~0U, 0);
}

static void be_first(const struct topology *topology, int pipe_fd, uid_t uid, gid_t gid)
{
    struct built built = {.ok = true};
    struct sigaction action = {.sa_handler = on_child};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "drill-world");
    (void)setsid(); /* Ctrl-C is the controller's to handle */
    if (pipe_fd > 3) {
        close_all_but(pipe_fd);
    }
    (void)sigaction(SIGCHLD, &action, NULL);
    built.ok = build(topology, uid, gid, &built.emulated, &built.err) == 0;
    if (send(pipe_fd, &built, sizeof(built), MSG_NOSIGNAL) != (ssize_t)sizeof(built) || !built.ok) {
        _exit(1);
    }
    live(pipe_fd);
}

static int receive_built(struct world *world, struct err *err)
{
    struct built built;
    struct pollfd ready = {.fd = world->pipe_fd, .events = POLLIN};
    int got = poll(&ready, 1, BUILD_TIMEOUT_MS);
    if (got <= 0 || recv(world->pipe_fd, &built, sizeof(built), MSG_WAITALL) != (ssize_t)sizeof(built)) {
        return err_set(err, ERR_SYSTEM, "the world's first process ended before its network was built");
    }
    if (!built.ok) {
        *err = built.err;
        return -(int)err->code;
    }
    world->emulated = built.emulated;
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
    pid_t pid = (pid_t)syscall(SYS_clone, (long)NAMESPACES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        fd_close(pair[0]);
        be_first(topology, pair[1], uid, gid);
        _exit(1);
    }
    int saved = errno;
    fd_close(pair[1]);
    if (pid < 0) {
        fd_close(pair[0]);
        return refused(err, saved, "make a user namespace");
    }
    struct world *world = xcalloc(1, sizeof(*world));
    *world = (struct world){.pid = pid, .pipe_fd = pair[0], .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
    world->start_ticks = read_start_ticks(pid);
    int status = receive_built(world, err);
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

int world_attach(pid_t pid, uint64_t start_ticks, struct world **ret_world, struct err *err)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || read_start_ticks(pid) != start_ticks) {
        fd_close(pidfd);
        return err_set(err, ERR_STATE, "the topology's world (pid %d) is gone", (int)pid);
    }
    struct world *world = xcalloc(1, sizeof(*world));
    *world = (struct world){.pid = pid, .pidfd = pidfd, .pipe_fd = -1, .start_ticks = start_ticks, .attached = true};
    *ret_world = world;
    return 0;
}

void world_stop(struct world *world)
{
    if (!world) {
        return;
    }
    fd_close(world->pipe_fd);
    if (!world->attached) {
        struct pollfd gone = {.fd = world->pidfd, .events = POLLIN};
        if (world->pidfd < 0 || poll(&gone, 1, STOP_TIMEOUT_MS) <= 0) {
            (void)kill(world->pid, SIGKILL);
        }
        (void)waitpid(world->pid, NULL, 0); /* returns once the kernel has taken every process of the namespace */
    }
    fd_close(world->pidfd);
    free(world);
}

pid_t world_pid(const struct world *world)
{
    return world->pid;
}

uint64_t world_start_ticks(const struct world *world)
{
    return world->start_ticks;
}

static void add_link(json_t *links, const struct topology_region *region, const char *plane, int64_t latency_ns, bool on)
{
    if (latency_ns > 0) {
        json_array_append_new(links, json_pack("{s:o, s:o, s:o, s:f}", "name", json_sprintf("%s %s", region->name, plane), "a",
                                               json_sprintf("%s-%.2s-a", region->id, plane), "b",
                                               json_sprintf("%s-%.2s-b", region->id, plane), "latency_ms",
                                               on ? (double)latency_ns / NS_PER_MS : 0.0));
    }
}

int world_set_latency(struct world *world, const struct topology *topology, struct places *places, bool on, struct err *err)
{
    AUTO_JSON json_t *links = json_array();
    struct place *place = places_find(places, "links");
    for (size_t i = 0; i < topology->region_count; i++) {
        add_link(links, &topology->regions[i], "edge", topology->regions[i].edge_latency_ns, on);
        add_link(links, &topology->regions[i], "backbone", topology->regions[i].backbone_latency_ns, on);
    }
    if (json_array_size(links) == 0 || !world->emulated || !place) {
        return 0;
    }
    return place_call(place, "link.set", json_pack("{s:O}", "links", links), 5 * NS_PER_S, NULL, err);
}
