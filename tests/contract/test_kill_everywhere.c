/* Kill-everywhere: a drill's way with each registered fault, from the snapshot before to the comparison after it, is followed call by call;
 * at every step, before and after each call that changes or tells something, the controller, the agent or both are killed with SIGKILL.
 * Then everything must be as before: by the agent's own doing when its controller died, by its successor's when the agent died, by
 * `drill undo` when both did. `drill undo` is killed at its own steps too, and told again. Real agents, real journal, the controller's real connectors; the lab is a network that outlives them all, as a
 * user's own is.
 *
 * Environment: DRILL_KILL_SAMPLE=N (steps in all; "all": each), DRILL_KILL_EVERY=yes (questions to the kernel are steps too),
 * DRILL_KILL_SEED, DRILL_PROOF_FAULT=NAME, DRILL_PROOF_JOBS,
 * DRILL_PROOF_TABLE=FILE (its rows in Markdown). ci/kill-everywhere sets them; "list" as argument names the faults. Exits 1 when anything
 * is left, when a way breaks off though nobody was killed, and when fewer were killed than was asked for. */
#include "tests/contract/test_kill_everywhere.h"

#include <sys/time.h>

#include "harness/agent/agent.h"
#include "tests/contract/test_faults_stage.h"
#include "tests/contract/test_kill_everywhere_works.h"

#define SAMPLE "72" /* kills of a run that was not told how many */
enum {
    FAULTS_MAX = ARRAY_LEN(fault_hints),
    QUIET_TIMEOUT_S = 60,
    PHOTOGRAPHS_TIMEOUT_S = 600,
    TRIES = 3,
    COUNT = -1,
    PHOTOGRAPH = -2
};

static const char *const who_names[] = {"", "agent", "controller", "both", "undo"};
static const char *const role_names[] = {"controller", "agent", "undo"};

/* ---- what must hold afterwards ---- */

struct tally {
    size_t tried, not_reached, by_undo, residue;
};

struct shared { /* between the workers and their parent */
    long steps[FAULTS_MAX][ROLE_COUNT];
    char cannot[FAULTS_MAX][600]; /* why this machine has no way for the fault */
    struct tally tallies[FAULTS_MAX][WHO_COUNT];
    size_t next_to_count, next; /* fault, and work, that was not taken yet */
    bool cannot_follow;
    struct way ways[WORKERS_MAX]; /* of the present controller of each worker */
};
static struct shared *shared;

struct trial {
    const struct fault_hint *hint;
    struct attempt attempt;
    struct stage *stage;
    struct way *way;
    char journal[64];
    bool clean, by_undo;
};

static void complain(struct trial *trial, const char *what)
{
    const struct attempt *attempt = &trial->attempt;
    trial->clean = false;
    if (!attempt->hit) {
        printf("WRONG %s, %s: %s\n", fault_hint_name(trial->hint, true).text,
               attempt->undoing ? "undo not killed" : "nobody killed", what);
        (void)fflush(stdout);
        return;
    }
    printf("RESIDUE %s: %s killed %s %s, step %ld of the %s: %s\n", fault_hint_name(trial->hint, true).text,
           who_names[attempt->who], attempt->before ? "before" : "after", trace_call_name(attempt->call), attempt->step,
           role_names[attempt->role], what);
    (void)fflush(stdout);
}

static void close_dir(DIR *dir)
{
    if (dir) {
        (void)closedir(dir);
    }
}
DEFINE_CLEANUP(DIR *, dir, close_dir)

/* Of names that do not begin with a dot; the first into out. */
static size_t count_files(const char *folder, char out[static 300])
{
    DIR *dir CLEANUP(dir_cleanup) = opendir(folder);
    size_t count = 0;
    for (struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir)) {
        if (item->d_name[0] != '.' && count++ == 0) {
            (void)str_copy(out, 300, item->d_name);
        }
    }
    return count;
}

/* Whoever runs here besides us and what is hit; 0: nobody. */
static pid_t somebody(const struct trial *trial)
{
    DIR *dir CLEANUP(dir_cleanup) = opendir("/proc");
    for (struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir)) {
        pid_t pid = (pid_t)strtol(item->d_name, NULL, 10);
        if (pid > 1 && !stage_has(trial->stage, pid)) {
            return pid;
        }
    }
    return 0;
}

static void ask_service(struct stage *stage)
{
    if (stage->supervisor.pid) {
        (void)supervisor_ask(&stage->supervisor);
    }
}

