/* How exactly network faults do what they are asked for: measured by a receiver in a namespace of its own, over every mechanism that this
 * kernel has. Prints a table, and with --json FILE the figures. Run by ci/bench faults. */
#include <math.h>

#include "tests/contract/test_traffic.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "faults/process/proc.h"
#include "harness/agent/link.h"
#include "tests/bench/faults_agent.h"

enum { LOSS_PACKETS = 60000, LOSS_RATE = 30000, DELAY_PACKETS = 15000, DELAY_RATE = 5000, REPEATS = 3, CUTS = 7 };

static json_t *figures;
static bool missed; /* a goal */

/* `goal` 0: a figure without one. */
static void figure(const char *name, double value, const char *unit, double goal)
{
    bool met = goal <= 0 || value <= goal;
    json_t *json = json_pack("{s:s, s:f, s:s}", "name", name, "value", value, "unit", unit);
    char limit[32] = "-";
    if (goal > 0) {
        json_object_set_new(json, "goal", json_real(goal));
        json_object_set_new(json, "met", json_boolean(met));
        (void)str_format(limit, sizeof(limit), "<= %g", goal);
    }
    missed = missed || !met;
    json_array_append_new(figures, json);
    printf("%-72s %12.3f %-10s %-10s %s\n", name, value, unit, limit, goal <= 0 ? "" : met ? "met" : "NOT MET");
    (void)fflush(stdout);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), traffic_compare);
    return values[count / 2];
}

static double worst(const double *values, size_t count)
{
    double most = values[0];
    for (size_t i = 1; i < count; i++) {
        most = values[i] > most ? values[i] : most;
    }
    return most;
}

static struct fault_instance *inject(const char *name, const char *options)
{
    struct fault_instance *fault = lab_fault(name, options, "[\"edge\"]");
    must(fault->ops->supported(fault, err));
    must(fault->ops->prepare(fault, err));
    must(fault->ops->apply(fault, err));
    return fault;
}

/* ---- the link emulator, beside the faults: a pair of links of its own between the user and the host ---- */

static struct links *links;

static void emulate(const char *settings)
{
    AUTO_JSON json_t *params = NULL, *result = NULL;
    AUTO_FREE char *text = xasprintf("{\"seed\": 5, \"links\": [{\"name\": \"l\", \"a\": \"la\", \"b\": \"lb\"%s}]}", settings);
    must(json_parse(text, strlen(text), &params, err));
    lab_enter(LAB_REGION);
    must(links_set(&links, params, &result, err));
}

static void make_emulated_link(void)
{
    static const struct {
        int place;
        const char *address;
    } ends[] = {{LAB_USER, "10.77.0.1"}, {LAB_HOST, "10.77.0.2"}};
    lab_enter(LAB_REGION);
    lab_wire("la", "over", LAB_USER);
    lab_wire("lb", "over", LAB_HOST);
    must(link_set_up("la", true, err));
    must(link_set_up("lb", true, err));
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        lab_enter(ends[i].place);
        lab_set_address("over", ends[i].address, 24);
        must(link_set_up("over", true, err));
    }
    emulate("");
    assert_true(lab_passes(LAB_USER, "10.77.0.1", LAB_HOST, "10.77.0.2", true));
}

static struct traffic_plan over_link(int count, int per_second)
{
    return (struct traffic_plan){LAB_USER, "10.77.0.1", LAB_HOST, "10.77.0.2", count, per_second, 200, 0, NULL};
}

/* ---- loss ---- */

static void one_loss(const char *mechanism, double percent, const struct traffic_seen *seen)
{
    double share = percent / 100, lost = LOSS_PACKETS - seen->received;
    double sigma = sqrt(LOSS_PACKETS * share * (1 - share));
    AUTO_FREE char *name = xasprintf("loss %g %% by %s: %.3f %% of %d packets; off by", percent, mechanism,
                                     lost / LOSS_PACKETS * 100, (int)LOSS_PACKETS);
    figure(name, fabs(lost - LOSS_PACKETS * share) / sigma, "sigma", 3);
}

/* What the kernel's rules, or who holds the packets, have counted as dropped: "… X of Y … packets" at the end of the proof. */
static double counted_drops(struct fault_instance *fault)
{
    struct buf proof CLEANUP(buf_clear) = {0};
    const char *at = NULL;
    must(fault->ops->prove(fault, &proof, err));
    for (const char *next = buf_str(&proof); (next = strstr(next, " of ")); next++) {
        at = next;
    }
    assert_non_null(at);
    while (at > buf_str(&proof) && at[-1] >= '0' && at[-1] <= '9') {
        at--;
    }
    return strtod(at, NULL);
}

