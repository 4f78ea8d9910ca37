/* The resolver in a foreign loop, and the load's clients under DNS that changes, hangs and fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/evidence/ledger.h"
#include "harness/load/load.h"
#include "harness/load/resolver.h"
#include "tests/support/load_server.h"

enum {
    WAIT_MS = 30000,    /* as long as a machine may take that has much else to do */
    PATIENT_MS = 20000, /* a deadline that nothing is meant to run into */
    DEADLINE_MS = 400,  /* one that something is */
    SILENT_MS = 200
};

static char ledger_path[64];

struct seen {
    int calls;
    struct resolver_answer answer;
};

static void on_answer(void *context, const struct resolver_answer *answer)
{
    struct seen *seen = context;
    seen->calls++;
    seen->answer = *answer;
}

static struct resolver *new_resolver(const char *server, int timeout_ms)
{
    struct err err = {0};
    struct resolver *resolver = NULL;
    if (resolver_new(server, timeout_ms, &resolver, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return resolver;
}

static struct seen ask(struct resolver *resolver, const char *name)
{
    struct seen seen = {0};
    struct pollfd fd = {.fd = resolver_fd(resolver), .events = POLLIN};
    resolver_query(resolver, name, on_answer, &seen);
    assert_int_equal(seen.calls, 0);
    while (seen.calls == 0) {
        assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
        resolver_process(resolver);
    }
    assert_int_equal(seen.calls, 1);
    return seen;
}

static void test_answers(void **state)
{
    struct dns_server server;
    (void)state;
    dns_server_start(&server, "10.1.0.11", 2);
    AUTO_RESOLVER struct resolver *resolver = new_resolver(server.text, PATIENT_MS);
    struct seen seen = ask(resolver, "api.drill.test");
    assert_int_equal(seen.answer.failed, 0);
    assert_int_equal(seen.answer.count, 1);
    assert_int_equal(seen.answer.addresses[0], inet_addr("10.1.0.11"));
    assert_int_equal(seen.answer.ttl_ns, 2 * NS_PER_S);
    atomic_store(&server.addresses[1], inet_addr("10.2.0.11"));
    seen = ask(resolver, "api.drill.test");
    assert_int_equal(seen.answer.count, 2);
    assert_int_equal(seen.answer.addresses[1], inet_addr("10.2.0.11"));
    dns_server_stop(&server);
}

static void test_failures(void **state)
{
    struct dns_server server;
    (void)state;
    dns_server_start(&server, "10.1.0.11", 2);
    AUTO_RESOLVER struct resolver *resolver = new_resolver(server.text, PATIENT_MS);
    atomic_store(&server.mode, DNS_NXDOMAIN);
    struct seen seen = ask(resolver, "api.drill.test");
    assert_true(seen.answer.failed && seen.answer.no_address && !seen.answer.timed_out);
    atomic_store(&server.mode, DNS_SERVFAIL);
    seen = ask(resolver, "api.drill.test");
    assert_true(seen.answer.failed && !seen.answer.no_address && !seen.answer.timed_out);
    dns_server_stop(&server);
    seen = ask(resolver, "api.drill.test"); /* nobody there */
    assert_true(seen.answer.failed && !seen.answer.no_address);
}

static void test_a_silent_server_is_given_up(void **state)
{
    struct dns_server server;
    (void)state;
    dns_server_start(&server, "10.1.0.11", 2);
    AUTO_RESOLVER struct resolver *resolver = new_resolver(server.text, SILENT_MS);
    atomic_store(&server.mode, DNS_HANG);
    struct seen seen = ask(resolver, "api.drill.test");
    assert_true(seen.answer.failed && seen.answer.timed_out);
    assert_true(seen.answer.answered_ns - seen.answer.asked_ns >= (SILENT_MS - 10) * NS_PER_MS);
    assert_non_null(seen.answer.reason);
    dns_server_stop(&server);
}

static void test_query_under_way_ends_with_the_resolver(void **state)
{
    struct dns_server server;
    struct seen seen = {0};
    (void)state;
    dns_server_start(&server, "10.1.0.11", 2);
    atomic_store(&server.mode, DNS_HANG);
    struct resolver *resolver = new_resolver(server.text, 200);
    resolver_query(resolver, "api.drill.test", on_answer, &seen);
    resolver_free(resolver);
    assert_int_equal(seen.calls, 0);
    dns_server_stop(&server);
}

/* Two regions on one port, and a name that points to the first. */
struct world {
    struct http_server first, second;
    struct dns_server dns;
    struct load *load;
};

static void start_world(struct world *world, int ttl_s, const char *connections, double rate, int deadline_ms)
{
    struct err err = {0};
    http_server_start(&world->first, "127.0.0.2", 0);
    http_server_start(&world->second, "127.0.0.3", world->first.port);
    dns_server_start(&world->dns, "127.0.0.2", ttl_s);
    AUTO_FREE char *url = xasprintf("http://api.drill.test:%d/", world->first.port);
    AUTO_JSON json_t *settings = json_pack("{s:s, s:s, s:f, s:i, s:i, s:s, s:s, s:{s:s}}", "vantage", "client", "ledger",
                                           ledger_path, "rate", rate, "max_seconds", 60, "deadline_ms", deadline_ms,
                                           "connections", connections, "dns_server", world->dns.text, "read", "url", url);
    if (load_start(settings, &world->load, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static struct ledger *stop_world(struct world *world)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    json_t *summary = NULL;
    assert_int_equal(load_stop(world->load, &summary, &err), 0);
    json_decref(summary);
    load_free(world->load);
    dns_server_stop(&world->dns);
    http_server_stop(&world->first);
    http_server_stop(&world->second);
    assert_int_equal(ledger_open(ledger_path, &ledger, &err), 0);
    unlink(ledger_path);
    return ledger;
}

static json_t *wait_event(struct load *load)
{
    struct pollfd fd = {.fd = load_event_fd(load), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
    json_t *event = load_take_event(load);
    assert_non_null(event);
    return event;
}

static void wait_requests(struct http_server *server, int more)
{
    for (int until = atomic_load(&server->requests) + more; atomic_load(&server->requests) < until;) {
        poll(NULL, 0, 1);
    }
}

static void test_a_changed_answer_is_seen_within_its_ttl(void **state)
{
    struct world world;
    uint32_t second = inet_addr("127.0.0.3");
    int64_t began_ns = clock_now_ns();
    (void)state;
    start_world(&world, 1, "new", 100, PATIENT_MS);
    AUTO_JSON json_t *first_event = wait_event(world.load);
    assert_string_equal(json_str(first_event, "to", ""), "127.0.0.2");
    wait_requests(&world.first, 10);
    int64_t changed_ns = clock_now_ns();
    atomic_store(&world.dns.addresses[0], second);
    AUTO_JSON json_t *event = wait_event(world.load);
    assert_string_equal(json_str(event, "observer", ""), "dns");
    assert_string_equal(json_str(event, "subject", ""), "client client");
    assert_string_equal(json_str(event, "from", ""), "127.0.0.2");
    assert_string_equal(json_str(event, "to", ""), "127.0.0.3");
    assert_true(json_int(event, "t_ns", 0) > changed_ns);
    wait_requests(&world.second, 10);
    int queries = atomic_load(&world.dns.queries); /* one a TTL, not one a request; each is asked for once the last has run out */
    assert_in_range(queries, 2, 2 + (clock_now_ns() - began_ns) / NS_PER_S);
    AUTO_LEDGER struct ledger *ledger = stop_world(&world);
    bool moved = false;
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        assert_int_equal(record->outcome, OUTCOME_OK);
        moved = moved || record->address == second;
        assert_int_equal(record->address, moved ? second : inet_addr("127.0.0.2"));
    }
    assert_true(moved);
}

/* As real clients do: the pool is used while it works, the next new connection follows DNS. */
static void test_pooled_connections_follow_when_they_fail(void **state)
{
    struct world world;
    (void)state;
    start_world(&world, 1, "keepalive", 100, PATIENT_MS);
    json_decref(wait_event(world.load));
    wait_requests(&world.first, 10);
    int64_t changed_ns = clock_now_ns();
    atomic_store(&world.dns.addresses[0], inet_addr("127.0.0.3"));
    wait_requests(&world.first, 150); /* past the TTL */
    atomic_store(&world.first.mode, SERVER_503);
    AUTO_JSON json_t *event = wait_event(world.load);
    assert_string_equal(json_str(event, "to", ""), "127.0.0.3");
    wait_requests(&world.second, 20);
    AUTO_LEDGER struct ledger *ledger = stop_world(&world);
    int pooled = 0, followed = 0;
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        bool is_first = record->address == inet_addr("127.0.0.2"), is_late = record->due_ns > changed_ns + NS_PER_S;
        pooled += is_late && is_first && !record->new_connection && record->outcome == OUTCOME_OK;
        followed += !is_first && record->outcome == OUTCOME_OK;
    }
    assert_true(pooled >= 10);
    assert_true(followed >= 10);
}

static uint64_t count_outcome(struct ledger *ledger, enum request_outcome outcome)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        count += ledger_at(ledger, i)->outcome == outcome;
    }
    return count;
}

static void test_silent_dns_fails_at_the_deadline_and_is_asked_again(void **state)
{
    struct world world;
    (void)state;
    start_world(&world, 1, "new", 50, DEADLINE_MS);
    json_decref(wait_event(world.load));
    wait_requests(&world.first, 5);
    atomic_store(&world.dns.mode, DNS_HANG);
    int before = atomic_load(&world.dns.queries);
    while (atomic_load(&world.dns.queries) < before + 2) { /* the second comes when the first has timed out */
        poll(NULL, 0, 5);
    }
    atomic_store(&world.dns.mode, DNS_OK);
    wait_requests(&world.first, 10);
    AUTO_LEDGER struct ledger *ledger = stop_world(&world);
    assert_true(count_outcome(ledger, OUTCOME_DNS) >= 20);
    assert_true(count_outcome(ledger, OUTCOME_OK) >= 5);
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        assert_int_equal(record->due_ns, ledger_header(ledger)->start_ns + (int64_t)i * NS_PER_S / 50);
        if (record->outcome == OUTCOME_DNS) {
            assert_int_equal(record->sent_ns, 0);
            assert_true(record->done_ns - record->due_ns >= DEADLINE_MS * NS_PER_MS);
        }
    }
}

