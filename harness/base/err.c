/* The error contract's few functions. */
#include "harness/base/err.h"

#include <stdio.h>
#include <string.h>

static const char *const code_names[ERR_COUNT] = {
    [ERR_NONE] = "none",       [ERR_INPUT] = "input",       [ERR_UNSUPPORTED] = "unsupported", [ERR_SYSTEM] = "system",
    [ERR_TIMEOUT] = "timeout", [ERR_PROTOCOL] = "protocol", [ERR_INTERRUPTED] = "interrupted", [ERR_STATE] = "state",
};

static void mark_cut(struct err *err, int wanted)
{
    static const char mark[] = "…";
    if (wanted >= (int)sizeof(err->text)) {
        memcpy(err->text + sizeof(err->text) - sizeof(mark), mark, sizeof(mark));
    }
}

int err_set_at(struct err *err, enum err_code code, int errnum, const char *file, int line, const char *fmt, ...)
{
    va_list args;
    err->code = code;
    err->saved_errno = errnum;
    err->source_file = file;
    err->source_line = line;
    va_start(args, fmt);
    int size = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    if (errnum != 0 && size >= 0 && size < (int)sizeof(err->text)) {
        size += snprintf(err->text + size, sizeof(err->text) - (size_t)size, ": %s", strerrordesc_np(errnum) ?: "unknown error");
    }
    mark_cut(err, size);
    return -(int)code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    char text[sizeof(err->text)]; /* the old text may be among the arguments */
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (size >= 0 && size < (int)sizeof(text)) {
        size += snprintf(text + size, sizeof(text) - (size_t)size, ": %s", err->text);
    }
    memcpy(err->text, text, sizeof(text));
    mark_cut(err, size);
    return -(int)err->code;
}

const char *err_code_name(enum err_code code)
{
    return code >= 0 && code < ERR_COUNT ? code_names[code] : "unknown";
}

enum err_code err_code_from_name(const char *name)
{
    for (int code = 0; name && code < ERR_COUNT; code++) {
        if (strcmp(code_names[code], name) == 0) {
            return (enum err_code)code;
        }
    }
    return ERR_SYSTEM;
}
