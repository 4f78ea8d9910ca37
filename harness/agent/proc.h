/* What /proc says about processes: who they are beyond a number that may be used again, and who belongs to whom. */
#ifndef DRILL_AGENT_PROC_H
#define DRILL_AGENT_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/base/json.h"

struct proc_stat {
    pid_t pid, parent, group, session;
    char state;          /* 'Z': dead and not yet reaped */
    int64_t start_ticks; /* since boot: with the pid, the identity of a process */
};

/* False when there is no such process. */
bool proc_stat(pid_t pid, struct proc_stat *ret_stat);
/* Is the process that was started at start_ticks still alive? */
bool proc_alive(pid_t pid, int64_t start_ticks);
/* Everything that came from process `pid` (started at start_ticks; alive or not): children of children, and the members of its
 * process group and session. Array of numbers, `pid` itself not among them; new reference. */
json_t *proc_descendants(pid_t pid, int64_t start_ticks);
/* Inode of a namespace of this process ("net", "pid"); 0 when unknown. */
uint64_t proc_namespace(const char *kind);
/* The process that is number `inside` in the pid namespace with that inode and started at start_ticks, as seen from here; 0 when
 * there is none. With `inside` 0: any process of that namespace. */
pid_t proc_find_inside(uint64_t pid_namespace, pid_t inside, int64_t start_ticks);

#endif
