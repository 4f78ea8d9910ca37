/* Loss: a share of the packets is dropped, at random, in bursts, or exactly every n-th. The rungs: rules of nf_tables that count what they
 * see and drop; a tc filter; the packet model, in netem or over held packets, which alone knows bursts and seeds. */
#include <math.h>
#include <string.h>

#include "faults/network/cbpf.h"
#include "faults/network/link.h"
#include "faults/network/segments.h"
#include "faults/network/shaping.h"
#include "harness/base/str.h"

enum mechanism { AUTO = 0, NFT, BPF, NETEM, QUEUE };
static const char *const mechanisms[] = {"auto", "nft", "bpf", "netem", "queue", NULL};

struct loss_options {
    double probability, burst_loss;
    int64_t every, burst;
    int mechanism;
    struct shaping_options common;
};

static const struct param loss_options[] = {
    {.name = "probability",
     .type = PARAM_SHARE,
     .offset = offsetof(struct loss_options, probability),
     .min = 0,
     .max = 1000000,
     .help = "this share of the packets, in the long run"},
    {.name = "every",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct loss_options, every),
     .min = 0,
     .max = 1000000,
     .help = "instead: exactly every n-th packet of each interface, chain and direction (repeatable)"},
    {.name = "burst",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct loss_options, burst),
     .min = 0,
     .max = 1000000,
     .help = "losses come in bad times of so many packets on average (Gilbert-Elliott); 0: each packet by its own throw"},
    {.name = "burst_loss",
     .type = PARAM_SHARE,
     .offset = offsetof(struct loss_options, burst_loss),
     .min = 10000,
     .max = 1000000,
     .fallback = "100%",
     .help = "this share is lost while a bad time lasts"},
    SELECTION_OPTIONS(struct loss_options, common.traffic),
    {.name = "mechanism",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct loss_options, mechanism),
     .choices = mechanisms,
     .fallback = "auto",
     .help = "nf_tables rules, a tc filter, netem, packets held by the agent, or the first that can do it"},
    {.name = "seed",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct loss_options, common.seed),
     .min = 0,
     .max = INT64_MAX,
     .help = "equal seeds lose equal packets (held by the agent); 0: not repeatable, nothing is held"},
    {.type = PARAM_END},
};

static struct shaping make_shaping(const struct fault_instance *fault)
{
    const struct loss_options *options = fault->options;
    struct shaping shaping = {.options = options->common,
                              .shape = {.loss = options->probability,
                                        .loss_every = options->every,
                                        .burst = (double)options->burst,
                                        .burst_loss = options->burst_loss},
                              .probe_count = options->every ? (size_t)options->every : shaping_probes(options->probability)};
    bool seeded = options->common.seed != 0 && options->mechanism == AUTO; /* netem repeats only since Linux 6.6 */
    shaping.options.mechanism = options->mechanism == NETEM             ? SHAPING_NETEM
                                : options->mechanism == QUEUE || seeded ? SHAPING_QUEUE
                                                                        : SHAPING_AUTO;
    shaping.probe_count += options->burst > 0 ? (size_t)options->burst * 4 : 0;
    return shaping;
}

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct loss_options *options = fault->options;
    struct nft_rule share = {.per_million = (uint32_t)lround(options->probability * 1e6), .every = (uint32_t)options->every};
    int status = selection_plan(fault, &options->common.traffic, &share, plan, err);
    plan->probe_count = options->every ? (size_t)options->every : shaping_probes(options->probability);
    return status;
}

static int check(const struct fault_instance *fault, struct err *err)
{
    const struct loss_options *options = fault->options;
    double begins, ends;
    struct shaping shaping = make_shaping(fault);
    if ((options->probability <= 0) == (options->every == 0)) {
        return err_set(
            err, ERR_INPUT,
            "fault 'loss' needs either `probability` (0.0001%% to 100%%, as probability = \"5%%\") or `every` (as every = 20)");
    }
    if (options->burst && options->every) {
        return err_set(err, ERR_INPUT,
                       "fault 'loss': every n-th packet does not come in bursts; say `burst` or `every`, not both");
    }
    if (options->burst && (options->mechanism == NFT || options->mechanism == BPF)) {
        return err_set(err, ERR_INPUT, "fault 'loss': mechanism '%s' knows no bursts; leave it out, or say netem or queue",
                       mechanisms[options->mechanism]);
    }
    if (options->burst && !shape_gilbert(&shaping.shape, &begins, &ends)) {
        return err_set(
            err, ERR_INPUT,
            "fault 'loss': %g %% cannot be lost in bursts of %lld packets with %g %% lost in each: say a longer burst, a "
            "lower probability or a higher burst_loss",
            options->probability * 100, (long long)options->burst, options->burst_loss * 100);
    }
    return selection_check(fault, &options->common.traffic, err);
}

/* ---- which rung ---- */

