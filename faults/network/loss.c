/* Loss: a share of the packets over the target's outer border is dropped, at random or exactly every n-th. */
#include <math.h>

#include "faults/network/link.h"
#include "faults/network/selection.h"
#include "harness/base/str.h"

struct loss_options {
    double probability;
    int64_t every;
    struct selection traffic;
};

enum { PROBES_PER_DROP = 12 }; /* with so many times 1/probability probes, none dropped is 1 in 160,000 */

static const struct param loss_options[] = {
    {.name = "probability",
     .type = PARAM_SHARE,
     .offset = offsetof(struct loss_options, probability),
     .min = 0,
     .max = 1000000,
     .help = "this share of the packets, each by its own throw (not repeatable)"},
    {.name = "every",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct loss_options, every),
     .min = 0,
     .max = 1000000,
     .help = "instead: exactly every n-th packet of each interface, chain and direction (repeatable)"},
    SELECTION_OPTIONS(struct loss_options, traffic),
    {.type = PARAM_END},
};

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct loss_options *options = fault->options;
    struct nft_rule share = {.per_million = (uint32_t)lround(options->probability * 1e6), .every = (uint32_t)options->every};
    if ((share.per_million == 0) == (share.every == 0)) {
        return err_set(
            err, ERR_INPUT,
            "fault 'loss' needs either `probability` (0.0001%% to 100%%, as probability = \"5%%\") or `every` (as every = 20)");
    }
    int status = selection_plan(fault, &options->traffic, &share, plan, err);
    plan->probe_count = share.every ? share.every : (size_t)PROBES_PER_DROP * 1000000 / share.per_million;
    return status;
}

static int loss_supported(const struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    if (status == 0) {
        status = filter_supported(err);
    }
    return status < 0 ? status : link_supported(err);
}

static void loss_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct loss_options *options = fault->options;
    if (options->every) {
        buf_printf(out, "drop every %lld. packet ", (long long)options->every);
    } else {
        buf_printf(out, "drop %g %% of the packets ", options->probability * 100);
    }
    selection_print(fault, &options->traffic, out);
    buf_puts(out, "; proven by the counters of seen and dropped packets");
}

/* Frames of many segments would make one drop a loss of 60 kB: what was set is remembered by interface. */
static int loss_prepare(struct fault_instance *fault, struct err *err)
{
    const struct loss_options *options = fault->options;
    if (json_object_get(fault->journal, "gso_max_segs")) {
        return filter_prepare(fault, err);
    }
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    AUTO_JSON json_t *segments = json_object();
    int status = selection_interfaces(fault, &options->traffic, true, names, &count, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        struct link_info info;
        status = link_get(names[i], &info, err);
        if (status == 0) {
            json_object_set_new(segments, names[i], json_integer(info.gso_max_segs));
        }
    }
    if (status < 0) {
        return status;
    }
    json_object_set(fault->journal, "gso_max_segs", segments);
    return filter_prepare(fault, err);
}

static int set_segments(const struct fault_instance *fault, bool single, struct err *err)
{
    const char *name;
    json_t *before;
    int first = 0;
    json_object_foreach(json_object_get(fault->journal, "gso_max_segs"), name, before)
    {
        struct err other;
        int status = link_set_gso_max_segs(name, single ? 1 : (uint32_t)json_integer_value(before), first ? &other : err);
        first = first ? first : status; /* go on with the others, tell of the first */
    }
    return first;
}

static int loss_apply(struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    if (status == 0) {
        status = set_segments(fault, true, err);
    }
    return status < 0 ? status : filter_apply(fault, &plan, err);
}

static int loss_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_prove(fault, &plan, proof, err);
}

static int loss_revert(struct fault_instance *fault, struct err *err)
{
    struct err other;
    int status = filter_revert(fault, err);
    int segments = set_segments(fault, false, status < 0 ? &other : err);
    return status < 0 ? status : segments;
}

static int loss_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    const char *name;
    json_t *before;
    json_object_foreach(json_object_get(fault->journal, "gso_max_segs"), name, before)
    {
        struct link_info info;
        int status = link_get(name, &info, err);
        if (status < 0) {
            return status;
        }
        if (info.gso_max_segs != (uint32_t)json_integer_value(before)) {
            buf_printf(left, "interface %s has gso_max_segs %u, had %lld before\n", name, info.gso_max_segs,
                       (long long)json_integer_value(before));
        }
    }
    return filter_residue(fault, left, err);
}

const struct fault_ops fault_loss_ops = {
    .name = "loss",
    .summary = "drop a share of the packets that cross the border of a region or a host",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = loss_options,
    .options_size = sizeof(struct loss_options),
    .state_size = sizeof(struct filter_state),
    .supported = loss_supported,
    .plan = loss_plan,
    .prepare = loss_prepare,
    .apply = loss_apply,
    .prove = loss_prove,
    .revert = loss_revert,
    .residue = loss_residue,
    .release = filter_release,
};
