/* False alarm: the health check fails while requests succeed. A stand-in in the agent answers the checks with an error and carries
 * everything else on to the gateway. Proven by a check that gets the error, and by the same check past the stand-in. */
#include "faults/gateway/checks.h"

static const struct param false_alarm_options[] = {
    CHECKS_OPTIONS,
    {.name = "status",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct checks_options, status),
     .min = 400,
     .max = 599,
     .fallback = "503",
     .help = "the HTTP status that checks get"},
    {.type = PARAM_END},
};

static void false_alarm_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct checks_options *options = fault->options;
    buf_printf(
        out,
        "answer health checks of %s (%s) with %lld and let all else through; proven by a check, and by one past the stand-in",
        fault->target.name, options->path, (long long)options->status);
}

static int false_alarm_apply(struct fault_instance *fault, struct err *err)
{
    const struct checks_options *options = fault->options;
    struct standin_request request = {.check_status = (int)options->status, .rest = STANDIN_CARRY};
    return checks_apply(fault, &request, err);
}

/* What the gateway says itself is told, and no part of the proof: it may be ill besides. */
static int prove_port(const struct fault_instance *fault, size_t index, struct buf *proof, struct err *err)
{
    const struct checks_options *options = fault->options;
    struct checks_answer own;
    int status = checks_prove(fault, index, (int)options->status, err);
    if (status == 0) {
        status = checks_ask(fault, index, options->path, true, &own, err);
    }
    if (status < 0) {
        return status;
    }
    buf_printf(proof, "%sport %d: a check of %s gets %lld, past the stand-in ", index ? "; " : "", checks_port(fault, index),
               options->path, (long long)options->status);
    if (own.answered) {
        buf_printf(proof, "the gateway itself says %d", own.status);
    } else {
        buf_puts(proof, "no HTTP answer");
    }
    return 0;
}

static int false_alarm_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    return checks_prove_each(fault, prove_port, proof, err);
}

const struct fault_ops fault_false_alarm_ops = {
    .name = "false_alarm",
    .summary = "let a gateway's health check fail while its requests succeed",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = false_alarm_options,
    .options_size = sizeof(struct checks_options),
    .state_size = sizeof(struct checks_state),
    .example = "fault.false_alarm { service = \"haproxy@us-east-gw1\", path = \"/healthz\" }",
    .mechanisms =
        "nft owner table that redirects new IPv4 connections to a stand-in in the agent, which reads plain HTTP and carries "
        "on what is no check",
    .needs = "CAP_NET_ADMIN in the place, nf_tables with nat and redir, the right to see the service's sockets",
    .proof = "a check at each of its ports gets the error, and one past the stand-in shows what the gateway says itself",
    .undo = "the kernel takes the table with the agent's socket; requests under way are carried to their end",
    .check = checks_check,
    .supported = checks_supported,
    .plan = false_alarm_plan,
    .prepare = checks_prepare,
    .apply = false_alarm_apply,
    .prove = false_alarm_prove,
    .revert = checks_revert,
    .residue = filter_residue,
    .release = checks_release,
};
