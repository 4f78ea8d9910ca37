/* Telling a webhook what a drill does while it does it: before anything is touched, at each fault and its end, when somebody is waited for.
 * A process of its own posts, so that no slow receiver holds the drill up. */
#ifndef DRILL_CLI_TELLER_H
#define DRILL_CLI_TELLER_H

#include "harness/base/json.h"

struct teller;

/* Start it; posts go to `url`. */
int teller_open(const char *url, const char *scenario, const char *title, struct teller **ret_teller, struct err *err) MUST_CHECK;
/* An event of the drill (harness/evidence/events.h); those that people want to hear of are posted, in order. engine_told_f. */
void teller_tell(void *context, const char *kind, const json_t *fields);
/* Waits until all is posted or given up, at most a quarter of a minute; what could not be posted is a warning. Accepts NULL. */
void teller_close(struct teller *teller);
DEFINE_CLEANUP(struct teller *, teller, teller_close)

#endif
