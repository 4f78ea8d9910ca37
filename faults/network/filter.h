/* What the faults made of nft rules have in common: a table named in the journal, groups of rules that mean one direction each, and the
 * proof by counters. Which rules: faults/network/selection.h. */
#ifndef DRILL_FAULTS_NETWORK_FILTER_H
#define DRILL_FAULTS_NETWORK_FILTER_H

#include "faults/fault.h"
#include "faults/network/nft.h"
#include "faults/network/probe.h"

enum { FILTER_GROUPS_MAX = 64 };

/* Rules that together mean one direction over one border. */
struct filter_group {
    char label[96];     /* "out through edge" */
    bool inward;        /* only an answer from elsewhere can make it count */
    struct probe probe; /* a packet that it should hit; inward: whose answer it should hit, or which comes back itself */
};

struct filter_plan {
    struct nft_rule rules[NFT_RULES_MAX];
    uint8_t group_of[NFT_RULES_MAX];
    size_t rule_count;
    struct filter_group groups[FILTER_GROUPS_MAX];
    size_t group_count;
    size_t probe_count; /* a group's probes for one try; 0 counts as a few */
    const char *done;   /* what the rules do to packets, for the proof's text; NULL: "dropped" */
};

struct filter_state { /* the first member of each user's state */
    struct nft *nft;
};

int filter_supported(struct err *err) MUST_CHECK; /* rules that drop */
int filter_prepare(struct fault_instance *fault, struct err *err) MUST_CHECK;
int filter_apply(struct fault_instance *fault, const struct filter_plan *plan, struct err *err) MUST_CHECK;
/* Send probes until each outward group has dropped something (each inward one, when there are only such). One short
 * try: who asks asks again. */
int filter_prove(const struct fault_instance *fault, struct filter_plan *plan, struct buf *proof, struct err *err) MUST_CHECK;
/* Send a group's probes once, whether they were seen before or not. */
int filter_probe(const struct fault_instance *fault, const struct filter_plan *plan, const struct filter_group *group,
                 struct err *err) MUST_CHECK;
/* The rules go, their chains stay: nothing is matched any more, and what waits in queues goes on waiting. Nothing to do without a table
 * of this process's own. */
int filter_clear(struct fault_instance *fault, struct err *err);
int filter_revert(struct fault_instance *fault, struct err *err) MUST_CHECK;
int filter_residue(struct fault_instance *fault, struct buf *left, struct err *err) MUST_CHECK;
void filter_release(struct fault_instance *fault);

#endif
