/* Services to be hit, and faults pointed at them and at the lab's region: what the suites over all faults share. */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAULTS_VICTIM_H
#define DRILL_TESTS_CONTRACT_TEST_FAULTS_VICTIM_H

#include "tests/contract/test_faults_lab.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "faults/process/proc.h"
#include "tests/contract/test_faults_hints.h"
#include "tests/contract/test_faults_shop.h"
#include "tests/support/engine_double.h"

/* A process with a child. On `port` (0: some) of the region's 127.0.0.1 it answers each byte with the same; it holds an established
 * connection of its own there. */
struct victim {
    pid_t parent, child;
    int port;
    struct shop shop; /* with a port: the child serves it */
};

enum { VICTIM_PORT = 7070, VICTIM_OTHER_PORT = 7071 };

/* A signal ends it, whatever the test's framework does with signals, and so does the end of the test. */
static inline void victim_become(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) {
        (void)sigaction(number, &usual, NULL);
    }
}

static inline void victim_sleep(void)
{
    for (;;) {
        (void)pause();
    }
}

static inline void victim_serve(int listener)
{
    for (;;) {
        char byte;
        AUTO_FD int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        while (client >= 0 && recv(client, &byte, 1, 0) == 1 && send(client, &byte, 1, MSG_NOSIGNAL) == 1) {
        }
    }
}

static inline int victim_listen(int port)
{
    int listener = lab_socket(LAB_REGION, SOCK_STREAM, "127.0.0.1", port);
    assert_return_code(listen(listener, 8), errno);
    return listener;
}

/* A connection to oneself, which nobody but the victim holds. */
static inline void victim_connect(int *ret_client, int *ret_server)
{
    AUTO_FD int listener = victim_listen(0);
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    assert_return_code(getsockname(listener, (struct sockaddr *)&address, &size), errno);
    *ret_client = lab_socket(LAB_REGION, SOCK_STREAM, "127.0.0.1", 0);
    assert_return_code(connect(*ret_client, (struct sockaddr *)&address, sizeof(address)), errno);
    *ret_server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(*ret_server >= 0);
}

static __attribute__((unused)) struct victim victim_last; /* the one that was started last */

/* It says itself who it is, once it minds signals. */
static inline void victim_child(const struct victim *victim, int counter, int say_fd)
{
    const pid_t self = getpid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (counter >= 0) {
        shop_mind_reloads();
    }
    (void)!write(say_fd, &self, sizeof(self));
    if (counter >= 0) {
        shop_serve(&victim->shop, counter);
    }
    victim_sleep();
}

/* `shop` with a folder: the child serves that, on a port of its own. */
static inline struct victim victim_start_with(int port, const struct shop *shop)
{
    int ends[2];
    struct victim victim = {.port = port, .shop = *shop};
    AUTO_FD int counter = *shop->folder ? victim_listen(0) : -1;
    AUTO_FD int listener = victim_listen(port);
    AUTO_FD int client = -1;
    AUTO_FD int server = -1;
    victim_connect(&client, &server);
    if (counter >= 0) {
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        assert_return_code(getsockname(counter, (struct sockaddr *)&address, &size), errno);
        victim.shop.port = ntohs(address.sin_port);
    }
    assert_return_code(pipe2(ends, O_CLOEXEC), errno);
    victim.parent = fork();
    if (victim.parent == 0) {
        victim_become();
        pid_t child = fork();
        if (child == 0) {
            fd_close(listener);
            victim_child(&victim, counter, ends[1]);
        }
        fd_close(counter);
        victim_serve(listener);
    }
    assert_int_equal(read(ends[0], &victim.child, sizeof(victim.child)), sizeof(victim.child));
    fd_close(ends[0]);
    fd_close(ends[1]);
    victim_last = victim;
    return victim;
}

static inline struct victim victim_start(int port)
{
    const struct shop none = {0};
    return victim_start_with(port, &none);
}

static inline void victim_wait_end(pid_t pid)
{
    struct proc_info info;
    while (proc_read(pid, &info) && info.state != 'Z') {
        (void)poll(NULL, 0, 1); /* not our child: nothing tells us */
    }
}

