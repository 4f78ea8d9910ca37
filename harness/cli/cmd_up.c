/* drill up, down, status: a topology that stays between drills. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/cli/kept.h"
#include "harness/cli/prepare.h"
#include "harness/cli/progress.h"

static const struct param no_options[] = {{0}};

enum { DOWN_TIMEOUT_MS = 20000 };

struct keeping {
    const struct prepared *prepared;
    int ready_fd; /* the parent waits here: "" = up, else the message */
};

static void answer_parent(int fd, const char *text)
{
    struct err ignored = {0};
    (void)!fd_write_all(fd, text, strlen(text) + 1, &ignored);
}

static int tell_ready(void *context, int world_pid, uint64_t world_start_ticks, struct err *err)
{
    struct keeping *keeping = context;
    const struct topology *topology = keeping->prepared->topology;
    int status = kept_write(topology->name, world_pid, world_start_ticks, topology->file, err);
    if (status == 0) {
        answer_parent(keeping->ready_fd, "");
        fd_close(TAKE_FD(keeping->ready_fd));
    }
    return status;
}

/* The keeper: a session of its own, holds the world until `drill down`. */
static int keep(const struct prepared *prepared, int ready_fd)
{
    struct err err = {0};
    struct keeping keeping = {.prepared = prepared, .ready_fd = ready_fd};
    AUTO_FREE char *logs = kept_logs(prepared->topology->name);
    (void)setsid();
    AUTO_FD int interrupt_fd = cli_interrupt_fd(&err);
    struct engine_options options = {.journal = prepared->journal, .interrupt_fd = interrupt_fd};
    int status = engine_keep(prepared->topology, &options, logs, tell_ready, &keeping, &err);
    if (keeping.ready_fd >= 0) {
        answer_parent(keeping.ready_fd, err.text);
    }
    kept_remove(prepared->topology->name);
    return status < 0 ? EXIT_USAGE : EXIT_PASS;
}

static void drop_terminal(void)
{
    AUTO_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++) {
        (void)dup2(null, fd);
    }
}

static int wait_ready(int fd, const char *name, struct err *err)
{
    char text[1024] = "";
    size_t size = 0;
    while (size < sizeof(text)) {
        ssize_t got = read(fd, text + size, sizeof(text) - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return err_set(err, ERR_SYSTEM, "the keeper of '%s' ended before it was up", name);
        }
        size += (size_t)got;
        if (memchr(text, '\0', size)) {
            break;
        }
    }
    text[sizeof(text) - 1] = '\0';
    return *text ? err_set(err, ERR_SYSTEM, "%s", text) : 0;
}

static int run_up(const struct cli_args *args, struct err *err)
{
    struct prepared prepared CLEANUP(prepared_clear) = {0};
    AUTO_FREE char *runtime = cli_runtime_folder();
    AUTO_FREE char *folder = xasprintf("%s/up", runtime);
    int pipe_fds[2];
    int64_t begun_ns = clock_now_ns();
    if (prepare_topology(args->words[0], args, &prepared, err) < 0 || fd_make_dirs(folder, 0755, err) < 0) {
        return cli_exit_code(err);
    }
    if (prepared.is_up) {
        (void)err_set(err, ERR_STATE, "topology '%s' is up already; 'drill down %s' stops it", prepared.topology->name,
                      args->words[0]);
        return EXIT_USAGE;
    }
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        (void)err_errno(err, errno, "cannot make a pipe");
        return EXIT_USAGE;
    }
    pid_t child = fork();
    if (child == 0) {
        fd_close(pipe_fds[0]);
        drop_terminal();
        _exit(keep(&prepared, pipe_fds[1]));
    }
    fd_close(pipe_fds[1]);
    AUTO_FD int ready_fd = pipe_fds[0];
    if (child < 0 || wait_ready(ready_fd, prepared.topology->name, err) < 0) {
        return EXIT_USAGE;
    }
    printf("%s is up after %.1f s: %zu regions, %zu services; 'drill down %s' stops it\n", prepared.topology->name,
           (double)(clock_now_ns() - begun_ns) / NS_PER_S, prepared.topology->region_count, prepared.topology->service_count,
           args->words[0]);
    return EXIT_PASS;
}

static int run_down(const struct cli_args *args, struct err *err)
{
    struct prepared prepared CLEANUP(prepared_clear) = {0};
    if (prepare_topology(args->words[0], args, &prepared, err) < 0) {
        return cli_exit_code(err);
    }
    int keeper = kept_keeper(prepared.topology->name);
    AUTO_FD int pidfd = keeper > 0 ? (int)syscall(SYS_pidfd_open, keeper, 0) : -1;
    if (!prepared.is_up || pidfd < 0) {
        printf("%s is not up\n", prepared.topology->name);
        return EXIT_PASS;
    }
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0 || poll(&poll_fd, 1, DOWN_TIMEOUT_MS) <= 0) {
        (void)err_errno(err, errno, "the keeper of '%s' (pid %d) does not end", prepared.topology->name, keeper);
        return EXIT_CLEANUP;
    }
    printf("%s is down\n", prepared.topology->name);
    return EXIT_PASS;
}

static int run_status(const struct cli_args *args, struct err *err)
{
    struct prepared prepared CLEANUP(prepared_clear) = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    if (prepare_topology(args->words[0], args, &prepared, err) < 0) {
        return cli_exit_code(err);
    }
    if (prepared.topology->runtime == RUNTIME_NETNS && !prepared.is_up) {
        printf("%s is not up; 'drill up %s' starts it\n", prepared.topology->name, args->words[0]);
        return EXIT_FAIL;
    }
    struct engine_options options = {.journal = prepared.journal, .interrupt_fd = -1, .up = prepared.is_up ? &prepared.up : NULL};
    int status = engine_status(prepared.topology, &options, &out, err);
    printf("%s\n%s", prepared.topology->name, buf_str(&out));
    return status < 0 ? cli_exit_code(err) : status == 0 ? EXIT_PASS : EXIT_FAIL;
}

const struct command cmd_up = {
    .name = "up",
    .arguments = "TOPOLOGY.yaml",
    .summary = "bring a topology up and keep it running between drills",
    .details =
        "Starts the topology in namespaces of its own and leaves it running; drills on the same topology use it as it stands.",
    .options = no_options,
    .min_words = 1,
    .max_words = 1,
    .takes_set = true,
    .run = run_up,
};
const struct command cmd_down = {
    .name = "down",
    .arguments = "TOPOLOGY.yaml",
    .summary = "stop a topology that 'drill up' started, and wipe it",
    .details = "Ends the topology's first process; the kernel takes processes, namespaces, links and files with it.",
    .options = no_options,
    .min_words = 1,
    .max_words = 1,
    .run = run_down,
};
const struct command cmd_status = {
    .name = "status",
    .arguments = "TOPOLOGY.yaml",
    .summary = "ask every service of a running topology how it is",
    .details =
        "Runs each service's readiness check and each steady-state check once. Exit 0 when all are well, 1 when one is not.",
    .options = no_options,
    .min_words = 1,
    .max_words = 1,
    .run = run_status,
};
