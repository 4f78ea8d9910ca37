/* One drill while it runs: what the engine's files share. Private to harness/engine. */
#ifndef DRILL_ENGINE_SESSION_H
#define DRILL_ENGINE_SESSION_H

#include "harness/base/vec.h"
#include "harness/engine/engine.h"
#include "harness/evidence/events.h"
#include "harness/evidence/ledger.h"
#include "harness/measure/abort_rule.h"
#include "harness/place/place.h"
#include "harness/place/world.h"

enum { CALL_TIMEOUT_S = 15, STORES_DEFAULT_S = 15, STORES_SLACK_S = 5, TICK_MS = 100 };

/* One inject of the scenario; a selector that matches several hosts gives several parts. */
struct injection {
    char id[16]; /* "f1" */
    char *fault, *target;
    int64_t disrupted_ns, reverted_ns;
    int64_t expired_ns; /* its agent says that its time to live was over then; 0: not */
    bool in_force, reverted;
    VEC(struct injection_part) parts;
};
struct injection_part {
    char id[32]; /* "f1" or "f1.2" */
    struct place *place;
    json_t *description;
    bool applied;
};

/* A step that takes time. */
enum operation_kind {
    OPERATION_NONE = 0,
    OPERATION_WAIT,
    OPERATION_STEADY,
    OPERATION_AWAIT,
    OPERATION_READBACK,
    OPERATION_CHANGE,
    OPERATION_STORES,
    OPERATION_NOTE,
    OPERATION_KIND_COUNT
};
struct operation {
    enum operation_kind kind;
    int task; /* -1: not a scenario's step */
    int64_t begun_ns, until_ns, hold_ns;
    bool recovered;
    bool answered; /* read-back: the reply came; change: it was seen */
    struct session *session;
    int readback;                             /* its number */
    const struct topology_observer *observer; /* whose change is awaited; borrowed */
    struct store_reading *readings;           /* one for each store that is asked for what it has */
    size_t unread;                            /* how many of them have not answered yet */
    char *wanted;                             /* what it must change to, NULL: anything; note: what it must say */
    char *by;                                 /* note: who said it; NULL: nobody yet */
};

struct control;

struct session {
    const struct engine_options *options;
    const struct topology *topology;
    struct script *script;           /* NULL when only keeping a topology */
    const struct scenario *scenario; /* the same */
    const struct engine_plan *plan;
    struct world *world; /* NULL for a local topology */
    struct places *places;
    struct events *events; /* NULL when only keeping */
    char *folder, *logs, *id;
    char write_prefix[16]; /* "w7f3a91" */
    int64_t begun_ns;
    VEC(struct injection) injections;
    json_t *residue; /* texts: what faults had left after they were reverted */
    VEC(struct operation *) operations;
    VEC(struct ledger *) ledgers;
    VEC(struct place *) vantages;
    VEC(struct place *) restarted; /* agents that were lost and started again: their snapshots are gone */
    bool images;                   /* networks and images of a topology of containers are made */
    bool observing, loading, snapshots;
    int readbacks, store_readings;
    const char *phase;
    char detail[160];
    int64_t phase_until_ns;
    bool interrupted;        /* by a signal, a second terminal or a rule: nothing else may stop what is put back now */
    bool ending;             /* the steps are over */
    char aborted_by[160];    /* "root (pid 4711)", "abort_when \"failed > 90% for 30s\"" */
    struct control *control; /* NULL: none */
    VEC(struct abort_rule *) rules;
    int64_t watched_ns;  /* seconds before it were shown to the rules; 0: none */
    char lost_place[64]; /* an agent that a step needed went away */
    char lost_reason[160];
    int64_t progress_ns;
    struct outage_settings *outage_settings;
};