static inline void victim_end(struct victim victim)
{
    int status = waitpid(victim.parent, NULL, WNOHANG);
    if (status < 0) {
        return; /* ended and waited for before: its pids may be others' by now */
    }
    if (status == 0) {
        (void)kill(victim.child, SIGKILL);
        (void)kill(victim.parent, SIGKILL);
        (void)waitpid(victim.parent, NULL, 0);
    }
    victim_wait_end(victim.child);
    shop_remove(&victim.shop);
}

/* The victim runs the test's program: to a snapshot it looks like a helper of the fault that started it anew. */
static inline bool victim_is_meant(const char *left)
{
    char parent[64], child[64];
    (void)str_format(parent, sizeof(parent), "helper process %d ", (int)victim_last.parent);
    (void)str_format(child, sizeof(child), "helper process %d ", (int)victim_last.child);
    return str_starts_with(left, parent) || str_starts_with(left, child);
}

/* Does it answer a new connection? Waits long when it should and shortly when it should not. */
static inline bool victim_answers(const struct victim *victim, bool expected)
{
    struct sockaddr_in address = lab_address_of("127.0.0.1", victim->port);
    AUTO_FD int fd = lab_socket(LAB_REGION, SOCK_STREAM, "127.0.0.1", 0);
    char byte;
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1 &&
           lab_readable(fd, expected ? LAB_PATIENCE_MS : LAB_QUIET_MS) && recv(fd, &byte, 1, 0) == 1;
}

/* The rest of the program runs as the first process of a pid namespace with a /proc of its own, where other tests' processes are not seen;
 * after lab_make_namespaces. The process that was there before ends here with that one's exit code, 77 when it cannot be. */
static inline void victim_own_processes(void)
{
    int status = 0;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0) {
        printf("skipped: a pid namespace cannot be made here: %s\n", strerror(errno));
        (void)fflush(stdout);
        _exit(77);
    }
    pid_t pid = fork();
    if (pid != 0) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1); /* LeakSanitizer could make no thread here any more */
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("proc", "/proc", "proc", 0, NULL) < 0) {
        printf("skipped: /proc cannot be mounted here: %s\n", strerror(errno));
        (void)fflush(stdout);
        _exit(77);
    }
}

/* What an agent would lend: the victim is the only service. */
static inline int victim_pid(void *context, const char *name, int *ret_pid, struct err *err)
{
    const struct victim *victim = context;
    struct proc_info info;
    (void)name;
    (void)err;
    *ret_pid = proc_read(victim->parent, &info) && info.state != 'Z' ? victim->parent : 0;
    return 0;
}

static inline int victim_again(void *context, const char *name, struct err *err)
{
    struct victim *victim = context;
    (void)name;
    (void)err;
    victim_end(*victim); /* a child that its parent left behind holds no port, but is to be seen out */
    *victim = victim_start(victim->port);
    return 0;
}

static inline int victim_stop(void *context, const char *name, struct err *err)
{
    const struct victim *victim = context;
    (void)name;
    (void)err;
    (void)kill(victim->child, SIGTERM);
    (void)kill(victim->parent, SIGTERM);
    return 0;
}

static inline int victim_reload(void *context, const char *name, struct err *err)
{
    const struct victim *victim = context;
    (void)name;
    (void)err;
    (void)kill(victim->child, SIGHUP);
    return 0;
}

/* As the topology would say it; the pid file is for who knows the victim by its description only. New reference. */
static inline json_t *victim_handle(const struct victim *victim)
{
    AUTO_FREE char *certificate = xasprintf("%s/api.pem", victim->shop.folder), *pid = xasprintf("%s/pid", victim->shop.folder);
    return json_pack("{s:s, s:s, s:i, s:s, s:i}", "certificate", certificate, "address", "127.0.0.1", "port", victim->shop.port,
                     "pid_file", pid, "reload_signal", SIGHUP);
}

static inline const json_t *victim_facts(void *context, const char *name)
{
    static json_t *handle;
    (void)name;
    json_decref(handle);
    handle = victim_handle(context);
    return handle;
}

/* Its child shows a certificate; once it does, it stays so. */
static inline void victim_open_shop(struct victim *victim)
{
    struct shop shop;
    struct proc_info info;
    char pid[16];
    if (*victim->shop.folder && proc_read(victim->child, &info) && info.state != 'Z') {
        return;
    }
    shop_make(&shop);
    victim_end(*victim);
    *victim = victim_start_with(victim->port, &shop);
    AUTO_FREE char *path = xasprintf("%s/pid", shop.folder);
    (void)str_format(pid, sizeof(pid), "%d", (int)victim->child);
    must(fd_write_file_atomic(path, pid, strlen(pid), err));
}

