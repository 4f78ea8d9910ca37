/* The steps that make a staged bundle a part of the archive. Killed before the first rename the archive is the old one and the next
 * sealing takes the staging folder away; killed after it, the next sealing goes on where this one stopped. At every moment between
 * `sha256sum -c LEDGER` and every chain link hold.
 *
 *   PAYLOAD.seal/    the bundle without its payload
 *   PAYLOAD.entry    its line for the LEDGER: from here on it will be finished
 *
 * 1 write PAYLOAD.entry   2 PAYLOAD -> PAYLOAD.seal/data   3 PAYLOAD.seal -> its place   4 append to LEDGER   5 remove PAYLOAD.entry */
#ifndef DRILL_ARCHIVE_COMMIT_H
#define DRILL_ARCHIVE_COMMIT_H

#include "harness/archive/bundle.h"

#define COMMIT_STAGING ".seal"
#define COMMIT_ENTRY ".entry"

struct commit {
    const char *archive;
    const char *payload; /* ARCHIVE/.running/NAME */
    char *staging;       /* PAYLOAD.seal; owned */
    char *path;          /* below the archive, "2026/Q1/0007-x"; owned */
    bundle_step_f *at_step;
    void *context;
};

void commit_step(const struct commit *commit, const char *step);
int commit_begin(struct commit *commit, struct err *err) MUST_CHECK; /* makes an empty staging folder */
int commit_all(struct commit *commit, struct err *err) MUST_CHECK;
/* After a failure: removes the staging folder as long as the payload is not in it. */
void commit_take_back(struct commit *commit);
void commit_clear(struct commit *commit);
/* The caller holds the archive's lock. */
int commit_finish_interrupted(const char *archive, struct err *err) MUST_CHECK;

#endif
