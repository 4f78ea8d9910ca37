/* Choosing the rung for each way, and both rungs. */
#include "faults/network/shaping.h"

#include <math.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "faults/netem.h"
#include "faults/network/nft_queue.h"
#include "faults/network/segments.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { EFFECT_TIMEOUT_MS = 100, EFFECT_INTERVAL_MS = 5, PROBES_FEW = 3, PROBES_MAX = 20000 };

const char *const shaping_mechanisms[] = {"auto", "netem", "queue", NULL};

size_t shaping_probes(double share)
{
    double count = share > 0 ? ceil(12 / share) : 0;
    return count < PROBES_MAX ? (size_t)count : PROBES_MAX;
}

/* ---- which rung ---- */

struct rungs {
    struct filter_plan plan;              /* all of what is asked for */
    const char *netem[FILTER_GROUPS_MAX]; /* a group's interface when netem does it, else NULL */
    size_t netem_count;
    char reason[256]; /* why not all are: "" when they are */
};

static const char *interface_of(const struct filter_plan *plan, size_t group)
{
    for (size_t i = 0; i < plan->rule_count; i++) {
        if (plan->group_of[i] == group && plan->rules[i].out) {
            return plan->rules[i].out;
        }
    }
    return NULL;
}

/* What netem cannot do on any kernel. */
static int netem_never(const struct fault_instance *fault, const struct shaping *shaping, struct err *err)
{
    if (!selection_is_whole(fault, &shaping->options.traffic)) {
        return err_set(err, ERR_UNSUPPORTED, "netem shapes all that leaves through an interface, not a selection of it");
    }
    if (shaping->deliver) {
        return err_set(err, ERR_UNSUPPORTED, "netem does not repair checksums: what it damages is lost");
    }
    return netem_can(&shaping->shape, err);
}

int shaping_check(const struct fault_instance *fault, const struct shaping *shaping, struct err *err)
{
    int status = selection_check(fault, &shaping->options.traffic, err);
    if (status < 0 || shaping->options.mechanism != SHAPING_NETEM || netem_never(fault, shaping, err) == 0) {
        return status;
    }
    err->code = ERR_INPUT; /* it was asked for by name, so it is the scenario that must change */
    return err_prefix(err, "fault '%s' cannot be done by netem", fault->ops->name);
}

/* The first reason why netem cannot do it at all here; 0 when nothing speaks against it. */
static int netem_fits(const struct fault_instance *fault, const struct shaping *shaping, struct err *err)
{
    int status = netem_never(fault, shaping, err);
    return status < 0 ? status : netem_supported(err);
}

static int netem_fits_group(const struct filter_group *group, const char *interface, struct err *err)
{
    struct netem_found found;
    if (group->inward || !interface) {
        return err_set(err, ERR_UNSUPPORTED, "netem shapes only what leaves through an interface (direction = \"out\")");
    }
    int status = netem_read(interface, &found, err);
    if (status == 0 && found.handle && found.handle != NETEM_OF_FAULT) {
        return err_set(err, ERR_UNSUPPORTED, "interface '%s' has a root qdisc of its own (%s)", interface, found.kind);
    }
    if (status == 0 && found.handle == NETEM_OF_FAULT) {
        return err_set(err, ERR_UNSUPPORTED, "interface '%s' has the netem of another fault", interface);
    }
    return status;
}

static int choose(const struct fault_instance *fault, const struct shaping *shaping, struct rungs *rungs, struct err *err)
{
    struct nft_rule queue = {.action = NFT_QUEUE};
    struct err why = {0};
    memset(rungs, 0, sizeof(*rungs));
    int status = selection_plan(fault, &shaping->options.traffic, &queue, &rungs->plan, err);
    if (status < 0 || shaping->options.mechanism == SHAPING_QUEUE) {
        return status;
    }
    bool fits = netem_fits(fault, shaping, &why) == 0;
    for (size_t i = 0; i < rungs->plan.group_count; i++) {
        const char *interface = interface_of(&rungs->plan, i);
        if (fits && netem_fits_group(&rungs->plan.groups[i], interface, &why) == 0) {
            rungs->netem[i] = interface;
            rungs->netem_count++;
        } else if (!rungs->reason[0]) {
            (void)str_copy(rungs->reason, sizeof(rungs->reason), why.text);
        }
    }
    if (shaping->options.mechanism == SHAPING_NETEM && rungs->netem_count < rungs->plan.group_count) {
        return err_set(err, ERR_UNSUPPORTED, "fault '%s' cannot be done by netem alone: %s", fault->ops->name, rungs->reason);
    }
    return 0;
}

