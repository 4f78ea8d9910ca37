/* Which system calls change or tell something, which only look, and what they are called; and a filter for the kernel that stops a process
 * that is followed only at those of the first kind, so that thousands of looks cost nothing. */
#ifndef DRILL_TESTS_SUPPORT_TRACER_CALLS_H
#define DRILL_TESTS_SUPPORT_TRACER_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "harness/base/cleanup.h"
#include "harness/base/fd.h"

/* A call for which (its argument & mask) == value. */
struct trace_rule {
    long call;
    int argument;
    uint32_t mask, value;
};

#define TRACE_ANY(name)                                                                                                          \
    {                                                                                                                            \
        SYS_##name, 0, 0, 0                                                                                                      \
    }

/* Calls that change nothing outside of the process and tell nobody anything. */
static const struct trace_rule trace_quiet[] = {
    TRACE_ANY(mmap),
    TRACE_ANY(munmap),
    TRACE_ANY(brk),
    TRACE_ANY(mprotect),
    TRACE_ANY(madvise),
    TRACE_ANY(mremap),
    TRACE_ANY(futex),
    TRACE_ANY(rt_sigaction),
    TRACE_ANY(rt_sigprocmask),
    TRACE_ANY(rt_sigreturn),
    TRACE_ANY(sigaltstack),
    TRACE_ANY(clock_gettime),
    TRACE_ANY(clock_nanosleep),
    TRACE_ANY(nanosleep),
    TRACE_ANY(getpid),
    TRACE_ANY(gettid),
    TRACE_ANY(getuid),
    TRACE_ANY(geteuid),
    TRACE_ANY(getgid),
    TRACE_ANY(getegid),
    TRACE_ANY(getppid),
    TRACE_ANY(sched_yield),
    TRACE_ANY(restart_syscall),
    TRACE_ANY(getrandom),
    TRACE_ANY(prlimit64),
    TRACE_ANY(getrusage),
    TRACE_ANY(set_robust_list),
    TRACE_ANY(rseq),
    TRACE_ANY(set_tid_address),
    TRACE_ANY(sysinfo),
    TRACE_ANY(epoll_pwait2),
    TRACE_ANY(ppoll),
    TRACE_ANY(exit),
    TRACE_ANY(exit_group),
#ifdef SYS_poll
    TRACE_ANY(poll),
#endif
#ifdef SYS_epoll_wait
    TRACE_ANY(epoll_wait),
#endif
#ifdef SYS_arch_prctl
    TRACE_ANY(arch_prctl),
#endif
};

/* Calls that look at something outside, or make or end something that only this process has. */
static const struct trace_rule trace_looks[] = {
    {SYS_openat, 2, O_WRONLY | O_RDWR | O_CREAT, 0},
    {SYS_read, 2, UINT32_MAX, FD_PART_BYTES}, /* of a file; who follows every call sees to it that no pipe is read so */
    {SYS_ioctl, 1, UINT32_MAX, SIOCGIFNAME},
    {SYS_ioctl, 1, UINT32_MAX, SIOCGIFFLAGS},
    {SYS_ioctl, 1, UINT32_MAX, SIOCGIFINDEX},
    TRACE_ANY(close),
    TRACE_ANY(socket),
    TRACE_ANY(setsockopt),
    TRACE_ANY(getsockopt),
    TRACE_ANY(getsockname),
    TRACE_ANY(fstat),
    TRACE_ANY(newfstatat),
    TRACE_ANY(lseek),
    TRACE_ANY(getdents64),
    TRACE_ANY(readlinkat),
    TRACE_ANY(faccessat),
    TRACE_ANY(fcntl),
    TRACE_ANY(epoll_ctl),
#ifdef SYS_stat
    TRACE_ANY(stat),
    TRACE_ANY(access),
    TRACE_ANY(readlink),
#endif
};

static inline bool trace_rules_match(const struct trace_rule *rules, size_t count, long call, const uint64_t args[6])
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].call == call && ((uint32_t)args[rules[i].argument] & rules[i].mask) == rules[i].value) {
            return true;
        }
    }
    return false;
}

