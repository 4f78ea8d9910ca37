/* Reorder: a share of the packets is held back, and those that come behind overtake them. */
#include "faults/network/shaping.h"
#include "harness/base/clock.h"

struct reorder_options {
    double share;
    int64_t by_ns;
    struct shaping_options common;
};

static const struct param reorder_options[] = {
    {.name = "share",
     .type = PARAM_SHARE,
     .offset = offsetof(struct reorder_options, share),
     .min = 1,
     .max = 1000000,
     .required = true,
     .help = "this share of the packets is held back"},
    {.name = "by",
     .type = PARAM_DURATION,
     .offset = offsetof(struct reorder_options, by_ns),
     .min = 1000,
     .max = 600 * NS_PER_S,
     .fallback = "10ms",
     .help = "for so long; all that comes meanwhile overtakes"},
    SHAPING_OPTIONS(struct reorder_options, common),
    {.type = PARAM_END},
};

static struct shaping make(const struct fault_instance *fault)
{
    const struct reorder_options *options = fault->options;
    return (struct shaping){.options = options->common,
                            .shape = {.reorder = options->share, .reorder_ns = options->by_ns},
                            .probe_count = shaping_probes(options->share)};
}

static int reorder_check(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_check(fault, &shaping, err);
}

static int reorder_supported(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_supported(fault, &shaping, err);
}

static void reorder_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct reorder_options *options = fault->options;
    char by[32];
    buf_printf(out, "hold %g %% of the packets back by %s ", options->share * 100, clock_format_duration(options->by_ns, by));
    selection_print(fault, &options->common.traffic, out);
    buf_puts(out, "; proven by netem read back, or by probes that were held back");
}

static int reorder_prepare(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prepare(fault, &shaping, err);
}

static int reorder_apply(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_apply(fault, &shaping, err);
}

static int reorder_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prove(fault, &shaping, proof, err);
}

const struct fault_ops fault_reorder_ops = {
    .name = "reorder",
    .summary = "hold a share of the packets back, so that others overtake them",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = reorder_options,
    .options_size = sizeof(struct reorder_options),
    .state_size = sizeof(struct shaping_state),
    .example = "fault.reorder { region = \"us-east\", share = \"10%\" }",
    .mechanisms = SHAPING_MECHANISMS,
    .needs = SHAPING_NEEDS,
    .proof = SHAPING_PROOF,
    .undo = SHAPING_UNDO,
    .check = reorder_check,
    .supported = reorder_supported,
    .plan = reorder_plan,
    .prepare = reorder_prepare,
    .apply = reorder_apply,
    .prove = reorder_prove,
    .revert = shaping_revert,
    .residue = shaping_residue,
    .release = shaping_release,
};
