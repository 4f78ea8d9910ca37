/* One container, one image, one network. */
#include "tests/support/engine_double.h"

#include <string.h>

#include "harness/base/str.h"

struct fake_engine fake_engine;

enum { OK = 200, MADE = 201, DONE = 204, SAME = 304, UNKNOWN = 404, CONFLICT = 409 };

void fake_engine_reset(void)
{
    fake_engine =
        (struct fake_engine){.name = FAKE_ENGINE_CONTAINER, .running = true, .connected = true, .image = true, .starts = 1};
}

static json_t *inspected(void)
{
    json_t *networks = fake_engine.connected ? json_pack("{s:{s:s, s:[s]}}", "front", "IPAddress",
                                                         fake_engine.running ? "172.30.0.5" : "", "Aliases", "web")
                                             : json_object();
    return json_pack("{s:s, s:{s:s}, s:{s:b, s:b, s:s, s:o, s:i, s:i}, s:{s:o}}", "Image", "sha256:feed", "Config", "Image",
                     "shop/web:1", "State", "Running", fake_engine.running, "Paused", fake_engine.paused, "Status",
                     fake_engine.running ? "running" : "exited", "StartedAt", json_sprintf("start %d", fake_engine.starts), "Pid",
                     fake_engine.running ? 4711 : 0, "ExitCode", fake_engine.running ? 0 : 137, "NetworkSettings", "Networks",
                     networks);
}

static int start(void)
{
    if (fake_engine.running) {
        return SAME;
    }
    fake_engine.running = true;
    fake_engine.starts++;
    return DONE;
}

static int end(bool by_kill)
{
    if (!fake_engine.running) {
        return by_kill ? CONFLICT : SAME;
    }
    fake_engine.running = fake_engine.paused = false;
    return by_kill && fake_engine.restarts ? start() : DONE;
}

static int set_paused(bool paused)
{
    if (!fake_engine.running || fake_engine.paused == paused) {
        return CONFLICT;
    }
    fake_engine.paused = paused;
    return DONE;
}

static int of_container(const char *what, json_t **ret_body)
{
    if (str_eq(what, "json")) {
        *ret_body = inspected();
        return OK;
    }
    if (str_starts_with(what, "rename?name=")) {
        (void)str_copy(fake_engine.name, sizeof(fake_engine.name), what + strlen("rename?name="));
        return DONE;
    }
    return str_starts_with(what, "kill")   ? end(true)
           : str_starts_with(what, "stop") ? end(false)
           : str_eq(what, "start")         ? start()
           : str_eq(what, "pause")         ? set_paused(true)
           : str_eq(what, "unpause")       ? set_paused(false)
                                           : UNKNOWN;
}

static int of_network(const char *what, const json_t *body)
{
    bool connect = str_eq(what, "front/connect");
    const json_t *wanted = json_at(body, "EndpointConfig.IPAMConfig");
    if (!str_eq(json_str(body, "Container", ""), fake_engine.name) || fake_engine.connected == connect) {
        return CONFLICT;
    }
    if (connect && !str_eq(json_str(wanted, "IPv4Address", ""), "172.30.0.5")) {
        return CONFLICT; /* another address than before */
    }
    fake_engine.connected = connect;
    return OK;
}

static int of_image(const char *method, const char *what)
{
    bool own = str_starts_with(what, "shop/web:1"), kept = str_starts_with(what, "drill-kept-f7-web:latest");
    if (str_starts_with(what, "sha256:feed/tag?repo=") && (fake_engine.image || fake_engine.kept_image)) {
        *(strstr(what, "repo=drill-kept") ? &fake_engine.kept_image : &fake_engine.image) = true;
        return MADE;
    }
    if ((own && fake_engine.image) || (kept && fake_engine.kept_image)) {
        if (str_eq(method, "DELETE")) {
            *(own ? &fake_engine.image : &fake_engine.kept_image) = false;
        }
        return OK;
    }
    return UNKNOWN;
}

int fake_engine_answer(const char *method, const char *path, const json_t *body, json_t **ret_body)
{
    size_t name = strlen(fake_engine.name);
    *ret_body = NULL;
    if (str_eq(path, FAKE_ENGINE_RESET)) {
        fake_engine_reset();
        return DONE;
    }
    if (str_starts_with(path, "/networks/")) {
        return of_network(path + strlen("/networks/"), body);
    }
    if (str_starts_with(path, "/images/")) {
        return of_image(method, path + strlen("/images/"));
    }
    if (str_starts_with(path, "/containers/create")) {
        bool can = str_eq(json_str(body, "Image", ""), "shop/web:1") && fake_engine.image;
        fake_engine.made += can;
        return can ? MADE : UNKNOWN;
    }
    if (str_starts_with(path, "/containers/json")) {
        *ret_body = json_pack("[{s:[o]}]", "Names", json_sprintf("/%s", fake_engine.name));
        return OK;
    }
    path += strlen("/containers/");
    if (str_eq(method, "DELETE") && str_ends_with(path, "-proof?force=true")) {
        fake_engine.made--;
        return DONE;
    }
    return strncmp(path, fake_engine.name, name) == 0 && path[name] == '/' ? of_container(path + name + 1, ret_body) : UNKNOWN;
}

int fake_engine_call(void *context, const char *method, const char *path, const json_t *body, json_t **ret_answer,
                     struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    (void)context;
    if (++fake_engine.calls == fake_engine.fail_call) {
        return err_set(err, ERR_SYSTEM, "the test lets call %d fail: %s %s", fake_engine.calls, method, path);
    }
    int status = fake_engine_answer(method, path, body, &answer);
    if (status >= 400) {
        return err_set(err, status == UNKNOWN ? ERR_INPUT : ERR_STATE, "the container engine answered %d: %s %s", status, method,
                       path);
    }
    if (ret_answer) {
        *ret_answer = TAKE(answer);
    }
    return 0;
}
