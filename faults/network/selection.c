/* From the words of a selection to rules: ways (interfaces) × far sides × directions make a group each, chains × ports its rules. */
#include "faults/network/selection.h"

#include <arpa/inet.h>
#include <string.h>

#include "faults/network/link.h"
#include "faults/network/prefix.h"
#include "harness/base/str.h"

const char *const selection_directions[] = {"both", "in", "out", NULL};
const char *const selection_planes[] = {"all", "edge", "backbone", NULL};
const char *const selection_protocols[] = {"any", "tcp", "udp", "icmp", NULL};
static const uint8_t protocol_numbers[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};

/* One way over one border to one far side. */
struct cut {
    const char *interface; /* NULL: any, then `near` says whose */
    const char *near;
    const struct fault_peer *far; /* NULL: anywhere */
    bool inward;
};

struct drawing {
    const struct fault_instance *fault;
    const struct selection *selection;
    const struct nft_rule *what;
    struct filter_plan *plan;
};

static bool on_plane(const char *interface, int plane)
{
    return plane == SELECTION_ALL || str_eq(interface, selection_planes[plane]);
}

bool selection_is_whole(const struct fault_instance *fault, const struct selection *selection)
{
    return fault->target.peer_count == 0 && !selection->to && selection->protocol == SELECTION_ANY && selection->port == 0;
}

static int no_interface(const struct fault_instance *fault, const struct selection *selection, struct err *err)
{
    const struct fault_target *target = &fault->target;
    if (target->interface_count == 0) {
        return err_set(
            err, ERR_INPUT,
            "fault '%s' cannot know which interfaces lead out of %s: the topology names none there; say which `link` is "
            "meant (as link = \"eth0\"), or use a topology whose network drill makes itself",
            fault->ops->name, target->name);
    }
    return err_set(err, ERR_INPUT,
                   "fault '%s': %s has no interface on the plane '%s' (its first one is '%s'); leave `planes` out",
                   fault->ops->name, target->name, selection_planes[selection->planes], target->interfaces[0]);
}

int selection_interfaces(const struct fault_instance *fault, const struct selection *selection, bool needed,
                         const char *names[static SELECTION_INTERFACES_MAX], size_t *ret_count, struct err *err)
{
    const struct fault_target *target = &fault->target;
    bool far = target->peer_count || selection->to;
    bool narrow = target->interface_count == 0 && !selection_is_whole(fault, selection);
    *ret_count = 0;
    if (selection->link) {
        names[(*ret_count)++] = selection->link;
        return 0;
    }
    if (!needed && selection->planes == SELECTION_ALL && (far || narrow)) {
        return 0; /* the far side or the port says enough: whatever way it takes */
    }
    for (size_t i = 0; i < target->interface_count && *ret_count < SELECTION_INTERFACES_MAX; i++) {
        if (on_plane(target->interfaces[i], selection->planes)) {
            names[(*ret_count)++] = target->interfaces[i];
        }
    }
    return *ret_count ? 0 : no_interface(fault, selection, err);
}

int selection_check(const struct fault_instance *fault, const struct selection *selection, struct err *err)
{
    struct prefix prefix;
    const char *name = fault->ops->name;
    if (selection->port && selection->protocol == SELECTION_ICMP) {
        return err_set(err, ERR_INPUT, "fault '%s': icmp has no ports; say `protocol` or `port`, not both", name);
    }
    if (selection->to && fault->target.peer_count) {
        return err_set(err, ERR_INPUT, "fault '%s': `to` and `peer` both name the far side; say one of them", name);
    }
    for (size_t i = 0; i < fault->target.peer_count; i++) {
        if (str_eq(fault->target.peers[i].cidr, fault->target.cidr)) {
            return err_set(err, ERR_INPUT, "fault '%s' stands between two sides; %s and its peer are the same", name,
                           fault->target.name);
        }
    }
    int status = selection->to ? prefix_parse(selection->to, &prefix, err) : 0;
    return status < 0 ? err_prefix(err, "option 'to' of fault '%s'", name) : 0;
}

