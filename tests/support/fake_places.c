/* The controller's side of agents that do not exist: calls, losses and the passing of time. */
#include "tests/support/fake_places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/place/place.h"
#include "harness/place/world.h"
#include "tests/support/fake_answers.h"

enum { CALL_MS = 1, READBACK_MS = 200 };

struct world {
    int unused;
};

struct pending {
    struct place *place;
    int number; /* of the call */
    char *method;
    json_t *params;
    int64_t due_ns;
    place_reply_f *reply; /* NULL: forgotten */
    void *context;
};

struct places {
    struct places_hooks hooks;
    void *context;
    int64_t began_ns;
    int terminal_fd; /* the second terminal's; -1: none */
    VEC(struct place *) items;
    VEC(struct pending) pending;
};

static struct world the_world;

static void lose_place(struct place *place)
{
    place->alive = place->has_snapshot = false;
    place->places->hooks.on_lost(place->places->context, place, "killed by the test");
}

static bool is_to_fail(const struct place *place, const char *method)
{
    const struct fake_failure *failure = &fake_system.failure;
    return str_eq(failure->method, method) && (!failure->place || str_eq(failure->place, place->name));
}

/* What the agent says now. A fault that could not be applied is known to its agent all the same. */
static int answer(struct place *place, int number, const char *method, const json_t *params, json_t **ret_result, struct err *err)
{
    fake_method_f *found = fake_method(method);
    if (place->alive && number == fake_system.lose_call) {
        lose_place(place);
    }
    if (!place->alive) {
        return err_set(err, ERR_PROTOCOL, "the agent in '%s' is gone", place->name);
    }
    if (str_eq(method, "fault.revert") && fake_find_held(params)) {
        fake_find_held(params)->reverts_asked++;
    }
    if (number == fake_system.fail_call) {
        return err_set(err, ERR_SYSTEM, "the test lets call %d fail: %s", number, method);
    }
    if (is_to_fail(place, method)) {
        if (str_eq(method, "fault.apply")) {
            fake_hold(place, params, false);
        }
        return err_set(err, fake_system.failure.code, "%s", fake_system.failure.text);
    }
    return found ? found(place, params, ret_result, err) : err_set(err, ERR_PROTOCOL, "there is no method '%s'", method);
}

static int count_call(void)
{
    uint64_t one = 1;
    if (fake_system.worlds == 0) {
        return -1; /* the plan's */
    }
    if (++fake_system.calls == fake_system.interrupt_after_call) {
        (void)!(fake_system.interrupt_fd < 0 ? raise(SIGINT) : write(fake_system.interrupt_fd, &one, sizeof(one)));
    }
    return fake_system.calls;
}

static void reply_to(struct places *places, size_t index)
{
    struct pending pending = places->pending.items[index];
    AUTO_FREE char *method = pending.method;
    AUTO_JSON json_t *params = pending.params, *result = NULL;
    struct err err = {0};
    places->pending.items[index] = places->pending.items[--places->pending.count];
    int status = answer(pending.place, pending.number, method, params, &result, &err);
    if (pending.reply) {
        pending.reply(pending.context, status == 0 ? result : NULL, status == 0 ? NULL : &err);
    }
}

static bool is_lost_now(const struct place *place)
{
    return place->alive && fake_in_force_ns() && str_eq(place->name, fake_system.lost_place) &&
           clock_now_ns() >= fake_in_force_ns() + fake_system.lost_after_ns;
}

static bool tell_change(struct place *place)
{
    if (fake_system.views == 0 || fake_system.change_ns == 0 || !str_eq(place->name, "us-east-gw") ||
        clock_now_ns() < place->places->began_ns + fake_system.change_ns) {
        return false;
    }
    AUTO_JSON json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", "observe", "observer", "state", "subject",
                                        "view us-east-gw", "from", "old", "to", "new");
    fake_system.change_ns = 0; /* once */
    place->places->hooks.on_event(place->places->context, place, event, clock_now_ns());
    return true;
}

