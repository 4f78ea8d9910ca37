/* Partition: two regions do not reach each other, both or one way; everybody else reaches both. */
#include "faults/network/filter.h"

struct partition_options {
    int direction;
};

static const struct param partition_options[] = {
    {.name = "direction",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct partition_options, direction),
     .choices = filter_directions,
     .fallback = "both",
     .help = "which way is cut, seen from the region that is not the peer"},
    {.type = PARAM_END},
};

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct partition_options *options = fault->options;
    return filter_plan_between(fault, options->direction, plan, err);
}

static int partition_supported(const struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_supported(err);
}

static void partition_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct partition_options *options = fault->options;
    const struct fault_target *target = &fault->target;
    const char *peer = target->peer_name ? target->peer_name : target->peer_cidr;
    bool inward = options->direction == FILTER_IN;
    buf_printf(out, "drop every packet from %s to %s%s; proven by the drop counters that a probe raises",
               inward ? peer : target->name, inward ? target->name : peer, options->direction == FILTER_BOTH ? " and back" : "");
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
    .summary = "cut two regions off from each other, both ways or one way",
    .targets = FAULT_REGION | FAULT_PEER_REGION,
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
