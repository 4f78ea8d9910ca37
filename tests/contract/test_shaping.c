/* What the shaping faults do to measured traffic when packets are held by the agent: the figures that were asked for, within what one
 * run can tell. Finer figures: ci/bench faults. */
#include <math.h>

#include "tests/contract/test_traffic.h"

#include "faults/snapshot.h"

#include <signal.h>
#include <sys/wait.h>

static struct fault_instance *inject(const char *name, const char *options)
{
    struct fault_instance *fault = lab_fault(name, options, "[\"edge\"]");
    lab_inject(fault);
    return fault;
}

static void assert_between(double found, double low, double high)
{
    if (!(found >= low && found <= high)) {
        fail_msg("found %g, expected %g to %g", found, low, high);
    }
}

static void delay_is_what_was_asked(void **state)
{
    struct traffic_plan out = traffic_out(1000, 2000), in = traffic_in(200, 1000);
    (void)state;
    struct fault_instance *fault = inject("delay", "{\"by\": \"30ms\", \"direction\": \"out\", \"mechanism\": \"queue\"}");
    assert_non_null(strstr(fault->mechanism, "nfqueue"));
    struct traffic_seen seen = traffic_run(&out, LAB_QUIET_MS);
    print_message("30 ms: p50 %.3f p99 %.3f ms\n", seen.p50_ms, seen.p99_ms);
    assert_int_equal(seen.received, 1000);
    assert_int_equal(seen.overtaken + seen.copies + seen.damaged, 0);
    assert_between(seen.p01_ms, 30, 31);
    assert_between(seen.p50_ms, 30, 35); /* a busy machine only makes it later */
    seen = traffic_run(&in, LAB_QUIET_MS);
    assert_int_equal(seen.received, 200);
    assert_between(seen.p50_ms, 0, 25); /* one way means one way */
    lab_revert(fault);
    seen = traffic_run(&out, LAB_QUIET_MS);
    assert_between(seen.p50_ms, 0, 25);
}

static void jitter_varies_and_keeps_the_order(void **state)
{
    struct traffic_plan out = traffic_out(1500, 1500);
    (void)state;
    out.flows = 50;
    struct fault_instance *fault =
        inject("delay", "{\"by\": \"40ms\", \"jitter\": \"10ms\", \"distribution\": \"normal\", \"direction\": \"out\"}");
    struct traffic_seen seen = traffic_run(&out, LAB_QUIET_MS);
    assert_int_equal(seen.received, 1500);
    assert_int_equal(seen.overtaken, 0);
    assert_between(seen.mean_ms, 38, 46);
    assert_between(seen.deviation_ms, 7, 13);
    lab_revert(fault);
    fault = inject("delay", "{\"by\": \"40ms\", \"jitter\": \"10ms\", \"overtake\": true, \"direction\": \"out\"}");
    out.flows = 1;
    seen = traffic_run(&out, LAB_QUIET_MS);
    assert_true(seen.overtaken > 300);
    assert_between(seen.p01_ms, 30, 33);
    lab_revert(fault);
}

static void loss_comes_in_bursts(void **state)
{
    enum { PACKETS = 30000 };
    struct traffic_plan in = traffic_in(PACKETS, 30000);
    (void)state;
    struct fault_instance *fault = inject("loss", "{\"probability\": \"10%\", \"burst\": 8, \"seed\": 7, \"direction\": \"in\"}");
    struct traffic_seen first = traffic_run(&in, LAB_QUIET_MS);
    double lost = PACKETS - first.received;
    print_message("10 %% in bursts of 8: %.2f %%, mean burst %.2f\n", lost / PACKETS * 100, lost / first.lost_runs);
    assert_between(lost / PACKETS, 0.08, 0.12);
    assert_between(lost / first.lost_runs, 7, 9.2);
    lab_revert(fault);
}

