/* Every system call and every netlink message of every registered fault fails once: the error is in words, memory and descriptors do not
 * leak, nothing is left behind, and who says that it worked is right. Without more words a part of them, spread over all; with
 * DRILL_FAILING_CALLS=all every call with every error. Environment further: DRILL_PROOF_FAULT=NAME, DRILL_PROOF_JOBS, DRILL_PROOF_TABLE=FILE (rows in
 * Markdown). ci/failing-calls sets them; "list" as argument names the faults. */
#include "tests/contract/test_failing_calls.h"
#include "tests/contract/test_faults_stage.h"

#include "harness/agent/lent.h"
#include "harness/base/vec.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

static const int errors[] = {EPERM, ENOMEM, EBUSY, ENOENT, EAGAIN};

enum {
    FAULTS_MAX = ARRAY_LEN(fault_hints),
    CALLS_EACH = 9,
    MESSAGES_EACH = 4,
    THREADS_EACH = 3,
    COMPLAINT_BYTES = 1200,
    LIFE_S = 30
};

struct tally {
    size_t tried, not_reached, bad;
};

struct shared {                                         /* between the workers and their parent */
    long calls[FAULTS_MAX][2], messages[FAULTS_MAX][2]; /* of the first thread, and of all others */
    char cannot[FAULTS_MAX][600];                       /* why this machine cannot do the fault */
    struct tally tallies[FAULTS_MAX];
    size_t next; /* work that was not taken yet */
};
static struct shared *shared;

struct work {
    size_t fault;
    long number;
    bool message, thread;
    int error;
};

struct works {
    VEC(struct work) list;
};

static struct stage stage; /* of this worker */

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
    bool applied, bad;
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

/* Until it has changed twice, as its agent would have it do: away and there again, or alive and dead again. */
static void go_on(struct fault_instance *fault, struct life *life)
{
    int64_t due_ns = 1, until_ns = clock_now_ns() + LAB_PATIENCE_MS * NS_PER_MS;
    int changes = 0, status = 0;
    while (status == 0 && due_ns && changes < 2 && clock_now_ns() < until_ns) {
        struct buf told CLEANUP(buf_clear) = {0};
        while (clock_now_ns() < due_ns) {
            (void)poll(NULL, 0, 1);
        }
        status = fault->ops->tick(fault, &due_ns, &told, &life->err);
        changes += told.size > 0;
    }
    (void)went_well(life, "tick", status);
}

static void live(struct fault_instance *fault, const struct fault_hint *hint, struct life *life)
{
    const struct fault_ops *ops = fault->ops;
    struct buf left CLEANUP(buf_clear) = {0};
    (void)raise(SIGSTOP); /* from here on calls fail */
    life->applied = went_well(life, "supported", ops->supported(fault, &life->err)) &&
                    went_well(life, "prepare", ops->prepare(fault, &life->err)) &&
                    went_well(life, "apply", ops->apply(fault, &life->err));
    if (life->applied && !lab_proven(fault, LAB_PATIENCE_MS)) {
        struct buf proof CLEANUP(buf_clear) = {0};
        (void)!ops->prove(fault, &proof, &life->err);
        complain(life, "apply said that it worked, but the fault is not in force", life->err.text);
    }
    if (life->applied && ops->tick) {
        go_on(fault, life);
    }
    if (!went_well(life, "revert", ops->revert(fault, &life->err)) && ops->revert(fault, &life->err) < 0) {
        complain(life, "the second revert", life->err.text); /* a call fails once */
    }
    if (!went_well(life, "residue", ops->residue(fault, &left, &life->err))) {
        buf_reset(&left);
        (void)!ops->residue(fault, &left, &life->err);
    }
    if (left.size && !(life->applied && hint->permanent)) {
        complain(life, "residue", buf_str(&left));
    }
}

/* With what an agent lends. */
static struct fault_instance *make_fault(const json_t *description, struct lent **ret_lent)
{
    struct fault_instance *fault = NULL;
    must(fault_instance_new(description, &fault, err));
    *ret_lent = lent_new(description);
    fault->services = lent_services(*ret_lent);
    return fault;
}