/* Neighbours' own packets may be among those that were dropped. */
static void compare_drops(const char *mechanism, double percent, const struct traffic_seen *seen, double dropped)
{
    double lost = LOSS_PACKETS - seen->received;
    AUTO_FREE char *name =
        xasprintf("loss %g %% by %s: it counted %.0f, the receiver missed %.0f; apart by", percent, mechanism, dropped, lost);
    figure(name, fabs(dropped - lost), "packets", 5);
}

static void loss(void)
{
    static const char *const mechanisms[] = {"nft", "bpf", "queue"};
    static const double percents[] = {1, 5, 30};
    struct traffic_plan in = traffic_in(LOSS_PACKETS, LOSS_RATE), over = over_link(LOSS_PACKETS, LOSS_RATE);
    for (size_t i = 0; i < ARRAY_LEN(percents); i++) {
        for (size_t k = 0; k < ARRAY_LEN(mechanisms); k++) {
            AUTO_FREE char *options = xasprintf("{\"probability\": \"%g%%\", \"mechanism\": \"%s\", \"direction\": \"in\"%s}",
                                                percents[i], mechanisms[k], k == 2 ? ", \"seed\": 11" : "");
            struct fault_instance *fault = inject("loss", options);
            struct traffic_seen seen = traffic_run(&in, LAB_QUIET_MS);
            one_loss(mechanisms[k], percents[i], &seen);
            compare_drops(mechanisms[k], percents[i], &seen, counted_drops(fault));
            lab_revert(fault);
        }
        AUTO_FREE char *settings = xasprintf(", \"loss\": %g", percents[i] / 100);
        emulate(settings);
        struct traffic_seen seen = traffic_run(&over, LAB_QUIET_MS);
        one_loss("link emulator", percents[i], &seen);
    }
    emulate("");
}

static void one_burst(const char *mechanism, const struct traffic_plan *plan)
{
    struct traffic_seen seen = traffic_run(plan, LAB_QUIET_MS);
    double lost = plan->count - seen.received, mean = lost / seen.lost_runs;
    AUTO_FREE char *name =
        xasprintf("10 %% loss in bursts of 5 by %s: %.2f %%, mean burst %.3f; off by", mechanism, lost / plan->count * 100, mean);
    figure(name, fabs(mean / 5 - 1) * 100, "%", 5);
}

static void bursts(void)
{
    struct traffic_plan in = traffic_in(5 * LOSS_PACKETS, LOSS_RATE), over = over_link(5 * LOSS_PACKETS, LOSS_RATE);
    struct fault_instance *fault = inject("loss", "{\"probability\": \"10%\", \"burst\": 5, \"seed\": 2, \"direction\": \"in\"}");
    one_burst("queue", &in);
    lab_revert(fault);
    emulate(", \"loss\": 0.1, \"burst\": 5");
    one_burst("link emulator", &over);
    emulate("");
}

/* ---- delay ---- */

static void one_delay(const char *mechanism, const struct traffic_plan *plan)
{
    double middle[REPEATS], late[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        struct traffic_seen seen = traffic_run(plan, LAB_QUIET_MS);
        assert_int_equal(seen.received, plan->count);
        middle[i] = fabs(seen.p50_ms - 50);
        late[i] = seen.p99_ms - 50;
    }
    AUTO_FREE char *first = xasprintf("delay 50 ms by %s at %d/s: median off by", mechanism, plan->per_second);
    AUTO_FREE char *second = xasprintf("delay 50 ms by %s at %d/s: p99 off by", mechanism, plan->per_second);
    figure(first, median(middle, REPEATS), "ms", 0.2);
    figure(second, median(late, REPEATS), "ms", 3);
}

static void delay(void)
{
    struct traffic_plan out = traffic_out(DELAY_PACKETS, DELAY_RATE), over = over_link(DELAY_PACKETS, DELAY_RATE);
    struct fault_instance *fault = inject("delay", "{\"by\": \"50ms\", \"mechanism\": \"queue\", \"direction\": \"out\"}");
    one_delay("queue", &out);
    lab_revert(fault);
    emulate(", \"latency_ms\": 50");
    one_delay("link emulator", &over);
    emulate("");
}

/* ---- rate, and what goes through at most ---- */

static double bits_per_second(const struct traffic_seen *seen, const struct traffic_plan *plan)
{
    return (seen->received - 1) * (double)(plan->bytes + TRAFFIC_HEADERS) * 8 / ((double)(seen->last_ns - seen->first_ns) / 1e9);
}