/* Whether this kernel hands packets over, and how the rule says so: an expression of its own, or the iptables target. */
static int queue_supported(bool *ret_old, struct err *err)
{
    struct nft_rule rule = {.chain = NFT_FORWARD, .in = "drill-none", .action = NFT_QUEUE};
    struct nft *nft = NULL;
    struct nft_queue *queue = NULL;
    char table[NFT_NAME_MAX];
    int status = nft_queue_open(1, false, false, &queue, err);
    nft_queue_close(queue);
    for (int old = 0; status == 0 && old < 2; old++) {
        rule.old_queue = old;
        (void)str_format(table, sizeof(table), "drill_probe_%d", (int)getpid());
        int tried = nft_install(table, &rule, 1, &nft, err);
        if (tried == 0) {
            *ret_old = old;
            return nft_remove(nft, err);
        }
        status = old ? tried : 0;
    }
    return status;
}

int shaping_supported(const struct fault_instance *fault, const struct shaping *shaping, struct err *err)
{
    struct rungs rungs;
    bool old;
    int status = choose(fault, shaping, &rungs, err);
    return status < 0 || rungs.netem_count == rungs.plan.group_count ? status : queue_supported(&old, err);
}

/* ---- before ---- */

static json_t *netem_of(const struct fault_instance *fault)
{
    return json_object_get(fault->journal, "netem");
}

/* Delay alone treats a frame of many segments as it treats a packet; all else counts packets. */
static bool counts_packets(const struct shape *shape)
{
    return shape->loss > 0 || shape->loss_every > 0 || shape->duplicate > 0 || shape->corrupt > 0 || shape->reorder > 0 ||
           shape->rate_bits > 0;
}

int shaping_prepare(struct fault_instance *fault, const struct shaping *shaping, struct err *err)
{
    struct rungs rungs;
    const char *names[FILTER_GROUPS_MAX];
    size_t count = 0;
    if (netem_of(fault)) {
        return 0;
    }
    int status = choose(fault, shaping, &rungs, err);
    for (size_t i = 0; i < rungs.plan.group_count && status == 0; i++) {
        if (rungs.netem[i]) {
            names[count++] = rungs.netem[i];
        }
    }
    if (status == 0 && counts_packets(&shaping->shape)) { /* held packets come in single segments anyway */
        status = segments_prepare(fault, names, count, err);
    }
    if (status == 0 && count < rungs.plan.group_count) { /* a table is for rules, and those are for held packets */
        status = filter_prepare(fault, err);
    }
    if (status < 0) {
        return status;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(names[i]));
    }
    json_object_set_new(fault->journal, "netem", list);
    json_object_set_new(fault->journal, "reason", json_string(rungs.reason));
    return 0;
}

/* ---- in force ---- */

static bool is_on_netem(const struct fault_instance *fault, const char *interface)
{
    size_t index;
    json_t *name;
    json_array_foreach(netem_of(fault), index, name)
    {
        if (interface && str_eq(json_string_value(name), interface)) {
            return true;
        }
    }
    return false;
}

/* What is left for the queue: the plan without the groups that netem does. */
static int queue_plan(const struct fault_instance *fault, const struct shaping *shaping, uint32_t mark, struct filter_plan *plan,
                      struct err *err)
{
    struct nft_rule queue = {.action = NFT_QUEUE, .skip_mark = mark};
    struct filter_plan all;
    uint8_t place[FILTER_GROUPS_MAX];
    int status = selection_plan(fault, &shaping->options.traffic, &queue, &all, err);
    memset(plan, 0, sizeof(*plan));
    for (size_t i = 0; i < all.group_count && status == 0; i++) {
        place[i] = (uint8_t)plan->group_count;
        if (!is_on_netem(fault, interface_of(&all, i))) {
            plan->groups[plan->group_count++] = all.groups[i];
        } else {
            place[i] = FILTER_GROUPS_MAX;
        }
    }
    for (size_t i = 0; i < all.rule_count && status == 0; i++) {
        if (place[all.group_of[i]] < FILTER_GROUPS_MAX) {
            plan->group_of[plan->rule_count] = place[all.group_of[i]];
            plan->rules[plan->rule_count++] = all.rules[i];
        }
    }
    return status;
}

/* Copies carry a mark by which only this fault knows them: another fault's rules shall hit them. */
static uint32_t mark_of(const struct fault_instance *fault, const struct shaping *shaping)
{
    uint32_t mark = 2166136261u;
    for (const char *at = json_str(fault->journal, "table", ""); *at; at++) {
        mark = (mark ^ (unsigned char)*at) * 16777619u;
    }
    return shaping->shape.duplicate > 0 ? mark | 1 : 0;
}

