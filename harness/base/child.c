/* Programs of others. */
#include "harness/base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { OUTPUT_MAX_BYTES = 1024 * 1024 };

/* A session of its own: Ctrl-C is not for it, and it has no terminal on which it could wait for a passphrase. */
static int spawn(const char *const *argv, const char *input, int output, pid_t *ret_pid, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input ? input : "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    int status = posix_spawnp(ret_pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return status ? err_errno(err, status, "cannot run '%s'", argv[0]) : 0;
}

static int drain(int fd, int64_t until_ns, struct buf *out)
{
    for (;;) {
        char part[4096];
        int64_t left_ns = until_ns - clock_now_ns();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int count = left_ns > 0 ? poll(&ready, 1, (int)(left_ns / NS_PER_MS) + 1) : 0;
        if (count < 0 && errno == EINTR) {
            continue;
        }
        ssize_t got = count > 0 ? read(fd, part, sizeof(part)) : -1;
        if (got <= 0) {
            return got == 0 ? 0 : -1;
        }
        if (out->size < OUTPUT_MAX_BYTES) {
            buf_add(out, part, (size_t)got);
        }
    }
}

int child_run(const char *const *argv, const char *input, int64_t timeout_ns, struct buf *out, struct err *err)
{
    int ends[2], state = 0;
    pid_t pid = 0;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return err_errno(err, errno, "cannot make a pipe for '%s'", argv[0]);
    }
    AUTO_FD int reading = ends[0];
    int status = spawn(argv, input, ends[1], &pid, err);
    fd_close(ends[1]);
    if (status < 0) {
        return status;
    }
    bool late = drain(reading, clock_now_ns() + timeout_ns, out) < 0;
    if (late) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR) {
    }
    if (late) {
        return err_set(err, ERR_TIMEOUT, "'%s' did not end within %lld s", argv[0], (long long)(timeout_ns / NS_PER_S));
    }
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

bool child_is_there(const char *program)
{
    struct buf ignored CLEANUP(buf_clear) = {0};
    struct err none = {0};
    const char *const argv[] = {"sh", "-c", "command -v \"$1\"", "sh", program, NULL};
    return child_run(argv, NULL, 10 * NS_PER_S, &ignored, &none) == 0;
}
