/* Link down: the target's outer interfaces are switched off, as if a cable were pulled at this end. Routes that the kernel forgets with
 * them are remembered in the journal and put back. */
#include "faults/network/link.h"
#include "faults/network/links.h"

struct link_down_options {
    struct selection traffic; /* planes and link of it */
};

static const struct param link_down_options[] = {
    SELECTION_OPTIONS_LINK(struct link_down_options, traffic),
    {.type = PARAM_END},
};

/* The same selection and the same complaints as the faults made of rules. */
static int interfaces_of(const struct fault_instance *fault, const char *names[static SELECTION_INTERFACES_MAX],
                         size_t *ret_count, struct err *err)
{
    const struct link_down_options *options = fault->options;
    return selection_interfaces(fault, &options->traffic, true, names, ret_count, err);
}

static int link_down_supported(const struct fault_instance *fault, struct err *err)
{
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    int status = interfaces_of(fault, names, &count, err);
    return status < 0 ? status : link_supported(err);
}

static void link_down_plan(const struct fault_instance *fault, struct buf *out)
{
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    struct err ignored; /* supported says it */
    buf_printf(out, "switch off the outer interfaces of %s:", fault->target.name);
    if (interfaces_of(fault, names, &count, &ignored) == 0) {
        for (size_t i = 0; i < count; i++) {
            buf_printf(out, " %s", names[i]);
        }
    }
    buf_puts(out, "; proven by the interfaces' flags");
}

static int link_down_check(const struct fault_instance *fault, struct err *err)
{
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    return interfaces_of(fault, names, &count, err);
}

static int link_down_prepare(struct fault_instance *fault, struct err *err)
{
    const struct link_down_options *options = fault->options;
    return links_prepare(fault, &options->traffic, err);
}

static int link_down_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    return links_prove(fault, proof, err);
}

static int link_down_revert(struct fault_instance *fault, struct err *err)
{
    return links_revert(fault, err);
}

static int link_down_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    return links_residue(fault, left, err);
}

const struct fault_ops fault_link_down_ops = {
    .name = "link_down",
    .summary = "switch off the outer interfaces of a region or a host",
    .targets = FAULT_REGION | FAULT_HOST,
    .isolates = true,
    .options = link_down_options,
    .options_size = sizeof(struct link_down_options),
    .example = "fault.link_down { region = \"us-east\", planes = \"backbone\" }",
    .mechanisms = "netlink link flags",
    .needs = "CAP_NET_ADMIN in the place",
    .proof = "the interfaces' flags, read as programs read them",
    .undo =
        "set up again, and the routes, neighbours and addresses that the kernel forgot put back from the journal: by the agent, "
        "or by `drill undo`",
    .check = link_down_check,
    .supported = link_down_supported,
    .plan = link_down_plan,
    .prepare = link_down_prepare,
    .apply = links_apply,
    .prove = link_down_prove,
    .revert = link_down_revert,
    .residue = link_down_residue,
};
