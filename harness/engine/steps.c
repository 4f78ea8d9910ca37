/* The scenario's steps: wait, steady, inject, revert, await recovery, read back, compare stores, note. */
#include "harness/engine/steps.h"

#include "harness/base/clock.h"
#include "harness/measure/outage.h"
#include "harness/param/units.h"

enum { AWAIT_DEFAULT_S = 60, CHANGE_DEFAULT_S = 60, STEADY_EXTRA_S = 30 };

int steps_duration(const struct node *args, const char *key, int64_t fallback_ns, int64_t *ret_ns, struct err *err)
{
    const struct node *child = node_get(args, key);
    *ret_ns = fallback_ns;
    if (!child) {
        return 0;
    }
    if (units_duration(child->text, ret_ns, err) < 0) {
        char text[sizeof(err->text)];
        (void)str_copy(text, sizeof(text), err->text);
        return node_err(child, err, "%s: %s", key, text);
    }
    return *ret_ns > 0 ? 0 : node_err(child, err, "%s: expected a time over zero, found '%s'", key, child->text);
}

static struct operation *add_operation(struct session *session, enum operation_kind kind, int task, int64_t until_ns,
                                       int64_t hold_ns)
{
    struct operation *operation = xcalloc(1, sizeof(*operation));
    *operation = (struct operation){
        .kind = kind, .task = task, .begun_ns = clock_now_ns(), .until_ns = until_ns, .hold_ns = hold_ns, .session = session};
    *VEC_ADD(&session->operations) = operation;
    return operation;
}

static int begin_wait(struct session *session, const struct script_request *request, struct err *err)
{
    int64_t time_ns;
    int status = steps_duration(request->args, "time", 0, &time_ns, err);
    if (status < 0) {
        return status;
    }
    int64_t until_ns = clock_now_ns() + time_ns;
    (void)add_operation(session, OPERATION_WAIT, request->task, until_ns, 0);
    session_phase(session, "waiting", until_ns, "%s", "");
    return session_event(session, "step.wait", json_pack("{s:I}", "for_ns", (json_int_t)time_ns), err);
}

static int begin_steady(struct session *session, const struct script_request *request, struct err *err)
{
    int64_t time_ns;
    int status = steps_duration(request->args, "time", 0, &time_ns, err);
    if (status < 0) {
        return status;
    }
    int64_t until_ns = clock_now_ns() + 3 * time_ns + STEADY_EXTRA_S * NS_PER_S;
    (void)add_operation(session, OPERATION_STEADY, request->task, until_ns, time_ns);
    session_phase(session, "steady", clock_now_ns() + time_ns, "healthy before anything is broken");
    return 0;
}

static int begin_await(struct session *session, const struct script_request *request, struct err *err)
{
    int64_t within_ns, hold_ns;
    int status = steps_duration(request->args, "within", AWAIT_DEFAULT_S * NS_PER_S, &within_ns, err);
    if (status == 0) {
        status = steps_duration(request->args, "hold", session->scenario->measure.hold_ns, &hold_ns, err);
    }
    if (status < 0) {
        return status;
    }
    /* the hold time is not part of the recovery time: it is waited for on top of `within` */
    struct operation *operation =
        add_operation(session, OPERATION_AWAIT, request->task, clock_now_ns() + within_ns + hold_ns, hold_ns);
    session_phase(session, "awaiting recovery", operation->until_ns, "good for %lld s", (long long)(hold_ns / NS_PER_S));
    return session_event(session, "await.begin",
                         json_pack("{s:I, s:I}", "within_ns", (json_int_t)within_ns, "hold_ns", (json_int_t)hold_ns), err);
}

static int begin_change(struct session *session, const struct script_request *request, struct err *err)
{
    int64_t within_ns;
    int status = steps_duration(request->args, "within", CHANGE_DEFAULT_S * NS_PER_S, &within_ns, err);
    if (status < 0) {
        return status;
    }
    struct operation *operation = add_operation(session, OPERATION_CHANGE, request->task, clock_now_ns() + within_ns, 0);
    status = change_begin(session, operation, request->args, err);
    if (status < 0) {
        return status;
    }
    session_phase(session, "waiting", operation->until_ns, "for a change of '%s'", operation->observer->name);
    return session_event(session, "change.begin",
                         json_pack("{s:s, s:I}", "subject", operation->observer->name, "within_ns", (json_int_t)within_ns), err);
}

