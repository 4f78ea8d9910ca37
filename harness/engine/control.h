/* The control socket of a running drill: how a second terminal finds it, stops it, or puts a note into its events. One socket a drill,
 * FOLDER/PID.sock (SOCK_SEQPACKET, one JSON object a message), in a folder that only its user may enter; gone with the drill. A socket
 * whose drill was killed refuses connections and is removed by whoever finds it. */
#ifndef DRILL_ENGINE_CONTROL_H
#define DRILL_ENGINE_CONTROL_H

#include <stdbool.h>

#include "harness/base/json.h"

enum { CONTROL_TEXT_MAX = 1000, CONTROL_MESSAGE_MAX = 8192 };

enum control_kind { CONTROL_NONE = 0, CONTROL_INTERRUPT, CONTROL_ABORT, CONTROL_NOTE };

struct control_request {
    enum control_kind kind;
    char text[CONTROL_TEXT_MAX + 1]; /* one line of UTF-8 */
    char by[96];                     /* "root (pid 4711)", from the kernel and not from the message */
};

struct control;

/* Listen for a drill. `interrupt_fd` (-1: none) is watched with it, so that there is one descriptor to wait for. */
int control_open(const char *folder, const char *drill_id, int interrupt_fd, struct control **ret_control,
                 struct err *err) MUST_CHECK;
int control_fd(const struct control *control); /* readable when control_next has something to do */
/* The next request without waiting; false when there is none. It has been answered. An interrupt is told once. */
bool control_next(struct control *control, struct control_request *ret_request);
/* Removes the socket; who asked for the abort and waits sees the end of the drill. Accepts NULL. */
void control_close(struct control *control);

/* ---- the second terminal ---- */

struct control_drill {
    char id[128];
    int pid;
    int fd; /* the connection; the caller closes */
};
/* Find the running drill of this user with that id (or pid, as text); NULL: the only one. None, several and an unknown id are ERR_INPUT,
 * with what there is. */
int control_find(const char *folder, const char *id, struct control_drill *ret_drill, struct err *err) MUST_CHECK;
/* "abort" or "note" with a text ("" for none). Returns once the drill has taken it. */
int control_ask(const struct control_drill *drill, const char *what, const char *text, struct err *err) MUST_CHECK;
/* Until the drill has ended, at most timeout_ms: 0 or ERR_TIMEOUT. */
int control_await_end(const struct control_drill *drill, int timeout_ms, struct err *err) MUST_CHECK;

#endif