static inline bool trace_is_quiet(long call)
{
    static const uint64_t none[6];
    return trace_rules_match(trace_quiet, ARRAY_LEN(trace_quiet), call, none);
}

static inline bool trace_is_look(long call, const uint64_t args[6])
{
    return trace_rules_match(trace_looks, ARRAY_LEN(trace_looks), call, args);
}

static inline const char *trace_call_name(long call)
{
    static const struct {
        long call;
        const char *name;
    } names[] = {
#define TRACE_NAME(name) {SYS_##name, #name}
        TRACE_NAME(read),        TRACE_NAME(write),       TRACE_NAME(openat),   TRACE_NAME(close),
        TRACE_NAME(sendto),      TRACE_NAME(sendmsg),     TRACE_NAME(recvfrom), TRACE_NAME(recvmsg),
        TRACE_NAME(socket),      TRACE_NAME(bind),        TRACE_NAME(connect),  TRACE_NAME(setsockopt),
        TRACE_NAME(getsockopt),  TRACE_NAME(getsockname), TRACE_NAME(ioctl),    TRACE_NAME(fcntl),
        TRACE_NAME(fsync),       TRACE_NAME(renameat),    TRACE_NAME(unlinkat), TRACE_NAME(mkdirat),
        TRACE_NAME(getdents64),  TRACE_NAME(newfstatat),  TRACE_NAME(fstat),    TRACE_NAME(lseek),
        TRACE_NAME(pidfd_open),  TRACE_NAME(kill),        TRACE_NAME(tgkill),   TRACE_NAME(clone),
        TRACE_NAME(execve),      TRACE_NAME(wait4),       TRACE_NAME(waitid),   TRACE_NAME(prctl),
        TRACE_NAME(setns),       TRACE_NAME(unshare),     TRACE_NAME(mount),    TRACE_NAME(pidfd_send_signal),
        TRACE_NAME(close_range), TRACE_NAME(pipe2),       TRACE_NAME(dup3),     TRACE_NAME(faccessat),
        TRACE_NAME(readlinkat),  TRACE_NAME(epoll_ctl),
#ifdef SYS_rename
        TRACE_NAME(rename),      TRACE_NAME(unlink),      TRACE_NAME(mkdir),    TRACE_NAME(stat),
        TRACE_NAME(access),      TRACE_NAME(readlink),    TRACE_NAME(dup2),     TRACE_NAME(fork),
#endif
#undef TRACE_NAME
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].call == call) {
            return names[i].name;
        }
    }
    return "another call";
}

/* ---- the filter ---- */

enum { TRACE_RULE_INSTRUCTIONS = 6 };

/* Classic BPF on struct seccomp_data: a call to which the rule applies is not stopped at. */
static inline void trace_put_rule(struct sock_filter *at, const struct trace_rule *rule)
{
    uint32_t argument = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)rule->argument);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    argument += 4; /* the low half */
#endif
    const struct sock_filter code[TRACE_RULE_INSTRUCTIONS] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->call, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, rule->mask),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    memcpy(at, code, sizeof(code));
}

/* This process and all that it starts stop for their tracer only at calls that are neither quiet nor a look. Whoever is not followed any
 * more could make none of the others: the tracer must stay until all have ended. */
static inline bool trace_filter_calls(void)
{
    struct sock_filter code[TRACE_RULE_INSTRUCTIONS * (ARRAY_LEN(trace_looks) + ARRAY_LEN(trace_quiet)) + 1];
    struct sock_fprog program = {.len = 0, .filter = code};
    for (size_t i = 0; i < ARRAY_LEN(trace_looks); i++, program.len += TRACE_RULE_INSTRUCTIONS) {
        trace_put_rule(code + program.len, &trace_looks[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(trace_quiet); i++, program.len += TRACE_RULE_INSTRUCTIONS) {
        trace_put_rule(code + program.len, &trace_quiet[i]);
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#endif
