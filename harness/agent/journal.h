/* The journal of faults: one file for each fault in force, FOLDER/ID.PLACE.json, on disk before the fault is applied. An entry
 * says enough to revert without the controller, and whose it is: which boot, which namespaces, which agent. */
#ifndef DRILL_AGENT_JOURNAL_H
#define DRILL_AGENT_JOURNAL_H

#include "faults/fault.h"
#include "harness/base/buf.h"
#include "harness/base/json.h"

enum journal_owner {
    JOURNAL_DEAD = 0,  /* the boot or the namespaces are gone, and the fault with them */
    JOURNAL_HELD,      /* the agent that wrote it lives */
    JOURNAL_HERE,      /* nobody holds it, and it is in this process' namespaces */
    JOURNAL_ELSEWHERE, /* nobody holds it, and it is in other namespaces, which live */
};

/* Write the entry of `fault`, held by this process, with fsync of file and folder. `expires_ns` (CLOCK_MONOTONIC; 0: never). The
 * folder is made. ERR_STATE when an entry of that name stands that somebody else has to revert first. */
int journal_write(const char *folder, const char *place, const struct fault_instance *fault, int64_t expires_ns,
                  struct err *err) MUST_CHECK;
/* Remove it, with fsync of the folder. Missing is fine. */
int journal_remove(const char *folder, const char *place, const char *fault_id, struct err *err) MUST_CHECK;
enum journal_owner journal_owner(const json_t *entry);
/* All entries, an array of {file (path), entry (object)}, sorted by name; a missing folder is empty. A file that cannot be read
 * as an entry is listed without `entry`. */
int journal_list(const char *folder, json_t **ret_list, struct err *err) MUST_CHECK;

/* Revert what stands in this process' namespaces, from the entries alone, and drop entries of dead worlds. `report` gets a line
 * for each entry that was looked at. Goes on after a failure; the first is the error. Entries that a live agent holds are left.
 */
int journal_undo(const char *folder, struct buf *report, struct err *err) MUST_CHECK;
/* Add to `standing` one text for each entry that needs `drill undo` ("; " between them); nothing is added when there is none. */
int journal_standing(const char *folder, struct buf *standing, struct err *err) MUST_CHECK;

#endif
