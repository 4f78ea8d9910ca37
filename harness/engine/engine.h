/* The drill's state machine: brings the topology up, takes the scenario's steps, writes evidence, puts everything back. It
 * decides nothing about pass or fail and includes no fault: it asks agents. */
#ifndef DRILL_ENGINE_ENGINE_H
#define DRILL_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/base/json.h"
#include "harness/evidence/redact.h"
#include "harness/measure/live.h"
#include "harness/script/script.h"
#include "harness/topology/topology.h"

/* What the progress display is told, about ten times a second. Borrowed during the call. */
struct engine_progress {
    const char *phase;                         /* "starting", "steady", "waiting", "awaiting recovery", "reverting", "stopping" */
    const char *detail;                        /* what exactly, may be empty */
    int64_t elapsed_ns;                        /* since the drill began */
    int64_t left_ns;                           /* until this step gives up or ends; 0: not known */
    const char *in_force;                      /* faults, "blackhole us-east"; empty when none */
    uint64_t ok_per_second, failed_per_second; /* of the last whole second */
};
typedef void engine_progress_f(void *context, const struct engine_progress *progress);

/* Told once the drill's folder holds plan and environment, and before anything is touched. An error ends the drill there and then. */
typedef int engine_opened_f(void *context, const char *folder, const char *id, struct err *err);

/* Told each event as it is written. `fields` (may be NULL) is borrowed. It must not wait. */
typedef void engine_told_f(void *context, const char *kind, const json_t *fields);

/* A file that lies beside the plan in the drill's folder. */
struct engine_enclosure {
    const char *name;
    const char *text;
    size_t size;
};

struct engine_options {
    const char *archive; /* folder under which the drill's folder is made */
    const char *journal; /* folder of the agents' journals */
    const char *control; /* folder of control sockets; NULL: this drill has none */
    const char *command_line;
    int64_t seed;
    int64_t repeat;             /* which of several drills in a row, from 1 */
    bool allow_host;            /* --allow-host: faults on this machine */
    int interrupt_fd;           /* readable when the user wants to stop; -1 never */
    const struct engine_up *up; /* a topology that `drill up` keeps, or NULL */
    const json_t *annex;        /* members that plan.json has besides the scenario's own: an object, or NULL */
    const struct engine_enclosure *enclosures;
    size_t enclosure_count;
    engine_progress_f *progress; /* may be NULL */
    void *context;
    struct redactor *redactor; /* everything that is written passes through it; NULL: nothing is taken out */
    engine_opened_f *opened;   /* may be NULL */
    void *opened_context;
    engine_told_f *told; /* may be NULL */
    void *told_context;
};

/* What a kept topology is known by. */
struct engine_up {
    int world_pid;
    uint64_t world_start_ticks;
};

/* The dry run: what will be done, checked. */
struct engine_plan {
    json_t *steps;      /* array of { step, text, line } */
    json_t *faults;     /* array of fault descriptions, for `supported` */
    json_t *isolating;  /* array of { fault_id, regions[] }: injections after which nobody reaches those regions */
    char *beyond;       /* how the scenario goes beyond what the topology promises; NULL: it does not */
    int64_t usual_ns;   /* waits and holds; recovery times are not known before */
    int64_t longest_ns; /* if every wait runs to its limit */
};
void engine_plan_free(struct engine_plan *plan); /* accepts NULL */
DEFINE_CLEANUP(struct engine_plan *, engine_plan, engine_plan_free)

/* Run the scenario with steps that return at once and check every one: targets, options, durations. Nothing is touched but a
 * local agent that explains the faults. */
int engine_plan_make(struct script *script, const struct topology *topology, const struct engine_options *options,
                     struct engine_plan **ret_plan, struct err *err) MUST_CHECK;

/* The drill. Returns 0 when the evidence is complete, whatever it says (aborted drills too); *ret_folder is the caller's. An
 * error after the folder was made also gives the folder: its evidence ends with conclusion "error". */
int engine_run(struct script *script, const struct topology *topology, const struct engine_plan *plan,
               const struct engine_options *options, char **ret_folder, struct err *err) MUST_CHECK;

/* Bring a topology up and keep it until `interrupt_fd` becomes readable or the world dies; `ready` is called once everything
 * runs, with the world's pid and start ticks. Services log into `logs`. */
typedef int engine_ready_f(void *context, int world_pid, uint64_t world_start_ticks, struct err *err);
int engine_keep(const struct topology *topology, const struct engine_options *options, const char *logs, engine_ready_f *ready,
                void *context, struct err *err) MUST_CHECK;
/* One line per service and steady check of a kept topology. Returns 0 when all is well, 1 when something is not. */
int engine_status(const struct topology *topology, const struct engine_options *options, struct buf *out,
                  struct err *err) MUST_CHECK;

#endif
