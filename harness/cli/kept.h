/* Topologies that `drill up` keeps: one small file each in the runtime folder, true only while its world lives. */
#ifndef DRILL_CLI_KEPT_H
#define DRILL_CLI_KEPT_H

#include "harness/engine/engine.h"

/* Is a topology of this name up? A file whose world is gone is removed. */
int kept_find(const char *name, struct engine_up *ret_up, bool *ret_is_up, struct err *err) MUST_CHECK;
int kept_write(const char *name, int world_pid, uint64_t world_start_ticks, const char *topology_file,
               struct err *err) MUST_CHECK;
/* The keeper's pid, 0 when there is none. */
int kept_keeper(const char *name);
void kept_remove(const char *name);
char *kept_logs(const char *name); /* folder of its services' logs; the caller frees */

#endif
