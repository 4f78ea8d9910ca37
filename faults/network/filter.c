/* Installing, proving and removing a fault's table of drop rules. */
#include "faults/network/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/random.h>

#include "faults/network/link.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { PROVE_TIMEOUT_MS = 60, PROVE_INTERVAL_MS = 10, PROBES_FEW = 3, PROBES_MAX = 20000 };

int filter_supported(struct err *err)
{
    return nft_supported(NFT_DROP, err);
}

static const char *table_of(const struct fault_instance *fault)
{
    return json_str(fault->journal, "table", NULL);
}

/* The name is new each time: a table that some other process owns can neither be joined nor deleted. */
int filter_prepare(struct fault_instance *fault, struct err *err)
{
    char table[NFT_NAME_MAX];
    uint32_t salt = 0;
    if (table_of(fault)) {
        return 0;
    }
    if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt)) {
        return err_errno(err, errno, "cannot get random bytes for the name of a table");
    }
    (void)str_format(table, sizeof(table), "drill_%s_%08x", fault->id, salt);
    for (char *at = table; *at; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        *at = plain ? *at : '_'; /* what `nft` takes as a name */
    }
    json_object_set_new(fault->journal, "table", json_string(table));
    return 0;
}

int filter_apply(struct fault_instance *fault, const struct filter_plan *plan, struct err *err)
{
    struct filter_state *state = fault->state;
    const char *table = table_of(fault);
    if (!table) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no table", fault->id);
    }
    if (!state->nft) {
        int status = nft_install(table, plan->rules, plan->rule_count, &state->nft, err);
        if (status < 0) {
            return status;
        }
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), nft_owned(state->nft) ? "nft owner table" : "nft table");
    return 0;
}

enum { NOBODY = 0xc0000201 }; /* 192.0.2.1: an address for documentation */

/* Where a border's probes go: the next hop answers. Without one any address will do for packets that never leave. */
static int aim(struct probe *probe, struct err *err)
{
    if (!probe->interface || probe->destination.s_addr) {
        return 0;
    }
    probe->destination.s_addr = htonl(NOBODY);
    return link_gateway(probe->interface, &probe->destination, err);
}

/* What comes in is proven by answers, and by packets that the next hop sends back: those do not need anybody to answer. */
static int send_around(const struct filter_group *group, const char *interface, size_t count, struct err *err)
{
    struct probe back = group->probe, hello = {.interface = interface};
    struct in_addr gateway = {0};
    int status = link_gateway(interface, &gateway, err);
    if (status < 0 || !gateway.s_addr) {
        return status;
    }
    back.interface = interface;
    back.destination = group->probe.source;
    back.source = group->probe.destination;
    if (!back.source.s_addr || back.source.s_addr == gateway.s_addr) {
        back.source.s_addr = htonl(NOBODY); /* no router takes packets from itself */
    }
    hello.destination = gateway;
    status = probe_send(&hello, 1, err);
    return status < 0 ? status : probe_send_around(&back, gateway, count, err);
}

static int probe_inward(const struct fault_instance *fault, const struct filter_group *group, size_t count, struct err *err)
{
    const struct fault_target *target = &fault->target;
    const char *interface = group->probe.interface;
    int status = interface ? send_around(group, interface, count, err) : 0;
    for (size_t i = 0; !interface && i < target->interface_count && status == 0; i++) {
        status = send_around(group, target->interfaces[i], count, err);
    }
    return status;
}

int filter_probe(const struct fault_instance *fault, const struct filter_plan *plan, const struct filter_group *group,
                 struct err *err)
{
    size_t wanted = plan->probe_count ? plan->probe_count : PROBES_FEW;
    size_t count = wanted < PROBES_MAX ? wanted : PROBES_MAX;
    struct probe probe = group->probe;
    int status = aim(&probe, err);
    if (status == 0) {
        status = probe_send(&probe, count, err);
    }
    if (status == 0 && group->inward) {
        struct filter_group aimed = *group;
        aimed.probe = probe;
        status = probe_inward(fault, &aimed, count, err);
    }
    return status;
}

