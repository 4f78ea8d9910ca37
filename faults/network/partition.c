/* Partition: the target and its peers do not reach each other, both or one way; everybody else reaches both. A minority is cut from a
 * majority with a list of regions and peer = "rest". */
#include "faults/network/cut.h"

const struct fault_ops fault_partition_ops = {
    .name = "partition",
    .summary = "cut regions or hosts off from each other, both ways or one way",
    .targets = FAULT_REGION | FAULT_HOST | FAULT_PEER,
    .options = cut_table,
    .options_size = sizeof(struct cut_options),
    .state_size = sizeof(struct cut_state),
    .example = "fault.partition { region = \"us-east\", peer = \"rest\", direction = \"out\" }",
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
