/* Blackhole: every packet over the target's outer border is dropped without a word, established connections included. */
#include "faults/network/filter.h"

struct blackhole_options {
    int direction, planes;
};

static const struct param blackhole_options[] = {
    {.name = "direction",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct blackhole_options, direction),
     .choices = filter_directions,
     .fallback = "both",
     .help = "which way is shut, seen from the target"},
    {.name = "planes",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct blackhole_options, planes),
     .choices = filter_planes,
     .fallback = "all",
     .help = "users' side, the link between regions, or all"},
    {.type = PARAM_END},
};

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct blackhole_options *options = fault->options;
    struct nft_rule all = {0};
    return filter_plan_borders(fault, options->planes, options->direction, &all, plan, err);
}

static int blackhole_supported(const struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_supported(err);
}

static void blackhole_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct blackhole_options *options = fault->options;
    static const char *const ways[] = {"into or out of", "into", "out of"};
    buf_printf(out, "drop every packet %s %s", ways[options->direction], fault->target.name);
    if (options->planes != FILTER_ALL) {
        buf_printf(out, " on its %s", filter_planes[options->planes]);
    }
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
