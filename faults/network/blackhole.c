/* Blackhole: what is selected is dropped without a word at the target's border, established connections included. */
#include "faults/network/cut.h"

const struct fault_ops fault_blackhole_ops = {
    .name = "blackhole",
    .summary = "drop everything that crosses the border of a region or a host, silently",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = cut_table,
    .options_size = sizeof(struct cut_options),
    .state_size = sizeof(struct cut_state),
    .isolates = true,
    .example = "fault.blackhole { region = \"us-east\" }",
    .mechanisms = "nft owner table; a plain nft table before Linux 5.12",
    .needs = "CAP_NET_ADMIN and CAP_NET_RAW in the place, nf_tables",
    .proof = "the rules' drop counters, which probe packets raise",
    .undo = "the kernel takes the table with the agent's socket, whatever ends the agent; a plain table is removed by the agent "
            "or by "
            "`drill undo`",
    .check = cut_check,
    .supported = cut_supported,
    .plan = cut_plan,
    .prepare = filter_prepare,
    .apply = cut_apply,
    .prove = cut_prove,
    .revert = cut_revert,
    .residue = filter_residue,
    .release = filter_release,
};
