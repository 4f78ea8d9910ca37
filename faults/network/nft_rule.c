/* The expressions of a rule: match, count what was seen, choose a share, count what is dropped, drop.
 * All numbers in attributes are big-endian. */
#include "faults/network/nft_rule.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>

#include "faults/network/prefix.h"
#include "harness/base/str.h"

struct expression {
    size_t element, data;
};

static struct expression expression_begin(struct link_batch *batch, const char *name)
{
    struct expression expression;
    expression.element = link_batch_nest(batch, NFTA_LIST_ELEM);
    link_batch_put_text(batch, NFTA_EXPR_NAME, name);
    expression.data = link_batch_nest(batch, NFTA_EXPR_DATA);
    return expression;
}

static void expression_end(struct link_batch *batch, struct expression expression)
{
    link_batch_nest_end(batch, expression.data);
    link_batch_nest_end(batch, expression.element);
}

static void put_value(struct link_batch *batch, int type, const void *value, size_t size)
{
    size_t nest = link_batch_nest(batch, type);
    link_batch_put(batch, NFTA_DATA_VALUE, value, size);
    link_batch_nest_end(batch, nest);
}

static void put_meta(struct link_batch *batch, uint32_t key)
{
    struct expression meta = expression_begin(batch, "meta");
    link_batch_put_be32(batch, NFTA_META_KEY, key);
    link_batch_put_be32(batch, NFTA_META_DREG, NFT_REG_1);
    expression_end(batch, meta);
}

static void put_compare(struct link_batch *batch, uint32_t operation, const void *value, size_t size)
{
    struct expression compare = expression_begin(batch, "cmp");
    link_batch_put_be32(batch, NFTA_CMP_SREG, NFT_REG_1);
    link_batch_put_be32(batch, NFTA_CMP_OP, operation);
    put_value(batch, NFTA_CMP_DATA, value, size);
    expression_end(batch, compare);
}

static void put_payload(struct link_batch *batch, uint32_t base, uint32_t offset, uint32_t size)
{
    struct expression payload = expression_begin(batch, "payload");
    link_batch_put_be32(batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
    link_batch_put_be32(batch, NFTA_PAYLOAD_BASE, base);
    link_batch_put_be32(batch, NFTA_PAYLOAD_OFFSET, offset);
    link_batch_put_be32(batch, NFTA_PAYLOAD_LEN, size);
    expression_end(batch, payload);
}

static void put_interface(struct link_batch *batch, uint32_t key, const char *name)
{
    char padded[IFNAMSIZ] = {0}; /* the kernel compares the whole field */
    if (name) {
        (void)str_copy(padded, sizeof(padded), name);
        put_meta(batch, key);
        put_compare(batch, NFT_CMP_EQ, padded, sizeof(padded));
    }
}

static void put_mask(struct link_batch *batch, const unsigned char *mask, size_t size)
{
    static const unsigned char zero[16];
    struct expression bitwise = expression_begin(batch, "bitwise");
    link_batch_put_be32(batch, NFTA_BITWISE_SREG, NFT_REG_1);
    link_batch_put_be32(batch, NFTA_BITWISE_DREG, NFT_REG_1);
    link_batch_put_be32(batch, NFTA_BITWISE_LEN, (uint32_t)size);
    put_value(batch, NFTA_BITWISE_MASK, mask, size);
    put_value(batch, NFTA_BITWISE_XOR, zero, size);
    expression_end(batch, bitwise);
}

static int put_prefix(struct link_batch *batch, const char *text, bool source, struct err *err)
{
    struct prefix prefix;
    if (!text) {
        return 0;
    }
    int status = prefix_parse(text, &prefix, err);
    if (status < 0) {
        return status;
    }
    unsigned char family = prefix.size == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
    uint32_t offset = prefix.size == 4 ? (source ? 12 : 16) : (source ? 8 : 24); /* of the address in its header */
    put_meta(batch, NFT_META_NFPROTO);
    put_compare(batch, NFT_CMP_EQ, &family, sizeof(family));
    put_payload(batch, NFT_PAYLOAD_NETWORK_HEADER, offset, (uint32_t)prefix.size);
    put_mask(batch, prefix.mask, prefix.size);
    put_compare(batch, NFT_CMP_EQ, prefix.address, prefix.size);
    return 0;
}

static void put_port(struct link_batch *batch, uint32_t offset, uint32_t operation, uint16_t port)
{
    uint16_t swapped = htons(port);
    if (port) {
        put_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof(swapped));
        put_compare(batch, operation, &swapped, sizeof(swapped));
    }
}

