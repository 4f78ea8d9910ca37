/* Refusing, resetting, flapping, and what a revert leaves of connections: with real sockets in namespaces. */
#include "tests/contract/test_faults_lab.h"

#include <time.h>

#include "faults/network/connections.h"
#include "faults/network/flap.h"

/* How a connect ends within the time: 0, an errno, or ETIMEDOUT for silence. */
static int connect_ends(int place, const char *from, const char *to, int port, int timeout_ms)
{
    struct sockaddr_in address = lab_address_of(to, port);
    AUTO_FD int fd = lab_socket(place, SOCK_STREAM, from, 0);
    int error = 0;
    socklen_t size = sizeof(error);
    assert_return_code(fcntl(fd, F_SETFL, O_NONBLOCK), errno);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        return 0;
    }
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    if (poll(&waiting, 1, timeout_ms) != 1) {
        return ETIMEDOUT;
    }
    assert_return_code(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), errno);
    return error;
}

static int pending_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    assert_return_code(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), errno);
    return error;
}

static void refuse_resets_new_and_established(void **state)
{
    AUTO_FD int user = -1;
    AUTO_FD int host = -1;
    (void)state;
    lab_connect(&user, &host);
    struct fault_instance *fault = lab_fault("refuse", "{\"planes\": \"edge\"}", NULL);
    lab_inject(fault);
    assert_int_equal(send(user, "a", 1, MSG_NOSIGNAL), 1);
    assert_true(lab_readable(user, LAB_PATIENCE_MS)); /* an answer, not silence */
    assert_int_equal(pending_error(user), ECONNRESET);
    assert_int_equal(connect_ends(LAB_USER, "10.255.1.1", "10.1.0.11", 8080, LAB_PATIENCE_MS), ECONNREFUSED);
    assert_int_equal(connect_ends(LAB_HOST, "10.1.0.11", "10.255.1.1", 8080, LAB_PATIENCE_MS),
                     ECONNREFUSED); /* the other way too */
    assert_true(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", true));
    lab_revert(fault);
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
}

/* The kernel says one ICMP error a second to a peer when it is not told otherwise. */
static void refuse_says_each_icmp(void **state)
{
    enum { TRIES = 40 };
    (void)state;
    struct fault_instance *fault = lab_fault("refuse", "{\"with\": \"icmp\"}", NULL);
    lab_inject(fault);
    for (int i = 0; i < TRIES; i++) {
        AUTO_FD int sender = lab_socket(LAB_USER, SOCK_DGRAM, "10.255.1.1", 0);
        struct sockaddr_in address = lab_address_of("10.1.0.11", 7777);
        assert_return_code(connect(sender, (struct sockaddr *)&address, sizeof(address)), errno);
        assert_int_equal(send(sender, "x", 1, 0), 1);
        struct pollfd waiting = {.fd = sender, .events = POLLIN};
        if (poll(&waiting, 1, LAB_QUIET_MS) != 1) {
            fail_msg("refusal %d of %d was not said", i + 1, TRIES);
        }
    }
    assert_int_equal(connect_ends(LAB_USER, "10.255.1.1", "10.1.0.11", 8080, LAB_PATIENCE_MS), EHOSTUNREACH);
    lab_revert(fault);
}

static void refuse_hits_only_its_port(void **state)
{
    (void)state;
    struct fault_instance *fault = lab_fault("refuse", "{\"port\": \"8080\", \"protocol\": \"tcp\"}", NULL);
    lab_inject(fault);
    AUTO_FD int listener = lab_socket(LAB_HOST, SOCK_STREAM, "10.1.0.11", 8081);
    assert_return_code(listen(listener, 4), errno);
    assert_int_equal(connect_ends(LAB_USER, "10.255.1.1", "10.1.0.11", 8080, LAB_PATIENCE_MS), ECONNREFUSED);
    assert_int_equal(connect_ends(LAB_USER, "10.255.1.1", "10.1.0.11", 8081, LAB_PATIENCE_MS), 0);
    lab_revert(fault);
}

/* Two that overlap are taken away in the wrong order, and nothing is left. */
static void refusals_may_overlap(void **state)
{
    AUTO_FREE char *before = NULL;
    AUTO_FREE char *after = NULL;
    (void)state;
    must(fd_read_file("/proc/sys/net/ipv4/icmp_ratemask", 64, &before, NULL, err));
    struct fault_instance *first = lab_fault("refuse", "{\"planes\": \"edge\"}", NULL);
    struct fault_instance *second = lab_fault("refuse", "{\"planes\": \"backbone\"}", NULL);
    lab_inject(first);
    lab_inject(second);
    lab_revert(first);
    lab_revert(second);
    must(fd_read_file("/proc/sys/net/ipv4/icmp_ratemask", 64, &after, NULL, err));
    assert_string_equal(before, after);
}

/* A fault that stands at the host itself, where connections end. */
static struct fault_instance *host_fault(const char *name, const char *options, const char *peers)
{
    struct fault_instance *fault = NULL;
    AUTO_JSON json_t *description =
        json_pack("{s:s, s:s, s:o, s:{s:s, s:s, s:s, s:s, s:o, s:[s]}}", "fault_id", "f1", "fault", name, "options",
                  json_loads(options, 0, NULL), "target", "place", "gw1", "kind", "host", "name", "gw1", "cidr", "10.1.0.11/32",
                  "peers", json_loads(peers, 0, NULL), "interfaces", "eth0");
    must(fault_instance_new(description, &fault, err));
    return fault;
}

static void reset_ends_the_selected(void **state)
{
    static const struct {
        const char *options, *peers;
        bool hit;
    } cases[] = {
        {"{}", "[]", true},
        {"{\"port\": \"8080\"}", "[]", true},
        {"{\"port\": \"8081\"}", "[]", false},
        {"{\"to\": \"10.255.1.0/24\"}", "[]", true},
        {"{\"to\": \"10.2.0.0/24\"}", "[]", false},
        {"{}", "[{\"name\": \"user\", \"cidr\": \"10.255.1.1/32\"}]", true},
        {"{}", "[{\"name\": \"west\", \"cidr\": \"10.2.0.0/24\"}]", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FD int user = -1;
        AUTO_FD int host = -1;
        lab_connect(&user, &host);
        struct fault_instance *fault = host_fault("reset", cases[i].options, cases[i].peers);
        lab_enter(LAB_HOST);
        must(fault->ops->supported(fault, err));
        must(fault->ops->prepare(fault, err));
        must(fault->ops->apply(fault, err));
        assert_int_equal(lab_proven(fault, 0), cases[i].hit); /* what hit nothing did not happen */
        lab_enter(LAB_REGION);
        assert_int_equal(lab_readable(user, cases[i].hit ? LAB_PATIENCE_MS : LAB_QUIET_MS), cases[i].hit);
        assert_int_equal(pending_error(user), cases[i].hit ? ECONNRESET : 0);
        lab_revert(fault);
    }
}

static void reset_leaves_listeners(void **state)
{
    AUTO_FD int listener = lab_socket(LAB_HOST, SOCK_STREAM, "10.1.0.11", 8082);
    (void)state;
    assert_return_code(listen(listener, 4), errno);
    assert_int_equal(connect_ends(LAB_USER, "10.255.1.1", "10.1.0.11", 8082, LAB_PATIENCE_MS), 0);
    lab_enter(LAB_HOST);
    struct connection_match all = {.within = "10.1.0.11/32"};
    size_t count = 0;
    must(connections_destroy(&all, &count, err));
    lab_enter(LAB_REGION);
    assert_int_equal(connect_ends(LAB_USER, "10.255.1.1", "10.1.0.11", 8082, LAB_PATIENCE_MS), 0);
}

/* Heal is not recovery: how long after the revert a connection that stood still is of use again, or its user free to make another. */
static int64_t useful_after_ms(const char *options)
{
    enum { TRIES_MS = 200, CUT_MS = 1700 }; /* TCP tries again after 0.2, 0.6, 1.4 and 3 s: the revert falls well between two */
    AUTO_FD int user = -1;
    AUTO_FD int host = -1;
    struct fault_instance *fault = host_fault("blackhole", options, "[]");
    lab_connect(&user, &host);
    lab_enter(LAB_HOST);
    lab_inject(fault);
    lab_enter(LAB_REGION);
    assert_int_equal(send(user, "x", 1, 0), 1);
    int64_t cut_ns = clock_now_ns();
    while (clock_now_ns() - cut_ns < CUT_MS * NS_PER_MS) { /* the time itself is what is meant */
        assert_false(lab_readable(host, TRIES_MS));
    }
    lab_enter(LAB_HOST);
    int64_t reverted_ns = clock_now_ns();
    must(fault->ops->revert(fault, err));
    lab_enter(LAB_REGION);
    struct pollfd ends[] = {{.fd = user, .events = POLLIN}, {.fd = host, .events = POLLIN}};
    assert_true(poll(ends, 2, LAB_PATIENCE_MS) > 0);
    int64_t after_ms = (clock_now_ns() - reverted_ns) / NS_PER_MS;
    if (strstr(options, "reset")) {
        assert_true(lab_readable(user, LAB_PATIENCE_MS));
        assert_int_equal(pending_error(user), ECONNRESET);
    } else {
        assert_int_equal(pending_error(user), 0);
    }
    lab_enter(LAB_HOST);
    lab_revert(fault);
    lab_enter(LAB_REGION);
    return after_ms;
}

static void a_reset_on_revert_spares_the_back_off(void **state)
{
    (void)state;
    int64_t alone_ms = useful_after_ms("{}"), reset_ms = useful_after_ms("{\"reset\": \"true\"}");
    print_message("a silent cut of 1.7 s: of use %lld ms after the revert alone, %lld ms after revert and reset\n",
                  (long long)alone_ms, (long long)reset_ms);
    assert_true(alone_ms > 500); /* the next try was due 3 s after the first byte */
    assert_true(reset_ms < alone_ms / 2);
}

static void a_reset_on_revert_is_of_the_selected(void **state)
{
    AUTO_FD int user = -1;
    AUTO_FD int host = -1;
    (void)state;
    lab_connect(&user, &host);
    struct fault_instance *fault = host_fault("blackhole", "{\"reset\": \"true\", \"to\": \"10.2.0.0/24\"}", "[]");
    lab_enter(LAB_HOST);
    lab_inject(fault);
    lab_revert(fault);
    lab_enter(LAB_REGION);
    assert_int_equal(send(user, "x", 1, 0), 1);
    assert_true(lab_readable(host, LAB_PATIENCE_MS));
    assert_int_equal(pending_error(user), 0);
}

/* A connection of the host with itself crosses nothing that is cut. */
static void a_reset_on_revert_spares_loopback(void **state)
{
    struct sockaddr_in address = lab_address_of("127.0.0.1", 8080);
    char byte;
    (void)state;
    lab_enter(LAB_HOST);
    must(link_set_up("lo", true, err)); /* the kernel gives it its address */
    AUTO_FD int listener = lab_socket(LAB_HOST, SOCK_STREAM, "127.0.0.1", 8080);
    assert_return_code(listen(listener, 4), errno);
    AUTO_FD int client = lab_socket(LAB_HOST, SOCK_STREAM, "127.0.0.1", 0);
    assert_return_code(connect(client, (struct sockaddr *)&address, sizeof(address)), errno);
    AUTO_FD int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct fault_instance *fault = host_fault("blackhole", "{\"reset\": \"true\"}", "[]");
    lab_enter(LAB_HOST);
    lab_inject(fault);
    lab_revert(fault);
    lab_enter(LAB_REGION);
    assert_int_equal(pending_error(client), 0);
    assert_int_equal(send(client, "x", 1, MSG_NOSIGNAL), 1);
    assert_true(lab_readable(server, LAB_PATIENCE_MS));
    assert_int_equal(recv(server, &byte, 1, 0), 1);
}

static void a_reset_that_would_hit_others_is_refused(void **state)
{
    static const char *const faults[] = {"blackhole", "partition"};
    static const struct {
        const char *options, *word;
    } wrong[] = {
        {"{\"reset\": \"true\", \"protocol\": \"udp\"}", "`protocol` = \"udp\""},
        {"{\"reset\": \"true\", \"protocol\": \"icmp\"}", "`protocol` = \"icmp\""},
        {"{\"reset\": \"true\", \"planes\": \"backbone\"}", "`planes` = \"backbone\""},
        {"{\"reset\": \"true\", \"link\": \"edge\"}", "`link` = \"edge\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults) * ARRAY_LEN(wrong); i++) {
        const size_t n = i % ARRAY_LEN(wrong);
        struct err err = {0};
        struct fault_instance *fault = lab_fault(faults[i / ARRAY_LEN(wrong)], wrong[n].options, NULL);
        assert_int_equal(fault->ops->check(fault, &err), -ERR_INPUT);
        assert_non_null(strstr(err.text, wrong[n].word));
        assert_int_equal(fault->ops->supported(fault, &err), -ERR_INPUT);
        fault_instance_free(fault);
    }
}

/* What an agent does with a fault that goes on by itself: told when it wants to be called again. */
static int run_ticks(struct fault_instance *fault, int times, int64_t *ret_due_ns)
{
    struct buf told CLEANUP(buf_clear) = {0};
    int changes = 0;
    for (int i = 0; i < times; i++) {
        int64_t wait_ns = *ret_due_ns ? *ret_due_ns - clock_now_ns() : 0;
        struct timespec pause = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns > 0 ? wait_ns % NS_PER_S : 0};
        (void)nanosleep(&pause, NULL); /* until the moment that the fault itself named */
        size_t before = told.size;
        must(fault->ops->tick(fault, ret_due_ns, &told, err));
        changes += told.size > before;
        if (*ret_due_ns == 0) {
            break;
        }
    }
    return changes;
}

static void flap_comes_and_goes(void **state)
{
    static const char *const hows[] = {"cut", "link"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        AUTO_FREE char *options =
            xasprintf("{\"how\": \"%s\", \"planes\": \"edge\", \"period\": \"400ms\", \"times\": \"2\"}", hows[i]);
        struct fault_instance *fault = lab_fault("flap", options, NULL);
        int64_t due_ns = 0;
        lab_inject(fault);
        assert_int_equal(run_ticks(fault, 1, &due_ns), 0); /* begins cut */
        assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
        assert_int_equal(run_ticks(fault, 1, &due_ns), 1);
        assert_true(due_ns > 0);
        assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
        assert_true(lab_passes(LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11", true));
        assert_int_equal(run_ticks(fault, 1, &due_ns), 1);
        assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
        assert_int_equal(run_ticks(fault, 9, &due_ns), 1); /* the second cut was the last */
        assert_int_equal(due_ns, 0);
        assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
        lab_revert(fault);
    }
}

static void flaps_repeat_by_seed(void **state)
{
    int64_t differs = 0;
    (void)state;
    for (int64_t n = 0; n < 200; n++) {
        int64_t length_ns = flap_stretch_ns(NS_PER_S, 0.3, 0.5, 7, n), nominal_ns = n % 2 ? 700 * NS_PER_MS : 300 * NS_PER_MS;
        assert_int_equal(length_ns, flap_stretch_ns(NS_PER_S, 0.3, 0.5, 7, n));
        assert_true(length_ns >= nominal_ns / 2 - 1 && length_ns <= nominal_ns * 3 / 2 + 1);
        differs += length_ns != flap_stretch_ns(NS_PER_S, 0.3, 0.5, 8, n);
        assert_int_equal(flap_stretch_ns(NS_PER_S, 0.3, 0, 7, n), nominal_ns);
    }
    assert_true(differs > 190);
}

static void what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *fault, *options, *says;
    } wrong[] = {
        {"flap", "{\"how\": \"link\", \"port\": \"80\"}", "`how`"},
        {"flap", "{\"how\": \"link\", \"direction\": \"in\"}", "`how`"},
        {"reset", "{\"to\": \"here\"}", "option 'to'"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err err = {0};
        struct fault_instance *fault = host_fault(wrong[i].fault, wrong[i].options, "[]");
        assert_int_equal(fault->ops->check(fault, &err), -ERR_INPUT);
        assert_non_null(strstr(err.text, wrong[i].says));
        fault_instance_free(fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuse_resets_new_and_established),
        cmocka_unit_test(refuse_says_each_icmp),
        cmocka_unit_test(refuse_hits_only_its_port),
        cmocka_unit_test(refusals_may_overlap),
        cmocka_unit_test(reset_ends_the_selected),
        cmocka_unit_test(reset_leaves_listeners),
        cmocka_unit_test(a_reset_on_revert_spares_the_back_off),
        cmocka_unit_test(a_reset_on_revert_is_of_the_selected),
        cmocka_unit_test(a_reset_on_revert_spares_loopback),
        cmocka_unit_test(a_reset_that_would_hit_others_is_refused),
        cmocka_unit_test(flap_comes_and_goes),
        cmocka_unit_test(flaps_repeat_by_seed),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
