/* Faults of a drill: asked for, applied, proven, reverted, looked after. Every part of it is an event. */
#include "harness/engine/session.h"

#include "harness/base/clock.h"

enum { PROVE_TIMEOUT_MS = 2000 };

struct bracket {
    int64_t before_ns, after_ns;
    int64_t bound_ns; /* of the worst of the clocks that say so; within the two times already */
};

static void widen(struct bracket *bracket, struct place *place, const json_t *result)
{
    int64_t offset_ns = 0, bound_ns = 0;
    place_clock_offset(place, &offset_ns, &bound_ns);
    int64_t before_ns = json_int(result, "before_ns", 0) + offset_ns - bound_ns;
    int64_t after_ns = json_int(result, "after_ns", 0) + offset_ns + bound_ns;
    bracket->bound_ns = bound_ns > bracket->bound_ns ? bound_ns : bracket->bound_ns;
    if (bracket->before_ns == 0 || before_ns < bracket->before_ns) {
        bracket->before_ns = before_ns;
    }
    if (after_ns > bracket->after_ns) {
        bracket->after_ns = after_ns;
    }
}

struct injection *injection_find(struct session *session, const char *id)
{
    VEC_EACH(injection, &session->injections)
    {
        if (id && str_eq(injection->id, id)) {
            return injection;
        }
    }
    return NULL;
}

/* The services that a description hits: the one it names, or all of a host. */
static int pid_of(struct session *session, struct place *place, const struct topology_service *service, int *ret_pid,
                  struct err *err)
{
    AUTO_JSON json_t *result = NULL;
    if (service->host->container) {
        return containers_pid(session, service->host, ret_pid, err);
    }
    json_t *params = json_pack("{s:s, s:s?}", "name", service->name, "pid_file", service->pid_file);
    int status = session_call(session, place, "service.pids", params, &result, err);
    if (status == 0) {
        *ret_pid = (int)json_int(result, "pid", 0);
    }
    return status;
}

static int add_pids(struct session *session, struct place *place, json_t *target, struct err *err)
{
    for (size_t i = 0; i < session->topology->service_count; i++) {
        const struct topology_service *service = &session->topology->services[i];
        if (!targets_hit(target, service)) {
            continue;
        }
        int pid = 0, status = pid_of(session, place, service, &pid, err);
        if (status < 0) {
            return status;
        }
        if (pid > 0) {
            json_array_append_new(json_object_get(target, "pids"), json_integer(pid));
        }
    }
    return 0;
}

static int find_place(struct session *session, const json_t *target, struct place **ret_place, struct err *err)
{
    const char *name = json_str(target, "place", "");
    *ret_place = places_find(session->places, name);
    return *ret_place ? 0 : err_set(err, ERR_INPUT, "there is no agent in '%s' to inject from", name);
}

static int make_parts(struct session *session, struct injection *injection, struct target_list *list, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        json_t *target = json_object_get(list->items[i], "target");
        struct injection_part *part = VEC_ADD(&injection->parts);
        part->description = TAKE(list->items[i]);
        (void)str_copy(part->id, sizeof(part->id), json_str(part->description, "fault_id", ""));
        int status = find_place(session, target, &part->place, err);
        if (status == 0) {
            status = containers_follow(session, part->place, err);
        }
        if (status == 0) {
            status = add_pids(session, part->place, target, err);
        }
        if (status < 0) {
            list->count = 0;
            return status;
        }
    }
    list->count = 0; /* the descriptions are the parts' now */
    return 0;
}

static int plan_text(struct session *session, const struct injection *injection, struct buf *out, struct err *err)
{
    VEC_EACH(part, &injection->parts)
    {
        AUTO_JSON json_t *result = NULL;
        int status = session_call(session, part->place, "fault.plan", json_deep_copy(part->description), &result, err);
        if (status < 0) {
            return status;
        }
        buf_printf(out, "%s%s", out->size ? "; " : "", json_str(result, "text", ""));
    }
    return 0;
}