static void be_fault(const json_t *description, const struct fault_hint *hint, int say_fd)
{
    struct life life = {.say_fd = say_fd};
    struct lent *lent = NULL;
    struct fault_instance *fault = make_fault(description, &lent);
    int descriptors = count_descriptors();
    (void)alarm(LIFE_S); /* who waits for something that a failed call was to bring waits for ever */
    live(fault, hint, &life);
    (void)raise(SIGSTOP); /* and no more: LeakSanitizer cannot look at a process that is followed */
    fault_instance_free(fault);
    lent_free(lent);
    if (count_descriptors() != descriptors) {
        complain(&life, "descriptors", "some are still open");
    }
#if defined(__SANITIZE_ADDRESS__)
    if (__lsan_do_recoverable_leak_check()) {
        complain(&life, "memory", "leaks (see above)");
    }
#endif
    _exit(life.bad);
}

/* ---- what must hold afterwards ---- */

struct trial {
    const struct fault_hint *hint;
    struct attempt attempt;
    bool bad;
};

static void say(struct trial *trial, const char *what, const char *detail)
{
    const struct attempt *attempt = &trial->attempt;
    printf("BAD %s: %s%s %ld (%s) failed with %s: %s%s\n", fault_hint_name(trial->hint, true).text,
           attempt->thread ? "another thread's " : "", attempt->message ? "message" : "call", attempt->wanted,
           trace_call_name(attempt->call), strerrorname_np(attempt->error), what, detail);
    (void)fflush(stdout);
    trial->bad = true;
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

static void compare(struct trial *trial)
{
    AUTO_JSON json_t *left = json_array();
    int64_t until_ns = clock_now_ns() + LAB_PATIENCE_MS * NS_PER_MS;
    must(snapshot_compare(stage.before, left, err));
    while (names_helper(left) && clock_now_ns() < until_ns) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        (void)poll(NULL, 0, 2); /* nothing tells of the end of a process that is not ours yet */
        json_array_clear(left);
        must(snapshot_compare(stage.before, left, err));
    }
    stage_compare(&stage, trial->hint, left);
    for (size_t i = 0; i < json_array_size(left); i++) {
        const char *text = json_string_value(json_array_get(left, i));
        if (!str_starts_with(text, "stopped process")) { /* ours are asked after by residue */
            say(trial, "left: ", text);
        }
    }
}

static void judge(struct trial *trial, int status, int say_fd)
{
    char complaints[4 * COMPLAINT_BYTES];
    ssize_t size = read(say_fd, complaints, sizeof(complaints) - 1);
    complaints[size > 0 ? size : 0] = '\0';
    if (status != 0) {
        char what[64];
        bool hangs = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        (void)str_format(what, sizeof(what), "wait status %x%s: ", (unsigned)status, hangs ? ", it hangs" : "");
        say(trial, what, complaints);
    }
}

static void follow(struct trial *trial, const json_t *description)
{
    int go[2], heard[2];
    struct trace trace = {.visit = visit_call, .context = &trial->attempt, .fail_errno = trial->attempt.error};
    assert_return_code(pipe2(go, O_CLOEXEC), errno);
    assert_return_code(pipe2(heard, O_CLOEXEC | O_NONBLOCK), errno);
    pid_t pid = fork();
    if (pid == 0) {
        trace_wait_to_be_followed(go[0]);
        be_fault(description, trial->hint, heard[1]);
    }
    assert_true(trace_run(&trace, pid, go[1]));
    while (trace.first_status == -1 || WIFSTOPPED(trace.first_status)) { /* it was let go; then its mark stops it */
        (void)kill(pid, trace.first_status == -1 ? 0 : SIGCONT);
        assert_int_equal(waitpid(pid, &trace.first_status, WUNTRACED), pid);
    }
    judge(trial, trace.first_status, heard[0]);
    for (int i = 0; i < 2; i++) {
        fd_close(go[i]);
        fd_close(heard[i]);
    }
}

