/* Observers in a real agent: what they say when the thing that they watch changes. */
#include "test_agent_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

/* A server on loopback whose answer the test chooses: HTTP and DNS on sockets of their own. */
enum { SAY_200 = 0, SAY_503, SAY_PRIMARY, SAY_REPLICA, SAY_NUMBER, SAY_CHUNKS, SAY_ALERT, SAY_NO_ALERT, SAY_NOTHING };

struct server {
    int http_fd, dns_fd, stop_fd[2];
    int http_port, dns_port;
    _Atomic int mode;
    _Atomic unsigned address; /* last byte of the A record; 0: no answer */
    pthread_t thread;
};

static int bind_loopback(int type, int *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void answer_http(struct server *server)
{
    static const char *const answers[] = {
        [SAY_200] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        [SAY_503] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
        [SAY_PRIMARY] = "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"role\":\"primary\"}",
        [SAY_REPLICA] = "HTTP/1.1 503 No\r\nContent-Length: 18\r\n\r\n{\"role\":\"replica\"}",
        [SAY_NUMBER] = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"role\":1234}",
        [SAY_CHUNKS] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"role\":\r\n"
                       "A;x=y\r\n\"standby\" \r\n1\r\n}\r\n0\r\n\r\n",
        [SAY_ALERT] = "HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n[{\"status\":{\"state\":\"active\"}}]",
        [SAY_NO_ALERT] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    };
    char request[2048];
    AUTO_FD int fd = accept4(server->http_fd, NULL, NULL, SOCK_CLOEXEC);
    int mode = server->mode;
    struct pollfd wait[] = {{.fd = fd, .events = POLLIN}, {.fd = server->stop_fd[0], .events = POLLIN}};
    if (mode == SAY_NOTHING) {
        wait[0].events = POLLRDHUP; /* until the client has had enough */
        (void)poll(wait, 2, -1);
        return;
    }
    if (fd >= 0 && read(fd, request, sizeof(request)) > 0) {
        (void)send(fd, answers[mode], strlen(answers[mode]), MSG_NOSIGNAL);
    }
}

static void answer_dns(struct server *server)
{
    unsigned char packet[600];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t got = recvfrom(server->dns_fd, packet, 512, 0, (struct sockaddr *)&from, &size);
    unsigned last = server->address;
    size_t end = 12;
    while (got > 12 && end < (size_t)got && packet[end]) {
        end += packet[end] + 1U;
    }
    end += 5; /* root label, type, class */
    if (last == 0 || end > (size_t)got) {
        return;
    }
    const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 1, 0, (unsigned char)last};
    packet[2] = 0x84;
    packet[3] = 0;
    packet[7] = 1;  /* one answer */
    packet[11] = 0; /* nothing additional */
    memcpy(packet + end, record, sizeof(record));
    (void)sendto(server->dns_fd, packet, end + sizeof(record), 0, (struct sockaddr *)&from, size);
}

static void *serve(void *context)
{
    struct server *server = context;
    for (;;) {
        struct pollfd wait[] = {{.fd = server->http_fd, .events = POLLIN},
                                {.fd = server->dns_fd, .events = POLLIN},
                                {.fd = server->stop_fd[0], .events = POLLIN}};
        (void)poll(wait, 3, -1);
        if (wait[2].revents) {
            return NULL;
        }
        if (wait[0].revents) {
            answer_http(server);
        }
        if (wait[1].revents) {
            answer_dns(server);
        }
    }
}

static struct server server;

static int set_up(void **state)
{
    (void)state;
    server.mode = SAY_200;
    server.address = 11;
    server.http_fd = bind_loopback(SOCK_STREAM, &server.http_port);
    server.dns_fd = bind_loopback(SOCK_DGRAM, &server.dns_port);
    assert_int_equal(listen(server.http_fd, 16), 0);
    assert_int_equal(pipe2(server.stop_fd, O_CLOEXEC), 0);
    return pthread_create(&server.thread, NULL, serve, &server);
}

static int tear_down(void **state)
{
    (void)state;
    (void)!write(server.stop_fd[1], "", 1); /* closing would not do: an agent that a failed test left has a copy */
    (void)pthread_join(server.thread, NULL);
    fd_close(server.stop_fd[1]);
    fd_close(server.stop_fd[0]);
    fd_close(server.http_fd);
    fd_close(server.dns_fd);
    return 0;
}

static struct agent_process begin(void)
{
    struct agent_process agent = agent_begin();
    json_decref(agent_hello(&agent, NULL, 0));
    return agent;
}

static json_t *observer(const char *name, const char *kind, const char *type)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "name", name, "kind", kind, "type", type, "interval_ms", 50, "timeout_ms",
                     200, "url", json_sprintf("http://127.0.0.1:%d/health", server.http_port));
}

static void start(struct agent_process *agent, json_t *what)
{
    agent_do(agent, "observe.start", json_pack("{s:[o]}", "observers", what));
}

