/* The places and the world as the engine sees them, scripted and without a kernel: agents answer as real ones would, the load fills a
 * real ledger, and time is virtual. Linked in front of drill_core, whose own harness/place is then left out. */
#ifndef DRILL_TESTS_SUPPORT_FAKE_PLACES_H
#define DRILL_TESTS_SUPPORT_FAKE_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/vec.h"

#define FAKE_NEVER INT64_MAX
#define FAKE_SETTINGS "settings\n" /* what is declared of each proxy's file */

/* One method that fails, in one place or in all (NULL). */
struct fake_failure {
    const char *method, *place, *text;
    enum err_code code;
};

struct fake_held { /* a fault as its agent holds it */
    char id[32], place[64];
    bool in_force, was_in_force;
    int reverts_asked;
    int64_t ttl_ms, expires_ns;
};

struct fake_system {
    /* what the test scripts */
    int64_t outage_ns;          /* requests fail for so long after a fault is in force; FAKE_NEVER: until it is reverted */
    int64_t failback_ns;        /* and for so long after it is reverted */
    uint64_t lose_writes;       /* so many of the newest writes before the fault are missing … */
    int lose_from_readback;     /* … from this read-back on, from 1 */
    const char *readback_fails; /* the reason why no list can be had */
    struct fake_failure failure;
    int fail_call, lose_call; /* the call of this number, from 1, is answered by an error, or by its agent's end; 0: none */
    bool kept;                /* the topology stands already and stays */
    bool unproven;
    const char *other_mechanism; /* of faults in us-west's places; NULL: as everywhere */
    const char *residue;         /* what each reverted fault leaves */
    const char *changed;         /* what the snapshots find besides */
    const char *declares;        /* lines of the scenario's table, "abort_when = { … }," */
    const char *unhealthy;       /* the detail of steady checks that never pass */
    int interrupt_after_call;    /* 0: never */
    int interrupt_fd;            /* an eventfd that is made readable then; -1: SIGINT is raised instead */
    int64_t change_ns;   /* what the observer 'view gw' of the topology says changes then, since the agents began; 0: never */
    const char *drifted; /* of proxy@us-west-gw: "file", "missing", "command", "stopped", "program" or "version" */
    const char *unasked_detail; /* then: what its check says; NULL: nothing at all, with success */
    bool unasked;               /* what must be alike everywhere cannot be asked */
    json_t *annex;              /* members of the plan besides the scenario's own; NULL: none */
    const char *objectives;     /* NULL: "'rto <= 20s', 'lost <= 0', 'rpo <= 0s'" */
    bool titled;                /* processes give themselves titles in place of their commands */
    const char *note;           /* that a second terminal writes … */
    int64_t note_ns;            /* … so long after the agents began; 0: never */
    const char *control;        /* folder of the drill's socket; set by the drill */
    void (*told)(void *context, const char *kind, const json_t *fields); /* each event; NULL: nobody */
    void *told_context;
    const char *lost_place; /* its agent goes away … */
    int64_t lost_after_ns;  /* … so long after the first fault is in force */
    bool restart_fails;
    const char *rate;             /* of the load; NULL: "50/s" */
    int64_t ill_ns, ill_until_ns; /* requests that are due from … to …, since the load began, fail; before a fault is in force */
    int64_t late_ns;              /* how late the driver is with every request */
    double not_sent_share;        /* 0 to 1: of the requests, evenly, the driver has no port for */
    int64_t clock_bound_ns;       /* how far the places' clocks may be off */
    /* what was seen */
    int calls;               /* of agents while a world stands */
    int calls_at_compare;    /* number of the first snapshot.compare: the steps are over by then */
    int services, readbacks; /* started; asked for */
    int64_t patience_ms;     /* of the last store that was asked for what it has */
    int worlds;              /* that stand */
    int views;               /* observers on demand that are being asked */
    VEC(struct fake_held) held;
};
extern struct fake_system fake_system;

/* Everything healthy, nothing seen, the clock at a fixed hour. */
void fake_system_reset(void);
/* Of the faults that are, or were, in force: those that never were asked to be reverted, and those that still are in force. */
size_t fake_system_unasked(void);
size_t fake_system_in_force(void);

#endif
