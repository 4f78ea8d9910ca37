/* Kill-everywhere: a drill's way with each registered fault, from the snapshot before to the comparison after it, is followed call by call;
 * at every step, before and after each call that changes or tells something, the controller, the agent or both are killed with SIGKILL.
 * Then everything must be as before: by the agent's own doing when its controller died, by its successor's when the agent died, by
 * `drill undo` when both did. Real agents, real journal, the controller's real connectors; the lab is a network that outlives them all, as a
 * user's own is.
 *
 * Environment: DRILL_KILL_SAMPLE=N (steps in all; "all": each), DRILL_KILL_SEED, DRILL_KILL_FAULT=NAME, DRILL_KILL_JOBS,
 * DRILL_KILL_TABLE=FILE (a table in Markdown). ci/kill-everywhere sets them. */
#include "tests/contract/test_kill_everywhere.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "faults/snapshot.h"
#include "harness/agent/agent.h"
#include "harness/agent/journal.h"
#include "harness/base/vec.h"

enum { FAULTS_MAX = 64, SAMPLE = 72, QUIET_TIMEOUT_S = 20 };

static const char *const who_names[] = {"", "agent", "controller", "both"};
static const char *const role_names[] = {"controller", "agent"};

/* ---- what must hold afterwards ---- */

struct tally {
    size_t tried, not_reached, by_undo, residue;
};

struct shared { /* between the workers and their parent */
    long steps[FAULTS_MAX][ROLE_COUNT];
    struct tally tallies[FAULTS_MAX][WHO_BOTH + 1];
    size_t next; /* work that was not taken yet */
    bool cannot_follow;
};
static struct shared *shared;

struct work {
    size_t fault;
    int role;
    long step;
    enum who who;
};

struct trial {
    const struct fault_ops *ops;
    const struct work *work;
    struct attempt attempt;
    struct victim victim;
    char journal[64];
    bool clean;
};

static void complain(struct trial *trial, const char *what)
{
    const struct attempt *attempt = &trial->attempt;
    printf("RESIDUE %s: %s killed %s %s, step %ld of the %s: %s\n", trial->ops->name, who_names[attempt->who],
           attempt->before ? "before" : "after", trace_call_name(attempt->call), attempt->step, role_names[attempt->role], what);
    (void)fflush(stdout);
    trial->clean = false;
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

/* Whoever runs here besides us and the victim; 0: nobody. */
static pid_t somebody(const struct trial *trial)
{
    DIR *dir CLEANUP(dir_cleanup) = opendir("/proc");
    for (struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir)) {
        pid_t pid = (pid_t)strtol(item->d_name, NULL, 10);
        if (pid > 1 && pid != trial->victim.parent && pid != trial->victim.child) {
            return pid;
        }
    }
    return 0;
}

