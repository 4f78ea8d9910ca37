/* A drill's way with one fault, followed call by call, and the kill at one of its steps. */
#ifndef DRILL_TESTS_CONTRACT_TEST_KILL_EVERYWHERE_H
#define DRILL_TESTS_CONTRACT_TEST_KILL_EVERYWHERE_H

#include "tests/contract/test_faults_victim.h"

#include "faults/snapshot.h"
#include "harness/agent/journal.h"
#include "harness/place/place.h"
#include "tests/support/tracer_netlink.h"

enum who { WHO_AGENT = 1, WHO_CONTROLLER = 2, WHO_BOTH = 3, WHO_UNDO = 4, WHO_COUNT };
enum { OF_CONTROLLER = 0, OF_AGENT, OF_UNDO, ROLE_COUNT };
enum { CALL_TIMEOUT_S = 10, PROVE_TIMEOUT_MS = 5000, CHANGES = 2 };

/* ---- the controller: what a drill asks of an agent ---- */

/* What the controller leaves for who follows it, in memory that both have. */
struct way {
    char broken[600]; /* where the way broke off, nobody having been killed */
    bool unsupported; /* there: this machine cannot do it, which is no mistake */
    bool in_force;
    int changes; /* of a fault that goes on by itself, as the agent has told them */
};

static inline void on_event(void *context, struct place *place, const json_t *params, int64_t t_ns)
{
    struct way *way = context;
    (void)place;
    (void)t_ns;
    way->changes += str_eq(json_str(params, "kind", ""), "fault.changed");
}

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

/* An answer that says `ok` must say yes. */
static inline int ask(struct place *place, const char *method, json_t *params, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    int status = place_call(place, method, params, CALL_TIMEOUT_S * NS_PER_S, &answer, err);
    if (status == 0 && json_is_false(json_object_get(answer, "ok"))) {
        return err_set(err, ERR_STATE, "the answer is no: %s", json_str(answer, "proof", ""));
    }
    return status;
}

/* As the engine does after a failure: faults out. A new agent finds its killed predecessor's fault in the journal. */
static inline void put_back(struct places *places, struct place *place)
{
    struct err err = {0};
    struct pollfd nothing = {.fd = -1};
    bool alive = ask(place, "ping", NULL, &err) == 0;
    while (!alive && place_is_alive(place) && places_step(places, clock_now_ns() + NS_PER_S, -1, &err) == 0) {
        (void)poll(&nothing, 1, 1);
        alive = ask(place, "ping", NULL, &err) == 0; /* it may only have been slow */
    }
    if (alive || place_restart(place, &err) == 0) {
        (void)!ask(place, "fault.revert", json_pack("{s:s}", "fault_id", "f7"), &err);
        (void)!ask(place, "fault.residue", json_pack("{s:s}", "fault_id", "f7"), &err);
    }
}

/* A fault that goes on by itself is seen to: away and there again, or alive and dead again. */
static inline int await_changes(struct places *places, struct place *place, const struct way *way, struct err *err)
{
    int64_t until_ns = clock_now_ns() + CALL_TIMEOUT_S * NS_PER_S;
    int status = 0;
    while (status >= 0 && way->changes < CHANGES && place_is_alive(place) && clock_now_ns() < until_ns) {
        status = places_step(places, until_ns, -1, err);
    }
    return status < 0 || way->changes >= CHANGES ? status : err_set(err, ERR_TIMEOUT, "%d changes were told", way->changes);
}

static inline void control(struct places *places, struct place *place, const json_t *fault, bool goes_on, struct way *way)
{
    struct err err = {0};
    const struct {
        const char *method;
        json_t *params;
    } steps[] = {
        {"snapshot.take", json_object()},
        {"fault.supported", json_deep_copy(fault)},
        {"fault.apply", json_deep_copy(fault)},
        {"fault.prove", json_pack("{s:s, s:i}", "fault_id", "f7", "timeout_ms", PROVE_TIMEOUT_MS)},
        {"changes", NULL},
        {"fault.revert", json_pack("{s:s}", "fault_id", "f7")},
        {"fault.residue", json_pack("{s:s}", "fault_id", "f7")},
        {"snapshot.compare", json_object()},
    };
    json_object_set_new(steps[2].params, "ttl_ms", json_integer(60000));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bool waits = !steps[i].params;
        int status = !waits    ? ask(place, steps[i].method, steps[i].params, &err)
                     : goes_on ? await_changes(places, place, way, &err)
                               : 0;
        if (status < 0) {
            (void)str_format(way->broken, sizeof(way->broken), "%s: %s", steps[i].method, err.text);
            way->unsupported = str_eq(steps[i].method, "fault.supported") && err.code == ERR_UNSUPPORTED;
            put_back(places, place);
            return;
        }
        way->in_force |= str_eq(steps[i].method, "fault.apply");
    }
}

