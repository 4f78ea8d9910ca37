/* Tables of drop rules: install in one transaction, read counters back, remove. */
#include "faults/network/nft.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "faults/network/holder.h"
#include "faults/network/link_socket.h"
#include "faults/network/nft_rule.h"
#include "harness/base/str.h"

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 2 /* Linux 5.12 */
#endif

enum {
    PRIORITY = -300,     /* before connection tracking (-200): what is dropped was never there */
    NAT_PRIORITY = -100, /* where destinations are changed */
    COMMENT_TYPE = 0     /* user data of a rule: type, length, text; `nft list` shows it as its comment */
};

struct nft {
    struct nl_sock *socket;
    bool owned;
    char table[NFT_NAME_MAX];
};

static const char *const chain_names[NFT_CHAIN_COUNT] = {"input", "output", "forward", "nat-in", "nat-out"};

static void begin(struct link_batch *batch, struct nl_sock *socket, int type, int flags, uint8_t family)
{
    struct nfgenmsg header = {.nfgen_family = family, .version = NFNETLINK_V0};
    link_batch_begin(batch, socket, (NFNL_SUBSYS_NFTABLES << 8) | type, flags, &header, sizeof(header));
}

static void mark_batch(struct link_batch *batch, struct nl_sock *socket, int type)
{
    struct nfgenmsg header = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    link_batch_begin(batch, socket, type, 0, &header, sizeof(header));
}

static void put_table(struct link_batch *batch, struct nl_sock *socket, const char *table, bool owned, int flags)
{
    begin(batch, socket, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | flags, NFPROTO_INET);
    link_batch_put_text(batch, NFTA_TABLE_NAME, table);
    if (owned) {
        link_batch_put_be32(batch, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
    }
}

static void put_chain(struct link_batch *batch, struct nl_sock *socket, const char *table, enum nft_chain chain)
{
    static const uint32_t hooks[NFT_CHAIN_COUNT] = {NF_INET_LOCAL_IN, NF_INET_LOCAL_OUT, NF_INET_FORWARD, NF_INET_PRE_ROUTING,
                                                    NF_INET_LOCAL_OUT};
    bool nat = chain >= NFT_NAT_IN;
    begin(batch, socket, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, NFPROTO_INET);
    link_batch_put_text(batch, NFTA_CHAIN_TABLE, table);
    link_batch_put_text(batch, NFTA_CHAIN_NAME, chain_names[chain]);
    link_batch_put_text(batch, NFTA_CHAIN_TYPE, nat ? "nat" : "filter");
    size_t hook = link_batch_nest(batch, NFTA_CHAIN_HOOK);
    link_batch_put_be32(batch, NFTA_HOOK_HOOKNUM, hooks[chain]);
    link_batch_put_be32(batch, NFTA_HOOK_PRIORITY, (uint32_t)(nat ? NAT_PRIORITY : PRIORITY));
    link_batch_nest_end(batch, hook);
    link_batch_put_be32(batch, NFTA_CHAIN_POLICY, NF_ACCEPT);
}

/* The rule's place in the list is its comment: counters are found again by it. */
static void put_comment(struct link_batch *batch, size_t index)
{
    char data[34];
    char *text = data + 2;
    (void)str_format(text, sizeof(data) - 2, "drill %zu", index);
    data[0] = COMMENT_TYPE;
    data[1] = (char)(strlen(text) + 1);
    link_batch_put(batch, NFTA_RULE_USERDATA, data, strlen(text) + 3);
}

static int put_rule(struct link_batch *batch, struct nl_sock *socket, const char *table, const struct nft_rule *rule,
                    size_t index, bool last, struct err *err)
{
    begin(batch, socket, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | (last ? NLM_F_ACK : 0), NFPROTO_INET);
    link_batch_put_text(batch, NFTA_RULE_TABLE, table);
    link_batch_put_text(batch, NFTA_RULE_CHAIN, chain_names[rule->chain]);
    int status = nft_rule_put(batch, rule, err);
    put_comment(batch, index);
    return status;
}

/* Without a comment: they count for nothing. */
static void put_passes(struct link_batch *batch, struct nl_sock *socket, const char *table)
{
    for (enum nft_chain chain = NFT_INPUT; chain <= NFT_OUTPUT; chain++) {
        for (size_t i = 0; i < NFT_PASSES; i++) {
            begin(batch, socket, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, NFPROTO_INET);
            link_batch_put_text(batch, NFTA_RULE_TABLE, table);
            link_batch_put_text(batch, NFTA_RULE_CHAIN, chain_names[chain]);
            nft_rule_put_pass(batch, i);
        }
    }
}

static bool refuses(const struct nft_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].action == NFT_REJECT || rules[i].action == NFT_RESET) {
            return true;
        }
    }
    return false;
}

