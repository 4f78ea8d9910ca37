/* Users' load and the observers: begun before the first step, ended after the last. */
#include "harness/engine/session.h"

#include "harness/base/clock.h"
#include "harness/measure/outage.h"

enum { STOP_TIMEOUT_S = 60 };

static int start_vantage(struct session *session, const char *vantage, struct err *err)
{
    struct place *place = places_find(session->places, vantage);
    AUTO_FREE char *name = xasprintf("ledger-%s.bin", vantage);
    AUTO_FREE char *path = xasprintf("%s/%s", session->folder, name);
    AUTO_JSON json_t *result = NULL;
    struct ledger *ledger = NULL;
    *VEC_ADD(&session->vantages) = place;
    int status =
        session_call(session, place, "load.start",
                     json_pack("{s:o}", "load", describe_load(session, session->vantages.count - 1, path)), &result, err);
    if (status == 0) {
        place_hurry(place);
        status = ledger_open(path, &ledger, err);
    }
    if (status < 0) {
        return err_prefix(err, "load from '%s'", vantage);
    }
    *VEC_ADD(&session->ledgers) = ledger;
    return session_event(session, "load.start", json_pack("{s:s, s:s}", "vantage", vantage, "ledger", name), err);
}

int traffic_observe(struct session *session, struct place *place, struct err *err)
{
    json_t *observers = json_array();
    for (size_t i = 0; i < session->topology->observer_count; i++) {
        const struct topology_observer *observer = &session->topology->observers[i];
        if (!observer->on_demand && str_eq(observer->place, place_name(place))) {
            json_array_append_new(observers, describe_observer(observer));
        }
    }
    if (json_array_size(observers) == 0) {
        json_decref(observers);
        return 0;
    }
    return session_call(session, place, "observe.start", json_pack("{s:o}", "observers", observers), NULL, err);
}

int traffic_start(struct session *session, struct err *err)
{
    int status = exposition_open(session, err);
    session->observing = session->loading = true;
    for (size_t i = 0; status == 0 && i < session->topology->host_count; i++) {
        status = traffic_observe(session, places_find(session->places, session->topology->hosts[i].name), err);
    }
    for (size_t i = 0; status == 0 && i < session->topology->entrypoint.vantage_count; i++) {
        status = start_vantage(session, session->topology->entrypoint.vantages[i], err);
    }
    return status;
}

static int stop_vantage(struct session *session, struct place *place, struct err *err)
{
    AUTO_JSON json_t *result = NULL;
    int status = place_call(place, "load.stop", NULL, STOP_TIMEOUT_S * NS_PER_S, &result, err);
    if (status < 0) {
        return err_prefix(err, "load from '%s'", place_name(place));
    }
    json_t *fields = json_copy(result);
    json_object_set_new(fields, "vantage", json_string(place_name(place)));
    return session_event(session, "load.stop", fields, err);
}

int traffic_stop(struct session *session, struct err *err)
{
    int first = 0;
    for (size_t i = 0; session->loading && i < session->ledgers.count; i++) {
        struct err local = {0};
        int status = stop_vantage(session, session->vantages.items[i], &local);
        if (status < 0 && first == 0) {
            first = status;
            *err = local;
        }
    }
    session->loading = false;
    for (size_t i = 0; session->observing && i < session->topology->host_count; i++) {
        struct err ignored = {0}; /* an observer that cannot be stopped ends with its agent */
        struct place *place = places_find(session->places, session->topology->hosts[i].name);
        (void)(place ? place_call(place, "observe.stop", NULL, STOP_TIMEOUT_S * NS_PER_S, NULL, &ignored) : 0);
    }
    session->observing = false;
    return first;
}