static int send_probes(const struct fault_instance *fault, struct filter_plan *plan, const struct nft_count *sums,
                       struct err *err)
{
    int status = 0;
    for (size_t i = 0; i < plan->group_count && status == 0; i++) {
        if (!sums[i].dropped) {
            status = filter_probe(fault, plan, &plan->groups[i], err);
        }
    }
    return status;
}

static int read_sums(const struct fault_instance *fault, const struct filter_plan *plan, struct nft_count *sums, struct err *err)
{
    struct nft_count counts[NFT_RULES_MAX] = {0};
    int status = nft_read_counts(table_of(fault), counts, plan->rule_count, err);
    for (size_t i = 0; i < plan->group_count; i++) {
        sums[i] = (struct nft_count){0};
    }
    for (size_t i = 0; i < plan->rule_count && status == 0; i++) {
        sums[plan->group_of[i]].seen += counts[i].seen;
        sums[plan->group_of[i]].dropped += counts[i].dropped;
    }
    return status;
}

/* The first group that still has to show a drop, or NULL. Packets for inward rules depend on the next hop: those groups count only when
 * there are no others. */
static const struct filter_group *unproven(const struct filter_plan *plan, const struct nft_count *sums)
{
    bool outward = false;
    for (size_t i = 0; i < plan->group_count; i++) {
        outward = outward || !plan->groups[i].inward;
    }
    for (size_t i = 0; i < plan->group_count; i++) {
        if (sums[i].dropped == 0 && plan->groups[i].inward != outward) {
            return &plan->groups[i];
        }
    }
    return NULL;
}

static void print_proof(const struct fault_instance *fault, const struct filter_plan *plan, const struct nft_count *sums,
                        struct buf *proof)
{
    buf_printf(proof, "counters of nft table %s:", table_of(fault));
    for (size_t i = 0; i < plan->group_count; i++) {
        buf_printf(proof, "%s %s %llu of %llu packets %s", i ? "," : "", plan->groups[i].label,
                   (unsigned long long)sums[i].dropped, (unsigned long long)sums[i].seen, plan->done ? plan->done : "dropped");
    }
}

int filter_prove(const struct fault_instance *fault, struct filter_plan *plan, struct buf *proof, struct err *err)
{
    struct nft_count sums[FILTER_GROUPS_MAX] = {0};
    int64_t deadline_ns = clock_now_ns() + PROVE_TIMEOUT_MS * NS_PER_MS;
    if (!table_of(fault)) {
        return err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    }
    int status = read_sums(fault, plan, sums, err); /* before any packet is sent: no rules, no probes */
    while (status == 0 && unproven(plan, sums) && clock_now_ns() < deadline_ns) {
        status = send_probes(fault, plan, sums, err);
        if (status == 0) {
            status = read_sums(fault, plan, sums, err);
        }
        if (status == 0 && unproven(plan, sums)) {
            (void)poll(NULL, 0, PROVE_INTERVAL_MS); /* an answer that is dropped wakes nobody: the counter is asked again */
            status = read_sums(fault, plan, sums, err);
        }
    }
    if (status < 0) {
        return status;
    }
    const struct filter_group *silent = unproven(plan, sums);
    if (silent) {
        return err_set(err, ERR_STATE,
                       "fault %s: no packet %s was %s within %d ms, though probes were sent; is there a way to %s?", fault->id,
                       silent->label, plan->done ? plan->done : "dropped", PROVE_TIMEOUT_MS, fault->target.name);
    }
    print_proof(fault, plan, sums, proof);
    return 0;
}

int filter_clear(struct fault_instance *fault, struct err *err)
{
    struct filter_state *state = fault->state;
    return state->nft ? nft_clear(state->nft, err) : 0;
}

int filter_revert(struct fault_instance *fault, struct err *err)
{
    struct filter_state *state = fault->state;
    const char *table = table_of(fault);
    if (state->nft) {
        return nft_remove(TAKE(state->nft), err);
    }
    return table ? nft_remove_by_name(table, err) : 0;
}

int filter_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    bool exists = false;
    const char *table = table_of(fault);
    int status = table ? nft_exists(table, &exists, err) : 0;
    if (exists) {
        buf_printf(left, "nft table inet %s is still there\n", table);
    }
    return status;
}

void filter_release(struct fault_instance *fault)
{
    struct filter_state *state = fault->state;
    nft_close(TAKE(state->nft));
}
