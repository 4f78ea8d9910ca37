/* Who a process is beyond a number that may be used again. */
#ifndef DRILL_BASE_PROC_H
#define DRILL_BASE_PROC_H

#include <stdint.h>

#include "harness/base/err.h"

/* When it started, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). Together with the pid it names a process for good.
 * 0 when there is none, or only its zombie. */
uint64_t proc_start_ticks(int pid);
/* The same where it matters that a process which could not be looked at is not one that is gone: that is an error. */
int proc_look(int pid, uint64_t *ret_start_ticks, struct err *err) MUST_CHECK;

#endif