/* What is hit, part by part. */
static json_t *hits_of(const struct injection *injection)
{
    json_t *hits = json_array();
    VEC_EACH(part, &injection->parts)
    {
        const json_t *target = json_object_get(part->description, "target");
        json_array_append_new(
            hits, json_pack("{s:s, s:s}", "kind", json_str(target, "kind", ""), "name", json_str(target, "name", "")));
    }
    return hits;
}

static int tell_requested(struct session *session, struct injection *injection, struct err *err)
{
    struct buf text CLEANUP(buf_clear) = {0};
    int status = plan_text(session, injection, &text, err);
    if (status < 0) {
        return status;
    }
    injection->disrupted_ns = clock_now_ns();
    json_t *options = json_object_get(injection->parts.items[0].description, "options");
    return session_event_at(session, injection->disrupted_ns, "fault.requested",
                            json_pack("{s:s, s:s, s:s, s:O, s:s, s:o}", "fault_id", injection->id, "fault", injection->fault,
                                      "target", injection->target, "options", options, "plan", buf_str(&text), "hits",
                                      hits_of(injection)),
                            err);
}

/* A fault lives as long as the scenario's `ttl` says, and no longer than the longest that the plan can take, whatever becomes of the
 * controller. */
static int64_t ttl_ms(const struct session *session, const struct injection_part *part)
{
    int64_t most_ms = session->plan->longest_ns / NS_PER_MS + 60000;
    int64_t wanted_ms = json_int(part->description, "ttl_ms", most_ms);
    return wanted_ms < most_ms ? wanted_ms : most_ms;
}

/* A call about a part: to set a control takes as long as its commands may. */
static int call_part(const struct injection_part *part, const char *method, json_t *params, json_t **ret_result, struct err *err)
{
    const json_t *control = json_object_get(json_object_get(part->description, "target"), "control");
    int64_t extra_ns = json_int(control, "timeout_ms", 0) * NS_PER_MS;
    int status = place_call(part->place, method, params, CALL_TIMEOUT_S * NS_PER_S + extra_ns, ret_result, err);
    return status < 0 ? err_prefix(err, "%s", place_name(part->place)) : 0;
}

static void add_mechanism(json_t *mechanisms, const char *mechanism, const char *place)
{
    json_t *places = json_object_get(mechanisms, mechanism);
    size_t count = json_array_size(places);
    if (!places) {
        places = json_array();
        json_object_set_new(mechanisms, mechanism, places);
    }
    if (count == 0 ||
        !str_eq(json_string_value(json_array_get(places, count - 1)), place)) { /* parts of a place follow each other */
        json_array_append_new(places, json_string(place));
    }
}

/* Said once where all parts have the same, else of each the places that have it. */
static void print_mechanisms(const json_t *mechanisms, struct buf *out)
{
    const char *mechanism;
    json_t *places;
    json_object_foreach((json_t *)(uintptr_t)mechanisms, mechanism, places)
    {
        buf_puts(out, out->size ? "; " : "");
        for (size_t i = 0; i < json_array_size(places) && json_object_size(mechanisms) > 1; i++) {
            buf_printf(out, "%s%s", json_string_value(json_array_get(places, i)), i + 1 < json_array_size(places) ? ", " : ": ");
        }
        buf_puts(out, mechanism);
    }
}

