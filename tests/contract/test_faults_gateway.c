/* What the faults at a gateway's health check do to checks, to requests, and to connections that were there before: a small gateway of
 * HTTP in the region, asked from the user's place. */
#include "tests/contract/test_faults_victim.h"

#include "faults/gateway/standin.h"

enum { OTHER_PORT = 8079, SLOW_MS = 150 };
static int port = OTHER_PORT; /* a new one for each gateway: the kernel keeps the last one's a while */
static const char address[] = "10.1.0.1";

/* 200 to each request, over kept connections, a process for each; to /slow after a while. */
static void serve_one(int client)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown";
    char text[2048] = "";
    while (recv(client, text, sizeof(text) - 1, 0) > 0) {
        if (str_starts_with(text, "GET /slow ")) {
            (void)poll(NULL, 0, SLOW_MS);
        }
        if (send(client, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0) {
            break;
        }
    }
}

static pid_t gateway_start(int at)
{
    AUTO_FD int listener = lab_socket(LAB_REGION, SOCK_STREAM, "0.0.0.0", at);
    assert_return_code(listen(listener, 8), errno);
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    victim_become();
    for (;;) {
        AUTO_FD int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0 && fork() == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve_one(client);
            _exit(0);
        }
    }
}

static void gateway_end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static int dial(int at)
{
    struct sockaddr_in to = lab_address_of(address, at);
    int fd = lab_socket(LAB_USER, SOCK_STREAM, "10.255.1.1", 0);
    assert_return_code(connect(fd, (struct sockaddr *)&to, sizeof(to)), errno);
    lab_enter(LAB_REGION);
    return fd;
}

