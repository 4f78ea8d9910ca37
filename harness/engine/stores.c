/* Asking each store for the ids that it has itself, all at once, beside it: what a partition hides from users it does not hide from this.
 * A store that cannot be asked is "not known", never "has none". */
#include "harness/engine/session.h"

#include "harness/base/clock.h"

struct store_reading {
    struct operation *operation;
    const struct topology_store *store;
    int64_t begun_ns;
    char file[128];
};

static void answered(void *context, const json_t *result, const struct err *error)
{
    struct store_reading *reading = context;
    struct operation *operation = reading->operation;
    session_tell(operation->session, "store.read",
                 json_pack("{s:i, s:s, s:s, s:I, s:b, s:s, s:s, s:I}", "number", operation->readback, "label", operation->wanted,
                           "store", reading->store->name, "begun_ns", (json_int_t)reading->begun_ns, "complete",
                           result && json_flag(result, "complete", false), "reason",
                           result ? json_str(result, "reason", "") : error->text, "file", reading->file, "count",
                           (json_int_t)json_int(result, "count", 0)));
    operation->answered = --operation->unread == 0;
}

static int ask(struct session *session, struct store_reading *reading, int64_t within_ns, struct err *err)
{
    struct place *place = places_find(session->places, reading->store->place);
    if (!str_format(reading->file, sizeof(reading->file), "store-%d-%s.ids", reading->operation->readback,
                    reading->store->name)) {
        return err_set(err, ERR_INPUT, "the store's name '%s' is too long for a file", reading->store->name);
    }
    AUTO_FREE char *path = xasprintf("%s/%s", session->folder, reading->file);
    json_t *params = describe_store(session->topology, reading->store, path, session->write_prefix);
    json_object_set_new(params, "timeout_ms", json_integer(within_ns / NS_PER_MS));
    reading->begun_ns = clock_now_ns();
    return place_request(place, "readback", params, within_ns + STORES_SLACK_S * NS_PER_S, answered, reading, err);
}

int stores_begin(struct session *session, int task, const char *label, int64_t within_ns, struct err *err)
{
    size_t count = session->topology->store_count;
    struct operation *operation = xcalloc(1, sizeof(*operation));
    *VEC_ADD(&session->operations) = operation;
    *operation = (struct operation){.kind = OPERATION_STORES,
                                    .task = task,
                                    .begun_ns = clock_now_ns(),
                                    .until_ns = INT64_MAX,
                                    .session = session,
                                    .readback = ++session->store_readings,
                                    .wanted = xstrdup(label),
                                    .readings = xcalloc(count, sizeof(*operation->readings)),
                                    .unread = count};
    session_phase(session, "reading back", 0, "what each store has: %s", label);
    int status = 0;
    for (size_t i = 0; status == 0 && i < count; i++) {
        operation->readings[i] = (struct store_reading){.operation = operation, .store = &session->topology->stores[i]};
        status = ask(session, &operation->readings[i], within_ns, err);
    }
    return status;
}
