/* The engine's API with libcurl over a unix socket. */
#include "harness/container/container.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"

/* 1.41 is what Docker 20.10 and Podman 4 both speak. */
#define API "http://engine/v1.41"
enum { TIMEOUT_MS = 20000, CONNECT_MS = 2000, NAMES_MAX = 200 };

struct exchange {
    const char *socket, *method, *path, *type;
    const void *data;
    size_t size;
    struct buf answer;
    long status;
};

static void exchange_clear(struct exchange *exchange)
{
    buf_clear(&exchange->answer);
}

static void easy_free(CURL *easy)
{
    curl_easy_cleanup(easy);
}
DEFINE_CLEANUP(CURL *, easy, easy_free)

static void list_free(struct curl_slist *list)
{
    curl_slist_free_all(list);
}
DEFINE_CLEANUP(struct curl_slist *, list, list_free)

/* ---- where it is ---- */

static const char *plain(const char *address)
{
    return str_starts_with(address, "unix://") ? address + strlen("unix://") : address;
}

char *container_socket(const char *wanted)
{
    static const char docker[] = "/var/run/docker.sock", podman[] = "/run/podman/podman.sock";
    const char *host = getenv("DOCKER_HOST"), *runtime = getenv("XDG_RUNTIME_DIR");
    AUTO_FREE char *own = xasprintf("%s/podman/podman.sock", runtime ? runtime : "");
    if (wanted && *wanted) {
        return xstrdup(plain(wanted));
    }
    if (host && *host) {
        return xstrdup(plain(host));
    }
    return xstrdup(access(docker, F_OK) == 0 ? docker : access(podman, F_OK) == 0 || access(own, F_OK) < 0 ? podman : own);
}

/* ---- one request ---- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    buf_add(context, data, size * count);
    return size * count;
}

static void set_up(CURL *easy, struct exchange *exchange, const char *url, struct curl_slist *headers)
{
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, exchange->socket);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange->answer);
    if (exchange->data || str_eq(exchange->method, "POST")) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->data ? exchange->data : "");
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
}

static int perform(struct exchange *exchange, struct err *err)
{
    AUTO_FREE char *url = xasprintf(API "%s", exchange->path);
    AUTO_FREE char *type = xasprintf("Content-Type: %s", exchange->type);
    CURL *easy CLEANUP(easy_cleanup) = curl_easy_init();
    struct curl_slist *headers CLEANUP(list_cleanup) = curl_slist_append(NULL, type);
    if (!easy || !headers) {
        return err_set(err, ERR_SYSTEM, "libcurl is out of memory");
    }
    set_up(easy, exchange, url, headers);
    CURLcode code = curl_easy_perform(easy);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return err_set(err, ERR_TIMEOUT, "the container engine at %s did not answer in time", exchange->socket);
    }
    if (code != CURLE_OK) {
        return err_set(err, ERR_SYSTEM, "no container engine answers at %s (%s): is it started, and may you use its socket?",
                       exchange->socket, curl_easy_strerror(code));
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &exchange->status);
    return 0;
}

/* Its own words, without their line ends. */
static int explain(const struct exchange *exchange, const json_t *answer, struct err *err)
{
    char text[300];
    (void)str_format(text, sizeof(text), "%.280s", json_str(answer, "message", buf_str(&exchange->answer)));
    text[strcspn(text, "\r\n")] = '\0';
    return err_set(err, exchange->status == 404 ? ERR_INPUT : ERR_STATE, "the container engine answered %ld: %s",
                   exchange->status, text);
}

static int ask(struct exchange *exchange, json_t **ret_answer, struct err *err)
{
    struct err ignored = {0};
    AUTO_JSON json_t *answer = NULL;
    int status = perform(exchange, err);
    if (status < 0) {
        return status;
    }
    (void)!json_parse(buf_str(&exchange->answer), exchange->answer.size, &answer, &ignored);
    if (exchange->status < 200 || exchange->status > 304) {
        return explain(exchange, answer, err);
    }
    if (ret_answer) {
        *ret_answer = TAKE(answer);
    }
    return 0;
}

int container_call(const char *socket, const char *method, const char *path, const json_t *body, json_t **ret_answer,
                   struct err *err)
{
    AUTO_FREE char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct exchange exchange CLEANUP(exchange_clear) = {
        .socket = socket,
        .method = method,
        .path = path,
        .type = "application/json",
        .data = text,
        .size = text ? strlen(text) : 0,
    };
    return ask(&exchange, ret_answer, err);
}

int container_import(const char *socket, const char *image, const void *tar, size_t size, struct err *err)
{
    AUTO_FREE char *path = xasprintf("/images/create?fromSrc=-&repo=%s&tag=latest", image);
    struct exchange exchange CLEANUP(exchange_clear) = {
        .socket = socket, .method = "POST", .path = path, .type = "application/x-tar", .data = tar, .size = size};
    int status = ask(&exchange, NULL, err);
    return status < 0 ? err_prefix(err, "cannot make image '%s'", image) : 0;
}

/* ---- how one is ---- */

static void add_hint(const char *socket, const char *name, struct err *err)
{
    struct err ignored = {0};
    AUTO_JSON json_t *all = NULL;
    const char *names[NAMES_MAX];
    size_t count = 0, index;
    json_t *item;
    char hint[96], text[sizeof(err->text)];
    if (container_call(socket, "GET", "/containers/json?all=1", NULL, &all, &ignored) < 0) {
        return;
    }
    json_array_foreach(all, index, item)
    {
        const char *known = json_string_value(json_array_get(json_object_get(item, "Names"), 0));
        if (known && count < NAMES_MAX) {
            names[count++] = known + (*known == '/');
        }
    }
    (void)str_copy(text, sizeof(text), err->text);
    (void)err_set(err, ERR_INPUT, "%s%s", text, str_did_you_mean(name, names, count, hint));
}

static void read_address(const json_t *inspected, struct container_state *state)
{
    const json_t *networks = json_at(inspected, "NetworkSettings.Networks");
    void *first = json_object_iter((json_t *)(uintptr_t)networks);
    const char *address = first ? json_str(json_object_iter_value(first), "IPAddress", "") : "";
    (void)str_copy(state->address, sizeof(state->address), address);
}

int container_look(const char *socket, const char *name, struct container_state *ret_state, struct err *err)
{
    AUTO_FREE char *path = xasprintf("/containers/%s/json", name);
    AUTO_JSON json_t *inspected = NULL;
    int status = container_call(socket, "GET", path, NULL, &inspected, err);
    if (status == -ERR_INPUT) {
        add_hint(socket, name, err);
    }
    if (status < 0) {
        return status;
    }
    const json_t *state = json_object_get(inspected, "State");
    *ret_state = (struct container_state){.pid = (int)json_int(state, "Pid", 0),
                                          .running = json_flag(state, "Running", false),
                                          .paused = json_flag(state, "Paused", false)};
    (void)str_copy(ret_state->status, sizeof(ret_state->status), json_str(state, "Status", ""));
    (void)str_copy(ret_state->health, sizeof(ret_state->health), json_str(json_object_get(state, "Health"), "Status", ""));
    read_address(inspected, ret_state);
    return 0;
}
