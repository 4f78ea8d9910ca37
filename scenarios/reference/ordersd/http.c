/* The HTTP side: routes, and counters. */
#include "scenarios/reference/ordersd/http.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 128, LIMIT_MAX = 1000, CONNECTIONS_MAX = 4000, STACK_BYTES = 256 * 1024, IDLE_S = 30 };

static _Atomic unsigned long answered[6]; /* by hundreds of the status */

static bool is_id(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t size = strlen(text);
    return size > 0 && size <= ID_MAX && strspn(text, allowed) == size;
}

static struct answer fixed(unsigned status, const char *text)
{
    return (struct answer){.status = status, .text = strdup(text), .size = strlen(text)};
}

static struct answer metrics(const struct backend *backend)
{
    static const char *const roles[STORE_ROLE_COUNT] = {"unknown", "standby", "primary"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return (struct answer){.status = 500};
    }
    fputs("# TYPE ordersd_answers_total counter\n", out);
    for (size_t i = 2; i < 6; i++) {
        fprintf(out, "ordersd_answers_total{status=\"%zuxx\"} %lu\n", i, atomic_load(&answered[i]));
    }
    fputs("# TYPE ordersd_store_role gauge\n", out);
    for (size_t i = 0; i < backend->store_count; i++) {
        fprintf(out, "ordersd_store_role{store=\"%s\",role=\"%s\"} 1\n", store_host(backend->stores[i]),
                roles[store_role(backend->stores[i])]);
    }
    fclose(out);
    return (struct answer){.status = 200, .text = text, .size = size};
}

static struct answer list(const struct backend *backend, struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "limit");
    const char *from = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "from");
    char *end = NULL;
    if (from) {
        return strcmp(from, "here") == 0 ? orders_here(backend) : fixed(400, "from: expected here\n");
    }
    if (!text) {
        return orders_all(backend);
    }
    long limit = strtol(text, &end, 10);
    if (end == text || *end || limit < 1 || limit > LIMIT_MAX) {
        return fixed(400, "limit: expected 1 to 1000\n");
    }
    return orders_some(backend, limit);
}

static struct answer route(const struct backend *backend, struct MHD_Connection *connection, const char *method, const char *path)
{
    const char *id = strncmp(path, "/orders/", 8) == 0 ? path + 8 : NULL;
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (id && !is_id(id)) {
        return fixed(400, "id: expected 1 to 128 letters, digits, '.', '_' or '-'\n");
    }
    if (id && strcmp(method, "PUT") == 0) {
        return orders_put(backend, id);
    }
    if (!get) {
        return fixed(405, "GET, and PUT of /orders/ID\n");
    }
    return id                              ? orders_get(backend, id)
           : strcmp(path, "/orders") == 0  ? list(backend, connection)
           : strcmp(path, "/healthz") == 0 ? fixed(200, "ok\n")
           : strcmp(path, "/readyz") == 0  ? orders_ready(backend)
           : strcmp(path, "/store") == 0   ? orders_store(backend)
           : strcmp(path, "/metrics") == 0 ? metrics(backend)
                                           : fixed(404, "no such path\n");
}

static enum MHD_Result reply(const struct backend *backend, struct MHD_Connection *connection, struct answer answer)
{
    char name[128];
    static char out_of_memory[] = "out of memory\n";
    bool have = answer.text != NULL;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(have ? answer.size : strlen(out_of_memory), have ? answer.text : out_of_memory,
                                        have ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(answer.text);
        return MHD_NO;
    }
    atomic_fetch_add(&answered[answer.status / 100 % 6], 1);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
    snprintf(name, sizeof(name), "%s-%s", backend->region, backend->node);
    MHD_add_response_header(response, "X-Served-By", name);
    enum MHD_Result result = MHD_queue_response(connection, have ? answer.status : 500, response);
    MHD_destroy_response(response);
    return result;
}

/* Called once with the header, once for each piece of a body (which is not looked at), and once at the end. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **ret_state)
{
    static char begun;
    (void)version;
    (void)upload;
    if (!*ret_state) {
        *ret_state = &begun;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    return reply(context, connection, route(context, connection, method, path));
}

struct MHD_Daemon *http_start(const struct sockaddr_in *address, const struct backend *backend)
{
    /* libmicrohttpd does not write to what it hands through. */
    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL, NULL, handle,
                            (void *)(uintptr_t)backend, MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
                            MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_END);
}
