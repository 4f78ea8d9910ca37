/* nf_tables by hand-made batches: a table of drop rules that belongs to an open socket and vanishes with it, and its counters read
 * back over another socket. */
#ifndef DRILL_FAULTS_NETWORK_NFT_H
#define DRILL_FAULTS_NETWORK_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

/* The last two see the first packet of each connection, after connection tracking: there redirections are decided. */
enum nft_chain { NFT_INPUT = 0, NFT_OUTPUT, NFT_FORWARD, NFT_NAT_IN, NFT_NAT_OUT, NFT_CHAIN_COUNT };
enum nft_action {
    NFT_DROP = 0,
    NFT_REJECT,   /* by ICMP */
    NFT_RESET,    /* by a TCP reset; the rule's protocol is TCP */
    NFT_QUEUE,    /* to a process; passes when there is none */
    NFT_REDIRECT, /* to a port of this place; in the chains NFT_NAT_IN and NFT_NAT_OUT */
};
enum { NFT_NAME_MAX = 64, NFT_RULES_MAX = 128 };

/* Whatever is empty or 0 matches everything. All borrowed. */
struct nft_rule {
    enum nft_chain chain;
    const char *in, *out;             /* interface names */
    const char *source, *destination; /* "10.1.0.0/24", IPv4 or IPv6 */
    uint8_t protocol;                 /* IPPROTO_TCP, …; must be set when a port is */
    uint16_t source_port, destination_port;
    uint16_t source_port_not; /* any but this one */
    uint32_t per_million;     /* of what matched so far, this share at random; 0: all */
    uint32_t every;           /* …or exactly every n-th; 0: all */
    enum nft_action action;
    uint16_t queue;     /* NFT_QUEUE: its number */
    bool old_queue;     /* NFT_QUEUE: by the iptables target, for kernels without the expression */
    uint16_t to_port;   /* NFT_REDIRECT */
    bool opening;       /* only packets that open a TCP connection */
    uint32_t skip_mark; /* packets with this mark do not match; 0: none */
};

struct nft_count {
    uint64_t seen;    /* packets that the match fitted */
    uint64_t dropped; /* packets on which the action fell */
};

struct nft; /* an open socket with the table that it owns */

/* Make the table with its chains (before connection tracking; those of redirections where a rule is in them) and the rules, in one
 * transaction. Refusals themselves (TCP resets, ICMP "unreachable") pass to and from this place when a rule refuses: they are the
 * answers. Owned by the socket in *ret_nft where the kernel can, see nft_owned. The caller closes. */
int nft_install(const char *table, const struct nft_rule *rules, size_t count, struct nft **ret_nft, struct err *err) MUST_CHECK;
bool nft_owned(const struct nft *nft); /* the kernel removes the table when the socket is closed, by whatever */
/* Of a table with rules in both chains of redirections: redirect no more connections, and leave those alone that are redirected. It takes the
 * last rule that redirects for the kernel to stop tracking connections and forget them: they would be reset. */
int nft_redirect_no_more(struct nft *nft, struct err *err) MUST_CHECK;
/* Take all rules away and leave the chains: a chain that goes makes the kernel drop whatever waits in a queue of its network namespace. */
int nft_clear(struct nft *nft, struct err *err);
/* Delete the table (through its owner) and close. Accepts NULL. Frees also when failing. */
int nft_remove(struct nft *nft, struct err *err);
void nft_close(struct nft *nft); /* accepts NULL; an owned table goes, one that is not stays */
DEFINE_CLEANUP(struct nft *, nft, nft_close)

/* By name, from another socket: a table that is not there is fine, as all are where there is no nf_tables; one that a living process owns is ERR_STATE. */
int nft_remove_by_name(const char *table, struct err *err) MUST_CHECK;
int nft_exists(const char *table, bool *ret_exists, struct err *err) MUST_CHECK;
/* What the rules counted, in the order in which they were given, read over a socket of its own. ERR_STATE when a rule is missing. */
int nft_read_counts(const char *table, struct nft_count *counts, size_t count, struct err *err) MUST_CHECK;
/* Each table of any family in this namespace, none where there is no nf_tables; visit gets its family ("inet") and name. */
int nft_list_tables(void (*visit)(const char *family, const char *name, void *context), void *context,
                    struct err *err) MUST_CHECK;
/* 0 when this process may install rules with that action here, else ERR_UNSUPPORTED with what is missing. Leaves nothing. */
int nft_supported(enum nft_action action, struct err *err) MUST_CHECK;

#endif