/* As `drill note` does it, but for waiting for the answer: the drill is in this same thread. */
static void write_note(struct places *places)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!fake_system.note || clock_now_ns() < places->began_ns + fake_system.note_ns) {
        return;
    }
    AUTO_JSON json_t *json = json_pack("{s:s, s:s}", "do", "note", "text", TAKE(fake_system.note)); /* once */
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    (void)str_format(address.sun_path, sizeof(address.sun_path), "%s/%d.sock", fake_system.control, (int)getpid());
    places->terminal_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(places->terminal_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(places->terminal_fd, text, strlen(text), 0), strlen(text));
}

static bool tell_expired(struct places *places)
{
    const struct fake_held *held = fake_expire();
    struct place *place = held ? places_find(places, held->place) : NULL;
    if (!place) {
        return false;
    }
    AUTO_JSON json_t *event =
        json_pack("{s:s, s:s, s:b, s:s}", "kind", "fault.expired", "fault_id", held->id, "reverted", true, "reason", "");
    places->hooks.on_event(places->context, place, event, held->expires_ns);
    return true;
}

/* Virtual time passes: requests are sent and answered, agents reply and die. True when something was told. */
static bool advance_to(struct places *places, int64_t now_ns)
{
    bool told = false;
    clock_fake_set_ns(now_ns > clock_now_ns() ? now_ns : clock_now_ns());
    fake_answers_advance();
    for (size_t i = 0; i < places->pending.count;) {
        if (places->pending.items[i].due_ns <= clock_now_ns()) {
            reply_to(places, i);
            told = true;
        } else {
            i++;
        }
    }
    told = tell_expired(places) || told;
    write_note(places);
    VEC_EACH(place, &places->items)
    {
        told = tell_change(*place) || told;
        if (is_lost_now(*place)) {
            fake_system.lost_place = NULL; /* once */
            lose_place(*place);
            told = true;
        }
    }
    return told;
}

int place_request(struct place *place, const char *method, json_t *params, int64_t timeout_ns, place_reply_f *reply,
                  void *context, struct err *err)
{
    int64_t takes_ms = str_eq(method, "service.start") ? FAKE_START_MS : str_eq(method, "readback") ? READBACK_MS : CALL_MS;
    (void)timeout_ns;
    if (!place->alive) {
        json_decref(params);
        return err_set(err, ERR_PROTOCOL, "the agent in '%s' is gone", place->name);
    }
    int number = count_call();
    *VEC_ADD(&place->places->pending) = (struct pending){.place = place,
                                                         .number = number,
                                                         .method = xstrdup(method),
                                                         .params = params,
                                                         .due_ns = clock_now_ns() + takes_ms * NS_PER_MS,
                                                         .reply = reply,
                                                         .context = context};
    return 0;
}

int place_call(struct place *place, const char *method, json_t *params, int64_t timeout_ns, json_t **ret_result, struct err *err)
{
    AUTO_JSON json_t *owned = params, *result = NULL;
    (void)timeout_ns;
    int number = count_call();
    (void)advance_to(place->places, clock_now_ns() + CALL_MS * NS_PER_MS);
    int status = answer(place, number, method, owned, &result, err);
    if (status == 0 && ret_result) {
        *ret_result = TAKE(result);
    }
    return status;
}

static int64_t next_due_ns(const struct places *places, int64_t until_ns)
{
    VEC_EACH(pending, &places->pending)
    {
        until_ns = pending->due_ns < until_ns ? pending->due_ns : until_ns;
    }
    return until_ns;
}

int places_step(struct places *places, int64_t until_ns, int extra_fd, struct err *err)
{
    struct pollfd extra = {.fd = extra_fd, .events = POLLIN};
    if (until_ns == INT64_MAX && places->pending.count == 0) {
        return err_set(err, ERR_STATE, "the engine waits for ever for nothing");
    }
    (void)advance_to(places, next_due_ns(places, until_ns));
    return extra_fd >= 0 && poll(&extra, 1, 0) == 1;
}

/* The pool */

struct places *places_new(const struct places_hooks *hooks, void *context)
{
    struct places *places = xcalloc(1, sizeof(*places));
    places->hooks = *hooks;
    places->context = context;
    places->began_ns = clock_now_ns();
    places->terminal_fd = -1;
    return places;
}

