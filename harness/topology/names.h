/* Names of the topology's parts: lists for messages, and the "there is no …, did you mean" errors. */
#ifndef DRILL_TOPOLOGY_NAMES_H
#define DRILL_TOPOLOGY_NAMES_H

#include "harness/topology/topology.h"

extern const char *const topology_roles[]; /* NULL-terminated */

/* All fill *err and give -ERR_INPUT. */
int names_no_region(const struct topology *topology, const char *name, struct err *err);
int names_no_host(const struct topology *topology, const char *name, struct err *err);
int names_no_control(const struct topology *topology, const char *name, struct err *err);
int names_no_observer(const struct topology *topology, const char *name, struct err *err);
/* Neither an observer nor what several of them have in common, as "role" of "role us-east-db". */
int names_no_observers(const struct topology *topology, const char *name, struct err *err);
/* 0 when a service or an instance ("haproxy", "haproxy@us-east-gw1") of that name exists. */
int names_check_service(const struct topology *topology, const char *name, struct err *err) MUST_CHECK;
int names_check_role(const char *name, struct err *err) MUST_CHECK;
/* Plain letters, digits, '-', '_' and '.', at most 40 long: names become parts of paths and of interface and host names. */
int names_check_spelling(const struct node *node, const char *what, const char *name, struct err *err) MUST_CHECK;

#endif
