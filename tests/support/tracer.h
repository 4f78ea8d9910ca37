/* A process and all that it starts, followed from system call to system call with ptrace(2). Nothing is compiled into what is followed,
 * so nothing there can be forgotten: a call that is new tomorrow is a step by itself.
 *
 * Whoever is followed says with raise(SIGSTOP) where the steps begin, and with another one where they end. Each call that can change or
 * tell anything is two steps, before and after; those that only look at memory, time or the process itself are none. */
#ifndef DRILL_TESTS_SUPPORT_TRACER_H
#define DRILL_TESTS_SUPPORT_TRACER_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/tracer_calls.h"

enum { TRACE_PROCESSES_MAX = 32 };

struct trace_step {
    pid_t pid;    /* of the thread */
    pid_t leader; /* of the process, where it is the first one: else as pid */
    bool first;   /* the process that was given to trace_run, in its first thread; not one that it started */
    bool thread;  /* another thread of that process */
    bool before;  /* before the call; else after it */
    long call;
    uint64_t args[6];
    int64_t result; /* after */
};

enum trace_action {
    TRACE_GO_ON = 0,
    TRACE_LET_GO, /* stop following: everything that still lives goes on by itself */
    TRACE_FAIL,   /* before: the call is not made and gives -trace.fail_errno */
};

struct trace {
    enum trace_action (*visit)(void *context, const struct trace_step *step);
    void *context;
    int fail_errno;
    bool filtered; /* the first process has called trace_filter_calls: all are followed to their end */
    /* results */
    int first_status; /* wait status of the first process */
    /* private */
    struct trace_process {
        pid_t pid;
        long call; /* -1: not in one that was seen */
        uint64_t args[6];
        bool failing;
    } processes[TRACE_PROCESSES_MAX];
    size_t count;
    bool marked, letting_go;
};

static inline struct trace_process *trace_find(struct trace *trace, pid_t pid)
{
    for (size_t i = 0; i < trace->count; i++) {
        if (trace->processes[i].pid == pid) {
            return &trace->processes[i];
        }
    }
    if (trace->count == TRACE_PROCESSES_MAX) {
        return NULL;
    }
    trace->processes[trace->count] = (struct trace_process){.pid = pid, .call = -1};
    return &trace->processes[trace->count++];
}

static inline void trace_forget(struct trace *trace, pid_t pid)
{
    for (size_t i = 0; i < trace->count; i++) {
        if (trace->processes[i].pid == pid) {
            trace->processes[i] = trace->processes[--trace->count];
            return;
        }
    }
}

/* Of a process that stands before a call: the kernel then makes none. */
static inline bool trace_skip_call(pid_t pid)
{
#if defined(__x86_64__)
    return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L) == 0;
#elif defined(__aarch64__)
    int none = -1;
    struct iovec part = {&none, sizeof(none)};
    return ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part) == 0;
#else
    (void)pid;
    return false;
#endif
}

static inline bool trace_set_result(pid_t pid, long result)
{
    struct user_regs_struct registers;
    struct iovec part = {&registers, sizeof(registers)};
    if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part) < 0) {
        return false;
    }
#if defined(__x86_64__)
    registers.rax = (unsigned long long)result;
#elif defined(__aarch64__)
    registers.regs[0] = (unsigned long long)result;
#endif
    return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part) == 0;
}

static inline bool trace_peek(pid_t pid, uint64_t from, void *to, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)(uintptr_t)from, size};
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