/* The protocol comes before the ports: a port alone makes `nft list ruleset` of that table fail. */
static void put_transport(struct link_batch *batch, const struct nft_rule *rule)
{
    if (rule->protocol) {
        put_meta(batch, NFT_META_L4PROTO);
        put_compare(batch, NFT_CMP_EQ, &rule->protocol, sizeof(rule->protocol));
        put_port(batch, 0, NFT_CMP_EQ, rule->source_port);
        put_port(batch, 0, NFT_CMP_NEQ, rule->source_port_not);
        put_port(batch, 2, NFT_CMP_EQ, rule->destination_port);
    }
}

static void put_opening(struct link_batch *batch, const struct nft_rule *rule)
{
    static const unsigned char mask = TH_SYN | TH_ACK, opening = TH_SYN;
    if (rule->opening) {
        put_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1); /* the flags of TCP */
        put_mask(batch, &mask, 1);
        put_compare(batch, NFT_CMP_EQ, &opening, 1);
    }
}

static void put_counter(struct link_batch *batch)
{
    uint64_t zero = 0;
    struct expression counter = expression_begin(batch, "counter");
    link_batch_put(batch, NFTA_COUNTER_BYTES, &zero, sizeof(zero));
    link_batch_put(batch, NFTA_COUNTER_PACKETS, &zero, sizeof(zero));
    expression_end(batch, counter);
}

static void put_numgen(struct link_batch *batch, uint32_t type, uint32_t modulus)
{
    struct expression numgen = expression_begin(batch, "numgen");
    link_batch_put_be32(batch, NFTA_NG_DREG, NFT_REG_1);
    link_batch_put_be32(batch, NFTA_NG_MODULUS, modulus);
    link_batch_put_be32(batch, NFTA_NG_TYPE, type);
    expression_end(batch, numgen);
}

/* numgen gives host order and cmp compares bytes, so "less than" needs network order first. */
static void put_to_network_order(struct link_batch *batch)
{
    struct expression order = expression_begin(batch, "byteorder");
    link_batch_put_be32(batch, NFTA_BYTEORDER_SREG, NFT_REG_1);
    link_batch_put_be32(batch, NFTA_BYTEORDER_DREG, NFT_REG_1);
    link_batch_put_be32(batch, NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON);
    link_batch_put_be32(batch, NFTA_BYTEORDER_LEN, 4);
    link_batch_put_be32(batch, NFTA_BYTEORDER_SIZE, 4);
    expression_end(batch, order);
}

static void put_choice(struct link_batch *batch, const struct nft_rule *rule)
{
    uint32_t limit;
    if (rule->every) {
        limit = rule->every - 1; /* the n-th, not the first */
        put_numgen(batch, NFT_NG_INCREMENTAL, rule->every);
        put_compare(batch, NFT_CMP_EQ, &limit, sizeof(limit));
    } else if (rule->per_million) {
        limit = htonl(rule->per_million);
        put_numgen(batch, NFT_NG_RANDOM, 1000000);
        put_to_network_order(batch);
        put_compare(batch, NFT_CMP_LT, &limit, sizeof(limit));
    }
}

/* Both let packets pass when nobody listens on the queue. The iptables target is in kernels that lack nft_queue. */
static void put_queue(struct link_batch *batch, const struct nft_rule *rule)
{
    struct xt_NFQ_info_v3 info = {.queuenum = rule->queue, .queues_total = 1, .flags = NFQ_FLAG_BYPASS};
    uint16_t number = htons(rule->queue), total = htons(1), flags = htons(NFT_QUEUE_FLAG_BYPASS);
    struct expression queue = expression_begin(batch, rule->old_queue ? "target" : "queue");
    if (rule->old_queue) {
        link_batch_put_text(batch, NFTA_TARGET_NAME, "NFQUEUE");
        link_batch_put_be32(batch, NFTA_TARGET_REV, 3);
        link_batch_put(batch, NFTA_TARGET_INFO, &info, sizeof(info));
    } else {
        link_batch_put(batch, NFTA_QUEUE_NUM, &number, sizeof(number));
        link_batch_put(batch, NFTA_QUEUE_TOTAL, &total, sizeof(total));
        link_batch_put(batch, NFTA_QUEUE_FLAGS, &flags, sizeof(flags));
    }
    expression_end(batch, queue);
}

