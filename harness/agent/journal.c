/* The journal: entries, and reverting from them alone. */
#include "harness/agent/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/agent/spawn.h"
#include "harness/agent/lent.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/proc.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"

static uint64_t inode_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_ino : 0;
}

static uint64_t own_namespace(void)
{
    return inode_of("/proc/self/ns/net");
}

/* The namespace's number is part of the name: drills side by side in worlds of their own have the same places. */
static char *entry_path(const char *folder, const struct fault_instance *fault)
{
    return xasprintf("%s/%s.%s.%llu.json", folder, fault->id, fault->target.place, (unsigned long long)own_namespace());
}

/* The file's name must be on the disk too, not only what is in it. */
static int sync_folder(const char *folder, struct err *err)
{
    AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return err_errno(err, errno, "cannot write the journal's folder '%s' to disk", folder);
    }
    return 0;
}

int journal_write(const char *folder, const struct fault_instance *fault, struct err *err)
{
    AUTO_FREE char *path = entry_path(folder, fault);
    AUTO_JSON json_t *entry = fault_instance_to_json(fault);
    int status = fd_make_dirs(folder, 0755, err);
    if (status < 0) {
        return status;
    }
    json_object_set_new(entry, "namespace", json_integer((json_int_t)own_namespace()));
    json_object_set_new(entry, "pid", json_integer(getpid()));
    json_object_set_new(entry, "start_ticks", json_integer((json_int_t)proc_start_ticks(getpid())));
    json_object_set_new(entry, "written_ns", json_integer(clock_utc_now_ns()));
    status = json_write_file(path, entry, err);
    return status < 0 ? status : sync_folder(folder, err);
}

int journal_remove(const char *folder, const struct fault_instance *fault, struct err *err)
{
    AUTO_FREE char *path = entry_path(folder, fault);
    if (unlink(path) < 0 && errno != ENOENT) {
        return err_errno(err, errno, "cannot remove the journal entry '%s'", path);
    }
    return 0;
}

static void close_dir(DIR *dir)
{
    if (dir) {
        (void)closedir(dir);
    }
}
DEFINE_CLEANUP(DIR *, dir, close_dir)

/* A process' number in the innermost pid namespace that it is in: the last of the line NSpid. */
static int64_t number_inside(int pid)
{
    char path[64];
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    long number = 0;
    (void)str_format(path, sizeof(path), "/proc/%d/status", pid);
    if (fd_read_file(path, 65536, &text, NULL, &ignored) < 0) {
        return 0;
    }
    char *at = strstr(text, "\nNSpid:"), *end;
    for (at = at ? at + strlen("\nNSpid:") : NULL; at && (*at == '\t' || *at == ' '); at = end) {
        number = strtol(at, &end, 10);
    }
    return number;
}

/* A process in the namespace, and whether the agent that wrote the entry is among them: number, start time and namespace together name it, seen
 * from whatever pid namespace. Only what this user may look at is found, which is where he could inject. */
static int pid_in_namespace(const json_t *entry, bool *ret_held)
{
    DIR *dir CLEANUP(dir_cleanup) = opendir("/proc");
    uint64_t inode = (uint64_t)json_int(entry, "namespace", 0), ticks = (uint64_t)json_int(entry, "start_ticks", 0);
    int found = 0;
    *ret_held = false;
    for (struct dirent *item = dir ? readdir(dir) : NULL; item && !*ret_held; item = readdir(dir)) {
        char path[300];
        int pid = (int)strtol(item->d_name, NULL, 10);
        (void)str_format(path, sizeof(path), "/proc/%s/ns/net", item->d_name);
        if (pid > 0 && inode_of(path) == inode) {
            found = pid;
            *ret_held = ticks != 0 && proc_start_ticks(pid) == ticks && number_inside(pid) == json_int(entry, "pid", 0);
        }
    }
    return found;
}

/* What a writer that was killed had not finished: the fault is applied only once its entry has its right name, so nothing is lost with it.
 * Should it be one that is just being opened, its writer is refused the right name and injects nothing. */
