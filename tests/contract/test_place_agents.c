/* The pool of agents against an agent that answers, lies, falls silent and dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/place/place.h"
#include "tests/support/small_agent.h"

struct pool {
    struct places *places;
    struct place *place;
    struct err err;
    int lost, events;
    bool restart;
    char reason[128];
    int64_t event_ns;
};

static void on_event(void *context, struct place *place, const json_t *params, int64_t t_ns)
{
    struct pool *pool = context;
    assert_string_equal(json_str(params, "kind", ""), "mark");
    pool->events++;
    pool->event_ns = t_ns;
    /* A callback may ask the very agent that it is about. */
    assert_int_equal(place_call(place, "echo", NULL, NS_PER_S, NULL, &pool->err), 0);
}

static void on_log(void *context, struct place *place, const json_t *params, int64_t t_ns)
{
    (void)context;
    (void)place;
    (void)params;
    (void)t_ns;
}

static void on_lost(void *context, struct place *place, const char *reason)
{
    struct pool *pool = context;
    pool->lost++;
    (void)str_copy(pool->reason, sizeof(pool->reason), reason);
    if (pool->restart) {
        pool->restart = false;
        assert_int_equal(place_restart(place, &pool->err), 0);
    }
}

static const struct places_hooks hooks = {.on_event = on_event, .on_log = on_log, .on_lost = on_lost};

static int open_pool(void **state)
{
    struct pool *pool = xcalloc(1, sizeof(*pool));
    const struct place_settings settings = {.heartbeat_ms = 1000};
    pool->places = places_new(&hooks, pool);
    *state = pool;
    return places_add_local(pool->places, "here", &settings, &pool->place, &pool->err);
}

static int close_pool(void **state)
{
    struct pool *pool = *state;
    places_exit_all(pool->places, 2 * NS_PER_S);
    places_free(pool->places);
    free(pool);
    return 0;
}

static int ask(struct pool *pool, const char *method, json_t *params)
{
    return place_call(pool->place, method, params, 10 * NS_PER_S, NULL, &pool->err);
}

static void answers_and_errors_come_back(void **state)
{
    struct pool *pool = *state;
    AUTO_JSON json_t *result = NULL;
    assert_int_equal(place_call(pool->place, "echo", json_pack("{s:s}", "a", "\xc3\xa9\n\""), NS_PER_S, &result, &pool->err), 0);
    assert_string_equal(json_str(result, "a", ""), "\xc3\xa9\n\"");
    assert_int_equal(ask(pool, "fail", NULL), -ERR_STATE);
    assert_string_equal(pool->err.text, "not now");
    assert_ptr_equal(places_find(pool->places, "here"), pool->place);
    assert_null(places_find(pool->places, "there"));
}

static void an_agent_inherits_three_descriptors(void **state)
{
    struct pool *pool = *state;
    AUTO_JSON json_t *result = NULL;
    assert_int_equal(place_call(pool->place, "status", NULL, NS_PER_S, &result, &pool->err), 0);
    assert_int_equal(json_int(result, "fds", 0), 3);
    assert_string_equal(json_str(result, "place", ""), "here");
}

static void no_answer_is_a_timeout_and_no_loss(void **state)
{
    struct pool *pool = *state;
    assert_int_equal(place_call(pool->place, "ignore", NULL, 50 * NS_PER_MS, NULL, &pool->err), -ERR_TIMEOUT);
    assert_true(place_is_alive(pool->place));
    assert_int_equal(ask(pool, "echo", NULL), 0);
}

static void clocks_are_compared_and_events_moved(void **state)
{
    struct pool *pool = *state;
    int64_t offset_ns = 0, bound_ns = 0;
    assert_int_equal(places_sync_clocks(pool->places, &pool->err), 0);
    place_clock_offset(pool->place, &offset_ns, &bound_ns);
    assert_true(bound_ns > 0 && bound_ns < 100 * NS_PER_MS);
    assert_true(llabs(offset_ns + SMALL_AGENT_AHEAD_NS) <= bound_ns);
    int64_t before_ns = clock_now_ns();
    assert_int_equal(ask(pool, "emit", NULL), 0);
    assert_int_equal(pool->events, 1);
    assert_true(pool->event_ns >= before_ns - bound_ns && pool->event_ns <= clock_now_ns() + bound_ns);
}

static void a_killed_agent_is_lost_and_started_anew(void **state)
{
    struct pool *pool = *state;
    assert_int_equal(place_restart(pool->place, &pool->err), -ERR_STATE);
    assert_int_equal(ask(pool, "die", NULL), -ERR_PROTOCOL);
    assert_non_null(strstr(pool->err.text, "'here' went away"));
    assert_false(place_is_alive(pool->place));
    assert_int_equal(pool->lost, 1);
    assert_int_equal(ask(pool, "echo", NULL), -ERR_PROTOCOL);
    assert_int_equal(place_restart(pool->place, &pool->err), 0);
    assert_int_equal(ask(pool, "echo", NULL), 0);
    assert_int_equal(pool->lost, 1);
}

