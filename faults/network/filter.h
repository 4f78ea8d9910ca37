/* What the faults made of nft drop rules have in common: a table named in the journal, groups of rules that mean one direction each,
 * and the proof by counters. */
#ifndef DRILL_FAULTS_NETWORK_FILTER_H
#define DRILL_FAULTS_NETWORK_FILTER_H

#include "faults/fault.h"
#include "faults/network/nft.h"
#include "faults/network/probe.h"

/* For option tables: `direction` as seen from the target, `planes` by interface name. */
enum filter_direction { FILTER_BOTH = 0, FILTER_IN, FILTER_OUT };
extern const char *const filter_directions[]; /* NULL-terminated */
enum filter_plane { FILTER_ALL = 0, FILTER_EDGE, FILTER_BACKBONE };
extern const char *const filter_planes[];

enum { FILTER_GROUPS_MAX = 16 };

/* Rules that together mean one direction over one border. */
struct filter_group {
    char label[96];     /* "out through edge" */
    bool inward;        /* only an answer from elsewhere can make it count */
    struct probe probe; /* a packet that it should hit, or (inward) whose answer it should hit */
    const char *interface;
};

struct filter_plan {
    struct nft_rule rules[NFT_RULES_MAX];
    uint8_t group_of[NFT_RULES_MAX];
    size_t rule_count;
    struct filter_group groups[FILTER_GROUPS_MAX];
    size_t group_count;
    size_t probe_count; /* a group's probes for one try; 0 counts as a few */
};

struct filter_state { /* the first member of each user's state */
    struct nft *nft;
};

/* Does the interface belong to the plane? */
bool filter_on_plane(const char *interface, int plane);
/* Everything that crosses the target's outer interfaces. `share` gives per_million or every, the rest of it is ignored. ERR_INPUT when
 * no interface is left. Looks at nothing but the target. */
int filter_plan_borders(const struct fault_instance *fault, int plane, int direction, const struct nft_rule *share,
                        struct filter_plan *plan, struct err *err) MUST_CHECK;
/* Everything between the target's and its peer's prefix, wherever it goes. */
int filter_plan_between(const struct fault_instance *fault, int direction, struct filter_plan *plan, struct err *err) MUST_CHECK;

int filter_supported(struct err *err) MUST_CHECK;
int filter_prepare(struct fault_instance *fault, struct err *err) MUST_CHECK;
int filter_apply(struct fault_instance *fault, const struct filter_plan *plan, struct err *err) MUST_CHECK;
/* Send probes until each outward group has dropped something (each inward one, when there are only such). One short
 * try: who asks asks again. */
int filter_prove(const struct fault_instance *fault, struct filter_plan *plan, struct buf *proof, struct err *err) MUST_CHECK;
int filter_revert(struct fault_instance *fault, struct err *err) MUST_CHECK;
int filter_residue(struct fault_instance *fault, struct buf *left, struct err *err) MUST_CHECK;
void filter_release(struct fault_instance *fault);

#endif
