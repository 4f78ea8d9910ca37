/* The kernel's netem through the faults that use it: each setting read back from the kernel and seen by measured traffic. Where the
 * kernel has no sch_netem it is skipped; tests/netem boots one that has. Limits are wide: an emulated machine is slow, and it is the
 * kernel's own accuracy that shows. */
#include <math.h>

#include "tests/contract/test_traffic.h"

#include "faults/netem.h"
#include "faults/snapshot.h"

enum { TRIES = 3 };

static void assert_between(double found, double low, double high)
{
    if (!(found >= low && found <= high)) {
        fail_msg("found %g, expected %g to %g", found, low, high);
    }
}

static struct fault_instance *inject(const char *name, const char *options)
{
    AUTO_FREE char *all =
        xasprintf("{%s, \"direction\": \"out\"%s}", options, strstr(options, "mechanism") ? "" : ", \"mechanism\": \"netem\"");
    struct fault_instance *fault = lab_fault(name, all, "[\"edge\"]");
    lab_inject(fault);
    assert_string_equal(fault->mechanism, "netem");
    return fault;
}

static struct shape read_back(void)
{
    struct netem_found found;
    must(netem_read("edge", &found, err));
    assert_string_equal(found.kind, "netem");
    assert_int_equal(found.handle, NETEM_OF_FAULT);
    return found.shape;
}

static void take_away(struct fault_instance *fault)
{
    struct netem_found found;
    lab_revert(fault);
    must(netem_read("edge", &found, err));
    assert_string_not_equal(found.kind, "netem");
}

static struct traffic_seen out(int count, int per_second, int bytes)
{
    struct traffic_plan plan = traffic_out(count, per_second);
    plan.bytes = bytes;
    return traffic_run(&plan, 300);
}

static void delay(void **state)
{
    (void)state;
    struct fault_instance *fault = inject("delay", "\"by\": \"50ms\"");
    assert_int_equal(read_back().delay_ns, 50 * NS_PER_MS);
    struct traffic_seen seen = out(1000, 1000, 200);
    print_message("delay 50 ms: p50 %.2f p99 %.2f ms\n", seen.p50_ms, seen.p99_ms);
    assert_int_equal(seen.received, 1000);
    assert_between(seen.p01_ms, 49.9, 60);
    assert_between(seen.p50_ms, 49.9, 80);
    take_away(fault);
    assert_between(out(300, 1000, 200).p50_ms, 0, 40);
}

/* A delay that libnl's own setters, which take int microseconds and ticks, turn into another one. */
static void long_delays_do_not_wrap(void **state)
{
    (void)state;
    struct fault_instance *fault = inject("delay", "\"by\": \"500s\", \"jitter\": \"1us\", \"overtake\": true");
    assert_int_equal(read_back().delay_ns, 500 * NS_PER_S);
    assert_int_equal(read_back().jitter_ns, 1000);
    take_away(fault);
}

static void jitter(void **state)
{
    static const struct {
        const char *distribution;
        double half_ms; /* between the quarters of such a distribution: a stalled machine moves them little */
    } asked[] = {{"uniform", 10}, {"normal", 13.5}, {"pareto", 9}};
    (void)state;
    for (size_t at = 0; at < ARRAY_LEN(asked); at++) {
        AUTO_FREE char *options = xasprintf(
            "\"by\": \"50ms\", \"jitter\": \"10ms\", \"overtake\": true, \"distribution\": \"%s\"", asked[at].distribution);
        struct fault_instance *fault = inject("delay", options);
        assert_int_equal(read_back().jitter_ns, 10 * NS_PER_MS);
        struct traffic_seen seen = {0};
        double half_ms = INFINITY;
        for (int i = 0; i < TRIES && half_ms > asked[at].half_ms * 1.4; i++) { /* a busy machine makes it more */
            seen = out(2000, 1000, 200);
            half_ms = seen.p75_ms - seen.p25_ms;
        }
        print_message("jitter 10 ms %s: p01 %.2f p25 %.2f p50 %.2f p75 %.2f p99 %.2f ms\n", asked[at].distribution, seen.p01_ms,
                      seen.p25_ms, seen.p50_ms, seen.p75_ms, seen.p99_ms);
        assert_between(seen.p50_ms, 46, 65);
        assert_between(half_ms, asked[at].half_ms * 0.8, asked[at].half_ms * 2.4);
        take_away(fault);
    }
}