/* session.c */
void operation_free(struct operation *operation);
int session_event(struct session *session, const char *kind, json_t *fields, struct err *err) MUST_CHECK;
/* The same where there is nothing left to fail: it is logged when it cannot be written. */
void session_tell(struct session *session, const char *kind, json_t *fields);
int session_event_at(struct session *session, int64_t t_ns, const char *kind, json_t *fields, struct err *err) MUST_CHECK;
void session_phase(struct session *session, const char *phase, int64_t until_ns, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Let agents speak until `until_ns` at most; notices interrupts and lost agents. ERR_INTERRUPTED ends whatever waits. */
int session_step(struct session *session, int64_t until_ns, struct err *err) MUST_CHECK;
int session_call(struct session *session, struct place *place, const char *method, json_t *params, json_t **ret_result,
                 struct err *err) MUST_CHECK;
void session_clear(struct session *session);

/* watch.c: signals, the second terminal and the scenario's rules. ERR_INTERRUPTED says that the drill has to stop, and why. */
int watch_open(struct session *session, struct err *err) MUST_CHECK;
int watch_fd(const struct session *session); /* readable when watch_requests has something to do; -1: never */
int watch_requests(struct session *session, struct err *err) MUST_CHECK;
int watch_rules(struct session *session, struct err *err) MUST_CHECK;
void watch_close(struct session *session);

/* agents.c */
int agents_open(struct session *session, struct err *err) MUST_CHECK;
int agents_open_containers(struct session *session, struct err *err) MUST_CHECK; /* once they run */
/* After a loss: start the agent again and go on, or an error when what it held cannot be had back. */
int agents_recover(struct session *session, struct err *err) MUST_CHECK;
/* Start lost agents whose faults are still to be reverted: they find them in their journal. */
void agents_revive(struct session *session);
bool agents_was_restarted(const struct session *session, const struct place *place);

/* describe.c: the topology's parts as agents receive them; new references. */
json_t *describe_service(const struct topology_service *service, const char *logs, bool with_files);
json_t *describe_health(const struct topology_health *health, const char *address);
json_t *describe_steady(const struct topology *topology, const struct topology_steady *steady);
json_t *describe_observer(const struct topology_observer *observer);
/* A client's settings as far as they are known before anything is started (harness/load/load.h). */
json_t *describe_client(const struct scenario *scenario, const struct topology *topology, size_t vantage);
json_t *describe_readback(const struct topology *topology, const char *vantage, const char *file, const char *prefix);
/* The same of what one store itself has. */
json_t *describe_store(const struct topology *topology, const struct topology_store *store, const char *file, const char *prefix);
json_t *describe_load(const struct session *session, size_t vantage, const char *ledger);
json_t *describe_control(const struct topology_control *control);
json_t *describe_handle(const struct topology_service *service);
json_t *describe_plan(const struct session *session);
json_t *describe_environment(const struct session *session);

/* containers.c */
/* Make the service's container in the topology's own engine and wait until it is ready. */
int containers_start(struct session *session, const struct topology_service *service, struct err *err) MUST_CHECK;
/* Start the one that does not run. */
int containers_again(struct session *session, const struct topology_service *service, struct err *err) MUST_CHECK;
/* Who looks at containers from outside. */
struct place *containers_place(const struct session *session);
int containers_pid(const struct session *session, const struct topology_host *host, int *ret_pid, struct err *err) MUST_CHECK;
/* An engine that puts a container back into its network gives it another interface, so nothing is to be compared; that it has its address
 * again the fault itself has asked. */
bool containers_was_rejoined(const struct session *session, const struct place *place);
/* After a container was started anew its place is another; nothing for what is none. */
int containers_follow(struct session *session, struct place *place, struct err *err) MUST_CHECK;

/* startup.c */
/* World, agents, services, latency, steady state; of a kept topology only what is not there yet. */
int startup_topology(struct session *session, struct err *err) MUST_CHECK;
int startup_world(struct session *session, struct err *err) MUST_CHECK;
int startup_service_again(struct session *session, const struct topology_service *service, struct err *err) MUST_CHECK;

/* targets.c: what a fault of a scenario is pointed at; the array and its members are the caller's. `name` becomes "us-east to
 * us-west". */
struct target_list {
    json_t **items;
    size_t count, capacity;
};
int targets_describe(const struct topology *topology, const struct node *args, const char *id, struct target_list *ret_list,
                     char **ret_name, struct err *err) MUST_CHECK;
void target_list_clear(struct target_list *list);
/* Whether a described target means this service: by its name, or as one of its host's. */
bool targets_hit(const json_t *target, const struct topology_service *service);
/* Append {"name", "cidr"} for each far side that `peer` (NULL: none) means: a region, a host, a service, a list of them, or "rest". */
int peers_resolve(const struct topology *topology, const struct node *peer, const struct topology_target *targets, size_t count,
                  json_t *peers, struct err *err) MUST_CHECK;

/* injection.c */
int injection_apply(struct session *session, const struct node *args, struct injection **ret_injection,
                    struct err *err) MUST_CHECK;
int injection_revert(struct session *session, struct injection *injection, struct err *err) MUST_CHECK;
struct injection *injection_find(struct session *session, const char *id);
/* An agent's event: a fault whose time to live is over in one place is to be reverted in all of them. */
void injection_notice(struct session *session, const json_t *event, int64_t t_ns);
int injection_revert_expired(struct session *session, struct err *err) MUST_CHECK;
/* Revert everything in force, newest first; goes on after failures. */
int injection_revert_all(struct session *session, struct err *err) MUST_CHECK;

/* resets.c: destroy at a region's hosts what a cut with `reset` has left standing still. */
int resets_after_revert(struct session *session, const struct injection *injection, struct err *err) MUST_CHECK;

/* readback.c */
int readback_begin(struct session *session, int task, struct operation **ret_operation, struct err *err) MUST_CHECK;
int readback_now(struct session *session, struct err *err) MUST_CHECK;

/* stores.c: what each store has, side by side. `label` says in the report when it was; a store that does not answer is asked again for
 * `within_ns`. */
int stores_begin(struct session *session, int task, const char *label, int64_t within_ns, struct err *err) MUST_CHECK;

/* change.c: waiting for an observer to tell of a change */
int change_check(const struct topology *topology, const struct node *args, const struct topology_observer **ret_observer,
                 struct err *err) MUST_CHECK;
int change_begin(struct session *session, struct operation *operation, const struct node *args, struct err *err) MUST_CHECK;
void change_notice(struct session *session, const json_t *event);
int change_end(struct session *session, struct operation *operation, struct err *err) MUST_CHECK;

/* note.c: waiting for people */
int note_wait(const struct node *args, const char **ret_says, int64_t *ret_within_ns, struct err *err) MUST_CHECK;
int note_begin(struct session *session, struct operation *operation, const char *says, int64_t within_ns,
               struct err *err) MUST_CHECK;
void note_notice(struct session *session, const char *text, const char *by);
int note_end(struct session *session, const struct operation *operation, struct err *err) MUST_CHECK;

/* drift.c: what runs against what is declared, and region against region; each difference is in the event "drift" */
int drift_check(const struct topology *topology, struct err *err) MUST_CHECK; /* can it be compared? */
int drift_find(struct session *session, size_t *ret_count, struct err *err) MUST_CHECK;

/* exposition.c: what a monitor can scrape, where the topology says `metrics:` */
int exposition_open(struct session *session, struct err *err) MUST_CHECK;
void exposition_tell(struct session *session);

/* traffic.c */
int traffic_start(struct session *session, struct err *err) MUST_CHECK;
int traffic_observe(struct session *session, struct place *place, struct err *err) MUST_CHECK;
int traffic_stop(struct session *session, struct err *err) MUST_CHECK;

#endif