static int begin_stores(struct session *session, const struct script_request *request, struct err *err)
{
    int64_t within_ns;
    int status = steps_duration(request->args, "within", STORES_DEFAULT_S * NS_PER_S, &within_ns, err);
    return status < 0 ? status : stores_begin(session, request->task, node_text(request->args, "label"), within_ns, err);
}

static int begin_note(struct session *session, const struct script_request *request, struct err *err)
{
    const char *says;
    int64_t within_ns;
    int status = note_wait(request->args, &says, &within_ns, err);
    if (status < 0) {
        return status;
    }
    struct operation *operation = add_operation(session, OPERATION_NOTE, request->task, clock_now_ns() + within_ns, 0);
    return note_begin(session, operation, says, within_ns, err);
}

static int do_drift(struct session *session, const struct script_request *request, struct err *err)
{
    size_t count = 0;
    int status = drift_find(session, &count, err);
    if (status == 0) {
        script_answer(session->script, request->task, json_integer((json_int_t)count), NULL);
    }
    return status;
}

static int do_inject(struct session *session, const struct script_request *request, struct err *err)
{
    struct injection *injection = NULL;
    int status = injection_apply(session, request->args, &injection, err);
    if (status == 0) {
        script_answer(session->script, request->task, json_string(injection->id), NULL);
    }
    return status;
}

static int do_revert(struct session *session, const struct script_request *request, struct err *err)
{
    struct injection *injection = injection_find(session, node_text(request->args, "id"));
    int status = injection ? injection_revert(session, injection, err) : 0;
    if (status == 0) {
        script_answer(session->script, request->task, NULL, NULL);
    }
    return status;
}

static int do_note(struct session *session, const struct script_request *request, struct err *err)
{
    const char *text = node_text(request->args, "text");
    int status = session_event(session, "note", json_pack("{s:s}", "text", text ? text : ""), err);
    script_answer(session->script, request->task, NULL, NULL);
    return status;
}

int steps_begin(struct session *session, const struct script_request *request, struct err *err)
{
    static const struct {
        const char *verb;
        int (*begin)(struct session *session, const struct script_request *request, struct err *err);
    } table[] = {
        {"wait", begin_wait},       {"steady", begin_steady}, {"await_recovery", begin_await}, {"await_change", begin_change},
        {"await_note", begin_note}, {"drift", do_drift},      {"read_stores", begin_stores},   {"inject", do_inject},
        {"revert", do_revert},      {"note", do_note},
    };
    if (str_eq(request->verb, "read_back")) {
        struct operation *operation = NULL;
        return readback_begin(session, request->task, &operation, err);
    }
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_eq(table[i].verb, request->verb)) {
            return table[i].begin(session, request, err);
        }
    }
    return err_set(err, ERR_INPUT, "%s:%d: there is no step '%s'", session->scenario->file, request->line, request->verb);
}

/* Newest disruption that an await looks back to: recovery counts from there. */
static int64_t last_disruption_ns(const struct session *session)
{
    int64_t newest_ns = 0;
    VEC_EACH(injection, &session->injections)
    {
        newest_ns = injection->disrupted_ns > newest_ns ? injection->disrupted_ns : newest_ns;
        newest_ns = injection->reverted_ns > newest_ns ? injection->reverted_ns : newest_ns;
    }
    return newest_ns;
}

static bool is_good_since(struct session *session, int64_t since_ns, int64_t hold_ns)
{
    struct outage_settings settings = *session->outage_settings;
    settings.hold_ns = hold_ns;
    return live_recovered(session->ledgers.items, session->ledgers.count, &settings, since_ns, clock_now_ns());
}

static int advance_steady(struct session *session, struct operation *operation, bool *ret_ended, struct err *err)
{
    if (is_good_since(session, operation->begun_ns, operation->hold_ns)) {
        *ret_ended = true;
        script_answer(session->script, operation->task, NULL, NULL);
        return session_event(session, "steady.ok", json_pack("{s:I}", "for_ns", (json_int_t)operation->hold_ns), err);
    }
    if (clock_now_ns() < operation->until_ns) {
        return 0;
    }
    *ret_ended = true;
    const char *reason = "the system was not healthy before the drill";
    int status = session_event(session, "steady.failed", json_pack("{s:s}", "reason", reason), err);
    return status < 0 ? status
                      : err_set(err, ERR_STATE, "%s: it did not stay good for %lld s", reason,
                                (long long)(operation->hold_ns / NS_PER_S));
}

