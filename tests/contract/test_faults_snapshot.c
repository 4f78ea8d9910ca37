/* A snapshot sees what a drill may leave, says it in words, and is blind for what comes and goes by itself. */
#include "tests/contract/test_faults_victim.h"

#include <linux/fib_rules.h>
#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "faults/network/cbpf.h"
#include "faults/network/nft.h"
#include "faults/snapshot.h"

/* Is there a difference that says this? NULL: is there any? Stopped processes may be other tests'. */
static bool says(const char *words)
{
    AUTO_JSON json_t *left = json_array();
    bool found = false;
    must(snapshot_compare(lab_before, left, err));
    for (size_t i = 0; i < json_array_size(left); i++) {
        const char *text = json_string_value(json_array_get(left, i));
        bool fits = words ? strstr(text, words) != NULL : !str_starts_with(text, "stopped process");
        if (fits || words) {
            print_message("  %s\n", text);
        }
        found = found || fits;
    }
    return found;
}

static void traffic_is_no_difference(void **state)
{
    (void)state;
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true)); /* counters rise, neighbours are learned */
    assert_true(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", true));
    assert_false(says(NULL));
}

static void addresses_and_routes_are_seen(void **state)
{
    (void)state;
    struct ifaddrmsg header = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = if_nametoindex("lan")};
    struct sockaddr_in address = lab_address_of("10.1.0.99", 0);
    lab_set_address("lan", "10.1.0.99", 32);
    lab_set_route("10.3.0.0", 24, "10.254.1.1");
    assert_true(says("address 10.1.0.99/32 of lan is new"));
    assert_true(says("route 10.3.0.0/24 metric 0 in table 254 is new: via 10.254.1.1 dev backbone"));
    lab_remove(RTM_DELADDR, header, link_batch_put(batch, IFA_LOCAL, &address.sin_addr, sizeof(address.sin_addr)));
    struct rtmsg route = {.rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_table = RT_TABLE_MAIN, .rtm_scope = RT_SCOPE_NOWHERE};
    struct sockaddr_in to = lab_address_of("10.3.0.0", 0);
    lab_remove(RTM_DELROUTE, route, link_batch_put(batch, RTA_DST, &to.sin_addr, sizeof(to.sin_addr)));
    assert_false(says(NULL));
}

static void neighbours_are_seen(void **state)
{
    (void)state;
    static const unsigned char hardware[ETH_ALEN] = {2, 0, 0, 0, 0, 1};
    struct ndmsg header = {.ndm_family = AF_INET, .ndm_ifindex = (int)if_nametoindex("lan"), .ndm_state = NUD_PERMANENT};
    struct sockaddr_in address = lab_address_of("10.1.0.77", 0);
    lab_request(RTM_NEWNEIGH, header, {
        link_batch_put(batch, NDA_DST, &address.sin_addr, sizeof(address.sin_addr));
        link_batch_put(batch, NDA_LLADDR, hardware, sizeof(hardware));
    });
    assert_true(says("permanent neighbour 10.1.0.77 of lan is new: 02:00:00:00:00:01"));
    lab_remove(RTM_DELNEIGH, header, link_batch_put(batch, NDA_DST, &address.sin_addr, sizeof(address.sin_addr)));
    assert_false(says(NULL));
}

static void qdiscs_and_rules_are_seen(void **state)
{
    (void)state;
    struct tcmsg qdisc = {
        .tcm_ifindex = (int)if_nametoindex("edge"), .tcm_parent = TC_H_INGRESS, .tcm_handle = TC_H_MAKE(TC_H_INGRESS, 0)};
    struct fib_rule_hdr rule = {.family = AF_INET, .action = FR_ACT_BLACKHOLE, .src_len = 32};
    struct sockaddr_in address = lab_address_of("10.9.9.9", 0);
    lab_request(RTM_NEWQDISC, qdisc, link_batch_put_text(batch, TCA_KIND, "clsact"));
    lab_request(RTM_NEWRULE, rule, link_batch_put(batch, FRA_SRC, &address.sin_addr, sizeof(address.sin_addr)));
    assert_true(says("qdisc of edge at fffffff1 is new: clsact"));
    assert_true(says("from 10.9.9.9/32 to all"));
    lab_remove(RTM_DELQDISC, qdisc, (void)batch);
    lab_remove(RTM_DELRULE, rule, link_batch_put(batch, FRA_SRC, &address.sin_addr, sizeof(address.sin_addr)));
    assert_false(says(NULL));
}