/* A chain of redirections that nobody needs would have all connections tracked. */
static bool has_chain(const struct nft_rule *rules, size_t count, enum nft_chain chain)
{
    bool has = chain < NFT_NAT_IN;
    for (size_t i = 0; i < count; i++) {
        has = has || rules[i].chain == chain;
    }
    return has;
}

static int send_table(struct nl_sock *socket, const char *table, const struct nft_rule *rules, size_t count, bool owned,
                      int *ret_errno, struct err *err)
{
    struct link_batch batch = {0};
    mark_batch(&batch, socket, NFNL_MSG_BATCH_BEGIN);
    put_table(&batch, socket, table, owned, count ? 0 : NLM_F_ACK);
    for (enum nft_chain chain = NFT_INPUT; count && chain < NFT_CHAIN_COUNT; chain++) {
        if (has_chain(rules, count, chain)) {
            put_chain(&batch, socket, table, chain);
        }
    }
    if (refuses(rules, count)) {
        put_passes(&batch, socket, table);
    }
    for (size_t i = 0; i < count; i++) {
        int status = put_rule(&batch, socket, table, &rules[i], i, i + 1 == count, err);
        if (status < 0) {
            return status;
        }
    }
    mark_batch(&batch, socket, NFNL_MSG_BATCH_END);
    holders_step_aside();
    *ret_errno = -link_socket_talk(socket, &batch);
    holders_step_back();
    return 0;
}

static int explain(int errnum, const char *table, struct err *err)
{
    switch (errnum) {
    case EPERM:
        return err_set(
            err, ERR_UNSUPPORTED,
            "nf_tables: not permitted to make table '%s': it needs CAP_NET_ADMIN in this network namespace; run as root "
            "or use a topology whose namespaces drill makes itself",
            table);
    case EPROTONOSUPPORT:
    case EOPNOTSUPP:
    case EINVAL:
    case ENOENT:
        return err_set(
            err, ERR_UNSUPPORTED,
            "nf_tables: the kernel refused the rules of table '%s' (%s): it needs nf_tables with the inet family, counter, "
            "numgen, for refusals reject, for redirections nat and redir (modules nf_tables, nft_numgen, nft_reject_inet, "
            "nft_redir; as root: modprobe nft_numgen)",
            table, strerror(errnum));
    default:
        return err_errno(err, errnum, "nf_tables: cannot make table '%s'", table);
    }
}

/* This kernel, or what this process may ask of it, has no nf_tables: nobody can have made a table. */
static bool is_absent(int errnum)
{
    return errnum == EPROTONOSUPPORT || errnum == EOPNOTSUPP || errnum == EINVAL;
}

/* *ret_socket stays NULL where there is no such subsystem. */
static int open_if_there(struct nl_sock **ret_socket, struct err *err)
{
    struct err why = {0};
    int status = link_socket_open(NETLINK_NETFILTER, ret_socket, &why);
    if (status == 0 || is_absent(why.saved_errno)) {
        return 0;
    }
    *err = why;
    return status;
}