static inline bool trace_poke(pid_t pid, uint64_t to, const void *from, size_t size)
{
    struct iovec here = {(void *)(uintptr_t)from, size}, there = {(void *)(uintptr_t)to, size};
    return process_vm_writev(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

static inline void trace_let_go(struct trace *trace)
{
    trace->letting_go = true;
    for (size_t i = 0; i < trace->count && !trace->filtered; i++) {
        (void)ptrace(PTRACE_INTERRUPT, trace->processes[i].pid, 0, 0);
    }
}

static inline void trace_begin(struct trace *trace)
{
    trace->marked = true;
    for (size_t i = 0; i < trace->count && !trace->filtered;
         i++) { /* those that wait in a call are woken, so that their next one is seen */
        (void)ptrace(PTRACE_INTERRUPT, trace->processes[i].pid, 0, 0);
    }
}

static inline void trace_visit_stop(struct trace *trace, struct trace_process *process, pid_t first)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof(info), &info) <= 0) {
        return;
    }
    struct trace_step step = {.pid = process->pid, .first = process->pid == first};
    step.thread = !step.first && syscall(SYS_tgkill, first, process->pid, 0) == 0;
    step.leader = step.thread ? first : process->pid;
    step.before = info.op != PTRACE_SYSCALL_INFO_EXIT;
    if (step.before) { /* what the kernel says of a stop by a filter begins as that of an entry does */
        process->call = (long)info.entry.nr;
        memcpy(process->args, info.entry.args, sizeof(process->args));
    } else {
        step.result = info.exit.rval;
        if (process->failing) {
            (void)trace_set_result(process->pid, -(long)trace->fail_errno);
            process->failing = false;
        }
    }
    step.call = process->call;
    memcpy(step.args, process->args, sizeof(step.args));
    if (step.call < 0 || trace_is_quiet(step.call)) {
        return;
    }
    enum trace_action action = trace->visit(trace->context, &step);
    if (action == TRACE_LET_GO) {
        trace_let_go(trace);
    } else if (action == TRACE_FAIL && step.before) {
        process->failing = trace_skip_call(process->pid);
    }
}

/* With a filter only a call that was stopped at before it is stopped at after it. */
static inline void trace_resume(struct trace *trace, const struct trace_process *process, bool is_filtered, int deliver)
{
    pid_t pid = process->pid;
    if (trace->filtered) {
        bool after_too = is_filtered && trace->marked && !trace->letting_go;
        (void)ptrace(after_too ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, deliver);
    } else if (trace->letting_go && !process->failing) {
        (void)ptrace(PTRACE_DETACH, pid, 0, deliver);
        trace_forget(trace, pid);
    } else {
        (void)ptrace(trace->marked ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, deliver);
    }
}

static inline void trace_take_stop(struct trace *trace, pid_t pid, int status, pid_t first)
{
    struct trace_process *process = trace_find(trace, pid);
    int number = WSTOPSIG(status), event = status >> 16;
    bool is_filtered = event == PTRACE_EVENT_SECCOMP;
    bool is_call = is_filtered || number == (SIGTRAP | 0x80), is_mark = number == SIGSTOP && event == 0 && pid == first;
    if (!process) {
        (void)kill(pid, SIGKILL); /* a process too many: the run fails for it */
        return;
    }
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
        unsigned long child = 0; /* it may have to be let go before it has shown itself */
        if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) == 0) {
            (void)trace_find(trace, (pid_t)child);
        }
    }
    if (is_mark && trace->marked) {
        trace_let_go(trace);
    } else if (is_mark) {
        trace_begin(trace);
    } else if (is_call && trace->marked && !trace->letting_go) {
        trace_visit_stop(trace, process, first);
    }
    trace_resume(trace, process, is_filtered, is_call || is_mark || event ? 0 : number);
}

/* Follow `first`, a child that waits to be followed (trace_wait_to_be_followed), until nobody is left or the visit lets go. Other
 * children of the caller must not end meanwhile. False when ptrace does not work here. A signal of the caller's own (alarm(2), without
 * SA_RESTART) ends it early, with trace.count processes that still run. */
static inline bool trace_run(struct trace *trace, pid_t first, int go_fd)
{
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                   (trace->filtered ? PTRACE_O_TRACESECCOMP : 0);
    int status;
    if (ptrace(PTRACE_SEIZE, first, 0, options) < 0) {
        return false;
    }
    (void)trace_find(trace, first);
    trace->first_status = -1;
    (void)!write(go_fd, "g", 1);
    while (trace->count > 0) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0) {
            break;
        }
        if (WIFSTOPPED(status)) {
            trace_take_stop(trace, pid, status, first);
            continue;
        }
        trace_forget(trace, pid);
        if (pid == first) {
            trace->first_status = status;
        }
    }
    return true;
}

static inline void trace_wait_to_be_followed(int go_fd)
{
    char byte;
    (void)!read(go_fd, &byte, 1);
}

#endif
