/* Starting a service: its files, its user, its process. Private to harness/agent. */
#ifndef DRILL_AGENT_SPAWN_H
#define DRILL_AGENT_SPAWN_H

#include <stdint.h>

#include "harness/base/json.h"

/* Write the description's dirs and files and start its argv in a session of its own, output appended to its log. The process does not
 * stay our child: it outlives the agent. With "unprivileged" it runs in a nested user namespace under another uid. */
int spawn_service(const json_t *service, int *ret_pid, struct err *err) MUST_CHECK;
/* Write the dirs and files of a description. */
int spawn_write_files(const json_t *service, struct err *err) MUST_CHECK;
/* Append all that descends from pid. */
void spawn_descendants(int pid, json_t *out);

#endif
