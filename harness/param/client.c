/* The choices for a client of the load. */
#include "harness/param/client.h"

#include <stddef.h>

const char *const client_arrivals[] = {"constant", "poisson", "ramp", "step", NULL};
const char *const client_connections[] = {"keepalive", "new", "mixed", NULL};
const char *const client_connections_or_same[] = {"same", "keepalive", "new", "mixed", NULL};
const char *const client_http[] = {"1.1", "2", NULL};
const char *const client_http_or_same[] = {"same", "1.1", "2", NULL};