/* Orphans become our children: this is the first process of its pid namespace. */
static void await_quiet(struct trial *trial)
{
    int64_t until_ns = clock_now_ns() + QUIET_TIMEOUT_S * NS_PER_S;
    pid_t left;
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        ask_service(trial->stage);
        left = somebody(trial);
        if (!left || clock_now_ns() > until_ns) {
            break;
        }
        (void)poll(NULL, 0, 2); /* not all of them are our children yet: nothing tells us */
    }
    if (left) {
        complain(trial, "a process of the drill still runs");
        (void)kill(left, SIGKILL);
    }
}

static void undo(struct trial *trial)
{
    char name[300];
    struct err err = {0};
    if (count_files(trial->journal, name) > 0) {
        trial->by_undo = true;
        if (trial->attempt.who != WHO_BOTH && trial->attempt.who != WHO_UNDO) {
            complain(trial, "a journal entry stands although somebody was there to revert");
        }
        if (undo_all(trial->journal, &err) < 0) {
            complain(trial, err.text);
        }
    }
    if (count_files(trial->journal, name) > 0) {
        complain(trial, name);
    }
}

static void compare(struct trial *trial)
{
    AUTO_JSON json_t *left = json_array();
    struct err err = {0};
    stage_compare(trial->stage, trial->hint, left);
    if (snapshot_compare(trial->stage->before, left, &err) < 0) {
        complain(trial, err.text);
    }
    for (size_t i = 0; i < json_array_size(left); i++) {
        complain(trial, json_string_value(json_array_get(left, i)));
    }
}

/* Again and again: a signal that comes between two waits interrupts none. 0: no more. */
static void set_alarm(int after_s)
{
    const struct itimerval timer = {.it_value = {.tv_sec = after_s}, .it_interval = {.tv_usec = 100000}};
    (void)setitimer(ITIMER_REAL, after_s ? &timer : &(struct itimerval){0}, NULL);
}

/* To count, every call is stopped at, so that it is seen that the filter leaves out none that matters; to kill, only those that matter. */
static bool follow(struct trial *trial, const json_t *fault)
{
    int go[2];
    struct attempt *attempt = &trial->attempt;
    bool kills = attempt->step >= 0 || (attempt->role == OF_UNDO && !attempt->undoing);
    struct trace trace = {.visit = visit, .context = attempt, .filtered = kills};
    assert_return_code(pipe2(go, O_CLOEXEC), errno);
    pid_t pid = fork();
    if (pid == 0) {
        trace_wait_to_be_followed(go[0]);
        if (trace.filtered && !trace_filter_calls()) {
            _exit(1);
        }
        if (attempt->undoing) {
            be_undo(trial->journal);
        }
        be_controller(fault, trial->journal, trial->hint->goes_on, trial->way);
    }
    attempt->controller = pid;
    attempt->trace = &trace;
    set_alarm(attempt->photographs ? PHOTOGRAPHS_TIMEOUT_S : QUIET_TIMEOUT_S);
    bool works = trace_run(&trace, pid, go[1]);
    set_alarm(0);
    if (!works) {
        (void)kill(pid, SIGKILL);
    }
    fd_close(go[0]);
    fd_close(go[1]);
    return works;
}

/* What came before is not told apart: a drill that could not be killed there has nothing to undo. */
static bool follow_undo(struct trial *trial)
{
    struct attempt *attempt = &trial->attempt;
    if (!attempt->hit) {
        return true;
    }
    attempt->hit = false;
    attempt->undoing = true;
    attempt->who = WHO_UNDO;
    return follow(trial, NULL);
}

static bool is_sample(void)
{
    return !str_eq(workers_setting("DRILL_KILL_SAMPLE", ""), "all");
}

static void try_once(const struct fault_hint *hint, const struct work *work, int worker, struct trial *trial)
{
    static struct stage stage;
    *trial = (struct trial){.hint = hint, .stage = &stage, .way = &shared->ways[worker], .clean = true};
    trial->attempt =
        (struct attempt){.role = work->role, .step = work->step, .who = work->role == OF_UNDO ? WHO_BOTH : work->who};
    trial->attempt.every = str_eq(workers_setting("DRILL_KILL_EVERY", ""), "yes");
    trial->attempt.photographs = work->step == PHOTOGRAPH;
    (void)str_copy(trial->journal, sizeof(trial->journal), "/tmp/drill-kill-XXXXXX");
    assert_non_null(mkdtemp(trial->journal));
    AUTO_JSON json_t *description = stage_enter(&stage, hint);
    *trial->way = (struct way){0};
    trial->attempt.way = trial->way;
    bool followed = follow(trial, description);
    await_quiet(trial);
    if (followed && work->role == OF_UNDO) {
        followed = follow_undo(trial);
        await_quiet(trial);
    }
    shared->cannot_follow |= !followed;
    undo(trial);
    compare(trial);
    must(fd_remove_tree(trial->journal, err));
    if (!trial->clean || !stage_is_well(&stage, hint)) {
        stage_leave(&stage);
    }
}

