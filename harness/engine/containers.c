/* A topology of containers: made in an engine of its own, and found again whenever one of them has come back as another process. */
#include "harness/engine/session.h"

#include <signal.h>
#include <string.h>

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/container/container.h"
#include "harness/place/cgroups.h"

enum { TAR_TIMEOUT_S = 20, READY_PAUSE_MS = 50, CHECK_MS = 1000 };
/* An engine without the right to raise limits, as inside another container, could start none with its own defaults. */
enum { NOFILE_SOFT = 1024, NOFILE_HARD = 20000, NPROC = 32768 };

/* The controller is outside of the world, which has another /run. */
static char *socket_of(const struct session *session)
{
    return session->world ? xasprintf("/proc/%d/root%s", (int)world_pid(session->world), session->topology->engine)
                          : xstrdup(session->topology->engine);
}

/* ---- made ---- */

/* What an image needs to be one: folders. Programs and libraries are the machine's own, mounted into it by the topology. */
static const char skeleton[] =
    "d=$(mktemp -d) && cd \"$d\" && mkdir -p usr etc proc sys dev tmp run root var/tmp var/lib var/log && "
    "for l in bin sbin lib lib64; do ln -s usr/$l $l; done && chmod 1777 tmp var/tmp && "
    "echo root:x:0:0:root:/root:/bin/sh > etc/passwd && echo root:x:0: > etc/group && tar c . && rm -r \"$d\"";

static int make_image(const char *socket, const char *image, struct err *err)
{
    struct buf tar CLEANUP(buf_clear) = {0};
    static const char *const argv[] = {"sh", "-c", skeleton, NULL};
    int status = child_run(argv, NULL, TAR_TIMEOUT_S * NS_PER_S, &tar, err);
    if (status > 0) {
        return err_set(err, ERR_SYSTEM, "cannot make the folders of image '%s': %.200s", image, buf_str(&tar));
    }
    return status < 0 ? status : container_import(socket, image, tar.data, tar.size, err);
}

/* A region is a network of the engine. */
static int make_network(const char *socket, const struct topology_region *region, struct err *err)
{
    AUTO_JSON json_t *body = json_pack("{s:s, s:b, s:{s:[{s:s, s:s}]}}", "Name", region->name, "CheckDuplicate", true, "IPAM",
                                       "Config", "Subnet", region->cidr, "Gateway", region->router);
    int status = container_call(socket, "POST", "/networks/create", body, NULL, err);
    return status < 0 ? err_prefix(err, "cannot make the network of region '%s'", region->name) : 0;
}

static int make_common(struct session *session, const char *socket, struct err *err)
{
    const struct topology *topology = session->topology;
    int status = 0;
    for (size_t i = 0; status == 0 && i < topology->region_count; i++) {
        status = make_network(socket, &topology->regions[i], err);
    }
    for (size_t i = 0; status == 0 && i < topology->service_count; i++) {
        const char *image = topology->services[i].container.image;
        bool made = !image;
        for (size_t j = 0; j < i && !made; j++) {
            made = topology->services[j].container.image && str_eq(topology->services[j].container.image, image);
        }
        status = made ? 0 : make_image(socket, image, err);
    }
    session->images = status == 0;
    return status;
}

static json_t *texts(char *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_string(items[i]));
    }
    return array;
}

static json_t *describe_check(const struct topology_service *service)
{
    json_int_t interval_ns = service->container.health_interval_ns;
    json_t *test = texts(service->container.health, service->container.health_count);
    json_array_insert_new(test, 0, json_string(service->container.health_count ? "CMD" : "NONE"));
    return json_pack("{s:o, s:I, s:I, s:i}", "Test", test, "Interval", interval_ns, "Timeout", interval_ns, "Retries", 3);
}

static const char *signal_name(int number)
{
    const char *name = sigabbrev_np(number);
    return name ? name : "TERM";
}

/* The service's own folder is mounted at the same path, so that its files mean the same inside. */
static json_t *describe_container(const struct session *session, const struct topology_service *service)
{
    json_t *binds = texts(service->container.volumes, service->container.volume_count);
    if (service->dir_count) {
        json_array_append_new(binds, json_sprintf("%s:%s", service->dirs[0], service->dirs[0]));
    }
    json_t *parent = json_sprintf("/%s%d", CGROUPS_PARENT, (int)world_pid(session->world));
    json_t *host = json_pack("{s:o, s:o, s:s, s:{s:s}, s:[{s:s, s:i, s:i}, {s:s, s:i, s:i}]}", "Binds", binds, "CgroupParent",
                             parent, "NetworkMode", service->host->region->name, "RestartPolicy", "Name",
                             topology_restarts[service->container.restart], "Ulimits", "Name", "nofile", "Soft", NOFILE_SOFT,
                             "Hard", NOFILE_HARD, "Name", "nproc", "Soft", NPROC, "Hard", NPROC);
    return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:s, s:{s:{s:{s:{s:s}}}}}", "Image", service->container.image, "Cmd",
                     texts(service->argv, service->argc), "Env", texts(service->env, service->env_count), "Hostname",
                     service->host->short_name, "Healthcheck", describe_check(service), "HostConfig", host, "StopSignal",
                     signal_name(service->stop_signal), "NetworkingConfig", "EndpointsConfig", service->host->region->name,
                     "IPAMConfig", "IPv4Address", service->host->address);
}

