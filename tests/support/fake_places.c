/* The controller's side of agents that do not exist: every answer comes from the script in fake_system. */
#include "tests/support/fake_places.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/place/place.h"
#include "harness/place/world.h"
#include "tests/support/fake_load.h"

enum { CALL_MS = 1, START_MS = 300, READBACK_MS = 200, BEGIN_S = 3600 };

struct world {
    int unused;
};

struct place {
    struct places *places;
    char name[64];
    bool alive, has_snapshot;
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
    VEC(struct place *) items;
    VEC(struct pending) pending;
};

struct fake_system fake_system;
static struct world the_world;
static struct fake_load *load;
static int64_t in_force_ns; /* since the first fault; 0: none yet */
static uint64_t newest_write;

void fake_system_reset(void)
{
    VEC_CLEAR(&fake_system.held);
    fake_system = (struct fake_system){.interrupt_fd = -1};
    in_force_ns = 0;
    newest_write = 0;
    clock_fake_set_ns(BEGIN_S * NS_PER_S);
}

size_t fake_system_unasked(void)
{
    size_t count = 0;
    VEC_EACH(held, &fake_system.held)
    {
        count += held->was_in_force && held->reverts_asked == 0;
    }
    return count;
}

size_t fake_system_in_force(void)
{
    size_t count = 0;
    VEC_EACH(held, &fake_system.held)
    {
        count += held->in_force;
    }
    return count;
}

/* Faults */

static struct fake_held *find_held(const json_t *params)
{
    VEC_EACH(held, &fake_system.held)
    {
        if (str_eq(held->id, json_str(params, "fault_id", ""))) {
            return held;
        }
    }
    return NULL;
}

static json_t *stamps(void)
{
    int64_t now_ns = clock_now_ns();
    return json_pack("{s:I, s:I, s:s}", "before_ns", (json_int_t)(now_ns - 100 * NS_PER_US), "after_ns", (json_int_t)now_ns,
                     "mechanism", "fake");
}

static void hold(struct place *place, const json_t *params, bool in_force)
{
    struct fake_held *held = find_held(params);
    held = held ? held : VEC_ADD(&fake_system.held);
    (void)str_copy(held->id, sizeof(held->id), json_str(params, "fault_id", ""));
    (void)str_copy(held->place, sizeof(held->place), place->name);
    held->in_force = held->was_in_force = in_force;
    held->ttl_ms = json_int(params, "ttl_ms", 0);
}

static int apply(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)err;
    hold(place, params, true);
    in_force_ns = in_force_ns ? in_force_ns : clock_now_ns();
    newest_write = load ? fake_load_newest_acknowledged(load) : 0;
    int64_t outage_ns = fake_system.outage_ns;
    if (load && outage_ns > 0) {
        fake_load_break(load, clock_now_ns(), outage_ns == FAKE_NEVER ? FAKE_NEVER : clock_now_ns() + outage_ns);
    }
    *ret_result = stamps();
    return 0;
}

static int revert(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    struct fake_held *held = find_held(params);
    (void)place;
    if (!held) {
        return err_set(err, ERR_STATE, "there is no fault '%s' here", json_str(params, "fault_id", ""));
    }
    if (held->in_force && load && (fake_system.failback_ns > 0 || fake_system.outage_ns == FAKE_NEVER)) {
        fake_load_break(load, clock_now_ns(), clock_now_ns() + fake_system.failback_ns);
    }
    held->in_force = false;
    *ret_result = stamps();
    return 0;
}

static int prove(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_pack("{s:b, s:s}", "ok", !fake_system.unproven, "proof",
                            fake_system.unproven ? "packets still pass" : "no packet passed");
    return 0;
}

static int tell_residue(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = fake_system.residue ? json_pack("{s:[s]}", "left", fake_system.residue) : json_pack("{s:[]}", "left");
    return 0;
}

static int explain(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)err;
    *ret_result = json_pack("{s:o}", "text", json_sprintf("break %s", json_str(json_object_get(params, "target"), "name", "?")));
    return 0;
}

static int nothing(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_object();
    return 0;
}

/* Snapshots: a fault that is in force shows in its place's network. */

static int take_snapshot(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    place->has_snapshot = true;
    return nothing(place, params, ret_result, err);
}

static int compare_snapshot(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)params;
    fake_system.calls_at_compare = fake_system.calls_at_compare ? fake_system.calls_at_compare : fake_system.calls;
    if (!place->has_snapshot) {
        return err_set(err, ERR_STATE, "no snapshot was taken here");
    }
    json_t *left = json_array();
    if (fake_system.changed) {
        json_array_append_new(left, json_string(fake_system.changed));
    }
    VEC_EACH(held, &fake_system.held)
    {
        if (held->in_force && str_eq(held->place, place->name)) {
            json_array_append_new(left, json_sprintf("the rules of %s", held->id));
        }
    }
    *ret_result = json_pack("{s:o}", "left", left);
    return 0;
}

