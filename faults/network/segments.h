/* One segment a packet: on veth a TCP "packet" is a frame of many segments (some 60 kB), so that losing one packet would lose them all.
 * What was set before is remembered in the fault's journal and put back by the last fault that needs it (shared.h). */
#ifndef DRILL_FAULTS_NETWORK_SEGMENTS_H
#define DRILL_FAULTS_NETWORK_SEGMENTS_H

#include "faults/fault.h"

/* Remember what these interfaces have; nothing is changed. A second call changes nothing either. */
int segments_prepare(struct fault_instance *fault, const char *const *interfaces, size_t count, struct err *err) MUST_CHECK;
int segments_apply(struct fault_instance *fault, struct err *err) MUST_CHECK;
int segments_revert(struct fault_instance *fault, struct err *err) MUST_CHECK;
int segments_residue(const struct fault_instance *fault, struct buf *left, struct err *err) MUST_CHECK;

#endif