static int bpf_fits(const struct fault_instance *fault, struct err *err)
{
    const struct loss_options *options = fault->options;
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    if (options->every || !selection_is_whole(fault, &options->common.traffic)) {
        return err_set(err, ERR_UNSUPPORTED, "the tc filter drops at random, and from all that crosses an interface");
    }
    int status = selection_interfaces(fault, &options->common.traffic, true, names, &count, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        struct cbpf_count found;
        status = cbpf_read(names[i], &found, err);
        if (status == 0 && found.present) {
            status = err_set(err, ERR_UNSUPPORTED, "interface '%s' has a clsact qdisc of its own", names[i]);
        }
    }
    return status < 0 ? status : cbpf_supported(err);
}

static int model_fits(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make_shaping(fault);
    return shaping_supported(fault, &shaping, err);
}

struct choice {
    enum mechanism mechanism;
    char reason[400]; /* why the rungs above it could not; "" when there is none */
};

static void pass_over(struct choice *choice, const char *why)
{
    size_t used = strlen(choice->reason);
    (void)str_format(choice->reason + used, sizeof(choice->reason) - used, "%s%s", used ? "; " : "", why);
}

/* The first rung that can do it without the model; AUTO when none can. */
static void choose_first(const struct fault_instance *fault, struct choice *choice)
{
    struct err why;
    if (filter_supported(&why) == 0) {
        choice->mechanism = NFT;
        return;
    }
    pass_over(choice, why.text);
    if (bpf_fits(fault, &why) == 0) {
        choice->mechanism = BPF;
        return;
    }
    pass_over(choice, why.text);
}

/* The first rung that can do it, or the one that was asked for. */
static int choose(const struct fault_instance *fault, struct choice *choice, struct err *err)
{
    const struct loss_options *options = fault->options;
    struct filter_plan plan;
    *choice = (struct choice){.mechanism = (enum mechanism)options->mechanism};
    int status = check(fault, err);
    if (status == 0) {
        status = make_plan(fault, &plan, err);
    }
    if (status < 0) {
        return status;
    }
    if (choice->mechanism == AUTO && !options->burst && !options->common.seed) {
        choose_first(fault, choice);
    } else if (choice->mechanism == NFT) {
        status = filter_supported(err);
    } else if (choice->mechanism == BPF) {
        status = bpf_fits(fault, err);
    }
    if (choice->mechanism == NFT || choice->mechanism == BPF) {
        return status < 0 ? status : link_supported(err); /* for the segments */
    }
    choice->mechanism = choice->mechanism == AUTO ? QUEUE : choice->mechanism; /* …or netem: the model chooses */
    return model_fits(fault, err);
}

static int loss_supported(const struct fault_instance *fault, struct err *err)
{
    struct choice choice;
    return choose(fault, &choice, err);
}

static void loss_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct loss_options *options = fault->options;
    if (options->every) {
        buf_printf(out, "drop every %lld. packet ", (long long)options->every);
    } else {
        buf_printf(out, "drop %g %% of the packets ", options->probability * 100);
    }
    if (options->burst) {
        buf_printf(out, "in bursts of %lld on average ", (long long)options->burst);
    }
    selection_print(fault, &options->common.traffic, out);
    buf_puts(out, "; proven by the counters of seen and dropped packets");
}

/* ---- life ---- */

static enum mechanism mechanism_of(const struct fault_instance *fault)
{
    const char *name = json_str(fault->journal, "mechanism", "");
    return str_eq(name, "nft") ? NFT : str_eq(name, "bpf") ? BPF : *name ? QUEUE : AUTO;
}

static int prepare_interfaces(struct fault_instance *fault, bool bpf, struct err *err)
{
    const struct loss_options *options = fault->options;
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    int status = selection_interfaces(fault, &options->common.traffic, true, names, &count, err);
    if (status == 0) {
        status = segments_prepare(fault, names, count, err);
    }
    if (status == 0 && bpf) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(list, json_string(names[i]));
        }
        json_object_set_new(fault->journal, "bpf", list);
    }
    return status < 0 || bpf ? status : filter_prepare(fault, err);
}

static int loss_prepare(struct fault_instance *fault, struct err *err)
{
    struct choice choice;
    struct shaping shaping = make_shaping(fault);
    if (mechanism_of(fault) != AUTO) {
        return 0;
    }
    int status = choose(fault, &choice, err);
    if (status == 0) {
        bool model = choice.mechanism == NETEM || choice.mechanism == QUEUE;
        status = model ? shaping_prepare(fault, &shaping, err) : prepare_interfaces(fault, choice.mechanism == BPF, err);
    }
    if (status == 0) {
        json_object_set_new(fault->journal, "mechanism", json_string(mechanisms[choice.mechanism]));
        json_object_set_new(fault->journal, "passed_over", json_string(choice.reason));
    }
    return status;
}

static const json_t *filtered(const struct fault_instance *fault)
{
    return json_object_get(fault->journal, "bpf");
}

static int apply_bpf(struct fault_instance *fault, struct err *err)
{
    const struct loss_options *options = fault->options;
    int direction = options->common.traffic.direction;
    size_t index;
    json_t *name;
    json_array_foreach(filtered(fault), index, name)
    {
        struct cbpf_count found;
        const char *interface = json_string_value(name);
        int status = cbpf_read(interface, &found, err);
        if (status == 0 && !found.present) {
            status = cbpf_put(interface, direction != SELECTION_OUT, direction != SELECTION_IN, options->probability, err);
        }
        if (status < 0) {
            return status;
        }
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "classic BPF in a tc filter");
    return 0;
}

