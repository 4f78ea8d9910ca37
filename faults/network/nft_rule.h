/* One nf_tables rule as expressions in a netlink message. Internal to nft. */
#ifndef DRILL_FAULTS_NETWORK_NFT_RULE_H
#define DRILL_FAULTS_NETWORK_NFT_RULE_H

#include "faults/network/link_socket.h"
#include "faults/network/nft.h"

/* Append the attribute with the rule's expressions. ERR_INPUT when a prefix cannot be read. */
int nft_rule_put(struct link_batch *batch, const struct nft_rule *rule, struct err *err) MUST_CHECK;

/* The same for what lets refusals pass: those of `index` 0 to NFT_PASSES - 1. */
enum { NFT_PASSES = 3 };
void nft_rule_put_pass(struct link_batch *batch, size_t index);
/* And for what lets everything pass. */
void nft_rule_put_accept(struct link_batch *batch);

#endif