static void put_redirect(struct link_batch *batch, uint16_t port)
{
    uint16_t swapped = htons(port);
    struct expression immediate = expression_begin(batch, "immediate");
    link_batch_put_be32(batch, NFTA_IMMEDIATE_DREG, NFT_REG_1);
    put_value(batch, NFTA_IMMEDIATE_DATA, &swapped, sizeof(swapped));
    expression_end(batch, immediate);
    struct expression redirect = expression_begin(batch, "redir");
    link_batch_put_be32(batch, NFTA_REDIR_REG_PROTO_MIN, NFT_REG_1);
    link_batch_put_be32(batch, NFTA_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
    expression_end(batch, redirect);
}

static void put_verdict(struct link_batch *batch, uint32_t code)
{
    struct expression immediate = expression_begin(batch, "immediate");
    link_batch_put_be32(batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    size_t data = link_batch_nest(batch, NFTA_IMMEDIATE_DATA);
    size_t verdict = link_batch_nest(batch, NFTA_DATA_VERDICT);
    link_batch_put_be32(batch, NFTA_VERDICT_CODE, code);
    link_batch_nest_end(batch, verdict);
    link_batch_nest_end(batch, data);
    expression_end(batch, immediate);
}

static void put_action(struct link_batch *batch, const struct nft_rule *rule)
{
    unsigned char code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;
    if (rule->action == NFT_DROP) {
        put_verdict(batch, NF_DROP);
        return;
    }
    if (rule->action == NFT_QUEUE) {
        put_queue(batch, rule);
        return;
    }
    if (rule->action == NFT_REDIRECT) {
        put_redirect(batch, rule->to_port);
        return;
    }
    bool reset = rule->action == NFT_RESET;
    struct expression reject = expression_begin(batch, "reject");
    link_batch_put_be32(batch, NFTA_REJECT_TYPE, reset ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
    if (!reset) {
        link_batch_put(batch, NFTA_REJECT_ICMP_CODE, &code, sizeof(code));
    }
    expression_end(batch, reject);
}

void nft_rule_put_pass(struct link_batch *batch, size_t index)
{
    static const struct {
        uint8_t protocol, offset, mask, value;
    } refusals[NFT_PASSES] = {
        {IPPROTO_TCP, 13, TH_RST, TH_RST}, {IPPROTO_ICMP, 0, 0xff, ICMP_UNREACH}, {IPPROTO_ICMPV6, 0, 0xff, ICMP6_DST_UNREACH}};
    size_t list = link_batch_nest(batch, NFTA_RULE_EXPRESSIONS);
    put_meta(batch, NFT_META_L4PROTO);
    put_compare(batch, NFT_CMP_EQ, &refusals[index].protocol, 1);
    put_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, refusals[index].offset, 1);
    put_mask(batch, &refusals[index].mask, 1);
    put_compare(batch, NFT_CMP_EQ, &refusals[index].value, 1);
    put_verdict(batch, NF_ACCEPT);
    link_batch_nest_end(batch, list);
}

void nft_rule_put_accept(struct link_batch *batch)
{
    size_t list = link_batch_nest(batch, NFTA_RULE_EXPRESSIONS);
    put_verdict(batch, NF_ACCEPT);
    link_batch_nest_end(batch, list);
}

int nft_rule_put(struct link_batch *batch, const struct nft_rule *rule, struct err *err)
{
    size_t list = link_batch_nest(batch, NFTA_RULE_EXPRESSIONS);
    put_interface(batch, NFT_META_IIFNAME, rule->in);
    put_interface(batch, NFT_META_OIFNAME, rule->out);
    int status = put_prefix(batch, rule->source, true, err);
    if (status == 0) {
        status = put_prefix(batch, rule->destination, false, err);
    }
    put_transport(batch, rule);
    put_opening(batch, rule);
    if (rule->skip_mark) {
        put_meta(batch, NFT_META_MARK);
        put_compare(batch, NFT_CMP_NEQ, &rule->skip_mark, sizeof(rule->skip_mark));
    }
    put_counter(batch);
    put_choice(batch, rule);
    put_counter(batch);
    put_action(batch, rule);
    link_batch_nest_end(batch, list);
    return status;
}
