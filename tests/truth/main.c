/* Truth tests: outages of known begin and end, seen by the real load driver, dated by the real measuring code.
 *
 *     truth --count N [--seed S] [--longest MS] [--parallel P] [--csv FILE]
 *
 * Each case is a server process (fixture.h), a driver process with two vantages, and the comparison of what was measured for each
 * vantage and class with what the server logged. Exit 0 when the stated resolution covered the truth every time. A run in which this
 * machine was too busy for the driver, so that a drill would be INCONCLUSIVE for it, is counted and made again; a case that comes to no
 * other run is not judged, and then the exit code is 77. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/evidence/events.h"
#include "harness/evidence/evidence.h"
#include "harness/load/load.h"
#include "harness/measure/result.h"
#include "tests/truth/drawn.h"

#define HOLD_NS (1500 * NS_PER_MS)
#define AFTER_NS (HOLD_NS + 700 * NS_PER_MS) /* the load goes on for so long after the last outage */

static const char *const vantages[] = {"near", "far"};

struct options {
    long count, seed, longest_ms, parallel;
    char *csv;
};

struct tally { /* shared by all cases */
    int observations, wrong, outages, broken;
    int spoilt, unjudged; /* runs in which the driver was late by itself; cases of which every run was so */
};

enum { EXIT_SPOILT = 3, TRIES = 4, PARALLEL_MAX = 64, EXIT_SKIPPED = 77 };

struct slot { /* a case that runs */
    pid_t pid;
    long number;
    int tries;
};

static void need(int status, const struct err *err)
{
    if (status < 0) {
        fprintf(stderr, "truth: %s\n", err->text);
        exit(1);
    }
}

static void sleep_until(int64_t at_ns)
{
    struct timespec at = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
    }
}

static struct load *start_load(const struct drawn *drawn, const char *folder, const char *vantage, int port)
{
    struct err err = {0};
    struct load *load = NULL;
    AUTO_FREE char *url = xasprintf("http://127.0.0.1:%d/orders", port);
    AUTO_FREE char *ledger = xasprintf("%s/ledger-%s.bin", folder, vantage);
    AUTO_FREE char *prefix = xasprintf("t-%s-", vantage);
    AUTO_JSON json_t *settings = json_pack(
        "{s:s, s:s, s:s, s:f, s:f, s:I, s:f, s:s, s:s, s:i, s:b, s:{s:s}, s:{s:s, s:s, s:s}}", "vantage", vantage, "ledger",
        ledger, "id_prefix", prefix, "rate", drawn->rate, "write_share", drawn->write_share, "deadline_ms",
        (json_int_t)(drawn->latency_ns / NS_PER_MS), "max_seconds", (double)(drawn->end_ns + AFTER_NS) / 1e9, "shape",
        drawn->poisson ? "poisson" : "constant", "connections", drawn->fresh_connections ? "mixed" : "keepalive", "seed",
        (int)drawn->seed, "realtime", 1, "read", "url", url, "write", "url", url, "method", "PUT", "body", "{{id}}");
    need(load_start(settings, &load, &err), &err);
    return load;
}

static pid_t start_driver(const struct drawn *drawn, const char *folder, int port)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    struct err err = {0};
    struct load *loads[ARRAY_LEN(vantages)];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < ARRAY_LEN(vantages); i++) {
        loads[i] = start_load(drawn, folder, vantages[i], port);
    }
    sleep_until(drawn->begin_ns + drawn->end_ns + AFTER_NS);
    for (size_t i = 0; i < ARRAY_LEN(vantages); i++) {
        AUTO_JSON json_t *summary = NULL;
        need(load_stop(loads[i], &summary, &err), &err);
        load_free(loads[i]);
    }
    exit(0);
}

static void add_event(struct events *events, int64_t t_ns, const char *kind, json_t *fields)
{
    struct err err = {0};
    need(events_add(events, t_ns, kind, fields, &err), &err);
}

