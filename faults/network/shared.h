/* Settings of the kernel that several faults change to the same value: an interface's gso_max_segs and its being down, the ration of ICMP
 * errors. Each fault has in its journal, under one key, what was there before any of them; who comes later in the same process takes that
 * over from who is in force. So the setting stays as they need it until the last of them is reverted, whichever that is, and each journal
 * entry alone puts the true value back. A fault that finds the value as it wants it, and none of this process that made it so, changes
 * nothing and puts nothing back: then it ends with whoever did (an agent of another drill in the same network namespace). */
#ifndef DRILL_FAULTS_NETWORK_SHARED_H
#define DRILL_FAULTS_NETWORK_SHARED_H

#include "faults/fault.h"

/* What another fault of this process and place that is in force has in its journal under `key`, and there under `name` (NULL: the whole);
 * borrowed from it. NULL: there is none, the setting is this fault's alone. Allocates nothing. */
const json_t *shared_find(const struct fault_instance *fault, const char *key, const char *name);

#endif
