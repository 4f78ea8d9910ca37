/* An agent for tests of the controller's side: answers properly, and misbehaves when it is asked to. */
#ifndef DRILL_TESTS_SUPPORT_SMALL_AGENT_H
#define DRILL_TESTS_SUPPORT_SMALL_AGENT_H

#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/agent/link.h"
#include "harness/base/buf.h"
#include "harness/base/json.h"
#include "harness/base/str.h"

/* Its clock is this much ahead of CLOCK_MONOTONIC. */
#define SMALL_AGENT_AHEAD_NS (5 * 1000000000LL)

struct small_agent {
    int heartbeats;
    bool stubborn;
    char place[64];
    struct links *links;
};

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec + SMALL_AGENT_AHEAD_NS;
}

static void print(json_t *message)
{
    AUTO_JSON json_t *owned = message;
    AUTO_FREE char *text = json_dumps(owned, JSON_COMPACT);
    (void)puts(text);
    (void)fflush(stdout);
}

static void reply(const json_t *id, json_t *result)
{
    print(json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result", result));
}

static int count_fds(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder)) {
        count++;
    }
    if (folder) {
        (void)closedir(folder);
    }
    return count - 3; /* ".", ".." and the folder itself */
}

static void list_addresses(struct buf *out)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) < 0) {
        return;
    }
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        char text[INET_ADDRSTRLEN];
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET) {
            const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)one->ifa_addr;
            buf_printf(out, "%s%s", out->size ? " " : "", inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text)));
        }
    }
    freeifaddrs(all);
}

static json_t *describe_status(const struct small_agent *agent)
{
    struct buf addresses CLEANUP(buf_clear) = {0};
    list_addresses(&addresses);
    return json_pack("{s:i, s:i, s:s, s:i, s:s}", "heartbeats", agent->heartbeats, "fds", count_fds(), "place", agent->place,
                     "parent", (int)getppid(), "addresses", buf_str(&addresses));
}

static void set_links(struct small_agent *agent, const json_t *id, const json_t *params)
{
    struct err err = {0};
    json_t *result = NULL;
    if (links_set(&agent->links, params, &result, &err) < 0) {
        print(json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error", "code", -32000, "message", err.text));
        return;
    }
    reply(id, result);
}

static json_t *letters(size_t size)
{
    AUTO_FREE char *text = xcalloc(size + 1, 1);
    memset(text, 'x', size);
    return json_string(text);
}

static _Noreturn void wait_for_signal(void)
{
    for (;;) {
        (void)pause();
    }
}

static bool misbehave(const char *method, const json_t *params)
{
    if (str_eq(method, "say")) {
        (void)puts(json_str(params, "line", ""));
        (void)fflush(stdout);
    } else if (str_eq(method, "deaf")) {
        wait_for_signal();
    } else if (str_eq(method, "die")) {
        (void)raise(SIGKILL);
    } else if (str_eq(method, "leave")) {
        (void)fputs(json_str(params, "line", ""), stdout);
        (void)fflush(stdout);
        _exit((int)json_int(params, "status", 0));
    } else {
        return str_eq(method, "ignore");
    }
    return true;
}

static void serve(struct small_agent *agent, const char *method, const json_t *id, json_t *params)
{
    if (str_eq(method, "heartbeat")) {
        agent->heartbeats++;
    } else if (str_eq(method, "hello")) {
        (void)str_copy(agent->place, sizeof(agent->place), json_str(params, "place", ""));
        reply(id, json_pack("{s:i}", "pid", (int)getpid()));
    } else if (str_eq(method, "ping")) {
        reply(id, json_pack("{s:I}", "clock_ns", (json_int_t)clock_ns()));
    } else if (str_eq(method, "echo")) {
        reply(id, json_incref(params));
    } else if (str_eq(method, "status")) {
        reply(id, describe_status(agent));
    } else if (str_eq(method, "link.set")) {
        set_links(agent, id, params);
    } else if (str_eq(method, "big")) {
        reply(id, json_pack("{s:o}", "text", letters((size_t)json_int(params, "size", 1))));
    } else if (str_eq(method, "fail")) {
        print(json_pack("{s:s, s:O, s:{s:i, s:s, s:{s:s}}}", "jsonrpc", "2.0", "id", id, "error", "code", -32000, "message",
                        "not now", "data", "code", "state"));
    } else if (str_eq(method, "emit")) {
        print(json_pack("{s:s, s:s, s:{s:s, s:I}}", "jsonrpc", "2.0", "method", "event", "params", "kind", "mark", "t_ns",
                        (json_int_t)clock_ns()));
        reply(id, json_object());
    } else if (str_eq(method, "complain")) {
        (void)fputs("ouch\n", stderr);
        reply(id, json_object());
    } else if (str_eq(method, "stubborn")) {
        agent->stubborn = true;
        reply(id, json_object());
    } else if (str_eq(method, "exit")) {
        reply(id, json_object());
        links_free(agent->links);
        _exit(0);
    } else if (!misbehave(method, params)) {
        _exit(9);
    }
}

/* Serves standard input and output until the input ends; returns the exit status.
 *
 *   hello ping exit   as every agent
 *   echo              answers with its parameters
 *   fail              answers with an error: code "state", "not now"
 *   ignore            never answers
 *   link.set          as every agent, with the real link emulator
 *   status            answers with heartbeats (how many came), fds (how many are open), place, parent (pid), addresses (IPv4)
 *   emit              notifies `event` with t_ns of its clock and kind "mark", then answers
 *   complain          says "ouch" on standard error, then answers
 *   big               answers with `size` letters
 *   say               prints `line` as it is, does not answer
 *   deaf              reads no more, until it is killed
 *   stubborn          answers, then stays when its input ends
 *   die               kills itself
 *   leave             prints `line` as it is when there is one, exits with `status` */
static inline int small_agent_main(void)
{
    struct small_agent agent = {0};
    AUTO_FREE char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        AUTO_JSON json_t *message = NULL;
        struct err err = {0};
        if (json_parse(line, (size_t)size - 1, &message, &err) < 0) {
            return 8;
        }
        serve(&agent, json_str(message, "method", ""), json_object_get(message, "id"), json_object_get(message, "params"));
    }
    if (agent.stubborn) {
        wait_for_signal();
    }
    return 0;
}

#endif
