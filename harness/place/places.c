/* All agents: added, stepped in one loop, kept alive by heartbeats, asked to end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/place/place.h"
#include "harness/place/pool.h"

enum { HEARTBEAT_MS = 1000, END_WAIT_S = 5, POLLS_EACH = 3 };

struct places *places_new(const struct places_hooks *hooks, void *context)
{
    struct places *places = xcalloc(1, sizeof(*places));
    places->hooks = *hooks;
    places->context = context;
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* an agent that died shows as EPIPE */
    return places;
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

static int add(struct places *places, struct world *world, const char *name, int container_pid,
               const struct place_settings *settings, struct place **ret_place, struct err *err)
{
    if (places_find(places, name)) {
        return err_set(err, ERR_STATE, "there is an agent in '%s' already", name);
    }
    struct place *place = xcalloc(1, sizeof(*place));
    *place = (struct place){
        .places = places,
        .world = world,
        .container_pid = container_pid,
        .name = xstrdup(name),
        .journal_folder = xstrdup(settings->journal_folder),
        .log_file = xstrdup(settings->log_file),
        .program = xstrdup(settings->program),
        .heartbeat_ms = settings->heartbeat_ms,
        .pidfd = -1,
        .wire = {.to_fd = -1, .from_fd = -1},
    };
    int status = place_start(place, err);
    if (status < 0) {
        wire_clear(&place->wire);
        place_await_end(place, clock_now_ns() + END_WAIT_S * NS_PER_S);
        place_free(place);
        return status;
    }
    *VEC_ADD(&places->items) = place;
    *ret_place = place;
    return 0;
}

int places_add_netns(struct places *places, struct world *world, const char *name, const struct place_settings *settings,
                     struct place **ret_place, struct err *err)
{
    return add(places, world, name, 0, settings, ret_place, err);
}

int places_add_local(struct places *places, const char *name, const struct place_settings *settings, struct place **ret_place,
                     struct err *err)
{
    return add(places, NULL, name, 0, settings, ret_place, err);
}

int places_add_container(struct places *places, struct world *world, const char *name, int pid,
                         const struct place_settings *settings, struct place **ret_place, struct err *err)
{
    return add(places, world, name, pid, settings, ret_place, err);
}

/* By index here and below: what a callback does may add an agent, and the array moves. */
static void beat(struct places *places, int64_t now_ns)
{
    if (now_ns < places->heartbeat_ns) {
        return;
    }
    places->heartbeat_ns = now_ns + HEARTBEAT_MS * NS_PER_MS;
    for (size_t i = 0; i < places->items.count; i++) {
        place_heartbeat(places->items.items[i]);
    }
}

static int64_t next_deadline(const struct places *places, int64_t until_ns)
{
    int64_t deadline_ns = until_ns < places->heartbeat_ns ? until_ns : places->heartbeat_ns;
    VEC_EACH(place, &places->items)
    {
        VEC_EACH(pending, &(*place)->pending)
        {
            if (pending->deadline_ns < deadline_ns) {
                deadline_ns = pending->deadline_ns;
            }
        }
        if ((*place)->alive && (*place)->failure[0]) {
            deadline_ns = 0;
        }
    }
    return deadline_ns;
}

static void fill_polls(const struct places *places, int extra_fd, struct pollfd *polls)
{
    *polls++ = (struct pollfd){.fd = extra_fd, .events = POLLIN};
    VEC_EACH(item, &places->items)
    {
        const struct place *place = *item;
        bool writes = place->alive && !place->failure[0] && wire_has_output(&place->wire);
        *polls++ = (struct pollfd){.fd = place->wire.from_fd, .events = POLLIN};
        *polls++ = (struct pollfd){.fd = writes ? place->wire.to_fd : -1, .events = POLLOUT};
        *polls++ = (struct pollfd){.fd = place->alive ? place->pidfd : -1, .events = POLLIN};
    }
}

/* A callback may have lost or restarted the agent since the polls were made; reading and writing do not wait, so that harms
 * nothing. */
static void attend(struct place *place, const struct pollfd polls[static POLLS_EACH])
{
    if (polls[1].revents) {
        place_write(place);
    }
    if (place->alive && (polls[0].revents || polls[2].revents || place->failure[0])) {
        place_read(place);
    }
}

int places_step(struct places *places, int64_t until_ns, int extra_fd, struct err *err)
{
    size_t items = places->items.count;
    AUTO_FREE struct pollfd *polls = xcalloc(POLLS_EACH * items + 1, sizeof(*polls));
    beat(places, clock_now_ns());
    fill_polls(places, extra_fd, polls);
    int64_t left_ns = next_deadline(places, until_ns) - clock_now_ns();
    struct timespec timeout = {.tv_sec = left_ns > 0 ? left_ns / NS_PER_S : 0, .tv_nsec = left_ns > 0 ? left_ns % NS_PER_S : 0};
    int ready = ppoll(polls, POLLS_EACH * items + 1, &timeout, NULL);
    if (ready < 0 && errno != EINTR) {
        return err_errno(err, errno, "cannot wait for the agents");
    }
    for (size_t i = 0; ready >= 0 && i < items; i++) {
        attend(places->items.items[i], polls + 1 + POLLS_EACH * i);
    }
    for (size_t i = 0; i < items; i++) {
        place_expire(places->items.items[i], clock_now_ns());
    }
    return ready > 0 && polls[0].revents ? 1 : 0;
}

int places_sync_clocks(struct places *places, struct err *err)
{
    for (size_t i = 0; i < places->items.count; i++) {
        struct place *place = places->items.items[i];
        if (place_sync_clock(place, err) < 0) {
            return err_prefix(err, "cannot compare clocks with the agent in '%s'", place->name);
        }
    }
    return 0;
}

void places_forget_replies(struct places *places)
{
    VEC_EACH(place, &places->items)
    {
        VEC_EACH(pending, &(*place)->pending)
        {
            pending->reply = NULL;
        }
    }
}

static bool any_alive(const struct places *places)
{
    VEC_EACH(place, &places->items)
    {
        if ((*place)->alive) {
            return true;
        }
    }
    return false;
}

void places_exit_all(struct places *places, int64_t timeout_ns)
{
    struct err ignored = {0};
    int64_t until_ns = clock_now_ns() + timeout_ns;
    places->closing = true;
    for (size_t i = 0; i < places->items.count; i++) {
        if (places->items.items[i]->alive) {
            (void)!place_request(places->items.items[i], "exit", NULL, timeout_ns, NULL, NULL, &ignored);
        }
    }
    while (any_alive(places) && clock_now_ns() < until_ns) {
        if (places_step(places, until_ns, -1, &ignored) < 0) {
            return;
        }
    }
}

void places_free(struct places *places)
{
    if (!places) {
        return;
    }
    VEC_EACH(place, &places->items)
    {
        wire_clear(&(*place)->wire); /* it reverts and ends */
    }
    int64_t until_ns = clock_now_ns() + END_WAIT_S * NS_PER_S; /* for all of them together */
    VEC_EACH(place, &places->items)
    {
        place_await_end(*place, until_ns);
        place_free(*place);
    }
    VEC_CLEAR(&places->items);
    free(places);
}
