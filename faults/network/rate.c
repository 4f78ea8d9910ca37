/* Rate: packets leave one after the other as over a slow line, and those that would wait too long are dropped. */
#include "faults/network/shaping.h"
#include "harness/base/clock.h"

struct rate_options {
    int64_t bits, queue_ns;
    struct shaping_options common;
};

static const struct param rate_options[] = {
    {.name = "limit",
     .type = PARAM_BITRATE,
     .offset = offsetof(struct rate_options, bits),
     .min = 1000,
     .max = 100000000000,
     .required = true,
     .help = "so many bits a second, Ethernet headers included, each way over each interface (to each peer) for itself"},
    {.name = "queue",
     .type = PARAM_DURATION,
     .offset = offsetof(struct rate_options, queue_ns),
     .min = 1000000,
     .max = 60 * NS_PER_S,
     .fallback = "100ms",
     .help = "who would wait longer for its turn is dropped (netem counts that in full frames)"},
    SHAPING_OPTIONS(struct rate_options, common),
    {.type = PARAM_END},
};

static struct shaping make(const struct fault_instance *fault)
{
    const struct rate_options *options = fault->options;
    return (struct shaping){.options = options->common,
                            .shape = {.rate_bits = (double)options->bits, .queue_ns = options->queue_ns}};
}

static int rate_check(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_check(fault, &shaping, err);
}

static int rate_supported(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_supported(fault, &shaping, err);
}

static void rate_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct rate_options *options = fault->options;
    buf_printf(out, "send at most %g Mbit/s ", (double)options->bits / 1e6);
    selection_print(fault, &options->common.traffic, out);
    buf_puts(out, "; proven by netem read back, or by probes that waited for their turn");
}

static int rate_prepare(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prepare(fault, &shaping, err);
}

static int rate_apply(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_apply(fault, &shaping, err);
}

static int rate_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prove(fault, &shaping, proof, err);
}

const struct fault_ops fault_rate_ops = {
    .name = "rate",
    .summary = "let packets through at a limited rate, as over a slow line",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = rate_options,
    .options_size = sizeof(struct rate_options),
    .state_size = sizeof(struct shaping_state),
    .example = "fault.rate { region = \"us-east\", limit = \"10Mbit\" }",
    .mechanisms = SHAPING_MECHANISMS,
    .needs = SHAPING_NEEDS,
    .proof = SHAPING_PROOF,
    .undo = SHAPING_UNDO,
    .check = rate_check,
    .supported = rate_supported,
    .plan = rate_plan,
    .prepare = rate_prepare,
    .apply = rate_apply,
    .prove = rate_prove,
    .revert = shaping_revert,
    .residue = shaping_residue,
    .release = shaping_release,
};
