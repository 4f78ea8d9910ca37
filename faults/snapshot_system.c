/* Of a snapshot: settings of the kernel, cgroups, mounts and processes. What comes and goes by itself is left out. */
#include "faults/snapshot_net.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/process/proc.h"
#include "harness/base/buf.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { SYSCTL_MAX_BYTES = 4096, MOUNTS_MAX_BYTES = 4 * 1024 * 1024, CGROUP_DEPTH_MAX = 8, CGROUPS_MAX = 20000 };

static void close_dir(DIR *dir)
{
    if (dir) {
        (void)closedir(dir);
    }
}
DEFINE_CLEANUP(DIR *, dir, close_dir)

/* ---- sysctls ---- */

/* Counts, and what a module's coming changes. */
static bool changes_by_itself(const char *name)
{
    static const char *const names[] = {"nf_conntrack_count", "tcp_available_congestion_control", "tcp_available_ulp",
                                        "tcp_allowed_congestion_control", "flush"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* One that this kernel does not have, or that cannot be read, is left out. There are some 1,500: the kernel need not walk to each from the
 * root, and gives the whole of one at a time. */
static void add_sysctl(struct snapshot *snapshot, int folder_fd, const char *file, const char *name)
{
    char value[FD_PART_BYTES];
    AUTO_FD int fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, value, sizeof(value)) : -1;
    if (size >= 0 && size < SYSCTL_MAX_BYTES) {
        AUTO_FREE char *thing = xasprintf("sysctl %s", name);
        value[size] = '\0';
        value[strcspn(value, "\n")] = '\0';
        snapshot_add(snapshot, thing, value);
    }
}

static void add_sysctl_folder(struct snapshot *snapshot, int root_fd, const char *folder, bool below)
{
    int folder_fd = openat(root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir CLEANUP(dir_cleanup) = folder_fd >= 0 ? fdopendir(folder_fd) : NULL;
    if (!dir) {
        fd_close(folder_fd);
    }
    for (struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir)) {
        AUTO_FREE char *name = xasprintf("%s/%s", folder, item->d_name);
        if (item->d_type == DT_REG && !changes_by_itself(item->d_name)) {
            add_sysctl(snapshot, folder_fd, item->d_name, name);
        } else if (item->d_type == DT_DIR && below && item->d_name[0] != '.') {
            add_sysctl_folder(snapshot, root_fd, name, false);
        }
    }
}

/* The network's, connection tracking's among them, and those of the whole machine that a fault may want to change. */
static void add_sysctls(struct snapshot *snapshot)
{
    static const char *const network[] = {"net/core", "net/ipv4", "net/ipv6", "net/netfilter"};
    static const char *const conf[] = {"net/ipv4/conf", "net/ipv6/conf"};
    static const char *const machine[] = {"vm/overcommit_memory", "vm/overcommit_ratio", "vm/panic_on_oom", "vm/swappiness",
                                          "kernel/pid_max",       "kernel/threads-max",  "fs/file-max",     "fs/nr_open"};
    AUTO_FD int root_fd = open("/proc/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(network); i++) {
        add_sysctl_folder(snapshot, root_fd, network[i], false);
    }
    for (size_t i = 0; i < ARRAY_LEN(conf); i++) {
        add_sysctl_folder(snapshot, root_fd, conf[i], true);
    }
    for (size_t i = 0; i < ARRAY_LEN(machine); i++) {
        add_sysctl(snapshot, root_fd, machine[i], machine[i]);
    }
}

/* ---- cgroups: those named by drill, and those that are frozen ---- */

static bool says(const char *folder, const char *file, const char *word)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, file);
    AUTO_FREE char *text = NULL;
    struct err ignored;
    return fd_read_file(path, SYSCTL_MAX_BYTES, &text, NULL, &ignored) == 0 && str_starts_with(text, word);
}

