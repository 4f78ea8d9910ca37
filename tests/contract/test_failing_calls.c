/* Every system call and every netlink message of every registered fault fails once: the error is in words, memory and descriptors do not
 * leak, nothing is left behind, and who says that it worked is right. Without more words a part of them, spread over all; with
 * DRILL_FAILING_CALLS=all every call with every error (ci/failing-calls). */
#include "tests/contract/test_faults_victim.h"

#include <linux/netlink.h>
#include <stdlib.h>

#include "faults/snapshot.h"
#include "tests/support/tracer.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

static const int errors[] = {EPERM, ENOMEM, EBUSY, ENOENT, EAGAIN};

enum { CALLS_EACH = 10, MESSAGES_EACH = 5, COMPLAINT_BYTES = 1200 };

static struct victim victim;

/* ---- what is followed: the life of one fault ---- */

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

struct life {
    int say_fd;
    struct err err;
    bool bad;
};

static void complain(struct life *life, const char *what, const char *detail)
{
    char text[COMPLAINT_BYTES];
    (void)str_format(text, sizeof(text), "%s: %s\n", what, detail);
    (void)!write(life->say_fd, text, strlen(text));
    life->bad = true;
}

/* An error must be one that a person can use. */
static bool went_well(struct life *life, const char *hook, int status)
{
    if (status < 0 && (life->err.code == ERR_NONE || strlen(life->err.text) < 10 || strstr(life->err.text, "Success"))) {
        complain(life, hook, "failed without a clear error");
    }
    return status >= 0;
}

static void live(struct fault_instance *fault, struct life *life)
{
    const struct fault_ops *ops = fault->ops;
    struct buf left CLEANUP(buf_clear) = {0};
    (void)raise(SIGSTOP); /* from here on calls fail */
    bool applied = went_well(life, "supported", ops->supported(fault, &life->err)) &&
                   went_well(life, "prepare", ops->prepare(fault, &life->err)) &&
                   went_well(life, "apply", ops->apply(fault, &life->err));
    if (applied && !lab_proven(fault, LAB_PATIENCE_MS)) {
        complain(life, "apply", "said that it worked, but the fault is not in force");
    }
    if (!went_well(life, "revert", ops->revert(fault, &life->err)) && ops->revert(fault, &life->err) < 0) {
        complain(life, "the second revert", life->err.text); /* a call fails once */
    }
    if (!went_well(life, "residue", ops->residue(fault, &left, &life->err))) {
        buf_reset(&left);
        (void)!ops->residue(fault, &left, &life->err);
    }
    if (left.size && !(applied && fault_hint(ops)->permanent)) {
        complain(life, "residue", buf_str(&left));
    }
}

static void be_fault(const struct fault_ops *ops, int say_fd)
{
    struct life life = {.say_fd = say_fd};
    struct fault_instance *fault = victim_fault(ops, &victim);
    int before = count_descriptors();
    live(fault, &life);
    (void)raise(SIGSTOP); /* and no more: LeakSanitizer cannot look at a process that is followed */
    fault_instance_free(fault);
    if (count_descriptors() != before) {
        complain(&life, "descriptors", "some are still open");
    }
#if defined(__SANITIZE_ADDRESS__)
    if (__lsan_do_recoverable_leak_check()) {
        complain(&life, "memory", "leaks (see above)");
    }
#endif
    _exit(life.bad);
}

/* ---- who follows ---- */

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

/* A netlink message is sent by sendto or sendmsg through libnl: find its header. 0: it is none. */
static uint64_t message_of(const struct trace_step *step)
{
    char path[64], link[64];
    struct nlmsghdr header;
    uint64_t at = step->args[1];
    if (step->call == SYS_sendmsg) {
        struct msghdr message;
        struct iovec part;
        if (!trace_peek(step->pid, step->args[1], &message, sizeof(message)) ||
            !trace_peek(step->pid, (uintptr_t)message.msg_iov, &part, sizeof(part))) {
            return 0;
        }
        at = (uintptr_t)part.iov_base;
    } else if (step->call != SYS_sendto) {
        return 0;
    }
    (void)str_format(path, sizeof(path), "/proc/%d/fd/%d", (int)step->pid, (int)step->args[0]);
    ssize_t size = readlink(path, link, sizeof(link) - 1);
    link[size > 0 ? size : 0] = '\0';
    bool fits = str_starts_with(link, "socket:") && trace_peek(step->pid, at, &header, sizeof(header));
    return fits && header.nlmsg_len >= sizeof(header) && header.nlmsg_len < 65536 && (header.nlmsg_flags & NLM_F_REQUEST) ? at
                                                                                                                          : 0;
}

