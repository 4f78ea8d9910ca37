/* Two faults in force together in one place, reverted in either order, by their process or from the journal alone: the place is as it was
 * before, and while one of them stands its setting stands. Kinds of faults for each sort of the kernel's state that a fault changes, in the pairs
 * that change the same. */
#include "tests/contract/test_faults_lab.h"

#include <sys/wait.h>

#include "faults/snapshot.h"
#include "harness/agent/journal.h"

struct kind {
    const char *fault, *options;
    const char *segments, *down; /* the interfaces that have single segments, that are down; NULL: none */
    bool ration;                 /* of ICMP errors is lifted */
};

enum { RULES, FILTER, HELD, REFUSE, BACKBONE, BOTH, FLAP, KIND_COUNT };
static const struct kind kinds[KIND_COUNT] = {
    [RULES] = {"loss", "{\"probability\": \"50%\"}", .segments = "edge backbone"},
    [FILTER] = {"loss", "{\"probability\": \"50%\", \"mechanism\": \"bpf\", \"planes\": \"edge\"}", .segments = "edge"},
    [HELD] = {"delay", "{\"by\": \"10ms\"}"},
    [REFUSE] = {"refuse", "{}", .ration = true},
    [BACKBONE] = {"link_down", "{\"planes\": \"backbone\"}", .down = "backbone"},
    [BOTH] = {"link_down", "{}", .down = "edge backbone"},
    [FLAP] = {"flap", "{\"how\": \"link\"}", .down = "edge backbone"},
};

static const int pairs[][2] = {{RULES, RULES},   {RULES, FILTER},  {FILTER, RULES}, {FILTER, HELD}, {REFUSE, REFUSE},
                               {BACKBONE, BOTH}, {BOTH, BACKBONE}, {BOTH, FLAP},    {FLAP, BOTH},   {BACKBONE, RULES}};

static struct fault_instance *make(const struct kind *kind, const char *id)
{
    struct fault_instance *fault = lab_fault(kind->fault, kind->options, NULL);
    (void)str_copy(fault->id, sizeof(fault->id), id);
    return fault;
}

/* No proof: where a link is down no probe goes. */
static void inject(struct fault_instance *fault)
{
    must(fault->ops->supported(fault, err));
    must(fault->ops->prepare(fault, err));
    must(fault->ops->apply(fault, err));
}

static bool ration_is_lifted(void)
{
    AUTO_FREE char *text = NULL;
    must(fd_read_file("/proc/sys/net/ipv4/icmp_ratemask", 64, &text, NULL, err));
    return !(strtol(text, NULL, 10) & 1 << 3);
}

static void assert_in_force(const struct kind *kind)
{
    static const char *const names[] = {"edge", "backbone"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct link_info info;
        must(link_get(names[i], &info, err));
        assert_true(!kind->segments || !strstr(kind->segments, names[i]) || info.gso_max_segs == 1);
        assert_true(!kind->down || !strstr(kind->down, names[i]) || !info.up);
    }
    assert_true(!kind->ration || ration_is_lifted());
}

static void assert_as_before(const char *what)
{
    AUTO_JSON json_t *left = json_array();
    must(snapshot_compare(lab_before, left, err));
    for (size_t i = 0; i < json_array_size(left); i++) { /* stopped processes are other tests' */
        const char *text = json_string_value(json_array_get(left, i));
        if (!str_starts_with(text, "stopped process") && !str_starts_with(text, "helper process")) {
            fail_msg("%s: %s", what, text);
        }
    }
}

static json_t *only_journal(struct fault_instance *fault)
{
    json_t *entry = fault_instance_to_json(fault);
    fault_instance_free(fault); /* as its process would die */
    return entry;
}

static void revert_entry(const json_t *entry)
{
    struct fault_instance *fault = NULL;
    must(fault_instance_new(entry, &fault, err));
    lab_revert(fault);
}

static void revert_alone(struct fault_instance *first, struct fault_instance *second)
{
    AUTO_JSON json_t *one = only_journal(first), *other = only_journal(second);
    revert_entry(one);
    revert_entry(other);
}

static void revert_here(struct fault_instance *first, struct fault_instance *second, const struct kind *standing)
{
    must(first->ops->revert(first, err));
    assert_in_force(standing);
    lab_assert_clean(first);
    must(first->ops->revert(first, err)); /* twice is once */
    assert_in_force(standing);
    lab_revert(second);
    lab_revert(first);
}

static void try_pair(const struct kind *a, const struct kind *b, bool newest_first, bool alone)
{
    struct fault_instance *one = make(a, "f1"), *other = make(b, "f2");
    AUTO_FREE char *what = xasprintf("%s %s, then %s %s, the %s reverted first%s", a->fault, a->options, b->fault, b->options,
                                     newest_first ? "second" : "first", alone ? " from the journal alone" : "");
    inject(one);
    inject(other);
    assert_in_force(a);
    assert_in_force(b);
    struct fault_instance *first = newest_first ? other : one, *second = newest_first ? one : other;
    if (alone) {
        revert_alone(first, second);
    } else {
        revert_here(first, second, newest_first ? a : b);
    }
    assert_as_before(what);
}

static void pairs_leave_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const struct kind *a = &kinds[pairs[i][0]], *b = &kinds[pairs[i][1]];
        for (int way = 0; way < 4; way++) {
            try_pair(a, b, way % 2, way / 2);
        }
    }
}

