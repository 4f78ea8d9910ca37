/* A list of ids as it streams in: one a line, the last line "# N" says how many. Keeps those with a prefix in a file. */
#ifndef DRILL_LOAD_IDLIST_H
#define DRILL_LOAD_IDLIST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/base/buf.h"

struct idlist {
    const char *prefix; /* borrowed */
    FILE *file;         /* borrowed; where the ids go */
    uint64_t kept, listed;
    int64_t promised; /* the N of "# N"; -1 before it */
    bool broken;      /* a line that is no id, or one after "# N" */
    bool not_written; /* the file cannot be written */
    struct buf line;  /* begun, not ended yet */
};

void idlist_begin(struct idlist *list, const char *prefix, FILE *file);
/* False: no use to read on. */
bool idlist_add(struct idlist *list, const char *data, size_t size);
/* After the last byte: true when the list is whole; else why not goes into `reason`. */
bool idlist_end(struct idlist *list, struct buf *reason);
void idlist_clear(struct idlist *list);

#endif
