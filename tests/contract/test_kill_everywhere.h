/* A drill's way with one fault, followed call by call, and the kill at one of its steps. */
#ifndef DRILL_TESTS_CONTRACT_TEST_KILL_EVERYWHERE_H
#define DRILL_TESTS_CONTRACT_TEST_KILL_EVERYWHERE_H

#include "tests/contract/test_faults_victim.h"

#include <sys/ioctl.h>

#include "harness/place/place.h"
#include "tests/support/tracer.h"

enum who { WHO_AGENT = 1, WHO_CONTROLLER = 2, WHO_BOTH = 3 };
enum { OF_CONTROLLER = 0, OF_AGENT, ROLE_COUNT };
enum { CALL_TIMEOUT_S = 10 };

/* ---- the controller: what a drill asks of an agent ---- */

static inline void on_note(void *context, struct place *place, const json_t *params, int64_t t_ns)
{
    (void)context;
    (void)place;
    (void)params;
    (void)t_ns;
}

static inline void on_lost(void *context, struct place *place, const char *reason)
{
    (void)context;
    (void)place;
    (void)reason;
}

static inline int ask(struct place *place, const char *method, json_t *params)
{
    struct err err = {0};
    return place_call(place, method, params, CALL_TIMEOUT_S * NS_PER_S, NULL, &err);
}

/* As the engine does after a failure: faults out. A new agent finds its killed predecessor's fault in the journal. */
static inline void put_back(struct places *places, struct place *place)
{
    struct err err = {0};
    struct pollfd nothing = {.fd = -1};
    bool alive = ask(place, "ping", NULL) == 0;
    while (!alive && place_is_alive(place) && places_step(places, clock_now_ns() + NS_PER_S, -1, &err) == 0) {
        (void)poll(&nothing, 1, 1);
    }
    if (alive || place_restart(place, &err) == 0) {
        (void)!ask(place, "fault.revert", json_pack("{s:s}", "fault_id", "f7"));
        (void)!ask(place, "fault.residue", json_pack("{s:s}", "fault_id", "f7"));
    }
}

static inline void control(struct places *places, struct place *place, const json_t *fault)
{
    const struct {
        const char *method;
        json_t *params;
    } steps[] = {
        {"snapshot.take", json_object()},
        {"fault.supported", json_deep_copy(fault)},
        {"fault.apply", json_deep_copy(fault)},
        {"fault.prove", json_pack("{s:s, s:i}", "fault_id", "f7", "timeout_ms", 2000)},
        {"fault.revert", json_pack("{s:s}", "fault_id", "f7")},
        {"fault.residue", json_pack("{s:s}", "fault_id", "f7")},
        {"snapshot.compare", json_object()},
    };
    json_object_set_new(steps[2].params, "ttl_ms", json_integer(60000));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (ask(place, steps[i].method, steps[i].params) < 0) {
            put_back(places, place);
            return;
        }
    }
}

static inline _Noreturn void be_controller(const json_t *fault, const char *journal)
{
    const struct places_hooks hooks = {.on_event = on_note, .on_log = on_note, .on_lost = on_lost};
    const struct place_settings settings = {.journal_folder = journal, .heartbeat_ms = 1000, .log_file = "/dev/null"};
    struct places *places = places_new(&hooks, NULL);
    struct place *place = NULL;
    struct err err = {0};
    if (places_add_local(places, "east", &settings, &place, &err) < 0 || ask(place, "ping", NULL) < 0) {
        _exit(1);
    }
    (void)raise(SIGSTOP); /* the steps begin */
    control(places, place, fault);
    places_exit_all(places, 5 * NS_PER_S);
    places_free(places);
    _exit(0);
}

/* ---- following it ---- */

struct attempt {
    int role;  /* whose step */
    long step; /* -1: none, only count */
    enum who who;
    pid_t controller, agent;
    long seen[ROLE_COUNT];
    bool hit;
    long call;
    bool before;
};

static inline bool is_pipe(const struct trace_step *step)
{
    char path[64], link[16];
    (void)str_format(path, sizeof(path), "/proc/%d/fd/%d", (int)step->pid, (int)step->args[0]);
    ssize_t size = readlink(path, link, sizeof(link) - 1);
    link[size > 0 ? size : 0] = '\0';
    return str_starts_with(link, "pipe:");
}

/* A question about an interface: SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFINDEX. */
static inline bool is_question(uint64_t request)
{
    return request == SIOCGIFNAME || request == SIOCGIFFLAGS || request == SIOCGIFINDEX;
}

static inline bool is_netlink(const struct trace_step *step)
{
    sa_family_t family = 0;
    return trace_peek(step->pid, step->args[1], &family, sizeof(family)) && family == AF_NETLINK;
}

/* To be killed before or after a look is to be killed after or before the next call that does something. */
static inline bool only_looks(const struct trace_step *step)
{
    switch (step->call) {
    case SYS_openat:
        return !(step->args[2] & (O_WRONLY | O_RDWR | O_CREAT));
    case SYS_read:
        return !is_pipe(step); /* a pipe brings requests and answers */
    case SYS_ioctl:
        return is_question(step->args[1]);
    case SYS_bind:
        return is_netlink(step); /* only gives our own socket its number */
    case SYS_socket:
    case SYS_setsockopt:
    case SYS_close:
    case SYS_fstat:
    case SYS_newfstatat:
    case SYS_lseek:
    case SYS_getdents64:
    case SYS_readlinkat:
    case SYS_faccessat:
    case SYS_fcntl:
    case SYS_getsockopt:
    case SYS_getsockname:
    case SYS_epoll_ctl:
#ifdef SYS_stat
    case SYS_stat:
    case SYS_access:
    case SYS_readlink:
#endif
        return true;
    default:
        return false;
    }
}

static inline enum trace_action visit(void *context, const struct trace_step *step)
{
    struct attempt *attempt = context;
    int role = step->first ? OF_CONTROLLER : OF_AGENT;
    if (role == OF_AGENT && !attempt->agent) {
        attempt->agent = step->pid;
    }
    if (only_looks(step)) {
        return TRACE_GO_ON;
    }
    bool here = role == attempt->role && attempt->seen[role] == attempt->step;
    attempt->seen[role]++;
    if (!here || !attempt->agent) {
        return TRACE_GO_ON;
    }
    attempt->hit = true;
    attempt->call = step->call;
    attempt->before = step->before;
    if (attempt->who & WHO_AGENT) {
        (void)kill(attempt->agent, SIGKILL);
    }
    if (attempt->who & WHO_CONTROLLER) {
        (void)kill(attempt->controller, SIGKILL);
    }
    return TRACE_LET_GO;
}

#endif
