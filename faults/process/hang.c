/* Hang: a service still accepts connections and never answers, as one whose threads wait for each other. Its processes are stopped, and the
 * kernel goes on accepting for them, until a listener's queue is full (backlog; from then on a connect gets no answer either, as with a
 * service that really hangs). Proven from outside: a connection is made, a byte is sent, and nothing comes back. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "faults/network/connections.h"
#include "faults/process/family.h"
#include "faults/process/listeners.h"
#include "faults/process/proc.h"
#include "faults/process/stopping.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { SILENCE_MS = 60, CONNECT_MS = 200 };

static const struct param hang_options[] = {{.type = PARAM_END}};

static int hang_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    int status = proc_supported(err);
    return status < 0 ? status : connections_supported(err);
}

static void hang_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "make %s accept connections and never answer; proven by a connection that gets no answer",
               fault->target.name);
}

static int hang_prepare(struct fault_instance *fault, struct err *err)
{
    if (json_object_get(fault->journal, "listeners")) {
        return 0;
    }
    int status = family_prepare(fault, FAMILY_ALL, "made to hang", err);
    return status < 0 ? status : listeners_prepare(fault, err);
}

/* The address that a wildcard listens on means this machine to a connect. */
static int ask(const struct fault_instance *fault, const json_t *listener, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t size = listeners_address(listener, &address), length = sizeof(int);
    int port = (int)json_int(listener, "port", 0), error = 0;
    AUTO_FD int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_errno(err, errno, "cannot make a socket");
    }
    if (connect(fd, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS) {
        return err_errno(err, errno, "fault %s: port %d of %s does not accept", fault->id, port, fault->target.name);
    }
    if (!listeners_ready(fd, POLLOUT, CONNECT_MS) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error) {
        return err_set(err, ERR_STATE, "fault %s: port %d of %s does not accept", fault->id, port, fault->target.name);
    }
    (void)send(fd, "\r\n\r\n", 4, MSG_NOSIGNAL);
    return listeners_ready(fd, POLLIN, SILENCE_MS)
               ? err_set(err, ERR_STATE, "fault %s: port %d of %s answers, or closes, within %d ms", fault->id, port,
                         fault->target.name, SILENCE_MS)
               : 0;
}

static int hang_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const json_t *listeners = json_object_get(fault->journal, "listeners");
    struct buf stopped CLEANUP(buf_clear) = {0};
    size_t count = json_array_size(listeners);
    if (count == 0) {
        return err_set(err, ERR_STATE, "fault %s: %s listens on no port here, or was never prepared", fault->id,
                       fault->target.name);
    }
    int status = stopping_prove(fault, &stopped, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = ask(fault, json_array_get(listeners, i), err);
    }
    if (status == 0) {
        buf_printf(proof, "port %lld%s of %s: connected, asked, and no answer in %d ms",
                   (long long)json_int(json_array_get(listeners, 0), "port", 0), count > 1 ? " and others" : "",
                   fault->target.name, SILENCE_MS);
    }
    return status;
}

const struct fault_ops fault_hang_ops = {
    .name = "hang",
    .summary = "let a service accept connections and never answer",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = hang_options,
    .example = "fault.hang { service = \"haproxy@us-east-gw1\" }",
    .mechanisms = "SIGSTOP through pidfds; the kernel goes on accepting until the listener's backlog is full",
    .needs = "the right to signal the service's processes and to see their sockets, pidfds (Linux 5.3)",
    .proof = "a connection to each of its ports: accepted, asked, no answer",
    .undo = "SIGCONT to those that it stopped, from the journal: by the agent, or by `drill undo`",
    .supported = hang_supported,
    .plan = hang_plan,
    .prepare = hang_prepare,
    .apply = stopping_apply,
    .prove = hang_prove,
    .revert = stopping_revert,
    .residue = stopping_residue,
};