/* The rung without nf_tables; it is not owned by the process, so what only the journal knows must be enough to take it away. */
static void a_tc_filter_loses_its_share(void **state)
{
    enum { PACKETS = 10000 };
    struct traffic_plan in = traffic_in(PACKETS, 20000), out = traffic_out(500, 5000);
    struct fault_instance *again = NULL;
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    AUTO_JSON json_t *left = json_array();
    (void)state;
    must(snapshot_take(&before, err));
    struct fault_instance *fault = inject("loss", "{\"probability\": \"20%\", \"mechanism\": \"bpf\", \"direction\": \"in\"}");
    assert_non_null(strstr(fault->mechanism, "BPF"));
    must(fault->ops->apply(fault, err)); /* twice is one fault */
    assert_between(1 - (double)traffic_run(&in, LAB_QUIET_MS).received / PACKETS, 0.18, 0.22);
    assert_int_equal(traffic_run(&out, LAB_QUIET_MS).received, 500);
    AUTO_JSON json_t *journal = fault_instance_to_json(fault);
    fault_instance_free(fault);
    must(fault_instance_new(journal, &again, err));
    must(again->ops->revert(again, err));
    must(again->ops->revert(again, err));
    must(snapshot_compare(before, left, err));
    for (size_t i = 0; i < json_array_size(left); i++) { /* stopped processes are other tests' */
        assert_true(str_starts_with(json_string_value(json_array_get(left, i)), "stopped process"));
    }
    lab_revert(again);
    assert_int_equal(traffic_run(&in, LAB_QUIET_MS).received, PACKETS);
}

/* A seed is worth something only when the packets are the same: no probe may come between. */
static void seeds_repeat(void **state)
{
    static const char *const options[] = {"{\"probability\": \"20%\", \"seed\": 3, \"direction\": \"in\"}",
                                          "{\"probability\": \"20%\", \"seed\": 4, \"direction\": \"in\"}"};
    struct traffic_plan in = traffic_in(2000, 20000);
    int received[3];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(received); i++) {
        struct fault_instance *fault = lab_fault("loss", options[i == 2], "[\"edge\"]");
        must(fault->ops->prepare(fault, err));
        must(fault->ops->apply(fault, err));
        struct traffic_seen seen = traffic_run(&in, LAB_QUIET_MS);
        received[i] = seen.received * 10000 + seen.lost_runs;
        lab_revert(fault);
    }
    assert_int_equal(received[0], received[1]);
    assert_int_not_equal(received[0], received[2]);
}

static void duplicates_and_damage_are_shares(void **state)
{
    struct traffic_plan plans[] = {traffic_out(4000, 8000), traffic_in(4000, 8000)};
    static const char *const ways[] = {"out", "in"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        AUTO_FREE char *twice = xasprintf("{\"share\": \"10%%\", \"direction\": \"%s\"}", ways[i]);
        struct fault_instance *fault = inject("duplicate", twice);
        struct traffic_seen seen = traffic_run(&plans[i], LAB_QUIET_MS);
        assert_int_equal(seen.received, 4000);
        assert_between(seen.copies, 300, 500);
        assert_int_equal(seen.damaged, 0);
        lab_revert(fault);
        AUTO_FREE char *wrong = xasprintf("{\"share\": \"10%%\", \"direction\": \"%s\", \"mode\": \"payload\"}", ways[i]);
        fault = inject("corrupt", wrong);
        seen = traffic_run(&plans[i], LAB_QUIET_MS);
        assert_int_equal(seen.received + seen.damaged, 4000);
        assert_between(seen.damaged, 300, 500);
        lab_revert(fault);
        fault = inject("corrupt", twice);
        seen = traffic_run(&plans[i], LAB_QUIET_MS);
        assert_between(seen.received, 3500, 3700);
        assert_int_equal(seen.damaged, 0); /* the checksum told */
        lab_revert(fault);
    }
}

/* A host's own traffic: what comes in ends there, so its copies cannot be sent on. */
static void what_ends_here_comes_twice(void **state)
{
    struct traffic_plan here = {LAB_USER, "10.255.1.1", LAB_REGION, "10.1.0.1", 2000, 8000, 200, 0, NULL};
    (void)state;
    struct fault_instance *fault = inject("duplicate", "{\"share\": \"10%\", \"direction\": \"in\"}");
    struct traffic_seen seen = traffic_run(&here, LAB_QUIET_MS);
    assert_int_equal(seen.received, 2000);
    assert_between(seen.copies, 130, 280);
    lab_revert(fault);
}

