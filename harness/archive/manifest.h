/* A list of files with their sha256, in the format of sha256sum(1) and BagIt: "<64 hex digits>  <path>". */
#ifndef DRILL_ARCHIVE_MANIFEST_H
#define DRILL_ARCHIVE_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/base/digest.h"

struct manifest_line {
    char digest[DIGEST_TEXT];
    char *path;
};

struct manifest {
    struct manifest_line *items;
    size_t count, capacity;
    int64_t bytes; /* of the files that were added here; not known of one that was read */
};

/* Hash FOLDER/path and enter it as `path`; the file is on the disk afterwards. */
int manifest_add_file(struct manifest *manifest, const char *folder, const char *path, struct err *err) MUST_CHECK;
/* Every plain file below FOLDER, entered as PREFIX/path, in order of name. */
int manifest_add_tree(struct manifest *manifest, const char *folder, const char *prefix, struct err *err) MUST_CHECK;
void manifest_print(const struct manifest *manifest, struct buf *out);
/* A line that is not one is ERR_INPUT with its number. `path` is for messages; the text is changed. */
int manifest_parse(char *text, const char *path, struct manifest *ret_manifest, struct err *err) MUST_CHECK;
int manifest_read(const char *path, struct manifest *ret_manifest, struct err *err) MUST_CHECK;
const struct manifest_line *manifest_find(const struct manifest *manifest, const char *path); /* NULL when it is not listed */
void manifest_clear(struct manifest *manifest);
/* Whether a name can stand in a manifest as it is: sha256sum escapes backslashes and newlines, BagIt percent signs. */
bool manifest_can_name(const char *path);

#endif