static void sweep(const char *path)
{
    AUTO_JSON json_t *entry = NULL;
    struct err ignored = {0};
    bool held = false;
    if (json_read_file(path, &entry, &ignored) == 0) {
        (void)pid_in_namespace(entry, &held);
    }
    if (!held) {
        (void)unlink(path);
    }
}

struct entry {
    char *path;
    json_t *json;
};
typedef VEC(struct entry) entries_t;
typedef int entry_f(void *context, const char *path, const json_t *entry, struct err *err);

static void clear_entries(entries_t *entries)
{
    VEC_EACH(entry, entries)
    {
        free(entry->path);
        json_decref(entry->json);
    }
    VEC_CLEAR(entries);
}

static int oldest_first(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    int64_t one_ns = json_int(one->json, "written_ns", 0), other_ns = json_int(other->json, "written_ns", 0);
    return one_ns != other_ns ? (one_ns > other_ns) - (one_ns < other_ns) : strcmp(one->path, other->path);
}

/* Whatever can be read; the first error is told. */
static int read_entries(const char *folder, DIR *dir, entries_t *entries, struct err *err)
{
    int first = 0;
    for (struct dirent *item = readdir(dir); item; item = readdir(dir)) {
        AUTO_FREE char *path = xasprintf("%s/%s", folder, item->d_name);
        json_t *json = NULL;
        struct err other;
        if (str_ends_with(item->d_name, ".json.tmp")) {
            sweep(path);
        }
        if (!str_ends_with(item->d_name, ".json")) {
            continue;
        }
        int status = json_read_file(path, &json, first ? &other : err);
        first = first ? first : status;
        if (status == 0) {
            *VEC_ADD(entries) = (struct entry){TAKE(path), json};
        }
    }
    if (entries->count) {
        qsort(entries->items, entries->count, sizeof(*entries->items), oldest_first);
    }
    return first;
}

static int each_entry(const char *folder, bool newest_first, entry_f *f, void *context, struct err *err)
{
    DIR *dir CLEANUP(dir_cleanup) = opendir(folder);
    entries_t entries CLEANUP(clear_entries) = {0};
    if (!dir) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot read the journal '%s'", folder);
    }
    int first = read_entries(folder, dir, &entries, err);
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *entry = &entries.items[newest_first ? entries.count - 1 - i : i];
        struct err other;
        int status = f(context, entry->path, entry->json, first ? &other : err);
        first = first ? first : status;
    }
    return first;
}

struct reading {
    const char *place;
    json_t *entries;
};

static int read_one(void *context, const char *path, const json_t *entry, struct err *err)
{
    struct reading *reading = context;
    (void)path;
    (void)err;
    const char *place = json_str(json_object_get(entry, "target"), "place", "");
    if (str_eq(place, reading->place) && (uint64_t)json_int(entry, "namespace", 0) == own_namespace()) {
        json_array_append(reading->entries, (json_t *)entry);
    }
    return 0;
}

int journal_read(const char *folder, const char *place, json_t **ret_entries, struct err *err)
{
    struct reading reading = {.place = place, .entries = json_array()};
    int status = each_entry(folder, false, read_one, &reading, err);
    if (status < 0) {
        json_decref(reading.entries);
        return status;
    }
    *ret_entries = reading.entries;
    return 0;
}

static const char *target_name(const json_t *entry)
{
    return json_str(json_object_get(entry, "target"), "name", "?");
}

/* What an engine does to containers is undone by asking it, from wherever its socket is; the container's own namespace may have gone with its
 * process. The engine of a world has gone with the world. */
static bool is_by_engine(const json_t *entry)
{
    const struct fault_ops *ops = fault_find(json_str(entry, "fault", ""));
    const char *engine = json_str(json_object_get(entry, "target"), "engine", NULL);
    return engine && !str_starts_with(engine, "/run/drill/") && ops && !(ops->targets & FAULT_REGION);
}