static void label(const struct drawing *drawing, const struct cut *cut, char *out, size_t size)
{
    const char *name = drawing->fault->target.name;
    size_t used = 0;
    if (cut->interface) {
        used = strlen(cut->inward ? "in through " : "out through ") + strlen(cut->interface);
        (void)str_format(out, size, "%s %s", cut->inward ? "in through" : "out through", cut->interface);
    }
    if (used < size && cut->far) {
        const char *far = cut->far->name;
        (void)str_format(out + used, size - used, "%s%.40s to %.40s", used ? ": " : "", cut->inward ? far : name,
                         cut->inward ? name : far);
    } else if (used == 0) {
        (void)str_format(out, size, "%s %.60s", cut->inward ? "into" : "out of", name);
    }
}

static bool add_rule(struct filter_plan *plan, const struct nft_rule *rule)
{
    if (plan->rule_count == NFT_RULES_MAX) {
        return false;
    }
    plan->group_of[plan->rule_count] = (uint8_t)(plan->group_count - 1);
    plan->rules[plan->rule_count++] = *rule;
    return true;
}

/* A port may be on either side; a packet with it on both counts once. */
static bool add_ports(const struct drawing *drawing, struct nft_rule rule, int protocol)
{
    uint16_t port = (uint16_t)drawing->selection->port;
    bool reset = drawing->what->action == NFT_RESET;
    rule.protocol = protocol_numbers[protocol];
    rule.action = reset && protocol != SELECTION_TCP ? NFT_REJECT : drawing->what->action; /* only TCP can be reset */
    rule.source_port = port;
    rule.source_port_not = rule.destination_port = 0;
    bool fits = add_rule(drawing->plan, &rule);
    if (port && fits) {
        rule.source_port = 0;
        rule.source_port_not = rule.destination_port = port;
        fits = add_rule(drawing->plan, &rule);
    }
    return fits;
}

static bool add_protocols(const struct drawing *drawing, struct nft_rule rule, enum nft_chain chain)
{
    int protocol = drawing->selection->protocol;
    rule.chain = chain;
    if (protocol != SELECTION_ANY) {
        return add_ports(drawing, rule, protocol);
    }
    if (drawing->selection->port) {
        return add_ports(drawing, rule, SELECTION_TCP) && add_ports(drawing, rule, SELECTION_UDP);
    }
    bool reset = drawing->what->action == NFT_RESET;
    return (!reset || add_ports(drawing, rule, SELECTION_TCP)) && add_ports(drawing, rule, SELECTION_ANY);
}

static int aim(const struct drawing *drawing, const struct cut *cut, struct probe *probe, struct err *err)
{
    const struct selection *selection = drawing->selection;
    int status = 0;
    int protocol = selection->port && selection->protocol == SELECTION_ANY ? SELECTION_TCP : selection->protocol;
    *probe =
        (struct probe){.protocol = protocol_numbers[protocol], .port = (uint16_t)selection->port, .interface = cut->interface};
    if (cut->far) {
        status = prefix_first_host(cut->far->cidr, &probe->destination, err);
    }
    if (status == 0 && (!cut->interface || cut->inward)) {
        status = prefix_first_host(drawing->fault->target.cidr, &probe->source, err);
    }
    return status;
}

static int too_much(const struct drawing *drawing, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "fault '%s' selects too much for one table of rules (at most %d rules, %d sides): name fewer peers",
                   drawing->fault->ops->name, NFT_RULES_MAX, FILTER_GROUPS_MAX);
}

