/* Scrubbing by kind of file. */
#include "harness/evidence/scrub.h"

#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

static const char list_name[] = "redactions.json";

static int scrub_json(struct redactor *redactor, const char *name, const char *path, struct err *err)
{
    AUTO_JSON json_t *json = NULL;
    int status = json_read_file(path, &json, err);
    if (status < 0) {
        return status;
    }
    AUTO_JSON json_t *clean = redactor_json(redactor, name, json);
    return json_equal(clean, json) ? 0 : json_write_file(path, clean, err);
}

/* A cut JSON file is of a killed process; its text is still looked at. Ledgers and lists of ids hold nothing but our own numbers. */
static int scrub_file(struct redactor *redactor, const char *name, const char *path, struct err *err)
{
    struct err not_json = {0};
    if (str_ends_with(name, ".bin") || str_ends_with(name, ".ids") || str_eq(name, list_name)) {
        return 0;
    }
    if (str_ends_with(name, ".jsonl")) { /* redacted line by line as it was written */
        return redactor_known_values(redactor, name, path, err);
    }
    if (str_ends_with(name, ".json") && scrub_json(redactor, name, path, &not_json) == 0) {
        return redactor_known_values(redactor, name, path, err);
    }
    return redactor_file(redactor, name, path, err);
}

int scrub_folder(struct redactor *redactor, const char *folder, struct err *err)
{
    struct tree tree CLEANUP(tree_clear) = {0};
    int status = tree_list(folder, &tree, err);
    VEC_EACH(entry, &tree)
    {
        if (status == 0 && entry->is_file) {
            AUTO_FREE char *path = xasprintf("%s/%s", folder, entry->path);
            status = scrub_file(redactor, entry->path, path, err);
        }
    }
    if (status < 0) {
        return err_prefix(err, "taking secrets out of '%s'", folder);
    }
    AUTO_JSON json_t *list = redactor_list(redactor);
    AUTO_FREE char *path = xasprintf("%s/%s", folder, list_name);
    return json_write_file(path, list, err);
}