int nft_install(const char *table, const struct nft_rule *rules, size_t count, struct nft **ret_nft, struct err *err)
{
    int errnum = 0;
    bool owned = true;
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    int status = open_if_there(&socket, err);
    if (status == 0 && !socket) {
        return explain(EPROTONOSUPPORT, table, err);
    }
    if (status == 0) {
        status = send_table(socket, table, rules, count, true, &errnum, err);
    }
    if (status == 0 && (errnum == EOPNOTSUPP || errnum == EINVAL)) { /* before 5.12 there are no owners */
        owned = false;
        status = send_table(socket, table, rules, count, false, &errnum, err);
    }
    if (status < 0 || errnum) {
        return status < 0 ? status : explain(errnum, table, err);
    }
    struct nft *nft = xcalloc(1, sizeof(*nft));
    nft->socket = TAKE(socket);
    nft->owned = owned;
    (void)str_copy(nft->table, sizeof(nft->table), table);
    *ret_nft = nft;
    return 0;
}

bool nft_owned(const struct nft *nft)
{
    return nft->owned;
}

static int delete_table(struct nl_sock *socket, const char *table)
{
    struct link_batch batch = {0};
    mark_batch(&batch, socket, NFNL_MSG_BATCH_BEGIN);
    begin(&batch, socket, NFT_MSG_DELTABLE, NLM_F_ACK, NFPROTO_INET);
    link_batch_put_text(&batch, NFTA_TABLE_NAME, table);
    mark_batch(&batch, socket, NFNL_MSG_BATCH_END);
    holders_step_aside();
    int status = link_socket_talk(socket, &batch);
    holders_step_back();
    return status == -ENOENT ? 0 : -status;
}

/* A rule in front of all others that accepts everything. */
int nft_redirect_no_more(struct nft *nft, struct err *err)
{
    struct link_batch batch = {0};
    mark_batch(&batch, nft->socket, NFNL_MSG_BATCH_BEGIN);
    for (enum nft_chain chain = NFT_NAT_IN; chain <= NFT_NAT_OUT; chain++) {
        begin(&batch, nft->socket, NFT_MSG_NEWRULE, NLM_F_CREATE | (chain == NFT_NAT_OUT ? NLM_F_ACK : 0), NFPROTO_INET);
        link_batch_put_text(&batch, NFTA_RULE_TABLE, nft->table);
        link_batch_put_text(&batch, NFTA_RULE_CHAIN, chain_names[chain]);
        nft_rule_put_accept(&batch);
    }
    mark_batch(&batch, nft->socket, NFNL_MSG_BATCH_END);
    int status = link_socket_talk(nft->socket, &batch);
    return status < 0 ? err_errno(err, -status, "nf_tables: cannot end the redirections of table '%s'", nft->table) : 0;
}

int nft_clear(struct nft *nft, struct err *err)
{
    struct link_batch batch = {0};
    mark_batch(&batch, nft->socket, NFNL_MSG_BATCH_BEGIN);
    begin(&batch, nft->socket, NFT_MSG_DELRULE, NLM_F_ACK, NFPROTO_INET);
    link_batch_put_text(&batch, NFTA_RULE_TABLE, nft->table);
    mark_batch(&batch, nft->socket, NFNL_MSG_BATCH_END);
    int status = link_socket_talk(nft->socket, &batch);
    return status < 0 ? err_errno(err, -status, "nf_tables: cannot take the rules of table '%s' away", nft->table) : 0;
}

void nft_close(struct nft *nft)
{
    if (nft) {
        holders_step_aside();
        link_socket_close(nft->socket);
        holders_step_back();
        free(nft);
    }
}

int nft_remove(struct nft *nft, struct err *err)
{
    int errnum = nft ? delete_table(nft->socket, nft->table) : 0;
    int status = errnum ? err_errno(err, errnum, "nf_tables: cannot delete table '%s'", nft->table) : 0;
    nft_close(nft);
    return status;
}

