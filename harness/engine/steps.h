/* The scenario's steps as operations of the engine. Private to harness/engine. */
#ifndef DRILL_ENGINE_STEPS_H
#define DRILL_ENGINE_STEPS_H

#include "harness/engine/session.h"

/* Begin what the scenario asks for; short steps are answered at once. */
int steps_begin(struct session *session, const struct script_request *request, struct err *err) MUST_CHECK;
/* Look after the operations under way and answer those that ended. */
int steps_advance(struct session *session, struct err *err) MUST_CHECK;
/* When the next of them has to be looked at. */
int64_t steps_deadline_ns(const struct session *session);
/* The duration of an argument, or `fallback_ns` when it is not there. */
int steps_duration(const struct node *args, const char *key, int64_t fallback_ns, int64_t *ret_ns, struct err *err) MUST_CHECK;

#endif