static void write_evidence(const struct drawn *drawn, const char *folder)
{
    struct err err = {0};
    struct events *events CLEANUP(events_cleanup) = NULL;
    AUTO_FREE char *events_path = xasprintf("%s/events.jsonl", folder), *plan_path = xasprintf("%s/plan.json", folder);
    int64_t at_ns = drawn->begin_ns + drawn->disruption_ns;
    AUTO_JSON json_t *plan = json_pack("{s:[s], s:{s:I}}", "objectives", "rto <= 60s", "measure", "hold_ns", (json_int_t)HOLD_NS);
    need(json_write_file(plan_path, plan, &err), &err);
    need(events_open(events_path, &events, &err), &err);
    add_event(events, at_ns, "fault.requested",
              json_pack("{s:s, s:s, s:s}", "fault_id", "f1", "fault", "fixture", "target", "server"));
    add_event(events, at_ns, "fault.applied",
              json_pack("{s:s, s:I, s:I, s:s}", "fault_id", "f1", "before_ns", (json_int_t)at_ns, "after_ns", (json_int_t)at_ns,
                        "mechanism", "server"));
    add_event(events, at_ns, "fault.proven", json_pack("{s:s, s:b, s:s}", "fault_id", "f1", "ok", 1, "proof", "its log"));
    add_event(events, clock_now_ns(), "drill.end", json_pack("{s:s}", "conclusion", "completed"));
}

/* How far `measured` is from the bracket: 0 inside. */
static int64_t distance_ns(int64_t measured_ns, int64_t from_ns, int64_t to_ns)
{
    return measured_ns < from_ns ? from_ns - measured_ns : measured_ns > to_ns ? measured_ns - to_ns : 0;
}

static bool is_covered(const struct observation *seen, const struct truth *truth)
{
    if (seen->outage != truth->outage) {
        return false;
    }
    return !truth->outage ||
           (seen->recovery_ns &&
            distance_ns(seen->outage_start_ns, truth->start_from_ns, truth->start_to_ns) <= seen->start_resolution_ns &&
            distance_ns(seen->recovery_ns, truth->recovery_from_ns, truth->recovery_to_ns) <= seen->recovery_resolution_ns);
}

static double us(int64_t ns)
{
    return (double)ns / NS_PER_US;
}

static const char csv_head[] =
    "case,kind,flapping,server_stalls,driver_stalls,poisson,connections,vantage,class,rate,agreed_ms,"
    "length_ms,outage,seen,start_error_us,start_resolution_us,recovery_error_us,recovery_resolution_us,"
    "gap_us,start_bracket_us,recovery_bracket_us,late_max_us,covered\n";

static void compare(const struct drawn *drawn, const struct truth *truth, const struct result *result,
                    const struct observation *seen, FILE *csv, struct tally *tally)
{
    double share = seen->request_class == CLASS_WRITE ? drawn->write_share : 1 - drawn->write_share;
    bool covered = is_covered(seen, truth), both = truth->outage && seen->outage && seen->recovery_ns;
    int64_t start_ns = (truth->start_from_ns + truth->start_to_ns) / 2;
    int64_t recovery_ns = (truth->recovery_from_ns + truth->recovery_to_ns) / 2;
    fprintf(csv, "%u,%s,%d,%d,%d,%d,%s,%s,%s,%.0f,%.0f,%.3f,%d,%d,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%d\n", drawn->seed,
            fixture_mode_name(drawn->kind), drawn->flapping, drawn->server_stalls, drawn->driver_stalls, drawn->poisson,
            drawn->fresh_connections ? "mixed" : "keepalive", seen->vantage, class_name(seen->request_class), drawn->rate,
            us(drawn->latency_ns) / 1e3, us(recovery_ns - start_ns) / 1e3, truth->outage, seen->outage,
            both ? us(seen->outage_start_ns - start_ns) : 0, us(seen->start_resolution_ns),
            both ? us(seen->recovery_ns - recovery_ns) : 0, us(seen->recovery_resolution_ns), 1e6 / (drawn->rate * share),
            us(truth->start_to_ns - truth->start_from_ns), us(truth->recovery_to_ns - truth->recovery_from_ns),
            result->driver.late_max_s * 1e6, covered);
    __atomic_fetch_add(&tally->observations, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&tally->outages, truth->outage, __ATOMIC_RELAXED);
    __atomic_fetch_add(&tally->wrong, !covered, __ATOMIC_RELAXED);
    if (!covered) {
        fprintf(
            stderr,
            "case %u (%s): %ss from %s: outage %d, seen %d; start %.3f ms off, stated %.3f; recovery %.3f ms off, stated %.3f\n",
            drawn->seed, fixture_mode_name(drawn->kind), class_name(seen->request_class), seen->vantage, truth->outage,
            seen->outage, us(distance_ns(seen->outage_start_ns, truth->start_from_ns, truth->start_to_ns)) / 1e3,
            us(seen->start_resolution_ns) / 1e3,
            us(distance_ns(seen->recovery_ns, truth->recovery_from_ns, truth->recovery_to_ns)) / 1e3,
            us(seen->recovery_resolution_ns) / 1e3);
    }
}

