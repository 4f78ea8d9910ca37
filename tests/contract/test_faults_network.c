/* What the network faults do to traffic: the selected is hit, established connections too, everything else passes. */
#include "tests/contract/test_faults_lab.h"

#include <math.h>

#include "faults/network/nft.h"
#include "faults/snapshot.h"
#include "harness/agent/interfaces.h"

static void blackhole_shuts_both_ways(void **state)
{
    (void)state;
    struct fault_instance *fault = lab_fault("blackhole", "{}", NULL);
    lab_inject(fault);
    assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
    assert_false(lab_passes(LAB_HOST, "10.1.0.11", LAB_USER, "10.255.1.1", false));
    assert_false(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", false));
    assert_false(lab_passes(LAB_REGION, "10.1.0.1", LAB_PEER, "10.2.0.1", false));
    assert_true(lab_passes(LAB_REGION, "10.1.0.1", LAB_HOST, "10.1.0.11", true)); /* inside nothing happens */
    lab_revert(fault);
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
}

static void blackhole_leaves_the_other_plane(void **state)
{
    (void)state;
    struct fault_instance *fault = lab_fault("blackhole", "{\"planes\": \"edge\"}", NULL);
    lab_inject(fault);
    assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
    assert_true(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", true));
    assert_true(lab_passes(LAB_HOST, "10.1.0.11", LAB_PEER, "10.2.0.1", true));
    lab_revert(fault);
}

static void one_way_means_one_way(void **state)
{
    (void)state;
    struct fault_instance *fault = lab_fault("blackhole", "{\"direction\": \"in\"}", NULL);
    lab_inject(fault);
    assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
    assert_true(lab_passes(LAB_HOST, "10.1.0.11", LAB_USER, "10.255.1.1", true));
    lab_revert(fault);
    fault = lab_fault("blackhole", "{\"direction\": \"out\"}", NULL);
    lab_inject(fault);
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
    assert_false(lab_passes(LAB_HOST, "10.1.0.11", LAB_USER, "10.255.1.1", false));
    lab_revert(fault);
}

static void established_connections_are_hit(void **state)
{
    (void)state;
    AUTO_FD int user = -1;
    AUTO_FD int host = -1;
    char byte;
    lab_connect(&user, &host);
    assert_int_equal(send(user, "a", 1, 0), 1);
    assert_true(lab_readable(host, LAB_PATIENCE_MS));
    assert_int_equal(recv(host, &byte, 1, 0), 1);
    struct fault_instance *fault = lab_fault("blackhole", "{}", NULL);
    lab_inject(fault);
    assert_int_equal(send(user, "b", 1, 0), 1);
    assert_false(lab_readable(host, 2 * LAB_QUIET_MS));
    assert_false(lab_readable(user, 0)); /* silence, not an error */
    lab_revert(fault);
    assert_true(lab_readable(host, LAB_PATIENCE_MS)); /* sent again by TCP */
    assert_int_equal(recv(host, &byte, 1, 0), 1);
    assert_int_equal(byte, 'b');
}

static void partition_cuts_only_the_two(void **state)
{
    (void)state;
    struct fault_instance *fault = lab_fault("partition", "{}", NULL);
    lab_inject(fault);
    assert_false(lab_passes(LAB_HOST, "10.1.0.11", LAB_PEER, "10.2.0.1", false));
    assert_false(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", false));
    assert_false(lab_passes(LAB_PEER, "10.2.0.1", LAB_REGION, "10.1.0.1", false));
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_PEER, "10.2.0.1", true));
    lab_revert(fault);
    assert_true(lab_passes(LAB_HOST, "10.1.0.11", LAB_PEER, "10.2.0.1", true));
}

static void partition_one_way(void **state)
{
    static const char *const options[] = {"{\"direction\": \"out\"}", "{\"direction\": \"in\"}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        bool out_passes = i == 1;
        struct fault_instance *fault = lab_fault("partition", options[i], NULL);
        lab_inject(fault);
        assert_int_equal(lab_passes(LAB_HOST, "10.1.0.11", LAB_PEER, "10.2.0.1", out_passes), out_passes);
        assert_int_equal(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", !out_passes), !out_passes);
        lab_revert(fault);
    }
}

/* Send `count` datagrams from the user to the host and count those that arrive. */
static int arrivals(int count)
{
    AUTO_FD int sender = lab_socket(LAB_USER, SOCK_DGRAM, "10.255.1.1", 0);
    AUTO_FD int receiver = lab_socket(LAB_HOST, SOCK_DGRAM, "10.1.0.11", 7778);
    struct sockaddr_in address = lab_address_of("10.1.0.11", 7778);
    int arrived = 0;
    char byte;
    for (int i = 0; i < count; i++) {
        assert_int_equal(sendto(sender, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)), 1);
        while (recv(receiver, &byte, 1, MSG_DONTWAIT) == 1) {
            arrived++;
        }
    }
    while (lab_readable(receiver, LAB_QUIET_MS)) {
        arrived += recv(receiver, &byte, 1, MSG_DONTWAIT) == 1;
    }
    return arrived;
}

static void loss_is_the_share_asked_for(void **state)
{
    enum { PACKETS = 20000 };
    (void)state;
    assert_int_equal(arrivals(PACKETS), PACKETS); /* the lab itself loses nothing */
    struct fault_instance *fault =
        lab_fault("loss", "{\"probability\": \"30%\", \"direction\": \"in\", \"planes\": \"edge\"}", NULL);
    lab_inject(fault);
    struct nft_count before[2], after[2];
    const char *table = json_str(fault->journal, "table", "");
    must(nft_read_counts(table, before, ARRAY_LEN(before), err));
    int lost = PACKETS - arrivals(PACKETS);
    must(nft_read_counts(table, after, ARRAY_LEN(after), err));
    double sigma = sqrt(PACKETS * 0.3 * 0.7);
    assert_true(fabs(lost - PACKETS * 0.3) <= 4 * sigma);
    uint64_t dropped = after[0].dropped + after[1].dropped - before[0].dropped - before[1].dropped;
    uint64_t seen = after[0].seen + after[1].seen - before[0].seen - before[1].seen;
    assert_true(seen >= PACKETS && seen < PACKETS + 10); /* a late answer to a probe may be among them */
    assert_true(dropped >= (uint64_t)lost && dropped < (uint64_t)lost + 10);
    lab_revert(fault);
    assert_int_equal(arrivals(1000), 1000);
}

static void every_nth_is_exact(void **state)
{
    (void)state;
    struct fault_instance *fault = lab_fault("loss", "{\"every\": \"10\", \"direction\": \"in\", \"planes\": \"edge\"}", NULL);
    must(fault->ops->prepare(fault, err));
    must(fault->ops->apply(fault, err));
    assert_int_equal(arrivals(5000), 4500);
    lab_revert(fault);
}

static void link_down_brings_routes_back(void **state)
{
    (void)state;
    struct fault_instance *fault = lab_fault("link_down", "{\"planes\": \"edge\"}", NULL);
    lab_inject(fault);
    assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
    assert_true(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", true));
    struct buf left CLEANUP(buf_clear) = {0};
    must(fault->ops->residue(fault, &left, err)); /* while it is in force, it is its own residue */
    assert_non_null(strstr(buf_str(&left), "interface edge is down"));
    assert_non_null(strstr(buf_str(&left), "lost its route default/0"));
    lab_revert(fault);
    assert_true(lab_passes(LAB_HOST, "10.1.0.11", LAB_USER, "10.255.1.1", true)); /* the default route is back */
}

static void put_v6(const char *address, const char *via)
{
    struct in6_addr own, gateway, far;
    struct ifaddrmsg header = {
        .ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_index = if_nametoindex("edge"), .ifa_flags = IFA_F_NODAD};
    struct rtmsg route = {.rtm_family = AF_INET6,
                          .rtm_dst_len = 64,
                          .rtm_table = RT_TABLE_MAIN,
                          .rtm_protocol = RTPROT_STATIC,
                          .rtm_scope = RT_SCOPE_UNIVERSE,
                          .rtm_type = RTN_UNICAST};
    assert_int_equal(inet_pton(AF_INET6, address, &own), 1);
    assert_int_equal(inet_pton(AF_INET6, via, &gateway), 1);
    assert_int_equal(inet_pton(AF_INET6, "2001:db8:9::", &far), 1);
    lab_request(RTM_NEWADDR, header, {
        link_batch_put(batch, IFA_LOCAL, &own, sizeof(own));
        link_batch_put(batch, IFA_ADDRESS, &own, sizeof(own));
    });
    lab_request(RTM_NEWROUTE, route, {
        link_batch_put(batch, RTA_DST, &far, sizeof(far));
        link_batch_put(batch, RTA_GATEWAY, &gateway, sizeof(gateway));
    });
}

static void put_neighbour(void)
{
    static const unsigned char hardware[6] = {2, 0, 0, 0, 0, 9};
    struct ndmsg header = {.ndm_family = AF_INET, .ndm_ifindex = (int)if_nametoindex("backbone"), .ndm_state = NUD_PERMANENT};
    struct sockaddr_in address = lab_address_of("10.254.1.77", 0);
    lab_request(RTM_NEWNEIGH, header, {
        link_batch_put(batch, NDA_DST, &address.sin_addr, sizeof(address.sin_addr));
        link_batch_put(batch, NDA_LLADDR, hardware, sizeof(hardware));
    });
}

/* All kinds of what the kernel forgets, among them a route whose gateway is reached only by another route. */
static void link_down_forgets_nothing(void **state)
{
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    AUTO_JSON json_t *left = json_array();
    struct rtmsg device = {.rtm_family = AF_INET,
                           .rtm_dst_len = 32,
                           .rtm_table = RT_TABLE_MAIN,
                           .rtm_protocol = RTPROT_STATIC,
                           .rtm_scope = RT_SCOPE_LINK,
                           .rtm_type = RTN_UNICAST};
    struct sockaddr_in hop = lab_address_of("10.5.0.1", 0);
    int index = (int)if_nametoindex("edge");
    (void)state;
    lab_request(RTM_NEWROUTE, device, {
        link_batch_put(batch, RTA_DST, &hop.sin_addr, sizeof(hop.sin_addr));
        link_batch_put(batch, RTA_OIF, &index, sizeof(index));
    });
    lab_set_route("10.4.0.0", 16, "10.5.0.1"); /* dumped before the way to its gateway */
    put_v6("2001:db8::1", "2001:db8::2");
    put_neighbour();
    must(snapshot_take(&before, err));
    struct fault_instance *fault = lab_fault("link_down", "{}", NULL);
    lab_inject(fault);
    must(snapshot_compare(before, left, err));
    assert_true(json_array_size(left) >= 8);
    json_array_clear(left);
    lab_revert(fault);
    must(snapshot_compare(before, left, err));
    for (size_t i = 0; i < json_array_size(left); i++) {
        const char *text = json_string_value(json_array_get(left, i));
        if (!str_starts_with(text, "stopped process")) { /* those are other tests' */
            fail_msg("left: %s", text);
        }
    }
}

static void wrong_options_are_refused(void **state)
{
    static const struct {
        const char *fault, *options, *interfaces;
    } wrong[] = {
        {"loss", "{}", NULL},
        {"loss", "{\"probability\": \"0%\"}", NULL},
        {"loss", "{\"probability\": \"5%\", \"every\": \"3\"}", NULL},
        {"blackhole", "{}", "[]"},
        {"blackhole", "{\"planes\": \"backbone\"}", "[\"eth0\"]"},
        {"link_down", "{}", "[]"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err err = {0};
        struct fault_instance *fault = lab_fault(wrong[i].fault, wrong[i].options, wrong[i].interfaces);
        assert_int_equal(fault->ops->supported(fault, &err), -ERR_INPUT);
        assert_true(err.text[0]);
        fault_instance_free(fault);
    }
}

static void limits_hold(void **state)
{
    static const char *const wrong[] = {"{\"probability\": \"101%\"}", "{\"probability\": \"-1%\"}", "{\"every\": \"-1\"}",
                                        "{\"every\": \"1000001\"}",    "{\"direction\": \"up\"}",    "{\"probabilty\": \"5%\"}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err err = {0};
        struct fault_instance *fault = NULL;
        json_t *description = json_pack("{s:s, s:s, s:o, s:{s:s, s:s}}", "fault_id", "f1", "fault", "loss", "options",
                                        json_loads(wrong[i], 0, NULL), "target", "kind", "region", "name", "east");
        assert_int_equal(fault_instance_new(description, &fault, &err), -ERR_INPUT);
        assert_true(err.text[0]);
        json_decref(description);
    }
    struct fault_instance *all = lab_fault("loss", "{\"probability\": \"100%\", \"direction\": \"in\"}", NULL);
    lab_inject(all);
    assert_int_equal(arrivals(100), 0);
    lab_revert(all);
}

/* What a container's interfaces are called says its namespace; where it is not, or no container is meant, they are as given. */
static void interfaces_are_those_of_the_namespace(void **state)
{
    static const struct {
        int place;
        const char *containers, *expected;
    } cases[] = {{LAB_HOST, "shop-web-1", "[\"eth0\"]"}, {LAB_HOST, NULL, "[\"eth7\"]"}, {LAB_USER, "shop-web-1", "[\"eth7\"]"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *containers = cases[i].containers ? json_pack("[s]", cases[i].containers) : json_array();
        AUTO_JSON json_t *given =
            json_pack("{s:{s:s, s:[s], s:o}}", "target", "cidr", "10.1.0.11/32", "interfaces", "eth7", "containers", containers);
        lab_enter(cases[i].place);
        AUTO_JSON json_t *resolved = interfaces_resolved(given);
        AUTO_FREE char *found = json_dumps(json_at(resolved, "target.interfaces"), JSON_COMPACT);
        assert_string_equal(found, cases[i].expected);
    }
    lab_enter(LAB_REGION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blackhole_shuts_both_ways),
        cmocka_unit_test(blackhole_leaves_the_other_plane),
        cmocka_unit_test(one_way_means_one_way),
        cmocka_unit_test(established_connections_are_hit),
        cmocka_unit_test(partition_cuts_only_the_two),
        cmocka_unit_test(partition_one_way),
        cmocka_unit_test(loss_is_the_share_asked_for),
        cmocka_unit_test(every_nth_is_exact),
        cmocka_unit_test(link_down_brings_routes_back),
        cmocka_unit_test(link_down_forgets_nothing),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(interfaces_are_those_of_the_namespace),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