static void loss(void **state)
{
    static const struct {
        double share;
        int packets;
    } asked[] = {{0.01, 60000}, {0.05, 60000}, {0.3, 60000}, {0.6, 5000}}; /* over a half a signed number is negative */
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        double share = asked[i].share, packets = asked[i].packets, sigma = sqrt(packets * share * (1 - share));
        AUTO_FREE char *options = xasprintf("\"probability\": \"%g%%\"", share * 100);
        struct fault_instance *fault = inject("loss", options);
        assert_between(read_back().loss, share - 1e-6, share + 1e-6);
        double lost = INFINITY;
        for (int j = 0; j < TRIES && fabs(lost - packets * share) > 3 * sigma; j++) { /* once in 370 it is chance */
            lost = packets - out(asked[i].packets, 5000, 100).received;
        }
        print_message("loss %g %% of %.0f: %.3f %%, off by %.2f sigma\n", share * 100, packets, lost / packets * 100,
                      (lost - packets * share) / sigma);
        assert_between(lost, packets * share - 3 * sigma, packets * share + 3 * sigma);
        take_away(fault);
    }
}

static void bursts(void **state)
{
    enum { PACKETS = 20000, MANY = 300000 };
    (void)state;
    struct fault_instance *fault = inject("loss", "\"probability\": \"10%\", \"burst\": 5");
    struct shape shape = read_back();
    assert_between(shape.burst, 4.999, 5.001);
    assert_between(shape.loss, 0.0999, 0.1001);
    struct traffic_seen seen = out(MANY, 10000, 100);
    double lost = MANY - seen.received;
    print_message("10 %% in bursts of 5: %.2f %%, mean burst %.3f\n", lost / MANY * 100, lost / seen.lost_runs);
    assert_between(lost / MANY, 0.09, 0.11); /* six times the spread of so many bursts */
    assert_between(lost / seen.lost_runs, 4.75, 5.25);
    take_away(fault);
    fault = inject("loss", "\"probability\": \"10%\", \"burst\": 50, \"burst_loss\": \"40%\"");
    assert_between(read_back().burst_loss, 0.3999, 0.4001);
    seen = out(PACKETS, 10000, 100);
    assert_between(1 - (double)seen.received / PACKETS, 0.05, 0.15);
    take_away(fault);
}

static void duplicate_corrupt_reorder(void **state)
{
    enum { PACKETS = 5000 };
    (void)state;
    struct fault_instance *fault = inject("duplicate", "\"share\": \"5%\"");
    assert_between(read_back().duplicate, 0.04999, 0.05001);
    struct traffic_seen seen = out(PACKETS, 5000, 200);
    print_message("duplicate 5 %%: %.2f %%\n", 100.0 * seen.copies / PACKETS);
    assert_int_equal(seen.received, PACKETS);
    assert_between(seen.copies, 180, 320);
    take_away(fault);
    fault = inject("corrupt", "\"share\": \"5%\"");
    assert_between(read_back().corrupt, 0.04999, 0.05001);
    seen = out(PACKETS, 5000, 200);
    print_message("corrupt 5 %%: %.2f %% lost, %d delivered damaged\n", 100 - 100.0 * seen.received / PACKETS, seen.damaged);
    assert_between(PACKETS - seen.received, 180, 320);
    take_away(fault);
    fault = inject("reorder", "\"share\": \"5%\", \"by\": \"20ms\"");
    assert_between(read_back().reorder, 0.04999, 0.05001);
    assert_int_equal(read_back().reorder_ns, 20 * NS_PER_MS);
    seen = out(PACKETS, 2500, 200);
    print_message("reorder 5 %%: %.2f %% overtaken\n", 100.0 * seen.overtaken / PACKETS);
    assert_int_equal(seen.received, PACKETS);
    assert_between(seen.overtaken, 180, 320);
    take_away(fault);
}

