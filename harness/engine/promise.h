/* What a topology promises (`tolerates:`), against the regions that a scenario takes out at the same time. Private to harness/engine. */
#ifndef DRILL_ENGINE_PROMISE_H
#define DRILL_ENGINE_PROMISE_H

#include "harness/engine/session.h"

/* In the dry run: an injection, whose descriptions say whether they isolate their target, and its end. `out` is an object, the regions
 * that are out by the id of their injection. */
void promise_inject(struct engine_plan *plan, const struct topology *topology, const char *id, const struct target_list *list,
                    json_t *out);
void promise_revert(const char *id, json_t *out);
/* For plan.json: {"tolerates", "why", "regions", "isolating"}; NULL when the topology promises nothing. */
json_t *promise_describe(const struct topology *topology, const struct engine_plan *plan);

#endif
