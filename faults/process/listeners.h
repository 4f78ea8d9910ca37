/* Where the processes of a target listen. */
#ifndef DRILL_FAULTS_PROCESS_LISTENERS_H
#define DRILL_FAULTS_PROCESS_LISTENERS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "faults/fault.h"

enum { LISTENERS_MAX = 16 };

/* Into the journal's "listeners", [{"address", "port"}]: where the journal's "processes" listen (family_prepare). Once; a journal that
 * has them keeps them. */
int listeners_prepare(struct fault_instance *fault, struct err *err) MUST_CHECK;
/* One of them as a socket's address; gives its size. A wildcard means this machine to a connect. */
socklen_t listeners_address(const json_t *listener, struct sockaddr_storage *address);
/* The descriptor is ready for `events` of poll within the time. */
bool listeners_ready(int fd, short events, int timeout_ms);

#endif
