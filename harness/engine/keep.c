/* A topology that stays up between drills, and how it is. */
#include "harness/engine/session.h"

#include "harness/base/clock.h"
#include "harness/base/fd.h"

enum { KEEP_CHECK_MS = 1000, STATUS_TIMEOUT_MS = 1000 };

int engine_keep(const struct topology *topology, const struct engine_options *options, const char *logs, engine_ready_f *ready,
                void *context, struct err *err)
{
    struct session session CLEANUP(session_clear) = {
        .options = options, .topology = topology, .logs = xstrdup(logs), .begun_ns = clock_now_ns()};
    if (topology->runtime != RUNTIME_NETNS) {
        return err_set(err, ERR_INPUT, "topology '%s' runs on this machine: it is not drill's to bring up", topology->name);
    }
    int status = fd_make_dirs(session.logs, 0777, err);
    if (status == 0) {
        status = startup_topology(&session, err);
    }
    if (status == 0) {
        status = ready(context, world_pid(session.world), world_start_ticks(session.world), err);
    }
    while (status == 0) {
        status = session_step(&session, clock_now_ns() + KEEP_CHECK_MS * NS_PER_MS, err);
    }
    return err->code == ERR_INTERRUPTED ? 0 : status;
}

static int tell_check(struct session *session, struct place *place, const char *name, json_t *check, struct buf *out, bool *all,
                      struct err *err)
{
    AUTO_JSON json_t *result = NULL;
    int status = session_call(session, place, "check", json_pack("{s:o, s:i}", "check", check, "timeout_ms", STATUS_TIMEOUT_MS),
                              &result, err);
    if (status == 0) {
        bool healthy = json_flag(result, "healthy", false);
        *all &= healthy;
        buf_printf(out, "  %-5s %-32s %s\n", healthy ? "ok" : "DOWN", name, json_str(result, "detail", ""));
    }
    return status;
}

int engine_status(const struct topology *topology, const struct engine_options *options, struct buf *out, struct err *err)
{
    struct session session CLEANUP(session_clear) = {.options = options, .topology = topology, .begun_ns = clock_now_ns()};
    bool all = true;
    int status = startup_world(&session, err);
    if (status == 0) {
        status = agents_open(&session, err);
    }
    for (size_t i = 0; status == 0 && i < topology->service_count; i++) {
        const struct topology_service *service = &topology->services[i];
        status = tell_check(&session, places_find(session.places, service->host->name), service->name,
                            describe_health(&service->ready, service->host->address), out, &all, err);
    }
    for (size_t i = 0; status == 0 && i < topology->steady_count; i++) {
        const struct topology_steady *steady = &topology->steady[i];
        status = tell_check(&session, places_find(session.places, steady->place), steady->name, describe_steady(topology, steady),
                            out, &all, err);
    }
    return status < 0 ? status : !all;
}
