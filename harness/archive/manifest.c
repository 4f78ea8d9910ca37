/* Manifests. */
#include "harness/archive/manifest.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

static const char between[] = "  ";

bool manifest_can_name(const char *path)
{
    for (; *path; path++) {
        if (iscntrl((unsigned char)*path) || *path == '\\' || *path == '%') {
            return false;
        }
    }
    return true;
}

static int add(struct manifest *manifest, const char *file, char *path, struct err *err)
{
    AUTO_FREE char *name = path;
    struct manifest_line line = {0};
    int64_t size = 0;
    if (!manifest_can_name(path)) {
        return err_set(err, ERR_INPUT, "the file name '%s' cannot stand in a manifest", path);
    }
    int status = digest_of_file(file, true, line.digest, &size, err);
    if (status < 0) {
        return status;
    }
    line.path = TAKE(name);
    *VEC_ADD(manifest) = line;
    manifest->bytes += size;
    return 0;
}

int manifest_add_file(struct manifest *manifest, const char *folder, const char *path, struct err *err)
{
    AUTO_FREE char *file = xasprintf("%s/%s", folder, path);
    return add(manifest, file, xstrdup(path), err);
}

int manifest_add_tree(struct manifest *manifest, const char *folder, const char *prefix, struct err *err)
{
    struct tree tree CLEANUP(tree_clear) = {0};
    int status = tree_list(folder, &tree, err);
    VEC_EACH(entry, &tree)
    {
        if (status == 0 && entry->is_file) {
            AUTO_FREE char *file = xasprintf("%s/%s", folder, entry->path);
            status = add(manifest, file, xasprintf("%s/%s", prefix, entry->path), err);
        }
    }
    return status;
}

void manifest_print(const struct manifest *manifest, struct buf *out)
{
    VEC_EACH(line, manifest)
    {
        buf_printf(out, "%s%s%s\n", line->digest, between, line->path);
    }
}

static int read_line(struct manifest *manifest, const char *text, size_t number, const char *path, struct err *err)
{
    if (!digest_is_text(text) || !str_starts_with(text + DIGEST_TEXT - 1, between) || !text[DIGEST_TEXT + 1]) {
        return err_set(err, ERR_INPUT, "%s: line %zu: expected a sha256, two blanks and a file name", path, number);
    }
    struct manifest_line *line = VEC_ADD(manifest);
    (void)str_copy(line->digest, sizeof(line->digest), text);
    line->path = xstrdup(text + DIGEST_TEXT + 1);
    return 0;
}

int manifest_parse(char *text, const char *path, struct manifest *ret_manifest, struct err *err)
{
    struct manifest manifest CLEANUP(manifest_clear) = {0};
    size_t number = 1;
    char *rest = text;
    int status = 0;
    for (char *line; status == 0 && (line = strsep(&rest, "\n")); number++) {
        if (*line) {
            status = read_line(&manifest, line, number, path, err);
        }
    }
    if (status == 0) {
        *ret_manifest = manifest;
        manifest = (struct manifest){0};
    }
    return status;
}

int manifest_read(const char *path, struct manifest *ret_manifest, struct err *err)
{
    AUTO_FREE char *text = NULL;
    int status = fd_read_file(path, BUF_MAX_BYTES, &text, NULL, err);
    return status < 0 ? status : manifest_parse(text, path, ret_manifest, err);
}

const struct manifest_line *manifest_find(const struct manifest *manifest, const char *path)
{
    VEC_EACH(line, manifest)
    {
        if (str_eq(line->path, path)) {
            return line;
        }
    }
    return NULL;
}

void manifest_clear(struct manifest *manifest)
{
    VEC_EACH(line, manifest)
    {
        free(line->path);
    }
    VEC_CLEAR(manifest);
}
