/* Whether what a drill's reports say follows from its evidence. */
#ifndef DRILL_CLI_RECOMPUTE_H
#define DRILL_CLI_RECOMPUTE_H

#include "harness/archive/verify.h"

/* Measure the evidence in `folder` again and compare every figure of its report.json, and the other reports byte by byte. Reports that
 * another drill binary rendered may look otherwise, and lack figures that this one adds: those are notes. A figure that is there must
 * be the same. */
void recompute_check(const char *folder, const char *where, struct findings *findings);

#endif
