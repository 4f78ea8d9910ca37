/* The world's first process, from its birth in new namespaces to its end. */
#ifndef DRILL_PLACE_FIRST_H
#define DRILL_PLACE_FIRST_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

#include "harness/topology/topology.h"

enum { FIRST_NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET };

/* Inside the world: which mechanism puts latency on links, "emulator" or "netem". */
#define FIRST_MECHANISM_FILE "/run/drill/mechanism"

/* What it sends over its pipe once everything is built, or something failed. */
struct first_report {
    bool ok, emulated;
    struct err err;
};

/* To be called in a process just cloned with FIRST_NAMESPACES. `uid` and `gid` are the maker's, `topology` NULL only tries if
 * it can be done. Builds, reports over pipe_fd (a stream socket), then lives until the other end is closed. */
_Noreturn void first_run(const struct topology *topology, int pipe_fd, uid_t uid, gid_t gid);

#endif
