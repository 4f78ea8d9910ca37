/* What the faults of containers share: calls of the engine that their agent lends, and the journal of what was there before. */
#ifndef DRILL_FAULTS_CONTAINER_ENGINE_H
#define DRILL_FAULTS_CONTAINER_ENGINE_H

#include "faults/fault.h"

/* The hooks `check` and `supported` of all of them: containers are hit, an engine is there and knows them. */
int engine_check(const struct fault_instance *fault, struct err *err) MUST_CHECK;
int engine_supported(const struct fault_instance *fault, struct err *err) MUST_CHECK;

/* "METHOD /containers/NAME/WHAT"; WHAT may have a query. */
int engine_container(const struct fault_instance *fault, const char *method, const char *name, const char *what,
                     const json_t *body, json_t **ret_answer, struct err *err) MUST_CHECK;
int engine_call(const struct fault_instance *fault, const char *method, const char *path, const json_t *body, json_t **ret_answer,
                struct err *err) MUST_CHECK;
/* What the engine says of a container; a new reference. */
int engine_inspect(const struct fault_instance *fault, const char *name, json_t **ret_inspected, struct err *err) MUST_CHECK;
/* Does it run, and is it paused? False also when the engine does not know it. */
bool engine_runs(const json_t *inspected);
bool engine_is_paused(const json_t *inspected);

/* Fills one entry of the journal from what the engine says. ERR_STATE when it cannot be hit as it is. */
typedef int engine_entry_f(const json_t *inspected, json_t *entry, struct err *err);
/* journal["containers"]: an entry {"name", "started", …} for each of the target's, filled by `fill` (may be NULL), once. */
int engine_remember(struct fault_instance *fault, engine_entry_f *fill, struct err *err) MUST_CHECK;

/* Done to one container of the journal. */
typedef int engine_each_f(struct fault_instance *fault, const json_t *entry, void *context, struct err *err);
/* To all of them, in spite of failures; the first error is kept. ERR_STATE without a journal. */
int engine_each(struct fault_instance *fault, engine_each_f *each, void *context, struct err *err) MUST_CHECK;
/* The same for reverts: nothing remembered is nothing to do. */
int engine_each_back(struct fault_instance *fault, engine_each_f *each, void *context, struct err *err) MUST_CHECK;
/* Start it when it does not run. An engine_each_f. */
int engine_start(struct fault_instance *fault, const json_t *entry, void *context, struct err *err) MUST_CHECK;
/* A line in the buffer `context` when it does not run. An engine_each_f. */
int engine_left_dead(struct fault_instance *fault, const json_t *entry, void *context, struct err *err) MUST_CHECK;

#endif