static void some_fall_behind(void **state)
{
    struct traffic_plan out = traffic_out(4000, 4000);
    (void)state;
    struct fault_instance *fault = inject("reorder", "{\"share\": \"5%\", \"by\": \"5ms\", \"direction\": \"out\"}");
    struct traffic_seen seen = traffic_run(&out, LAB_QUIET_MS);
    assert_int_equal(seen.received, 4000);
    assert_between(seen.overtaken, 120, 280);
    lab_revert(fault);
}

static void a_rate_holds(void **state)
{
    struct traffic_plan out = traffic_out(2000, 4000);
    (void)state;
    out.bytes = 1000;
    struct fault_instance *fault = inject("rate", "{\"limit\": \"8Mbit\", \"queue\": \"50ms\", \"direction\": \"out\"}");
    struct traffic_seen seen = traffic_run(&out, LAB_QUIET_MS);
    double bits = (seen.received - 1) * (1000.0 + TRAFFIC_HEADERS) * 8 / ((double)(seen.last_ns - seen.first_ns) / 1e9);
    print_message("8 Mbit/s: %.3f Mbit/s\n", bits / 1e6);
    assert_between(bits, 7e6, 8.1e6);    /* a busy machine only makes it less */
    assert_between(seen.p99_ms, 40, 75); /* who would wait longer was dropped */
    assert_true(seen.received < 1300);
    lab_revert(fault);
}

static void send_letters(int sender)
{
    struct sockaddr_in address = lab_address_of("10.1.0.11", 7791);
    for (char byte = 'a'; byte <= 'e'; byte++) {
        assert_int_equal(sendto(sender, &byte, 1, 0, (struct sockaddr *)&address, sizeof(address)), 1);
    }
}

static void expect_letters(int receiver)
{
    for (char byte = 'a'; byte <= 'e'; byte++) {
        char got = 0;
        assert_true(lab_readable(receiver, LAB_PATIENCE_MS));
        assert_int_equal(recv(receiver, &got, 1, 0), 1);
        assert_int_equal(got, byte);
    }
}

/* Nothing is lost when a fault is taken away while it holds packets. */
static void what_waits_is_let_go(void **state)
{
    AUTO_FD int sender = lab_socket(LAB_USER, SOCK_DGRAM, "10.255.1.1", 0);
    AUTO_FD int receiver = lab_socket(LAB_HOST, SOCK_DGRAM, "10.1.0.11", 7791);
    (void)state;
    struct fault_instance *fault = inject("delay", "{\"by\": \"300s\", \"direction\": \"in\"}");
    send_letters(sender);
    assert_false(lab_readable(receiver, LAB_QUIET_MS));
    lab_revert(fault);
    expect_letters(receiver);
}

static void *revert_under_way(void *argument)
{
    struct fault_instance *fault = argument;
    struct err err;
    (void)poll(NULL, 0, 60); /* somewhere in the middle of the traffic */
    return fault->ops->revert(fault, &err) < 0 ? fault : NULL;
}

/* Nor of what comes while it is being taken away. */
static void a_revert_loses_no_packet(void **state)
{
    enum { ROUNDS = 10, PACKETS = 1600, PER_SECOND = 8000 };
    struct traffic_plan plans[] = {traffic_out(PACKETS, PER_SECOND), traffic_in(PACKETS, PER_SECOND)};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        void *failed = NULL;
        struct fault_instance *fault = inject("delay", "{\"by\": \"20ms\"}");
        assert_int_equal(pthread_create(&thread, NULL, revert_under_way, fault), 0);
        struct traffic_seen seen = traffic_run(&plans[i % 2], LAB_QUIET_MS);
        assert_int_equal(pthread_join(thread, &failed), 0);
        assert_null(failed);
        assert_true(seen.max_ms > 20); /* the fault was there */
        assert_true(seen.p01_ms < 20); /* and went */
        assert_int_equal(seen.received, PACKETS);
        lab_revert(fault);
    }
}

