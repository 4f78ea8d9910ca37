/* Whether what a drill's reports say follows from its evidence. */
#ifndef DRILL_CLI_RECOMPUTE_H
#define DRILL_CLI_RECOMPUTE_H

#include "harness/archive/verify.h"
#include "harness/base/json.h"

/* Measure the evidence in `folder` again and compare every figure of its report.json, and the other reports byte by byte. Reports that
 * another drill binary rendered may look otherwise: that is a note, while figures must be the same. */
void recompute_check(const char *folder, const char *where, struct findings *findings);
/* Every member that both have or one lacks, by its path, as "measured.rto.seconds is 3.1, expected 4.2". */
void recompute_compare(const json_t *found, const json_t *expected, const char *where, struct findings *findings);

#endif
