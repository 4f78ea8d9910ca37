/* The controller's side of the agents: started in places, spoken to in JSON-RPC lines, one loop for all of them. */
#ifndef DRILL_PLACE_PLACE_H
#define DRILL_PLACE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/json.h"
#include "harness/place/world.h"

struct places;
struct place;

/* `t_ns` is the event's time on the controller's clock. */
typedef void places_note_f(void *context, struct place *place, const json_t *params, int64_t t_ns);
typedef void places_lost_f(void *context, struct place *place, const char *reason);
/* Exactly one of result and error is not NULL; both are borrowed. */
typedef void place_reply_f(void *context, const json_t *result, const struct err *error);

struct places_hooks {
    places_note_f *on_event, *on_log;
    places_lost_f *on_lost;
};

struct place_settings {
    const char *journal_folder; /* NULL: the agent keeps no journal */
    int heartbeat_ms;           /* 0: none */
    const char *log_file;       /* absolute; the agent's standard error is appended there, no symbolic link is followed; inherited
                                 * when NULL or when it cannot be opened (it may be another user's): no reason to stay blind */
    const char *program;        /* absolute; started as "drill agent"; NULL: this process's own binary */
};

struct places *places_new(const struct places_hooks *hooks, void *context);
void places_free(struct places *places); /* closes the agents' input: they revert and end; accepts NULL */
/* Start an agent in a place of a world, or on this machine as it is, and say hello; the answer is awaited by the first call. */
int places_add_netns(struct places *places, struct world *world, const char *name, const struct place_settings *settings,
                     struct place **ret_place, struct err *err) MUST_CHECK;
int places_add_local(struct places *places, const char *name, const struct place_settings *settings, struct place **ret_place,
                     struct err *err) MUST_CHECK;
/* Into the network namespace of a container, by the pid of a process in it, as the world's processes (or this machine's) see it. */
int places_add_container(struct places *places, struct world *world, const char *name, int pid,
                         const struct place_settings *settings, struct place **ret_place, struct err *err) MUST_CHECK;
struct place *places_find(const struct places *places, const char *name); /* NULL when there is none */
/* Let whatever arrives be dispatched, send heartbeats; 1 when extra_fd (-1: none) is readable, else 0 after something happened or
 * at until_ns. */
int places_step(struct places *places, int64_t until_ns, int extra_fd, struct err *err) MUST_CHECK;
/* Compare every agent's clock with this one: the round trip with the smallest delay gives offset and bound. */
int places_sync_clocks(struct places *places, struct err *err) MUST_CHECK;
/* Drop the callbacks of all requests under way: their contexts are about to go. */
void places_forget_replies(struct places *places);
/* Ask every agent to revert and end, wait for them. */
void places_exit_all(struct places *places, int64_t timeout_ns);

/* End the agent of a container's place and start it anew in that of another process. It must hold no fault. */
int place_move(struct place *place, int pid, struct err *err) MUST_CHECK;
int place_container(const struct place *place); /* that process; 0: not a container's */
const char *place_name(const struct place *place);
bool place_is_alive(const struct place *place);
/* controller clock = agent clock + offset, give or take bound. */
void place_clock_offset(const struct place *place, int64_t *ret_offset_ns, int64_t *ret_bound_ns);
/* Takes params (NULL: none). The reply comes from a later places_step; a lost agent or the timeout answers with an error. */
int place_request(struct place *place, const char *method, json_t *params, int64_t timeout_ns, place_reply_f *reply,
                  void *context, struct err *err) MUST_CHECK;
/* Give its agent's threads that keep time the priority for it: load, held packets and emulated links, once they were started. */
void place_hurry(const struct place *place);
/* Start a lost agent anew, once its old process has ended (it may still be reverting): ERR_STATE while it is alive. The world
 * that it was added with must still stand. */
int place_restart(struct place *place, struct err *err) MUST_CHECK;
/* The same as place_request, waiting for the reply. ret_result may be NULL; else it is a new reference. */
int place_call(struct place *place, const char *method, json_t *params, int64_t timeout_ns, json_t **ret_result,
               struct err *err) MUST_CHECK;

#endif