static void tables_links_and_sysctls_are_seen(void **state)
{
    (void)state;
    struct nft_rule rule = {.chain = NFT_INPUT, .in = "none"};
    struct nft *nft = NULL;
    must(nft_install("forgotten", &rule, 1, &nft, err));
    must(fd_write_file("/proc/sys/net/ipv4/ip_forward", "0", err));
    must(link_set_gso_max_segs("edge", 7, err));
    assert_true(says("nft table inet forgotten is new"));
    assert_true(says("sysctl net/ipv4/ip_forward was 1, is 0 now"));
    assert_true(says("gso_max_segs 7"));
    must(nft_remove(nft, err));
    must(fd_write_file("/proc/sys/net/ipv4/ip_forward", "1", err));
    must(link_set_gso_max_segs("edge", 65535, err));
    assert_false(says(NULL));
}

static void filters_are_seen(void **state)
{
    static const struct {
        bool in, out;
        const char *words;
    } ways[] = {{true, false, "filter of edge at fffffff2 is new: bpf"}, {false, true, "filter of edge at fffffff3 is new: bpf"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        must(cbpf_put("edge", ways[i].in, ways[i].out, 0.5, err));
        assert_true(says(ways[i].words));
        must(cbpf_remove("edge", err));
        assert_false(says(NULL));
    }
}

static void set_link(const char *interface, int attribute, uint32_t value)
{
    struct ifinfomsg header = {.ifi_index = (int)if_nametoindex(interface)};
    lab_talk(RTM_NEWLINK, 0, header, link_batch_put(batch, attribute, &value, sizeof(value)));
}

/* Set each to another value that it takes, and back. */
static void link_settings_are_seen(void **state)
{
    static const struct {
        int attribute;
        uint32_t old, value;
        const char *words;
    } settings[] = {{IFLA_MTU, 1500, 1400, "mtu 1400,"},
                    {IFLA_TXQLEN, 1000, 77, "txqlen 77,"},
                    {IFLA_GSO_MAX_SIZE, 65536, 20000, "gso_max_size 20000,"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        set_link("lan", settings[i].attribute, settings[i].value);
        assert_true(says(settings[i].words));
        set_link("lan", settings[i].attribute, settings[i].old);
        assert_false(says(NULL));
    }
}

static int make_bridge(void)
{
    AUTO_LINK_SOCKET struct nl_sock *socket = NULL;
    struct link_batch batch = {0};
    struct ifinfomsg header = {0};
    must(link_socket_open(NETLINK_ROUTE, &socket, err));
    link_batch_begin(&batch, socket, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof(header));
    link_batch_put_text(&batch, IFLA_IFNAME, "bridge");
    size_t info = link_batch_nest(&batch, IFLA_LINKINFO);
    link_batch_put_text(&batch, IFLA_INFO_KIND, "bridge");
    link_batch_nest_end(&batch, info);
    return link_socket_talk(socket, &batch);
}

static void bridges_are_seen(void **state)
{
    struct ifinfomsg header = {0};
    (void)state;
    if (make_bridge() < 0) {
        print_message("  this kernel makes no bridge\n");
        return;
    }
    header.ifi_index = (int)if_nametoindex("bridge");
    assert_true(says("link bridge is new"));
    (void)lab_photograph(NULL);
    set_link("lan", IFLA_MASTER, (uint32_t)header.ifi_index);
    AUTO_FREE char *words = xasprintf("master %d now", header.ifi_index);
    assert_true(says(words));
    set_link("lan", IFLA_MASTER, 0);
    assert_false(says(NULL));
    lab_remove(RTM_DELLINK, header, (void)batch);
}

static void link_flags_are_seen(void **state)
{
    static const struct {
        short flag;
        const char *words;
    } flags[] = {{IFF_NOARP, "up, noarp, mtu"}, {IFF_PROMISC, "up, promisc, mtu"}, {IFF_ALLMULTI, "up, allmulti, mtu"}};
    AUTO_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        struct ifreq request = {.ifr_name = "lan"};
        assert_return_code(ioctl(fd, SIOCGIFFLAGS, &request), errno);
        request.ifr_flags = (short)(request.ifr_flags ^ flags[i].flag);
        assert_return_code(ioctl(fd, SIOCSIFFLAGS, &request), errno);
        assert_true(says(flags[i].words));
        request.ifr_flags = (short)(request.ifr_flags ^ flags[i].flag);
        assert_return_code(ioctl(fd, SIOCSIFFLAGS, &request), errno);
    }
    assert_false(says(NULL));
}

/* Set each to another value that it takes, and back. */
static void sysctls_are_seen(void **state)
{
    static const struct {
        const char *name, *value;
    } settings[] = {{"net/ipv4/conf/edge/rp_filter", "2"},        {"net/ipv4/icmp_ratelimit", "500"},
                    {"net/ipv4/conf/all/arp_ignore", "1"},        {"net/ipv4/tcp_retries2", "9"},
                    {"net/ipv6/conf/lan/disable_ipv6", "1"},      {"net/netfilter/nf_conntrack_tcp_timeout_established", "77"},
                    {"net/netfilter/nf_conntrack_tcp_loose", "0"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        AUTO_FREE char *path = xasprintf("/proc/sys/%s", settings[i].name);
        AUTO_FREE char *old = NULL, *words = NULL;
        if (fd_read_file(path, 100, &old, NULL, &(struct err){0}) < 0) {
            print_message("  this kernel has no %s here\n", settings[i].name);
            continue;
        }
        must(fd_write_file(path, settings[i].value, err));
        old[strcspn(old, "\n")] = '\0';
        words = xasprintf("sysctl %s was %s, is %s now", settings[i].name, old, settings[i].value);
        assert_true(says(words));
        must(fd_write_file(path, old, err));
    }
}

static void mounts_are_seen(void **state)
{
    (void)state;
    assert_return_code(mount("forgotten", "/mnt", "tmpfs", 0, NULL), errno);
    assert_true(says("mount /mnt is new: tmpfs from forgotten"));
    assert_return_code(umount("/mnt"), errno);
    assert_false(says(NULL));
}

/* A folder of this mount namespace takes the place of the machine's own cgroups: nobody else sees what is planted here. */
static void cgroups_are_seen(void **state)
{
    (void)state;
    assert_return_code(mount("cgroups", "/sys/fs/cgroup", "tmpfs", 0, NULL), errno);
    must(fd_make_dirs("/sys/fs/cgroup/system.slice/web.service", 0755, err));
    (void)lab_photograph(NULL);
    must(fd_make_dirs("/sys/fs/cgroup/system.slice/drill-f1", 0755, err));
    assert_true(says("cgroup /sys/fs/cgroup/system.slice/drill-f1 is new"));
    must(fd_write_file_atomic("/sys/fs/cgroup/system.slice/web.service/cgroup.freeze", "1\n", 2, err));
    assert_true(says("cgroup /sys/fs/cgroup/system.slice/web.service is new: frozen"));
    must(fd_remove_tree("/sys/fs/cgroup/system.slice", err));
    assert_false(says(NULL));
    assert_return_code(umount("/sys/fs/cgroup"), errno);
}

static void processes_are_seen(void **state)
{
    char words[64];
    (void)state;
    pid_t helper = fork();
    if (helper == 0) {
        victim_become();
        victim_sleep();
    }
    (void)str_format(words, sizeof(words), "helper process %d", (int)helper);
    assert_true(says(words));
    assert_int_equal(kill(helper, SIGSTOP), 0);
    assert_int_equal(waitpid(helper, NULL, WUNTRACED), helper);
    (void)str_format(words, sizeof(words), "stopped process %d", (int)helper);
    assert_true(says(words));
    (void)lab_photograph(NULL);
    assert_int_equal(kill(helper, SIGKILL), 0);
    assert_int_equal(waitpid(helper, NULL, 0), helper);
    assert_false(says("helper process")); /* that it has ended is no finding */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(traffic_is_no_difference, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(addresses_and_routes_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(neighbours_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(qdiscs_and_rules_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(tables_links_and_sysctls_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(filters_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(link_settings_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(bridges_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(link_flags_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(sysctls_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(mounts_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(cgroups_are_seen, lab_photograph, lab_forget),
        cmocka_unit_test_setup_teardown(processes_are_seen, lab_photograph, lab_forget),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    victim_own_processes();
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
