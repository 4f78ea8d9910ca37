/* The journal of faults: entries on disk, whose they are, undoing from them alone. */
#include "harness/agent/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/agent/proc.h"
#include "harness/base/fd.h"
#include "harness/base/vec.h"

enum { ENTRY_MAX_BYTES = 4 * 1024 * 1024 };

static char *entry_path(const char *folder, const char *place, const char *fault_id)
{
    char *path = xasprintf("%s/%s.%s.json", folder, fault_id, place);
    for (char *at = path + strlen(folder) + 1; *at; at++) {
        if (*at == '/') {
            *at = '_'; /* names come from a scenario: they must not leave the folder */
        }
    }
    return path;
}

static int sync_folder(const char *folder, struct err *err)
{
    AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return err_errno(err, errno, "cannot write the journal's folder '%s' to disk", folder);
    }
    return 0;
}

/* Changes with every boot: nothing that the kernel held has lived through it. */
static const char *boot_id(char out[static 64])
{
    struct err ignored = {0};
    AUTO_FREE char *text = NULL;
    out[0] = '\0';
    if (fd_read_file("/proc/sys/kernel/random/boot_id", 4096, &text, NULL, &ignored) == 0) {
        text[strcspn(text, "\n")] = '\0';
        (void)str_copy(out, 64, text);
    }
    return out;
}

/* Which world this is: inode numbers are used again, so the start time of its first process goes with them. */
static json_t *describe_world(void)
{
    char boot[64];
    struct proc_stat first = {0};
    (void)proc_stat(1, &first);
    return json_pack("{s:s, s:I, s:I, s:I}", "boot", boot_id(boot), "pid_ns", (json_int_t)proc_namespace("pid"), "net_ns",
                     (json_int_t)proc_namespace("net"), "start_ticks", (json_int_t)first.start_ticks);
}

static json_t *describe_holder(void)
{
    struct proc_stat self = {0};
    (void)proc_stat(getpid(), &self);
    return json_pack("{s:i, s:I}", "pid", (int)getpid(), "start_ticks", (json_int_t)self.start_ticks);
}

enum journal_owner journal_owner(const json_t *entry)
{
    AUTO_JSON json_t *here = describe_world();
    const json_t *world = json_object_get(entry, "world"), *holder = json_object_get(entry, "holder");
    uint64_t pid_namespace = (uint64_t)json_int(world, "pid_ns", 0);
    if (!str_eq(json_str(world, "boot", ""), json_str(here, "boot", "")) ||
        !proc_find_inside(pid_namespace, 1, json_int(world, "start_ticks", 0))) {
        return JOURNAL_DEAD;
    }
    if (proc_find_inside(pid_namespace, (pid_t)json_int(holder, "pid", -1), json_int(holder, "start_ticks", 0))) {
        return JOURNAL_HELD;
    }
    return json_equal((json_t *)world, here) ? JOURNAL_HERE : JOURNAL_ELSEWHERE;
}

static bool is_held_by_this(const json_t *entry)
{
    AUTO_JSON json_t *world = describe_world(), *holder = describe_holder();
    return json_equal(json_object_get(entry, "world"), world) && json_equal(json_object_get(entry, "holder"), holder);
}

static int refuse_foreign(const char *path, struct err *err)
{
    struct err ignored = {0};
    AUTO_JSON json_t *entry = NULL;
    if (access(path, F_OK) < 0 || json_read_file(path, &entry, &ignored) < 0 || is_held_by_this(entry)) {
        return 0;
    }
    enum journal_owner owner = journal_owner(entry);
    if (owner == JOURNAL_DEAD || owner == JOURNAL_HERE) {
        return 0; /* gone, or adopted by this process, which writes it anew */
    }
    return err_set(err, ERR_STATE, "journal entry '%s' is of another drill that is not over: end it or run 'drill undo' first", path);
}

int journal_write(const char *folder, const char *place, const struct fault_instance *fault, int64_t expires_ns, struct err *err)
{
    AUTO_FREE char *path = entry_path(folder, place, fault->id);
    AUTO_JSON json_t *entry = fault_instance_to_json(fault);
    int status = fd_make_dirs(folder, 0700, err);
    if (status == 0) {
        status = refuse_foreign(path, err);
    }
    if (status < 0) {
        return status;
    }
    json_object_set_new(entry, "place", json_string(place));
    json_object_set_new(entry, "world", describe_world());
    json_object_set_new(entry, "holder", describe_holder());
    json_object_set_new(entry, "expires_ns", json_integer(expires_ns));
    status = json_write_file(path, entry, err);
    return status < 0 ? err_prefix(err, "cannot write the journal") : sync_folder(folder, err);
}