static void add_cgroups(struct snapshot *snapshot, const char *folder, int depth, size_t *seen)
{
    DIR *dir CLEANUP(dir_cleanup) = opendir(folder);
    for (struct dirent *item = dir ? readdir(dir) : NULL; item && ++*seen < CGROUPS_MAX; item = readdir(dir)) {
        AUTO_FREE char *path = xasprintf("%s/%s", folder, item->d_name);
        AUTO_FREE char *thing = xasprintf("cgroup %s", path);
        /* Containers of a topology's own engine, perhaps of another drill's: what froze one of them asks that engine. */
        if (item->d_type != DT_DIR || item->d_name[0] == '.' || str_starts_with(item->d_name, "drill-engine")) {
            continue;
        }
        bool frozen = says(path, "cgroup.freeze", "1") || says(path, "freezer.state", "FR");
        if (frozen || str_starts_with(item->d_name, "drill")) {
            snapshot_add(snapshot, thing, frozen ? "frozen" : "");
        }
        if (depth < CGROUP_DEPTH_MAX) {
            add_cgroups(snapshot, path, depth + 1, seen);
        }
    }
}

/* ---- mounts ---- */

/* Where the machine mounts by itself: people log in, containers start. */
static bool is_automatic(const char *target, const char *type)
{
    static const char *const folders[] = {"/run/user/",           "/run/docker/",     "/run/netns/",      "/run/snapd/",
                                          "/var/lib/containers/", "/var/lib/docker/", "/var/lib/kubelet/"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        if (str_starts_with(target, folders[i])) {
            return true;
        }
    }
    return str_eq(type, "nsfs") || str_eq(type, "autofs") || str_eq(type, "binfmt_misc");
}

/* "36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/root rw": see proc_pid_mountinfo(5). */
static void add_mount(struct snapshot *snapshot, char *line)
{
    char target[1024], options[256], type[64], source[512];
    const char *rest = strstr(line, " - ");
    if (!rest || sscanf(line, "%*s %*s %*s %*s %1023s %255s", target, options) != 2 ||
        sscanf(rest, " - %63s %511s", type, source) != 2 || is_automatic(target, type)) {
        return;
    }
    AUTO_FREE char *thing = xasprintf("mount %s", target);
    AUTO_FREE char *value = xasprintf("%s from %s, %s", type, source, options);
    snapshot_add(snapshot, thing, value);
}

static int add_mounts(struct snapshot *snapshot, struct err *err)
{
    AUTO_FREE char *text = NULL;
    int status = fd_read_file("/proc/self/mountinfo", MOUNTS_MAX_BYTES, &text, NULL, err);
    char *rest = text, *line;
    while (status == 0 && (line = strsep(&rest, "\n"))) {
        add_mount(snapshot, line);
    }
    return status;
}

/* ---- processes: who is stopped, and who was forked here to help ---- */

static int add_stopped(struct snapshot *snapshot, struct err *err)
{
    AUTO_JSON json_t *stopped = NULL;
    int status = proc_list_stopped(&stopped, err);
    for (size_t i = 0; i < json_array_size(stopped); i++) {
        const json_t *item = json_array_get(stopped, i);
        AUTO_FREE char *thing =
            xasprintf("stopped process %lld (%s)", (long long)json_int(item, "pid", 0), json_str(item, "name", "?"));
        snapshot_add(snapshot, thing, "");
    }
    return status;
}

static bool runs_our_program(long long pid)
{
    struct stat own, other;
    char path[64];
    (void)str_format(path, sizeof(path), "/proc/%lld/exe", pid);
    return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev &&
           own.st_ino == other.st_ino;
}

/* Services run programs of their own; what runs ours below us is a fault's. */
static int add_helpers(struct snapshot *snapshot, struct err *err)
{
    int own = (int)getpid();
    AUTO_JSON json_t *family = NULL;
    int status = proc_family(&own, 1, &family, err);
    for (size_t i = 0; i < json_array_size(family); i++) {
        const json_t *item = json_array_get(family, i);
        long long pid = (long long)json_int(item, "pid", 0);
        if (pid != own && runs_our_program(pid)) {
            AUTO_FREE char *thing = xasprintf("%s %lld (%s)", SNAPSHOT_HELPER, pid, json_str(item, "name", "?"));
            snapshot_add(snapshot, thing, "");
        }
    }
    return status;
}

int snapshot_add_system(struct snapshot *snapshot, struct err *err)
{
    size_t seen = 0;
    add_sysctls(snapshot);
    add_cgroups(snapshot, "/sys/fs/cgroup", 0, &seen);
    int status = add_mounts(snapshot, err);
    if (status == 0) {
        status = add_stopped(snapshot, err);
    }
    return status < 0 ? status : add_helpers(snapshot, err);
}