static void rate(void **state)
{
    (void)state;
    struct fault_instance *fault = inject("rate", "\"limit\": \"2Mbit\", \"queue\": \"100ms\"");
    assert_between(read_back().rate_bits, 2e6, 2e6);
    struct traffic_seen seen = out(600, 1000, 1000);
    double bits = (seen.received - 1) * (1000.0 + TRAFFIC_HEADERS) * 8 / ((double)(seen.last_ns - seen.first_ns) / 1e9);
    print_message("rate 2 Mbit/s: %.3f Mbit/s\n", bits / 1e6);
    assert_between(bits, 1.94e6, 2.06e6);
    take_away(fault);
    fault = inject("rate", "\"limit\": \"50Gbit\""); /* beyond 32 bits of bytes a second */
    assert_between(read_back().rate_bits, 50e9, 50e9);
    take_away(fault);
}

/* The next rung is taken for what netem cannot do, and says why. */
static void the_rest_is_held(void **state)
{
    (void)state;
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    AUTO_JSON json_t *left = json_array();
    must(snapshot_take(&before, err));
    struct fault_instance *fault = lab_fault("delay", "{\"by\": \"40ms\"}", "[\"edge\"]");
    lab_inject(fault);
    assert_non_null(strstr(fault->mechanism, "netem and packets held by nfqueue: netem shapes only what leaves"));
    assert_int_equal(read_back().delay_ns, 40 * NS_PER_MS);
    struct traffic_plan in = traffic_in(300, 1000);
    struct traffic_seen seen = traffic_run(&in, 300);
    print_message("held on the way in, 40 ms: p50 %.2f ms\n", seen.p50_ms);
    assert_between(seen.p50_ms, 40, 80);
    take_away(fault);
    fault = lab_fault("delay", "{\"by\": \"40ms\", \"protocol\": \"tcp\", \"direction\": \"out\"}", "[\"edge\"]");
    lab_inject(fault);
    assert_non_null(strstr(fault->mechanism, "not a selection of it"));
    lab_revert(fault);
    must(snapshot_compare(before, left, err));
    assert_int_equal(json_array_size(left), 0);
}

static void another_ones_qdisc_is_left_alone(void **state)
{
    struct shape other = {.delay_ns = NS_PER_MS};
    (void)state;
    must(netem_put("edge", NETEM_OF_LINK, &other, 1, err));
    struct fault_instance *fault = lab_fault("delay", "{\"by\": \"40ms\", \"direction\": \"out\"}", "[\"edge\"]");
    lab_inject(fault);
    assert_non_null(strstr(fault->mechanism, "has a root qdisc of its own"));
    lab_revert(fault);
    must(netem_remove("edge", NETEM_OF_FAULT, err)); /* not ours: stays */
    struct netem_found found;
    must(netem_read("edge", &found, err));
    assert_int_equal(found.handle, NETEM_OF_LINK);
    must(netem_remove("edge", NETEM_OF_LINK, err));
}

static void assert_as_before(const struct snapshot *before)
{
    AUTO_JSON json_t *left = json_array();
    must(snapshot_compare(before, left, err));
    for (size_t i = 0; i < json_array_size(left); i++) {
        fail_msg("%s", json_string_value(json_array_get(left, i)));
    }
}

