/* The agent's main loop and its dead-man's switch. */
#include "harness/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "faults/snapshot.h"
#include "harness/agent/rpc.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/log.h"

enum { LINE_MAX_BYTES = 16 * 1024 * 1024, TICK_MS = 500 };

static void take_lines(struct agent *agent)
{
    size_t start = 0;
    while (agent->in.size > start) {
        const char *from = agent->in.data + start;
        const char *end = memchr(from, '\n', agent->in.size - start);
        if (!end) {
            break;
        }
        rpc_take_line(agent, from, (size_t)(end - from));
        start += (size_t)(end - from) + 1;
    }
    if (start > 0) {
        buf_drop_front(&agent->in, start);
    }
    if (agent->in.size > LINE_MAX_BYTES) {
        agent->ending = true;
    }
}

static void on_input(void *context, uint32_t events)
{
    struct agent *agent = context;
    char part[65536];
    (void)events;
    for (;;) {
        ssize_t got = read(agent->in_fd, part, sizeof(part));
        if (got > 0) {
            buf_add(&agent->in, part, (size_t)got);
            take_lines(agent);
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            agent->ending = true; /* the controller is gone */
        }
        return;
    }
}

static void on_signal(void *context, uint32_t events)
{
    struct agent *agent = context;
    (void)events;
    agent->ending = true;
}

/* What cannot be written now waits for the next round; a controller that reads nothing for long is a controller that is gone. */
static void flush_out(struct agent *agent)
{
    while (agent->out.size > 0) {
        ssize_t wrote = write(agent->out_fd, agent->out.data, agent->out.size);
        if (wrote < 0) {
            agent->ending |= errno != EAGAIN && errno != EINTR;
            return;
        }
        buf_drop_front(&agent->out, (size_t)wrote);
    }
}

static void check_heartbeat(struct agent *agent)
{
    if (agent->heartbeat_limit_ns > 0 && clock_now_ns() - agent->heartbeat_ns > agent->heartbeat_limit_ns) {
        log_error("%s: no heartbeat for three intervals: reverting", agent->place);
        agent->ending = true;
    }
}

static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int serve(struct agent *agent, struct err *err)
{
    AUTO_FD int signal_fd = open_signals();
    int status = loop_new(&agent->loop, err);
    if (status < 0) {
        return status;
    }
    (void)fcntl(agent->in_fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(agent->out_fd, F_SETFL, O_NONBLOCK);
    if (!loop_watch(agent->loop, agent->in_fd, EPOLLIN, on_input, agent) ||
        !loop_watch(agent->loop, signal_fd, EPOLLIN, on_signal, agent)) {
        return err_set(err, ERR_SYSTEM, "cannot watch the agent's input");
    }
    while (status == 0 && !agent->ending) {
        int64_t tick_ns = agent->out.size > 0 ? NS_PER_MS : TICK_MS * NS_PER_MS;
        status = loop_step(agent->loop, clock_now_ns() + tick_ns, err);
        flush_out(agent);
        check_heartbeat(agent);
    }
    return status;
}

/* Faults first: they are what must not outlive us. */
static void clear(struct agent *agent)
{
    faults_free(agent);
    traffic_free(agent);
    observers_free(agent);
    exposition_free(agent);
    services_free(agent);
    links_free(agent->links);
    snapshot_free(agent->snapshot);
    flush_out(agent);
    loop_free(agent->loop);
    buf_clear(&agent->in);
    buf_clear(&agent->out);
    free(agent->journal);
}

int agent_main(int in_fd, int out_fd, struct err *err)
{
    struct agent agent = {.in_fd = in_fd, .out_fd = out_fd};
    log_set_name("drill agent");
    int status = serve(&agent, err);
    clear(&agent);
    return status;
}