static void rate(void)
{
    static const int megabits[] = {1, 10, 100};
    for (size_t i = 0; i < ARRAY_LEN(megabits); i++) {
        struct traffic_plan out = traffic_out(megabits[i] * 600, megabits[i] * 200); /* 1.7 times what passes, for 3 s */
        out.bytes = 1000;
        AUTO_FREE char *options = xasprintf("{\"limit\": \"%dMbit\", \"direction\": \"out\"}", megabits[i]);
        struct fault_instance *fault = inject("rate", options);
        struct traffic_seen seen = traffic_run(&out, LAB_QUIET_MS);
        lab_revert(fault);
        AUTO_FREE char *name = xasprintf("rate %d Mbit/s by queue: off by", megabits[i]);
        figure(name, fabs(bits_per_second(&seen, &out) / (megabits[i] * 1e6) - 1) * 100, "%", 2);
    }
}

static void one_flood(const char *name, struct traffic_plan plan)
{
    struct traffic_seen seen = traffic_run(&plan, LAB_QUIET_MS);
    AUTO_FREE char *full = xasprintf("flood through %s: %.2f %% arrived, 99 %% of it after %.3f ms", name,
                                     100.0 * seen.received / plan.count, seen.p01_ms);
    figure(full, seen.received / ((double)(seen.last_ns - seen.first_ns) / 1e9) / 1000, "kpps", 0);
}

static void flood(void)
{
    enum { FLOOD = 200000, AS_FAST_AS_IT_GOES = 100000000 };
    one_flood("the lab itself", traffic_out(FLOOD, AS_FAST_AS_IT_GOES));
    struct fault_instance *fault = inject("delay", "{\"by\": \"1ms\", \"mechanism\": \"queue\", \"direction\": \"out\"}");
    one_flood("queue, 1 ms", traffic_out(FLOOD, AS_FAST_AS_IT_GOES));
    lab_revert(fault);
    emulate(", \"latency_ms\": 1");
    one_flood("link emulator, 1 ms", over_link(FLOOD, AS_FAST_AS_IT_GOES));
    emulate("");
}

/* ---- when a fault begins and ends ---- */

struct background {
    struct traffic_plan plan;
    struct traffic_seen seen;
    pthread_t thread;
};

static void *run_background(void *argument)
{
    struct background *background = argument;
    background->seen = traffic_run(&background->plan, LAB_QUIET_MS);
    return NULL;
}

static void begin(struct background *background, struct traffic_plan plan)
{
    *background = (struct background){.plan = plan};
    assert_int_equal(pthread_create(&background->thread, NULL, run_background, background), 0);
    (void)poll(NULL, 0, 200); /* traffic flows before anything happens */
}

static void end(struct background *background)
{
    assert_int_equal(pthread_join(background->thread, NULL), 0);
    lab_enter(LAB_REGION);
}

