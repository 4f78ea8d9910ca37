/* A container engine that speaks Docker's API (Docker, Podman) over its unix socket: one request, time-limited, blocking. */
#ifndef DRILL_CONTAINER_CONTAINER_H
#define DRILL_CONTAINER_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/json.h"

/* The socket's path: of `wanted` ("unix:///run/x.sock" or "/run/x.sock"), else as the docker command finds it: DOCKER_HOST, Docker's own
 * place, then Podman's for root and for this user. The caller frees; never NULL, also when nothing is there. */
char *container_socket(const char *wanted);

/* One call of the API: `path` behind the version, "/containers/web/json", ready to be sent. `body` NULL sends none. An answer from 200 to
 * 304 is good; ret_answer (may be NULL) is its JSON, a new reference, NULL when it is none. The engine's own words are in the error:
 * ERR_STATE for what it refused, ERR_INPUT for what it does not know (404), ERR_SYSTEM when nobody answers on the socket. */
int container_call(const char *socket, const char *method, const char *path, const json_t *body, json_t **ret_answer,
                   struct err *err) MUST_CHECK;

/* Make an image of a tar archive, without any registry. */
int container_import(const char *socket, const char *image, const void *tar, size_t size, struct err *err) MUST_CHECK;

struct container_state {
    int pid; /* of its first process; 0: it does not run */
    bool running, paused;
    char status[24];  /* "running", "restarting", "exited", … */
    char health[16];  /* "healthy", "unhealthy", "starting"; empty: it has no check */
    char address[48]; /* in the first of its networks; empty: none */
};

/* A name that the engine does not know is ERR_INPUT, with the nearest that it does. */
int container_look(const char *socket, const char *name, struct container_state *ret_state, struct err *err) MUST_CHECK;

#endif