static int add_cut(const struct drawing *drawing, const struct cut *cut, struct err *err)
{
    struct filter_plan *plan = drawing->plan;
    struct nft_rule rule = *drawing->what;
    if (plan->group_count == FILTER_GROUPS_MAX) {
        return too_much(drawing, err);
    }
    struct filter_group *group = &plan->groups[plan->group_count++];
    *group = (struct filter_group){.inward = cut->inward};
    label(drawing, cut, group->label, sizeof(group->label));
    int status = aim(drawing, cut, &group->probe, err);
    if (status < 0) {
        return status;
    }
    const char *far = cut->far ? cut->far->cidr : NULL;
    rule.in = cut->inward ? cut->interface : NULL;
    rule.out = cut->inward ? NULL : cut->interface;
    rule.source = cut->inward ? far : cut->near;
    rule.destination = cut->inward ? cut->near : far;
    bool fits = add_protocols(drawing, rule, cut->inward ? NFT_INPUT : NFT_OUTPUT) && add_protocols(drawing, rule, NFT_FORWARD);
    return fits ? 0 : too_much(drawing, err);
}

static int add_directions(const struct drawing *drawing, const char *interface, const struct fault_peer *far, struct err *err)
{
    struct cut cut = {.interface = interface, .near = interface ? NULL : drawing->fault->target.cidr, .far = far};
    int status = drawing->selection->direction == SELECTION_IN ? 0 : add_cut(drawing, &cut, err);
    cut.inward = true;
    return status < 0 || drawing->selection->direction == SELECTION_OUT ? status : add_cut(drawing, &cut, err);
}

static int add_fars(const struct drawing *drawing, const char *interface, struct err *err)
{
    const struct fault_target *target = &drawing->fault->target;
    struct fault_peer to = {.name = drawing->selection->to, .cidr = drawing->selection->to};
    int status = target->peer_count ? 0 : add_directions(drawing, interface, to.cidr ? &to : NULL, err);
    for (size_t i = 0; i < target->peer_count && status == 0; i++) {
        status = add_directions(drawing, interface, &target->peers[i], err);
    }
    return status;
}

int selection_plan(const struct fault_instance *fault, const struct selection *selection, const struct nft_rule *what,
                   struct filter_plan *plan, struct err *err)
{
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    struct drawing drawing = {fault, selection, what, plan};
    memset(plan, 0, sizeof(*plan));
    int status = selection_check(fault, selection, err);
    if (status == 0) {
        status = selection_interfaces(fault, selection, false, names, &count, err);
    }
    if (status == 0 && count == 0) {
        status = add_fars(&drawing, NULL, err);
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        status = add_fars(&drawing, names[i], err);
    }
    return status;
}

int selection_supported(const struct fault_instance *fault, const struct selection *selection, const struct nft_rule *what,
                        struct err *err)
{
    struct filter_plan plan;
    struct link_info info;
    int status = selection_plan(fault, selection, what, &plan, err);
    if (status == 0 && selection->link) {
        status = link_get(selection->link, &info, err);
    }
    return status < 0 ? status : nft_supported(what->action, err);
}

void selection_print(const struct fault_instance *fault, const struct selection *selection, struct buf *out)
{
    static const char *const ways[] = {"into or out of", "into", "out of"}, *const fars[] = {"to or from", "from", "to"};
    const struct fault_target *target = &fault->target;
    buf_printf(out, "%s %s", ways[selection->direction], target->name);
    if (selection->link) {
        buf_printf(out, " on its link %s", selection->link);
    } else if (selection->planes != SELECTION_ALL) {
        buf_printf(out, " on its %s", selection_planes[selection->planes]);
    }
    for (size_t i = 0; i < target->peer_count; i++) {
        buf_printf(out, "%s%s %s", i ? " " : ", ", i ? "or" : fars[selection->direction], target->peers[i].name);
    }
    if (selection->to) {
        buf_printf(out, ", %s %s", fars[selection->direction], selection->to);
    }
    if (selection->protocol != SELECTION_ANY || selection->port) {
        buf_printf(out, ", %s", selection->protocol == SELECTION_ANY ? "tcp and udp" : selection_protocols[selection->protocol]);
    }
    if (selection->port) {
        buf_printf(out, " port %lld", (long long)selection->port);
    }
}
