/* The archive: one folder for all drills of a team, year after year.
 *
 *   ARCHIVE/LEDGER                             one line per sealed bundle in the order of sealing; `sha256sum -c` reads it (chain.h)
 *   ARCHIVE/README-VERIFY.txt                  how to check all of this without drill
 *   ARCHIVE/YYYY/Qn/NNNN-SCENARIO.plan/        sealed before the first fault: plan, scenario, topology, environment
 *   ARCHIVE/YYYY/Qn/NNNN-SCENARIO/             sealed after the drill: data/ holds evidence and reports
 *   ARCHIVE/YYYY/Qn/NNNN-SCENARIO.review/      sealed days later, by another key; more of them are .review-2, .review-3, …
 *   ARCHIVE/.running/                          not sealed yet: DRILL-ID/ is the evidence of a drill that runs or was killed
 *
 * NNNN counts the drills of the whole archive from 1. Quarters are of the drill's start, UTC. A bundle has the shape of RFC 8493
 * (bundle.h). Whatever is sealed is never written again. */
#ifndef DRILL_ARCHIVE_ARCHIVE_H
#define DRILL_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

/* One drill as the archive knows it. Paths begin with the archive's own path as it was given. Strings are owned by the list. */
struct archive_drill {
    int64_t number; /* 7 */
    char *name;     /* "0007-region-outage" */
    char *scenario; /* "region-outage" */
    char *quarter;  /* "2026/Q1" */
    char *id;       /* "20260210-101500-region-outage": External-Identifier of its bundles; "" when neither can be read */
    char *plan;     /* the plan bundle; NULL: it has none */
    char *result;   /* the result bundle; NULL: it runs, or it was never reported */
    char *evidence; /* folder with evidence and reports: RESULT/data, or ARCHIVE/.running/ID while not sealed; NULL: neither */
    char **reviews; /* review bundles, oldest first */
    size_t review_count;
};

struct archive_list { /* by number */
    struct archive_drill *items;
    size_t count, capacity;
};

/* Every drill of which there is a bundle. An archive that does not exist is empty. */
int archive_read(const char *archive, struct archive_list *ret_list, struct err *err) MUST_CHECK;
void archive_list_clear(struct archive_list *list);
/* By number ("7", "0007"), name ("0007-region-outage"), drill id, or the path of one of its bundles (with or without "/data").
 * ERR_INPUT with the nearest name when there is none. The drill is the list's. */
int archive_find(const struct archive_list *list, const char *word, const struct archive_drill **ret_drill,
                 struct err *err) MUST_CHECK;
/* The evidence folder that a user means: a folder (a bundle's data/ is taken by itself), or what archive_find understands. The
 * caller frees it. *ret_sealed: it is in a bundle and may not be written to. */
int archive_evidence(const char *archive, const char *word, char **ret_folder, bool *ret_sealed, struct err *err) MUST_CHECK;

/* A folder ARCHIVE/.running/NAME for what will become a bundle's payload, made with all above it. The caller frees the path. */
int archive_working_folder(const char *archive, const char *name, char **ret_folder, struct err *err) MUST_CHECK;

/* While this descriptor is open nobody else seals into the archive. Waits for whoever does. Close it with fd_close. */
int archive_lock(const char *archive, struct err *err) MUST_CHECK;

#endif