/* The kernel drops what waits in queues when a chain of anybody's goes, and sends it through a chain once more when one has come. */
static void what_waits_outlives_another_fault(void **state)
{
    AUTO_FD int sender = lab_socket(LAB_USER, SOCK_DGRAM, "10.255.1.1", 0);
    AUTO_FD int receiver = lab_socket(LAB_HOST, SOCK_DGRAM, "10.1.0.11", 7791);
    (void)state;
    struct fault_instance *fault = inject("delay", "{\"by\": \"300s\", \"direction\": \"in\"}");
    send_letters(sender);
    assert_false(lab_readable(receiver, LAB_QUIET_MS));
    struct fault_instance *other = inject("blackhole", "{\"protocol\": \"tcp\", \"port\": 9999}");
    expect_letters(receiver); /* early, not lost */
    send_letters(sender);
    assert_false(lab_readable(receiver, LAB_QUIET_MS));
    lab_revert(other);
    expect_letters(receiver);
    send_letters(sender); /* still in force */
    assert_false(lab_readable(receiver, LAB_QUIET_MS));
    lab_revert(fault);
    expect_letters(receiver);
}

static void a_killed_holder_lets_traffic_pass(void **state)
{
    int ends[2];
    char byte = 0;
    (void)state;
    assert_return_code(pipe2(ends, O_CLOEXEC), errno);
    pid_t owner = fork();
    if (owner == 0) {
        struct fault_instance *fault = lab_fault("delay", "{\"by\": \"300s\"}", "[\"edge\"]");
        struct err err;
        bool fine = fault->ops->prepare(fault, &err) == 0 && fault->ops->apply(fault, &err) == 0;
        (void)!write(ends[1], fine ? "y" : "n", 1);
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
    (void)kill(owner, SIGKILL);
    (void)waitpid(owner, NULL, 0);
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
    fd_close(ends[0]);
    fd_close(ends[1]);
}

static void a_selection_leaves_the_rest(void **state)
{
    struct traffic_plan out = traffic_out(300, 1000);
    (void)state;
    struct fault_instance *fault = inject("delay", "{\"by\": \"60ms\", \"direction\": \"out\", \"protocol\": \"udp\"}");
    assert_between(traffic_run(&out, LAB_QUIET_MS).p50_ms, 60, 90);
    lab_revert(fault);
    fault = inject("delay", "{\"by\": \"60ms\", \"direction\": \"out\", \"protocol\": \"tcp\", \"port\": 8080}");
    assert_between(traffic_run(&out, LAB_QUIET_MS).p50_ms, 0, 50);
    lab_revert(fault);
}

static void wrong_options_are_refused(void **state)
{
    static const struct {
        const char *fault, *options, *word;
    } wrong[] = {
        {"loss", "{\"probability\": \"60%\", \"burst\": 1}", "burst"},
        {"loss", "{\"every\": \"3\", \"burst\": 4}", "burst"},
        {"delay", "{\"by\": \"10ms\", \"mechanism\": \"netem\"}", "netem"},
        {"corrupt", "{\"share\": \"10%\", \"mode\": \"payload\", \"mechanism\": \"netem\"}", "netem"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err err = {0};
        struct fault_instance *fault = lab_fault(wrong[i].fault, wrong[i].options, NULL);
        assert_true(fault->ops->supported(fault, &err) < 0);
        assert_non_null(strstr(err.text, wrong[i].word));
        fault_instance_free(fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay_is_what_was_asked),
        cmocka_unit_test(jitter_varies_and_keeps_the_order),
        cmocka_unit_test(loss_comes_in_bursts),
        cmocka_unit_test(a_tc_filter_loses_its_share),
        cmocka_unit_test(seeds_repeat),
        cmocka_unit_test(duplicates_and_damage_are_shares),
        cmocka_unit_test(what_ends_here_comes_twice),
        cmocka_unit_test(some_fall_behind),
        cmocka_unit_test(a_rate_holds),
        cmocka_unit_test(what_waits_is_let_go),
        cmocka_unit_test(a_revert_loses_no_packet),
        cmocka_unit_test(what_waits_outlives_another_fault),
        cmocka_unit_test(a_killed_holder_lets_traffic_pass),
        cmocka_unit_test(a_selection_leaves_the_rest),
        cmocka_unit_test(wrong_options_are_refused),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
