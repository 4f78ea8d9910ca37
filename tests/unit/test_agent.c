/* A real agent: requests, services that it starts, stops and reports, health checks. */
#include "test_agent_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static char *folder; /* of one test */

static int set_up(void **state)
{
    (void)state;
    folder = test_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(TAKE(folder));
    return 0;
}

static struct agent_process begin(void)
{
    struct agent_process agent = agent_begin();
    json_decref(agent_hello(&agent, NULL, 0));
    return agent;
}

/* A port on loopback that nobody listens on: bound, and kept by the returned descriptor. */
static int closed_port(int *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* A description of a service that runs `script`; takes ready. */
static json_t *service(const char *name, const char *script, json_t *ready, int timeout_ms)
{
    return json_pack("{s:{s:s, s:[s,s,s], s:[s,s], s:o, s:o, s:i, s:b}}", "service", "name", name, "argv", "sh", "-c", script,
                     "env", "LC_ALL=drill", "GREETING=hello", "log", json_sprintf("%s/%s.log", folder, name), "ready",
                     ready ? ready : json_pack("{s:s}", "type", "none"), "start_timeout_ms", timeout_ms, "unprivileged", 0);
}

static json_t *when_there(const char *name)
{
    return json_pack("{s:s, s:[o]}", "type", "file", "argv", json_sprintf("%s/%s", folder, name));
}

static json_t *named(const char *name)
{
    return json_pack("{s:s}", "name", name);
}

static void wait_gone(pid_t pid)
{
    for (int i = 0; i < 500 && kill(pid, 0) == 0; i++) {
        (void)poll(NULL, 0, 10);
    }
    assert_int_not_equal(kill(pid, 0), 0);
}

static void read_text(const char *name, char out[static 256])
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name), *text = NULL;
    struct err err = {0};
    assert_int_equal(fd_read_file(path, 4096, &text, NULL, &err), 0);
    (void)str_copy(out, 256, text);
}

static void test_hello_ping_and_nonsense(void **state)
{
    struct agent_process agent = agent_begin();
    (void)state;
    AUTO_JSON json_t *hello = agent_hello(&agent, NULL, 0);
    assert_int_equal(json_int(hello, "pid", 0), agent.pid);
    assert_true(*json_str(hello, "version", ""));
    int64_t before_ns = clock_now_ns();
    AUTO_JSON json_t *pong = agent_ask(&agent, "ping", NULL);
    assert_in_range(json_int(pong, "clock_ns", 0), before_ns, clock_now_ns());
    agent_send(&agent, "this is no JSON\n");
    AUTO_JSON json_t *error = agent_refuses(&agent, "no.such.method", NULL);
    assert_non_null(strstr(json_str(error, "message", ""), "no.such.method"));
    agent_send(&agent, "{\"jsonrpc\":\"2.0\",\"id\":91,\"method\":\"pi"); /* a line in two parts */
    agent_send(&agent, "ng\"}\n");
    json_decref(agent_reply(&agent, 91));
    assert_int_equal(agent_end(&agent), 0);
}

static void test_service_lives_on_and_is_stopped(void **state)
{
    char text[256];
    struct agent_process agent = begin();
    (void)state;
    AUTO_FREE char *script = xasprintf("echo \"$GREETING $LC_ALL\" >%s/said; sleep 60 & touch %s/up; wait", folder, folder);
    AUTO_JSON json_t *started = agent_ask(&agent, "service.start", service("a@here", script, when_there("up"), 5000));
    pid_t pid = (pid_t)json_int(started, "pid", 0);
    assert_true(pid > 1);
    assert_int_equal(getpgid(pid), pid);
    assert_int_equal(getsid(pid), pid);
    read_text("said", text);
    assert_string_equal(text, "hello drill\n"); /* its own environment wins */
    AUTO_JSON json_t *pids = agent_ask(&agent, "service.pids", named("a@here"));
    assert_int_equal(json_int(pids, "pid", 0), pid);
    assert_int_equal(json_array_size(json_object_get(pids, "descendants")), 1);
    AUTO_JSON json_t *twice = agent_refuses(&agent, "service.start", service("a@here", "exit 0", NULL, 1000));
    assert_string_equal(json_str(json_object_get(twice, "data"), "code", ""), err_code_name(ERR_STATE));
    agent_do(&agent, "service.stop", named("a@here"));
    AUTO_JSON json_t *gone = agent_event(&agent, "service.exited", NULL);
    assert_string_equal(json_str(gone, "service", ""), "a@here");
    wait_gone(pid);
    (void)kill(-pid, SIGKILL); /* the sleep of its shell */
    agent_do(&agent, "service.start", service("b@here", "exec sleep 60", NULL, 1000));
    AUTO_JSON json_t *other = agent_ask(&agent, "service.pids", named("b@here"));
    pid = (pid_t)json_int(other, "pid", 0);
    assert_int_equal(agent_end(&agent), 0);
    assert_int_equal(kill(pid, 0), 0); /* it outlives its agent */
    assert_int_equal(kill(-pid, SIGKILL), 0);
}