static int apply_queue(struct fault_instance *fault, const struct shaping *shaping, struct err *err)
{
    struct shaping_state *state = fault->state;
    struct filter_plan plan;
    bool old = false;
    uint32_t mark = mark_of(fault, shaping);
    int status = queue_plan(fault, shaping, mark, &plan, err);
    if (status < 0 || plan.group_count == 0 || state->holder) {
        return status;
    }
    struct holder_request request = {.shape = shaping->shape,
                                     .ways = plan.group_count,
                                     .seed = (uint64_t)shaping->options.seed,
                                     .mark = mark,
                                     .deliver = shaping->deliver};
    status = queue_supported(&old, err);
    if (status == 0) {
        status = holder_start(&request, &state->holder, err);
    }
    for (size_t i = 0; i < plan.rule_count && status == 0; i++) {
        plan.rules[i].queue = holder_queue(state->holder, plan.group_of[i]);
        plan.rules[i].old_queue = old;
    }
    return status < 0 ? status : filter_apply(fault, &plan, err);
}

static int apply_netem(struct fault_instance *fault, const struct shaping *shaping, struct err *err)
{
    size_t index;
    json_t *name;
    int status = segments_apply(fault, err);
    json_array_foreach(netem_of(fault), index, name)
    {
        struct netem_found found;
        const char *interface = json_string_value(name);
        if (status == 0) {
            status = netem_read(interface, &found, err);
        }
        if (status == 0 && found.handle != NETEM_OF_FAULT) {
            status = netem_put(interface, NETEM_OF_FAULT, &shaping->shape, (uint64_t)shaping->options.seed + index, err);
        }
    }
    return status;
}

static void name_mechanism(struct fault_instance *fault)
{
    const struct shaping_state *state = fault->state;
    bool netem = json_array_size(netem_of(fault)) > 0;
    const char *reason = json_str(fault->journal, "reason", "");
    const char *kernel = netem ? "netem" : "", *held = state->holder ? "packets held by nfqueue" : "";
    (void)str_format(fault->mechanism, sizeof(fault->mechanism), "%s%s%s%s%s", kernel, netem && state->holder ? " and " : "",
                     held, *reason ? ": " : "", reason);
}

int shaping_apply(struct fault_instance *fault, const struct shaping *shaping, struct err *err)
{
    if (!netem_of(fault)) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal says nothing of netem", fault->id);
    }
    int status = apply_netem(fault, shaping, err);
    if (status == 0) {
        status = apply_queue(fault, shaping, err);
    }
    if (status == 0) {
        name_mechanism(fault);
    }
    return status;
}

/* ---- proof ---- */

static uint64_t hit(const struct shape *shape, const struct holder_count *count)
{
    if (shape->duplicate > 0) {
        return count->duplicated;
    }
    if (shape->corrupt > 0) {
        return count->corrupted;
    }
    return shape->loss > 0 || shape->loss_every > 0 ? count->lost : count->late;
}

static bool wants_hits(const struct filter_plan *plan, size_t group)
{
    bool outward = false;
    for (size_t i = 0; i < plan->group_count; i++) {
        outward = outward || !plan->groups[i].inward;
    }
    return plan->groups[group].inward != outward; /* as filter_prove: inward ones count when there are no others */
}

/* The first group whose packets do not yet show the effect, or NULL. */
static const struct filter_group *without_effect(const struct fault_instance *fault, const struct shaping *shaping,
                                                 const struct filter_plan *plan)
{
    const struct shaping_state *state = fault->state;
    for (size_t i = 0; i < plan->group_count; i++) {
        struct holder_count count;
        holder_read(state->holder, i, &count);
        if (wants_hits(plan, i) && hit(&shaping->shape, &count) == 0) {
            return &plan->groups[i];
        }
    }
    return NULL;
}

static int wait_for_effect(struct fault_instance *fault, const struct shaping *shaping, struct filter_plan *plan, struct err *err)
{
    int64_t deadline_ns = clock_now_ns() + EFFECT_TIMEOUT_MS * NS_PER_MS;
    const struct filter_group *group = without_effect(fault, shaping, plan);
    while (group && clock_now_ns() < deadline_ns) {
        int status = filter_probe(fault, plan, group, err);
        if (status < 0) {
            return status;
        }
        (void)poll(NULL, 0, EFFECT_INTERVAL_MS); /* the holder's thread gets them from the kernel meanwhile */
        group = without_effect(fault, shaping, plan);
    }
    return group
               ? err_set(err, ERR_STATE, "fault %s: no packet %s shows it yet, though probes were sent", fault->id, group->label)
               : 0;
}

