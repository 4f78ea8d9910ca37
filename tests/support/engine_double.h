/* A container engine with one container, as far as the faults of containers speak to one: it remembers what it is told and answers by that. */
#ifndef DRILL_TESTS_SUPPORT_ENGINE_DOUBLE_H
#define DRILL_TESTS_SUPPORT_ENGINE_DOUBLE_H

#include <stdbool.h>

#include "harness/base/json.h"

#define FAKE_ENGINE_CONTAINER "web"

struct fake_engine {
    char name[64]; /* the container's */
    bool running, paused;
    bool connected;         /* to the network "front", as 172.30.0.5 */
    bool image, kept_image; /* there under its own name "shop/web:1"; under the one that keeps it */
    int made;               /* containers that were made and not taken away again */
    int starts;             /* makes up StartedAt */
    bool restarts;          /* a policy brings it back as soon as it is killed */
    int calls, fail_call;   /* counted from 1; which of them fails, 0: none */
};

extern struct fake_engine fake_engine;

#define FAKE_ENGINE_RESET "/reset" /* a path: who cannot call fake_engine_reset sends a request */

void fake_engine_reset(void);
/* Answers as Docker does: the HTTP status, and a body (a new reference) that may be NULL. */
int fake_engine_answer(const char *method, const char *path, const json_t *body, json_t **ret_body);
/* As fault_services.engine. */
int fake_engine_call(void *context, const char *method, const char *path, const json_t *body, json_t **ret_answer,
                     struct err *err);

#endif
