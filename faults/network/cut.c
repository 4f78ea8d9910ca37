/* Dropping what is selected, and what becomes of the connections that stood still meanwhile. */
#include "faults/network/cut.h"

#include "faults/network/connections.h"

const struct param cut_table[] = {
    SELECTION_OPTIONS(struct cut_options, traffic),
    {.name = "reset",
     .type = PARAM_BOOL,
     .offset = offsetof(struct cut_options, reset),
     .fallback = "false",
     .help = "on revert destroy the TCP connections that stood still, which else wait for TCP's next try (up to two minutes); "
             "a revert from the journal alone destroys none; not with `planes` or `link`"},
    {.type = PARAM_END},
};

static const struct nft_rule drop = {.action = NFT_DROP};

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct cut_options *options = fault->options;
    return selection_plan(fault, &options->traffic, &drop, plan, err);
}

/* Only what was cut may be destroyed, and where connections end nobody knows which of a region's borders they cross. */
static int check_reset(const struct fault_instance *fault, struct err *err)
{
    const struct cut_options *options = fault->options;
    const struct selection *traffic = &options->traffic;
    const char *name = fault->ops->name;
    if (options->reset && (traffic->protocol == SELECTION_UDP || traffic->protocol == SELECTION_ICMP)) {
        return err_set(
            err, ERR_INPUT,
            "fault '%s': `reset` destroys TCP connections, of which `protocol` = \"%s\" cuts none; leave one of them out", name,
            selection_protocols[traffic->protocol]);
    }
    if (options->reset && (traffic->link || traffic->planes != SELECTION_ALL)) {
        return err_set(
            err, ERR_INPUT,
            "fault '%s': `reset` cannot tell which connections cross `%s` = \"%s\", and would destroy others too; name "
            "the far side instead (`peer` or `to`), or leave `reset` out",
            name, traffic->link ? "link" : "planes", traffic->link ? traffic->link : selection_planes[traffic->planes]);
    }
    return 0;
}

int cut_check(const struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    int status = check_reset(fault, err);
    return status < 0 ? status : make_plan(fault, &plan, err);
}

int cut_supported(const struct fault_instance *fault, struct err *err)
{
    const struct cut_options *options = fault->options;
    int status = cut_check(fault, err);
    if (status == 0) {
        status = selection_supported(fault, &options->traffic, &drop, err);
    }
    return status == 0 && options->reset ? connections_supported(err) : status;
}

void cut_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct cut_options *options = fault->options;
    buf_puts(out, "drop every packet ");
    selection_print(fault, &options->traffic, out);
    buf_puts(out, "; proven by the drop counters that a probe raises");
    if (options->reset) {
        buf_puts(out, "; revert resets the connections that stood still");
    }
}

int cut_apply(struct fault_instance *fault, struct err *err)
{
    struct cut_state *state = fault->state;
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    if (status == 0) {
        status = filter_apply(fault, &plan, err);
    }
    state->cut = state->cut || status == 0;
    return status;
}

int cut_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_prove(fault, &plan, proof, err);
}

/* What is destroyed before the way is open again would say so to nobody; so the way first. */
int cut_revert(struct fault_instance *fault, struct err *err)
{
    const struct cut_options *options = fault->options;
    const struct fault_target *target = &fault->target;
    struct cut_state *state = fault->state;
    const struct connection_match match = {.within = target->cidr,
                                           .peers = target->peers,
                                           .peer_count = target->peer_count,
                                           .to = options->traffic.to,
                                           .port = (uint16_t)options->traffic.port};
    int status = filter_revert(fault, err);
    bool stuck = state->cut && options->reset;
    if (status == 0 && stuck) {
        status = connections_destroy(&match, NULL, err);
        state->cut = status < 0; /* tried again by the next revert */
    }
    return status;
}
