/* Where each scenario stands in the programme: when it last ran and passed, when it is due, how its recovery times lie to its target,
 * what its reviews left open. Pure, but for `now`. */
#ifndef DRILL_PROGRAMME_STANDING_H
#define DRILL_PROGRAMME_STANDING_H

#include "harness/base/buf.h"
#include "harness/measure/repeats.h"
#include "harness/programme/budget.h"
#include "harness/programme/history.h"

enum { DUE_DAYS = 90 }; /* the age limit of a PASS when no budget says another */

struct standing {
    const char *scenario;             /* the history's or the budget's */
    const struct past_drill **drills; /* of the scenario, oldest first */
    size_t count;
    const struct past_drill *last, *last_pass; /* NULL: none; `last` has a report */
    size_t outcomes[PAST_OUTCOME_COUNT];
    struct repeats rto; /* over the drills that are like the last one: same scenario file, environment and target */
    size_t unlike;      /* drills with a figure that are not like it, and are left out of rto */
    double pass_bound;  /* of passed among passed and failed ones */
    int64_t due_utc_ns; /* last PASS + age limit; 0: it never passed */
    int64_t limit_ns;
    bool overdue;
    const char *stale; /* what changed since the last PASS: "scenario", "environment"; NULL: nothing */
    size_t open_actions, overdue_actions, missing_reviews; /* a review is missed for each drill with a result */
};

struct standings { /* by scenario's name */
    struct standing *items;
    size_t count, capacity;
};

/* Of every scenario that the history or the budget knows. `budget` may be NULL. */
void standings_make(const struct history *history, const struct budget *budget, int64_t now_utc_ns, struct standings *ret);
void standings_clear(struct standings *standings);
/* The last two comparable recovery times: "41.2 s, 3.1 s faster than before"; "" without. Appends to `out`. */
void standing_trend(const struct standing *standing, struct buf *out);
/* An action of a review: open unless its status says done or accepted. */
bool action_is_open(const json_t *action);
/* index.json: new reference. */
json_t *standings_to_json(const struct standings *standings, int64_t now_utc_ns);

#endif
