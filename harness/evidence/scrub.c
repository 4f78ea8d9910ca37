/* Scrubbing by kind of file. */
#include "harness/evidence/scrub.h"

#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

static const char list_name[] = "redactions.json";

/* Ledgers and lists of ids hold nothing but our own numbers. */
static int scrub_file(struct redactor *redactor, const char *name, const char *path, struct err *err)
{
    if (str_ends_with(name, ".bin") || str_ends_with(name, ".ids") || str_eq(name, list_name)) {
        return 0;
    }
    if (str_ends_with(name, ".jsonl")) { /* redacted line by line as it was written */
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
