/* Waiting for one observer to tell of a change: "until the primary is another", "until the alert fires". */
#include "harness/engine/session.h"

#include "harness/topology/names.h"

int change_check(const struct topology *topology, const struct node *args, const struct topology_observer **ret_observer,
                 struct err *err)
{
    const struct node *child = node_get(args, "observer");
    const char *name = node_text(args, "observer");
    const struct topology_observer *observer = topology_observer_find(topology, name);
    if (!name) {
        return node_err(args, err, "await_change: expected the name of an observer, as observer = \"%s\"",
                        topology->observer_count ? topology->observers[0].name : "role us-east-db");
    }
    if (!observer) {
        struct err found = {0};
        (void)names_no_observer(topology, name, &found);
        return node_err(child, err, "await_change: %s", found.text);
    }
    *ret_observer = observer;
    return 0;
}

static struct place *place_of(struct session *session, const struct operation *operation)
{
    return places_find(session->places, operation->observer->place);
}

int change_begin(struct session *session, struct operation *operation, const struct node *args, struct err *err)
{
    const char *wanted = node_text(args, "to");
    int status = change_check(session->topology, args, &operation->observer, err);
    if (status < 0) {
        return status;
    }
    operation->wanted = wanted ? xstrdup(wanted) : NULL;
    return operation->observer->on_demand
               ? session_call(session, place_of(session, operation), "observe.start",
                              json_pack("{s:[o]}", "observers", describe_observer(operation->observer)), NULL, err)
               : 0;
}

/* The first answer of an observer comes from "": it is what it found, not a change, unless it is what is waited for. */
void change_notice(struct session *session, const json_t *event)
{
    const char *subject = json_str(event, "subject", ""), *to = json_str(event, "to", "");
    bool changed = *json_str(event, "from", "") != '\0';
    VEC_EACH(at, &session->operations)
    {
        struct operation *operation = *at;
        if (operation->kind == OPERATION_CHANGE && str_eq(operation->observer->name, subject)) {
            operation->answered = operation->answered || (operation->wanted ? str_eq(operation->wanted, to) : changed);
        }
    }
}

int change_end(struct session *session, struct operation *operation, struct err *err)
{
    if (!operation->observer->on_demand) {
        return 0;
    }
    return session_call(session, place_of(session, operation), "observe.stop",
                        json_pack("{s:s}", "name", operation->observer->name), NULL, err);
}