static int write_files(struct session *session, const struct topology_service *service, struct err *err)
{
    AUTO_JSON json_t *whole = describe_service(service, session->logs, true);
    json_t *params = json_pack("{s:O, s:O, s:b}", "dirs", json_object_get(whole, "dirs"), "files",
                               json_object_get(whole, "files"), "unprivileged", service->unprivileged);
    return session_call(session, containers_place(session), "service.files", params, NULL, err);
}

static int await_ready(struct session *session, const struct topology_service *service, struct err *err)
{
    int64_t limit_ns = clock_now_ns() + service->start_timeout_ns;
    char detail[160] = "";
    for (int status = 0; status == 0;) {
        AUTO_JSON json_t *result = NULL;
        json_t *params =
            json_pack("{s:o, s:i}", "check", describe_health(&service->ready, service->host->address), "timeout_ms", CHECK_MS);
        status = service->ready.type == HEALTH_NONE
                     ? 0
                     : session_call(session, containers_place(session), "check", params, &result, err);
        if (status < 0 || !result || json_flag(result, "healthy", false)) {
            return status;
        }
        (void)str_copy(detail, sizeof(detail), json_str(result, "detail", ""));
        if (clock_now_ns() > limit_ns) {
            return err_set(err, ERR_TIMEOUT, "its container is not ready: %s", detail);
        }
        status = session_step(session, clock_now_ns() + READY_PAUSE_MS * NS_PER_MS, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int containers_start(struct session *session, const struct topology_service *service, struct err *err)
{
    AUTO_FREE char *socket = socket_of(session);
    AUTO_FREE char *create = xasprintf("/containers/create?name=%s", service->host->container);
    AUTO_FREE char *start = xasprintf("/containers/%s/start", service->host->container);
    AUTO_JSON json_t *body = describe_container(session, service);
    struct container_state state = {0};
    int status = session->images ? 0 : make_common(session, socket, err);
    if (status == 0) {
        status = write_files(session, service, err);
    }
    if (status == 0) {
        status = container_call(socket, "POST", create, body, NULL, err);
    }
    if (status == 0) {
        status = container_call(socket, "POST", start, NULL, NULL, err);
    }
    if (status == 0) {
        status = await_ready(session, service, err);
    }
    if (status == 0) {
        status = container_look(socket, service->host->container, &state, err);
    }
    return status < 0 ? status
                      : session_event(session, "service.started",
                                      json_pack("{s:s, s:s, s:i, s:s}", "service", service->name, "place", service->host->name,
                                                "pid", state.pid, "container", service->host->container),
                                      err);
}

/* ---- found ---- */

struct place *containers_place(const struct session *session)
{
    return places_find(session->places, session->topology->entrypoint.vantages[0]);
}

int containers_pid(const struct session *session, const struct topology_host *host, int *ret_pid, struct err *err)
{
    AUTO_FREE char *socket = socket_of(session);
    struct container_state state = {0};
    int status = container_look(socket, host->container, &state, err);
    if (status == 0) {
        *ret_pid = state.running ? state.pid : 0;
    }
    return status;
}

bool containers_was_rejoined(const struct session *session, const struct place *place)
{
    VEC_EACH(injection, &session->injections)
    {
        VEC_EACH(part, &injection->parts)
        {
            if (part->place == place && part->applied && str_eq(injection->fault, "container_disconnect")) {
                return true;
            }
        }
    }
    return false;
}

static bool holds_fault(const struct session *session, const struct place *place)
{
    VEC_EACH(injection, &session->injections)
    {
        VEC_EACH(part, &injection->parts)
        {
            if (part->place == place && part->applied && injection->in_force) {
                return true;
            }
        }
    }
    return false;
}

/* A container that was started anew has another network namespace; the agent follows, unless it still holds a fault in the old one. */
int containers_follow(struct session *session, struct place *place, struct err *err)
{
    const struct topology_host *host = topology_host_find(session->topology, place_name(place));
    int pid = 0;
    if (!host || !host->container) {
        return 0;
    }
    int status = containers_pid(session, host, &pid, err);
    if (status < 0 || pid == 0 || pid == place_container(place) || holds_fault(session, place)) {
        return status;
    }
    *VEC_ADD(&session->restarted) = place;
    status = place_move(place, pid, err);
    return status < 0
               ? status
               : session_event(session, "agent.restarted",
                               json_pack("{s:s, s:s}", "place", place_name(place), "reason", "its container was started anew"),
                               err);
}

int containers_again(struct session *session, const struct topology_service *service, struct err *err)
{
    AUTO_FREE char *socket = socket_of(session);
    AUTO_FREE char *start = xasprintf("/containers/%s/start", service->host->container);
    struct container_state state = {0};
    int status = container_look(socket, service->host->container, &state, err);
    if (status < 0 || state.running) {
        return status;
    }
    status = container_call(socket, "POST", start, NULL, NULL, err);
    return status < 0 ? status
                      : session_event(session, "service.started",
                                      json_pack("{s:s, s:s}", "service", service->name, "place", service->host->name), err);
}
