/* The processes that a fault hits: found before, remembered in the journal's "processes", signalled, seen to be gone. */
#ifndef DRILL_FAULTS_PROCESS_FAMILY_H
#define DRILL_FAULTS_PROCESS_FAMILY_H

#include "faults/fault.h"

enum family_part { FAMILY_ALL = 0, FAMILY_MAIN, FAMILY_CHILD };
extern const char *const family_parts[]; /* for option tables, NULL-terminated */

/* All processes of the target with their descendants, or its main ones, or one child of each of those. ERR_STATE with `what` ("killed")
 * when there are none. Once; a journal that has them keeps them. */
int family_prepare(struct fault_instance *fault, enum family_part part, const char *what, struct err *err) MUST_CHECK;
/* Send the signal to all that the journal names, and (FAMILY_ALL) to children that were forked since. */
int family_signal(struct fault_instance *fault, enum family_part part, int signal_number, struct err *err) MUST_CHECK;
/* They have ended, every one; waits a moment. ERR_STATE when not, or when nothing was prepared. */
int family_prove_gone(const struct fault_instance *fault, struct buf *proof, struct err *err) MUST_CHECK;

#endif
