/* What a drill is judged by: the scenario's objectives and its budget, the stricter of each. Pure: the same input gives the same
 * gate, so that whoever holds the evidence can make it again.
 *
 *   A line of the budget on a figure that the scenario does not limit is added.
 *   One that is stricter than the scenario's objective replaces it; the same limit changes nothing.
 *   One that is looser is left out and told, unless `allow_looser`: then it replaces the scenario's, and that is told.
 *   One that is relative ("last_pass * 1.25") is added as the number that it comes to; without a last PASS, or when that one did not
 *   measure the figure, it is not judged in this drill, and that is told.
 *   Warn lines never replace anything. */
#ifndef DRILL_PROGRAMME_GATE_H
#define DRILL_PROGRAMME_GATE_H

#include "harness/base/json.h"
#include "harness/programme/budget.h"

struct gate {
    json_t *objectives; /* texts with absolute limits: judged */
    json_t *warnings;   /* the same: reported, never failing */
    json_t *lines;      /* one object for each line of the budget: written, line, column, warn, effect, judged, replaces */
    json_t *notes;      /* sentences for console and report */
    bool loosened;
};

struct gate_input {
    char *const *objectives; /* the scenario's */
    size_t objective_count;
    const struct budget *budget;       /* NULL: none */
    const struct budget_scenario *own; /* of this scenario, NULL: none */
    const json_t *last_pass;           /* its report.json, NULL: no drill passed */
    const char *archive;               /* where a last PASS was looked for: for the notes */
    bool allow_looser;
};

/* An objective of the scenario that cannot be read is ERR_INPUT. gate_clear after success. */
int gate_make(const struct gate_input *input, struct gate *ret_gate, struct err *err) MUST_CHECK;
void gate_clear(struct gate *gate);

#endif
