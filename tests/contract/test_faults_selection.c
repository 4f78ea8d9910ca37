/* What a selection means to traffic: the selected is hit, in its direction, and its neighbours in port, protocol and address are not. */
#include "tests/contract/test_faults_lab.h"

#include "faults/network/nft.h"
#include "faults/network/prefix.h"
#include "faults/network/selection.h"

static void in_force(const char *options, const char *peers, struct fault_instance **ret_fault)
{
    *ret_fault = lab_fault_to("blackhole", options, NULL, peers);
    lab_inject(*ret_fault);
}

static void ports_are_of_either_side(void **state)
{
    struct fault_instance *fault = NULL;
    (void)state;
    in_force("{\"port\": \"7777\", \"protocol\": \"udp\"}", "[]", &fault);
    assert_false(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_HOST, "10.1.0.11", 7777, false));
    assert_false(lab_passes_port(LAB_USER, "10.255.1.1", 7777, LAB_HOST, "10.1.0.11", 7000, false)); /* its answers */
    assert_false(lab_passes_port(LAB_HOST, "10.1.0.11", 0, LAB_USER, "10.255.1.1", 7777, false));
    assert_true(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_HOST, "10.1.0.11", 7776, true));
    assert_true(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_HOST, "10.1.0.11", 17777, true));
    lab_revert(fault);
    assert_true(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_HOST, "10.1.0.11", 7777, true));
}

static void protocols_are_told_apart(void **state)
{
    AUTO_FD int user = -1;
    AUTO_FD int host = -1;
    struct fault_instance *fault = NULL;
    (void)state;
    lab_connect(&user, &host); /* port 8080 of the host */
    in_force("{\"port\": \"8080\", \"protocol\": \"udp\"}", "[]", &fault);
    assert_int_equal(send(user, "a", 1, 0), 1);
    assert_true(lab_readable(host, LAB_PATIENCE_MS));
    lab_revert(fault);
    in_force("{\"protocol\": \"icmp\"}", "[]", &fault);
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
    lab_revert(fault);
    in_force("{\"port\": \"8080\"}", "[]", &fault); /* of any protocol that has ports */
    assert_int_equal(send(host, "b", 1, 0), 1);
    assert_false(lab_readable(user, 2 * LAB_QUIET_MS)); /* established, and hit */
    assert_false(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_HOST, "10.1.0.11", 8080, false));
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
    lab_revert(fault);
    assert_true(lab_readable(user, LAB_PATIENCE_MS));
}

static void only_the_far_side_is_meant(void **state)
{
    static const struct {
        const char *options, *peers;
    } ways[] = {
        {"{\"to\": \"10.2.0.0/24\"}", "[]"}, {"{}", lab_west}, {"{\"to\": \"10.2.0.0/24\", \"planes\": \"backbone\"}", "[]"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct fault_instance *fault = NULL;
        in_force(ways[i].options, ways[i].peers, &fault);
        assert_false(lab_passes(LAB_HOST, "10.1.0.11", LAB_PEER, "10.2.0.1", false));
        assert_false(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", false));
        assert_true(lab_passes(LAB_PEER, "10.254.1.1", LAB_HOST, "10.1.0.11", true)); /* another address over there */
        assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
        /* What passes through is a border's business, not that of two sides. */
        assert_int_equal(lab_passes(LAB_USER, "10.255.1.1", LAB_PEER, "10.2.0.1", i < 2), i < 2);
        lab_revert(fault);
    }
}

static void a_link_is_one_interface(void **state)
{
    struct fault_instance *fault = NULL;
    (void)state;
    in_force("{\"link\": \"backbone\"}", "[]", &fault);
    assert_false(lab_passes(LAB_HOST, "10.1.0.11", LAB_PEER, "10.2.0.1", false));
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
    lab_revert(fault);
    in_force("{\"link\": \"lan\"}", "[]", &fault); /* not one of the outer ones */
    assert_false(lab_passes(LAB_REGION, "10.1.0.1", LAB_HOST, "10.1.0.11", false));
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_PEER, "10.2.0.1", true));
    lab_revert(fault);
}

/* Each way in, of each protocol, is proven with nobody on the other side who would answer. */
static void a_way_in_is_proven_without_an_answer(void **state)
{
    static const char *const options[] = {
        "{\"direction\": \"in\"}",
        "{\"direction\": \"in\", \"protocol\": \"udp\", \"port\": \"53\"}",
        "{\"direction\": \"in\", \"protocol\": \"tcp\", \"port\": \"5432\"}",
        "{\"direction\": \"in\", \"to\": \"10.9.9.0/24\"}",
        "{\"direction\": \"in\", \"to\": \"10.9.9.0/24\", \"protocol\": \"udp\", \"planes\": \"edge\"}",
    };
    (void)state;
    lab_enter(LAB_USER);
    must(fd_write_file("/proc/sys/net/ipv4/ip_forward", "1", err));
    lab_enter(LAB_PEER);
    must(fd_write_file("/proc/sys/net/ipv4/ip_forward", "1", err));
    lab_enter(LAB_REGION);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        struct fault_instance *fault = NULL;
        print_message("%s\n", options[i]);
        in_force(options[i], "[]", &fault);
        lab_revert(fault);
    }
}

