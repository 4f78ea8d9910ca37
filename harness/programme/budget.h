/* Budgets: the reviewed file of what each scenario is judged by, beside what the scenario itself says.
 *
 *     due: 90d                               # a PASS older than this is overdue; every scenario, unless it says otherwise
 *     scenarios:
 *       region-outage:
 *         objectives:                        # judged: a miss fails the drill
 *           - rto <= 20s
 *           - rto <= last_pass * 1.25
 *         warn:                              # reported: never fails
 *           - rto <= 15s
 *         due: 30d
 *
 * docs/budgets.md is the users' page of it. */
#ifndef DRILL_PROGRAMME_BUDGET_H
#define DRILL_PROGRAMME_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "harness/measure/objective.h"

extern const char budget_file_name[]; /* "drill-budgets.yaml" */

struct budget_line {
    struct objective *objective;
    int line, column; /* where it stands in the file */
};

struct budget_scenario {
    char *name;
    struct budget_line *objectives, *warnings;
    size_t objective_count, warning_count;
    int64_t due_ns; /* the file's own when the scenario has none; 0: nothing said */
};

struct budget {
    char *file; /* as given */
    char *text; /* what was read */
    size_t size;
    int64_t due_ns; /* 0: nothing said */
    struct budget_scenario *scenarios;
    size_t count;
};

/* Read and check a whole file: what is wrong with any scenario is ERR_INPUT with file:line:column and the nearest name. */
int budget_load(const char *file, struct budget **ret_budget, struct err *err) MUST_CHECK;
void budget_free(struct budget *budget); /* accepts NULL */
DEFINE_CLEANUP(struct budget *, budget, budget_free)
const struct budget_scenario *budget_find(const struct budget *budget,
                                          const char *scenario); /* NULL without, or without budget */
/* ERR_INPUT that says which scenarios the file does have, with the nearest name. */
int budget_lacks(const struct budget *budget, const char *scenario, struct err *err);

#endif
