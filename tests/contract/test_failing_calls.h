/* One system call, or one netlink message, of all that a process makes: it fails. */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAILING_CALLS_H
#define DRILL_TESTS_CONTRACT_TEST_FAILING_CALLS_H

#include "harness/base/str.h"
#include "tests/contract/test_faults_supervisor.h"
#include "tests/support/tracer_netlink.h"

struct attempt {
    long wanted;  /* this call of all that are made, from 0; -1: only count */
    bool message; /* of the netlink messages instead: the kernel refuses it */
    bool thread;  /* of those of all other threads of the process, instead of its first one's */
    int error;
    long calls[2], messages[2]; /* of the first thread, and of all others */
    bool done;
    long call; /* that failed */
    pid_t failed_pid;
    uint64_t type_at; /* of the message that was made wrong */
    uint16_t type;
};

/* How many netlink messages a call sends that a kernel may refuse: a batch is many, and its end is none of them. Where the one with that
 * index begins is in *ret_at. */
static inline long messages_of(const struct trace_step *step, long index, uint64_t *ret_at)
{
    struct nlmsghdr header;
    long count = 0;
    uint64_t size, at = trace_sent(step, &size);
    int protocol = at && size < TRACE_MESSAGES_MAX_BYTES ? trace_netlink_protocol(step) : -1;
    bool fits = protocol >= 0;
    for (uint64_t done = 0; fits && done + sizeof(header) <= size; done += NLMSG_ALIGN(header.nlmsg_len)) {
        fits = trace_peek(step->pid, at + done, &header, sizeof(header)) && header.nlmsg_len >= sizeof(header);
        bool is_end = protocol == NETLINK_NETFILTER && header.nlmsg_type == NFNL_MSG_BATCH_END;
        bool asks = fits && !is_end && (header.nlmsg_flags & NLM_F_REQUEST);
        *ret_at = asks && count == index ? at + done : *ret_at;
        count += asks;
    }
    return count;
}

/* A type that no family knows. */
static inline void spoil_message(struct attempt *attempt, const struct trace_step *step, uint64_t at)
{
    static const uint16_t unknown = 0x7ffe;
    attempt->type_at = at + offsetof(struct nlmsghdr, nlmsg_type);
    (void)trace_peek(step->pid, attempt->type_at, &attempt->type, sizeof(attempt->type));
    (void)trace_poke(step->pid, attempt->type_at, &unknown, sizeof(unknown));
    attempt->failed_pid = step->pid;
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
        !trace_peek(step->pid, (uintptr_t)part.iov_base, &answer, sizeof(answer)) || answer.header.nlmsg_type != NLMSG_ERROR ||
        answer.error == 0) { /* that is a yes to one before it in the batch */
        return false;
    }
    answer.error = -attempt->error;
    (void)trace_poke(step->pid, (uintptr_t)part.iov_base, &answer, sizeof(answer));
    return !(step->args[2] & MSG_PEEK);
}

/* What another thread sends are packets' verdicts, which ask for no answer. */
static inline bool is_refused(struct attempt *attempt, const struct trace_step *step)
{
    if (attempt->type_at && step->call == attempt->call) {
        (void)trace_poke(step->pid, attempt->type_at, &attempt->type, sizeof(attempt->type));
        attempt->type_at = 0;
        return attempt->thread;
    }
    return dress_refusal(attempt, step);
}

static inline enum trace_action visit_message(struct attempt *attempt, const struct trace_step *step)
{
    if (!step->before) {
        attempt->done = attempt->done || (step->pid == attempt->failed_pid && is_refused(attempt, step));
        return attempt->done ? TRACE_LET_GO : TRACE_GO_ON;
    }
    uint64_t at = 0;
    long *sent = &attempt->messages[step->thread];
    long count = messages_of(step, attempt->wanted - *sent, &at);
    if (at && step->thread == attempt->thread && !attempt->failed_pid) {
        spoil_message(attempt, step, at);
    }
    *sent += count;
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

/* A descriptor that could not be closed is a leak by definition; and AddressSanitizer asks for a new thread's stack, which a C library does
 * by its processors. */
static inline bool may_fail(const struct trace_step *step)
{
    bool theirs =
        step->call == SYS_tgkill || step->call == SYS_kill || step->call == SYS_close || step->call == SYS_sched_getaffinity;
    return (step->first || step->thread) && !theirs;
}

/* Nobody is let go while another thread stands before the call that fails. */
static inline enum trace_action visit_call(void *context, const struct trace_step *step)
{
    struct attempt *attempt = context;
    uint64_t at;
    if (!may_fail(step)) {
        return TRACE_GO_ON;
    }
    if (attempt->message) {
        return visit_message(attempt, step);
    }
    if (!step->before) {
        return attempt->done && step->pid == attempt->failed_pid ? TRACE_LET_GO : TRACE_GO_ON;
    }
    attempt->messages[step->thread] += messages_of(step, -1, &at);
    if (attempt->calls[step->thread]++ != attempt->wanted || step->thread != attempt->thread) {
        return TRACE_GO_ON;
    }
    attempt->done = true;
    attempt->failed_pid = step->pid;
    attempt->call = step->call;
    return is_an_answer(attempt, step) ? TRACE_LET_GO : TRACE_FAIL;
}

#endif
