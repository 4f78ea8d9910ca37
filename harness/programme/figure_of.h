/* What an earlier drill measured, out of its report.json: for limits set by the last drill that passed. */
#ifndef DRILL_PROGRAMME_FIGURE_OF_H
#define DRILL_PROGRAMME_FIGURE_OF_H

#include "harness/base/json.h"
#include "harness/measure/objective.h"

/* The figure that `objective` limits, in its unit (failed: percent), at the unfavourable end of its resolution, which is the one that
 * an objective is judged by: so a drill as good as the earlier one stays within "last_pass". False when it was not measured. */
bool figure_of_report(const json_t *report, const struct objective *objective, double *ret_value);

#endif