static int apply_rung(struct fault_instance *fault, enum mechanism mechanism, struct err *err)
{
    struct filter_plan plan;
    struct shaping shaping = make_shaping(fault);
    if (mechanism == QUEUE) {
        return shaping_apply(fault, &shaping, err);
    }
    int status = segments_apply(fault, err);
    if (status == 0 && mechanism == BPF) {
        return apply_bpf(fault, err);
    }
    if (status == 0) {
        status = make_plan(fault, &plan, err);
    }
    return status < 0 ? status : filter_apply(fault, &plan, err);
}

static int loss_apply(struct fault_instance *fault, struct err *err)
{
    const char *reason = json_str(fault->journal, "passed_over", "");
    enum mechanism mechanism = mechanism_of(fault);
    if (mechanism == AUTO) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no mechanism", fault->id);
    }
    int status = apply_rung(fault, mechanism, err);
    if (status == 0 && *reason) {
        size_t used = strlen(fault->mechanism);
        (void)str_format(fault->mechanism + used, sizeof(fault->mechanism) - used, "; %s", reason);
    }
    return status;
}

static int read_drops(const struct fault_instance *fault, const char *interface, struct cbpf_count *count, struct err *err)
{
    int status = cbpf_read(interface, count, err);
    if (status == 0 && !count->present) {
        return err_set(err, ERR_STATE, "fault %s is not in force: interface '%s' has no filter", fault->id, interface);
    }
    return status;
}

static int prove_bpf(const struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct filter_plan plan;
    size_t index;
    json_t *name;
    int status = make_plan(fault, &plan, err);
    json_array_foreach(filtered(fault), index, name)
    {
        struct cbpf_count count;
        const char *interface = json_string_value(name);
        if (status == 0) {
            status = read_drops(fault, interface, &count, err);
        }
        for (size_t i = 0; i < plan.group_count && status == 0 && count.dropped == 0; i++) {
            status = filter_probe(fault, &plan, &plan.groups[i], err);
        }
        if (status == 0) {
            status = read_drops(fault, interface, &count, err);
        }
        if (status == 0 && count.dropped == 0) {
            status = err_set(err, ERR_STATE, "fault %s: no packet over '%s' was dropped yet, though probes were sent", fault->id,
                             interface);
        }
        if (status < 0) {
            return status;
        }
        buf_printf(proof, "%scounters of the tc filters of %s: %llu of %llu packets dropped", proof->size ? "; " : "", interface,
                   (unsigned long long)count.dropped, (unsigned long long)count.seen);
    }
    return status;
}

static int loss_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct filter_plan plan;
    struct shaping shaping = make_shaping(fault);
    switch (mechanism_of(fault)) {
    case AUTO:
        return err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    case BPF:
        return prove_bpf(fault, proof, err);
    case NFT:
        break;
    default:
        return shaping_prove(fault, &shaping, proof, err);
    }
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_prove(fault, &plan, proof, err);
}

/* The journal of each rung names what it did, so taking everything away takes away what there is. */
static int loss_revert(struct fault_instance *fault, struct err *err)
{
    struct err other;
    size_t index;
    json_t *name;
    int first = shaping_revert(fault, err);
    json_array_foreach(filtered(fault), index, name)
    {
        int status = cbpf_remove(json_string_value(name), first ? &other : err);
        first = first ? first : status;
    }
    return first;
}

static int loss_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    size_t index;
    json_t *name;
    json_array_foreach(filtered(fault), index, name)
    {
        struct cbpf_count count;
        int status = cbpf_read(json_string_value(name), &count, err);
        if (status < 0) {
            return status;
        }
        if (count.present) {
            buf_printf(left, "the tc filters of interface %s are still there\n", json_string_value(name));
        }
    }
    return shaping_residue(fault, left, err);
}

const struct fault_ops fault_loss_ops = {
    .name = "loss",
    .summary = "drop a share of the packets, at random, in bursts or every n-th",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = loss_options,
    .options_size = sizeof(struct loss_options),
    .state_size = sizeof(struct shaping_state),
    .example = "fault.loss { region = \"us-east\", probability = \"5%\" }",
    .mechanisms =
        "nft owner table with numgen, else a classic BPF filter at tc, else the kernel's netem; bursts by held packets or netem",
    .needs = "CAP_NET_ADMIN and CAP_NET_RAW in the place; nf_tables, or sch_ingress and cls_bpf, or sch_netem",
    .proof = "the rules' counters of seen and dropped packets, which probe packets raise, or netem read back from the kernel",
    .undo = SHAPING_UNDO,
    .check = check,
    .supported = loss_supported,
    .plan = loss_plan,
    .prepare = loss_prepare,
    .apply = loss_apply,
    .prove = loss_prove,
    .revert = loss_revert,
    .residue = loss_residue,
    .release = shaping_release,
};
