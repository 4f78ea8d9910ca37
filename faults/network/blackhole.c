/* Blackhole: what is selected is dropped without a word at the target's border, established connections included. */
#include "faults/network/selection.h"

struct blackhole_options {
    struct selection traffic;
};

static const struct param blackhole_options[] = {
    SELECTION_OPTIONS(struct blackhole_options, traffic),
    {.type = PARAM_END},
};

static const struct nft_rule drop = {.action = NFT_DROP};

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct blackhole_options *options = fault->options;
    return selection_plan(fault, &options->traffic, &drop, plan, err);
}

static int blackhole_supported(const struct fault_instance *fault, struct err *err)
{
    const struct blackhole_options *options = fault->options;
    return selection_supported(fault, &options->traffic, &drop, err);
}

static void blackhole_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct blackhole_options *options = fault->options;
    buf_puts(out, "drop every packet ");
    selection_print(fault, &options->traffic, out);
    buf_puts(out, "; proven by the drop counters that a probe raises");
}

static int blackhole_apply(struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_apply(fault, &plan, err);
}

static int blackhole_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_prove(fault, &plan, proof, err);
}

const struct fault_ops fault_blackhole_ops = {
    .name = "blackhole",
    .summary = "drop everything that crosses the border of a region or a host, silently",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = blackhole_options,
    .options_size = sizeof(struct blackhole_options),
    .state_size = sizeof(struct filter_state),
    .supported = blackhole_supported,
    .plan = blackhole_plan,
    .prepare = filter_prepare,
    .apply = blackhole_apply,
    .prove = blackhole_prove,
    .revert = filter_revert,
    .residue = filter_residue,
    .release = filter_release,
};
