/* What an agent lends to faults: to see, start and stop the services that a fault names, by the ways that the topology declares. A managed
 * service is started from the world's record of it; one of a running system by its own `start` and `stop` commands or its signal. It needs
 * no agent, so an undo has it too. */
#ifndef DRILL_AGENT_LENT_H
#define DRILL_AGENT_LENT_H

#include "faults/fault.h"

struct lent;

/* For the fault of this description, whose target may have "handles": { NAME: { pid_file, stop_signal, start[], stop[],
 * reload_signal, reload[], certificate, address, port } }. */
struct lent *lent_new(const json_t *description);
const struct fault_services *lent_services(const struct lent *lent);
void lent_free(struct lent *lent); /* accepts NULL */
DEFINE_CLEANUP(struct lent *, lent, lent_free)

/* The world's one source of pids: what was started, where, how. Without a world nothing is written. `service` as service.start takes it. */
int lent_record(const char *name, const char *place, int pid, const json_t *service, struct err *err) MUST_CHECK;
/* The pid that the record or else the pid file (may be NULL) names, when it still is that process; 0: none. What could not be read is an
 * error: it says nothing about the service. */
int lent_pid(const char *name, const char *pid_file, int *ret_pid, struct err *err) MUST_CHECK;

#endif