static void test_stubborn_service_is_killed(void **state)
{
    struct agent_process agent = begin();
    (void)state;
    AUTO_FREE char *script = xasprintf("trap '' TERM; touch %s/up; while :; do sleep 1; done", folder);
    AUTO_JSON json_t *started = agent_ask(&agent, "service.start", service("c@here", script, when_there("up"), 5000));
    pid_t pid = (pid_t)json_int(started, "pid", 0);
    int64_t begun_ns = clock_now_ns();
    agent_do(&agent, "service.stop", json_pack("{s:s, s:i}", "name", "c@here", "grace_ms", 200));
    assert_true(clock_now_ns() - begun_ns >= 200 * NS_PER_MS);
    wait_gone(pid);
    (void)kill(-pid, SIGKILL);
    assert_int_equal(agent_end(&agent), 0);
}

static void test_death_while_starting_shows_last_lines(void **state)
{
    int port, fd = closed_port(&port);
    struct agent_process agent = begin();
    (void)state;
    json_t *ready = json_pack("{s:s, s:s, s:i}", "type", "tcp", "address", "127.0.0.1", "port", port);
    const char *script = "i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo \"line $i.\"; done; echo 'cannot bind' >&2; exit 3";
    int64_t begun_ns = clock_now_ns();
    AUTO_JSON json_t *error = agent_refuses(&agent, "service.start", service("d@here", script, ready, 30000));
    const char *text = json_str(error, "message", "");
    assert_non_null(strstr(text, "cannot bind"));
    assert_non_null(strstr(text, "line 30."));
    assert_null(strstr(text, "line 10."));
    assert_true(clock_now_ns() - begun_ns < 5 * NS_PER_S); /* its end is seen, not waited out */
    fd_close(fd);
    assert_int_equal(agent_end(&agent), 0);
}

static void test_long_log_lines_keep_their_end(void **state)
{
    struct agent_process agent = begin();
    (void)state;
    const char *script = "for i in 1 2 3; do head -c 900 /dev/zero | tr '\\0' x; echo; done; echo 'the reason'; exit 1";
    AUTO_JSON json_t *error = agent_refuses(&agent, "service.start", service("e@here", script, when_there("never"), 30000));
    assert_non_null(strstr(json_str(error, "message", ""), "the reason"));
    assert_int_equal(agent_end(&agent), 0);
}

static void test_not_ready_in_time(void **state)
{
    char text[256];
    struct agent_process agent = begin();
    (void)state;
    AUTO_FREE char *script = xasprintf("echo $$ >%s/pid; echo still loading; exec sleep 60", folder);
    AUTO_JSON json_t *error = agent_refuses(&agent, "service.start", service("f@here", script, when_there("never"), 400));
    assert_non_null(strstr(json_str(error, "message", ""), "still loading"));
    read_text("pid", text);
    wait_gone((pid_t)strtol(text, NULL, 10)); /* and it is not in the way of another try */
    json_decref(agent_event(&agent, "service.exited", NULL));
    agent_do(&agent, "service.start", service("f@here", "exit 0", NULL, 1000));
    assert_int_equal(agent_end(&agent), 0);
}

