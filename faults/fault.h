/* A fault: injected, proven, reverted. One file per fault, ending in one `const struct fault_ops`, registered by one line in
 * faults/faults.def. Options come in through the fault's own table; what to hit comes in as a resolved target. Faults run in an agent,
 * inside the place that they hit; they know nothing of drills, topologies or Lua. */
#ifndef DRILL_FAULTS_FAULT_H
#define DRILL_FAULTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/param/param.h"

/* What a fault can be pointed at: a bit each. */
enum fault_target_kind {
    FAULT_REGION = 1,
    FAULT_HOST = 2,
    FAULT_SERVICE = 4,
    FAULT_PEER = 8, /* needs a far side */
    FAULT_CONTROL = 16
};

struct fault_peer { /* a far side: a region, a host, or one of them that a list or "rest" meant */
    const char *name, *cidr;
};

struct fault_control { /* how a control is read and set, by the topology's own commands */
    const char *const *get, *const *set;
    size_t get_count, set_count;
    int64_t timeout_ns; /* of a get or a set until it has taken effect */
};

struct fault_target {  /* resolved by the controller; all borrowed from the instance */
    const char *place; /* where this agent is */
    const char *kind;  /* "region", "host", "service", "control" */
    const char *name;  /* as shown: "us-east", "haproxy@us-east-gw1", "routing us-east" */
    const char *cidr;  /* what is selected: "10.1.0.0/24", "10.1.0.11/32" */
    const struct fault_peer *peers;
    size_t peer_count;
    const char *const *interfaces;
    size_t interface_count; /* in this place: the ones that lead out: {"edge", "backbone"} or {"eth0"} */
    const int *pids;
    size_t pid_count; /* process faults: what runs now */
    const char *const *containers;
    size_t container_count; /* their names in the engine that runs them; none on a system without one */
    const char *const *services;
    size_t service_count; /* the instance names of all services that are hit, running or not */
    struct fault_control control;
};

/* What an agent lends to faults that must start and stop services by the way that the topology declares, or speak to a container engine. */
struct fault_services {
    void *context;
    /* What runs now; 0: nothing. An error says that it could not be looked at, which is not the same. */
    int (*pid)(void *context, const char *name, int *ret_pid, struct err *err);
    /* Begin to; whether it came to anything the pid shows later. */
    int (*start)(void *context, const char *name, struct err *err);
    int (*stop)(void *context, const char *name, struct err *err);
    int (*reload)(void *context, const char *name, struct err *err); /* have it read its files anew; as above */
    /* What the topology says of it: { certificate, address, port }, each where it is known; NULL: nothing. Borrowed. */
    const json_t *(*facts)(void *context, const char *name);
    /* A call of the engine that runs the target's containers, as harness/container/container.h says it. NULL: there is none. */
    int (*engine)(void *context, const char *method, const char *path, const json_t *body, json_t **ret_answer, struct err *err);
};

struct fault_instance {
    const struct fault_ops *ops;
    char id[32]; /* unique in the drill: "f1", "f1.2" */
    struct fault_target target;
    void *options;   /* ops->options_size bytes, filled from ops->options */
    void *state;     /* ops->state_size bytes, zeroed: sockets held, what was there before */
    json_t *journal; /* what a revert from the journal alone needs; an object, written with fsync by the agent after `prepare` and
                                * before `apply`, and again after it when apply has changed it */
    const struct fault_services *services; /* NULL outside of an agent */
    int64_t before_ns, after_ns;           /* set by the agent around apply and revert */
    /* Set by apply: "nft owner table", "netlink link flags", "pidfd"; where it was not the first choice, why not: "classic BPF in a tc
     * filter; nf_tables: …". */
    char mechanism[512];
    /* Whether it holds what it shares with other faults (faults/network/shared.h): from apply, or from a journal that it was made from,
     * until revert. */
    bool holds;
};

struct fault_ops {
    const char *name;    /* "blackhole" */
    const char *summary; /* one line */
    unsigned targets;    /* enum fault_target_kind bits */
    const struct param *options;
    size_t options_size, state_size;
    bool kernel_owned; /* vanishes with this process: undo has nothing to do */
    bool isolates;     /* with its default options, and no far side, nobody reaches its target */
    /* For the catalogue (`drill faults`, docs/faults.md), each one line without a full stop: */
    const char *example;    /* as in a scenario: "fault.blackhole { region = \"us-east\" }" */
    const char *mechanisms; /* what it is made of, in the order in which it is tried */
    const char *needs;      /* rights and parts of the kernel */
    const char *proof;      /* what proves that it is in force */
    const char *undo;       /* how it is undone, and who does it when drill is gone */
    /* 0, or ERR_INPUT for what options and target alone show to be wrong, so that a plan refuses it. Pure. NULL: nothing to check. */
    int (*check)(const struct fault_instance *fault, struct err *err);
    /* 0, or ERR_UNSUPPORTED with what is missing and what to do. Tries, never looks at versions; leaves nothing. */
    int (*supported)(const struct fault_instance *fault, struct err *err);
    /* One line for people: what will happen and what will prove it. */
    void (*plan)(const struct fault_instance *fault, struct buf *out);
    /* Look at the system and put into fault->journal what revert needs. Changes nothing. */
    int (*prepare)(struct fault_instance *fault, struct err *err);
    /* Make it true. Applying twice is one fault. */
    int (*apply)(struct fault_instance *fault, struct err *err);
    /* Evidence from elsewhere than apply's own answer. 0 with the text when it is in force; an error with what was found when not. */
    int (*prove)(struct fault_instance *fault, struct buf *proof, struct err *err);
    /* While it is in force, for what goes on by itself: called once after apply and then when *ret_due_ns (monotonic) has come; 0 there
     * ends it. A line in `told` becomes an event. An error is told and ends it too; what was done so far stays in force. NULL: nothing
     * goes on. */
    int (*tick)(struct fault_instance *fault, int64_t *ret_due_ns, struct buf *told, struct err *err);
    /* Take it away. May be called twice, before apply, after half an apply, and with state zeroed and only `journal` filled. Allocates
     * nothing through the x* helpers. */
    int (*revert)(struct fault_instance *fault, struct err *err);
    /* Add one line to `left` for each trace of this fault that is still there. */
    int (*residue)(struct fault_instance *fault, struct buf *left, struct err *err);
    /* Close what `state` holds and change nothing by hand (the kernel takes what hangs on a socket). NULL when state holds nothing. */
    void (*release)(struct fault_instance *fault);
};

const struct fault_ops *const *fault_list(size_t *ret_count); /* sorted by name */
const struct fault_ops *fault_find(const char *name);
/* fault_find or ERR_INPUT with the nearest name. */
const struct fault_ops *fault_require(const char *name, struct err *err);

/* Build an instance from its JSON description (what the agent receives and what the journal holds):
 * { "fault_id", "fault", "options": {…}, "target": { place kind name cidr peers[]{name cidr} interfaces[] pids[] containers[] services[]
 * control{get[] set[] timeout_ms} }, "journal": {…} } */
int fault_instance_new(const json_t *description, struct fault_instance **ret_fault, struct err *err) MUST_CHECK;
void fault_instance_free(struct fault_instance *fault); /* accepts NULL; closes what state holds through ops->release */
json_t *fault_instance_to_json(const struct fault_instance *fault); /* new reference */
/* Each instance of this process, `NULL` first; NULL after the last. Of one thread, as making and freeing them is. */
const struct fault_instance *fault_instance_next(const struct fault_instance *fault);

#endif