/* ---- all of it, side by side ---- */

/* The whole way once more, nobody being killed, to look at what is taken for no step. */
static bool look_at_questions(const struct fault_hint *hint, int worker)
{
    const struct work photograph = {.step = PHOTOGRAPH};
    struct trial trial;
    try_once(hint, &photograph, worker, &trial);
    if (trial.attempt.changed[0]) {
        complain(&trial, "what was taken for a question has changed something:");
        complain(&trial, trial.attempt.changed);
    }
    return trial.clean;
}

/* Of a drill that is killed while its fault is in force. */
static void count_steps_of_undo(size_t index, const struct fault_hint *hint, int worker)
{
    const struct work count = {.role = OF_UNDO, .step = COUNT};
    struct trial trial;
    try_once(hint, &count, worker, &trial);
    shared->steps[index][OF_UNDO] = trial.attempt.seen[OF_UNDO];
    shared->tallies[index][0].residue += !trial.clean;
}

/* Where nobody is killed the way must be gone to its end, or not be begun: the table says which fault this machine cannot do. */
static void judge_way(struct trial *trial, char cannot[static 600])
{
    if (trial->way->unsupported) {
        (void)str_copy(cannot, 600, trial->way->broken);
    } else if (trial->way->broken[0]) {
        complain(trial, trial->way->broken);
    }
}

/* The whole way, nobody being killed. */
static void count_steps_of(size_t index, const struct fault_hint *hint, int worker)
{
    const struct work count = {.step = COUNT};
    struct trial trial;
    try_once(hint, &count, worker, &trial);
    judge_way(&trial, shared->cannot[index]);
    if (trial.attempt.missed_pipe) {
        complain(&trial, "a pipe was read in parts of a file's size: such steps would be left out");
    }
    if (!trial.way->broken[0]) {
        memcpy(shared->steps[index], trial.attempt.seen, sizeof(trial.attempt.seen));
        count_steps_of_undo(index, hint, worker);
    }
    bool clean = trial.clean && (is_sample() || look_at_questions(hint, worker)); /* a sample has no time for that */
    shared->tallies[index][0].residue += !clean;
}

static void count_steps(int worker)
{
    size_t i;
    while ((i = __atomic_fetch_add(&shared->next_to_count, 1, __ATOMIC_RELAXED)) < FAULTS_MAX && !shared->cannot_follow) {
        if (workers_is_asked_for(&fault_hints[i])) {
            count_steps_of(i, &fault_hints[i], worker);
        }
    }
}

/* How often something is polled is a matter of time: a step that was not come to is tried again. */
static void do_one(const struct fault_hint *hint, const struct work *work, int worker)
{
    struct tally *sum = &shared->tallies[work->fault][work->who];
    struct trial trial = {0};
    bool clean = true, by_undo = false;
    for (int i = 0; i < TRIES && !trial.attempt.hit; i++) {
        try_once(hint, work, worker, &trial);
        clean = clean && trial.clean;
        by_undo = by_undo || trial.by_undo;
    }
    (void)__atomic_fetch_add(&sum->tried, 1, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&sum->not_reached, !trial.attempt.hit, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&sum->by_undo, by_undo, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&sum->residue, !clean, __ATOMIC_RELAXED);
}

static void do_work(const struct works *works, int worker)
{
    size_t i;
    while ((i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) < works->list.count) {
        const struct work *work = &works->list.items[i];
        do_one(&fault_hints[work->fault], work, worker);
    }
}

static void wake_up(int number)
{
    (void)number;
}

struct sides {
    const struct works *works; /* NULL: count the steps */
};

static void be_worker(int worker, void *context)
{
    const struct sides *sides = context;
    const struct sigaction action = {.sa_handler = wake_up}; /* calls are not restarted */
    (void)sigaction(SIGALRM, &action, NULL);
    if (sides->works) {
        do_work(sides->works, worker);
    } else {
        count_steps(worker);
    }
}

static struct tally sum_of(size_t index)
{
    struct tally sum = {0};
    for (int who = 0; who < WHO_COUNT; who++) {
        const struct tally *tally = &shared->tallies[index][who];
        sum = (struct tally){sum.tried + tally->tried, sum.not_reached + tally->not_reached, sum.by_undo + tally->by_undo,
                             sum.residue + tally->residue};
    }
    return sum;
}