static int apply_parts(struct session *session, struct injection *injection, struct err *err)
{
    struct bracket bracket = {0};
    struct buf mechanism CLEANUP(buf_clear) = {0};
    AUTO_JSON json_t *mechanisms = json_object();
    injection->in_force = true; /* from the first attempt on there is something to revert */
    VEC_EACH(part, &injection->parts)
    {
        AUTO_JSON json_t *result = NULL;
        json_t *params = json_deep_copy(part->description);
        json_object_set_new(params, "ttl_ms", json_integer(ttl_ms(session, part)));
        part->applied = true;
        int status = call_part(part, "fault.apply", params, &result, err);
        if (status < 0) {
            return err_prefix(err, "fault '%s' on %s", injection->fault, injection->target);
        }
        place_hurry(part->place);
        widen(&bracket, part->place, result);
        add_mechanism(mechanisms, json_str(result, "mechanism", ""), place_name(part->place));
    }
    print_mechanisms(mechanisms, &mechanism);
    exposition_tell(session);
    return session_event(session, "fault.applied",
                         json_pack("{s:s, s:I, s:I, s:I, s:s}", "fault_id", injection->id, "before_ns",
                                   (json_int_t)bracket.before_ns, "after_ns", (json_int_t)bracket.after_ns, "bound_ns",
                                   (json_int_t)bracket.bound_ns, "mechanism", buf_str(&mechanism)),
                         err);
}

static int prove_parts(struct session *session, struct injection *injection, struct err *err)
{
    bool all = true;
    struct buf proof CLEANUP(buf_clear) = {0};
    VEC_EACH(part, &injection->parts)
    {
        AUTO_JSON json_t *result = NULL;
        const json_t *control = json_object_get(json_object_get(part->description, "target"), "control");
        int64_t timeout_ms = json_int(control, "timeout_ms", PROVE_TIMEOUT_MS); /* what takes effect later is proven later */
        json_t *params = json_pack("{s:s, s:I}", "fault_id", part->id, "timeout_ms", (json_int_t)timeout_ms);
        int status = call_part(part, "fault.prove", params, &result, err);
        if (status < 0) {
            return status;
        }
        all = all && json_flag(result, "ok", false);
        buf_printf(&proof, "%s%s", proof.size ? "; " : "", json_str(result, "proof", ""));
    }
    return session_event(session, "fault.proven",
                         json_pack("{s:s, s:b, s:s}", "fault_id", injection->id, "ok", all, "proof", buf_str(&proof)), err);
}

static int make_injection(struct session *session, const struct node *args, struct injection **ret_injection, struct err *err)
{
    struct target_list list CLEANUP(target_list_clear) = {0};
    size_t index = session->injections.count;
    struct injection *injection = VEC_ADD(&session->injections);
    (void)str_format(injection->id, sizeof(injection->id), "f%zu", index + 1);
    injection->fault = xstrdup(node_text(args, "fault"));
    int status = targets_describe(session->topology, args, injection->id, &list, &injection->target, err);
    if (status == 0) {
        status = make_parts(session, injection, &list, err);
    }
    *ret_injection = injection;
    return status;
}

int injection_apply(struct session *session, const struct node *args, struct injection **ret_injection, struct err *err)
{
    struct injection *injection = NULL;
    int status = make_injection(session, args, &injection, err);
    if (status == 0) {
        session_phase(session, "injecting", 0, "%s %s", injection->fault, injection->target);
        status = tell_requested(session, injection, err);
    }
    if (status == 0) {
        status = apply_parts(session, injection, err);
    }
    if (status == 0) {
        status = prove_parts(session, injection, err);
    }
    if (status == 0) {
        *ret_injection = injection;
    }
    return status;
}

