/* Objectives that hold only with a certain value of a setting or parameter: `cases = { policy = { weighted = { "…" } } }`. */
#ifndef DRILL_CLI_CASES_H
#define DRILL_CLI_CASES_H

#include "harness/script/scenario.h"
#include "harness/topology/topology.h"

/* Add to the scenario's objectives those of its cases that are so, once settings and parameters have their values. ERR_INPUT with the
 * position for a name that is neither, and for a value that the setting cannot have. */
int cases_apply(struct scenario *scenario, const struct topology *topology, struct err *err) MUST_CHECK;

#endif
