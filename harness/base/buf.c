/* A growing byte buffer with a cap. */
#include "harness/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

void buf_clear(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
    buf->truncated = false;
    if (buf->data) {
        buf->data[0] = '\0';
    }
}

static bool reserve(struct buf *buf, size_t extra)
{
    if (extra > (size_t)BUF_MAX_BYTES || buf->size + extra + 1 > (size_t)BUF_MAX_BYTES) {
        buf->truncated = true;
        return false;
    }
    if (buf->size + extra + 1 > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 256;
        while (capacity < buf->size + extra + 1) {
            capacity *= 2;
        }
        buf->data = xrealloc(buf->data, capacity, 1);
        buf->capacity = capacity;
    }
    return true;
}

void buf_add(struct buf *buf, const void *data, size_t size)
{
    if (reserve(buf, size)) {
        if (size > 0) {
            memcpy(buf->data + buf->size, data, size);
        }
        buf->size += size;
        buf->data[buf->size] = '\0';
    }
}

void buf_puts(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_vprintf(struct buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (size >= 0 && reserve(buf, (size_t)size)) {
        vsnprintf(buf->data + buf->size, (size_t)size + 1, fmt, args);
        buf->size += (size_t)size;
    }
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(buf, fmt, args);
    va_end(args);
}

void buf_drop_front(struct buf *buf, size_t size)
{
    if (size >= buf->size) {
        buf_reset(buf);
        return;
    }
    memmove(buf->data, buf->data + size, buf->size - size + 1);
    buf->size -= size;
}

const char *buf_str(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *text = buf->data ? buf->data : xstrdup("");
    *buf = (struct buf){0};
    return text;
}
