/* The agents of a drill: one in every place, their events, and what becomes of the drill when one is lost. */
#include "harness/engine/session.h"

#include "harness/base/clock.h"
#include "harness/base/log.h"

/* An agent's event goes into the evidence with the place's name and the bound of the clock comparison. */
static void on_event(void *context, struct place *place, const json_t *params, int64_t t_ns)
{
    struct session *session = context;
    struct err err = {0};
    int64_t offset_ns = 0, bound_ns = 0;
    json_t *fields = json_copy((json_t *)params);
    const char *kind = json_str(params, "kind", "observe");
    place_clock_offset(place, &offset_ns, &bound_ns);
    change_notice(session, params);
    injection_notice(session, params, t_ns);
    if (!json_object_get(fields, "place")) {
        json_object_set_new(fields, "place", json_string(place_name(place)));
    }
    json_object_set_new(fields, "bound", json_integer(bound_ns));
    if (session_event_at(session, t_ns, kind, fields, &err) < 0) {
        log_error("an event of '%s' could not be written: %s", place_name(place), err.text);
    }
}

static void on_log(void *context, struct place *place, const json_t *params, int64_t t_ns)
{
    (void)context;
    (void)t_ns;
    log_debug("%s: %s", place_name(place), json_str(params, "text", ""));
}

static void on_lost(void *context, struct place *place, const char *reason)
{
    struct session *session = context;
    session_tell(session, "agent.lost", json_pack("{s:s, s:s}", "place", place_name(place), "reason", reason));
    if (!session->lost_place[0]) {
        (void)str_copy(session->lost_place, sizeof(session->lost_place), place_name(place));
        (void)str_copy(session->lost_reason, sizeof(session->lost_reason), reason);
    }
}

static int open_place(struct session *session, const char *name, struct err *err)
{
    AUTO_FREE char *log_file = session->logs ? xasprintf("%s/agents.log", session->logs) : NULL;
    struct place_settings settings = {
        .journal_folder = session->options->journal,
        .heartbeat_ms = 1000,
        .log_file = log_file,
    };
    struct place *place = NULL;
    const struct topology_host *host = topology_host_find(session->topology, name);
    int pid = 0, status = host && host->container ? containers_pid(session, host, &pid, err) : 0;
    if (status == 0 && host && host->container && pid == 0) {
        status = err_set(err, ERR_STATE, "container '%s' does not run", host->container);
    }
    if (status < 0) {
        return err_prefix(err, "host '%s'", name);
    }
    status = pid              ? places_add_container(session->places, session->world, name, pid, &settings, &place, err)
             : session->world ? places_add_netns(session->places, session->world, name, &settings, &place, err)
                              : places_add_local(session->places, name, &settings, &place, err);
    return status < 0 ? err_prefix(err, "cannot start the agent of '%s'", name) : 0;
}

static int open_world_places(struct session *session, struct err *err)
{
    static const char *const common[] = {"internet", "backbone", "links"};
    int status = 0;
    for (size_t i = 0; status == 0 && i < ARRAY_LEN(common); i++) {
        status = open_place(session, common[i], err);
    }
    for (size_t i = 0; status == 0 && i < session->topology->region_count; i++) {
        status = open_place(session, session->topology->regions[i].name, err);
    }
    return status;
}

int agents_open(struct session *session, struct err *err)
{
    const struct places_hooks hooks = {.on_event = on_event, .on_log = on_log, .on_lost = on_lost};
    session->places = places_new(&hooks, session);
    int status = session->world && !session->topology->own_engine ? open_world_places(session, err) : 0;
    for (size_t i = 0; status == 0 && i < session->topology->host_count; i++) {
        status = session->topology->hosts[i].container ? 0 : open_place(session, session->topology->hosts[i].name, err);
    }
    return status < 0 ? status : places_sync_clocks(session->places, err);
}

int agents_open_containers(struct session *session, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < session->topology->host_count; i++) {
        const struct topology_host *host = &session->topology->hosts[i];
        status = host->container ? open_place(session, host->name, err) : 0;
    }
    return status < 0 || session->topology->runtime != RUNTIME_DOCKER ? status : places_sync_clocks(session->places, err);
}

/* What a lost agent takes with it cannot be made up for: its fault, its load, its links. */
static const char *irreplaceable(const struct session *session, const struct place *place)
{
    VEC_EACH(injection, &session->injections)
    {
        VEC_EACH(part, &injection->parts)
        {
            if (injection->in_force && part->place == place) {
                return "and the fault that it held with it";
            }
        }
    }
    VEC_EACH(vantage, &session->vantages)
    {
        if (session->loading && *vantage == place) {
            return "and the load that it sent with it";
        }
    }
    return str_eq(place_name(place), "links") ? "and the links that it carried with it" : NULL;
}

int agents_recover(struct session *session, struct err *err)
{
    struct place *place = places_find(session->places, session->lost_place);
    const char *taken = place ? irreplaceable(session, place) : "";
    if (taken) {
        return err_set(err, ERR_PROTOCOL, "the agent in '%s' went away (%s) %s", session->lost_place, session->lost_reason,
                       taken);
    }
    int status = place_restart(place, err);
    if (status < 0) {
        return err_prefix(err, "the agent in '%s' went away (%s) and could not be started again", session->lost_place,
                          session->lost_reason);
    }
    session->lost_place[0] = '\0';
    *VEC_ADD(&session->restarted) = place;
    status = session_event(session, "agent.restarted", json_pack("{s:s}", "place", place_name(place)), err);
    return status < 0 || !session->observing ? status : traffic_observe(session, place, err);
}

void agents_revive(struct session *session)
{
    VEC_EACH(injection, &session->injections)
    {
        VEC_EACH(part, &injection->parts)
        {
            struct err err = {0};
            if (!injection->in_force || !part->place || place_is_alive(part->place)) {
                continue;
            }
            *VEC_ADD(&session->restarted) = part->place;
            if (place_restart(part->place, &err) < 0) {
                log_warn("the agent in '%s' could not be started again: %s", place_name(part->place), err.text);
            }
        }
    }
}

bool agents_was_restarted(const struct session *session, const struct place *place)
{
    VEC_EACH(restarted, &session->restarted)
    {
        if (*restarted == place) {
            return true;
        }
    }
    return false;
}
