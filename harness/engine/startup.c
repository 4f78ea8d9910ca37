/* Bringing a topology up: the world, the services in parallel as their `after` allows, latency, steady state. By readiness only.
 */
#include "harness/engine/session.h"

#include "harness/base/clock.h"

enum { SERVICE_SLACK_S = 10, CHECK_TIMEOUT_MS = 1000, STEADY_WITHIN_S = 60 };

int startup_world(struct session *session, struct err *err)
{
    if (session->topology->runtime != RUNTIME_NETNS && !session->topology->own_engine) {
        return 0;
    }
    session_phase(session, "starting", 0, "namespaces and network");
    const struct engine_up *up = session->options->up;
    return up ? world_attach(up->world_pid, up->world_start_ticks, &session->world, err)
              : world_start(session->topology, &session->world, err);
}

enum start_state { START_NONE = 0, START_ASKED, START_READY };

struct starting {
    struct session *session;
    enum start_state *states;
    size_t ready;
    bool failed;
    struct err err;
};
struct start_slot {
    struct starting *starting;
    size_t index;
};

static void service_answered(void *context, const json_t *result, const struct err *error)
{
    struct start_slot *slot = context;
    struct starting *starting = slot->starting;
    const struct topology_service *service = &starting->session->topology->services[slot->index];
    if (!result) {
        if (!starting->failed) {
            starting->failed = true;
            starting->err = *error;
            (void)err_prefix(&starting->err, "service '%s'", service->name);
        }
        return;
    }
    starting->states[slot->index] = START_READY;
    starting->ready++;
    session_tell(starting->session, "service.started",
                 json_pack("{s:s, s:s, s:I, s:I}", "service", service->name, "place", service->host->name, "pid",
                           (json_int_t)json_int(result, "pid", 0), "ready_ms", (json_int_t)json_int(result, "ready_ms", 0)));
}

static bool may_start(const struct starting *starting, const struct topology_service *service)
{
    const struct topology *topology = starting->session->topology;
    for (size_t i = 0; i < service->after_count; i++) {
        const struct topology_service *other = topology_service_find(topology, service->after[i]);
        if (other && starting->states[other - topology->services] != START_READY) {
            return false;
        }
    }
    return true;
}

static int ask_to_start(struct starting *starting, struct start_slot *slots, struct err *err)
{
    struct session *session = starting->session;
    for (size_t i = 0; i < session->topology->service_count; i++) {
        const struct topology_service *service = &session->topology->services[i];
        if (starting->states[i] != START_NONE || !may_start(starting, service)) {
            continue;
        }
        if (service->argc == 0) { /* it runs already, and is not ours to start */
            starting->states[i] = START_READY;
            starting->ready++;
            continue;
        }
        if (service->container.image) {
            if (containers_start(session, service, err) < 0) {
                return err_prefix(err, "service '%s'", service->name);
            }
            starting->states[i] = START_READY;
            starting->ready++;
            continue;
        }
        starting->states[i] = START_ASKED;
        slots[i] = (struct start_slot){.starting = starting, .index = i};
        struct place *place = places_find(session->places, service->host->name);
        int status =
            place_request(place, "service.start", json_pack("{s:o}", "service", describe_service(service, session->logs, true)),
                          service->start_timeout_ns + SERVICE_SLACK_S * NS_PER_S, service_answered, &slots[i], err);
        if (status < 0) {
            return err_prefix(err, "service '%s'", service->name);
        }
    }
    return 0;
}

static int start_services(struct session *session, struct err *err)
{
    size_t count = session->topology->service_count;
    AUTO_FREE enum start_state *states = xcalloc(count, sizeof(*states));
    AUTO_FREE struct start_slot *slots = xcalloc(count, sizeof(*slots));
    struct starting starting = {.session = session, .states = states};
    int status = 0;
    if (session->options->up) {
        return 0;
    }
    while (status == 0 && starting.ready < count && !starting.failed) {
        session_phase(session, "starting", 0, "%zu of %zu services are ready", starting.ready, count);
        status = ask_to_start(&starting, slots, err);
        if (status == 0 && starting.ready < count) {
            status = session_step(session, INT64_MAX, err);
        }
    }
    if (status < 0 || starting.failed) {
        places_forget_replies(session->places); /* slots are about to go away */
    }
    if (starting.failed) {
        *err = starting.err;
        return -(int)err->code;
    }
    return status;
}

int startup_service_again(struct session *session, const struct topology_service *service, struct err *err)
{
    struct place *place = places_find(session->places, service->host->name);
    AUTO_JSON json_t *result = NULL;
    int status =
        place_call(place, "service.start", json_pack("{s:o}", "service", describe_service(service, session->logs, false)),
                   service->start_timeout_ns + SERVICE_SLACK_S * NS_PER_S, &result, err);
    if (status < 0) {
        return err_prefix(err, "cannot start service '%s' again", service->name);
    }
    return session_event(session, "service.started",
                         json_pack("{s:s, s:s, s:I}", "service", service->name, "place", service->host->name, "pid",
                                   (json_int_t)json_int(result, "pid", 0)),
                         err);
}

/* Off: the emulated links forward at once, which they must from the first packet on. Latency goes on once the services run: a
 * cluster that starts over a slow link takes several times as long and may elect elsewhere. */
static int set_latency(struct session *session, bool on, struct err *err)
{
    if (!session->world || session->options->up || session->topology->own_engine) {
        return 0;
    }
    return world_set_latency(session->world, session->topology, session->places, on, err);
}

static int check_once(struct session *session, bool *ret_all, char detail[static 160], struct err *err)
{
    *ret_all = true;
    for (size_t i = 0; *ret_all && i < session->topology->steady_count; i++) {
        const struct topology_steady *steady = &session->topology->steady[i];
        AUTO_JSON json_t *result = NULL;
        json_t *params =
            json_pack("{s:o, s:i}", "check", describe_steady(session->topology, steady), "timeout_ms", CHECK_TIMEOUT_MS);
        int status = session_call(session, places_find(session->places, steady->place), "check", params, &result, err);
        if (status < 0) {
            return status;
        }
        if (!json_flag(result, "healthy", false)) {
            *ret_all = false;
            (void)str_format(detail, 160, "%s: %s", steady->name, json_str(result, "detail", "not so"));
        }
    }
    return 0;
}

static int await_steady(struct session *session, int64_t within_ns, struct err *err)
{
    int64_t limit_ns = clock_now_ns() + within_ns;
    char detail[160] = "";
    for (;;) {
        bool all = false;
        session_phase(session, "starting", limit_ns, "steady state%s%s", *detail ? ": " : "", detail);
        int status = check_once(session, &all, detail, err);
        if (status < 0 || all) {
            return status;
        }
        if (clock_now_ns() > limit_ns) {
            return err_set(err, ERR_TIMEOUT, "the topology did not become steady in %lld s: %s",
                           (long long)(within_ns / NS_PER_S), detail);
        }
        status = session_step(session, clock_now_ns() + 50 * NS_PER_MS, err);
        if (status < 0) {
            return status;
        }
    }
}

int startup_topology(struct session *session, struct err *err)
{
    int status = startup_world(session, err);
    if (status == 0) {
        status = agents_open(session, err);
    }
    if (status == 0) {
        status = set_latency(session, false, err);
    }
    if (status == 0) {
        status = start_services(session, err);
    }
    if (status == 0) {
        status = agents_open_containers(session, err);
    }
    if (status == 0) {
        status = set_latency(session, true, err);
    }
    return status < 0 ? status : await_steady(session, STEADY_WITHIN_S * NS_PER_S, err);
}
