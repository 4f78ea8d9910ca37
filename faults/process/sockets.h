/* Which sockets processes hold. */
#ifndef DRILL_FAULTS_PROCESS_SOCKETS_H
#define DRILL_FAULTS_PROCESS_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/base/json.h"

/* The inodes of the sockets that the processes of `family` (as proc_family gives it) hold, as /proc/PID/fd shows them; at most `most`,
 * which is an error to pass. ERR_SYSTEM when a living process does not let itself be looked at. */
int sockets_of(const json_t *family, uint64_t *inodes, size_t most, size_t *ret_count, struct err *err) MUST_CHECK;

#endif
