/* What tests of the world share: a topology started, processes put into its places, the whole once more as an ordinary user. */
#ifndef DRILL_TESTS_SUPPORT_IN_WORLD_H
#define DRILL_TESTS_SUPPORT_IN_WORLD_H

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/place/place.h"
#include "tests/support/small_agent.h"
#include "tests/support/two_regions.h"

enum { ORDINARY_USER = 65534, PATIENCE_MS = 5000 };

/* ---- in a place of the world ---- */

static inline int enter_world(const struct world *world)
{
    return setns(world_pidfd(world), CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS);
}

static inline int enter_place(const char *place)
{
    char path[128];
    (void)str_format(path, sizeof(path), "/run/drill/netns/%s", place);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : setns(fd, CLONE_NEWNET);
}

static inline int exit_status_of(pid_t pid)
{
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

/* Runs `body` in a process of the world (a child of the one that enters: so it is with pid namespaces); its exit status, 0 for
 * success, says in which step it failed. */
#define IN_WORLD(world, body)                                                                                                    \
    ({                                                                                                                           \
        pid_t entering_ = fork();                                                                                                \
        if (entering_ == 0) {                                                                                                    \
            pid_t inside_ = enter_world(world) < 0 ? -1 : fork();                                                                \
            _exit(inside_ == 0 ? (body) : exit_status_of(inside_));                                                              \
        }                                                                                                                        \
        exit_status_of(entering_);                                                                                               \
    })

struct fixture {
    struct two_regions two;
    struct world *world;
    struct err err;
};

static inline int start(struct fixture *fixture, int64_t edge_latency_ns, int64_t backbone_latency_ns)
{
    two_regions_make(&fixture->two, edge_latency_ns, backbone_latency_ns);
    int status = world_start(&fixture->two.topology, &fixture->world, &fixture->err);
    if (status < 0) {
        (void)fprintf(stderr, "%s\n", fixture->err.text);
    }
    return status;
}

static inline void ignore_note(void *context, struct place *place, const json_t *params, int64_t t_ns)
{
    (void)context;
    (void)place;
    (void)params;
    (void)t_ns;
}

static inline void ignore_loss(void *context, struct place *place, const char *reason)
{
    (void)place;
    (void)reason;
    ++*(int *)context;
}

static const struct places_hooks indifferent = {.on_event = ignore_note, .on_log = ignore_note, .on_lost = ignore_loss};

/* All of it once more as an ordinary user. */
static inline int again_as_an_ordinary_user(char **argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (setgroups(0, NULL) == 0 && setresgid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) == 0 &&
            setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) == 0) {
            (void)execv("/proc/self/exe", argv);
        }
        _exit(126);
    }
    return exit_status_of(pid);
}

/* main of such a test: its own agent, then the tests, then the same as an ordinary user when this is root. */
static inline int in_world_main(int argc, char **argv, int (*run)(void))
{
    struct err err = {0};
    if (argc > 1 && str_eq(argv[1], "agent")) {
        return small_agent_main();
    }
    if (world_supported(&err) < 0) {
        (void)fprintf(stderr, "cannot run here: %s\n", err.text);
        return 77;
    }
    (void)fprintf(stderr, "as user %u\n", geteuid());
    int failed = run();
    return geteuid() == 0 && failed == 0 ? again_as_an_ordinary_user(argv) : failed;
}

#endif