static int stand_one(void *context, const char *path, const json_t *entry, struct err *err)
{
    struct buf *out = context;
    (void)err;
    bool held;
    if (!pid_in_namespace(entry, &held) && !is_by_engine(entry)) {
        (void)unlink(path);
        return 0;
    }
    if (held) {
        return 0; /* a drill that runs right now: its agent reverts it */
    }
    buf_printf(out, "%s%s on %s (%s)", out->size ? "; " : "", json_str(entry, "fault", "?"), target_name(entry), path);
    return 0;
}

int journal_standing(const char *folder, struct buf *out, struct err *err)
{
    return each_entry(folder, false, stand_one, out, err);
}

/* In a process that is in the entry's namespaces. Something left keeps the entry. */
static int revert_here(const json_t *entry)
{
    struct fault_instance *fault = NULL;
    struct buf left CLEANUP(buf_clear) = {0};
    struct lent *lent CLEANUP(lent_cleanup) = lent_new(entry);
    struct err err = {0};
    int status = fault_instance_new(entry, &fault, &err);
    if (status == 0) {
        fault->services = lent_services(lent);
        status = fault->ops->revert(fault, &err);
    }
    if (status == 0) {
        status = fault->ops->residue(fault, &left, &err);
    }
    fault_instance_free(fault);
    return status == 0 && left.size == 0 ? 0 : 1;
}

/* Into the namespaces of `pid` that are not ours already: the user namespace first, it gives the right to enter the others. */
static bool enter(int pid)
{
    static const struct {
        const char *name;
        int type;
    } kinds[] = {{"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS}, {"pid", CLONE_NEWPID}, {"net", CLONE_NEWNET}};
    int fds[ARRAY_LEN(kinds)];
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char theirs[64], ours[64];
        (void)str_format(theirs, sizeof(theirs), "/proc/%d/ns/%s", pid, kinds[i].name);
        (void)str_format(ours, sizeof(ours), "/proc/self/ns/%s", kinds[i].name);
        fds[i] = inode_of(theirs) == inode_of(ours) ? -1 : open(theirs, O_RDONLY | O_CLOEXEC);
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        good = good && (fds[i] < 0 || setns(fds[i], kinds[i].type) == 0);
        fd_close(fds[i]);
    }
    return good;
}

/* pid 0: right here. Two forks: setns must not move drill itself, and a pid namespace is entered by the next child only. */
static int revert_in(int pid, const char *path, const json_t *entry, struct err *err)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        pid_t inner = !pid || enter(pid) ? fork() : -1;
        if (inner == 0) {
            _exit(!pid || own_namespace() == (uint64_t)json_int(entry, "namespace", 0) ? revert_here(entry) : 1);
        }
        _exit(inner > 0 && waitpid(inner, &status, 0) > 0 && status == 0 ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        return err_set(err, ERR_SYSTEM, "%s on %s could not be reverted from %s", json_str(entry, "fault", "?"),
                       target_name(entry), path);
    }
    return unlink(path) < 0 && errno != ENOENT ? err_errno(err, errno, "cannot remove '%s'", path) : 0;
}

static int undo_one(void *context, const char *path, const json_t *entry, struct err *err)
{
    struct buf *report = context;
    const char *fault = json_str(entry, "fault", "?");
    bool held;
    int pid = pid_in_namespace(entry, &held);
    if (held) {
        buf_printf(report, "%s on %s: held by a drill that runs right now; stop that one\n", fault, target_name(entry));
        return 0;
    }
    pid = is_by_engine(entry) ? 0 : pid;
    if (!pid && !is_by_engine(entry)) {
        (void)unlink(path);
        buf_printf(report, "%s on %s: its namespace is gone, and the fault with it\n", fault, target_name(entry));
        return 0;
    }
    int status = revert_in(pid, path, entry, err);
    buf_printf(report, "%s on %s: %s\n", fault, target_name(entry), status < 0 ? err->text : "reverted");
    return status;
}

int journal_undo(const char *folder, struct buf *report, struct err *err)
{
    return each_entry(folder, true, undo_one, report, err);
}
