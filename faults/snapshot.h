/* What a place looked like: links with their flags and limits, addresses, routes, rules, permanent neighbours, qdiscs, filters, nft tables
 * and sysctls (connection tracking's too) of the present network namespace; mounts; cgroups that are drill's or frozen; which processes
 * are stopped, and which were forked from this one to help. Taken before a drill and compared after it. */
#ifndef DRILL_FAULTS_SNAPSHOT_H
#define DRILL_FAULTS_SNAPSHOT_H

#include "harness/base/json.h"

struct snapshot;

/* Look at the calling thread's network namespace and at the processes that it sees. The caller frees. */
int snapshot_take(struct snapshot **ret_snapshot, struct err *err) MUST_CHECK;
/* Take another one now and append to the array `left` one text for each difference: what is missing, new or changed. Volatile things
 * (counters, learned neighbours, cached or expiring routes, what the kernel derives from an IPv6 address) do not count. */
int snapshot_compare(const struct snapshot *before, json_t *left, struct err *err) MUST_CHECK;
void snapshot_free(struct snapshot *snapshot); /* accepts NULL */
DEFINE_CLEANUP(struct snapshot *, snapshot, snapshot_free)

#endif