/* Services and load */

static int start_service(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_pack("{s:i, s:i}", "pid", 100 + ++fake_system.services, "ready_ms", START_MS);
    return 0;
}

static int tell_pids(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_pack("{s:i, s:[]}", "pid", 101, "descendants");
    return 0;
}

static int check(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_pack("{s:b, s:s}", "healthy", fake_system.unhealthy == NULL, "detail",
                            fake_system.unhealthy ? fake_system.unhealthy : "as expected");
    return 0;
}

static int start_load(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    int status = fake_load_start(json_object_get(params, "load"), &load, err);
    if (status == 0) {
        *ret_result = json_pack("{s:I}", "start_ns", (json_int_t)clock_now_ns());
    }
    return status;
}

static int stop_load(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    if (!load) {
        return err_set(err, ERR_STATE, "there is no load here");
    }
    fake_load_stop(load);
    *ret_result = json_pack("{s:i, s:i, s:I, s:i, s:i, s:i}", "late_p99_ns", 1000, "late_max_ns", 2000, "sent",
                            (json_int_t)fake_load_sent(load), "not_sent", 0, "in_flight_max", 10, "cpu_ns", 1000000);
    return 0;
}

static int read_back(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    int64_t count = 0;
    (void)place;
    bool loses = fake_system.lose_from_readback > 0 && ++fake_system.readbacks >= fake_system.lose_from_readback;
    uint64_t lost = loses ? fake_system.lose_writes : 0;
    if (fake_system.readback_fails) {
        *ret_result =
            json_pack("{s:b, s:s, s:i, s:s}", "complete", false, "reason", fake_system.readback_fails, "count", 0, "via", "");
        return 0;
    }
    int status = fake_load_list(load, json_str(params, "file", ""), newest_write - lost, newest_write, &count, err);
    if (status == 0) {
        *ret_result =
            json_pack("{s:b, s:s, s:I, s:s}", "complete", true, "reason", "", "count", (json_int_t)count, "via", "10.2.0.11");
    }
    return status;
}

/* Calls */

typedef int method_f(struct place *place, const json_t *params, json_t **ret_result, struct err *err);

static method_f *find_method(const char *name)
{
    static const struct {
        const char *name;
        method_f *method;
    } table[] = {
        {"service.start", start_service},
        {"service.pids", tell_pids},
        {"check", check},
        {"fault.supported", nothing},
        {"fault.plan", explain},
        {"fault.apply", apply},
        {"fault.prove", prove},
        {"fault.revert", revert},
        {"fault.residue", tell_residue},
        {"snapshot.take", take_snapshot},
        {"load.start", start_load},
        {"load.stop", stop_load},
        {"snapshot.compare", compare_snapshot},
        {"observe.start", nothing},
        {"observe.stop", nothing},
        {"readback", read_back},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_eq(table[i].name, name)) {
            return table[i].method;
        }
    }
    return NULL;
}

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
    method_f *found = find_method(method);
    if (place->alive && number == fake_system.lose_call) {
        lose_place(place);
    }
    if (!place->alive) {
        return err_set(err, ERR_PROTOCOL, "the agent in '%s' is gone", place->name);
    }
    if (str_eq(method, "fault.revert") && find_held(params)) {
        find_held(params)->reverts_asked++;
    }
    if (number == fake_system.fail_call) {
        return err_set(err, ERR_SYSTEM, "the test lets call %d fail: %s", number, method);
    }
    if (is_to_fail(place, method)) {
        if (str_eq(method, "fault.apply")) {
            hold(place, params, false);
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
        (void)!write(fake_system.interrupt_fd, &one, sizeof(one));
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
    return place->alive && in_force_ns && str_eq(place->name, fake_system.lost_place) &&
           clock_now_ns() >= in_force_ns + fake_system.lost_after_ns;
}

/* Virtual time passes: requests are sent and answered, agents reply and die. True when something was told. */
static bool advance_to(struct places *places, int64_t now_ns)
{
    bool told = false;
    clock_fake_set_ns(now_ns > clock_now_ns() ? now_ns : clock_now_ns());
    if (load) {
        fake_load_advance(load, clock_now_ns());
    }
    for (size_t i = 0; i < places->pending.count;) {
        if (places->pending.items[i].due_ns <= clock_now_ns()) {
            reply_to(places, i);
            told = true;
        } else {
            i++;
        }
    }
    VEC_EACH(place, &places->items)
    {
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
    int64_t takes_ms = str_eq(method, "service.start") ? START_MS : str_eq(method, "readback") ? READBACK_MS : CALL_MS;
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
    fake_load_free(TAKE(load));
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
    *ret_bound_ns = 10 * NS_PER_US;
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
