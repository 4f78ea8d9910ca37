/* Asking for every acknowledged write: after recovery and again after failback. What cannot be asked is "not known", never
 * "lost". */
#include "harness/engine/session.h"

#include "harness/base/clock.h"

enum { READBACK_TIMEOUT_MS = 15000, READBACK_SLACK_S = 5 };

static const struct injection *last_disrupted(const struct session *session, bool *ret_failback)
{
    const struct injection *last = NULL;
    int64_t newest_ns = 0;
    *ret_failback = false;
    VEC_EACH(injection, &session->injections)
    {
        if (injection->disrupted_ns >= newest_ns && injection->disrupted_ns > 0) {
            newest_ns = injection->disrupted_ns;
            last = injection;
            *ret_failback = false;
        }
        if (injection->reverted_ns >= newest_ns && injection->reverted_ns > 0) {
            newest_ns = injection->reverted_ns;
            last = injection;
            *ret_failback = true;
        }
    }
    return last;
}

static void write_event(struct operation *operation, const json_t *result, const struct err *error)
{
    struct session *session = operation->session;
    bool failback;
    char file[40];
    const struct injection *after = last_disrupted(session, &failback);
    (void)str_format(file, sizeof(file), "readback-%d.ids", operation->readback);
    json_t *fields = json_pack("{s:i, s:I, s:s, s:s, s:b, s:s, s:s, s:I, s:s}", "number", operation->readback, "begun_ns",
                               (json_int_t)operation->begun_ns, "cause", failback ? "failback" : "recovery", "after_fault_id",
                               after ? after->id : "", "complete", result && json_flag(result, "complete", false), "reason",
                               result ? json_str(result, "reason", "") : error->text, "file", file, "count",
                               (json_int_t)json_int(result, "count", 0), "via", json_str(result, "via", ""));
    session_tell(session, "readback", fields);
}

static void answered(void *context, const json_t *result, const struct err *error)
{
    struct operation *operation = context;
    write_event(operation, result, error);
    operation->recovered = result && json_flag(result, "complete", false);
    operation->answered = true;
}

int readback_begin(struct session *session, int task, struct operation **ret_operation, struct err *err)
{
    struct operation *operation = xcalloc(1, sizeof(*operation));
    *VEC_ADD(&session->operations) = operation;
    *operation = (struct operation){.kind = OPERATION_READBACK,
                                    .task = task,
                                    .begun_ns = clock_now_ns(),
                                    .until_ns = INT64_MAX,
                                    .session = session,
                                    .readback = ++session->readbacks};
    *ret_operation = operation;
    if (!session->topology->traffic.list_url || session->vantages.count == 0) {
        operation->answered = true; /* nothing can be read back: the measuring side says "not measured" */
        return 0;
    }
    AUTO_FREE char *file = xasprintf("%s/readback-%d.ids", session->folder, operation->readback);
    json_t *params = describe_readback(session->topology, session->topology->entrypoint.vantages[0], file, session->write_prefix);
    json_object_set_new(params, "timeout_ms", json_integer(READBACK_TIMEOUT_MS));
    return place_request(session->vantages.items[0], "readback", params,
                         READBACK_TIMEOUT_MS * NS_PER_MS + READBACK_SLACK_S * NS_PER_S, answered, operation, err);
}

int readback_now(struct session *session, struct err *err)
{
    struct operation *operation = NULL;
    session_phase(session, "reading back", 0, "every acknowledged write");
    int status = readback_begin(session, -1, &operation, err);
    while (status == 0 && !operation->answered) {
        status = session_step(session, INT64_MAX, err);
    }
    return status;
}
