/* What /proc says about processes. */
#include "harness/agent/proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/fd.h"
#include "harness/base/vec.h"

struct table {
    VEC(struct proc_stat) all;
};

bool proc_stat(pid_t pid, struct proc_stat *ret_stat)
{
    char path[64];
    struct err ignored = {0};
    AUTO_FREE char *text = NULL;
    (void)str_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (fd_read_file(path, 65536, &text, NULL, &ignored) < 0) {
        return false;
    }
    const char *after = strrchr(text, ')'); /* the name before it may hold anything */
    long long start = 0;
    int parent = 0, group = 0, session = 0;
    char state = 0;
    if (!after || sscanf(after + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &state, &parent,
                         &group, &session, &start) != 5) {
        return false;
    }
    *ret_stat = (struct proc_stat){.pid = pid, .parent = parent, .group = group, .session = session, .state = state,
                                   .start_ticks = start};
    return true;
}

bool proc_alive(pid_t pid, int64_t start_ticks)
{
    struct proc_stat stat;
    return pid > 0 && proc_stat(pid, &stat) && stat.start_ticks == start_ticks && stat.state != 'Z' && stat.state != 'X';
}

static void read_table(struct table *table)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        struct proc_stat stat;
        if (pid > 0 && !*end && proc_stat((pid_t)pid, &stat) && stat.state != 'Z') {
            *VEC_ADD(&table->all) = stat;
        }
    }
    if (folder) {
        closedir(folder);
    }
}

static bool is_listed(const json_t *list, pid_t pid)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_integer_value(json_array_get(list, i)) == pid) {
            return true;
        }
    }
    return false;
}

/* The number was given to another process: its group and session are not ours. */
static bool is_reused(pid_t pid, int64_t start_ticks)
{
    struct proc_stat stat;
    return proc_stat(pid, &stat) && stat.start_ticks != start_ticks;
}

json_t *proc_descendants(pid_t pid, int64_t start_ticks)
{
    struct table table = {0};
    json_t *list = json_array();
    size_t before;
    if (pid <= 1 || is_reused(pid, start_ticks)) {
        return list;
    }
    read_table(&table);
    do { /* until a round adds none: parents may come after their children */
        before = json_array_size(list);
        VEC_EACH(stat, &table.all)
        {
            bool ours = stat->parent == pid || stat->group == pid || stat->session == pid || is_listed(list, stat->parent);
            if (ours && stat->pid != pid && stat->start_ticks >= start_ticks && !is_listed(list, stat->pid)) {
                json_array_append_new(list, json_integer(stat->pid));
            }
        }
    } while (json_array_size(list) > before);
    VEC_CLEAR(&table.all);
    return list;
}

static uint64_t namespace_of(const char *process, const char *kind)
{
    char path[80];
    struct stat info;
    (void)str_format(path, sizeof(path), "/proc/%s/ns/%s", process, kind);
    return stat(path, &info) < 0 ? 0 : (uint64_t)info.st_ino;
}

uint64_t proc_namespace(const char *kind)
{
    return namespace_of("self", kind);
}

/* Its number in the innermost namespace that it is in: the last of the line NSpid. */
static pid_t number_inside(const char *process)
{
    char path[64];
    struct err ignored = {0};
    AUTO_FREE char *text = NULL;
    (void)str_format(path, sizeof(path), "/proc/%s/status", process);
    if (fd_read_file(path, 65536, &text, NULL, &ignored) < 0) {
        return 0;
    }
    const char *line = strstr(text, "\nNSpid:");
    long number = 0;
    if (line) {
        char *at = (char *)line + 7, *end;
        while (*at == '\t' || *at == ' ') {
            number = strtol(at, &end, 10);
            at = end;
        }
    }
    return (pid_t)number;
}

pid_t proc_find_inside(uint64_t pid_namespace, pid_t inside, int64_t start_ticks)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;
    while (folder && found == 0 && (entry = readdir(folder))) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || namespace_of(entry->d_name, "pid") != pid_namespace) {
            continue;
        }
        if (inside == 0 || (number_inside(entry->d_name) == inside && proc_alive((pid_t)pid, start_ticks))) {
            found = (pid_t)pid;
        }
    }
    if (folder) {
        closedir(folder);
    }
    return found;
}