int nft_remove_by_name(const char *table, struct err *err)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    int status = open_if_there(&socket, err);
    int errnum = socket ? delete_table(socket, table) : 0;
    if (status < 0 || is_absent(errnum)) {
        return status;
    }
    if (errnum == EPERM) {
        return err_set(err, ERR_STATE,
                       "nf_tables: table '%s' is owned by another process that still runs (or CAP_NET_ADMIN is missing)", table);
    }
    return errnum ? err_errno(err, errnum, "nf_tables: cannot delete table '%s'", table) : 0;
}

/* Attributes of one level by type, up to `most`. */
static void index_attributes(const void *data, size_t size, const struct rtattr **by_type, size_t most)
{
    int left = (int)size;
    memset(by_type, 0, most * sizeof(*by_type));
    for (const struct rtattr *attribute = data; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        size_t type = attribute->rta_type & NLA_TYPE_MASK;
        if (type < most) {
            by_type[type] = attribute;
        }
    }
}

static void index_message(const struct nlmsghdr *message, const struct rtattr **by_type, size_t most)
{
    const char *start = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
    const char *end = (const char *)message + message->nlmsg_len;
    index_attributes(start, end > start ? (size_t)(end - start) : 0, by_type, most);
}

static bool is_text(const struct rtattr *attribute, const char *text)
{
    return attribute && str_eq(RTA_DATA(attribute), text); /* the kernel terminates its strings */
}

struct reading {
    const char *table;
    struct nft_count *counts;
    size_t count, found;
};

static bool packets_of(const struct rtattr *element, uint64_t *ret_packets)
{
    const struct rtattr *expression[NFTA_EXPR_MAX + 1], *counter[NFTA_COUNTER_MAX + 1];
    index_attributes(RTA_DATA(element), RTA_PAYLOAD(element), expression, ARRAY_LEN(expression));
    if (!is_text(expression[NFTA_EXPR_NAME], "counter") || !expression[NFTA_EXPR_DATA]) {
        return false;
    }
    index_attributes(RTA_DATA(expression[NFTA_EXPR_DATA]), RTA_PAYLOAD(expression[NFTA_EXPR_DATA]), counter, ARRAY_LEN(counter));
    if (!counter[NFTA_COUNTER_PACKETS]) {
        return false;
    }
    uint64_t packets;
    memcpy(&packets, RTA_DATA(counter[NFTA_COUNTER_PACKETS]), sizeof(packets)); /* attributes are aligned to 4 bytes only */
    *ret_packets = be64toh(packets);
    return true;
}

static void read_expressions(const struct rtattr *list, struct nft_count *count)
{
    uint64_t packets[2] = {0};
    size_t found = 0;
    int left = (int)RTA_PAYLOAD(list);
    for (const struct rtattr *element = RTA_DATA(list); RTA_OK(element, left) && found < 2; element = RTA_NEXT(element, left)) {
        found += packets_of(element, &packets[found]);
    }
    count->seen = packets[0];
    count->dropped = packets[1];
}

static bool read_comment(const struct rtattr *userdata, size_t *ret_index)
{
    static const char prefix[] = "drill ";
    const char *data = userdata ? RTA_DATA(userdata) : NULL;
    if (!data || RTA_PAYLOAD(userdata) < 2 + sizeof(prefix) || data[0] != COMMENT_TYPE || !str_starts_with(data + 2, prefix)) {
        return false;
    }
    *ret_index = strtoul(data + 2 + strlen(prefix), NULL, 10);
    return true;
}

static int visit_rule(const struct nlmsghdr *message, void *context)
{
    struct reading *reading = context;
    const struct rtattr *attributes[NFTA_RULE_MAX + 1];
    size_t index = 0;
    if ((message->nlmsg_type & 0xff) != NFT_MSG_NEWRULE) {
        return 0;
    }
    index_message(message, attributes, ARRAY_LEN(attributes));
    if (is_text(attributes[NFTA_RULE_TABLE], reading->table) && attributes[NFTA_RULE_EXPRESSIONS] &&
        read_comment(attributes[NFTA_RULE_USERDATA], &index) && index < reading->count) {
        read_expressions(attributes[NFTA_RULE_EXPRESSIONS], &reading->counts[index]);
        reading->found++;
    }
    return 0;
}

