/* A real agent in a child process at the other end of a socket, spoken to in JSON lines: what the agent's tests share. */
#ifndef DRILL_TESTS_AGENT_PROCESS_H
#define DRILL_TESTS_AGENT_PROCESS_H

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/agent/agent.h"
#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/json.h"
#include "harness/base/str.h"

struct agent_process {
    pid_t pid;
    int fd;
    struct buf in;
    int64_t last_id;
    json_t *events; /* array of what came as "event" and was not awaited yet */
};

enum { AGENT_PATIENCE_MS = 10000 };

static inline struct agent_process agent_begin(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = {0};
        (void)close(ends[0]); /* else the agent would never see the end of its input */
        _exit(agent_main(ends[1], ends[1], &err) < 0 ? 1 : 0);
    }
    assert_true(pid > 0);
    (void)close(ends[1]);
    return (struct agent_process){.pid = pid, .fd = ends[0], .events = json_array()};
}

/* The next message, or NULL at the end of the line; fails the test when nothing comes. New reference. */
static inline json_t *agent_read(struct agent_process *agent, int64_t until_ns)
{
    for (;;) {
        char *end = agent->in.size ? memchr(agent->in.data, '\n', agent->in.size) : NULL;
        if (end) {
            struct err err = {0};
            json_t *message = NULL;
            assert_int_equal(json_parse(agent->in.data, (size_t)(end - agent->in.data), &message, &err), 0);
            buf_drop_front(&agent->in, (size_t)(end - agent->in.data) + 1);
            return message;
        }
        char part[4096];
        struct pollfd wait = {.fd = agent->fd, .events = POLLIN};
        int64_t left_ns = until_ns - clock_now_ns();
        if (left_ns <= 0 || poll(&wait, 1, (int)(left_ns / NS_PER_MS) + 1) == 0) {
            fail_msg("the agent said nothing in time");
        }
        ssize_t got = read(agent->fd, part, sizeof(part));
        if (got <= 0) {
            return NULL;
        }
        buf_add(&agent->in, part, (size_t)got);
    }
}

static inline void agent_send(struct agent_process *agent, const char *text)
{
    struct err err = {0};
    assert_int_equal(fd_write_all(agent->fd, text, strlen(text), &err), 0);
}

static inline void agent_tell(struct agent_process *agent, int64_t id, const char *method, json_t *params)
{
    AUTO_JSON json_t *message =
        json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params ? params : json_object());
    assert_non_null(message);
    if (id > 0) {
        json_object_set_new(message, "id", json_integer(id));
    }
    AUTO_FREE char *text = json_dumps(message, JSON_COMPACT);
    AUTO_FREE char *line = xasprintf("%s\n", text);
    agent_send(agent, line);
}

/* The answer to request `id`, events that come before it are kept. New reference. */
static inline json_t *agent_reply(struct agent_process *agent, int64_t id)
{
    int64_t until_ns = clock_now_ns() + AGENT_PATIENCE_MS * NS_PER_MS;
    for (;;) {
        json_t *message = agent_read(agent, until_ns);
        if (!message) {
            fail_msg("the agent hung up instead of answering");
        }
        if (json_int(message, "id", 0) == id && !json_object_get(message, "method")) {
            return message;
        }
        if (str_eq(json_str(message, "method", ""), "event")) {
            json_array_append(agent->events, json_object_get(message, "params"));
        }
        json_decref(message);
    }
}

static inline json_t *agent_call(struct agent_process *agent, const char *method, json_t *params)
{
    int64_t id = ++agent->last_id;
    agent_tell(agent, id, method, params);
    return agent_reply(agent, id);
}

/* The result of a request that must succeed; new reference. Takes params. */
static inline json_t *agent_ask(struct agent_process *agent, const char *method, json_t *params)
{
    AUTO_JSON json_t *reply = agent_call(agent, method, params);
    json_t *error = json_object_get(reply, "error");
    if (error) {
        fail_msg("%s: %s", method, json_str(error, "message", "an error without a message"));
    }
    return json_incref(json_object_get(reply, "result"));
}

static inline void agent_do(struct agent_process *agent, const char *method, json_t *params)
{
    json_decref(agent_ask(agent, method, params));
}

/* The error of a request that must fail; new reference. Takes params. */
static inline json_t *agent_refuses(struct agent_process *agent, const char *method, json_t *params)
{
    AUTO_JSON json_t *reply = agent_call(agent, method, params);
    assert_non_null(json_object_get(reply, "error"));
    return json_incref(json_object_get(reply, "error"));
}

/* The next event of a kind (and, unless NULL, with that text in `to`); new reference. */
static inline json_t *agent_event(struct agent_process *agent, const char *kind, const char *to)
{
    int64_t until_ns = clock_now_ns() + AGENT_PATIENCE_MS * NS_PER_MS;
    for (;;) {
        while (json_array_size(agent->events) > 0) {
            json_t *event = json_incref(json_array_get(agent->events, 0));
            json_array_remove(agent->events, 0);
            if (str_eq(json_str(event, "kind", ""), kind) && (!to || str_eq(json_str(event, "to", ""), to))) {
                return event;
            }
            json_decref(event);
        }
        json_t *message = agent_read(agent, until_ns);
        assert_non_null(message);
        if (str_eq(json_str(message, "method", ""), "event")) {
            json_array_append(agent->events, json_object_get(message, "params"));
        }
        json_decref(message);
    }
}

static inline json_t *agent_hello(struct agent_process *agent, const char *journal, int heartbeat_ms)
{
    return agent_ask(agent, "hello",
                     json_pack("{s:s, s:s?, s:i}", "place", "here", "journal", journal, "heartbeat_ms", heartbeat_ms));
}

static inline void agent_hang_up(struct agent_process *agent)
{
    (void)close(agent->fd);
    agent->fd = -1;
}

/* Waits for the end of the process; its wait status. */
static inline int agent_reap(struct agent_process *agent)
{
    int status = -1;
    assert_int_equal(waitpid(agent->pid, &status, 0), agent->pid);
    if (agent->fd >= 0) {
        agent_hang_up(agent);
    }
    buf_clear(&agent->in);
    json_decref(agent->events);
    return status;
}

static inline int agent_end(struct agent_process *agent)
{
    agent_hang_up(agent);
    return agent_reap(agent);
}

/* A folder of its own for each test; the caller removes and frees it. */
static inline char *test_folder(void)
{
    char path[] = "/tmp/drill-test-agent-XXXXXX";
    assert_non_null(mkdtemp(path));
    return xstrdup(path);
}

static inline void test_folder_remove(char *folder)
{
    struct err err = {0};
    assert_int_equal(fd_remove_tree(folder, &err), 0);
    free(folder);
}

#endif
