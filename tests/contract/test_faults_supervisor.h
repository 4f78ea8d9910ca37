/* A service with a supervisor of its own, as an init system is one: commands on a FIFO start and stop it, a file has its pid. Neither is a
 * child of who injects. For faults that work through the services that their agent lends. */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAULTS_SUPERVISOR_H
#define DRILL_TESTS_CONTRACT_TEST_FAULTS_SUPERVISOR_H

#include "tests/contract/test_faults_victim.h"

#include <sys/signalfd.h>
#include <sys/stat.h>

#define SUPERVISOR_FIFO "/tmp/supervisor"
#define SUPERVISOR_PID_FILE "/tmp/service.pid"

struct supervisor {
    pid_t pid, service; /* service: the one that ran when this was last asked; 0: none */
    int orders_fd, answers_fd;
};

/* ---- the supervisor's own process ---- */

static inline void supervisor_write_pid(pid_t pid)
{
    char text[16];
    struct err err = {0};
    (void)str_format(text, sizeof(text), "%d\n", (int)pid);
    (void)!fd_write_file_atomic(SUPERVISOR_PID_FILE, text, strlen(text), &err);
}

static inline pid_t supervisor_start_service(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        victim_become();
        (void)execlp("sleep", "sleep", "infinity",
                     (char *)NULL); /* not the test's program: that would look like a fault's helper */
        _exit(127);
    }
    supervisor_write_pid(pid);
    return pid;
}

static inline void supervisor_see_out(pid_t *service)
{
    pid_t ended;
    while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) {
        if (ended == *service) {
            *service = 0;
            (void)unlink(SUPERVISOR_PID_FILE);
        }
    }
}

static inline void supervisor_obey(char order, pid_t *service, int answers_fd)
{
    supervisor_see_out(service);
    if (order == '+' && *service == 0) {
        *service = supervisor_start_service();
    } else if (order == '-' && *service > 0) {
        (void)kill(*service, SIGKILL);
        (void)waitpid(*service, NULL, 0);
        *service = 0;
        (void)unlink(SUPERVISOR_PID_FILE);
    } else if (order == '?') {
        (void)!write(answers_fd, service, sizeof(*service));
    }
}

static inline _Noreturn void supervisor_live(int orders_fd, int answers_fd)
{
    sigset_t ends;
    pid_t service = 0;
    char order;
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    struct pollfd waiting[] = {{.fd = orders_fd, .events = POLLIN}, {.fd = signalfd(-1, &ends, SFD_CLOEXEC), .events = POLLIN}};
    while (poll(waiting, 2, -1) > 0) {
        struct signalfd_siginfo info;
        if (waiting[1].revents) {
            (void)!read(waiting[1].fd, &info, sizeof(info));
            supervisor_see_out(&service);
        }
        if (waiting[0].revents && read(orders_fd, &order, 1) == 1) {
            supervisor_obey(order, &service, answers_fd);
        }
    }
    _exit(1);
}

/* ---- for the tests ---- */

/* Orders are obeyed one after the other: all that were given before are carried out now. Returns the service's pid, 0: it does not run. */
static inline pid_t supervisor_ask(struct supervisor *supervisor)
{
    assert_int_equal(write(supervisor->orders_fd, "?", 1), 1);
    assert_int_equal(read(supervisor->answers_fd, &supervisor->service, sizeof(supervisor->service)),
                     sizeof(supervisor->service));
    return supervisor->service;
}

static inline pid_t supervisor_order(struct supervisor *supervisor, bool run)
{
    assert_int_equal(write(supervisor->orders_fd, run ? "+" : "-", 1), 1);
    return supervisor_ask(supervisor);
}

static inline struct supervisor supervisor_begin(void)
{
    int answers[2];
    struct supervisor supervisor = {0};
    assert_return_code(pipe2(answers, O_CLOEXEC), errno);
    assert_true(mkfifo(SUPERVISOR_FIFO, 0600) == 0 || errno == EEXIST);
    supervisor.orders_fd = open(SUPERVISOR_FIFO, O_RDWR | O_CLOEXEC); /* it stays open when who gave an order has gone */
    assert_true(supervisor.orders_fd >= 0);
    supervisor.answers_fd = answers[0];
    supervisor.pid = fork();
    if (supervisor.pid == 0) {
        victim_become();
        supervisor_live(supervisor.orders_fd, answers[1]);
    }
    fd_close(answers[1]);
    return supervisor;
}

/* Point a fault's description at the service, which a topology would describe like this. */
static inline void supervisor_point_at(const struct supervisor *supervisor, json_t *description)
{
    json_t *target = json_object_get(description, "target");
    json_object_set_new(target, "pids", supervisor->service ? json_pack("[i]", (int)supervisor->service) : json_array());
    json_object_set_new(target, "handles",
                        json_pack("{s:{s:s, s:[s, s, s], s:[s, s, s]}}", "victim", "pid_file", SUPERVISOR_PID_FILE, "start",
                                  "/bin/sh", "-c", "printf + >" SUPERVISOR_FIFO, "stop", "/bin/sh", "-c",
                                  "printf - >" SUPERVISOR_FIFO));
}

#endif