static int remove_entry(const char *folder, const char *path, struct err *err)
{
    if (unlink(path) < 0 && errno != ENOENT) {
        return err_errno(err, errno, "cannot remove journal entry '%s'", path);
    }
    return access(folder, F_OK) < 0 ? 0 : sync_folder(folder, err);
}

int journal_remove(const char *folder, const char *place, const char *fault_id, struct err *err)
{
    AUTO_FREE char *path = entry_path(folder, place, fault_id);
    return remove_entry(folder, path, err);
}

static int is_entry_name(const struct dirent *file)
{
    return str_ends_with(file->d_name, ".json");
}

int journal_list(const char *folder, json_t **ret_list, struct err *err)
{
    struct dirent **files = NULL;
    json_t *list = json_array();
    int count = scandir(folder, &files, is_entry_name, alphasort);
    if (count < 0 && errno != ENOENT) {
        json_decref(list);
        return err_errno(err, errno, "cannot read the journal '%s'", folder);
    }
    for (int i = 0; i < count; i++) {
        struct err ignored = {0};
        json_t *entry = NULL;
        AUTO_FREE char *path = xasprintf("%s/%s", folder, files[i]->d_name);
        json_t *item = json_pack("{s:s}", "file", path);
        if (json_read_file(path, &entry, &ignored) == 0) {
            json_object_set_new(item, "entry", entry);
        }
        json_array_append_new(list, item);
        free(files[i]);
    }
    free(files);
    *ret_list = list;
    return 0;
}

/* Revert from the entry, in this process' namespaces. */
static int revert_entry(const json_t *entry, struct err *err)
{
    struct fault_instance *fault = NULL;
    struct buf left CLEANUP(buf_clear) = {0};
    int status = fault_instance_new(entry, &fault, err);
    if (status < 0) {
        return status;
    }
    status = fault->ops->revert(fault, err);
    if (status == 0) {
        status = fault->ops->residue(fault, &left, err);
    }
    if (status == 0 && left.size > 0) {
        status = err_set(err, ERR_STATE, "reverted, but something is left: %s", buf_str(&left));
    }
    fault_instance_free(fault);
    return status;
}

static const char *entry_name(const json_t *entry, char out[static 256])
{
    (void)str_format(out, 256, "%s '%s' (%s) in %s", json_str(entry, "fault", "a fault"), json_str(entry, "fault_id", "?"),
                     json_str(json_object_get(entry, "target"), "name", "?"), json_str(entry, "place", "?"));
    return out;
}

static int undo_entry(const char *folder, const char *path, const json_t *entry, struct buf *report, struct err *err)
{
    char name[256];
    int status = 0;
    if (!entry) {
        buf_printf(report, "'%s' cannot be read as a journal entry: look at it, put right by hand what it names, remove it\n", path);
        return err_set(err, ERR_STATE, "journal entry '%s' cannot be read", path);
    }
    (void)entry_name(entry, name);
    switch (journal_owner(entry)) {
    case JOURNAL_HELD:
        buf_printf(report, "%s: left alone, the agent that holds it is running\n", name);
        return 0;
    case JOURNAL_ELSEWHERE:
        buf_printf(report, "%s: its topology is still up and cannot be reached from here: 'drill down' takes both away\n", name);
        return err_set(err, ERR_STATE, "%s stands in a topology that is still up: take it down with 'drill down'", name);
    case JOURNAL_DEAD:
        buf_printf(report, "%s: gone with its namespaces\n", name);
        return remove_entry(folder, path, err);
    case JOURNAL_HERE:
        status = revert_entry(entry, err);
        if (status == 0) {
            status = remove_entry(folder, path, err);
        }
        buf_printf(report, "%s: %s\n", name, status < 0 ? err->text : "reverted");
        return status;
    }
    return 0;
}

int journal_undo(const char *folder, struct buf *report, struct err *err)
{
    AUTO_JSON json_t *list = NULL;
    int first = journal_list(folder, &list, err);
    for (size_t i = json_array_size(list); i > 0; i--) { /* newest name first */
        const json_t *item = json_array_get(list, i - 1);
        struct err local = {0};
        int status = undo_entry(folder, json_str(item, "file", ""), json_object_get(item, "entry"), report, &local);
        if (status < 0 && first == 0) {
            first = status;
            *err = local;
        }
    }
    return first;
}

int journal_standing(const char *folder, struct buf *standing, struct err *err)
{
    AUTO_JSON json_t *list = NULL;
    int status = journal_list(folder, &list, err);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char name[256];
        const json_t *item = json_array_get(list, i), *entry = json_object_get(item, "entry");
        enum journal_owner owner = entry ? journal_owner(entry) : JOURNAL_HERE;
        if (owner == JOURNAL_HERE || owner == JOURNAL_ELSEWHERE) {
            buf_printf(standing, "%s%s", standing->size ? "; " : "", entry ? entry_name(entry, name) : json_str(item, "file", ""));
        }
    }
    return status;
}
