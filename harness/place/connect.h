/* Connectors: how the agent's process gets into its place. */
#ifndef DRILL_PLACE_CONNECT_H
#define DRILL_PLACE_CONNECT_H

#include "harness/place/place.h"

struct connect_request {
    struct world *world;  /* NULL: this machine as it is */
    const char *place;    /* in the world */
    int container_pid;    /* enter the network namespace of this process, one of the world's if there is one; 0: not */
    const char *program;  /* absolute; NULL: this process's own binary */
    const char *log_file; /* for standard error, appended; inherited when NULL or when it cannot be opened */
};

struct connection {
    int to_fd, from_fd; /* the agent's standard input and output, non-blocking */
    int pidfd;          /* readable when the agent has ended */
};

/* Fork, enter, exec; returns once the exec has succeeded. The caller owns the three descriptors. */
int connect_agent(const struct connect_request *request, struct connection *ret_connection, struct err *err) MUST_CHECK;

#endif
