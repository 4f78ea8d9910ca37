/* The HTTP side: routes, and counters. */
#ifndef ORDERSD_HTTP_H
#define ORDERSD_HTTP_H

#include <netinet/in.h>

#include "scenarios/reference/ordersd/orders.h"

struct MHD_Daemon;

/* Listen and answer, each connection in a thread of its own: one that waits for a store holds up no other. NULL when the address
 * cannot be bound. The caller stops it with MHD_stop_daemon. `backend` must live as long. */
struct MHD_Daemon *http_start(const struct sockaddr_in *address, const struct backend *backend);

#endif
