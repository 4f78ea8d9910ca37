/* The emulator's thread: forwards frames between the two interfaces of each link. */
#ifndef DRILL_AGENT_LINK_RELAY_H
#define DRILL_AGENT_LINK_RELAY_H

#include <stddef.h>

#include "harness/agent/link_path.h"

struct link_relay;

struct link_spec { /* what one link should be; texts are borrowed */
    const char *name, *a, *b;
    struct shape shape;
};

struct link_state { /* what one link is; texts belong to the relay */
    const char *name, *a, *b;
    struct shape shape;
    uint64_t forwarded, lost, dropped; /* frames, both directions together */
};

/* Starts the thread, without links. Sockets are opened in the network namespace of whoever calls link_relay_set. */
int link_relay_new(uint64_t seed, struct link_relay **ret_relay, struct err *err) MUST_CHECK;
/* Add or change links; all of them or, on an error, none. */
int link_relay_set(struct link_relay *relay, const struct link_spec *specs, size_t count, struct err *err) MUST_CHECK;
size_t link_relay_count(struct link_relay *relay);
void link_relay_state(struct link_relay *relay, size_t index, struct link_state *ret_state);
/* Stops and joins the thread; frames that wait are dropped. Accepts NULL. */
void link_relay_free(struct link_relay *relay);

#endif