/* Recovery seen or given up: writes are read back in either case, and the scenario goes on after that. */
static int advance_await(struct session *session, struct operation *operation, bool *ret_ended, struct err *err)
{
    bool recovered = is_good_since(session, last_disruption_ns(session), operation->hold_ns);
    if (!recovered && clock_now_ns() < operation->until_ns) {
        return 0;
    }
    int status = session_event(session, "await.end", json_pack("{s:b}", "recovered", recovered), err);
    struct operation *readback = NULL;
    *ret_ended = true;
    if (status == 0) {
        session_phase(session, "reading back", 0, "every acknowledged write");
        status = readback_begin(session, operation->task, &readback, err);
    }
    if (status == 0) {
        readback->hold_ns = recovered ? 1 : -1; /* what the scenario is told when the read-back is through */
    }
    return status;
}

static int advance_change(struct session *session, struct operation *operation, bool *ret_ended, struct err *err)
{
    if (!operation->answered && clock_now_ns() < operation->until_ns) {
        return 0;
    }
    *ret_ended = true;
    /* Answered first: who waited for this moment wants to act in it. */
    script_answer(session->script, operation->task, json_boolean(operation->answered), NULL);
    int status = session_event(session, "change.end", json_pack("{s:b}", "seen", operation->answered), err);
    return status < 0 ? status : change_end(session, operation, err);
}

/* Nobody said it in time: the scenario is told so, and decides. */
static int advance_note(struct session *session, struct operation *operation, bool *ret_ended, struct err *err)
{
    if (!operation->answered && clock_now_ns() < operation->until_ns) {
        return 0;
    }
    *ret_ended = true;
    script_answer(session->script, operation->task, operation->answered ? json_string(operation->by) : json_false(), NULL);
    return note_end(session, operation, err);
}

static int advance_one(struct session *session, struct operation *operation, bool *ret_ended, struct err *err)
{
    switch (operation->kind) {
    case OPERATION_WAIT:
        *ret_ended = clock_now_ns() >= operation->until_ns;
        if (*ret_ended) {
            script_answer(session->script, operation->task, NULL, NULL);
        }
        return 0;
    case OPERATION_STEADY:
        return advance_steady(session, operation, ret_ended, err);
    case OPERATION_AWAIT:
        return advance_await(session, operation, ret_ended, err);
    case OPERATION_CHANGE:
        return advance_change(session, operation, ret_ended, err);
    case OPERATION_STORES:
        *ret_ended = operation->answered;
        if (*ret_ended) {
            script_answer(session->script, operation->task, NULL, NULL);
        }
        return 0;
    case OPERATION_NOTE:
        return advance_note(session, operation, ret_ended, err);
    case OPERATION_READBACK:
        *ret_ended = operation->answered;
        if (*ret_ended) {
            bool yes = operation->hold_ns ? operation->hold_ns > 0 : operation->recovered;
            script_answer(session->script, operation->task, json_boolean(yes), NULL);
        }
        return 0;
    case OPERATION_NONE:
    case OPERATION_KIND_COUNT:
        break;
    }
    return 0;
}

int steps_advance(struct session *session, struct err *err)
{
    int state = injection_revert_expired(session, err);
    if (state < 0) {
        return state;
    }
    for (size_t i = 0; i < session->operations.count;) {
        bool ended = false;
        int status = advance_one(session, session->operations.items[i], &ended, err);
        if (status < 0) {
            return status;
        }
        if (!ended) {
            i++;
            continue;
        }
        operation_free(session->operations.items[i]);
        session->operations.items[i] = session->operations.items[--session->operations.count];
    }
    return 0;
}

int64_t steps_deadline_ns(const struct session *session)
{
    int64_t deadline_ns = clock_now_ns() + TICK_MS * NS_PER_MS;
    VEC_EACH(operation, &session->operations)
    {
        if ((*operation)->until_ns < deadline_ns) {
            deadline_ns = (*operation)->until_ns;
        }
    }
    return deadline_ns;
}
