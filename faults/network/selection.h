/* What traffic a network fault means. Every network fault has these options in its own table and one struct selection in its own options:
 *
 *     struct blackhole_options { struct selection traffic; … };
 *     static const struct param blackhole_options[] = {SELECTION_OPTIONS(struct blackhole_options, traffic), …, {.type = PARAM_END}};
 *
 * The near side is the fault's target (its `interfaces` and `cidr`); the far side is everything, or the target's peers, or the prefix
 * `to`. A port is one of either side, as in tcpdump: requests to a service and its answers alike. Direction is seen from the target. */
#ifndef DRILL_FAULTS_NETWORK_SELECTION_H
#define DRILL_FAULTS_NETWORK_SELECTION_H

#include "faults/fault.h"
#include "faults/network/filter.h"

enum selection_direction { SELECTION_BOTH = 0, SELECTION_IN, SELECTION_OUT };
enum selection_plane { SELECTION_ALL = 0, SELECTION_EDGE, SELECTION_BACKBONE };
enum selection_protocol { SELECTION_ANY = 0, SELECTION_TCP, SELECTION_UDP, SELECTION_ICMP };
extern const char *const selection_directions[], *const selection_planes[], *const selection_protocols[]; /* NULL-terminated */
enum { SELECTION_INTERFACES_MAX = 8 };

struct selection {
    int direction, planes, protocol; /* the enums above */
    int64_t port;                    /* 0: any */
    char *to;                        /* prefix of the far side, or NULL */
    char *link;                      /* the only interface that is meant, or NULL: those of the target */
};

#define SELECTION_OPTION_DIRECTION(options, member)                                                                              \
    {                                                                                                                            \
        .name = "direction", .type = PARAM_CHOICE, .offset = offsetof(options, member.direction),                                \
        .choices = selection_directions, .fallback = "both", .help = "which way, seen from the target"                           \
    }
#define SELECTION_OPTIONS_LINK(options, member)                                                                                  \
    {.name = "planes",                                                                                                           \
     .type = PARAM_CHOICE,                                                                                                       \
     .offset = offsetof(options, member.planes),                                                                                 \
     .choices = selection_planes,                                                                                                \
     .fallback = "all",                                                                                                          \
     .help = "users' side, the link between regions, or all"},                                                                   \
    {                                                                                                                            \
        .name = "link", .type = PARAM_STRING, .offset = offsetof(options, member.link), .unit_hint = "interface",                \
        .help = "this interface alone, by its name in the place"                                                                 \
    }
#define SELECTION_OPTION_TO(options, member)                                                                                     \
    {                                                                                                                            \
        .name = "to", .type = PARAM_STRING, .offset = offsetof(options, member.to), .unit_hint = "prefix",                       \
        .help = "only what goes to or comes from this prefix, as 10.2.0.0/24"                                                    \
    }
#define SELECTION_OPTION_PROTOCOL(options, member)                                                                               \
    {                                                                                                                            \
        .name = "protocol", .type = PARAM_CHOICE, .offset = offsetof(options, member.protocol), .choices = selection_protocols,  \
        .fallback = "any", .help = "only this protocol"                                                                          \
    }
#define SELECTION_OPTION_PORT(options, member)                                                                                   \
    {                                                                                                                            \
        .name = "port", .type = PARAM_INTEGER, .offset = offsetof(options, member.port), .min = 0, .max = 65535,                 \
        .help = "only TCP and UDP with this port on either side; 0 is any"                                                       \
    }
#define SELECTION_OPTIONS(options, member)                                                                                       \
    SELECTION_OPTION_DIRECTION(options, member), SELECTION_OPTIONS_LINK(options, member), SELECTION_OPTION_TO(options, member),  \
        SELECTION_OPTION_PROTOCOL(options, member), SELECTION_OPTION_PORT(options, member)

/* The rules that mean this traffic: each matches one way, over one interface or any, to or from one prefix or any, of one protocol and
 * port. `what` gives the action and the share (per_million, every). Pure: looks at nothing but the fault. The rules borrow from the fault.
 * Who does not use nft reads the rules as plain matches (rule.in or rule.out says the way when an interface is named, the group's `inward`
 * always). ERR_INPUT when nothing can be meant: no interface is known, the prefix is none, a port of ICMP. */
int selection_plan(const struct fault_instance *fault, const struct selection *selection, const struct nft_rule *what,
                   struct filter_plan *plan, struct err *err) MUST_CHECK;
/* Do its words fit each other and the target? selection_plan asks this first. */
int selection_check(const struct fault_instance *fault, const struct selection *selection, struct err *err) MUST_CHECK;
/* The interfaces that are meant, borrowed; none when it is "any of this place". ERR_INPUT when nothing is known and `needed`. */
int selection_interfaces(const struct fault_instance *fault, const struct selection *selection, bool needed,
                         const char *names[static SELECTION_INTERFACES_MAX], size_t *ret_count, struct err *err) MUST_CHECK;
/* Is it everything that crosses those interfaces: no peer, prefix, protocol or port? Then a qdisc does for the way out. */
bool selection_is_whole(const struct fault_instance *fault, const struct selection *selection);
/* For `supported`: the plan is right, its interfaces are there, nft takes its rules. */
int selection_supported(const struct fault_instance *fault, const struct selection *selection, const struct nft_rule *what,
                        struct err *err) MUST_CHECK;
/* "into or out of us-east on its edge, to or from us-west, tcp port 5432" */
void selection_print(const struct fault_instance *fault, const struct selection *selection, struct buf *out);

#endif