static void an_agent_may_be_started_anew_at_once(void **state)
{
    struct pool *pool = *state;
    for (int i = 1; i <= 3; i++) {
        pool->restart = true;
        assert_int_equal(ask(pool, "leave", json_pack("{s:i}", "status", 3)), -ERR_PROTOCOL);
        assert_int_equal(pool->lost, i);
        assert_true(place_is_alive(pool->place));
        assert_int_equal(ask(pool, "echo", NULL), 0);
    }
    assert_true(str_eq(pool->reason, "its process ended") || str_eq(pool->reason, "its process ended with status 3"));
}

/* Until the one child has ended, without taking its status away. */
static void await_end_of_the_agent(void)
{
    siginfo_t info;
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
}

/* Two reasons to lose it are there at once: the new agent must not be lost for the second. */
static void the_end_of_the_old_agent_is_not_the_new_ones(void **state)
{
    struct pool *pool = *state;
    pool->restart = true;
    assert_int_equal(
        place_request(pool->place, "leave", json_pack("{s:s}", "line", "garbage\n"), NS_PER_S, NULL, NULL, &pool->err), 0);
    await_end_of_the_agent();
    for (int64_t until_ns = clock_now_ns() + 5 * NS_PER_S; pool->lost == 0 && clock_now_ns() < until_ns;) {
        assert_int_equal(places_step(pool->places, until_ns, -1, &pool->err), 0);
    }
    assert_int_equal(ask(pool, "echo", NULL), 0);
    assert_int_equal(pool->lost, 1);
    assert_non_null(strstr(pool->reason, "it said something"));
}

static void a_malformed_line_loses_the_agent(void **state)
{
    static const char *const lines[] = {"not json", "[1]", "{\"jsonrpc\":\"2.0\"}", "{\"method\":\"event\",\"params\":7}", ""};
    struct pool *pool = *state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(ask(pool, "say", json_pack("{s:s}", "line", lines[i])), -ERR_PROTOCOL);
        assert_int_equal(pool->lost, (int)i + 1);
        assert_non_null(strstr(pool->reason, "it said something"));
        assert_int_equal(place_restart(pool->place, &pool->err), 0);
    }
}

static void lines_go_up_to_sixteen_mebibytes(void **state)
{
    struct pool *pool = *state;
    AUTO_JSON json_t *result = NULL;
    const size_t size = 16 * 1024 * 1024 - 200;
    AUTO_FREE char *text = xcalloc(size + 1, 1);
    memset(text, 'y', size);
    assert_int_equal(place_call(pool->place, "echo", json_pack("{s:s}", "t", text), 20 * NS_PER_S, &result, &pool->err), 0);
    assert_int_equal(strlen(json_str(result, "t", "")), size);
    assert_int_equal(ask(pool, "big", json_pack("{s:i}", "size", 16 * 1024 * 1024)), -ERR_PROTOCOL);
    assert_non_null(strstr(pool->reason, "longer than 16 MiB"));
}

static void count_reply(void *context, const json_t *result, const struct err *error)
{
    assert_true(!result != !error);
    ++*(int *)context;
}

static void writing_to_a_deaf_agent_does_not_wait(void **state)
{
    struct pool *pool = *state;
    int replies = 0;
    AUTO_FREE char *text = xcalloc(1024 * 1024 + 1, 1);
    memset(text, 'z', 1024 * 1024);
    assert_int_equal(place_request(pool->place, "deaf", NULL, 20 * NS_PER_S, count_reply, &replies, &pool->err), 0);
    int64_t begun_ns = clock_now_ns();
    for (int i = 0; i < 8; i++) {
        json_t *params = json_pack("{s:s}", "t", text);
        assert_int_equal(place_request(pool->place, "echo", params, 20 * NS_PER_S, count_reply, &replies, &pool->err), 0);
        assert_int_equal(places_step(pool->places, clock_now_ns(), -1, &pool->err), 0);
    }
    assert_true(clock_now_ns() - begun_ns < 5 * NS_PER_S);
    assert_int_equal(replies, 0);
    places_forget_replies(pool->places);
    /* It never reads "exit": leaving kills it. */
    places_exit_all(pool->places, 50 * NS_PER_MS);
    assert_true(place_is_alive(pool->place));
    assert_int_equal(replies, 0);
}