/* Orphans become our children: this is the first process of its pid namespace. */
static void await_quiet(struct trial *trial)
{
    int64_t until_ns = clock_now_ns() + QUIET_TIMEOUT_S * NS_PER_S;
    pid_t left;
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
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

static void undo(struct trial *trial, struct tally *tally)
{
    char name[300];
    struct buf report CLEANUP(buf_clear) = {0}, standing CLEANUP(buf_clear) = {0};
    struct err err = {0};
    if (count_files(trial->journal, name) > 0) {
        tally->by_undo++;
        if (trial->attempt.who != WHO_BOTH) {
            complain(trial, "a journal entry stands although somebody was there to revert");
        }
        if (journal_standing(trial->journal, &standing, &err) < 0 || journal_undo(trial->journal, &report, &err) < 0) {
            complain(trial, err.text);
        }
    }
    if (count_files(trial->journal, name) > 0) {
        complain(trial, name);
    }
}

static void compare(struct trial *trial, const struct snapshot *before)
{
    AUTO_JSON json_t *left = json_array();
    struct err err = {0};
    if (snapshot_compare(before, left, &err) < 0) {
        complain(trial, err.text);
    }
    for (size_t i = 0; i < json_array_size(left); i++) {
        complain(trial, json_string_value(json_array_get(left, i)));
    }
}

static bool follow(struct trial *trial, const json_t *fault)
{
    int go[2];
    struct trace trace = {.visit = visit, .context = &trial->attempt};
    assert_return_code(pipe2(go, O_CLOEXEC), errno);
    pid_t pid = fork();
    if (pid == 0) {
        trace_wait_to_be_followed(go[0]);
        be_controller(fault, trial->journal);
    }
    trial->attempt.controller = pid;
    bool works = trace_run(&trace, pid, go[1]);
    if (!works) {
        (void)kill(pid, SIGKILL);
    }
    fd_close(go[0]);
    fd_close(go[1]);
    return works;
}

static void try_once(const struct fault_ops *ops, const struct work *work, struct tally *tally, struct attempt *ret_attempt)
{
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    struct trial trial = {.ops = ops, .work = work, .clean = true};
    trial.attempt = (struct attempt){.role = work->role, .step = work->step, .who = work->who};
    (void)str_copy(trial.journal, sizeof(trial.journal), "/tmp/drill-kill-XXXXXX");
    assert_non_null(mkdtemp(trial.journal));
    trial.victim = victim_start(0);
    struct fault_instance *fault = victim_fault(ops, &trial.victim);
    AUTO_JSON json_t *description = fault_instance_to_json(fault);
    fault_instance_free(fault);
    must(snapshot_take(&before, err));
    if (!follow(&trial, description)) {
        shared->cannot_follow = true;
    }
    await_quiet(&trial);
    undo(&trial, tally);
    compare(&trial, before);
    victim_end(trial.victim);
    must(fd_remove_tree(trial.journal, err));
    tally->tried++;
    tally->not_reached += !trial.attempt.hit;
    tally->residue += !trial.clean;
    *ret_attempt = trial.attempt;
}

/* ---- all of it, side by side ---- */

static const char *setting(const char *name, const char *fallback)
{
    const char *value = secure_getenv(name);
    return value && *value ? value : fallback;
}

static bool is_asked_for(const struct fault_ops *ops)
{
    const char *only = setting("DRILL_KILL_FAULT", NULL);
    return !only || str_eq(only, ops->name);
}

static void count_steps(void)
{
    size_t count = 0;
    const struct fault_ops *const *faults = fault_list(&count);
    for (size_t i = 0; i < count && !shared->cannot_follow; i++) {
        const struct work nothing = {.step = -1};
        struct attempt attempt;
        struct tally tally = {0};
        if (is_asked_for(faults[i])) {
            try_once(faults[i], &nothing, &tally, &attempt);
            memcpy(shared->steps[i], attempt.seen, sizeof(attempt.seen));
            shared->tallies[i][0].residue += tally.residue; /* nobody killed, and not clean */
        }
    }
}

struct works {
    VEC(struct work) list;
};

static void list_work(struct works *works)
{
    size_t count = 0;
    (void)fault_list(&count);
    for (size_t i = 0; i < count; i++) {
        for (int role = 0; role < ROLE_COUNT; role++) {
            for (long step = 0; step < shared->steps[i][role]; step++) {
                for (int who = WHO_AGENT; who <= WHO_BOTH; who++) {
                    *VEC_ADD(&works->list) = (struct work){.fault = i, .role = role, .step = step, .who = (enum who)who};
                }
            }
        }
    }
}

/* xorshift64: the same seed takes the same steps. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Fault by fault in turn, so that a small sample has some of each. */
static void draw(struct works *works, size_t wanted, uint64_t seed)
{
    size_t count = 0, kept = 0;
    uint64_t state = seed * 2654435761u + 1;
    (void)fault_list(&count);
    for (size_t turn = 0, misses = 0; kept < wanted && misses < count; turn++) {
        VEC(size_t) own = {0};
        for (size_t i = kept; i < works->list.count; i++) {
            if (works->list.items[i].fault == turn % count) {
                *VEC_ADD(&own) = i;
            }
        }
        misses = own.count ? 0 : misses + 1;
        if (own.count) {
            size_t taken = own.items[next_random(&state) % own.count];
            struct work swap = works->list.items[kept];
            works->list.items[kept++] = works->list.items[taken];
            works->list.items[taken] = swap;
        }
        VEC_CLEAR(&own);
    }
    works->list.count = kept;
}

static void do_work(const struct works *works)
{
    size_t count = 0;
    const struct fault_ops *const *faults = fault_list(&count);
    for (;;) {
        size_t i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
        if (i >= works->list.count) {
            return;
        }
        const struct work *work = &works->list.items[i];
        struct tally tally = {0};
        struct attempt attempt;
        try_once(faults[work->fault], work, &tally, &attempt);
        struct tally *sum = &shared->tallies[work->fault][work->who];
        (void)__atomic_fetch_add(&sum->tried, tally.tried, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&sum->not_reached, tally.not_reached, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&sum->by_undo, tally.by_undo, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&sum->residue, tally.residue, __ATOMIC_RELAXED);
    }
}

/* A process with a lab and a pid namespace of its own. NULL: count the steps. */
static pid_t start_worker(const struct works *works)
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    if (!lab_make_namespaces()) {
        _exit(77);
    }
    victim_own_processes();
    lab_make();
    if (works) {
        do_work(works);
    } else {
        count_steps();
    }
    (void)fflush(stdout);
    _exit(0);
}

