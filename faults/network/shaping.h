/* What the faults that shape packets have in common. A rung each way: the kernel's netem where it can do what is asked on a whole
 * interface's way out, else packets that a rule hands to a thread of this process (holder.h). Both follow one model (shape.h). */
#ifndef DRILL_FAULTS_NETWORK_SHAPING_H
#define DRILL_FAULTS_NETWORK_SHAPING_H

#include "faults/fault.h"
#include "faults/network/holder.h"
#include "faults/network/selection.h"

enum shaping_mechanism { SHAPING_AUTO = 0, SHAPING_NETEM, SHAPING_QUEUE };
extern const char *const shaping_mechanisms[]; /* for option tables, NULL-terminated */

struct shaping_options {
    struct selection traffic;
    int mechanism;
    int64_t seed;
};

#define SHAPING_OPTION_SEED(options, member)                                                                                     \
    {                                                                                                                            \
        .name = "seed", .type = PARAM_INTEGER, .offset = offsetof(options, member), .fallback = "1",                             \
        .help = "equal seeds give equal luck to equal packets (held packets always, netem since Linux 6.6)"                      \
    }
#define SHAPING_OPTIONS(options, member)                                                                                         \
    SELECTION_OPTIONS(options, member.traffic),                                                                                  \
        {.name = "mechanism",                                                                                                    \
         .type = PARAM_CHOICE,                                                                                                   \
         .offset = offsetof(options, member.mechanism),                                                                          \
         .choices = shaping_mechanisms,                                                                                          \
         .fallback = "auto",                                                                                                     \
         .help = "the kernel's netem, packets held by the agent, or whichever can do it, netem first"},                          \
        SHAPING_OPTION_SEED(options, member.seed)

/* What the catalogue says of all that shape by these rungs. */
#define SHAPING_MECHANISMS "the kernel's netem where it does what is asked, else packets held by the agent (NFQUEUE with bypass)"
#define SHAPING_NEEDS "CAP_NET_ADMIN and CAP_NET_RAW in the place; sch_netem, or nf_tables with nfnetlink_queue"
#define SHAPING_PROOF "netem read back from the kernel; of held packets: the rules' counters and what became of probe packets"
#define SHAPING_UNDO                                                                                                             \
    "a revert lets held packets go, then takes the rules away; both go with the agent, whatever ends it; a qdisc and "           \
    "gso_max_segs are put back from the journal by the agent or by `drill undo`"

struct shaping {                    /* what one fault asks for, made anew from its options each time */
    struct shaping_options options; /* its strings are the fault's */
    struct shape shape;
    bool deliver;       /* damaged packets get a right checksum */
    size_t probe_count; /* so many probes show the effect with near certainty; 0 counts as a few */
};

struct shaping_state {
    struct filter_state filter;
    struct holder *holder;
};

/* Pure: what options and target alone show to be wrong. */
int shaping_check(const struct fault_instance *fault, const struct shaping *shaping, struct err *err) MUST_CHECK;
int shaping_supported(const struct fault_instance *fault, const struct shaping *shaping, struct err *err) MUST_CHECK;
int shaping_prepare(struct fault_instance *fault, const struct shaping *shaping, struct err *err) MUST_CHECK;
int shaping_apply(struct fault_instance *fault, const struct shaping *shaping, struct err *err) MUST_CHECK;
/* netem: read back from the kernel. Held packets: counters of the rules and what became of the probes. */
int shaping_prove(struct fault_instance *fault, const struct shaping *shaping, struct buf *proof, struct err *err) MUST_CHECK;
int shaping_revert(struct fault_instance *fault, struct err *err) MUST_CHECK;
int shaping_residue(struct fault_instance *fault, struct buf *left, struct err *err) MUST_CHECK;
void shaping_release(struct fault_instance *fault);
/* So many packets that none of this share among them is 1 in 160,000. */
size_t shaping_probes(double share);

#endif