/* A killed service is part of what has to be put right: start what the fault left dead. */
static int restart_services(struct session *session, const struct injection_part *part, struct err *err)
{
    const json_t *target = json_object_get(part->description, "target");
    if (session->topology->runtime != RUNTIME_NETNS && !session->topology->own_engine) {
        return 0; /* on a user's own system whoever supervises the service starts it */
    }
    for (size_t i = 0; i < session->topology->service_count; i++) {
        const struct topology_service *service = &session->topology->services[i];
        AUTO_JSON json_t *result = NULL;
        if (!targets_hit(target, service)) {
            continue;
        }
        int status = service->host->container ? containers_again(session, service, err)
                                              : session_call(session, part->place, "service.pids",
                                                             json_pack("{s:s}", "name", service->name), &result, err);
        if (status == 0 && result && json_int(result, "pid", 0) == 0) {
            status = startup_service_again(session, service, err);
        }
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int revert_part(struct session *session, struct injection *injection, const struct injection_part *part,
                       struct bracket *bracket, struct err *err)
{
    AUTO_JSON json_t *result = NULL;
    int status = call_part(part, "fault.revert", json_pack("{s:s}", "fault_id", part->id), &result, err);
    if (status < 0) {
        return err_prefix(err, "cannot revert fault '%s' on %s", injection->fault, injection->target);
    }
    widen(bracket, part->place, result);
    return restart_services(session, part, err);
}

/* One part that stays in force is no reason to leave the others so. */
static int revert_parts(struct session *session, struct injection *injection, struct bracket *bracket, struct err *err)
{
    int first = 0;
    VEC_EACH(part, &injection->parts)
    {
        struct err local = {0};
        int status = part->applied ? revert_part(session, injection, part, bracket, &local) : 0;
        if (status < 0 && first == 0) {
            first = status;
            *err = local;
        }
    }
    return first;
}

static int tell_residue(struct session *session, struct injection *injection, struct err *err)
{
    json_t *left = json_array();
    VEC_EACH(part, &injection->parts)
    {
        AUTO_JSON json_t *result = NULL;
        int status = part->applied ? call_part(part, "fault.residue", json_pack("{s:s}", "fault_id", part->id), &result, err) : 0;
        if (status < 0) {
            json_decref(left);
            return status;
        }
        json_array_extend(left, json_object_get(result, "left"));
    }
    json_array_extend(session->residue, left); /* counts at the end too: a snapshot does not see everything */
    return session_event(
        session, "fault.residue",
        json_pack("{s:s, s:b, s:o}", "fault_id", injection->id, "clean", json_array_size(left) == 0, "left", left), err);
}

int injection_revert(struct session *session, struct injection *injection, struct err *err)
{
    struct bracket bracket = {0};
    if (injection->reverted || !injection->in_force) {
        return 0;
    }
    session_phase(session, "reverting", 0, "%s %s", injection->fault, injection->target);
    injection->reverted_ns = injection->expired_ns ? injection->expired_ns : clock_now_ns();
    int status =
        session_event_at(session, injection->reverted_ns, "fault.reverting", json_pack("{s:s}", "fault_id", injection->id), err);
    if (status == 0) {
        status = revert_parts(session, injection, &bracket, err);
    }
    if (status < 0) {
        return status;
    }
    injection->reverted = true;
    injection->in_force = false;
    exposition_tell(session);
    status =
        session_event(session, "fault.reverted",
                      json_pack("{s:s, s:I, s:I, s:I}", "fault_id", injection->id, "before_ns", (json_int_t)bracket.before_ns,
                                "after_ns", (json_int_t)bracket.after_ns, "bound_ns", (json_int_t)bracket.bound_ns),
                      err);
    if (status == 0) {
        status = resets_after_revert(session, injection, err);
    }
    return status < 0 ? status : tell_residue(session, injection, err);
}

void injection_notice(struct session *session, const json_t *event, int64_t t_ns)
{
    const char *id = json_str(event, "fault_id", "");
    if (!str_eq(json_str(event, "kind", ""), "fault.expired")) {
        return;
    }
    VEC_EACH(injection, &session->injections)
    {
        VEC_EACH(part, &injection->parts)
        {
            if (str_eq(part->id, id) && injection->expired_ns == 0) {
                injection->expired_ns = t_ns;
            }
        }
    }
}

int injection_revert_expired(struct session *session, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < session->injections.count; i++) {
        struct injection *injection = &session->injections.items[i];
        status = injection->expired_ns ? injection_revert(session, injection, err) : 0;
    }
    return status;
}

int injection_revert_all(struct session *session, struct err *err)
{
    int first = 0;
    for (size_t i = session->injections.count; i > 0; i--) {
        struct err local = {0};
        int status = injection_revert(session, &session->injections.items[i - 1], &local);
        if (status < 0 && first == 0) {
            first = status;
            *err = local;
        }
    }
    return first;
}
