/* nf_tables batches: what is installed is there, matches what it says, belongs to its socket. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/contract/test_faults_lab.h"

#include "faults/network/nft.h"

static struct nft *install(const struct nft_rule *rules, size_t count)
{
    struct nft *nft = NULL;
    must(nft_install("drill_test", rules, count, &nft, err));
    return nft;
}

static bool exists(const char *table)
{
    bool found = false;
    must(nft_exists(table, &found, err));
    return found;
}

static uint64_t dropped(size_t rule, size_t rules)
{
    struct nft_count counts[NFT_RULES_MAX];
    must(nft_read_counts("drill_test", counts, rules, err));
    return counts[rule].dropped;
}

static void a_table_goes_with_its_socket(void **state)
{
    (void)state;
    struct nft_rule rule = {.chain = NFT_INPUT, .in = "none"};
    struct nft *nft = install(&rule, 1);
    assert_true(exists("drill_test"));
    assert_false(exists("drill_tes"));
    bool owned = nft_owned(nft);
    nft_close(nft);
    assert_int_equal(exists("drill_test"), !owned);
    must(nft_remove_by_name("drill_test", err));
    assert_false(exists("drill_test"));
    must(nft_remove_by_name("drill_test", err)); /* not there is fine */
}

static void an_owned_table_is_safe_from_others(void **state)
{
    (void)state;
    struct nft_rule rule = {.chain = NFT_INPUT, .in = "none"};
    struct err mistake = {0};
    struct nft *nft = install(&rule, 1), *second = NULL;
    if (!nft_owned(nft)) {
        must(nft_remove(nft, err));
        skip();
    }
    assert_int_equal(nft_remove_by_name("drill_test", &mistake), -ERR_STATE);
    assert_true(nft_install("drill_test", &rule, 1, &second, &mistake) < 0);
    assert_null(second);
    assert_true(exists("drill_test"));
    must(nft_remove(nft, err));
    assert_false(exists("drill_test"));
}

static void ports_and_protocols_match(void **state)
{
    (void)state;
    struct nft_rule rules[] = {
        {.chain = NFT_FORWARD, .protocol = IPPROTO_UDP, .destination_port = 7777},
        {.chain = NFT_FORWARD, .protocol = IPPROTO_TCP, .destination_port = 7777},
    };
    struct nft *nft = install(rules, ARRAY_LEN(rules));
    assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
    assert_true(dropped(0, 2) > 0);
    assert_int_equal(dropped(1, 2), 0);
    AUTO_FD int user = -1;
    AUTO_FD int host = -1;
    lab_connect(&user, &host); /* port 8080 is not meant */
    must(nft_remove(nft, err));
}

static void prefixes_match(void **state)
{
    static const struct {
        const char *source, *destination;
        bool passes;
    } cases[] = {
        {"10.255.1.1", NULL, false},       {"10.255.1.0/30", "10.1.0.0/24", false}, {"10.0.0.0/8", NULL, false},
        {"0.0.0.0/0", "0.0.0.0/0", false}, {"10.255.1.2/32", NULL, true},           {"10.255.1.4/30", NULL, true},
        {NULL, "10.1.0.12/30", true},      {NULL, "10.1.0.11/25", false},           {"fe80::/10", NULL, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct nft_rule rule = {.chain = NFT_FORWARD, .source = cases[i].source, .destination = cases[i].destination};
        struct nft *nft = install(&rule, 1);
        assert_int_equal(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", cases[i].passes), cases[i].passes);
        must(nft_remove(nft, err));
    }
}

static void wrong_prefixes_are_refused(void **state)
{
    static const char *const wrong[] = {"",          "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/",
                                        "10.1.0/24", "10.1.0.0/2x", "::/129",      "host"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct nft_rule rule = {.chain = NFT_FORWARD, .source = wrong[i]};
        struct err mistake = {0};
        struct nft *nft = NULL;
        assert_int_equal(nft_install("drill_test", &rule, 1, &nft, &mistake), -ERR_INPUT);
        assert_true(mistake.text[0]);
        assert_false(exists("drill_test"));
    }
}

static void a_reject_is_said(void **state)
{
    (void)state;
    struct nft_rule rule = {.chain = NFT_FORWARD, .in = "edge", .action = NFT_REJECT};
    struct sockaddr_in address = lab_address_of("10.1.0.11", 7777);
    struct nft *nft = NULL;
    struct err missing = {0};
    if (nft_install("drill_test", &rule, 1, &nft, &missing) < 0) {
        assert_int_equal(missing.code, ERR_UNSUPPORTED); /* nft_reject is a module of its own */
        skip();
    }
    AUTO_FD int sender = lab_socket(LAB_USER, SOCK_DGRAM, "10.255.1.1", 0);
    assert_return_code(connect(sender, (struct sockaddr *)&address, sizeof(address)), errno);
    assert_int_equal(send(sender, "x", 1, 0), 1);
    struct pollfd waiting = {.fd = sender, .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, LAB_PATIENCE_MS), 1); /* the ICMP error wakes it */
    must(nft_remove(nft, err));
}

static void many_rules_fit(void **state)
{
    (void)state;
    struct nft_rule rules[NFT_RULES_MAX];
    struct nft_count counts[NFT_RULES_MAX];
    for (size_t i = 0; i < NFT_RULES_MAX; i++) {
        rules[i] = (struct nft_rule){.chain = NFT_FORWARD,
                                     .in = "none",
                                     .out = "none",
                                     .source = "10.0.0.0/8",
                                     .destination = "10.0.0.0/8",
                                     .per_million = 1};
    }
    struct nft *nft = install(rules, NFT_RULES_MAX);
    must(nft_read_counts("drill_test", counts, NFT_RULES_MAX, err));
    must(nft_remove(nft, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_goes_with_its_socket),
        cmocka_unit_test(an_owned_table_is_safe_from_others),
        cmocka_unit_test(ports_and_protocols_match),
        cmocka_unit_test(prefixes_match),
        cmocka_unit_test(wrong_prefixes_are_refused),
        cmocka_unit_test(a_reject_is_said),
        cmocka_unit_test(many_rules_fit),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