static int end_worker(pid_t pid)
{
    int status = 0;
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void print_table(const char *file, struct tally *ret_all)
{
    size_t count = 0;
    const struct fault_ops *const *faults = fault_list(&count);
    struct buf out CLEANUP(buf_clear) = {0};
    struct err err = {0};
    buf_puts(&out,
             "| fault | steps of the controller | of the agent | killed: agent | controller | both | drill undo had to revert | "
             "steps not reached again | something left |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        struct tally sum = shared->tallies[i][0];
        for (int who = WHO_AGENT; who <= WHO_BOTH; who++) {
            const struct tally *tally = &shared->tallies[i][who];
            sum = (struct tally){sum.tried + tally->tried, sum.not_reached + tally->not_reached, sum.by_undo + tally->by_undo,
                                 sum.residue + tally->residue};
        }
        if (is_asked_for(faults[i])) {
            const struct tally *by = shared->tallies[i];
            buf_printf(&out, "| %s | %ld | %ld | %zu | %zu | %zu | %zu | %zu | %zu |\n", faults[i]->name,
                       shared->steps[i][OF_CONTROLLER], shared->steps[i][OF_AGENT], by[WHO_AGENT].tried, by[WHO_CONTROLLER].tried,
                       by[WHO_BOTH].tried, sum.by_undo, sum.not_reached, sum.residue);
        }
        *ret_all = (struct tally){ret_all->tried + sum.tried, ret_all->not_reached + sum.not_reached,
                                  ret_all->by_undo + sum.by_undo, ret_all->residue + sum.residue};
    }
    printf("%s", buf_str(&out));
    if (file && fd_write_file_atomic(file, buf_str(&out), out.size, &err) < 0) {
        printf("%s\n", err.text);
        ret_all->residue++;
    }
}

static int run_all(void)
{
    const char *sample = setting("DRILL_KILL_SAMPLE", NULL);
    size_t jobs = strtoul(setting("DRILL_KILL_JOBS", "2"), NULL, 10), failures = 0;
    struct works works = {0};
    struct tally all = {0};
    pid_t pids[16];
    int code = end_worker(start_worker(NULL));
    if (code == 77 || shared->cannot_follow) {
        printf("skipped: namespaces or ptrace do not work here\n");
        return 77;
    }
    failures += code != 0;
    list_work(&works);
    size_t possible = works.list.count;
    if (!str_eq(sample, "all")) {
        size_t wanted = sample ? strtoul(sample, NULL, 10) : SAMPLE;
        draw(&works, wanted < possible ? wanted : possible, strtoul(setting("DRILL_KILL_SEED", "1"), NULL, 10));
    }
    jobs = jobs < 1 ? 1 : jobs > ARRAY_LEN(pids) ? ARRAY_LEN(pids) : jobs;
    for (size_t i = 0; i < jobs; i++) {
        pids[i] = start_worker(&works);
    }
    for (size_t i = 0; i < jobs; i++) {
        failures += end_worker(pids[i]) != 0;
    }
    print_table(setting("DRILL_KILL_TABLE", NULL), &all);
    printf("%zu of %zu kills made, %zu steps not reached again, %zu undone by drill undo, %zu with something left, %zu workers "
           "failed\n",
           all.tried, possible, all.not_reached, all.by_undo, all.residue, failures);
    bool enough = all.tried == works.list.count && all.not_reached * 4 <= all.tried && all.tried > 0;
    VEC_CLEAR(&works.list);
    return all.residue || failures || !enough;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc == 2 && str_eq(argv[1], "agent")) {
        return agent_main(STDIN_FILENO, STDOUT_FILENO, &err) < 0;
    }
    (void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* of agents that are followed to their end: it cannot work there */
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return 1;
    }
    int code = run_all();
    (void)munmap(shared, sizeof(*shared));
    return code;
}
