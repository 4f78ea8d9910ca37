/* Lying health: the health check says 200 while requests fail, as with a check that looks at nothing that requests need. A stand-in in the
 * agent takes the gateway's place: checks get 200 whatever the gateway does, requests an error, no answer, or a reset. */
#include "faults/gateway/checks.h"

static const char *const lying_hows[] = {"error", "silence", "reset", NULL}; /* in the order of enum standin_rest */

struct lying_options {
    struct checks_options checks; /* first: what is common looks for it */
    int how;
};

static const struct param lying_health_options[] = {
    CHECKS_OPTIONS,
    {.name = "how",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct lying_options, how),
     .choices = lying_hows,
     .fallback = "error",
     .help = "what requests get: an error, no answer, or a reset"},
    {.name = "status",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct checks_options, status),
     .min = 400,
     .max = 599,
     .fallback = "500",
     .help = "with error: its HTTP status"},
    {.type = PARAM_END},
};

enum { HEALTHY = 200 };
static const char other_path[] = "/drill-asks-for-something-else";

static const char *words_of(const struct lying_options *options)
{
    static const char *const words[] = {"an error", "no answer", "a reset"};
    return words[options->how];
}

static void lying_health_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct lying_options *options = fault->options;
    buf_printf(out, "answer health checks of %s (%s) with %d while requests get %s; proven by a check and a request",
               fault->target.name, options->checks.path, HEALTHY, words_of(options));
}

/* Connections from before would go on as if nothing was. */
static int lying_health_apply(struct fault_instance *fault, struct err *err)
{
    const struct lying_options *options = fault->options;
    struct standin_request request = {
        .check_status = HEALTHY, .rest = (enum standin_rest)options->how, .rest_status = (int)options->checks.status};
    int status = checks_apply(fault, &request, err);
    return status < 0 ? status : checks_cut(fault, err);
}

static bool is_as_meant(const struct lying_options *options, const struct checks_answer *answer)
{
    switch ((enum standin_rest)options->how) {
    case STANDIN_ANSWER:
        return answer->ours && answer->status == (int)options->checks.status;
    case STANDIN_SILENCE:
        return !answer->answered && !answer->closed;
    default:
        return !answer->answered && answer->closed;
    }
}

static int prove_port(const struct fault_instance *fault, size_t index, struct buf *proof, struct err *err)
{
    const struct lying_options *options = fault->options;
    struct checks_answer answer = {0};
    int status = checks_prove(fault, index, HEALTHY, err);
    if (status == 0) {
        status = checks_ask(fault, index, other_path, false, &answer, err);
    }
    if (status == 0 && !is_as_meant(options, &answer)) {
        status = err_set(err, ERR_STATE, "fault %s: a request at port %d of %s got status %d, expected %s", fault->id,
                         checks_port(fault, index), fault->target.name, answer.status, words_of(options));
    }
    if (status == 0) {
        buf_printf(proof, "%sport %d: a check of %s gets %d, a request gets %s", index ? "; " : "", checks_port(fault, index),
                   options->checks.path, HEALTHY, words_of(options));
    }
    return status;
}

static int lying_health_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    return checks_prove_each(fault, prove_port, proof, err);
}

const struct fault_ops fault_lying_health_ops = {
    .name = "lying_health",
    .summary = "let a gateway's health check say 200 while its requests fail",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = lying_health_options,
    .options_size = sizeof(struct lying_options),
    .state_size = sizeof(struct checks_state),
    .example = "fault.lying_health { service = \"haproxy@us-east-gw1\", path = \"/healthz\" }",
    .mechanisms =
        "nft owner table that redirects new IPv4 connections to a stand-in in the agent, which reads plain HTTP; established "
        "ones are destroyed",
    .needs =
        "CAP_NET_ADMIN in the place, nf_tables with nat and redir, the right to see the service's sockets and to destroy them",
    .proof = "at each of its ports a check gets 200 and a request fails",
    .undo = "the kernel takes the table with the agent's socket, whatever ends it",
    .check = checks_check,
    .supported = checks_supported,
    .plan = lying_health_plan,
    .prepare = checks_prepare,
    .apply = lying_health_apply,
    .prove = lying_health_prove,
    .revert = checks_revert,
    .residue = filter_residue,
    .release = checks_release,
};
