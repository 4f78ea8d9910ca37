/* The programs that a topology's services run, and which of them this machine does not have. */
#ifndef DRILL_CLI_NEEDS_H
#define DRILL_CLI_NEEDS_H

#include "harness/base/buf.h"
#include "harness/topology/topology.h"

/* All of them, comma-separated, each once, the missing ones marked, and what installs those: "haproxy, node (MISSING); …". */
void needs_print(const struct topology *topology, struct buf *out);
/* The missing ones alone, in the same form without marks; false, and nothing is written, when none is missing. */
bool needs_print_missing(const struct topology *topology, struct buf *out);

#endif
