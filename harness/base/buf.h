/* A growing byte buffer with a cap. Zero-initialised is empty and ready: struct buf b CLEANUP(buf_clear) = {0}; */
#ifndef DRILL_BASE_BUF_H
#define DRILL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"

enum { BUF_MAX_BYTES = 256 * 1024 * 1024 }; /* past this an add is dropped and `truncated` says so */

struct buf {
    char *data; /* NUL-terminated whenever not NULL */
    size_t size;
    size_t capacity;
    bool truncated;
};

void buf_clear(struct buf *buf); /* frees, leaves it empty and usable */
void buf_reset(struct buf *buf); /* empties, keeps the memory */
void buf_add(struct buf *buf, const void *data, size_t size);
void buf_puts(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *buf, const char *fmt, va_list args);
void buf_drop_front(struct buf *buf, size_t size);
const char *buf_str(const struct buf *buf); /* never NULL */
char *buf_take(struct buf *buf);            /* the caller frees; never NULL */

#endif
