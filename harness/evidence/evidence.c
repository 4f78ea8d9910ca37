/* Reading an evidence folder. Only plan.json and the events must be there: a drill that was killed may have left no more. */
#include "harness/evidence/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/evidence/events.h"

#define TIME_LIMIT_NS (1LL << 60) /* 36 years of uptime; sums of two still fit */

static void dir_close(DIR *dir)
{
    if (dir) {
        closedir(dir);
    }
}
DEFINE_CLEANUP(DIR *, dir, dir_close)

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_ledgers(const char *folder, char ***ret_names, size_t *ret_count, struct err *err)
{
    DIR *dir CLEANUP(dir_cleanup) = opendir(folder);
    VEC(char *) names = {0};
    if (!dir) {
        return err_errno(err, errno, "cannot read the evidence folder '%s'", folder);
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (str_starts_with(entry->d_name, "ledger-") && str_ends_with(entry->d_name, ".bin")) {
            *VEC_ADD(&names) = xstrdup(entry->d_name);
        }
    }
    if (names.count) {
        qsort(names.items, names.count, sizeof(char *), compare_texts);
    }
    *ret_names = names.items;
    *ret_count = names.count;
    return 0;
}

/* A load that was killed between creating its file and filling the header left nothing to read: the magic is written last. */
static bool is_unbegun(const char *path)
{
    static const char none[8];
    char magic[sizeof(none)] = {0};
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && pread(fd, magic, sizeof(magic), 0) >= 0 && memcmp(magic, none, sizeof(none)) == 0;
}

/* Evidence may come from elsewhere: times with which nothing can be computed, and names without an end, are refused here, once. */
static bool is_possible(int64_t ns)
{
    return ns > -TIME_LIMIT_NS && ns < TIME_LIMIT_NS;
}

static int check_ledger(struct ledger *ledger, const char *path, struct err *err)
{
    const struct ledger_header *header = ledger_header(ledger);
    bool named = memchr(header->vantage, 0, sizeof(header->vantage)) && memchr(header->id_prefix, 0, sizeof(header->id_prefix));
    if (!named || !is_possible(header->start_ns) || !is_possible(header->deadline_ns) || !is_possible(header->clock_offset_ns) ||
        !is_possible(header->clock_bound_ns) || !isfinite(header->rate) || !isfinite(header->write_share)) {
        return err_set(err, ERR_INPUT, "the header of the ledger '%s' is damaged", path);
    }
    const struct ledger_record *records = ledger_records(ledger);
    uint64_t count = ledger_count(ledger);
    for (uint64_t i = 0; i < count; i++) {
        const struct ledger_record *record = &records[i];
        if (!is_possible(record->due_ns) || !is_possible(record->sent_ns) || !is_possible(record->done_ns)) {
            return err_set(err, ERR_INPUT, "record %llu of the ledger '%s' is damaged: its times are not possible",
                           (unsigned long long)i, path);
        }
    }
    return 0;
}

static int open_ledgers(struct evidence *evidence, struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    int status = list_ledgers(evidence->folder, &names, &count, err);
    evidence->ledgers = xcalloc(count + 1, sizeof(struct ledger *));
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", evidence->folder, names[i]);
        if (status == 0 && !is_unbegun(path)) {
            status = ledger_open(path, &evidence->ledgers[evidence->ledger_count], err);
            if (status == 0) {
                status = check_ledger(evidence->ledgers[evidence->ledger_count++], path, err);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    return status;
}

static int read_object(const char *folder, const char *name, bool required, json_t **ret_object, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    if (!required && access(path, F_OK) != 0) {
        *ret_object = json_object();
        return 0;
    }
    int status = json_read_file(path, ret_object, err);
    if (status == 0 && !json_is_object(*ret_object)) {
        return err_set(err, ERR_INPUT, "%s: expected a JSON object", path);
    }
    return status;
}

static int read_all(struct evidence *evidence, struct err *err)
{
    int status = read_object(evidence->folder, "plan.json", true, &evidence->plan, err);
    if (status == 0) {
        status = read_object(evidence->folder, "environment.json", false, &evidence->environment, err);
    }
    if (status == 0) {
        AUTO_FREE char *path = xasprintf("%s/events.jsonl", evidence->folder);
        status = events_read(path, &evidence->events, err);
    }
    return status < 0 ? status : open_ledgers(evidence, err);
}

int evidence_load(const char *folder, struct evidence **ret_evidence, struct err *err)
{
    struct evidence *evidence CLEANUP(evidence_cleanup) = xcalloc(1, sizeof(*evidence));
    evidence->folder = xstrdup(folder);
    int status = read_all(evidence, err);
    if (status < 0) {
        return err_prefix(err, "'%s' does not hold the evidence of a drill", folder);
    }
    *ret_evidence = TAKE(evidence);
    return 0;
}

void evidence_free(struct evidence *evidence)
{
    if (!evidence) {
        return;
    }
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        ledger_close(evidence->ledgers[i]);
    }
    free(evidence->ledgers);
    json_decref(evidence->plan);
    json_decref(evidence->environment);
    json_decref(evidence->events);
    free(evidence->folder);
    free(evidence);
}

int evidence_ids_open(const struct evidence *evidence, const char *file, struct evidence_ids *ret_ids, struct err *err)
{
    struct stat info;
    if (strchr(file, '/')) { /* the name comes from a file that others may have touched */
        return err_set(err, ERR_INPUT, "the read-back file '%s' is not in the evidence folder '%s'", file, evidence->folder);
    }
    AUTO_FREE char *path = xasprintf("%s/%s", evidence->folder, file);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0) {
        return err_errno(err, errno, "cannot read '%s'", path);
    }
    struct evidence_ids ids = {.size = (size_t)info.st_size};
    if (ids.size > 0) {
        void *text = mmap(NULL, ids.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (text == MAP_FAILED) {
            return err_errno(err, errno, "cannot map '%s'", path);
        }
        ids.text = text;
    }
    *ret_ids = ids;
    return 0;
}

const char *evidence_ids_next(struct evidence_ids *ids, size_t *ret_size)
{
    while (ids->at < ids->size) {
        const char *id = ids->text + ids->at;
        const char *end = memchr(id, '\n', ids->size - ids->at);
        size_t size = end ? (size_t)(end - id) : ids->size - ids->at;
        ids->at += size + 1;
        if (size > 0) {
            *ret_size = size;
            return id;
        }
    }
    return NULL;
}

void evidence_ids_close(struct evidence_ids *ids)
{
    if (ids->text) {
        munmap(ids->text, ids->size);
    }
    *ids = (struct evidence_ids){0};
}
