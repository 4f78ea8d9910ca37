/* Duplicate: a share of the packets comes twice. */
#include "faults/network/shaping.h"

struct duplicate_options {
    double share;
    struct shaping_options common;
};

static const struct param duplicate_options[] = {
    {.name = "share",
     .type = PARAM_SHARE,
     .offset = offsetof(struct duplicate_options, share),
     .min = 1,
     .max = 1000000,
     .required = true,
     .help = "this share of the packets comes twice"},
    SHAPING_OPTIONS(struct duplicate_options, common),
    {.type = PARAM_END},
};

static struct shaping make(const struct fault_instance *fault)
{
    const struct duplicate_options *options = fault->options;
    return (struct shaping){
        .options = options->common, .shape = {.duplicate = options->share}, .probe_count = shaping_probes(options->share)};
}

static int duplicate_check(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_check(fault, &shaping, err);
}

static int duplicate_supported(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_supported(fault, &shaping, err);
}

static void duplicate_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct duplicate_options *options = fault->options;
    buf_printf(out, "duplicate %g %% of the packets ", options->share * 100);
    selection_print(fault, &options->common.traffic, out);
    buf_puts(out, "; proven by netem read back, or by probes that were sent twice");
}

static int duplicate_prepare(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prepare(fault, &shaping, err);
}

static int duplicate_apply(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_apply(fault, &shaping, err);
}

static int duplicate_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prove(fault, &shaping, proof, err);
}

const struct fault_ops fault_duplicate_ops = {
    .name = "duplicate",
    .summary = "let a share of the packets come twice",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = duplicate_options,
    .options_size = sizeof(struct duplicate_options),
    .state_size = sizeof(struct shaping_state),
    .example = "fault.duplicate { host = \"us-east-gw1\", share = \"5%\" }",
    .mechanisms = SHAPING_MECHANISMS,
    .needs = SHAPING_NEEDS,
    .proof = SHAPING_PROOF,
    .undo = SHAPING_UNDO,
    .check = duplicate_check,
    .supported = duplicate_supported,
    .plan = duplicate_plan,
    .prepare = duplicate_prepare,
    .apply = duplicate_apply,
    .prove = duplicate_prove,
    .revert = shaping_revert,
    .residue = shaping_residue,
    .release = shaping_release,
};
