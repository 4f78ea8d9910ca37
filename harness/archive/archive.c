/* Finding bundles by their folders' names. */
#include "harness/archive/archive.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/archive/archive_internal.h"
#include "harness/archive/baginfo.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

static bool is_digits(const char *text, size_t count)
{
    return strspn(text, "0123456789") >= count;
}

bool archive_is_bundle_path(const char *path)
{
    struct archive_name name;
    return is_digits(path, 4) && str_starts_with(path + 4, "/Q") && path[6] >= '1' && path[6] <= '4' && path[7] == '/' &&
           !strchr(path + 8, '/') && archive_parse_name(path + 8, &name);
}

bool archive_parse_name(const char *name, struct archive_name *ret)
{
    size_t digits = strspn(name, "0123456789");
    const char *dot = strchr(name, '.');
    if (digits < 4 || digits > 15 || name[digits] != '-' || dot == name + digits + 1) {
        return false;
    }
    *ret = (struct archive_name){.number = strtoll(name, NULL, 10), .kind = BUNDLE_RESULT, .base_length = strlen(name)};
    if (!dot) {
        return true;
    }
    ret->base_length = (size_t)(dot - name);
    if (str_eq(dot, ".plan")) {
        ret->kind = BUNDLE_PLAN;
        return true;
    }
    ret->kind = BUNDLE_REVIEW;
    ret->review = 1;
    if (str_starts_with(dot, ".review-") && isdigit((unsigned char)dot[8]) && is_digits(dot + 8, strlen(dot + 8))) {
        ret->review = strtoll(dot + 8, NULL, 10);
        return ret->review > 1;
    }
    return str_eq(dot, ".review");
}

static struct archive_drill *drill_of(struct archive_list *list, const char *quarter, const char *folder,
                                      const struct archive_name *name)
{
    VEC_EACH(drill, list)
    {
        if (strlen(drill->name) == name->base_length && strncmp(drill->name, folder, name->base_length) == 0 &&
            str_eq(drill->quarter, quarter)) {
            return drill;
        }
    }
    struct archive_drill *drill = VEC_ADD(list);
    *drill = (struct archive_drill){
        .number = name->number, .name = xasprintf("%.*s", (int)name->base_length, folder), .quarter = xstrdup(quarter)};
    drill->scenario = xstrdup(strchr(drill->name, '-') + 1);
    return drill;
}

static void add_review(struct archive_drill *drill, char *path)
{
    drill->reviews = xrealloc(drill->reviews, drill->review_count + 1, sizeof(char *));
    drill->reviews[drill->review_count++] = path;
}

static void add_bundle(struct archive_list *list, const char *archive, const char *quarter, const char *folder)
{
    struct archive_name name;
    if (!archive_parse_name(folder, &name)) {
        return;
    }
    struct archive_drill *drill = drill_of(list, quarter, folder, &name);
    char *path = xasprintf("%s/%s/%s", archive, quarter, folder);
    switch (name.kind) {
    case BUNDLE_PLAN:
        drill->plan = path;
        break;
    case BUNDLE_RESULT:
        drill->result = path;
        break;
    case BUNDLE_REVIEW:
    case BUNDLE_NONE:
    case BUNDLE_KIND_COUNT:
        add_review(drill, path);
        break;
    }
}

static int read_quarter(struct archive_list *list, const char *archive, const char *quarter, struct err *err)
{
    struct tree bundles CLEANUP(tree_clear) = {0};
    AUTO_FREE char *path = xasprintf("%s/%s", archive, quarter);
    int status = tree_list_flat(path, &bundles, err);
    VEC_EACH(bundle, &bundles)
    {
        if (bundle->is_folder) {
            add_bundle(list, archive, quarter, bundle->path);
        }
    }
    return status;
}

static int read_year(struct archive_list *list, const char *archive, const char *year, struct err *err)
{
    int status = 0;
    for (int quarter = 1; status == 0 && quarter <= 4; quarter++) {
        AUTO_FREE char *path = xasprintf("%s/Q%d", year, quarter);
        status = read_quarter(list, archive, path, err);
    }
    return status;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* What is in the bundles themselves: the drill's id, and with it where its evidence is. */
static void complete(struct archive_drill *drill, const char *archive)
{
    const char *bundle = drill->result ? drill->result : drill->plan ? drill->plan : drill->reviews[0];
    drill->id = baginfo_value(bundle, "External-Identifier");
    if (!drill->id) {
        drill->id = xstrdup("");
    }
    if (drill->result) {
        drill->evidence = xasprintf("%s/data", drill->result);
        return;
    }
    AUTO_FREE char *running = xasprintf("%s/" ARCHIVE_RUNNING "/%s", archive, drill->id);
    if (drill->id[0] && !strchr(drill->id, '/') && is_there(running)) {
        drill->evidence = TAKE(running);
    }
}

static int compare_drills(const void *a, const void *b)
{
    const struct archive_drill *left = a, *right = b;
    if (left->number != right->number) {
        return left->number < right->number ? -1 : 1;
    }
    return strcmp(left->quarter, right->quarter) ?: strcmp(left->name, right->name);
}

static int compare_reviews(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    size_t left_length = strlen(left), right_length = strlen(right); /* "-10" comes after "-9" */
    return left_length != right_length ? (left_length < right_length ? -1 : 1) : strcmp(left, right);
}

int archive_read(const char *archive, struct archive_list *ret_list, struct err *err)
{
    struct tree years CLEANUP(tree_clear) = {0};
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    int status = tree_list_flat(archive, &years, err);
    VEC_EACH(year, &years)
    {
        if (status == 0 && year->is_folder && strlen(year->path) == 4 && is_digits(year->path, 4)) {
            status = read_year(&list, archive, year->path, err);
        }
    }
    if (status < 0) {
        return status;
    }
    VEC_EACH(drill, &list)
    {
        complete(drill, archive);
        if (drill->review_count) {
            qsort(drill->reviews, drill->review_count, sizeof(char *), compare_reviews);
        }
    }
    if (list.count) {
        qsort(list.items, list.count, sizeof(*list.items), compare_drills);
    }
    *ret_list = list;
    list = (struct archive_list){0};
    return 0;
}

void archive_list_clear(struct archive_list *list)
{
    VEC_EACH(drill, list)
    {
        for (size_t i = 0; i < drill->review_count; i++) {
            free(drill->reviews[i]);
        }
        free(drill->reviews);
        free(drill->name);
        free(drill->scenario);
        free(drill->quarter);
        free(drill->id);
        free(drill->plan);
        free(drill->result);
        free(drill->evidence);
    }
    VEC_CLEAR(list);
}

int archive_working_folder(const char *archive, const char *name, char **ret_folder, struct err *err)
{
    char *folder = xasprintf("%s/" ARCHIVE_RUNNING "/%s", archive, name);
    int status = fd_make_dirs(folder, 0755, err);
    if (status < 0) {
        free(folder);
        return status;
    }
    *ret_folder = folder;
    return 0;
}

int archive_lock(const char *archive, struct err *err)
{
    AUTO_FREE char *running = xasprintf("%s/" ARCHIVE_RUNNING, archive);
    AUTO_FREE char *path = xasprintf("%s/lock", running);
    if (fd_make_dirs(running, 0755, err) < 0) {
        return -err->code;
    }
    AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    int status = fd;
    do {
        status = fd < 0 ? -1 : flock(fd, LOCK_EX);
    } while (status < 0 && fd >= 0 && errno == EINTR);
    return status < 0 ? err_errno(err, errno, "cannot lock the archive '%s'", archive) : TAKE_FD(fd);
}
