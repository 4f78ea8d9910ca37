/* A real agent with a fault in force, and a controller to be killed. */
#ifndef DRILL_TESTS_BENCH_FAULTS_AGENT_H
#define DRILL_TESTS_BENCH_FAULTS_AGENT_H

#include <signal.h>
#include <sys/wait.h>

#include "tests/contract/test_faults_lab.h"

static const char *agent_drill; /* the binary */

/* A real agent in the region, which has applied one fault, and the process that asked it to, which holds its pipes. */
struct agent {
    pid_t controller, pid;
};

static inline bool is_answered(int out, const char *id)
{
    char line[8192] = "";
    size_t used = 0;
    while (used + 1 < sizeof(line) && lab_readable(out, LAB_PATIENCE_MS) && read(out, line + used, 1) == 1) {
        if (line[used++] != '\n') {
            continue;
        }
        line[used] = '\0';
        if (strstr(line, id)) {
            return !strstr(line, "\"error\"");
        }
        used = 0;
    }
    return false;
}

/* It lives until it is killed. */
static inline _Noreturn void be_controller(const char *requests, int ready_fd)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) {
        _exit(1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)execl(agent_drill, "drill", "agent", (char *)NULL);
        _exit(127);
    }
    fd_close(in[0]);
    fd_close(out[1]);
    if (write(in[1], requests, strlen(requests)) == (ssize_t)strlen(requests) && is_answered(out[0], "\"id\":72")) {
        (void)!write(ready_fd, &pid, sizeof(pid));
        for (;;) {
            (void)pause();
        }
    }
    _exit(1);
}

static const char region_target[] = "\"kind\":\"region\",\"name\":\"east\",\"cidr\":\"10.1.0.0/24\",\"interfaces\":[\"edge\"]";

static inline struct agent start_agent(const char *fault, const char *options, const char *target)
{
    int ready[2];
    AUTO_FREE char *text =
        xasprintf("{\"jsonrpc\":\"2.0\",\"id\":71,\"method\":\"hello\",\"params\":{\"place\":\"east\",\"heartbeat_ms\":0}}\n"
                  "{\"jsonrpc\":\"2.0\",\"id\":72,\"method\":\"fault.apply\",\"params\":{\"fault_id\":\"f1\",\"fault\":\"%s\","
                  "\"options\":%s,\"target\":{\"place\":\"east\",%s},\"ttl_ms\":60000}}\n",
                  fault, options, target);
    assert_return_code(pipe2(ready, O_CLOEXEC), errno);
    lab_enter(LAB_REGION);
    struct agent agent = {.controller = fork()};
    if (agent.controller == 0) {
        be_controller(text, ready[1]);
    }
    fd_close(ready[1]);
    assert_int_equal(read(ready[0], &agent.pid, sizeof(agent.pid)), sizeof(agent.pid));
    fd_close(ready[0]);
    return agent;
}

/* The agent is ours to be seen out, once who started it is gone. */
static inline void end_agent(const struct agent *agent)
{
    (void)kill(agent->controller, SIGKILL);
    (void)waitpid(agent->controller, NULL, 0);
    (void)waitpid(agent->pid, NULL, 0);
}

#endif