static inline _Noreturn void be_controller(const json_t *fault, const char *journal, bool goes_on, struct way *way)
{
    const struct places_hooks hooks = {.on_event = on_event, .on_log = on_note, .on_lost = on_lost};
    const struct place_settings settings = {.journal_folder = journal, .heartbeat_ms = 1000, .log_file = "/dev/null"};
    struct places *places = places_new(&hooks, way);
    struct place *place = NULL;
    struct err err = {0};
    if (places_add_local(places, "east", &settings, &place, &err) < 0 || ask(place, "ping", NULL, &err) < 0) {
        (void)str_copy(way->broken, sizeof(way->broken), err.text);
        _exit(1);
    }
    (void)raise(SIGSTOP); /* the steps begin */
    control(places, place, fault, goes_on, way);
    places_exit_all(places, 5 * NS_PER_S);
    places_free(places);
    _exit(0);
}

/* ---- drill undo ---- */

static inline int undo_all(const char *journal, struct err *err)
{
    struct buf standing CLEANUP(buf_clear) = {0}, report CLEANUP(buf_clear) = {0};
    int status = journal_standing(journal, &standing, err);
    return status < 0 ? status : journal_undo(journal, &report, err);
}

static inline _Noreturn void be_undo(const char *journal)
{
    struct err err = {0};
    (void)raise(SIGSTOP); /* the steps begin */
    _exit(undo_all(journal, &err) < 0);
}

/* ---- following them ---- */

struct attempt {
    struct trace *trace;
    int role;  /* whose step */
    long step; /* below 0: none, nobody is killed */
    enum who who;
    const struct way *way;
    bool undoing;            /* the drill lies dead, with its fault in force: `drill undo` is followed */
    pid_t controller, agent; /* the first: or undo */
    long seen[ROLE_COUNT];
    bool every;             /* questions to the kernel are steps too */
    bool photographs;       /* of all, before and after each question */
    struct snapshot *photo; /* how all looked before the question of `asking` */
    pid_t asking;
    char changed[300]; /* by a question: then it is none */
    bool hit, missed_pipe;
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

/* A question to the kernel changes nothing, and its answer waits in a socket that ends with who asked. That it is so is looked at when the
 * steps are counted (photograph). With `every` these are steps all the same. */
static inline bool is_question(const struct attempt *attempt, const struct trace_step *step)
{
    bool own_number = step->call == SYS_bind && trace_netlink_protocol(step) >= 0;
    return own_number || (!attempt->every && (trace_only_asks(step) || trace_takes_answer(step)));
}

/* Nothing may look different after a question than before it. */
static inline void photograph(struct attempt *attempt, const struct trace_step *step)
{
    struct err problem = {0};
    if (step->before && !attempt->photo && attempt->photographs) {
        must(snapshot_take(&attempt->photo, err));
        attempt->asking = step->pid;
    } else if (!step->before && attempt->photo && attempt->asking == step->pid) {
        AUTO_JSON json_t *left = json_array();
        int status = snapshot_compare(attempt->photo, left, &problem);
        if (status < 0 || json_array_size(left)) {
            (void)str_format(attempt->changed, sizeof(attempt->changed), "%s: %s", trace_call_name(step->call),
                             status < 0 ? problem.text : json_string_value(json_array_get(left, 0)));
        }
        snapshot_free(TAKE(attempt->photo));
    }
}

/* To be killed before or after a look is to be killed after or before the next call that does something. A pipe brings requests and
 * answers: to read it is a step. */
static inline bool only_looks(struct attempt *attempt, const struct trace_step *step)
{
    bool looks = trace_is_look(step->call, step->args);
    bool pipe = step->call == SYS_read && is_pipe(step);
    attempt->missed_pipe |= looks && pipe;
    bool question = !looks && is_question(attempt, step);
    if (question) {
        photograph(attempt, step);
    }
    return looks || (step->call == SYS_read && !pipe) || question;
}

/* When the steps begin there are two: the controller and its agent. */
static inline void find_agent(struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->trace->count && !attempt->agent; i++) {
        pid_t pid = attempt->trace->processes[i].pid;
        attempt->agent = pid == attempt->controller ? 0 : pid;
    }
}

/* Before undo is followed, both are killed as soon as the fault is in force. */
static inline bool is_here(const struct attempt *attempt, int role)
{
    if (attempt->role == OF_UNDO && !attempt->undoing) {
        return attempt->way->in_force;
    }
    return role == attempt->role && attempt->seen[role] == attempt->step;
}

/* An undo reverts in children of its own, and nobody of it may finish. Each waits for its child, so none is just being born
 * unseen. */
static inline void kill_all(const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->trace->count; i++) {
        (void)kill(attempt->trace->processes[i].pid, SIGKILL);
    }
}

static inline enum trace_action visit(void *context, const struct trace_step *step)
{
    struct attempt *attempt = context;
    int role = attempt->undoing ? OF_UNDO : step->first ? OF_CONTROLLER : OF_AGENT;
    find_agent(attempt);
    if (only_looks(attempt, step)) {
        return TRACE_GO_ON;
    }
    bool here = is_here(attempt, role);
    attempt->seen[role]++;
    if (!here) {
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
    if (attempt->who & WHO_UNDO) {
        kill_all(attempt);
    }
    return TRACE_LET_GO;
}

#endif
