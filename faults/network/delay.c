/* Delay: packets come later, all by the same time or by times that vary. */
#include "faults/network/shaping.h"
#include "harness/base/clock.h"

struct delay_options {
    int64_t delay_ns, jitter_ns;
    int distribution;
    bool overtake;
    struct shaping_options common;
};

static const struct param delay_options[] = {
    {.name = "by",
     .type = PARAM_DURATION,
     .offset = offsetof(struct delay_options, delay_ns),
     .min = 0,
     .max = 600 * NS_PER_S,
     .required = true,
     .help = "how much later each packet comes, each way"},
    {.name = "jitter",
     .type = PARAM_DURATION,
     .offset = offsetof(struct delay_options, jitter_ns),
     .min = 0,
     .max = 600 * NS_PER_S,
     .help = "how much that varies: uniform, at most so much more or less; else its standard deviation"},
    {.name = "distribution",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct delay_options, distribution),
     .choices = shape_distributions,
     .fallback = "uniform",
     .help = "how the jitter is spread; pareto has its tail to the late side"},
    {.name = "overtake",
     .type = PARAM_BOOL,
     .offset = offsetof(struct delay_options, overtake),
     .fallback = "false",
     .help = "packets of one connection may overtake each other, as they would with independent jitter"},
    SHAPING_OPTIONS(struct delay_options, common),
    {.type = PARAM_END},
};

static struct shaping make(const struct fault_instance *fault)
{
    const struct delay_options *options = fault->options;
    struct shape shape = {.delay_ns = options->delay_ns,
                          .jitter_ns = options->jitter_ns,
                          .distribution = options->distribution,
                          .overtake = options->overtake};
    return (struct shaping){.options = options->common, .shape = shape};
}

static int delay_check(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_check(fault, &shaping, err);
}

static int delay_supported(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_supported(fault, &shaping, err);
}

static void delay_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct delay_options *options = fault->options;
    char by[32], jitter[32];
    buf_printf(out, "delay each packet by %s", clock_format_duration(options->delay_ns, by));
    if (options->jitter_ns) {
        buf_printf(out, " +- %s (%s)", clock_format_duration(options->jitter_ns, jitter),
                   shape_distributions[options->distribution]);
    }
    buf_puts(out, " ");
    selection_print(fault, &options->common.traffic, out);
    buf_puts(out, "; proven by netem read back, or by how long probes were held");
}

static int delay_prepare(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prepare(fault, &shaping, err);
}

static int delay_apply(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_apply(fault, &shaping, err);
}

static int delay_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prove(fault, &shaping, proof, err);
}

const struct fault_ops fault_delay_ops = {
    .name = "delay",
    .summary = "make packets late, by a time that is fixed or varies",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = delay_options,
    .options_size = sizeof(struct delay_options),
    .state_size = sizeof(struct shaping_state),
    .example = "fault.delay { region = \"us-east\", planes = \"backbone\", by = \"80ms\", jitter = \"10ms\" }",
    .mechanisms = SHAPING_MECHANISMS,
    .needs = SHAPING_NEEDS,
    .proof = SHAPING_PROOF,
    .undo = SHAPING_UNDO,
    .check = delay_check,
    .supported = delay_supported,
    .plan = delay_plan,
    .prepare = delay_prepare,
    .apply = delay_apply,
    .prove = delay_prove,
    .revert = shaping_revert,
    .residue = shaping_residue,
    .release = shaping_release,
};