static void one_way_of_one_service(void **state)
{
    struct fault_instance *fault = NULL;
    (void)state;
    in_force("{\"port\": \"7777\", \"direction\": \"in\"}", "[]", &fault);
    assert_false(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_HOST, "10.1.0.11", 7777, false));
    assert_true(lab_passes_port(LAB_HOST, "10.1.0.11", 0, LAB_USER, "10.255.1.1", 7777, true));
    lab_revert(fault);
}

static void what_cannot_be_meant_is_refused(void **state)
{
    static const struct {
        const char *options, *interfaces, *peers, *says;
    } wrong[] = {
        {"{\"protocol\": \"icmp\", \"port\": \"7\"}", NULL, "[]", "icmp has no ports"},
        {"{\"to\": \"10.2.0.0/33\"}", NULL, "[]", "expected one like"},
        {"{\"to\": \"west\"}", NULL, "[]", "option 'to'"},
        {"{\"to\": \"10.2.0.0/24\"}", NULL, lab_west, "say one of them"},
        {"{}", NULL, "[{\"name\": \"east\", \"cidr\": \"10.1.0.0/24\"}]", "are the same"},
        {"{\"link\": \"eth7\"}", NULL, "[]", "eth7"},
        {"{}", "[]", "[]", "say which `link` is meant"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err err = {0};
        struct fault_instance *fault = lab_fault_to("blackhole", wrong[i].options, wrong[i].interfaces, wrong[i].peers);
        assert_true(fault->ops->supported(fault, &err) < 0);
        if (!strstr(err.text, wrong[i].says)) {
            fail_msg("'%s' does not say '%s'", err.text, wrong[i].says);
        }
        fault_instance_free(fault);
    }
}

/* A running system names no interfaces: a port or a far side says enough there. */
static void without_interfaces_a_narrow_fault_works(void **state)
{
    struct fault_instance *fault = lab_fault_to("blackhole", "{\"port\": \"7777\"}", "[]", "[]");
    (void)state;
    lab_inject(fault);
    assert_false(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_HOST, "10.1.0.11", 7777, false));
    assert_true(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_HOST, "10.1.0.11", 7776, true));
    assert_true(lab_passes_port(LAB_USER, "10.255.1.1", 0, LAB_PEER, "10.2.0.1", 7777, true)); /* passes through, is not ours */
    lab_revert(fault);
}

static void a_selection_says_what_it_is(void **state)
{
    struct fault_instance *fault =
        lab_fault_to("blackhole", "{\"port\": \"5432\", \"planes\": \"backbone\", \"direction\": \"out\"}", NULL, lab_west);
    struct buf text CLEANUP(buf_clear) = {0};
    (void)state;
    fault->ops->plan(fault, &text);
    assert_string_equal(buf_str(&text),
                        "drop every packet out of east on its backbone, to west, tcp and udp port 5432; proven by the "
                        "drop counters that a probe raises");
    fault_instance_free(fault);
}

static void prefixes_hold_their_addresses(void **state)
{
    static const struct {
        const char *prefix, *address;
        bool in;
    } cases[] = {
        {"10.1.0.0/24", "10.1.0.255", true},      {"10.1.0.0/24", "10.1.1.0", false},  {"10.1.0.11", "10.1.0.11", true},
        {"0.0.0.0/0", "10.1.0.11", true},         {"0.0.0.0/0", "2001:db8::1", false}, {"2001:db8::/32", "2001:db8:7::1", true},
        {"10.1.0.0/24", "::ffff:10.1.0.7", true}, {"::/0", "10.1.0.11", false},        {"10.1.0.128/25", "10.1.0.127", false},
    };
    struct in_addr first;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct prefix prefix;
        unsigned char address[16];
        bool six = strchr(cases[i].address, ':');
        must(prefix_parse(cases[i].prefix, &prefix, err));
        assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, cases[i].address, address), 1);
        assert_int_equal(prefix_has(&prefix, address, six ? 16 : 4), cases[i].in);
    }
    must(prefix_first_host("10.1.0.9/24", &first, err));
    assert_int_equal(ntohl(first.s_addr), 0x0a010001);
    must(prefix_first_host("10.1.0.9", &first, err));
    assert_int_equal(ntohl(first.s_addr), 0x0a010009);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_are_of_either_side),
        cmocka_unit_test(protocols_are_told_apart),
        cmocka_unit_test(only_the_far_side_is_meant),
        cmocka_unit_test(a_link_is_one_interface),
        cmocka_unit_test(a_way_in_is_proven_without_an_answer),
        cmocka_unit_test(one_way_of_one_service),
        cmocka_unit_test(what_cannot_be_meant_is_refused),
        cmocka_unit_test(without_interfaces_a_narrow_fault_works),
        cmocka_unit_test(a_selection_says_what_it_is),
        cmocka_unit_test(prefixes_hold_their_addresses),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
