/* Redirecting connections to a stand-in, and asking what becomes of them. */
#include "faults/gateway/checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "faults/network/connections.h"
#include "faults/process/family.h"
#include "faults/process/listeners.h"
#include "faults/process/proc.h"
#include "faults/process/sockets.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { CONNECT_MS = 200, ANSWER_MS = 300, SOCKETS_MAX = 1024 };

int checks_check(const struct fault_instance *fault, struct err *err)
{
    const struct checks_options *options = fault->options;
    if (!options->path || options->path[0] != '/' || strpbrk(options->path, " ?\r\n") || strlen(options->path) > 255) {
        return err_set(err, ERR_INPUT,
                       "path '%s': expected what health checks ask for, as \"/healthz\": from the first slash, "
                       "without a query and of at most 255 characters",
                       options->path ? options->path : "");
    }
    return 0;
}

int checks_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    int status = proc_supported(err);
    if (status == 0) {
        status = connections_supported(err);
    }
    return status < 0 ? status : nft_supported(NFT_REDIRECT, err);
}

static const json_t *listeners_of(const struct fault_instance *fault)
{
    return json_object_get(fault->journal, "listeners");
}

static bool is_four(const json_t *listener)
{
    struct in_addr four;
    const char *address = json_str(listener, "address", "");
    return inet_pton(AF_INET, address, &four) == 1 || str_eq(address, "::"); /* which takes IPv4 as well */
}

/* What takes no IPv4 is left out. */
static int keep_four(struct fault_instance *fault, struct err *err)
{
    json_t *list = json_object_get(fault->journal, "listeners");
    for (size_t i = json_array_size(list); i-- > 0;) {
        if (!is_four(json_array_get(list, i))) {
            (void)json_array_remove(list, i);
        }
    }
    return json_array_size(list) ? 0
                                 : err_set(err, ERR_STATE, "fault %s: %s listens on no port of IPv4: say which with 'port'",
                                           fault->id, fault->target.name);
}

/* A port that the user names need not be one of its own: an engine of containers may be who listens. */
int checks_prepare(struct fault_instance *fault, struct err *err)
{
    const struct checks_options *options = fault->options;
    if (listeners_of(fault)) {
        return 0;
    }
    int status = family_prepare(fault, FAMILY_ALL, "stood in for", err);
    if (status == 0 && options->port) {
        json_object_set_new(fault->journal, "listeners",
                            json_pack("[{s:s, s:I}]", "address", "0.0.0.0", "port", (json_int_t)options->port));
    } else if (status == 0) {
        status = listeners_prepare(fault, err);
    }
    if (status == 0) {
        status = keep_four(fault, err);
    }
    return status < 0 ? status : filter_prepare(fault, err);
}

/* By this the stand-in's own connections are known: FNV-1a of the fault's table, whose name is like no other. */
static uint32_t mark_of(const struct fault_instance *fault)
{
    uint32_t mark = 2166136261u;
    for (const char *at = json_str(fault->journal, "table", ""); *at; at++) {
        mark = (mark ^ (unsigned char)*at) * 16777619u;
    }
    return mark | 1;
}

static void add_rules(struct filter_plan *plan, const struct nft_rule *base, const char *destination)
{
    for (enum nft_chain chain = NFT_NAT_IN; chain <= NFT_NAT_OUT; chain++) {
        plan->rules[plan->rule_count] = *base;
        plan->rules[plan->rule_count].chain = chain;
        plan->rules[plan->rule_count++].destination = destination;
    }
}

/* A wildcard listens on this machine's own addresses: the target's, and the loopback ones. What is only passing through is not meant. */
static void make_plan(const struct fault_instance *fault, uint16_t to_port, struct filter_plan *plan)
{
    for (size_t i = 0; i < checks_count(fault); i++) {
        const json_t *listener = json_array_get(listeners_of(fault), i);
        const char *address = json_str(listener, "address", "");
        struct nft_rule rule = {.protocol = IPPROTO_TCP,
                                .destination_port = (uint16_t)checks_port(fault, i),
                                .opening = true,
                                .skip_mark = mark_of(fault),
                                .action = NFT_REDIRECT,
                                .to_port = to_port};
        if (str_eq(address, "0.0.0.0") || str_eq(address, "::")) {
            add_rules(plan, &rule, fault->target.cidr);
            add_rules(plan, &rule, "127.0.0.0/8");
        } else {
            add_rules(plan, &rule, address);
        }
    }
}

int checks_apply(struct fault_instance *fault, const struct standin_request *request, struct err *err)
{
    const struct checks_options *options = fault->options;
    struct checks_state *state = fault->state;
    struct filter_plan plan = {0};
    struct standin_request whole = *request;
    if (!json_str(fault->journal, "table", NULL) || !listeners_of(fault)) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no table and no ports", fault->id);
    }
    if (state->standin) {
        return 0;
    }
    whole.path = options->path;
    whole.id = fault->id;
    whole.mark = mark_of(fault);
    int status = standin_start(&whole, &state->standin, err);
    if (status < 0) {
        return status;
    }
    make_plan(fault, standin_port(state->standin), &plan);
    status = filter_apply(fault, &plan, err);
    if (status < 0) {
        standin_stop(TAKE(state->standin));
        return status;
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism),
                   nft_owned(state->filter.nft) ? "nft owner table that redirects to a stand-in in the agent"
                                                : "nft table that redirects to a stand-in in the agent");
    return 0;
}

