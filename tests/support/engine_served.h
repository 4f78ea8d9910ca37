/* The engine's double behind a unix socket, by the same protocol as a real one. */
#ifndef DRILL_TESTS_SUPPORT_ENGINE_SERVED_H
#define DRILL_TESTS_SUPPORT_ENGINE_SERVED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "tests/support/engine_double.h"

#define ENGINE_API "/v1.41"

struct engine_request {
    char *uri; /* with its query, as it was sent */
    struct buf body;
    bool begun;
};

static inline void *engine_keep_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct engine_request *request = xcalloc(1, sizeof(*request));
    (void)context;
    (void)connection;
    request->uri = xstrdup(uri);
    return request;
}

static inline void engine_free_request(void *context, struct MHD_Connection *connection, void **own,
                                       enum MHD_RequestTerminationCode code)
{
    struct engine_request *request = *own;
    (void)context;
    (void)connection;
    (void)code;
    if (request) {
        buf_clear(&request->body);
        free(request->uri);
        free(request);
    }
}

static inline enum MHD_Result engine_respond(struct MHD_Connection *connection, unsigned status, const json_t *body)
{
    char *text = body ? json_dumps(body, 0) : xstrdup(status >= 400 ? "{\"message\": \"the double refuses\\n\"}" : "");
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* `context` may be a struct fake_engine, which is then kept equal to the double's: in memory that another process looks at. */
static inline enum MHD_Result engine_answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                            const char *version, const char *data, size_t *size, void **own)
{
    AUTO_JSON json_t *body = NULL;
    struct engine_request *request = *own;
    (void)url;
    (void)version;
    if (!request->begun || *size) {
        buf_add(&request->body, data, *size);
        request->begun = true;
        *size = 0;
        return MHD_YES;
    }
    if (!str_starts_with(request->uri, ENGINE_API)) {
        return engine_respond(connection, 400, NULL);
    }
    AUTO_JSON json_t *sent = json_loads(buf_str(&request->body), 0, NULL);
    int status = fake_engine_answer(method, request->uri + strlen(ENGINE_API), sent, &body);
    if (context) {
        *(struct fake_engine *)context = fake_engine;
    }
    return engine_respond(connection, (unsigned)status, body);
}

/* By a thread of its own, until MHD_stop_daemon. */
static inline struct MHD_Daemon *engine_serve(const char *socket_path, struct fake_engine *shown)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(str_copy(address.sun_path, sizeof(address.sun_path), socket_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, engine_answer, shown,
                                                 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, engine_keep_uri, NULL,
                                                 MHD_OPTION_NOTIFY_COMPLETED, engine_free_request, NULL, MHD_OPTION_END);
    assert_non_null(daemon);
    return daemon;
}

#endif
