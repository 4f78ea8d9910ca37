/* From what a user types to a drill of the archive. */
#include "harness/archive/archive.h"

#include <string.h>
#include <sys/stat.h>

#include "harness/base/str.h"
#include "harness/base/vec.h"

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_number(const char *word)
{
    size_t digits = strspn(word, "0123456789");
    return digits > 0 && digits <= 15 && word[digits] == '\0';
}

static bool same_folder(const char *path, const char *real)
{
    AUTO_FREE char *other = path ? realpath(path, NULL) : NULL;
    return other && str_eq(other, real);
}

static bool has_path(const struct archive_drill *drill, const char *real)
{
    bool found = same_folder(drill->plan, real) || same_folder(drill->result, real) || same_folder(drill->evidence, real);
    for (size_t i = 0; !found && i < drill->review_count; i++) {
        found = same_folder(drill->reviews[i], real);
    }
    return found;
}

static bool is_meant(const struct archive_drill *drill, const char *word, const char *real)
{
    if (is_number(word)) {
        return drill->number == strtoll(word, NULL, 10);
    }
    return str_eq(drill->name, word) || str_eq(drill->id, word) || (real && has_path(drill, real));
}

static int not_found(const struct archive_list *list, const char *word, struct err *err)
{
    AUTO_FREE const char **names = xcalloc(2 * list->count + 1, sizeof(char *));
    char hint[96];
    for (size_t i = 0; i < list->count; i++) {
        names[2 * i] = list->items[i].name;
        names[2 * i + 1] = list->items[i].id;
    }
    return err_set(err, ERR_INPUT,
                   "no drill '%s' among the %zu of the archive%s; a number, a name, a drill id or a folder is wanted", word,
                   list->count, str_did_you_mean(word, names, 2 * list->count, hint));
}

/* The newest, should two have the same id: they are in order of number. */
int archive_find(const struct archive_list *list, const char *word, const struct archive_drill **ret_drill, struct err *err)
{
    AUTO_FREE char *real = realpath(word, NULL);
    for (size_t i = list->count; i > 0; i--) {
        if (is_meant(&list->items[i - 1], word, real)) {
            *ret_drill = &list->items[i - 1];
            return 0;
        }
    }
    return not_found(list, word, err);
}

static bool is_bundle(const char *folder)
{
    struct stat info;
    AUTO_FREE char *mark = xasprintf("%s/bagit.txt", folder);
    return stat(mark, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_payload(const char *folder)
{
    AUTO_FREE char *above = xasprintf("%s/..", folder);
    return is_bundle(above);
}

int archive_evidence(const char *archive, const char *word, char **ret_folder, bool *ret_sealed, struct err *err)
{
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    const struct archive_drill *drill = NULL;
    if (is_folder(word) && !is_number(word)) {
        *ret_sealed = is_bundle(word) || is_payload(word);
        *ret_folder = is_bundle(word) ? xasprintf("%s/data", word) : xstrdup(word);
        return 0;
    }
    int status = archive_read(archive, &list, err);
    if (status == 0) {
        status = archive_find(&list, word, &drill, err);
    }
    if (status < 0) {
        return err_prefix(err, "archive '%s'", archive);
    }
    if (!drill->evidence) {
        return err_set(err, ERR_STATE,
                       "the drill %s has a plan in '%s' and no evidence: it was never reported, or the bundle was "
                       "removed",
                       drill->name, archive);
    }
    *ret_folder = xstrdup(drill->evidence);
    *ret_sealed = drill->result != NULL;
    return 0;
}
