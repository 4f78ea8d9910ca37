/* One nf_tables rule as expressions in a netlink message. Internal to nft. */
#ifndef DRILL_FAULTS_NETWORK_NFT_RULE_H
#define DRILL_FAULTS_NETWORK_NFT_RULE_H

#include "faults/network/link_socket.h"
#include "faults/network/nft.h"

/* Append the attribute with the rule's expressions. ERR_INPUT when a prefix cannot be read. */
int nft_rule_put(struct link_batch *batch, const struct nft_rule *rule, struct err *err) MUST_CHECK;

#endif
