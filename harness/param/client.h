/* What can be said of a client of the load: the choices that a scenario makes for all and a topology for single vantages. */
#ifndef DRILL_PARAM_CLIENT_H
#define DRILL_PARAM_CLIENT_H

/* NULL-terminated. Those with "same" in front are the topology's: as the scenario says. */
extern const char *const client_arrivals[];
extern const char *const client_connections[], *const client_connections_or_same[];
extern const char *const client_http[], *const client_http_or_same[];

enum { CLIENT_ARRIVALS_RAMP = 2 /* from here on they begin at another rate */ };

#endif
