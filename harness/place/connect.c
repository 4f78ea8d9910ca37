/* Connectors: fork, enter the namespaces, exec the same binary as an agent. Whatever goes wrong on the way to the exec comes back
 * over a socket that the exec closes. */
#include "harness/place/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

enum step { STEP_BEGUN = 0, STEP_WORLD, STEP_PLACE, STEP_FORK, STEP_EXEC, STEP_COUNT };

/* From the child. STEP_BEGUN carries a pidfd of the agent with it. */
struct report {
    enum step step;
    int errnum;
};

struct launch {
    int agent_in, agent_out, log_fd, program_fd, report_fd; /* the child's; log_fd -1: inherited */
    int to_fd, from_fd, heard_fd;                           /* the controller's */
    const char *place;
    int world_pidfd; /* borrowed; -1: not into a world */
    int namespaces;  /* of it */
    int container_pid;
    char program[4096];
};

static void launch_clear(struct launch *launch)
{
    const int fds[] = {launch->agent_in,  launch->agent_out, launch->log_fd,  launch->program_fd,
                       launch->report_fd, launch->to_fd,     launch->from_fd, launch->heard_fd};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fd_close(fds[i]);
    }
}

/* ---- in the child ---- */

/* The pid itself would be another in each pid namespace; a descriptor means the same everywhere. */
static void say(int report_fd, enum step step, int errnum, int pidfd)
{
    struct report report = {.step = step, .errnum = errnum};
    struct iovec part = {.iov_base = &report, .iov_len = sizeof(report)};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (pidfd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(&control.header), &pidfd, sizeof(pidfd));
    }
    (void)sendmsg(report_fd, &message, MSG_NOSIGNAL);
}

static _Noreturn void give_up(int report_fd, enum step step)
{
    say(report_fd, step, errno, -1);
    _exit(127);
}

/* By path when the path still leads to the same file, so that its name shows in `ps`; the world has another /run, and a rebuilt
 * binary leaves only the descriptor. */
static void exec_program(const struct launch *launch)
{
    struct stat held, found;
    char *argv[] = {(char *)"drill", (char *)"agent", NULL};
    if (fstat(launch->program_fd, &held) == 0 && stat(launch->program, &found) == 0 && held.st_dev == found.st_dev &&
        held.st_ino == found.st_ino) {
        (void)execv(launch->program, argv);
    }
    (void)syscall(SYS_execveat, launch->program_fd, "", argv, environ, AT_EMPTY_PATH);
}

/* What the controller holds back or ignores must not stay so in the services that the agent starts. */
static _Noreturn void be_agent(const struct launch *launch)
{
    sigset_t none;
    sigemptyset(&none);
    struct sigaction usual = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &usual, NULL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid(); /* Ctrl-C is the controller's to handle */
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (pidfd < 0) {
        give_up(launch->report_fd, STEP_FORK);
    }
    say(launch->report_fd, STEP_BEGUN, 0, pidfd);
    if (dup2(launch->agent_in, STDIN_FILENO) < 0 || dup2(launch->agent_out, STDOUT_FILENO) < 0 ||
        (launch->log_fd >= 0 && dup2(launch->log_fd, STDERR_FILENO) < 0)) {
        give_up(launch->report_fd, STEP_EXEC);
    }
    (void)syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC); /* for descriptors that some library left open */
    exec_program(launch);
    give_up(launch->report_fd, STEP_EXEC);
}

/* Load and measurement must not wait behind the system that they measure. Only root may, and only before a user namespace is entered;
 * services that the agent starts go back to 0. */
static void go_ahead_of_services(void)
{
    (void)setpriority(PRIO_PROCESS, 0, -15);
}

static bool enter_network(const struct launch *launch)
{
    char path[160];
    bool named = launch->container_pid ? str_format(path, sizeof(path), "/proc/%d/ns/net", launch->container_pid)
                                       : str_format(path, sizeof(path), "/run/drill/netns/%s", launch->place);
    errno = ENAMETOOLONG;
    AUTO_FD int place_fd = named ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    return place_fd >= 0 && setns(place_fd, CLONE_NEWNET) == 0;
}

/* A pid namespace is entered by the next child only. That one forks once more and ends, so that the agent becomes a child of the
 * world's first process: a child of anything outside would hold up the end of the world until it is waited for. */
static _Noreturn void enter_and_launch(const struct launch *launch)
{
    go_ahead_of_services();
    if (setns(launch->world_pidfd, launch->namespaces) < 0) {
        give_up(launch->report_fd, STEP_WORLD);
    }
    if (!enter_network(launch)) {
        give_up(launch->report_fd, STEP_PLACE);
    }
    pid_t between = fork();
    if (between < 0) {
        give_up(launch->report_fd, STEP_FORK);
    }
    if (between > 0) {
        (void)waitpid(between, NULL, 0);
        _exit(0);
    }
    pid_t agent = fork();
    if (agent < 0) {
        give_up(launch->report_fd, STEP_FORK);
    }
    if (agent > 0) {
        _exit(0);
    }
    be_agent(launch);
}

