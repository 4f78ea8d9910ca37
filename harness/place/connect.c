/* Connectors: fork, enter the namespaces, exec the same binary as an agent. */
#include "harness/place/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

struct ends {
    int agent_in, agent_out;            /* the agent's */
    int controller_to, controller_from; /* ours */
};

static int make_ends(struct ends *ends, struct err *err)
{
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) < 0) {
        return err_errno(err, errno, "cannot make a pipe");
    }
    if (pipe2(from, O_CLOEXEC) < 0) {
        int status = err_errno(err, errno, "cannot make a pipe");
        fd_close(to[0]);
        fd_close(to[1]);
        return status;
    }
    *ends = (struct ends){.agent_in = to[0], .agent_out = from[1], .controller_to = to[1], .controller_from = from[0]};
    (void)fcntl(ends->controller_to, F_SETFL, O_NONBLOCK);
    (void)fcntl(ends->controller_from, F_SETFL, O_NONBLOCK);
    return 0;
}

/* In the child. Signals that the controller holds back must not stay held back in services that the agent starts. */
static void exec_agent(const char *program, const struct ends *ends, const char *log_file)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid(); /* Ctrl-C is the controller's to handle */
    (void)dup2(ends->agent_in, STDIN_FILENO);
    (void)dup2(ends->agent_out, STDOUT_FILENO);
    if (log_file) {
        int fd = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd >= 0) {
            (void)dup2(fd, STDERR_FILENO);
        }
    }
    char *argv[] = {(char *)"drill", (char *)"agent", NULL};
    (void)execv(program, argv);
    _exit(127);
}

static int find_program(char out[static 4096], struct err *err)
{
    ssize_t size = readlink("/proc/self/exe", out, 4095);
    if (size < 0) {
        return err_errno(err, errno, "cannot find drill's own binary");
    }
    out[size] = '\0';
    return 0;
}

static void settle(const struct ends *ends, struct connection *ret_connection)
{
    fd_close(ends->agent_in);
    fd_close(ends->agent_out);
    ret_connection->to_fd = ends->controller_to;
    ret_connection->from_fd = ends->controller_from;
}

static void close_ends(const struct ends *ends)
{
    fd_close(ends->agent_in);
    fd_close(ends->agent_out);
    fd_close(ends->controller_to);
    fd_close(ends->controller_from);
}

int connect_local(const char *log_file, struct connection *ret_connection, struct err *err)
{
    char program[4096];
    struct ends ends;
    int status = find_program(program, err);
    if (status == 0) {
        status = make_ends(&ends, err);
    }
    if (status < 0) {
        return status;
    }
    pid_t pid = fork();
    if (pid == 0) {
        exec_agent(program, &ends, log_file);
    }
    if (pid < 0) {
        status = err_errno(err, errno, "cannot fork an agent");
        close_ends(&ends);
        return status;
    }
    settle(&ends, ret_connection);
    ret_connection->pid = pid;
    return 0;
}

static const struct {
    const char *name;
    int type;
} namespaces[] = {
    {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS}, {"pid", CLONE_NEWPID}, {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
};

enum { NAMESPACE_COUNT = 5 };

static int open_namespaces(pid_t world, int fds[static NAMESPACE_COUNT], struct err *err)
{
    for (size_t i = 0; i < NAMESPACE_COUNT; i++) {
        char path[64];
        (void)str_format(path, sizeof(path), "/proc/%d/ns/%s", (int)world, namespaces[i].name);
        fds[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (fds[i] < 0) {
            int status = err_errno(err, errno, "cannot open '%s'", path);
            while (i > 0) {
                fd_close(fds[--i]);
            }
            return status;
        }
    }
    return 0;
}

/* In the child: the user namespace first, it gives the right to enter the others. */
static int enter_world(const int fds[static NAMESPACE_COUNT], const char *place)
{
    for (size_t i = 0; i < NAMESPACE_COUNT; i++) {
        if (setns(fds[i], namespaces[i].type) < 0) {
            return -1;
        }
    }
    char path[160];
    (void)str_format(path, sizeof(path), "/run/drill/netns/%s", place);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : setns(fd, CLONE_NEWNET);
}

/* A pid namespace is entered by the next child only, so there are two forks; the one between ends at once. */
static void enter_and_exec(const int fds[static NAMESPACE_COUNT], const char *place, const char *program, const struct ends *ends,
                           const char *log_file)
{
    if (enter_world(fds, place) < 0) {
        _exit(126);
    }
    pid_t pid = fork();
    if (pid == 0) {
        exec_agent(program, ends, log_file);
    }
    _exit(pid < 0 ? 125 : 0);
}

int connect_netns(struct world *world, const char *name, const char *log_file, struct connection *ret_connection, struct err *err)
{
    char program[4096];
    struct ends ends;
    int fds[NAMESPACE_COUNT], exit_status = 0;
    int status = find_program(program, err);
    if (status == 0) {
        status = open_namespaces(world_pid(world), fds, err);
    }
    if (status < 0) {
        return status;
    }
    status = make_ends(&ends, err);
    pid_t pid = status == 0 ? fork() : -1;
    if (pid == 0) {
        enter_and_exec(fds, name, program, &ends, log_file);
    }
    int saved = errno;
    for (size_t i = 0; i < NAMESPACE_COUNT; i++) {
        fd_close(fds[i]);
    }
    if (status < 0) {
        return status;
    }
    if (pid < 0 || waitpid(pid, &exit_status, 0) < 0 || exit_status != 0) {
        close_ends(&ends);
        return pid < 0 ? err_errno(err, saved, "cannot fork an agent")
                       : err_set(err, ERR_SYSTEM, "cannot enter the place '%s' of the world", name);
    }
    settle(&ends, ret_connection);
    ret_connection->pid = 0;
    return 0;
}