static void another_descriptor_ends_a_step(void **state)
{
    struct pool *pool = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(ask(pool, "echo", NULL), 0); /* hello's answer is out of the way */
    assert_int_equal(places_step(pool->places, clock_now_ns(), ends[0], &pool->err), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(places_step(pool->places, INT64_MAX, ends[0], &pool->err), 1);
    fd_close(ends[0]);
    fd_close(ends[1]);
}

static void heartbeats_are_sent_while_waiting(void **state)
{
    struct pool *pool = *state;
    AUTO_JSON json_t *result = NULL;
    assert_int_equal(place_call(pool->place, "ignore", NULL, 1200 * NS_PER_MS, NULL, &pool->err), -ERR_TIMEOUT);
    assert_int_equal(place_call(pool->place, "status", NULL, NS_PER_S, &result, &pool->err), 0);
    assert_in_range(json_int(result, "heartbeats", 0), 2, 3);
}

static void an_agent_that_cannot_be_started_says_why(void **state)
{
    struct pool *pool = *state;
    struct place *other = NULL;
    const struct place_settings nowhere = {.program = "/nonexistent/drill"}, unrunnable = {.program = "/etc/passwd"};
    assert_int_equal(places_add_local(pool->places, "other", &nowhere, &other, &pool->err), -ERR_SYSTEM);
    assert_non_null(strstr(pool->err.text, "'/nonexistent/drill': No such file"));
    assert_int_equal(places_add_local(pool->places, "other", &unrunnable, &other, &pool->err), -ERR_SYSTEM);
    assert_non_null(strstr(pool->err.text, "'/etc/passwd': Permission denied"));
    assert_int_equal(places_add_local(pool->places, "here", &(struct place_settings){0}, &other, &pool->err), -ERR_STATE);
    assert_null(other);
    assert_null(places_find(pool->places, "other"));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), 0); /* the one agent runs, nothing else is left */
}

static void a_log_takes_standard_error_and_may_be_missing(void **state)
{
    struct pool *pool = *state;
    AUTO_FREE char *text = NULL;
    char file[] = "/tmp/test_place_agents.XXXXXX";
    struct place *logged = NULL, *unlogged = NULL;
    fd_close(mkostemp(file, O_CLOEXEC));
    const struct place_settings to_file = {.log_file = file}, to_nowhere = {.log_file = "/nonexistent/log"};
    assert_int_equal(places_add_local(pool->places, "logged", &to_file, &logged, &pool->err), 0);
    assert_int_equal(places_add_local(pool->places, "unlogged", &to_nowhere, &unlogged, &pool->err), 0);
    assert_int_equal(place_call(logged, "complain", NULL, NS_PER_S, NULL, &pool->err), 0);
    assert_int_equal(place_call(unlogged, "echo", NULL, NS_PER_S, NULL, &pool->err), 0);
    int status = fd_read_file(file, 4096, &text, NULL, &pool->err);
    (void)unlink(file);
    assert_int_equal(status, 0);
    assert_string_equal(text, "ouch\n");
}

/* In a child: an agent of its own, whose pid it tells, then nothing more. */
static _Noreturn void be_controller(int tell_fd)
{
    struct pool pool = {0};
    AUTO_JSON json_t *result = NULL;
    pool.places = places_new(&hooks, &pool);
    if (places_add_local(pool.places, "orphan", &(struct place_settings){0}, &pool.place, &pool.err) == 0 &&
        place_call(pool.place, "hello", NULL, NS_PER_S, &result, &pool.err) == 0 && ask(&pool, "stubborn", NULL) == 0) {
        int pid = (int)json_int(result, "pid", 0);
        (void)!write(tell_fd, &pid, sizeof(pid));
    }
    for (;;) {
        (void)pause();
    }
}

static void an_agent_ends_with_its_controller(void **state)
{
    (void)state;
    int ends[2], agent = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t controller = fork();
    if (controller == 0) {
        be_controller(ends[1]);
    }
    assert_int_equal(read(ends[0], &agent, sizeof(agent)), sizeof(agent));
    int pidfd = (int)syscall(SYS_pidfd_open, agent, 0);
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&gone, 1, 0), 0);
    assert_int_equal(kill(controller, SIGKILL), 0);
    assert_int_equal(poll(&gone, 1, 5000), 1);
    assert_int_equal(waitpid(controller, NULL, 0), controller);
    fd_close(pidfd);
    fd_close(ends[0]);
    fd_close(ends[1]);
}

int main(int argc, char **argv)
{
    if (argc > 1 && str_eq(argv[1], "agent")) {
        return small_agent_main();
    }
#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, open_pool, close_pool)
    const struct CMUnitTest tests[] = {
        WITH_POOL(answers_and_errors_come_back),
        WITH_POOL(an_agent_inherits_three_descriptors),
        WITH_POOL(no_answer_is_a_timeout_and_no_loss),
        WITH_POOL(clocks_are_compared_and_events_moved),
        WITH_POOL(a_killed_agent_is_lost_and_started_anew),
        WITH_POOL(an_agent_may_be_started_anew_at_once),
        WITH_POOL(the_end_of_the_old_agent_is_not_the_new_ones),
        WITH_POOL(a_malformed_line_loses_the_agent),
        WITH_POOL(lines_go_up_to_sixteen_mebibytes),
        WITH_POOL(writing_to_a_deaf_agent_does_not_wait),
        WITH_POOL(another_descriptor_ends_a_step),
        WITH_POOL(heartbeats_are_sent_while_waiting),
        WITH_POOL(a_log_takes_standard_error_and_may_be_missing),
        WITH_POOL(an_agent_that_cannot_be_started_says_why),
        cmocka_unit_test(an_agent_ends_with_its_controller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