static void check_life(const char *name, const char *options)
{
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    struct fault_instance *again = NULL;
    must(snapshot_take(&before, err));
    for (int dead = 0; dead < 2; dead++) {
        struct fault_instance *fault = inject(name, options);
        must(fault->ops->apply(fault, err)); /* twice is one fault */
        assert_true(lab_proven(fault, LAB_PATIENCE_MS));
        AUTO_JSON json_t *journal = fault_instance_to_json(fault);
        if (dead) { /* the qdisc outlives its agent: what the journal knows must be enough */
            fault_instance_free(fault);
            must(fault_instance_new(journal, &again, err));
            fault = again;
        }
        must(fault->ops->revert(fault, err));
        assert_as_before(before);
        must(fault->ops->revert(fault, err));
        take_away(fault);
        assert_as_before(before);
    }
}

static void its_life_leaves_nothing(void **state)
{
    (void)state;
    check_life("delay", "\"by\": \"20ms\"");
    check_life("loss", "\"probability\": \"10%\", \"burst\": 5, \"burst_loss\": \"80%\"");
    check_life("rate", "\"limit\": \"2Mbit\"");
}

/* A setting that is not the fault's any more: each one of the model. */
static void a_changed_setting_is_no_proof(void **state)
{
    const struct shape asked = {.loss = 0.1, .burst = 50, .burst_loss = 0.4};
    struct shape others[] = {asked, asked, asked, asked};
    (void)state;
    others[0].loss = 0.2;
    others[1].burst = 40;
    others[2].burst_loss = 0.5;
    others[3].delay_ns = NS_PER_MS;
    struct fault_instance *fault = inject("loss", "\"probability\": \"10%\", \"burst\": 50, \"burst_loss\": \"40%\"");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct buf proof CLEANUP(buf_clear) = {0};
        struct err why = {0};
        must(netem_remove("edge", NETEM_OF_FAULT, err));
        must(netem_put("edge", NETEM_OF_FAULT, &others[i], 1, err));
        assert_true(fault->ops->prove(fault, &proof, &why) < 0);
        assert_non_null(strstr(why.text, "other settings"));
    }
    take_away(fault);
}

/* Both want single segments, and the first to go leaves them to the other. */
static void netem_and_rules_share_their_segments(void **state)
{
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    struct link_info info;
    (void)state;
    must(snapshot_take(&before, err));
    struct fault_instance *first = inject("loss", "\"probability\": \"10%\"");
    struct fault_instance *second = lab_fault("loss", "{\"probability\": \"10%\", \"mechanism\": \"nft\"}", "[\"edge\"]");
    lab_inject(second);
    take_away(first);
    must(link_get("edge", &info, err));
    assert_int_equal(info.gso_max_segs, 1);
    lab_revert(second);
    assert_as_before(before);
}

/* What failed leaves nothing to the next. */
static int clear(void **state)
{
    struct err err;
    (void)state;
    lab_enter(LAB_REGION);
    (void)!netem_remove("edge", NETEM_OF_LINK, &err);
    return netem_remove("edge", NETEM_OF_FAULT, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(delay, clear),
        cmocka_unit_test_teardown(long_delays_do_not_wrap, clear),
        cmocka_unit_test_teardown(jitter, clear),
        cmocka_unit_test_teardown(loss, clear),
        cmocka_unit_test_teardown(bursts, clear),
        cmocka_unit_test_teardown(duplicate_corrupt_reorder, clear),
        cmocka_unit_test_teardown(rate, clear),
        cmocka_unit_test_teardown(the_rest_is_held, clear),
        cmocka_unit_test_teardown(another_ones_qdisc_is_left_alone, clear),
        cmocka_unit_test_teardown(its_life_leaves_nothing, clear),
        cmocka_unit_test_teardown(a_changed_setting_is_no_proof, clear),
        cmocka_unit_test_teardown(netem_and_rules_share_their_segments, clear),
    };
    struct err err = {0};
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    if (netem_supported(&err) < 0) {
        printf("skipped: %s\n", err.text);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
