/* Reading back: which writes does the system still have? Fetches the list of ids over HTTP in a thread of its own, in the network
 * namespace of the caller, and keeps the ids of this drill.
 *
 * Settings: url (of the list: one id a line, last line "# N" with the number of ids), dns_server ["10.9.0.53:53"; the system's],
 * file (where the ids go, one a line), prefix (only ids that begin so go there) [""], timeout_ms (for all attempts together)
 * [15000].
 *
 * A list is complete only when HTTP said 200, the last line is "# N" and N ids were listed. Anything else is tried again, with a
 * fresh file, until the time is up; then `complete` is false and `reason` says what was wrong at last. */
#ifndef DRILL_LOAD_READBACK_H
#define DRILL_LOAD_READBACK_H

#include "harness/base/json.h"

struct readback;

int readback_start(const json_t *settings, struct readback **ret_readback, struct err *err) MUST_CHECK;
/* Readable (eventfd) once it is finished; borrowed. */
int readback_fd(const struct readback *readback);
/* Waits for the end if need be. *ret_result (new reference): complete, reason, count (ids with the prefix), listed (ids in all),
 * via (address that answered last), attempts. Only a failure of this machine, as a file that cannot be written, is an error.
 * Still to be freed. */
int readback_finish(struct readback *readback, json_t **ret_result, struct err *err) MUST_CHECK;
/* Accepts NULL; stops it when it still runs. */
void readback_free(struct readback *readback);
DEFINE_CLEANUP(struct readback *, readback, readback_free)
#define AUTO_READBACK CLEANUP(readback_cleanup)

#endif
