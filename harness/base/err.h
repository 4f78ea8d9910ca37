/* The one error contract. A function that can fail returns 0 or a negative err_code (or a pointer or NULL), fills
 * `struct err` exactly when it fails, and leaves it and every ret_ output alone otherwise. The callee never logs. */
#ifndef DRILL_BASE_ERR_H
#define DRILL_BASE_ERR_H

#include <stdarg.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

enum err_code {
    ERR_NONE = 0,
    ERR_INPUT,       /* the user's input is wrong: nothing was touched (exit 2) */
    ERR_UNSUPPORTED, /* this machine cannot do it; the text says what is missing and what to do (exit 2) */
    ERR_SYSTEM,      /* a system call or a library failed */
    ERR_TIMEOUT,     /* something that was waited for did not happen */
    ERR_PROTOCOL,    /* the other side said something that cannot be understood, or went away */
    ERR_INTERRUPTED, /* Ctrl-C, SIGTERM or `drill abort` */
    ERR_STATE,       /* asked at the wrong moment: a journal entry stands, a topology is already up */
    ERR_COUNT
};

/* Lives on the caller's stack: no heap, so making an error cannot fail and nothing leaks over a Lua jump. */
struct err {
    enum err_code code;
    int saved_errno; /* 0 when no system call was involved */
    const char *source_file;
    int source_line;
    char text[1024]; /* "outermost: … : innermost", lower case, no final period; a cut is marked with "…" */
};

/* Fill *err and return -code. */
#define err_set(err, code, ...) err_set_at((err), (code), 0, __FILE__, __LINE__, __VA_ARGS__)
/* The same with code ERR_SYSTEM and ": strerror(errnum)" appended. */
#define err_errno(err, errnum, ...) err_set_at((err), ERR_SYSTEM, (errnum), __FILE__, __LINE__, __VA_ARGS__)

int err_set_at(struct err *err, enum err_code code, int errnum, const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(6, 7);
/* Put "context: " before the text that is there; returns -err->code so that it can be returned directly. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *err_code_name(enum err_code code);
enum err_code err_code_from_name(const char *name); /* ERR_SYSTEM when unknown */

#endif