/* An agent of another drill knows nothing of ours. */
static void what_another_process_changed_is_its_own(void **state)
{
    static const int same[] = {RULES, REFUSE, BOTH};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        struct fault_instance *theirs = make(&kinds[same[i]], "f1"), *ours = make(&kinds[same[i]], "f2");
        inject(theirs);
        theirs->holds = false; /* so that it is not seen by ours */
        inject(ours);
        ours->holds = false;
        must(theirs->ops->revert(theirs, err));
        must(ours->ops->revert(ours, err));
        lab_assert_clean(theirs);
        lab_assert_clean(ours);
        fault_instance_free(theirs);
        fault_instance_free(ours);
        assert_as_before(kinds[same[i]].fault);
    }
}

/* Between its cuts a flap needs no link down, and does not put one up that another fault needs. */
static void a_flap_minds_others(void **state)
{
    const struct kind *flap = &kinds[FLAP], *down = &kinds[BOTH];
    struct buf told CLEANUP(buf_clear) = {0};
    struct link_info info;
    int64_t due_ns = 0;
    (void)state;
    struct fault_instance *comes_and_goes = make(flap, "f1"), *stays = make(down, "f2");
    inject(comes_and_goes);
    inject(stays);
    must(comes_and_goes->ops->tick(comes_and_goes, &due_ns, &told, err));
    must(comes_and_goes->ops->tick(comes_and_goes, &due_ns, &told, err));
    assert_in_force(down); /* its cut has ended */
    must(stays->ops->revert(stays, err));
    must(link_get("edge", &info, err));
    assert_true(info.up);
    must(comes_and_goes->ops->tick(comes_and_goes, &due_ns, &told, err));
    assert_in_force(flap); /* its next one */
    lab_revert(comes_and_goes);
    lab_revert(stays);
}

static void put_hop(struct link_batch *batch, const char *gateway, const char *interface)
{
    struct sockaddr_in address = lab_address_of(gateway, 0);
    struct nlattr attribute = {sizeof(attribute) + sizeof(address.sin_addr), RTA_GATEWAY};
    struct rtnexthop hop = {.rtnh_len = sizeof(hop) + sizeof(attribute) + sizeof(address.sin_addr),
                            .rtnh_ifindex = (int)if_nametoindex(interface)};
    link_batch_put_raw(batch, &hop, sizeof(hop));
    link_batch_put_raw(batch, &attribute, sizeof(attribute));
    link_batch_put_raw(batch, &address.sin_addr, sizeof(address.sin_addr));
}

static void a_route_over_both_comes_back(void **state)
{
    struct rtmsg route = {.rtm_family = AF_INET,
                          .rtm_dst_len = 24,
                          .rtm_table = RT_TABLE_MAIN,
                          .rtm_protocol = RTPROT_STATIC,
                          .rtm_type = RTN_UNICAST};
    struct sockaddr_in to = lab_address_of("10.3.0.0", 0);
    (void)state;
    lab_request(RTM_NEWROUTE, route, {
        link_batch_put(batch, RTA_DST, &to.sin_addr, sizeof(to.sin_addr));
        size_t hops = link_batch_nest(batch, RTA_MULTIPATH);
        put_hop(batch, "10.255.1.1", "edge");
        put_hop(batch, "10.254.1.1", "backbone");
        link_batch_nest_end(batch, hops);
    });
    (void)lab_photograph(NULL);
    struct fault_instance *fault = lab_fault("link_down", "{}", NULL);
    lab_inject(fault);
    lab_revert(fault);
    assert_as_before("link_down of both ways of a route");
    lab_remove(RTM_DELROUTE, route, link_batch_put(batch, RTA_DST, &to.sin_addr, sizeof(to.sin_addr)));
}

/* Two entries of a drill that is dead, the younger one first. */
static void undo_goes_newest_first(void **state)
{
    static const char folder[] = "/tmp/drill-test-faults-pairs";
    static const struct kind *const both[] = {&kinds[RULES], &kinds[BOTH]};
    struct buf report CLEANUP(buf_clear) = {0};
    int status = 1;
    (void)state;
    must(fd_remove_tree(folder, err));
    pid_t agent = fork();
    if (agent == 0) {
        struct err err = {0};
        for (size_t i = 0; i < ARRAY_LEN(both); i++) { /* by name the second one comes first */
            struct fault_instance *fault = make(both[i], i ? "f1" : "f9");
            bool fine = fault->ops->prepare(fault, &err) == 0 && journal_write(folder, fault, &err) == 0 &&
                        fault->ops->apply(fault, &err) == 0;
            if (!fine) {
                _exit(1);
            }
        }
        _exit(0);
    }
    assert_int_equal(waitpid(agent, &status, 0), agent);
    assert_int_equal(status, 0);
    must(journal_undo(folder, &report, err));
    assert_string_equal(buf_str(&report), "link_down on east: reverted\nloss on east: reverted\n");
    assert_as_before("undo of two");
    must(fd_remove_tree(folder, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pairs_leave_nothing, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(what_another_process_changed_is_its_own, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(a_flap_minds_others, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(a_route_over_both_comes_back, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(undo_goes_newest_first, lab_photograph, lab_forget),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
