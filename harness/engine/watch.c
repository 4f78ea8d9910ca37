/* What may stop a running drill before its end: its scenario's abort_when rules on the live ledgers, and what a second terminal asks. */
#include "harness/engine/session.h"

#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "harness/engine/control.h"

int watch_open(struct session *session, struct err *err)
{
    const struct scenario *scenario = session->scenario;
    for (size_t i = 0; i < scenario->abort_count; i++) {
        struct abort_rule *rule = NULL;
        int status = abort_rule_parse(scenario->abort_when[i].text, &rule, err);
        if (status < 0) {
            return status;
        }
        *VEC_ADD(&session->rules) = rule;
    }
    struct err local = {0};
    if (session->options->control &&
        control_open(session->options->control, session->id, session->options->interrupt_fd, &session->control, &local) < 0) {
        log_warn("`drill abort` and `drill note` will not find this drill: %s", local.text); /* Ctrl-C does */
    }
    return 0;
}

int watch_fd(const struct session *session)
{
    if (session->control) {
        return control_fd(session->control);
    }
    return session->interrupted ? -1 : session->options->interrupt_fd;
}

static int stop(struct session *session, const char *by, const char *reason, struct err *err)
{
    session->interrupted = true;
    (void)str_copy(session->aborted_by, sizeof(session->aborted_by), by);
    return err_set(err, ERR_INTERRUPTED, "%s", reason);
}

static int take_request(struct session *session, const struct control_request *request, struct err *err)
{
    char reason[sizeof(request->text) + sizeof(request->by) + 32];
    switch (request->kind) {
    case CONTROL_NOTE:
        note_notice(session, request->text, request->by);
        return session_event(session, "note", json_pack("{s:s, s:s}", "text", request->text, "by", request->by), err);
    case CONTROL_INTERRUPT:
        return session->interrupted ? 0 : stop(session, "a signal", "interrupted", err);
    case CONTROL_ABORT:
        (void)str_format(reason, sizeof(reason), "drill abort by %s%s%s", request->by, *request->text ? ": " : "", request->text);
        return session->interrupted || session->ending ? 0 : stop(session, request->by, reason, err);
    case CONTROL_NONE:
        break;
    }
    return 0;
}

int watch_requests(struct session *session, struct err *err)
{
    struct control_request request;
    int status = 0;
    if (!session->control) {
        return session->interrupted ? 0 : stop(session, "a signal", "interrupted", err);
    }
    while (status == 0 && control_next(session->control, &request)) {
        status = take_request(session, &request, err);
    }
    return status;
}

static int64_t first_start_ns(const struct session *session)
{
    int64_t start_ns = INT64_MAX;
    VEC_EACH(ledger, &session->ledgers)
    {
        const struct ledger_header *header = ledger_header(*ledger);
        int64_t at_ns = header->start_ns + header->clock_offset_ns;
        start_ns = at_ns < start_ns ? at_ns : start_ns;
    }
    return start_ns;
}

int watch_rules(struct session *session, struct err *err)
{
    int64_t deadline_ns = session->scenario ? session->scenario->load.deadline_ns : 0;
    if (session->rules.count == 0 || session->ledgers.count == 0 || session->interrupted || session->ending) {
        return 0;
    }
    if (!session->watched_ns) {
        session->watched_ns = first_start_ns(session);
    }
    for (; session->watched_ns + NS_PER_S + deadline_ns <= clock_now_ns(); session->watched_ns += NS_PER_S) {
        VEC_EACH(rule, &session->rules)
        {
            if (abort_rule_watch(*rule, session->ledgers.items, session->ledgers.count, session->watched_ns, deadline_ns)) {
                char by[160], reason[400], found[96];
                (void)str_format(by, sizeof(by), "abort_when \"%s\"", (*rule)->text);
                (void)str_format(reason, sizeof(reason), "%s: %s", by, abort_rule_found(*rule, found));
                return stop(session, by, reason, err);
            }
        }
    }
    return 0;
}

void watch_close(struct session *session)
{
    VEC_EACH(rule, &session->rules)
    {
        abort_rule_free(*rule);
    }
    VEC_CLEAR(&session->rules);
    control_close(TAKE(session->control));
}
