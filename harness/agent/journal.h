/* The journal: one file per fault, JOURNAL/ID.PLACE.json, written with fsync before the fault is applied and removed once it is reverted
 * and has left nothing. It holds the fault's description with what `prepare` found, the network namespace that it is in, and when it was
 * written. */
#ifndef DRILL_AGENT_JOURNAL_H
#define DRILL_AGENT_JOURNAL_H

#include "faults/fault.h"

int journal_write(const char *folder, const struct fault_instance *fault, struct err *err) MUST_CHECK;
int journal_remove(const char *folder, const struct fault_instance *fault, struct err *err) MUST_CHECK;
/* The entries of one place in the calling process' network namespace, oldest first, as an array of their contents; new reference. */
int journal_read(const char *folder, const char *place, json_t **ret_entries, struct err *err) MUST_CHECK;
/* One line per entry that may still be in force: its namespace lives. Entries of namespaces that are gone are removed: the kernel has
 * taken the fault with them. A folder that is missing has none. */
int journal_standing(const char *folder, struct buf *out, struct err *err) MUST_CHECK;
/* Revert every standing entry from the journal alone, newest first; one line per entry into `report`. An error when one could not be reverted. */
int journal_undo(const char *folder, struct buf *report, struct err *err) MUST_CHECK;

#endif