/* The next change must be this one: nothing is said twice, nothing is left out. */
static void expect_change(struct agent_process *agent, const char *from, const char *to)
{
    AUTO_JSON json_t *event = agent_event(agent, "observe", NULL);
    assert_string_equal(json_str(event, "from", "?"), from);
    assert_string_equal(json_str(event, "to", "?"), to);
    assert_in_range(json_int(event, "bound_ns", 0), 50 * NS_PER_MS, 400 * NS_PER_MS);
    assert_true(json_int(event, "t_ns", 0) <= clock_now_ns());
}

static void test_health(void **state)
{
    struct agent_process agent = begin();
    (void)state;
    start(&agent, observer("health edge", "health", "http"));
    AUTO_JSON json_t *first = agent_event(&agent, "observe", NULL);
    assert_string_equal(json_str(first, "subject", ""), "health edge");
    assert_string_equal(json_str(first, "observer", ""), "health");
    assert_string_equal(json_str(first, "to", ""), "up");
    server.mode = SAY_503;
    expect_change(&agent, "up", "down");
    server.mode = SAY_200;
    expect_change(&agent, "down", "up");
    agent_do(&agent, "observe.stop", NULL);
    assert_int_equal(agent_end(&agent), 0);
}

static void test_role_of_a_member(void **state)
{
    struct agent_process agent = begin();
    json_t *what = observer("role db", "role", "http");
    (void)state;
    json_object_set_new(what, "field", json_string("role"));
    server.mode = SAY_PRIMARY;
    start(&agent, what);
    expect_change(&agent, "", "primary");
    server.mode = SAY_REPLICA; /* with status 503: the member counts */
    expect_change(&agent, "primary", "replica");
    server.mode = SAY_NUMBER;
    expect_change(&agent, "replica", "1234");
    server.mode = SAY_CHUNKS;
    expect_change(&agent, "1234", "standby");
    server.mode = SAY_NOTHING;
    expect_change(&agent, "standby", "unreachable");
    server.mode = SAY_200; /* "ok" is no JSON */
    expect_change(&agent, "unreachable", "unknown");
    assert_int_equal(agent_end(&agent), 0);
}

/* A path that leads nowhere: an alert that Alertmanager does not hold. */
static void test_otherwise(void **state)
{
    struct agent_process agent = begin();
    json_t *what = observer("alert down", "alert", "http");
    (void)state;
    json_object_set_new(what, "field", json_string("0.status.state"));
    json_object_set_new(what, "otherwise", json_string("inactive"));
    server.mode = SAY_NO_ALERT;
    start(&agent, what);
    expect_change(&agent, "", "inactive");
    server.mode = SAY_ALERT;
    expect_change(&agent, "inactive", "active");
    assert_int_equal(agent_end(&agent), 0);
}

static void test_one_of_two_is_stopped(void **state)
{
    struct agent_process agent = begin();
    json_t *what = observer("role db", "role", "http");
    (void)state;
    json_object_set_new(what, "field", json_string("role"));
    start(&agent, observer("health edge", "health", "http"));
    expect_change(&agent, "", "up");
    start(&agent, what);
    expect_change(&agent, "", "unknown");
    agent_do(&agent, "observe.stop", json_pack("{s:s}", "name", "role db"));
    server.mode = SAY_REPLICA; /* 503: both would speak */
    expect_change(&agent, "up", "down");
    server.mode = SAY_200;
    expect_change(&agent, "down", "up");
    agent_do(&agent, "observe.stop", NULL);
    assert_int_equal(agent_end(&agent), 0);
}

static void test_dns(void **state)
{
    struct agent_process agent = begin();
    json_t *what = observer("dns shop", "dns", "dns");
    (void)state;
    json_object_set_new(what, "server", json_sprintf("127.0.0.1:%d", server.dns_port));
    json_object_set_new(what, "query", json_string("shop.example"));
    start(&agent, what);
    expect_change(&agent, "", "10.1.0.11");
    server.address = 12;
    expect_change(&agent, "10.1.0.11", "10.1.0.12");
    server.address = 0;
    expect_change(&agent, "10.1.0.12", "none");
    assert_int_equal(agent_end(&agent), 0);
}

static void test_program(void **state)
{
    char *folder = test_folder();
    AUTO_FREE char *path = xasprintf("%s/answer", folder);
    struct agent_process agent = begin();
    struct err err = {0};
    json_t *what = observer("role store", "role", "exec");
    (void)state;
    assert_int_equal(fd_write_file_atomic(path, "master\nmore\n", 12, &err), 0);
    json_object_set_new(what, "argv", json_pack("[s, s]", "cat", path));
    start(&agent, what);
    expect_change(&agent, "", "master");
    assert_int_equal(fd_write_file_atomic(path, "slave\n", 6, &err), 0);
    expect_change(&agent, "master", "slave");
    assert_int_equal(agent_end(&agent), 0);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_health, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_role_of_a_member, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_otherwise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_of_two_is_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_program, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("agent observers", tests, NULL, NULL);
}
