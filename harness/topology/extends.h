/* `extends: FILE`: a topology that is another one with some parts said differently. */
#ifndef DRILL_TOPOLOGY_EXTENDS_H
#define DRILL_TOPOLOGY_EXTENDS_H

#include "harness/param/node.h"

/* Read a topology's file and those that it extends into one tree: maps are joined name by name, everything else of the extending file
 * stands for the older value. Positions stay those of the file in which a value stands. *ret_bases (may be NULL): the files that were
 * extended, nearest first, NULL-terminated; the caller frees each and the array. */
int extends_read(const char *file, struct node **ret_root, char ***ret_bases, struct err *err) MUST_CHECK;

/* The path of what a file names, from the folder that it is in; the caller frees. */
char *extends_beside(const char *file, const char *name);

#endif
