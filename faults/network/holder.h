/* Who holds queued packets: a thread that takes what rules hand to its queues and lets each packet go, changed or not, when the packet
 * model says so. Everything passes as soon as it is gone, whatever ended it; only what a killed one held at that moment is
 * lost. */
#ifndef DRILL_FAULTS_NETWORK_HOLDER_H
#define DRILL_FAULTS_NETWORK_HOLDER_H

#include "faults/shape.h"
#include "harness/base/err.h"

enum { HOLDER_WAYS_MAX = 64 };

struct holder;

struct holder_request {
    struct shape shape;
    size_t ways;   /* directions: a queue and a state of the model each */
    uint64_t seed; /* way i gets seed + i */
    uint32_t mark; /* of the copies that it sends: its own rules must not match them */
    bool deliver;  /* damaged packets get a right checksum */
};

struct holder_count {                                       /* of one way */
    uint64_t seen, lost, duplicated, corrupted, late, held; /* late: let go later than it came; held: waiting now */
    uint64_t overflow;                                      /* passed at once, because too many waited */
    int64_t held_ns;                                        /* sum over all that were let go: how long each waited */
    uint64_t released;
};

/* Queues of the calling thread's network namespace. ERR_UNSUPPORTED when the kernel has no packet queues. */
int holder_start(const struct holder_request *request, struct holder **ret_holder, struct err *err) MUST_CHECK;
uint16_t holder_queue(const struct holder *holder, size_t way); /* the number for the rules */
void holder_read(struct holder *holder, size_t way, struct holder_count *ret_count);
/* Let everything that waits go now, in its order, and from now on everything as it comes. Needs no memory. Accepts NULL. */
void holder_pass(struct holder *holder);
/* The same, then stop once the queues are empty: after the rules that fill them are gone, and before their chains go, for then the kernel
 * drops all packets of the namespace that wait in queues. Accepts NULL. */
void holder_stop(struct holder *holder);

/* Around each change of chains in this network namespace: between the two all holders of this process let packets pass as they come, and
 * what they held goes early. Else it would be lost with a chain that goes, and held once more after a chain that has come in front: a
 * packet in a queue remembers its chain by number. In pairs, not nested. */
void holders_step_aside(void);
void holders_step_back(void);

#endif