static void test_a_name_that_is_gone_fails_at_once(void **state)
{
    struct world world;
    (void)state;
    start_world(&world, 0, "new", 50, PATIENT_MS);
    json_decref(wait_event(world.load));
    atomic_store(&world.dns.mode, DNS_NXDOMAIN);
    AUTO_JSON json_t *event = wait_event(world.load);
    assert_string_equal(json_str(event, "to", ""), "none");
    atomic_store(&world.dns.mode, DNS_OK);
    AUTO_JSON json_t *back = wait_event(world.load);
    assert_string_equal(json_str(back, "from", ""), "none");
    AUTO_LEDGER struct ledger *ledger = stop_world(&world);
    assert_true(count_outcome(ledger, OUTCOME_DNS) >= 1);
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        assert_true(record->outcome != OUTCOME_DNS || record->done_ns - record->due_ns < PATIENT_MS * NS_PER_MS);
    }
}

/* A TTL of 0 serves those who wait for the answer; keep-alive needs it for new connections only. */
static void test_ttl_zero_and_keepalive_without_dns(void **state)
{
    struct world world;
    (void)state;
    start_world(&world, 0, "keepalive", 100, PATIENT_MS);
    json_decref(wait_event(world.load));
    wait_requests(&world.first, 10);
    atomic_store(&world.dns.mode, DNS_HANG);
    wait_requests(&world.first, 50);
    atomic_store(&world.dns.mode, DNS_OK); /* for what had to wait since there were not enough connections */
    AUTO_LEDGER struct ledger *ledger = stop_world(&world);
    assert_int_equal(count_outcome(ledger, OUTCOME_OK), ledger_count(ledger));
}

static int set_up(void **state)
{
    (void)state;
    snprintf(ledger_path, sizeof(ledger_path), "/tmp/drill-test-resolver-%d.bin", (int)getpid());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_a_silent_server_is_given_up),
        cmocka_unit_test(test_query_under_way_ends_with_the_resolver),
        cmocka_unit_test(test_a_changed_answer_is_seen_within_its_ttl),
        cmocka_unit_test(test_pooled_connections_follow_when_they_fail),
        cmocka_unit_test(test_silent_dns_fails_at_the_deadline_and_is_asked_again),
        cmocka_unit_test(test_a_name_that_is_gone_fails_at_once),
        cmocka_unit_test(test_ttl_zero_and_keepalive_without_dns),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
