/* Which rules a network fault needs: pure functions of its target. */
#include "faults/network/filter.h"

#include <arpa/inet.h>
#include <string.h>

#include "harness/base/str.h"

const char *const filter_directions[] = {"both", "in", "out", NULL};
const char *const filter_planes[] = {"all", "edge", "backbone", NULL};

bool filter_on_plane(const char *interface, int plane)
{
    return plane == FILTER_ALL || str_eq(interface, filter_planes[plane]);
}

static struct filter_group *add_group(struct filter_plan *plan, bool inward)
{
    if (plan->group_count == FILTER_GROUPS_MAX) {
        return NULL;
    }
    struct filter_group *group = &plan->groups[plan->group_count++];
    *group = (struct filter_group){.inward = inward};
    return group;
}

static void add_rule(struct filter_plan *plan, struct nft_rule rule, enum nft_chain chain)
{
    if (plan->rule_count < NFT_RULES_MAX) {
        rule.chain = chain;
        plan->group_of[plan->rule_count] = (uint8_t)(plan->group_count - 1);
        plan->rules[plan->rule_count++] = rule;
    }
}

static int add_border(struct filter_plan *plan, const char *interface, bool inward, const struct nft_rule *share, struct err *err)
{
    struct nft_rule rule = {.per_million = share->per_million, .every = share->every};
    struct filter_group *group = add_group(plan, inward);
    if (!group) {
        return err_set(err, ERR_INPUT, "more than %d interfaces cannot be faulted at once", FILTER_GROUPS_MAX / 2);
    }
    if (inward) {
        rule.in = interface;
    } else {
        rule.out = interface;
    }
    group->interface = interface;
    (void)str_format(group->label, sizeof(group->label), "%s %s", inward ? "in through" : "out through", interface);
    add_rule(plan, rule, inward ? NFT_INPUT : NFT_OUTPUT);
    add_rule(plan, rule, NFT_FORWARD);
    return 0;
}

static int no_interface(const struct fault_instance *fault, int plane, struct err *err)
{
    const struct fault_target *target = &fault->target;
    if (target->interface_count == 0) {
        return err_set(
            err, ERR_INPUT,
            "fault '%s' cannot know which interfaces lead out of %s: the topology names none there; it works on topologies "
            "whose network drill makes itself",
            fault->ops->name, target->name);
    }
    return err_set(err, ERR_INPUT,
                   "fault '%s': %s has no interface on the plane '%s' (its first one is '%s'); leave `planes` out",
                   fault->ops->name, target->name, filter_planes[plane], target->interfaces[0]);
}

int filter_plan_borders(const struct fault_instance *fault, int plane, int direction, const struct nft_rule *share,
                        struct filter_plan *plan, struct err *err)
{
    const struct fault_target *target = &fault->target;
    int status = 0;
    memset(plan, 0, sizeof(*plan));
    for (size_t i = 0; i < target->interface_count && status == 0; i++) {
        if (!filter_on_plane(target->interfaces[i], plane)) {
            continue;
        }
        if (direction != FILTER_IN) {
            status = add_border(plan, target->interfaces[i], false, share, err);
        }
        if (direction != FILTER_OUT && status == 0) {
            status = add_border(plan, target->interfaces[i], true, share, err);
        }
    }
    return status == 0 && plan->rule_count == 0 ? no_interface(fault, plane, err) : status;
}

/* The prefix's first host, by the topology's rule its router. A /32 is its own. */
static int first_host(const char *cidr, struct in_addr *ret_address, struct err *err)
{
    char text[64];
    const char *slash = strchr(cidr, '/');
    struct in_addr address;
    (void)str_copy(text, sizeof(text), cidr);
    if (slash && (size_t)(slash - cidr) < sizeof(text)) {
        text[slash - cidr] = '\0';
    }
    if (inet_pton(AF_INET, text, &address) != 1) {
        return err_set(err, ERR_INPUT, "'%s' is no IPv4 prefix; expected one like 10.1.0.0/24", cidr);
    }
    if (slash && !str_eq(slash, "/32") && (ntohl(address.s_addr) & 0xff) == 0) {
        address.s_addr = htonl(ntohl(address.s_addr) + 1);
    }
    *ret_address = address;
    return 0;
}

static void add_between(struct filter_plan *plan, const struct fault_target *target, bool inward, const struct probe *probe)
{
    struct nft_rule rule = {.source = inward ? target->peer_cidr : target->cidr,
                            .destination = inward ? target->cidr : target->peer_cidr};
    struct filter_group *group = add_group(plan, inward);
    const char *peer = target->peer_name ? target->peer_name : target->peer_cidr;
    (void)str_format(group->label, sizeof(group->label), "%.40s to %.40s", inward ? peer : target->name,
                     inward ? target->name : peer);
    group->probe = *probe;
    add_rule(plan, rule, NFT_FORWARD);
    add_rule(plan, rule, NFT_OUTPUT);
    add_rule(plan, rule, NFT_INPUT);
}

int filter_plan_between(const struct fault_instance *fault, int direction, struct filter_plan *plan, struct err *err)
{
    const struct fault_target *target = &fault->target;
    struct probe probe = {0};
    memset(plan, 0, sizeof(*plan));
    if (!target->peer_cidr || str_eq(target->cidr, target->peer_cidr)) {
        return err_set(err, ERR_INPUT, "fault '%s' stands between two different regions; %s and its peer are the same",
                       fault->ops->name, target->name);
    }
    int status = first_host(target->cidr, &probe.source, err);
    if (status == 0) {
        status = first_host(target->peer_cidr, &probe.destination, err);
    }
    if (status == 0 && direction != FILTER_IN) {
        add_between(plan, target, false, &probe);
    }
    if (status == 0 && direction != FILTER_OUT) {
        add_between(plan, target, true, &probe);
    }
    return status;
}