/* A type that no family knows. */
static void spoil_message(struct attempt *attempt, const struct trace_step *step, uint64_t at)
{
    static const uint16_t unknown = 0x7ffe;
    attempt->type_at = at + offsetof(struct nlmsghdr, nlmsg_type);
    (void)trace_peek(step->pid, attempt->type_at, &attempt->type, sizeof(attempt->type));
    (void)trace_poke(step->pid, attempt->type_at, &unknown, sizeof(unknown));
    attempt->refused_pid = step->pid;
    attempt->call = step->call;
}

/* The kernel's refusal with the error that was wanted. True when it was the refusal. */
static bool dress_refusal(const struct attempt *attempt, const struct trace_step *step)
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

static enum trace_action visit_message(struct attempt *attempt, const struct trace_step *step)
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

/* Not every error is a failure: that /proc has no such file says that the process is gone, and ENOENT from getdents is the end of a
 * folder to readdir(3). */
static bool is_an_answer(const struct attempt *attempt, const struct trace_step *step)
{
    char path[7] = "";
    if (attempt->error != ENOENT) {
        return false;
    }
    bool in_proc = step->call == SYS_openat && trace_peek(step->pid, step->args[1], path, 6) && str_eq(path, "/proc/");
    return in_proc || step->call == SYS_getdents64 || step->call == SYS_read; /* which has no such error */
}

/* A descriptor that could not be closed is a leak by definition: close is not made to fail. */
static enum trace_action visit_call(void *context, const struct trace_step *step)
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

/* Orphans of what was followed end with it, and are ours to be seen out: this is the first process here. */
static bool names_helper(const json_t *left)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(left); i++) {
        found = found || str_starts_with(json_string_value(json_array_get(left, i)), "helper process");
    }
    return found;
}

static void assert_clean(const struct snapshot *before, const char *what)
{
    AUTO_JSON json_t *left = json_array();
    int64_t until_ns = clock_now_ns() + LAB_PATIENCE_MS * NS_PER_MS;
    must(snapshot_compare(before, left, err));
    while (names_helper(left) && clock_now_ns() < until_ns) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        (void)poll(NULL, 0, 2); /* nothing tells of the end of a process that is not ours yet */
        json_array_clear(left);
        must(snapshot_compare(before, left, err));
    }
    for (size_t i = 0; i < json_array_size(left); i++) {
        const char *text = json_string_value(json_array_get(left, i));
        if (!str_starts_with(text, "stopped process")) { /* ours are asked after by residue */
            fail_msg("%s: left: %s", what, text);
        }
    }
}

static void judge(const struct fault_ops *ops, const struct attempt *attempt, int status, int say_fd)
{
    char complaints[4 * COMPLAINT_BYTES];
    ssize_t size = read(say_fd, complaints, sizeof(complaints) - 1);
    complaints[size > 0 ? size : 0] = '\0';
    if (status != 0) {
        fail_msg("%s: %s %ld (%s) failed with %s: wait status %x: %s", ops->name, attempt->message ? "message" : "call",
                 attempt->wanted, trace_call_name(attempt->call), strerrorname_np(attempt->error), (unsigned)status, complaints);
    }
}

static void try_once(const struct fault_ops *ops, struct attempt *attempt)
{
    int go[2], say[2];
    struct trace trace = {.visit = visit_call, .context = attempt, .fail_errno = attempt->error};
    assert_return_code(pipe2(go, O_CLOEXEC), errno);
    assert_return_code(pipe2(say, O_CLOEXEC | O_NONBLOCK), errno);
    pid_t pid = fork();
    if (pid == 0) {
        trace_wait_to_be_followed(go[0]);
        be_fault(ops, say[1]);
    }
    assert_true(trace_run(&trace, pid, go[1]));
    while (trace.first_status == -1 || WIFSTOPPED(trace.first_status)) { /* it was let go; then its mark stops it */
        (void)kill(pid, trace.first_status == -1 ? 0 : SIGCONT);
        assert_int_equal(waitpid(pid, &trace.first_status, WUNTRACED), pid);
    }
    judge(ops, attempt, trace.first_status, say[0]);
    for (int i = 0; i < 2; i++) {
        fd_close(go[i]);
        fd_close(say[i]);
    }
}

