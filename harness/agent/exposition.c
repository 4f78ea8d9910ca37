/* What the drill does, served for a monitor to scrape: GET /metrics in a place. The controller hands the whole text over; here is only
 * the server, run by the agent's own loop. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>

#include "harness/agent/rpc.h"
#include "harness/base/str.h"

enum { CONNECTIONS_MAX = 32, IDLE_S = 10, TURNS_MAX = 16 };

struct exposition {
    struct MHD_Daemon *daemon;
    struct loop *loop;
    struct watch *watch;
    char *text;
};

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    const struct exposition *exposition = context;
    bool found = str_eq(path, "/metrics") && (str_eq(method, "GET") || str_eq(method, "HEAD"));
    const char *text = found ? exposition->text : "GET /metrics\n";
    (void)version;
    (void)upload;
    (void)state;
    *upload_size = 0;
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!response) {
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4");
    enum MHD_Result result = MHD_queue_response(connection, found ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, response);
    MHD_destroy_response(response);
    return result;
}

/* As long as there is something to do at once: what waits for the network wakes the descriptor. */
static void on_ready(void *context, uint32_t events)
{
    struct exposition *exposition = context;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    (void)events;
    for (int i = 0; i < TURNS_MAX; i++) {
        MHD_run(exposition->daemon);
        if (MHD_get_timeout(exposition->daemon, &wait_ms) != MHD_YES || wait_ms > 0) {
            return;
        }
    }
}

static int open_server(struct exposition *exposition, const char *address, int port, struct err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (port < 1 || port > 65535 || inet_pton(AF_INET, address, &at.sin_addr) != 1) {
        return err_set(err, ERR_INPUT, "metrics: expected an IPv4 address and a port, found '%s:%d'", address, port);
    }
    exposition->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, exposition, MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    if (!exposition->daemon) {
        return err_set(err, ERR_SYSTEM, "metrics: cannot listen on %s:%d: does something else?", address, port);
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(exposition->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    exposition->watch = info ? loop_watch(exposition->loop, info->epoll_fd, EPOLLIN, on_ready, exposition) : NULL;
    return exposition->watch ? 0 : err_set(err, ERR_SYSTEM, "metrics: the server cannot be watched");
}

/* Parameters: address, port, text. The first call opens the server, each one replaces the text. */
int exposition_serve(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    int status = 0;
    if (!agent->exposition) {
        agent->exposition = xcalloc(1, sizeof(*agent->exposition));
        agent->exposition->loop = agent->loop;
        status = open_server(agent->exposition, json_str(params, "address", ""), (int)json_int(params, "port", 0), err);
    }
    if (status < 0) {
        exposition_free(agent);
        return status;
    }
    free(agent->exposition->text);
    agent->exposition->text = xstrdup(json_str(params, "text", ""));
    rpc_reply(agent, id, NULL);
    return 0;
}

void exposition_free(struct agent *agent)
{
    struct exposition *exposition = TAKE(agent->exposition);
    if (!exposition) {
        return;
    }
    loop_unwatch(exposition->loop, exposition->watch);
    if (exposition->daemon) {
        MHD_stop_daemon(exposition->daemon);
    }
    free(exposition->text);
    free(exposition);
}
