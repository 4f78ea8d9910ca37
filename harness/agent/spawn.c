/* Starting a service. */
#include "harness/agent/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"

static int parent_of(int pid)
{
    char path[64];
    AUTO_FREE char *text = NULL;
    struct err err = {0};
    int parent = 0;
    (void)str_format(path, sizeof(path), "/proc/%d/stat", pid);
    if (fd_read_file(path, 4096, &text, NULL, &err) < 0) {
        return 0;
    }
    const char *after = strrchr(text, ')');
    return after && sscanf(after + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool contains(const json_t *list, int pid)
{
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)list, index, item)
    {
        if (json_integer_value(item) == pid) {
            return true;
        }
    }
    return false;
}

/* One pass over /proc adds those whose parent is known; passes go on until one adds nothing. */
static bool add_children(int pid, json_t *out)
{
    DIR *dir = opendir("/proc");
    bool added = false;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        int candidate = (int)strtol(entry->d_name, NULL, 10);
        if (candidate <= 0 || contains(out, candidate)) {
            continue;
        }
        int parent = parent_of(candidate);
        if (parent > 0 && (parent == pid || contains(out, parent))) {
            json_array_append_new(out, json_integer(candidate));
            added = true;
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    return added;
}

void spawn_descendants(int pid, json_t *out)
{
    while (add_children(pid, out)) {
    }
}

/* The uid that an unprivileged service sees as its own. It must have a passwd entry (initdb asks for it); for an ordinary user that is his
 * own, for root any other account will do. All of them are the same user outside of the nested namespace, so files need no chown. */
static uid_t service_uid(void)
{
    unsigned inside = 0, outside = 0;
    AUTO_FREE char *map = NULL;
    struct err ignored = {0};
    if (fd_read_file("/proc/self/uid_map", 4096, &map, NULL, &ignored) == 0 && sscanf(map, " %u %u", &inside, &outside) == 2 &&
        outside != 0 && inside == 0 && getpwuid(outside)) {
        return outside;
    }
    const struct passwd *entry = getpwnam("postgres"); /* the agent's only thread that does this */
    return entry ? entry->pw_uid : 65534;
}

static int become_unprivileged(uid_t uid)
{
    char map[64];
    struct err ignored = {0};
    if (unshare(CLONE_NEWUSER) < 0) {
        return -1;
    }
    (void)!fd_write_file("/proc/self/setgroups", "deny", &ignored);
    (void)str_format(map, sizeof(map), "%u 0 1", uid);
    if (fd_write_file("/proc/self/uid_map", map, &ignored) < 0) {
        return -1;
    }
    return fd_write_file("/proc/self/gid_map", map, &ignored);
}

int spawn_write_files(const json_t *service, struct err *err)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(service, "dirs"), index, item)
    {
        int status = fd_make_dirs(json_string_value(item), 0700, err);
        if (status < 0) {
            return status;
        }
    }
    json_array_foreach(json_object_get(service, "files"), index, item)
    {
        const char *path = json_str(item, "path", ""), *content = json_str(item, "content", "");
        AUTO_FREE char *folder = xstrdup(path);
        char *slash = strrchr(folder, '/');
        if (slash && slash != folder) {
            *slash = '\0';
            int status = fd_make_dirs(folder, 0700, err);
            if (status < 0) {
                return status;
            }
        }
        int status = fd_write_file_atomic(path, content, strlen(content), err);
        if (status < 0) {
            return status;
        }
        (void)chmod(path, (mode_t)json_int(item, "mode", 0644));
    }
    return 0;
}

static bool has_variable(char *const *environment, const char *assignment)
{
    size_t size = strcspn(assignment, "=") + 1;
    for (; *environment; environment++) {
        if (strncmp(*environment, assignment, size) == 0) {
            return true;
        }
    }
    return false;
}

static char **strings_of(const json_t *list, char **extra, size_t extra_count)
{
    size_t count = json_array_size(list);
    char **out = xcalloc(count + extra_count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        out[i] = (char *)json_string_value(json_array_get(list, i));
    }
    for (size_t i = 0; i < extra_count; i++) {
        if (!has_variable(out, extra[i])) { /* of two values some programs take the first, some the last */
            out[count++] = extra[i];
        }
    }
    return out;
}

static void open_output(const char *log)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out < 0 ? null : out, STDOUT_FILENO);
    (void)dup2(out < 0 ? null : out, STDERR_FILENO);
}

/* In the grandchild. */
static void exec_service(const json_t *service, uid_t uid, char *const *argv, char *const *envp)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &usual, NULL);
    (void)setsid();
    (void)setpriority(PRIO_PROCESS, 0, 0); /* the agent's own is higher */
    open_output(json_str(service, "log", "/dev/null"));
    if (json_flag(service, "unprivileged", false) && geteuid() == 0 && become_unprivileged(uid) < 0) {
        dprintf(STDERR_FILENO, "drill: cannot make a nested user namespace for this service: %s\n", strerrordesc_np(errno));
        _exit(126);
    }
    (void)!chdir("/");
    (void)execvpe(argv[0], argv, envp);
    dprintf(STDERR_FILENO, "drill: cannot run '%s': %s\n", argv[0], strerrordesc_np(errno));
    _exit(127);
}

/* Two forks, so that the service falls to the world's first process and not to this agent. */
static int fork_twice(const json_t *service, uid_t uid, char *const *argv, char *const *envp, int *ret_pid, struct err *err)
{
    int ends[2];
    int pid = 0;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return err_errno(err, errno, "cannot make a pipe");
    }
    pid_t between = fork();
    if (between == 0) {
        pid = fork();
        if (pid == 0) {
            exec_service(service, uid, argv, envp);
        }
        (void)!write(ends[1], &pid, sizeof(pid));
        _exit(0);
    }
    fd_close(ends[1]);
    ssize_t got = between < 0 ? -1 : read(ends[0], &pid, sizeof(pid));
    fd_close(ends[0]);
    if (between > 0) {
        siginfo_t info;
        (void)waitid(P_PID, (id_t)between, &info, WEXITED);
    }
    if (got != (ssize_t)sizeof(pid) || pid <= 0) {
        return err_set(err, ERR_SYSTEM, "cannot fork");
    }
    *ret_pid = pid;
    return 0;
}

int spawn_service(const json_t *service, int *ret_pid, struct err *err)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C",
                home[] = "HOME=/run/drill/state";
    char *basic[] = {path, locale, home};
    AUTO_FREE char **argv = strings_of(json_object_get(service, "argv"), NULL, 0);
    AUTO_FREE char **envp = strings_of(json_object_get(service, "env"), basic, ARRAY_LEN(basic));
    if (!argv[0]) {
        return err_set(err, ERR_INPUT, "service '%s' has no command", json_str(service, "name", ""));
    }
    int status = spawn_write_files(service, err);
    return status < 0 ? status : fork_twice(service, service_uid(), argv, envp, ret_pid, err);
}
