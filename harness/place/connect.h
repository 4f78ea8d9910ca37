/* Connectors: how the agent's process gets into its place. */
#ifndef DRILL_PLACE_CONNECT_H
#define DRILL_PLACE_CONNECT_H

#include "harness/place/place.h"

struct connection {
    int to_fd, from_fd; /* the agent's standard input and output, non-blocking; the caller closes */
    pid_t pid;          /* to be waited for; 0: not a child of ours */
};

int connect_netns(struct world *world, const char *name, const char *log_file, struct connection *ret_connection,
                  struct err *err) MUST_CHECK;
int connect_local(const char *log_file, struct connection *ret_connection, struct err *err) MUST_CHECK;

#endif