static void try_once(struct trial *trial)
{
    AUTO_JSON json_t *description = stage_enter(&stage, trial->hint);
    follow(trial, description);
    compare(trial);
    if (trial->bad || !stage_is_well(&stage, trial->hint)) {
        stage_leave(&stage);
    }
}

/* ---- all of it, side by side ---- */

static void do_work(int worker, void *context)
{
    const struct works *works = context;
    size_t i;
    (void)worker;
    while ((i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) < works->list.count) {
        const struct work *work = &works->list.items[i];
        struct trial trial = {
            .hint = &fault_hints[work->fault],
            .attempt = {.wanted = work->number, .message = work->message, .thread = work->thread, .error = work->error}};
        struct tally *tally = &shared->tallies[work->fault];
        try_once(&trial);
        (void)__atomic_fetch_add(&tally->tried, 1, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&tally->not_reached, !trial.attempt.done, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&tally->bad, trial.bad, __ATOMIC_RELAXED);
    }
}

static bool is_all(void)
{
    return str_eq(workers_setting("DRILL_FAILING_CALLS", ""), "all");
}

/* All with every error; or, spread over all, as many as the test has time for, with the errors in turn. */
static void add_works(struct works *works, const struct work *first, long count)
{
    bool all = is_all();
    long each = first->thread ? THREADS_EACH : first->message ? MESSAGES_EACH : CALLS_EACH;
    long step = all ? 1 : count / each + 1, turn = 0;
    for (long i = 0; i < count; i += step, turn++) {
        for (size_t j = 0; j < ARRAY_LEN(errors); j++) {
            if (all || (size_t)turn % ARRAY_LEN(errors) == j) {
                *VEC_ADD(&works->list) = (struct work){first->fault, i, first->message, first->thread, errors[j]};
            }
        }
    }
}

static void add_works_of(struct works *works, size_t fault)
{
    for (int thread = 0; thread < 2; thread++) {
        add_works(works, &(struct work){.fault = fault, .thread = thread}, shared->calls[fault][thread]);
        add_works(works, &(struct work){.fault = fault, .thread = thread, .message = true}, shared->messages[fault][thread]);
    }
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
        (void)!chdir("/");
        _exit(0);
    }
    bool works = trace_run(&trace, pid, go[1]) && plain.calls[0] == 1;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    fd_close(go[0]);
    fd_close(go[1]);
    return works;
}

/* Tried in a process of its own, followed by nobody. */
static bool can_be(size_t index, const struct fault_hint *hint)
{
    const struct fault_ops *ops = fault_hint_ops(hint);
    int status = 0;
    AUTO_JSON json_t *description = stage_enter(&stage, hint);
    pid_t pid = fork();
    if (pid == 0) {
        struct lent *lent = NULL;
        struct fault_instance *fault = make_fault(description, &lent);
        struct err err = {0};
        int supported = ops->supported(fault, &err);
        bool wrong = supported < 0 ? supported != -ERR_UNSUPPORTED : ops->prepare(fault, &err) < 0 || ops->apply(fault, &err) < 0;
        if (wrong) {
            printf("BAD %s: cannot be in force though no call fails: %s\n", fault_hint_name(hint, true).text, err.text);
        } else if (supported < 0) {
            (void)str_copy(shared->cannot[index], sizeof(shared->cannot[index]), err.text);
        }
        (void)fflush(stdout);
        (void)!ops->revert(fault, &err);
        _exit(wrong);
    }
    (void)waitpid(pid, &status, 0);
    stage_leave(&stage); /* anew: it may have been hit */
    shared->tallies[index].bad += status != 0;
    return status == 0 && !shared->cannot[index][0];
}