/* A local agent reverts and ends when its controller has died, even one that is not reading its input just then. */
static _Noreturn void launch_here(const struct launch *launch)
{
    go_ahead_of_services();
    if (launch->container_pid && !enter_network(launch)) {
        give_up(launch->report_fd, STEP_PLACE);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    be_agent(launch);
}

/* ---- in the controller ---- */

/* Never 0, 1 or 2: the child would overwrite them while it arranges its own. */
static int keep_high(int *fd)
{
    if (*fd >= 0 && *fd <= STDERR_FILENO) {
        int high = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        fd_close(*fd);
        *fd = high;
    }
    return *fd;
}

static int make_pipes(struct launch *launch, struct err *err)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0) {
        return err_errno(err, errno, "cannot make a pipe");
    }
    launch->agent_in = pair[0];
    launch->to_fd = pair[1];
    if (pipe2(pair, O_CLOEXEC) < 0) {
        return err_errno(err, errno, "cannot make a pipe");
    }
    launch->from_fd = pair[0];
    launch->agent_out = pair[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_errno(err, errno, "cannot make a socket pair");
    }
    launch->heard_fd = pair[0];
    launch->report_fd = pair[1];
    if (keep_high(&launch->agent_in) < 0 || keep_high(&launch->agent_out) < 0 || keep_high(&launch->report_fd) < 0 ||
        fcntl(launch->to_fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(launch->from_fd, F_SETFL, O_NONBLOCK) < 0) {
        return err_errno(err, errno, "cannot arrange an agent's pipes");
    }
    return 0;
}

static int open_files(struct launch *launch, const struct connect_request *request, struct err *err)
{
    const char *program = request->program ? request->program : "/proc/self/exe";
    launch->program_fd = open(program, O_PATH | O_CLOEXEC);
    if (keep_high(&launch->program_fd) < 0) {
        return err_errno(err, errno, "cannot open the agent's program '%s'", program);
    }
    if (request->program) {
        (void)str_copy(launch->program, sizeof(launch->program), program);
    } else {
        ssize_t size = readlink(program, launch->program, sizeof(launch->program) - 1);
        launch->program[size > 0 ? size : 0] = '\0';
    }
    if (request->log_file) { /* opened here and not in the world, which has another /run */
        launch->log_fd = open(request->log_file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
        (void)keep_high(&launch->log_fd);
    }
    return 0;
}

static int explain(const struct launch *launch, const struct report *report, struct err *err)
{
    switch (report->step) {
    case STEP_WORLD:
        return err_errno(err, report->errnum, "cannot enter the world's namespaces for '%s'", launch->place);
    case STEP_PLACE:
        if (launch->container_pid) {
            return err_errno(err, report->errnum, "cannot enter the network of container '%s' (pid %d): that needs root",
                             launch->place, launch->container_pid);
        }
        return err_errno(err, report->errnum, "the world has no place '%s' that can be entered", launch->place);
    case STEP_EXEC:
        return err_errno(err, report->errnum, "cannot run the agent's program '%s'", launch->program);
    default:
        return err_errno(err, report->errnum, "cannot make the agent's process");
    }
}

/* One report; 1, or 0 at the end. */
static int hear(int fd, struct report *report, int *pidfd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = report, .iov_len = sizeof(*report)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t got;
    do {
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(*report)) {
        return 0;
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS) {
        memcpy(pidfd, CMSG_DATA(header), sizeof(*pidfd));
    }
    return 1;
}

static int await_exec(const struct launch *launch, int *ret_pidfd, struct err *err)
{
    AUTO_FD int pidfd = -1;
    struct report report;
    while (hear(launch->heard_fd, &report, &pidfd) > 0) {
        if (report.step != STEP_BEGUN) {
            return explain(launch, &report, err);
        }
    }
    if (pidfd < 0) {
        return err_set(err, ERR_SYSTEM, "the agent's process ended before it ran");
    }
    *ret_pidfd = TAKE_FD(pidfd);
    return 0;
}

static void reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static int run(struct launch *launch, struct connection *ret_connection, struct err *err)
{
    bool local = launch->world_pidfd < 0;
    pid_t pid = fork();
    if (pid < 0) {
        return err_errno(err, errno, "cannot fork an agent");
    }
    if (pid == 0 && local) {
        launch_here(launch);
    }
    if (pid == 0) {
        enter_and_launch(launch);
    }
    fd_close(TAKE_FD(launch->report_fd));
    int pidfd = -1;
    int status = await_exec(launch, &pidfd, err);
    if (!local || status < 0) {
        reap(pid);
    }
    if (status == 0) {
        *ret_connection =
            (struct connection){.to_fd = TAKE_FD(launch->to_fd), .from_fd = TAKE_FD(launch->from_fd), .pidfd = pidfd};
    }
    return status;
}

int connect_agent(const struct connect_request *request, struct connection *ret_connection, struct err *err)
{
    struct launch launch CLEANUP(launch_clear) = {
        .agent_in = -1,
        .agent_out = -1,
        .log_fd = -1,
        .program_fd = -1,
        .report_fd = -1,
        .to_fd = -1,
        .from_fd = -1,
        .heard_fd = -1,
        .place = request->place,
        .world_pidfd = request->world ? world_pidfd(request->world) : -1,
        .namespaces = request->world ? world_namespaces(request->world) : 0,
        .container_pid = request->container_pid,
    };
    int status = open_files(&launch, request, err);
    if (status == 0) {
        status = make_pipes(&launch, err);
    }
    return status < 0 ? status : run(&launch, ret_connection, err);
}
