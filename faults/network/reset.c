/* Reset: established TCP connections are destroyed where they end: the program here sees an error, the far side a reset. New connections
 * work at once. Selected by far side and port, or as those of a service. What is gone is gone: reverting brings no connection back. */
#include <string.h>

#include "faults/network/connections.h"
#include "faults/network/selection.h"
#include "faults/process/proc.h"
#include "faults/process/sockets.h"
#include "harness/base/str.h"

enum { SOCKETS_MAX = 4096, REMEMBERED_MAX = 4096 };

struct reset_options {
    struct selection traffic; /* to and port of it */
};

static const struct param reset_options[] = {
    SELECTION_OPTION_TO(struct reset_options, traffic),
    SELECTION_OPTION_PORT(struct reset_options, traffic),
    {.type = PARAM_END},
};

struct reset_state {
    uint64_t inodes[SOCKETS_MAX]; /* of the service that is meant */
    size_t destroyed;
};

static bool of_service(const struct fault_instance *fault)
{
    return str_eq(fault->target.kind, "service");
}

/* A host's or a region's connections are those with somebody outside of it; a service's are its own, whoever is at the other end. */
static int match_of(const struct fault_instance *fault, struct connection_match *match, struct err *err)
{
    const struct reset_options *options = fault->options;
    const struct fault_target *target = &fault->target;
    struct reset_state *state = fault->state;
    *match = (struct connection_match){.peers = target->peers,
                                       .peer_count = target->peer_count,
                                       .to = options->traffic.to,
                                       .port = (uint16_t)options->traffic.port};
    if (!of_service(fault)) {
        match->within = options->traffic.to || target->peer_count ? NULL : target->cidr;
        return 0;
    }
    AUTO_JSON json_t *family = NULL;
    int status = proc_family(target->pids, target->pid_count, &family, err);
    match->inodes = state->inodes;
    return status < 0 ? status : sockets_of(family, state->inodes, SOCKETS_MAX, &match->inode_count, err);
}

static int reset_check(const struct fault_instance *fault, struct err *err)
{
    const struct reset_options *options = fault->options;
    return selection_check(fault, &options->traffic, err);
}

static int reset_supported(const struct fault_instance *fault, struct err *err)
{
    int status = reset_check(fault, err);
    return status < 0 ? status : connections_supported(err);
}

static void reset_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct reset_options *options = fault->options;
    buf_puts(out, "destroy every established TCP connection ");
    selection_print(fault, &options->traffic, out);
    buf_puts(out, "; proven by the kernel's table of sockets; revert brings none back");
}

static int remember(const struct connection *connection, void *context)
{
    json_t *list = context;
    char text[128];
    uint64_t cookie = (uint64_t)connection->id.idiag_cookie[1] << 32 | connection->id.idiag_cookie[0];
    json_array_append_new(list,
                          json_pack("{s:I, s:s}", "cookie", (json_int_t)cookie, "what", connection_print(connection, text)));
    return json_array_size(list) >= REMEMBERED_MAX;
}

static int list_now(const struct fault_instance *fault, json_t *list, struct err *err)
{
    struct connection_match match;
    int status = match_of(fault, &match, err);
    if (status == 0) {
        status = connections_each(&match, remember, list, err);
    }
    return status < 0 ? status : 0;
}

static int reset_prepare(struct fault_instance *fault, struct err *err)
{
    if (json_object_get(fault->journal, "connections")) {
        return 0;
    }
    AUTO_JSON json_t *list = json_array();
    int status = list_now(fault, list, err);
    if (status == 0) {
        json_object_set(fault->journal, "connections", list);
    }
    return status;
}

static int reset_apply(struct fault_instance *fault, struct err *err)
{
    struct reset_state *state = fault->state;
    struct connection_match match;
    size_t count = 0;
    if (!json_object_get(fault->journal, "connections")) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no connections", fault->id);
    }
    int status = match_of(fault, &match, err);
    if (status == 0) {
        status = connections_destroy(&match, &count, err);
    }
    state->destroyed += count;
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "SOCK_DESTROY");
    return status;
}

static bool is_among(const json_t *list, const json_t *one)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_int(json_array_get(list, i), "cookie", 0) == json_int(one, "cookie", -1)) {
            return true;
        }
    }
    return false;
}

/* Those that were there before are in the table no more; a cookie is never given twice. */
static int reset_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const json_t *before = json_object_get(fault->journal, "connections");
    AUTO_JSON json_t *now = json_array();
    if (json_array_size(before) == 0) {
        return err_set(err, ERR_STATE, "fault %s: %s had no such connection that could be reset", fault->id, fault->target.name);
    }
    int status = list_now(fault, now, err);
    for (size_t i = 0; i < json_array_size(before) && status == 0; i++) {
        const json_t *one = json_array_get(before, i);
        if (is_among(now, one)) {
            status = err_set(err, ERR_STATE, "fault %s: the connection %s still stands", fault->id, json_str(one, "what", "?"));
        }
    }
    if (status == 0) {
        buf_printf(proof, "socket table: all %zu connections of %s are gone (first: %s)", json_array_size(before),
                   fault->target.name, json_str(json_array_get(before, 0), "what", "?"));
    }
    return status;
}

static int reset_revert(struct fault_instance *fault, struct err *err)
{
    (void)fault;
    (void)err;
    return 0;
}

static int reset_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    (void)fault;
    (void)left;
    (void)err;
    return 0;
}

const struct fault_ops fault_reset_ops = {
    .name = "reset",
    .summary = "destroy established TCP connections of a host or a service, by far side or port",
    .targets = FAULT_HOST | FAULT_SERVICE,
    .options = reset_options,
    .options_size = sizeof(struct reset_options),
    .state_size = sizeof(struct reset_state),
    .kernel_owned = true,
    .example = "fault.reset { host = \"us-east-db\", peer = \"us-west\", port = 5432 }",
    .mechanisms = "SOCK_DESTROY over NETLINK_SOCK_DIAG",
    .needs = "CAP_NET_ADMIN in the place, a kernel with CONFIG_INET_DIAG_DESTROY",
    .proof = "the kernel's table of sockets: the connections that were there before are not in it any more",
    .undo = "not at all: programs connect again by themselves",
    .check = reset_check,
    .supported = reset_supported,
    .plan = reset_plan,
    .prepare = reset_prepare,
    .apply = reset_apply,
    .prove = reset_prove,
    .revert = reset_revert,
    .residue = reset_residue,
};