static void judge(const struct drawn *drawn, const struct fixture *fixture, const char *folder, FILE *csv, struct tally *tally)
{
    struct err err = {0};
    struct evidence *evidence CLEANUP(evidence_cleanup) = NULL;
    struct result *result CLEANUP(result_cleanup) = NULL;
    struct truth truth = drawn_truth(drawn, fixture);
    need(evidence_load(folder, &evidence, &err), &err);
    need(measure_evidence(evidence, &result, &err), &err);
    if (result->observation_count != 2 * ARRAY_LEN(vantages) || fixture->done != fixture->count) {
        fprintf(stderr, "case %u: %zu observations, %d of %d actions done\n", drawn->seed, result->observation_count,
                fixture->done, fixture->count);
        __atomic_fetch_add(&tally->broken, 1, __ATOMIC_RELAXED);
        return;
    }
    if (result->driver.late_max_s * 1e9 > (double)(drawn->driver_stall_ns + drawn->latency_ns / 5)) {
        exit(EXIT_SPOILT);
    }
    for (size_t i = 0; i < result->observation_count; i++) {
        compare(drawn, &truth, result, &result->observations[i], csv, tally);
    }
}

/* The driver ends soon after its load; one that does not is broken, and where it hangs is shown. */
static int await_driver(const struct drawn *drawn, pid_t driver)
{
    int64_t until_ns = drawn->begin_ns + drawn->end_ns + AFTER_NS + 15 * NS_PER_S;
    int status = 0;
    while (waitpid(driver, &status, WNOHANG) == 0) {
        if (clock_now_ns() > until_ns) {
            AUTO_FREE char *show = xasprintf("/proc/%d/status", (int)driver);
            char *text = NULL;
            size_t size;
            struct err err = {0};
            if (fd_read_file(show, 65536, &text, &size, &err) == 0) {
                fprintf(stderr, "case %u: the driver hangs:\n%s\n", drawn->seed, text);
            }
            free(text);
            kill(driver, SIGKILL);
            waitpid(driver, &status, 0);
            return -1;
        }
        sleep_until(clock_now_ns() + 20 * NS_PER_MS);
    }
    return status;
}

