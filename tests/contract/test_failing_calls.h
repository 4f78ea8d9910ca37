/* One system call, or one netlink message, of all that a process makes: it fails. */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAILING_CALLS_H
#define DRILL_TESTS_CONTRACT_TEST_FAILING_CALLS_H

#include "harness/base/str.h"
#include "tests/contract/test_faults_supervisor.h"
#include "tests/support/tracer_netlink.h"

struct attempt {
    long wanted;  /* this call of all that are made, from 0; -1: only count */
    bool message; /* of the netlink messages instead: the kernel refuses it */
    int error;
    long calls, messages;
    bool done;
    long call; /* that failed */
    pid_t refused_pid;
    uint64_t type_at; /* of the message that was made wrong */
    uint16_t type;
};

/* Where the first netlink message that a call sends begins; 0: it sends none. */
static inline uint64_t message_of(const struct trace_step *step)
{
    struct nlmsghdr header;
    uint64_t size, at = trace_sent(step, &size);
    bool fits = at && trace_netlink_protocol(step) >= 0 && trace_peek(step->pid, at, &header, sizeof(header));
    return fits && header.nlmsg_len >= sizeof(header) && header.nlmsg_len < TRACE_MESSAGES_MAX_BYTES &&
                   (header.nlmsg_flags & NLM_F_REQUEST)
               ? at
               : 0;
}

/* A type that no family knows. */
static inline void spoil_message(struct attempt *attempt, const struct trace_step *step, uint64_t at)
{
    static const uint16_t unknown = 0x7ffe;
    attempt->type_at = at + offsetof(struct nlmsghdr, nlmsg_type);
    (void)trace_peek(step->pid, attempt->type_at, &attempt->type, sizeof(attempt->type));
    (void)trace_poke(step->pid, attempt->type_at, &unknown, sizeof(unknown));
    attempt->refused_pid = step->pid;
    attempt->call = step->call;
}

/* The kernel's refusal with the error that was wanted. True when it was the refusal. */
static inline bool dress_refusal(const struct attempt *attempt, const struct trace_step *step)
{
    struct {
        struct nlmsghdr header;
        int error;
    } answer;
    struct msghdr message;
    struct iovec part;
    if (step->call != SYS_recvmsg || step->result < (int64_t)sizeof(answer) ||
        !trace_peek(step->pid, step->args[1], &message, sizeof(message)) ||
        !trace_peek(step->pid, (uintptr_t)message.msg_iov, &part, sizeof(part)) ||
        !trace_peek(step->pid, (uintptr_t)part.iov_base, &answer, sizeof(answer)) || answer.header.nlmsg_type != NLMSG_ERROR) {
        return false;
    }
    answer.error = -attempt->error;
    (void)trace_poke(step->pid, (uintptr_t)part.iov_base, &answer, sizeof(answer));
    return !(step->args[2] & MSG_PEEK);
}

static inline enum trace_action visit_message(struct attempt *attempt, const struct trace_step *step)
{
    if (step->before && attempt->wanted == attempt->messages && !attempt->refused_pid) {
        uint64_t at = message_of(step);
        if (at) {
            spoil_message(attempt, step, at);
            attempt->messages++;
        }
    } else if (step->before && message_of(step)) {
        attempt->messages++;
    } else if (!step->before && step->pid == attempt->refused_pid) {
        if (attempt->type_at && step->call == attempt->call) {
            (void)trace_poke(step->pid, attempt->type_at, &attempt->type, sizeof(attempt->type));
            attempt->type_at = 0;
        } else if (dress_refusal(attempt, step)) {
            attempt->done = true;
            return TRACE_LET_GO;
        }
    }
    return TRACE_GO_ON;
}

/* Not every error is a failure: that /proc has no such file says that the process is gone, that there is no pid file says that the service
 * does not run, that nothing can be renamed that nothing was kept, that a link in /proc is not there that it has been closed; and ENOENT from getdents is the end of a folder to readdir(3). */
static inline bool is_an_answer(const struct attempt *attempt, const struct trace_step *step)
{
    char path[sizeof(SHOP_FOLDER "/pid")] = "";
    bool opens = step->call == SYS_openat && trace_peek(step->pid, step->args[1], path, sizeof(path) - 1);
    bool tells = opens && (str_starts_with(path, "/proc/") || str_starts_with(path, SUPERVISOR_PID_FILE) ||
                           (str_starts_with(path, "/tmp/drill-shop-") && str_ends_with(path, "/pid")));
    bool none = step->call == SYS_getdents64 || step->call == SYS_newfstatat || step->call == SYS_readlinkat ||
                step->call == SYS_read; /* which has no such error */
#ifdef SYS_rename
    none = none || step->call == SYS_rename;
#endif
    return attempt->error == ENOENT && (tells || none);
}

/* A descriptor that could not be closed is a leak by definition: close is not made to fail. */
static inline enum trace_action visit_call(void *context, const struct trace_step *step)
{
    struct attempt *attempt = context;
    if (!step->first || step->call == SYS_tgkill || step->call == SYS_kill || step->call == SYS_close) {
        return TRACE_GO_ON;
    }
    if (attempt->message) {
        return visit_message(attempt, step);
    }
    if (!step->before) {
        bool failed = attempt->done;
        return failed ? TRACE_LET_GO : TRACE_GO_ON;
    }
    attempt->messages += message_of(step) != 0;
    if (attempt->calls++ != attempt->wanted) {
        return TRACE_GO_ON;
    }
    attempt->done = true;
    attempt->call = step->call;
    return is_an_answer(attempt, step) ? TRACE_LET_GO : TRACE_FAIL;
}

#endif