static void print_counts(const struct fault_instance *fault, const struct shape *shape, const struct filter_plan *plan,
                         struct buf *proof)
{
    const struct shaping_state *state = fault->state;
    for (size_t i = 0; i < plan->group_count; i++) {
        struct holder_count count;
        holder_read(state->holder, i, &count);
        buf_printf(proof, "; %s %llu of %llu held packets hit", plan->groups[i].label, (unsigned long long)hit(shape, &count),
                   (unsigned long long)count.seen);
        if (count.released) {
            buf_printf(proof, ", held for %.3f ms on average",
                       (double)count.held_ns / (double)count.released / (double)NS_PER_MS);
        }
        if (count.overflow) {
            buf_printf(proof, ", %llu passed unshaped because too many waited", (unsigned long long)count.overflow);
        }
    }
}

static int prove_queue(struct fault_instance *fault, const struct shaping *shaping, struct buf *proof, struct err *err)
{
    const struct shaping_state *state = fault->state;
    struct filter_plan plan;
    int status = queue_plan(fault, shaping, 0, &plan, err);
    if (status < 0 || plan.group_count == 0) {
        return status;
    }
    plan.probe_count = shaping->probe_count;
    plan.done = "handed over";
    status = filter_prove(fault, &plan, proof, err);
    if (status == 0 && !state->holder) {
        status = err_set(err, ERR_STATE, "fault %s: nobody holds its packets here", fault->id);
    }
    if (status == 0) {
        status = wait_for_effect(fault, shaping, &plan, err);
    }
    if (status == 0) {
        print_counts(fault, &shaping->shape, &plan, proof);
    }
    return status;
}

static int prove_netem(struct fault_instance *fault, const struct shaping *shaping, struct buf *proof, struct err *err)
{
    size_t index;
    json_t *name;
    json_array_foreach(netem_of(fault), index, name)
    {
        const char *interface = json_string_value(name);
        struct netem_found found;
        int status = netem_read(interface, &found, err);
        if (status < 0) {
            return status;
        }
        if (found.handle != NETEM_OF_FAULT || !shape_same(&found.shape, &shaping->shape)) {
            return err_set(err, ERR_STATE, "fault %s is not in force: the root qdisc of '%s' is %s%s", fault->id, interface,
                           found.kind, found.handle == NETEM_OF_FAULT ? " with other settings" : "");
        }
        buf_printf(proof, "%snetem on %s reads back as it was set, %llu packets through it, %llu dropped",
                   proof->size ? "; " : "", interface, (unsigned long long)found.packets, (unsigned long long)found.dropped);
    }
    return 0;
}

int shaping_prove(struct fault_instance *fault, const struct shaping *shaping, struct buf *proof, struct err *err)
{
    if (!netem_of(fault)) {
        return err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    }
    int status = prove_queue(fault, shaping, proof, err);
    return status < 0 ? status : prove_netem(fault, shaping, proof, err);
}

/* ---- after ---- */

/* What waits goes first, in its order; then nothing new waits, then nobody holds packets. A table whose rules cannot be taken away goes
 * with them a moment later: no error, at worst what waits at that moment is lost. */
static void let_all_pass(struct fault_instance *fault)
{
    struct shaping_state *state = fault->state;
    struct err err;
    holder_pass(state->holder);
    (void)filter_clear(fault, &err);
    holder_stop(TAKE(state->holder));
}

/* Everything is tried, the first error is told. */
int shaping_revert(struct fault_instance *fault, struct err *err)
{
    struct err other;
    size_t index;
    json_t *name;
    let_all_pass(fault);
    int first = filter_revert(fault, err);
    json_array_foreach(netem_of(fault), index, name)
    {
        int status = netem_remove(json_string_value(name), NETEM_OF_FAULT, first ? &other : err);
        first = first ? first : status;
    }
    int status = segments_revert(fault, first ? &other : err);
    return first ? first : status;
}

int shaping_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    size_t index;
    json_t *name;
    json_array_foreach(netem_of(fault), index, name)
    {
        struct netem_found found;
        int status = netem_read(json_string_value(name), &found, err);
        if (status < 0) {
            return status;
        }
        if (found.handle == NETEM_OF_FAULT) {
            buf_printf(left, "netem is still on interface %s\n", json_string_value(name));
        }
    }
    int status = segments_residue(fault, left, err);
    return status < 0 ? status : filter_residue(fault, left, err);
}

void shaping_release(struct fault_instance *fault)
{
    let_all_pass(fault);
    filter_release(fault);
}
