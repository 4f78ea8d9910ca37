/* What is in ARCHIVE/.running, and whose it is: the evidence of a drill belongs to the process that holds its lock, and that ends with
 * the process, however it ends. POSIX record locks: children do not inherit them. */
#ifndef DRILL_ARCHIVE_RUNNING_H
#define DRILL_ARCHIVE_RUNNING_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

/* Make the drill one's own: a descriptor to keep open, or -ERR_STATE when a process that lives owns it. */
int running_claim(const char *archive, const char *id, struct err *err) MUST_CHECK;
void running_release(const char *archive, const char *id, int claim); /* sealed: nothing is left of it */

struct running_item {
    char *id;
    char *folder;  /* ARCHIVE/.running/ID */
    bool is_owned; /* by a process that lives, or younger than a minute and not yet claimed */
};
struct running_list {
    struct running_item *items;
    size_t count, capacity;
};
/* Every evidence folder that is not sealed. Not for a process that holds a claim: looking would give it up. */
int running_read(const char *archive, struct running_list *ret_list, struct err *err) MUST_CHECK;
void running_list_clear(struct running_list *list);

#endif