struct tally {
    size_t tried, not_reached;
};

/* Some faults end it, or its connection. */
static void renew_victim(const struct fault_ops *ops)
{
    struct proc_info info;
    if (fault_hint(ops)->permanent || !proc_read(victim.parent, &info) || info.state == 'Z' || !proc_read(victim.child, &info)) {
        victim_end(victim);
        victim = victim_start(0);
    }
}

static void fail_one(const struct fault_ops *ops, long number, bool message, int error, struct tally *tally)
{
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    struct attempt attempt = {.wanted = number, .message = message, .error = error};
    AUTO_FREE char *what = xasprintf("%s: %s %ld, %s", ops->name, message ? "message" : "call", number, strerrorname_np(error));
    must(snapshot_take(&before, err));
    try_once(ops, &attempt);
    assert_clean(before, what);
    tally->tried++;
    tally->not_reached += !attempt.done;
    renew_victim(ops);
}

/* All with every error; or, spread over all, as many as the test has time for, with the errors in turn. */
static void fail_each(const struct fault_ops *ops, long count, bool message, bool all, struct tally *tally)
{
    long step = all ? 1 : count / (message ? MESSAGES_EACH : CALLS_EACH) + 1, turn = 0;
    for (long i = 0; i < count; i += step, turn++) {
        for (size_t j = 0; j < ARRAY_LEN(errors); j++) {
            if (all || (size_t)turn % ARRAY_LEN(errors) == j) {
                fail_one(ops, i, message, errors[j], tally);
            }
        }
    }
}

static void each_call_fails_once(void **state)
{
    const char *wish = secure_getenv("DRILL_FAILING_CALLS"), *only = secure_getenv("DRILL_FAULT");
    size_t count = 0;
    const struct fault_ops *const *faults = fault_list(&count);
    (void)state;
    victim = victim_start(0);
    for (size_t i = 0; i < count; i++) {
        struct attempt plain = {.wanted = -1};
        struct tally tally = {0};
        if (only && !str_eq(only, faults[i]->name)) {
            continue;
        }
        if (fault_hint(faults[i])->lent) { /* here the lab would be tried, not the fault */
            printf("%-12s makes no calls of its own: left out\n", faults[i]->name);
            continue;
        }
        try_once(faults[i], &plain);
        victim_end(victim);
        victim = victim_start(0);
        fail_each(faults[i], plain.calls, false, str_eq(wish, "all"), &tally);
        fail_each(faults[i], plain.messages, true, str_eq(wish, "all"), &tally);
        printf("%-12s %4ld calls, %3ld netlink messages: %5zu made to fail, %zu not reached\n", faults[i]->name, plain.calls,
               plain.messages, tally.tried - tally.not_reached, tally.not_reached);
        (void)fflush(stdout);
        assert_true(tally.tried == 0 || tally.not_reached < tally.tried); /* else the counting means nothing */
    }
    victim_end(victim);
}

/* ptrace is a matter of the machine, not of drill. */
static bool can_follow(void)
{
    int go[2];
    struct attempt plain = {.wanted = -1};
    struct trace trace = {.visit = visit_call, .context = &plain};
    assert_return_code(pipe2(go, O_CLOEXEC), errno);
    pid_t pid = fork();
    if (pid == 0) {
        trace_wait_to_be_followed(go[0]);
        (void)raise(SIGSTOP);
        (void)chdir("/");
        _exit(0);
    }
    bool works = trace_run(&trace, pid, go[1]) && plain.calls == 1;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    fd_close(go[0]);
    fd_close(go[1]);
    return works;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_fails_once)};
    if (!lab_make_namespaces()) {
        return 77;
    }
    victim_own_processes();
    if (!can_follow()) {
        printf("skipped: ptrace does not work here\n");
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
