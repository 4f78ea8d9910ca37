/* Another program, run to its end: for the public tools that an archive is signed and checked with. */
#ifndef DRILL_BASE_CHILD_H
#define DRILL_BASE_CHILD_H

#include <stdint.h>

#include "harness/base/buf.h"

/* Run argv[0], found on PATH, with `input` (a file; NULL: nothing) as its standard input and no terminal to ask questions on. What it
 * prints on standard output and error goes to `out`. Returns its exit code (128 + N when signal N ended it), or an error when it
 * cannot be run or has not ended after timeout_ns; it is killed then. */
int child_run(const char *const *argv, const char *input, int64_t timeout_ns, struct buf *out, struct err *err) MUST_CHECK;
/* Whether the program is there to be run. */
bool child_is_there(const char *program);

#endif