static void send_request(int fd, const char *path)
{
    char text[2048];
    (void)str_format(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* The status; 0: the connection broke, -1: nothing came. */
static int read_status(int fd)
{
    char text[2048] = "";
    int status = 0;
    if (!lab_readable(fd, 1000)) {
        return -1;
    }
    ssize_t size = recv(fd, text, sizeof(text) - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return sscanf(text, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

static int ask(int fd, const char *path)
{
    send_request(fd, path);
    return read_status(fd);
}

static int ask_once(int at, const char *path)
{
    AUTO_FD int fd = dial(at);
    return ask(fd, path);
}

static struct fault_instance *fault_at(const char *name, const char *options, pid_t gateway)
{
    struct fault_instance *fault = NULL;
    struct victim victim = {.parent = gateway, .port = port};
    lab_enter(LAB_REGION);
    must(victim_try_fault(fault_find(name), json_loads(options, 0, NULL), &victim, &fault, err));
    lab_inject(fault);
    return fault;
}

static void a_false_alarm_hits_checks_alone(void **state)
{
    (void)state;
    pid_t gateway = gateway_start(++port), other = gateway_start(OTHER_PORT);
    AUTO_FD int kept = dial(port);
    assert_int_equal(ask(kept, "/orders"), 200);
    struct fault_instance *fault = fault_at("false_alarm", "{}", gateway);
    AUTO_FD int carried = dial(port);
    assert_int_equal(ask_once(port, "/healthz"), 503);
    assert_int_equal(ask_once(port, "/healthz?deep=1"), 503);
    assert_int_equal(ask_once(port, "/healthzz"), 200);
    assert_int_equal(ask_once(OTHER_PORT, "/healthz"), 200);
    assert_int_equal(ask(carried, "/orders"), 200);
    assert_int_equal(ask(carried, "/orders"), 200);
    assert_int_equal(ask(kept, "/orders"), 200);
    lab_revert(fault);
    assert_int_equal(ask_once(port, "/healthz"), 200);
    assert_int_equal(ask(kept, "/orders"), 200);
    gateway_end(gateway);
    gateway_end(other);
}

/* Who waits for an answer gets it, with the advice to close; who is idle sees an end and no reset. */
static void a_revert_breaks_no_request(void **state)
{
    char text[2048] = "";
    (void)state;
    pid_t gateway = gateway_start(++port);
    struct fault_instance *fault = fault_at("false_alarm", "{}", gateway);
    AUTO_FD int waiting = dial(port), idle = dial(port);
    assert_int_equal(ask(idle, "/orders"), 200);
    assert_int_equal(ask(waiting, "/orders"), 200);
    send_request(waiting, "/slow");
    lab_revert(fault);
    assert_true(recv(waiting, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
    assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\nConnection: close\r\n"));
    assert_non_null(strstr(text, "own"));
    assert_int_equal(recv(idle, text, sizeof(text), MSG_DONTWAIT), 0);
    gateway_end(gateway);
}

static void check_lie(const char *options, int expected)
{
    pid_t gateway = gateway_start(++port);
    AUTO_FD int kept = dial(port);
    assert_int_equal(ask(kept, "/orders"), 200);
    struct fault_instance *fault = fault_at("lying_health", options, gateway);
    assert_int_equal(ask_once(port, "/healthz"), 200);
    assert_int_equal(ask_once(port, "/orders"), expected);
    assert_int_equal(ask(kept, "/orders"), 0); /* what was there before is no way round */
    lab_revert(fault);
    assert_int_equal(ask_once(port, "/orders"), 200);
    gateway_end(gateway);
}

static void a_lie_breaks_requests_and_no_checks(void **state)
{
    (void)state;
    check_lie("{}", 500);
    check_lie("{\"status\": 404}", 404);
    check_lie("{\"how\": \"silence\"}", -1);
    check_lie("{\"how\": \"reset\"}", 0);
}

/* The gateway need not even be there for its health to be praised; its end is the end of nothing else. */
static void a_lie_outlives_the_gateway(void **state)
{
    (void)state;
    pid_t gateway = gateway_start(++port);
    struct fault_instance *fault = fault_at("lying_health", "{}", gateway);
    gateway_end(gateway);
    assert_int_equal(ask_once(port, "/healthz"), 200);
    lab_revert(fault);
}

static void a_path_with_a_query_is_refused(void **state)
{
    struct victim victim = {.parent = getpid()};
    struct fault_instance *fault = NULL;
    struct err refusal = {0};
    (void)state;
    must(victim_try_fault(fault_find("false_alarm"), json_pack("{s:s}", "path", "healthz"), &victim, &fault, err));
    assert_int_equal(fault->ops->check(fault, &refusal), -ERR_INPUT);
    assert_non_null(strstr(refusal.text, "\"/healthz\""));
    fault_instance_free(fault);
}

static void a_check_is_known_by_its_first_line(void **state)
{
    static const struct {
        const char *text;
        enum standin_kind kind;
    } cases[] = {{"", STANDIN_UNDECIDED},
                 {"GE", STANDIN_UNDECIDED},
                 {"GET /heal", STANDIN_UNDECIDED},
                 {"GET /h", STANDIN_UNDECIDED},
                 {"GET /h ", STANDIN_CHECK},
                 {"HEAD /h?a=b HTTP/1.0", STANDIN_CHECK},
                 {"GET /hz HTTP/1.1", STANDIN_OTHER},
                 {"GET /x", STANDIN_OTHER},
                 {"x", STANDIN_OTHER},
                 {"\x16\x03", STANDIN_OTHER},
                 {"GET\r\n", STANDIN_OTHER},
                 {"AAAAAAAAAAAAAAAAAAAA", STANDIN_OTHER}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *path = str_starts_with(cases[i].text, "GET /heal") ? "/healthz" : "/h";
        assert_int_equal(standin_classify(cases[i].text, strlen(cases[i].text), path), cases[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_is_known_by_its_first_line), cmocka_unit_test(a_path_with_a_query_is_refused),
        cmocka_unit_test(a_false_alarm_hits_checks_alone),    cmocka_unit_test(a_lie_breaks_requests_and_no_checks),
        cmocka_unit_test(a_revert_breaks_no_request),         cmocka_unit_test(a_lie_outlives_the_gateway),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
