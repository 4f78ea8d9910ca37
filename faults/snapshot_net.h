/* The parts of a snapshot. Internal to the snapshot. */
#ifndef DRILL_FAULTS_SNAPSHOT_NET_H
#define DRILL_FAULTS_SNAPSHOT_NET_H

#include "faults/snapshot.h"
#include "harness/base/vec.h"

struct thing {
    char *name;  /* which one: "link edge", "route 10.0.0.0/8 table 254" */
    char *value; /* what may change about it; "" when it is or is not */
};

struct snapshot {
    VEC(struct thing) things; /* sorted by name, once all are there */
};

void snapshot_add(struct snapshot *snapshot, const char *name, const char *value);
/* Links, addresses, permanent neighbours, routes, rules, qdiscs and filters. */
int snapshot_add_network(struct snapshot *snapshot, struct err *err) MUST_CHECK;
/* Sysctls, cgroups, mounts, stopped processes, and processes that were forked here. */
int snapshot_add_system(struct snapshot *snapshot, struct err *err) MUST_CHECK;

#define SNAPSHOT_HELPER "helper process"

#endif