static void partition(void)
{
    double late[CUTS], open[CUTS];
    for (int i = 0; i < CUTS; i++) {
        struct background shut, passing;
        struct traffic_plan plan = {LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", 8000, 10000, 200, 0, NULL};
        struct fault_instance *fault = lab_fault("partition", "{\"direction\": \"in\"}", NULL);
        must(fault->ops->prepare(fault, err));
        begin(&shut, plan);
        must(fault->ops->apply(fault, err));
        int64_t applied_ns = traffic_now_ns();
        end(&shut);
        double after_ms = (double)(shut.seen.last_sent_ns - applied_ns) / (double)NS_PER_MS;
        late[i] = after_ms > 0 ? after_ms : 0;
        begin(&passing, (struct traffic_plan){LAB_HOST, "10.1.0.11", LAB_PEER, "10.2.0.1", 3000, 10000, 200, 0, NULL});
        end(&passing);
        open[i] = 3000 - passing.seen.received;
        lab_revert(fault);
    }
    figure("partition: a packet passed so long after apply had returned, at most", worst(late, CUTS), "ms", 5);
    figure("partition one way: packets lost on the open way (of 3000), at most", worst(open, CUTS) + 0.0, "packets", 0.5);
}

static void wait_for_link(void)
{
    struct link_info info = {0};
    while (!info.up) {
        must(link_get("edge", &info, err));
    }
}

static double ms_since(int64_t then_ns)
{
    return (double)(traffic_now_ns() - then_ns) / (double)NS_PER_MS;
}

/* The controller is killed, and the kernel closes the agent's input; or the agent itself is. Gives when the first packet came that was
 * sent after that, and in *ret_link_ms (may be NULL) when the link was up. */
static double undone_ms(const char *fault, const char *options, bool kill_agent, double *ret_link_ms)
{
    static _Atomic int64_t died_ns;
    struct background background;
    struct traffic_plan plan = traffic_in(12000, 10000);
    atomic_store(&died_ns, 0);
    plan.watch_ns = &died_ns;
    struct agent agent = start_agent(fault, options, region_target);
    begin(&background, plan);
    atomic_store(&died_ns, traffic_now_ns());
    (void)kill(kill_agent ? agent.pid : agent.controller, SIGKILL);
    if (ret_link_ms) {
        wait_for_link();
        *ret_link_ms = ms_since(atomic_load(&died_ns));
    }
    end(&background);
    end_agent(&agent);
    assert_true(background.seen.first_ns > atomic_load(&died_ns)); /* until then the fault was in force */
    assert_true(background.seen.after_ns > 0);
    return (double)(background.seen.after_ns - atomic_load(&died_ns)) / (double)NS_PER_MS;
}

static char state_of(pid_t pid)
{
    struct proc_info info = {0};
    return proc_read(pid, &info) ? info.state : 0;
}

/* The same of a stopped process: when it runs on. When the agent itself is killed, nobody is left to let it: `drill undo` has to. */
static double resumed_ms(void)
{
    pid_t victim = fork();
    if (victim == 0) {
        for (;;) {
            (void)pause();
        }
    }
    AUTO_FREE char *target =
        xasprintf("\"kind\":\"service\",\"name\":\"victim\",\"services\":[\"victim\"],\"pids\":[%d]", (int)victim);
    struct agent agent = start_agent("pause", "{}", target);
    while (state_of(victim) != 'T') {
    }
    int64_t died_ns = traffic_now_ns();
    (void)kill(agent.controller, SIGKILL);
    while (state_of(victim) == 'T') {
    }
    double ms = ms_since(died_ns);
    end_agent(&agent);
    (void)kill(victim, SIGKILL);
    (void)waitpid(victim, NULL, 0);
    return ms;
}

static void undone(void)
{
    static const char *const faults[][2] = {
        {"blackhole", "{}"}, {"refuse", "{}"}, {"loss", "{\"probability\": \"100%\"}"}, {"delay", "{\"by\": \"300s\"}"}};
    double ms[REPEATS];
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        for (int killed = 0; killed < 2; killed++) {
            for (int k = 0; k < REPEATS; k++) {
                ms[k] = undone_ms(faults[i][0], faults[i][1], killed, NULL);
            }
            AUTO_FREE char *name = xasprintf("%s: traffic is back after the SIGKILL of the %s, at most", faults[i][0],
                                             killed ? "agent" : "controller");
            figure(name, worst(ms, REPEATS), "ms", 50);
        }
    }
    for (int k = 0; k < REPEATS; k++) {
        ms[k] = resumed_ms();
    }
    figure("pause: the process runs on after the SIGKILL of the controller, at most", worst(ms, REPEATS), "ms", 50);
}

/* After a link was down the neighbours must find each other again: that is the kernel's own time, up to a second and more. */
static void link_undone(void)
{
    double traffic[REPEATS], link[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        traffic[i] = undone_ms("link_down", "{}", false, &link[i]);
    }
    figure("link_down: the link is up after the SIGKILL of the controller, at most", worst(link, REPEATS), "ms", 50);
    figure("link_down: traffic is back after the SIGKILL of the controller, at most", worst(traffic, REPEATS), "ms", 0);
}

static void bench(void **state)
{
    (void)state;
    printf("%-72s %12s %-10s %-10s\n", "figure", "value", "unit", "goal");
    make_emulated_link();
    delay();
    partition();
    undone();
    link_undone();
    rate();
    loss();
    bursts();
    flood();
    links_free(links);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bench)};
    const char *path = argc == 4 && str_eq(argv[2], "--json") ? argv[3] : NULL;
    struct err err = {0};
    if (argc < 2 || (argc > 2 && !path)) {
        fprintf(stderr, "usage: bench_faults DRILL [--json FILE]\n");
        return 2;
    }
    agent_drill = argv[1];
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* an agent whose controller was killed */
    figures = json_array();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    AUTO_JSON json_t *all = json_pack("{s:o}", "figures", figures);
    AUTO_FREE char *text = json_dumps(all, JSON_INDENT(1));
    if (path && fd_write_file_atomic(path, text, strlen(text), &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return failed || missed;
}