static void run_case(unsigned seed, const struct options *options, const char *folder, struct tally *tally)
{
    struct fixture *fixture = mmap(NULL, sizeof(*fixture), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct drawn drawn;
    FILE *csv = fopen(options->csv, "ae");
    pid_t server = fixture_start(fixture);
    drawn_make(seed, options->longest_ms * NS_PER_MS, clock_now_ns() + 30 * NS_PER_MS, &drawn, fixture);
    pid_t driver = start_driver(&drawn, folder, fixture->port);
    int status = 0;
    if (drawn.driver_stall_ns) {
        sleep_until(drawn.begin_ns + drawn.driver_stall_at_ns);
        kill(driver, SIGSTOP);
        sleep_until(clock_now_ns() + drawn.driver_stall_ns);
        kill(driver, SIGCONT);
    }
    status = await_driver(&drawn, driver);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    if (!csv || status != 0) {
        fprintf(stderr, "case %u: the driver failed\n", seed);
        exit(1);
    }
    write_evidence(&drawn, folder);
    setvbuf(csv, NULL, _IOFBF, 1 << 16); /* a case's lines stay together */
    judge(&drawn, fixture, folder, csv, tally);
    exit(fclose(csv) == 0 ? 0 : 1);
}

static void start_case(struct slot *slot, const struct options *options, const char *folder, struct tally *tally)
{
    struct err err = {0};
    AUTO_FREE char *own = xasprintf("%s/%ld-%d", folder, slot->number, slot->tries++);
    need(fd_make_dirs(own, 0755, &err), &err);
    slot->pid = fork();
    if (slot->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_case((unsigned)(options->seed + slot->number), options, own, tally);
    }
}

/* Waits for a case to end; gives its slot, free, or running again when its run was spoilt. */
static void end_one(struct slot *slots, const struct options *options, const char *folder, struct tally *tally)
{
    int status;
    pid_t pid = wait(&status);
    for (long i = 0; i < options->parallel; i++) {
        if (pid <= 0 || slots[i].pid != pid) {
            continue;
        }
        bool spoilt = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SPOILT, again = spoilt && slots[i].tries < TRIES;
        tally->spoilt += spoilt;
        tally->unjudged += spoilt && !again;
        tally->broken += status != 0 && !spoilt;
        slots[i].pid = 0;
        if (again) {
            start_case(&slots[i], options, folder, tally);
        }
    }
}

static struct slot *free_slot(struct slot *slots, long count)
{
    for (long i = 0; i < count; i++) {
        if (slots[i].pid == 0) {
            return &slots[i];
        }
    }
    return NULL;
}

static bool is_idle(const struct slot *slots, long count)
{
    for (long i = 0; i < count; i++) {
        if (slots[i].pid != 0) {
            return false;
        }
    }
    return true;
}

static void run_all(const struct options *options, const char *folder, struct tally *tally)
{
    struct slot slots[PARALLEL_MAX] = {0};
    for (long i = 0; i < options->count; i++) {
        struct slot *slot;
        while (!(slot = free_slot(slots, options->parallel))) {
            end_one(slots, options, folder, tally);
        }
        *slot = (struct slot){.number = i};
        start_case(slot, options, folder, tally);
    }
    while (!is_idle(slots, options->parallel)) {
        end_one(slots, options, folder, tally);
    }
}

static void read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"count", required_argument, NULL, 'c'},   {"seed", required_argument, NULL, 's'},
                                          {"longest", required_argument, NULL, 'l'}, {"parallel", required_argument, NULL, 'p'},
                                          {"csv", required_argument, NULL, 'f'},     {0}};
    for (int key; (key = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        long number = optarg ? strtol(optarg, NULL, 10) : 0;
        switch (key) {
        case 'c':
            options->count = number;
            break;
        case 's':
            options->seed = number;
            break;
        case 'l':
            options->longest_ms = number;
            break;
        case 'p':
            options->parallel = number;
            break;
        case 'f':
            options->csv = optarg;
            break;
        default:
            fprintf(stderr, "usage: truth --count N [--seed S] [--longest MS] [--parallel P] [--csv FILE]\n");
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct options options = {.count = 24, .seed = 1, .longest_ms = 1500, .parallel = 6};
    char folder[] = "/tmp/drill-truth-XXXXXX";
    struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct rlimit files;
    struct err err = {0};
    read_options(argc, argv, &options);
    options.parallel = options.parallel < 1 ? 1 : options.parallel > PARALLEL_MAX ? PARALLEL_MAX : options.parallel;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (!mkdtemp(folder)) {
        perror("truth: a temporary folder");
        return 1;
    }
    AUTO_FREE char *fallback = xasprintf("%s/truth.csv", folder);
    options.csv = options.csv ? options.csv : fallback;
    need(fd_write_file_atomic(options.csv, csv_head, strlen(csv_head), &err), &err);
    int64_t begun_ns = clock_now_ns();
    run_all(&options, folder, tally);
    printf(
        "%ld cases, %d observations, %d of an outage; the stated resolution covers the truth in %d, not in %d; %d cases broken; "
        "%d runs spoilt by a busy machine, %d cases not judged for it; %.1f s\n",
        options.count, tally->observations, tally->outages, tally->observations - tally->wrong, tally->wrong, tally->broken,
        tally->spoilt, tally->unjudged, (double)(clock_now_ns() - begun_ns) / NS_PER_S);
    need(fd_remove_tree(folder, &err), &err);
    return tally->wrong || tally->broken ? 1 : tally->unjudged || tally->observations == 0 ? EXIT_SKIPPED : 0;
}
