/* Corrupt: a bit of a packet is flipped. On the wire that is a loss, because the checksum tells; as damage of the payload with a right
 * checksum it is delivered, which only checks of the application can notice. */
#include "faults/network/shaping.h"

enum { WIRE = 0, PAYLOAD };
static const char *const modes[] = {"wire", "payload", NULL};

struct corrupt_options {
    double share;
    int mode;
    struct shaping_options common;
};

static const struct param corrupt_options[] = {
    {.name = "share",
     .type = PARAM_SHARE,
     .offset = offsetof(struct corrupt_options, share),
     .min = 1,
     .max = 1000000,
     .required = true,
     .help = "this share of the packets has one bit flipped"},
    {.name = "mode",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct corrupt_options, mode),
     .choices = modes,
     .fallback = "wire",
     .help = "wire: the checksum tells, the packet is lost; payload: data with a right checksum, delivered wrong"},
    SHAPING_OPTIONS(struct corrupt_options, common),
    {.type = PARAM_END},
};

static struct shaping make(const struct fault_instance *fault)
{
    const struct corrupt_options *options = fault->options;
    return (struct shaping){.options = options->common,
                            .shape = {.corrupt = options->share},
                            .deliver = options->mode == PAYLOAD,
                            .probe_count = shaping_probes(options->share)};
}

static int corrupt_check(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_check(fault, &shaping, err);
}

static int corrupt_supported(const struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_supported(fault, &shaping, err);
}

static void corrupt_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct corrupt_options *options = fault->options;
    buf_printf(out, "flip a bit of %g %% of the packets%s ", options->share * 100,
               options->mode == PAYLOAD ? " with data, checksums made right again," : "");
    selection_print(fault, &options->common.traffic, out);
    buf_puts(out, "; proven by netem read back, or by probes that were damaged");
}

static int corrupt_prepare(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prepare(fault, &shaping, err);
}

static int corrupt_apply(struct fault_instance *fault, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_apply(fault, &shaping, err);
}

static int corrupt_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct shaping shaping = make(fault);
    return shaping_prove(fault, &shaping, proof, err);
}

const struct fault_ops fault_corrupt_ops = {
    .name = "corrupt",
    .summary = "damage a share of the packets, to be lost or to be delivered wrong",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = corrupt_options,
    .options_size = sizeof(struct corrupt_options),
    .state_size = sizeof(struct shaping_state),
    .example = "fault.corrupt { region = \"us-east\", share = \"1%\" }",
    .mechanisms = SHAPING_MECHANISMS,
    .needs = SHAPING_NEEDS,
    .proof = SHAPING_PROOF,
    .undo = SHAPING_UNDO,
    .check = corrupt_check,
    .supported = corrupt_supported,
    .plan = corrupt_plan,
    .prepare = corrupt_prepare,
    .apply = corrupt_apply,
    .prove = corrupt_prove,
    .revert = shaping_revert,
    .residue = shaping_residue,
    .release = shaping_release,
};
