/* What is below a folder, sorted by path so that the same tree gives the same list. Symbolic links are not followed. */
#ifndef DRILL_BASE_TREE_H
#define DRILL_BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

struct tree_entry {
    char *path; /* relative to the folder, "logs/gw1.log" */
    bool is_folder;
    bool is_file; /* neither: a link, a socket, a device */
};

struct tree {
    struct tree_entry *items;
    size_t count, capacity;
};

/* Every entry below `folder`, folders before what is in them; the folder itself is not listed. */
int tree_list(const char *folder, struct tree *ret_tree, struct err *err) MUST_CHECK;
/* Only what is directly in it. A folder that does not exist is empty. */
int tree_list_flat(const char *folder, struct tree *ret_tree, struct err *err) MUST_CHECK;
void tree_clear(struct tree *tree);
/* Write the entries of a folder to the disk, as after a rename. */
int tree_sync_folder(const char *folder, struct err *err) MUST_CHECK;

#endif
