/* A drill while it runs: events, the agents' loop, clearing up. */
#include "harness/engine/session.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "harness/measure/outage.h"

int session_event_at(struct session *session, int64_t t_ns, const char *kind, json_t *fields, struct err *err)
{
    if (!session->events) {
        json_decref(fields);
        return 0;
    }
    if (session->options->told) {
        AUTO_JSON json_t *clean = fields ? redactor_json(session->options->redactor, "events.jsonl", fields) : NULL;
        session->options->told(session->options->told_context, kind, clean);
    }
    return events_add(session->events, t_ns, kind, fields, err);
}

int session_event(struct session *session, const char *kind, json_t *fields, struct err *err)
{
    return session_event_at(session, clock_now_ns(), kind, fields, err);
}

void session_tell(struct session *session, const char *kind, json_t *fields)
{
    struct err err = {0};
    if (session_event(session, kind, fields, &err) < 0) {
        log_error("the event '%s' could not be written: %s", kind, err.text);
    }
}

static void list_in_force(const struct session *session, struct buf *out)
{
    VEC_EACH(injection, &session->injections)
    {
        if (injection->in_force) {
            buf_printf(out, "%s%s %s", out->size ? ", " : "", injection->fault, injection->target);
        }
    }
}

static void last_second(const struct session *session, struct engine_progress *progress)
{
    if (session->ledgers.count > 0) {
        struct live_second second =
            live_last_second(session->ledgers.items, session->ledgers.count, session->outage_settings, clock_now_ns());
        progress->ok_per_second = second.ok;
        progress->failed_per_second = second.failed;
    }
}

static void tell_progress(struct session *session, bool at_once)
{
    int64_t now_ns = clock_now_ns();
    if (!session->options->progress || (!at_once && now_ns - session->progress_ns < TICK_MS * NS_PER_MS)) {
        return;
    }
    session->progress_ns = now_ns;
    struct buf in_force CLEANUP(buf_clear) = {0};
    list_in_force(session, &in_force);
    struct engine_progress progress = {
        .phase = session->phase ? session->phase : "starting",
        .detail = session->detail,
        .elapsed_ns = now_ns - session->begun_ns,
        .left_ns = session->phase_until_ns > now_ns ? session->phase_until_ns - now_ns : 0,
        .in_force = buf_str(&in_force),
    };
    last_second(session, &progress);
    session->options->progress(session->options->context, &progress);
}

void session_phase(struct session *session, const char *phase, int64_t until_ns, const char *fmt, ...)
{
    va_list args;
    session->phase = phase;
    session->phase_until_ns = until_ns;
    va_start(args, fmt);
    vsnprintf(session->detail, sizeof(session->detail), fmt, args);
    va_end(args);
    tell_progress(session, true);
}

int session_step(struct session *session, int64_t until_ns, struct err *err)
{
    int64_t tick_ns = clock_now_ns() + TICK_MS * NS_PER_MS;
    int status = places_step(session->places, until_ns < tick_ns ? until_ns : tick_ns, watch_fd(session), err);
    if (status < 0) {
        return status;
    }
    tell_progress(session, false);
    status = status == 1 ? watch_requests(session, err) : 0;
    if (status == 0) {
        status = watch_rules(session, err);
    }
    if (status < 0) {
        return status;
    }
    return session->lost_place[0] ? agents_recover(session, err) : 0;
}

int session_call(struct session *session, struct place *place, const char *method, json_t *params, json_t **ret_result,
                 struct err *err)
{
    (void)session;
    AUTO_JSON json_t *result = NULL;
    int status = place_call(place, method, params, CALL_TIMEOUT_S * NS_PER_S, &result, err);
    if (status < 0) {
        return err_prefix(err, "%s", place_name(place));
    }
    if (ret_result) {
        *ret_result = TAKE(result);
    }
    return 0;
}

static void clear_injections(struct session *session)
{
    VEC_EACH(injection, &session->injections)
    {
        VEC_EACH(part, &injection->parts)
        {
            json_decref(part->description);
        }
        VEC_CLEAR(&injection->parts);
        free(injection->fault);
        free(injection->target);
    }
    VEC_CLEAR(&session->injections);
}

void operation_free(struct operation *operation)
{
    free(operation->wanted);
    free(operation->readings);
    free(operation->by);
    free(operation);
}

/* Agents first: they revert what they hold while their places still stand. Then the world, which takes everything else. */
void session_clear(struct session *session)
{
    if (session->places) {
        places_exit_all(session->places, 5 * NS_PER_S);
        places_free(TAKE(session->places));
    }
    world_stop(TAKE(session->world));
    VEC_EACH(operation, &session->operations)
    {
        operation_free(*operation);
    }
    VEC_CLEAR(&session->operations);
    VEC_EACH(ledger, &session->ledgers)
    {
        ledger_close(*ledger);
    }
    VEC_CLEAR(&session->ledgers);
    VEC_CLEAR(&session->vantages);
    VEC_CLEAR(&session->restarted);
    clear_injections(session);
    watch_close(session);
    json_decref(TAKE(session->residue));
    events_close(TAKE(session->events));
    free(TAKE(session->outage_settings));
    free(TAKE(session->folder));
    free(TAKE(session->logs));
    free(TAKE(session->id));
}