/* The victim must outlive the fault. */
static inline void victim_lend(struct fault_instance *fault, struct victim *victim)
{
    static struct fault_services lent = {.pid = victim_pid,
                                         .start = victim_again,
                                         .stop = victim_stop,
                                         .reload = victim_reload,
                                         .facts = victim_facts,
                                         .engine = fake_engine_call};
    lent.context = victim;
    fault->services = &lent;
}

/* A control that says "on", in memory of this process, which leaves nothing behind. */
static __attribute__((unused)) struct {
    pid_t owner;
    int fd;
} victim_control_memory;

static inline json_t *victim_control(void)
{
    char path[64];
    if (victim_control_memory.owner != getpid()) {
        victim_control_memory.owner = getpid();
        victim_control_memory.fd = memfd_create("control", MFD_CLOEXEC);
    }
    int fd = victim_control_memory.fd;
    assert_true(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, "on\n", 3, 0) == 3);
    (void)str_format(path, sizeof(path), "/proc/%d/fd/%d", (int)victim_control_memory.owner, fd);
    return json_pack("{s:[s, s], s:[s, s, s, s], s:i}", "get", "cat", path, "set", "sh", "-c", "printf '%s\\n' \"$1\" >\"$0\"",
                     path, "timeout_ms", 8000);
}

static inline bool victim_control_is_on(void)
{
    char text[8] = "";
    return pread(victim_control_memory.fd, text, sizeof(text) - 1, 0) == 3 && str_eq(text, "on\n");
}

/* With options as JSON; region "east" of the lab, its host, the victim or a control: the first that the fault can be pointed at. */
static inline int victim_try_hint(const struct fault_hint *hint, json_t *options, struct victim *victim,
                                  struct fault_instance **ret_fault, struct err *err)
{
    const struct fault_ops *ops = fault_hint_ops(hint);
    const char *kind = ops->targets & FAULT_REGION    ? "region"
                       : ops->targets & FAULT_HOST    ? "host"
                       : ops->targets & FAULT_CONTROL ? "control"
                                                      : "service";
    json_t *peers = ops->targets & FAULT_PEER ? json_loads(lab_west, 0, NULL) : json_array();
    AUTO_JSON json_t *description = json_pack(
        "{s:s, s:s, s:o, s:{s:s, s:s, s:s, s:s, s:o, s:[s, s], s:[i], s:[s], s:[s]}}", "fault_id", "f7", "fault", ops->name,
        "options", options, "target", "place", "east", "kind", kind, "name", "east", "cidr", "10.1.0.0/24", "peers", peers,
        "interfaces", "edge", "backbone", "pids", (int)victim->parent, "services", "victim", "containers", FAKE_ENGINE_CONTAINER);
    fake_engine_reset();
    if (ops->targets & FAULT_CONTROL) {
        json_object_set_new(json_object_get(description, "target"), "control", victim_control());
    }
    if (hint->stopped) {
        victim_end(*victim);
    }
    if (hint->shop) {
        victim_open_shop(victim);
        json_t *target = json_object_get(description, "target");
        json_object_set_new(target, "handles", json_pack("{s:o}", "victim", victim_handle(victim)));
        json_object_set_new(target, "pids", json_pack("[i]", (int)victim->parent));
    }
    int status = fault_instance_new(description, ret_fault, err);
    if (status == 0) {
        victim_lend(*ret_fault, victim);
    }
    return status;
}

static inline int victim_try_fault(const struct fault_ops *ops, json_t *options, struct victim *victim,
                                   struct fault_instance **ret_fault, struct err *err)
{
    return victim_try_hint(fault_hint(ops), options, victim, ret_fault, err);
}

static inline struct fault_instance *victim_hint(const struct fault_hint *hint, struct victim *victim)
{
    struct fault_instance *fault = NULL;
    must(victim_try_hint(hint, json_loads(fault_hint_options(hint), 0, NULL), victim, &fault, err));
    return fault;
}

static inline struct fault_instance *victim_fault(const struct fault_ops *ops, struct victim *victim)
{
    return victim_hint(fault_hint(ops), victim);
}

#endif