/* A line of Markdown for each fault; the last column is for whoever knows the code's version. */
static void put_row(struct buf *out, size_t index, const char *name)
{
    struct tally sum = sum_of(index);
    const long *steps = shared->steps[index];
    if (shared->cannot[index][0]) {
        buf_printf(out, "| %s | cannot be taken here: %s | | | | | | |", name, shared->cannot[index]);
    } else {
        buf_printf(out, "| %s | %ld | %ld | %ld | %zu | %zu | %zu | %zu |", name, steps[OF_CONTROLLER], steps[OF_AGENT],
                   steps[OF_UNDO], sum.tried, sum.by_undo, sum.not_reached, sum.residue);
    }
    buf_puts(out, "\n");
}

static struct tally print_table(const char *file)
{
    struct buf out CLEANUP(buf_clear) = {0};
    struct err err = {0};
    struct tally all = {0};
    for (size_t i = 0; i < FAULTS_MAX; i++) {
        struct tally sum = sum_of(i);
        if (workers_is_asked_for(&fault_hints[i])) {
            put_row(&out, i, fault_hint_name(&fault_hints[i], true).text);
        }
        all = (struct tally){all.tried + sum.tried, all.not_reached + sum.not_reached, all.by_undo + sum.by_undo,
                             all.residue + sum.residue};
    }
    printf("| fault | steps of the controller | of the agent | of undo | kills | drill undo had to revert | not reached again | "
           "left |\n"
           "|---|---|---|---|---|---|---|---|\n%s",
           buf_str(&out));
    if (file && fd_write_file_atomic(file, buf_str(&out), out.size, &err) < 0) {
        printf("%s\n", err.text);
        all.residue++;
    }
    return all;
}

/* A whole run has kills of every fault that this machine can do; a sample as many in all as were wanted. */
static bool is_enough(const struct tally *all, size_t planned, size_t wanted)
{
    bool enough = all->tried == planned && all->not_reached * 20 <= all->tried;
    for (size_t i = 0; i < FAULTS_MAX && !is_sample(); i++) {
        bool none = workers_is_asked_for(&fault_hints[i]) && !shared->cannot[i][0] && sum_of(i).tried == 0;
        if (none) {
            printf("%s: nobody was killed at all\n", fault_hint_name(&fault_hints[i], true).text);
            enough = false;
        }
    }
    if (is_sample() && all->tried < wanted) {
        printf("%zu kills were wanted\n", wanted);
        enough = false;
    }
    return enough;
}

static int run_all(void)
{
    size_t wanted = strtoul(workers_setting("DRILL_KILL_SAMPLE", SAMPLE), NULL, 10);
    struct works works = {0};
    size_t jobs = strtoul(workers_setting("DRILL_PROOF_JOBS", "4"), NULL, 10);
    int code = workers_run(jobs, be_worker, &(struct sides){NULL});
    bool failed = code != 0;
    if (code == 77 || shared->cannot_follow) {
        printf("skipped: namespaces or ptrace do not work here\n");
        return 77;
    }
    works_list(&works, shared->steps, FAULTS_MAX);
    size_t possible = works.list.count;
    if (is_sample()) {
        works_draw(&works, FAULTS_MAX, wanted < possible ? wanted : possible,
                   strtoul(workers_setting("DRILL_KILL_SEED", "1"), NULL, 10));
    }
    failed |= workers_run(jobs, be_worker, &(struct sides){&works}) != 0;
    struct tally all = print_table(workers_setting("DRILL_PROOF_TABLE", NULL));
    printf("%zu of %zu kills made, %zu steps not reached again, %zu undone by drill undo, %zu with something left%s\n", all.tried,
           possible, all.not_reached, all.by_undo, all.residue, failed ? "; a worker failed" : "");
    bool enough = is_enough(&all, works.list.count, wanted);
    VEC_CLEAR(&works.list);
    return all.residue || failed || !enough;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc == 2 && str_eq(argv[1], "agent")) {
        return agent_main(STDIN_FILENO, STDOUT_FILENO, &err) < 0;
    }
    if (argc >= 2 && str_eq(argv[1], "list")) {
        return workers_list_faults(argc == 3 ? argv[2] : NULL);
    }
    (void)setenv("ASAN_OPTIONS", "detect_leaks=0:quarantine_size_mb=8",
                 1); /* who is followed cannot be looked at; forks stay cheap */
    if (!workers_know()) {
        return 2;
    }
    shared = workers_share(sizeof(*shared));
    return shared ? run_all() : 1;
}
