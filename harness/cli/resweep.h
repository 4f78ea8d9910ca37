/* A sweep once more, from the evidence of its drills. */
#ifndef DRILL_CLI_RESWEEP_H
#define DRILL_CLI_RESWEEP_H

#include "harness/base/err.h"

/* `path` is a NAME.sweep.json; the drills are looked for beside it, then where it says. Writes it and its page and map again, prints the
 * table. Returns the exit code of the worst drill, or EXIT_USAGE or EXIT_ARCHIVE with err. */
int resweep(const char *path, struct err *err);

#endif
