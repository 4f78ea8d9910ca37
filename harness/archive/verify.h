/* Checking what is sealed: all that README-VERIFY.txt's commands do, and what they cannot. Every problem is named; looking goes on. */
#ifndef DRILL_ARCHIVE_VERIFY_H
#define DRILL_ARCHIVE_VERIFY_H

#include "harness/archive/signature.h"

struct finding {
    char *where; /* "2026/Q1/0007-region-outage", "LEDGER" */
    char *text;
    bool is_problem; /* false: worth knowing */
};

struct findings {
    struct finding *items;
    size_t count, capacity;
};

void findings_add(struct findings *findings, bool is_problem, const char *where, const char *fmt, ...) PRINTF_LIKE(4, 5);
size_t findings_problems(const struct findings *findings);
void findings_clear(struct findings *findings);

/* One bundle by itself: hashes, files that are not listed, what bag-info.txt says, signature, timestamp. `where` names it in findings.
 * With allowed signers a bundle that is not signed is a problem, with a timestamp authority one without a token. */
void verify_bundle(const char *bundle, const char *where, const struct trust *trust, struct findings *findings);
/* Every bundle of an archive, and how they hang together: LEDGER, links, numbers, plans without results, what is not sealed. An error
 * is only what keeps it from looking at all. */
int verify_archive(const char *archive, const struct trust *trust, struct findings *findings, struct err *err) MUST_CHECK;

#endif
