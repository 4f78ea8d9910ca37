/* Partition: the target and its peers do not reach each other, both or one way; everybody else reaches both. A minority is cut from a
 * majority with a list of regions, or with peer = "rest". */
#include "faults/network/selection.h"

struct partition_options {
    struct selection traffic;
};

static const struct param partition_options[] = {
    SELECTION_OPTIONS(struct partition_options, traffic),
    {.type = PARAM_END},
};

static const struct nft_rule drop = {.action = NFT_DROP};

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct partition_options *options = fault->options;
    return selection_plan(fault, &options->traffic, &drop, plan, err);
}

static int partition_supported(const struct fault_instance *fault, struct err *err)
{
    const struct partition_options *options = fault->options;
    return selection_supported(fault, &options->traffic, &drop, err);
}

static void partition_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct partition_options *options = fault->options;
    buf_puts(out, "drop every packet ");
    selection_print(fault, &options->traffic, out);
    buf_puts(out, "; proven by the drop counters that a probe raises");
}

static int partition_apply(struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_apply(fault, &plan, err);
}

static int partition_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_prove(fault, &plan, proof, err);
}

const struct fault_ops fault_partition_ops = {
    .name = "partition",
    .summary = "cut regions or hosts off from each other, both ways or one way",
    .targets = FAULT_REGION | FAULT_HOST | FAULT_PEER,
    .options = partition_options,
    .options_size = sizeof(struct partition_options),
    .state_size = sizeof(struct filter_state),
    .supported = partition_supported,
    .plan = partition_plan,
    .prepare = filter_prepare,
    .apply = partition_apply,
    .prove = partition_prove,
    .revert = filter_revert,
    .residue = filter_residue,
    .release = filter_release,
};