int nft_read_counts(const char *table, struct nft_count *counts, size_t count, struct err *err)
{
    struct reading reading = {.table = table, .counts = counts, .count = count};
    struct link_batch request = {0};
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    int status = link_socket_open(NETLINK_NETFILTER, &socket, err);
    if (status < 0) {
        return status;
    }
    begin(&request, socket, NFT_MSG_GETRULE, NLM_F_DUMP, NFPROTO_INET);
    link_batch_put_text(&request, NFTA_RULE_TABLE, table);
    status = link_socket_dump(socket, &request, visit_rule, &reading);
    if (status < 0 && status != -ENOENT) {
        return err_errno(err, -status, "nf_tables: cannot read the rules of table '%s'", table);
    }
    if (reading.found != count) {
        return err_set(err, ERR_STATE, "nf_tables: table '%s' has %zu of its %zu rules", table, reading.found, count);
    }
    return 0;
}

struct listing {
    void (*visit)(const char *family, const char *name, void *context);
    void *context;
};

static const char *family_name(uint8_t family)
{
    switch (family) {
    case NFPROTO_INET:
        return "inet";
    case NFPROTO_IPV4:
        return "ip";
    case NFPROTO_IPV6:
        return "ip6";
    case NFPROTO_ARP:
        return "arp";
    case NFPROTO_BRIDGE:
        return "bridge";
    case NFPROTO_NETDEV:
        return "netdev";
    default:
        return "other";
    }
}

static int visit_table(const struct nlmsghdr *message, void *context)
{
    const struct listing *listing = context;
    const struct rtattr *attributes[NFTA_TABLE_MAX + 1];
    index_message(message, attributes, ARRAY_LEN(attributes));
    if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWTABLE && attributes[NFTA_TABLE_NAME]) {
        const struct nfgenmsg *header = NLMSG_DATA(message);
        listing->visit(family_name(header->nfgen_family), RTA_DATA(attributes[NFTA_TABLE_NAME]), listing->context);
    }
    return 0;
}

int nft_list_tables(void (*visit)(const char *family, const char *name, void *context), void *context, struct err *err)
{
    struct listing listing = {visit, context};
    struct link_batch request = {0};
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    int status = open_if_there(&socket, err);
    if (status < 0 || !socket) {
        return status;
    }
    begin(&request, socket, NFT_MSG_GETTABLE, NLM_F_DUMP, NFPROTO_UNSPEC);
    status = link_socket_dump(socket, &request, visit_table, &listing);
    return status < 0 && !is_absent(-status) ? err_errno(err, -status, "nf_tables: cannot list the tables") : 0;
}

struct search {
    const char *name;
    bool found;
};

static void compare_name(const char *family, const char *name, void *context)
{
    struct search *search = context;
    (void)family;
    search->found = search->found || str_eq(name, search->name);
}

int nft_exists(const char *table, bool *ret_exists, struct err *err)
{
    struct search search = {.name = table};
    int status = nft_list_tables(compare_name, &search, err);
    if (status == 0) {
        *ret_exists = search.found;
    }
    return status;
}

int nft_supported(enum nft_action action, struct err *err)
{
    bool tcp = action == NFT_RESET || action == NFT_REDIRECT;
    struct nft_rule rule = {.chain = action == NFT_REDIRECT ? NFT_NAT_IN : NFT_FORWARD,
                            .in = "drill-none", /* no interface has that name */
                            .protocol = tcp ? IPPROTO_TCP : 0,
                            .to_port = 1,
                            .per_million = 1,
                            .action = action};
    struct nft *nft = NULL;
    char table[NFT_NAME_MAX];
    (void)str_format(table, sizeof(table), "drill_probe_%d", (int)getpid());
    int status = nft_install(table, &rule, 1, &nft, err);
    return status < 0 ? status : nft_remove(nft, err);
}
