/* Services as a fault's target names them, started and stopped through what the agent lends (struct fault_services). */
#ifndef DRILL_FAULTS_PROCESS_SERVICES_H
#define DRILL_FAULTS_PROCESS_SERVICES_H

#include "faults/fault.h"

/* Put the names of the target's services that run (or do not) into the journal under `key`, once. */
int services_remember(struct fault_instance *fault, const char *key, bool running, struct err *err) MUST_CHECK;
/* How many names journal[key] has; none before it was remembered, and none without lent services. */
size_t services_count(const struct fault_instance *fault, const char *key);
/* What of journal[key] runs now; `name` (may be NULL) gets one that does not. Without lent services nothing runs. */
int services_running(const struct fault_instance *fault, const char *key, size_t *ret_count, const char **name,
                     struct err *err) MUST_CHECK;
/* Start what of journal[key] does not run and wait a moment until it does; without lent services nothing is done. */
int services_start(const struct fault_instance *fault, const char *key, struct err *err) MUST_CHECK;
/* Ask what of journal[key] runs to stop. */
int services_stop(const struct fault_instance *fault, const char *key, struct err *err) MUST_CHECK;
/* Wait until all of journal[key] run, at most a moment. */
int services_await_all(const struct fault_instance *fault, const char *key, struct err *err) MUST_CHECK;
/* Wait until the processes of journal[key] have ended, at most a moment; how many are left. One that was started anew by then is one left. */
int services_await_end(const struct fault_instance *fault, const char *key, size_t *ret_count, struct err *err) MUST_CHECK;

#endif
