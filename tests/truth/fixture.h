/* A server that fails on purpose for exactly known times, and logs them with the clock that the driver uses. One process, one thread;
 * it follows a plan and writes into memory shared with its parent. */
#ifndef DRILL_TESTS_TRUTH_FIXTURE_H
#define DRILL_TESTS_TRUTH_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum fixture_mode {
    MODE_OK = 0,
    MODE_DARK,   /* accepts and reads, never answers */
    MODE_ERROR,  /* answers with 503 */
    MODE_RESET,  /* resets the connection of each request */
    MODE_REFUSE, /* no longer there: connections reset, new ones refused */
    MODE_SLOW,   /* answers after delay_ns */
    MODE_STOP,   /* accepts, reads nothing; answers what is left when it goes on */
    MODE_COUNT
};
const char *fixture_mode_name(enum fixture_mode mode);

/* At at_ns the server takes up a mode, or, with stall_ns, does nothing at all for so long, as one that collects garbage does. */
struct fixture_action {
    int64_t at_ns, stall_ns, delay_ns;
    enum fixture_mode mode;
    bool hard; /* a mode right after a stall: what has come in meanwhile meets the new mode, not the old one */
};

/* What it did: the action was done between the two instants. */
struct fixture_fact {
    int64_t before_ns, after_ns;
};

enum { FIXTURE_ACTIONS_MAX = 64 };

struct fixture { /* shared */
    int port;
    struct fixture_action actions[FIXTURE_ACTIONS_MAX];
    struct fixture_fact facts[FIXTURE_ACTIONS_MAX];
    int count;
    int done; /* actions done */
    int64_t served;
};

/* Listens on 127.0.0.1 and forks the server; fixture is shared memory with port 0. The plan is read once `count` is set. Exits by itself
 * at the end of the plan's last action's time, or with its parent. */
pid_t fixture_start(struct fixture *fixture);

#endif