static void test_unprivileged_service_is_not_root(void **state)
{
    char text[256];
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    struct agent_process agent = begin();
    AUTO_FREE char *script = xasprintf("id -u >%s/uid; touch %s/up; exec sleep 60", folder, folder);
    json_t *params = service("g@here", script, when_there("up"), 5000);
    json_object_set_new(json_object_get(params, "service"), "unprivileged", json_true());
    AUTO_JSON json_t *reply = agent_call(&agent, "service.start", params);
    pid_t pid = (pid_t)json_int(json_object_get(reply, "result"), "pid", 0);
    assert_true(pid > 1);
    read_text("uid", text);
    assert_true(strtol(text, NULL, 10) > 0);
    agent_do(&agent, "service.stop", named("g@here"));
    wait_gone(pid);
    assert_int_equal(agent_end(&agent), 0);
}

static void test_files_and_folders(void **state)
{
    char text[256];
    struct agent_process agent = begin();
    (void)state;
    agent_do(&agent, "service.files",
             json_pack("{s:[o], s:[{s:o, s:s, s:i}]}", "dirs", json_sprintf("%s/data/deep", folder), "files", "path",
                       json_sprintf("%s/data/app.conf", folder), "content", "port = 1\n", "mode", 0640));
    read_text("data/app.conf", text);
    assert_string_equal(text, "port = 1\n");
    assert_int_equal(agent_end(&agent), 0);
}

static bool is_healthy(struct agent_process *agent, json_t *check)
{
    AUTO_JSON json_t *result = agent_ask(agent, "check", json_pack("{s:o, s:i}", "check", check, "timeout_ms", 1000));
    return json_flag(result, "healthy", false);
}

static void test_checks(void **state)
{
    int port, fd = closed_port(&port);
    struct agent_process agent = begin();
    (void)state;
    assert_false(is_healthy(&agent, json_pack("{s:s, s:s, s:i}", "type", "tcp", "address", "127.0.0.1", "port", port)));
    assert_int_equal(listen(fd, 4), 0);
    assert_true(is_healthy(&agent, json_pack("{s:s, s:s, s:i}", "type", "tcp", "address", "127.0.0.1", "port", port)));
    assert_true(is_healthy(&agent, json_pack("{s:s, s:[s]}", "type", "exec", "argv", "true")));
    assert_false(is_healthy(&agent, json_pack("{s:s, s:[s]}", "type", "exec", "argv", "false")));
    assert_true(is_healthy(&agent, json_pack("{s:s, s:[s]}", "type", "file", "argv", folder)));
    assert_false(is_healthy(&agent, when_there("never")));
    json_decref(agent_refuses(&agent, "check", json_pack("{s:{s:s}}", "check", "type", "smell")));
    fd_close(fd);
    assert_int_equal(agent_end(&agent), 0);
}

static void test_slow_checks_do_not_hold_the_loop_up(void **state)
{
    struct agent_process agent = begin();
    (void)state;
    int64_t begun_ns = clock_now_ns();
    agent_tell(&agent, 80, "check",
               json_pack("{s:{s:s, s:[s,s,s]}, s:i}", "check", "type", "exec", "argv", "sh", "-c", "exec >&-; sleep 30",
                         "timeout_ms", 300));
    json_decref(agent_ask(&agent, "ping", NULL));
    assert_true(clock_now_ns() - begun_ns < 250 * NS_PER_MS);
    AUTO_JSON json_t *reply = agent_reply(&agent, 80); /* closed its output and went on */
    assert_false(json_flag(json_object_get(reply, "result"), "healthy", true));
    assert_true(clock_now_ns() - begun_ns < 5 * NS_PER_S);
    assert_int_equal(agent_end(&agent), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_ping_and_nonsense),
        cmocka_unit_test_setup_teardown(test_service_lives_on_and_is_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stubborn_service_is_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_death_while_starting_shows_last_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_log_lines_keep_their_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_ready_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unprivileged_service_is_not_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_and_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_checks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_checks_do_not_hold_the_loop_up, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
