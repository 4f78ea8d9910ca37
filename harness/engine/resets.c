/* After the revert of a cut that says `reset`: the connections that stood still end at a region's hosts, not at the router that was cut, so
 * they are destroyed there. A cut at a host does that by itself. */
#include "harness/engine/session.h"

static bool wants_reset(const struct injection_part *part)
{
    const json_t *options = json_object_get(part->description, "options");
    return part->applied && str_eq(json_str(options, "reset", "false"), "true") &&
           str_eq(json_str(json_object_get(part->description, "target"), "kind", ""), "region");
}

/* The same selection as the cut's, seen from the host: connections with somebody outside of the region. What cannot be selected there the
 * fault's check refuses. */
static json_t *describe_reset(const struct injection *injection, const struct injection_part *part,
                              const struct topology_host *host)
{
    const json_t *target = json_object_get(part->description, "target"), *cut = json_object_get(part->description, "options");
    json_t *options = json_object();
    static const char *const kept[] = {"to", "port"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        json_t *value = json_object_get(cut, kept[i]);
        if (value) {
            json_object_set(options, kept[i], value);
        }
    }
    AUTO_FREE char *id = xasprintf("%s.reset", injection->id);
    return json_pack("{s:s, s:s, s:o, s:{s:s, s:s, s:s, s:s, s:O, s:[], s:[], s:[]}}", "fault_id", id, "fault", "reset",
                     "options", options, "target", "place", host->name, "kind", "host", "name", host->name, "cidr",
                     json_str(target, "cidr", ""), "peers", json_object_get(target, "peers"), "interfaces", "pids", "services");
}

static int reset_host(struct session *session, const struct injection *injection, const struct injection_part *part,
                      const struct topology_host *host, struct buf *text, struct err *err)
{
    struct place *place = places_find(session->places, host->name);
    AUTO_JSON json_t *applied = NULL;
    AUTO_JSON json_t *proven = NULL;
    AUTO_JSON json_t *reverted = NULL;
    json_t *description = describe_reset(injection, part, host);
    AUTO_FREE char *id = xstrdup(json_str(description, "fault_id", ""));
    int status = session_call(session, place, "fault.apply", description, &applied, err);
    if (status == 0) {
        status = session_call(session, place, "fault.prove",
                              json_pack("{s:s, s:i}", "fault_id", id, "timeout_ms", 0), /* one look: it is done or was none */
                              &proven, err);
    }
    if (status == 0 && json_flag(proven, "ok", false)) { /* a host without such connections proves nothing */
        buf_printf(text, "%s%s", text->size ? "; " : "", json_str(proven, "proof", ""));
    }
    return status < 0 ? err_prefix(err, "resetting the connections of '%s'", host->name)
                      : session_call(session, place, "fault.revert", json_pack("{s:s}", "fault_id", id), &reverted, err);
}

int resets_after_revert(struct session *session, const struct injection *injection, struct err *err)
{
    struct buf text CLEANUP(buf_clear) = {0};
    bool any = false;
    VEC_EACH(part, &injection->parts)
    {
        const char *region = json_str(json_object_get(part->description, "target"), "name", "");
        for (size_t i = 0; wants_reset(part) && i < session->topology->host_count; i++) {
            const struct topology_host *host = &session->topology->hosts[i];
            if (!host->region || !str_eq(host->region->name, region)) {
                continue;
            }
            int status = reset_host(session, injection, part, host, &text, err);
            if (status < 0) {
                return status;
            }
            any = true;
        }
    }
    return !any ? 0
                : session_event(session, "fault.reset",
                                json_pack("{s:s, s:s}", "fault_id", injection->id, "text",
                                          text.size ? buf_str(&text) : "no connection stood still"),
                                err);
}
