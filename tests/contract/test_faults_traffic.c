/* Every registered fault on the lab's traffic: what its hint says is hit, established connections too, and nothing else; after the
 * revert all is as before. A flow is hit when its datagrams do not all arrive once, in order, whole and soon. */
#include "tests/contract/test_faults_victim.h"

enum { BURST = 40, BURST_PORT = 7780, SOON_MS = 20, TRIES = 5, STREAM_PORT = 8090 };

static const struct flow {
    unsigned bit; /* 0: never hit */
    const char *name;
    int from;
    const char *from_address;
    int to;
    const char *to_address;
} flows[] = {
    {HITS_FROM_USER, "user to host", LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11"},
    {HITS_TO_USER, "host to user", LAB_HOST, "10.1.0.11", LAB_USER, "10.255.1.1"},
    {HITS_FROM_PEER, "peer to host", LAB_PEER, "10.2.0.1", LAB_HOST, "10.1.0.11"},
    {HITS_TO_PEER, "host to peer", LAB_HOST, "10.1.0.11", LAB_PEER, "10.2.0.1"},
    {HITS_TRANSIT, "user to peer", LAB_USER, "10.255.1.1", LAB_PEER, "10.2.0.1"},
    {0, "router to host", LAB_REGION, "10.1.0.1", LAB_HOST, "10.1.0.11"},
    {0, "host to router", LAB_HOST, "10.1.0.11", LAB_REGION, "10.1.0.1"},
};

struct datagram {
    uint32_t number;
    int64_t sent_ns;
    char filling[180];
};

struct burst {
    int arrived, in_order, whole, soon;
};

static void take(int receiver, struct burst *burst)
{
    struct datagram datagram;
    while (recv(receiver, &datagram, sizeof(datagram), MSG_DONTWAIT) == (ssize_t)sizeof(datagram)) {
        bool whole = true;
        for (size_t i = 0; i < sizeof(datagram.filling); i++) {
            whole = whole && datagram.filling[i] == (char)i;
        }
        burst->in_order += datagram.number == (uint32_t)burst->arrived;
        burst->whole += whole;
        burst->soon += clock_now_ns() - datagram.sent_ns < SOON_MS * NS_PER_MS;
        burst->arrived++;
    }
}

/* A busy machine may hold this very thread up now and then: of `soon` the greater part is enough. */
static bool is_untouched(const struct burst *burst)
{
    return burst->arrived == BURST && burst->in_order == BURST && burst->whole == BURST && burst->soon > BURST / 2;
}

static bool passes_untouched(const struct flow *flow)
{
    AUTO_FD int sender = lab_socket(flow->from, SOCK_DGRAM, flow->from_address, 0);
    AUTO_FD int receiver = lab_socket(flow->to, SOCK_DGRAM, flow->to_address, BURST_PORT);
    struct sockaddr_in address = lab_address_of(flow->to_address, BURST_PORT);
    struct burst burst = {0};
    for (uint32_t i = 0; i < BURST; i++) {
        struct datagram datagram = {.number = i, .sent_ns = clock_now_ns()};
        for (size_t j = 0; j < sizeof(datagram.filling); j++) {
            datagram.filling[j] = (char)j;
        }
        (void)sendto(sender, &datagram, sizeof(datagram), MSG_DONTWAIT, (struct sockaddr *)&address, sizeof(address));
        take(receiver, &burst);
    }
    while (burst.arrived < BURST && lab_readable(receiver, LAB_QUIET_MS)) {
        take(receiver, &burst);
    }
    take(receiver, &burst); /* one that came twice */
    return is_untouched(&burst);
}

/* Some faults come and go by themselves, some need luck: hit is what is hit once, untouched what passes. */
static void check_flow(const struct flow *flow, bool hit, int tries)
{
    for (int i = 0; i < tries; i++) {
        if (passes_untouched(flow) != hit) {
            return;
        }
    }
    fail_msg("%s: %s", flow->name, hit ? "expected to be hit, passes as if nothing were" : "expected to pass, is hit");
}

struct stream {
    const char *name;
    unsigned bit;
    int client, server;
};

static void open_stream(struct stream *stream, const struct flow *flow, unsigned bit)
{
    AUTO_FD int listener = lab_socket(flow->to, SOCK_STREAM, flow->to_address, STREAM_PORT);
    struct sockaddr_in address = lab_address_of(flow->to_address, STREAM_PORT);
    assert_return_code(listen(listener, 4), errno);
    stream->name = flow->name;
    stream->bit = bit;
    stream->client = lab_socket(flow->from, SOCK_STREAM, flow->from_address, 0);
    assert_return_code(connect(stream->client, (struct sockaddr *)&address, sizeof(address)), errno);
    stream->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(stream->server >= 0);
}

static void close_stream(struct stream *stream)
{
    fd_close(stream->client);
    fd_close(stream->server);
}

/* One byte over it in good time? */
static bool stream_passes(const struct stream *stream)
{
    char byte;
    int64_t sent_ns = clock_now_ns();
    return send(stream->client, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 && lab_readable(stream->server, LAB_QUIET_MS) &&
           recv(stream->server, &byte, 1, MSG_DONTWAIT) == 1 && clock_now_ns() - sent_ns < SOON_MS * NS_PER_MS;
}

static void check_stream(const struct stream *stream, bool hit)
{
    for (int i = 0; i < 4 * TRIES; i++) { /* with half of all packets lost, this is one miss in a million */
        if (stream_passes(stream) != hit) {
            return;
        }
    }
    fail_msg("the connection %s: %s", stream->name, hit ? "expected to be hit, passes" : "expected to pass, is hit");
}

static void check_all(unsigned hits, const struct stream *streams, size_t stream_count, int tries)
{
    for (size_t i = 0; i < ARRAY_LEN(flows); i++) {
        check_flow(&flows[i], flows[i].bit & hits, tries);
    }
    for (size_t i = 0; i < stream_count; i++) {
        check_stream(&streams[i], streams[i].bit & hits);
    }
}

static void hits_what_it_should(const struct fault_hint *hint)
{
    enum { AFTER_TRIES = 30 };
    struct victim victim = victim_start(VICTIM_PORT), other = victim_start(VICTIM_OTHER_PORT);
    struct stream streams[3];
    open_stream(&streams[0], &flows[0], HITS_CONNECTION);
    open_stream(&streams[1], &flows[2], HITS_PEER_CONNECTION);
    open_stream(&streams[2], &flows[5], 0);
    check_all(0, streams, ARRAY_LEN(streams), TRIES);
    assert_true(victim_answers(&victim, true)); /* also one that is stopped for the fault to start it */
    struct fault_instance *fault = victim_hint(hint, &victim);
    lab_inject(fault);
    check_all(hint->hits, streams, ARRAY_LEN(streams), TRIES);
    bool answers = !(hint->hits & HITS_VICTIM);
    assert_int_equal(victim_answers(&victim, answers), answers);
    assert_true(victim_answers(&other, true));
    lab_revert(fault);
    /* What was under way in a connection may still be in TCP's hands: only new traffic is asked to be as before. */
    check_all(0, NULL, 0, AFTER_TRIES);
    answers = !hint->stopped && (answers || !hint->permanent);
    assert_int_equal(victim_answers(&victim, answers), answers);
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        close_stream(&streams[i]);
    }
    victim_end(victim);
    victim_end(other);
}

static void each_fault_hits_what_it_should_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fault_hints); i++) {
        print_message("fault %s\n", fault_hint_name(&fault_hints[i], true).text);
        hits_what_it_should(&fault_hints[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_fault_hits_what_it_should_and_nothing_else)};
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
