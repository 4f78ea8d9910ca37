/* The last look at an evidence folder before it is sealed: what others wrote into it (services' logs, files of the user) has not
 * passed through the redactor yet, and what was written early may hold what became known as a secret later. */
#ifndef DRILL_EVIDENCE_SCRUB_H
#define DRILL_EVIDENCE_SCRUB_H

#include "harness/evidence/redact.h"

/* Goes through every text below the folder and writes redactions.json, the list of what was taken where. May be done again. */
int scrub_folder(struct redactor *redactor, const char *folder, struct err *err) MUST_CHECK;

#endif
