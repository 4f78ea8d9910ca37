/* Stopping the processes that a fault's journal names (faults/process/family.h), with what they have forked since: what pause and hang
 * have in common. Who was stopped before the fault is left alone. */
#ifndef DRILL_FAULTS_PROCESS_STOPPING_H
#define DRILL_FAULTS_PROCESS_STOPPING_H

#include "faults/fault.h"

int stopping_apply(struct fault_instance *fault, struct err *err) MUST_CHECK;
int stopping_prove(const struct fault_instance *fault, struct buf *proof, struct err *err) MUST_CHECK; /* by the process table */
int stopping_revert(struct fault_instance *fault, struct err *err) MUST_CHECK;
int stopping_residue(struct fault_instance *fault, struct buf *left, struct err *err) MUST_CHECK;

#endif