int checks_cut(struct fault_instance *fault, struct err *err)
{
    uint64_t inodes[SOCKETS_MAX];
    size_t count = 0;
    int status = sockets_of(json_object_get(fault->journal, "processes"), inodes, SOCKETS_MAX, &count, err);
    for (size_t i = 0; i < checks_count(fault) && status == 0; i++) {
        struct connection_match match = {.port = (uint16_t)checks_port(fault, i), .inodes = inodes, .inode_count = count};
        status = connections_destroy(&match, NULL, err);
    }
    return status;
}

/* From now on new connections reach the gateway itself. The table goes last, for with it goes what keeps redirected connections together; a
 * kernel that does not want to end redirections first ends them then. */
int checks_revert(struct fault_instance *fault, struct err *err)
{
    struct checks_state *state = fault->state;
    struct err ignored = {0};
    if (state->standin && state->filter.nft) {
        (void)!nft_redirect_no_more(state->filter.nft, &ignored);
    }
    standin_stop(TAKE(state->standin));
    return filter_revert(fault, err);
}

void checks_release(struct fault_instance *fault)
{
    struct checks_state *state = fault->state;
    filter_release(fault);
    standin_stop(TAKE(state->standin));
}

/* ---- asking ---- */

size_t checks_count(const struct fault_instance *fault)
{
    return json_array_size(listeners_of(fault));
}

int checks_port(const struct fault_instance *fault, size_t index)
{
    return (int)json_int(json_array_get(listeners_of(fault), index), "port", 0);
}

static int dial(const struct fault_instance *fault, size_t index, bool past, int *ret_fd, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t size = listeners_address(json_array_get(listeners_of(fault), index), &address), length = sizeof(int);
    uint32_t mark = mark_of(fault);
    int error = 0, port = checks_port(fault, index);
    if (address.ss_family != AF_INET) { /* any of IPv6: IPv4 is what is redirected */
        *(struct sockaddr_in *)&address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        size = sizeof(struct sockaddr_in);
    }
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || (past && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)) {
        return err_errno(err, errno, "cannot make a socket");
    }
    if ((connect(fd, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS) ||
        !listeners_ready(fd, POLLOUT, CONNECT_MS) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error) {
        return err_set(err, ERR_STATE, "fault %s: port %d of %s does not accept", fault->id, port, fault->target.name);
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Reads to the end or until nothing comes any more. */
static size_t read_answer(int fd, char *text, size_t size, bool *ret_closed)
{
    size_t count = 0;
    while (count + 1 < size && listeners_ready(fd, POLLIN, ANSWER_MS)) {
        ssize_t got = recv(fd, text + count, size - 1 - count, 0);
        if (got <= 0) {
            *ret_closed = true;
            break;
        }
        count += (size_t)got;
    }
    text[count] = '\0';
    return count;
}

int checks_ask(const struct fault_instance *fault, size_t index, const char *path, bool past, struct checks_answer *ret_answer,
               struct err *err)
{
    AUTO_FD int fd = -1;
    char text[2048], ours[64];
    int status = dial(fault, index, past, &fd, err);
    if (status < 0) {
        return status;
    }
    *ret_answer = (struct checks_answer){0};
    (void)str_format(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: drill\r\n\r\n", path);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    (void)read_answer(fd, text, sizeof(text), &ret_answer->closed);
    (void)str_format(ours, sizeof(ours), "drill fault %s says ", fault->id);
    ret_answer->answered = sscanf(text, "HTTP/%*d.%*d %d", &ret_answer->status) == 1;
    ret_answer->ours = strstr(text, ours) != NULL;
    return 0;
}

int checks_prove(const struct fault_instance *fault, size_t index, int status, struct err *err)
{
    const struct checks_options *options = fault->options;
    struct checks_answer answer;
    int asked = checks_ask(fault, index, options->path, false, &answer, err);
    if (asked < 0) {
        return asked;
    }
    if (!answer.ours || answer.status != status) {
        return err_set(err, ERR_STATE, "fault %s: a check of %s at port %d of %s got status %d%s, expected %d from the stand-in",
                       fault->id, options->path, checks_port(fault, index), fault->target.name, answer.status,
                       answer.ours ? "" : " from the gateway itself", status);
    }
    return 0;
}

int checks_prove_each(const struct fault_instance *fault, checks_prove_f *prove, struct buf *proof, struct err *err)
{
    size_t count = checks_count(fault);
    int status = count ? 0 : err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = prove(fault, i, proof, err);
    }
    return status;
}
