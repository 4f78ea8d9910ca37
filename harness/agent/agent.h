/* What runs inside a place: serves faults, services, checks, observers and load to a controller over JSON-RPC lines. */
#ifndef DRILL_AGENT_AGENT_H
#define DRILL_AGENT_AGENT_H

#include "harness/base/err.h"

/* Serve the methods of docs/architecture.md until the input closes, three heartbeats are missed, SIGTERM or SIGINT comes, or
 * `exit` is asked; then revert every fault that is held, newest first. Both descriptors become non-blocking and stay the
 * caller's. Blocks SIGTERM and SIGINT and ignores SIGPIPE in this process. An error says that the agent could not serve; a
 * fault that could not be reverted is logged, and its journal entry stands. */
int agent_main(int in_fd, int out_fd, struct err *err) MUST_CHECK;

#endif