/* Nothing fails: how many calls are there? A fault that needs what this lab has not is left out; the table says so. */
static void count_calls(int worker, void *context)
{
    (void)worker;
    (void)context;
    if (!can_follow()) {
        printf("skipped: ptrace does not work here\n");
        (void)fflush(stdout);
        _exit(77);
    }
    for (size_t i = 0; i < FAULTS_MAX; i++) {
        struct trial trial = {.hint = &fault_hints[i], .attempt = {.wanted = -1}};
        if (workers_is_asked_for(&fault_hints[i]) && can_be(i, &fault_hints[i])) {
            try_once(&trial);
            memcpy(shared->calls[i], trial.attempt.calls, sizeof(shared->calls[i]));
            memcpy(shared->messages[i], trial.attempt.messages, sizeof(shared->messages[i]));
            shared->tallies[i].bad += trial.bad;
        }
    }
}

static void put_rows(struct buf *out, struct tally *ret_all)
{
    for (size_t i = 0; i < FAULTS_MAX; i++) {
        const struct tally *tally = &shared->tallies[i];
        if (workers_is_asked_for(&fault_hints[i]) && shared->cannot[i][0]) {
            buf_printf(out, "| %s | cannot be in force here: %s | | | | |\n", fault_hint_name(&fault_hints[i], true).text,
                       shared->cannot[i]);
        } else if (workers_is_asked_for(&fault_hints[i])) {
            buf_printf(out, "| %s | %ld | %ld | %zu | %zu | %zu |\n", fault_hint_name(&fault_hints[i], true).text,
                       shared->calls[i][0] + shared->calls[i][1], shared->messages[i][0] + shared->messages[i][1],
                       tally->tried - tally->not_reached, tally->not_reached, tally->bad);
        }
        *ret_all =
            (struct tally){ret_all->tried + tally->tried, ret_all->not_reached + tally->not_reached, ret_all->bad + tally->bad};
    }
}

/* Of each fault that this machine can do some calls were made to fail. */
static bool is_enough(const struct tally *all)
{
    bool enough = all->tried > 0 || workers_setting("DRILL_PROOF_FAULT", NULL);
    for (size_t i = 0; i < FAULTS_MAX; i++) {
        const struct tally *tally = &shared->tallies[i];
        bool may_be_none = shared->cannot[i][0] || fault_hints[i].idle;
        bool none = workers_is_asked_for(&fault_hints[i]) && !may_be_none && tally->tried == tally->not_reached;
        if (none) {
            printf("%s: no call was made to fail\n", fault_hint_name(&fault_hints[i], true).text);
            enough = false;
        }
    }
    return enough && all->not_reached * 5 <= all->tried; /* else the counting means nothing */
}

static int report(void)
{
    struct buf out CLEANUP(buf_clear) = {0};
    struct err err = {0};
    struct tally all = {0};
    const char *file = workers_setting("DRILL_PROOF_TABLE", NULL);
    put_rows(&out, &all);
    printf("| fault | calls | netlink messages | made to fail | not reached again | bad |\n|---|---|---|---|---|---|\n%s"
           "%zu made to fail, %zu not reached again, %zu bad\n",
           buf_str(&out), all.tried - all.not_reached, all.not_reached, all.bad);
    if (file && fd_write_file_atomic(file, buf_str(&out), out.size, &err) < 0) {
        printf("%s\n", err.text);
        return 1;
    }
    return all.bad > 0 || !is_enough(&all);
}

static int run_all(void)
{
    struct works works = {0};
    int code = workers_run(1, count_calls, NULL);
    for (size_t i = 0; i < FAULTS_MAX && code == 0; i++) {
        add_works_of(&works, i);
    }
    if (code == 0) {
        code = workers_run(strtoul(workers_setting("DRILL_PROOF_JOBS", "4"), NULL, 10), do_work, &works);
    }
    VEC_CLEAR(&works.list);
    int found = code == 77 ? 0 : report();
    return code ? code : found;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && str_eq(argv[1], "list")) {
        return workers_list_faults(argc == 3 ? argv[2] : NULL);
    }
    if (!workers_know()) {
        return 2;
    }
    shared = workers_share(sizeof(*shared));
    return shared ? run_all() : 1;
}