void places_free(struct places *places)
{
    if (!places) {
        return;
    }
    VEC_EACH(pending, &places->pending)
    {
        free(pending->method);
        json_decref(pending->params);
    }
    VEC_EACH(place, &places->items)
    {
        free(*place);
    }
    VEC_CLEAR(&places->pending);
    VEC_CLEAR(&places->items);
    fake_answers_end();
    fd_close(places->terminal_fd);
    free(places);
}

static int add(struct places *places, const char *name, struct place **ret_place)
{
    struct place *place = xcalloc(1, sizeof(*place));
    *place = (struct place){.places = places, .alive = true};
    (void)str_copy(place->name, sizeof(place->name), name);
    *VEC_ADD(&places->items) = *ret_place = place;
    return 0;
}

int places_add_netns(struct places *places, struct world *world, const char *name, const struct place_settings *settings,
                     struct place **ret_place, struct err *err)
{
    (void)settings;
    return world == &the_world ? add(places, name, ret_place) : err_set(err, ERR_STATE, "that is not the world");
}

int places_add_local(struct places *places, const char *name, const struct place_settings *settings, struct place **ret_place,
                     struct err *err)
{
    (void)settings;
    (void)err;
    return add(places, name, ret_place);
}

/* The fake system has no containers. */
int places_add_container(struct places *places, struct world *world, const char *name, int pid,
                         const struct place_settings *settings, struct place **ret_place, struct err *err)
{
    (void)world;
    (void)pid;
    (void)settings;
    (void)err;
    return add(places, name, ret_place);
}

int place_move(struct place *place, int pid, struct err *err)
{
    (void)pid;
    return place->alive ? 0 : err_set(err, ERR_STATE, "the agent in '%s' is gone", place->name);
}

void place_hurry(const struct place *place)
{
    (void)place;
}

int place_container(const struct place *place)
{
    (void)place;
    return 0;
}

struct place *places_find(const struct places *places, const char *name)
{
    VEC_EACH(place, &places->items)
    {
        if (str_eq((*place)->name, name)) {
            return *place;
        }
    }
    return NULL;
}

int places_sync_clocks(struct places *places, struct err *err)
{
    (void)places;
    (void)err;
    return 0;
}

void places_forget_replies(struct places *places)
{
    VEC_EACH(pending, &places->pending)
    {
        pending->reply = NULL;
    }
}

/* Agents that end revert what they hold. */
void places_exit_all(struct places *places, int64_t timeout_ns)
{
    (void)timeout_ns;
    VEC_EACH(held, &fake_system.held)
    {
        const struct place *place = places_find(places, held->place);
        held->in_force &= !place || !place->alive || is_to_fail(place, "fault.revert");
    }
}

const char *place_name(const struct place *place)
{
    return place->name;
}

bool place_is_alive(const struct place *place)
{
    return place->alive;
}

void place_clock_offset(const struct place *place, int64_t *ret_offset_ns, int64_t *ret_bound_ns)
{
    (void)place;
    *ret_offset_ns = 0;
    *ret_bound_ns = fake_system.clock_bound_ns;
}

int place_restart(struct place *place, struct err *err)
{
    if (place->alive || fake_system.restart_fails) {
        return err_set(err, ERR_STATE, "the agent in '%s' cannot be started again", place->name);
    }
    place->alive = true; /* it finds its faults in the journal */
    return 0;
}

/* The world */

int world_start(const struct topology *topology, struct world **ret_world, struct err *err)
{
    (void)topology;
    (void)err;
    fake_system.worlds++;
    *ret_world = &the_world;
    return 0;
}

int world_attach(pid_t pid, uint64_t start_ticks, struct world **ret_world, struct err *err)
{
    (void)pid;
    (void)start_ticks;
    return world_start(NULL, ret_world, err);
}

void world_stop(struct world *world)
{
    fake_system.worlds -= world == &the_world;
}

pid_t world_pid(const struct world *world)
{
    (void)world;
    return 1;
}

uint64_t world_start_ticks(const struct world *world)
{
    (void)world;
    return 1;
}

int world_set_latency(struct world *world, const struct topology *topology, struct places *places, bool on, struct err *err)
{
    (void)world;
    (void)topology;
    (void)places;
    (void)on;
    (void)err;
    return 0;
}
