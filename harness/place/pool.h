/* The agents' pool: what place.c (one agent) and places.c (all of them) share. Private to harness/place. */
#ifndef DRILL_PLACE_POOL_H
#define DRILL_PLACE_POOL_H

#include "harness/base/vec.h"
#include "harness/place/connect.h"
#include "harness/place/wire.h"

struct pending {
    int64_t id, deadline_ns;
    place_reply_f *reply; /* NULL: forgotten */
    void *context;
};

struct place {
    struct places *places;
    struct world *world; /* borrowed; NULL: local */
    char *name, *journal_folder, *log_file, *program;
    int heartbeat_ms;
    int container_pid; /* 0: none */
    bool alive;
    unsigned starts;  /* a callback may restart it: what was seen of the process before is void then */
    int pidfd;        /* -1: none; kept after a loss until the process is known to have ended */
    char failure[96]; /* writing failed: lost at the next step, once what it still said is read */
    struct wire wire;
    VEC(struct pending) pending;
    int64_t next_id;
    int64_t offset_ns, bound_ns;
};

struct places {
    struct places_hooks hooks;
    void *context;
    VEC(struct place *) items;
    int64_t heartbeat_ns; /* when the next one is due */
    bool closing;
};

int place_start(struct place *place, struct err *err) MUST_CHECK; /* connects and asks for hello */
void place_heartbeat(struct place *place);
void place_write(struct place *place);
/* Reads and dispatches what is there; loses the agent at the end of its output or of its process. */
void place_read(struct place *place);
void place_expire(struct place *place, int64_t now_ns);
int place_sync_clock(struct place *place, struct err *err) MUST_CHECK;
/* Wait until the process has ended, killing it at until_ns; its input must be closed. */
void place_await_end(struct place *place, int64_t until_ns);
void place_free(struct place *place);

#endif
