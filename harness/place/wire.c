/* Lines of JSON over a pair of non-blocking descriptors. */
#include "harness/place/wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { LINE_MAX_BYTES = 16 * 1024 * 1024, QUEUE_MAX_BYTES = 4 * LINE_MAX_BYTES, PART_BYTES = 65536, PARTS_A_FILL = 16 };

void wire_clear(struct wire *wire)
{
    fd_close(TAKE_FD(wire->to_fd));
    fd_close(TAKE_FD(wire->from_fd));
    buf_clear(&wire->in);
    buf_clear(&wire->out);
    wire->in_start = wire->in_scanned = wire->out_start = 0;
}

bool wire_has_output(const struct wire *wire)
{
    return wire->out.size > wire->out_start;
}

int wire_queue(struct wire *wire, const json_t *message, struct err *err)
{
    AUTO_FREE char *text = json_dumps(message, JSON_COMPACT);
    if (!text) {
        return err_set(err, ERR_INPUT, "a message for an agent cannot be made: text in it is not UTF-8");
    }
    size_t size = strlen(text);
    if (size > LINE_MAX_BYTES) {
        return err_set(err, ERR_INPUT, "a message of %zu bytes is more than the 16 MiB that an agent takes", size);
    }
    if (wire->out.size - wire->out_start + size > QUEUE_MAX_BYTES) {
        return err_set(err, ERR_PROTOCOL, "it does not read what it is sent");
    }
    buf_add(&wire->out, text, size);
    buf_add(&wire->out, "\n", 1);
    return 0;
}

/* Moving the rest to the front at every turn would be quadratic in a large message. */
static void drop_taken(struct buf *buf, size_t *start)
{
    if (*start == buf->size) {
        buf_reset(buf);
        *start = 0;
    } else if (*start > buf->size / 2) {
        buf_drop_front(buf, *start);
        *start = 0;
    }
}

int wire_flush(struct wire *wire, struct err *err)
{
    while (wire_has_output(wire)) {
        ssize_t wrote = write(wire->to_fd, wire->out.data + wire->out_start, wire->out.size - wire->out_start);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0 && errno == EAGAIN) {
            break;
        }
        if (wrote < 0) {
            return err_set(err, ERR_PROTOCOL, "writing to it failed: %s", strerrordesc_np(errno));
        }
        wire->out_start += (size_t)wrote;
    }
    drop_taken(&wire->out, &wire->out_start);
    return 0;
}

int wire_fill(struct wire *wire, struct err *err)
{
    char part[PART_BYTES];
    for (int i = 0; i < PARTS_A_FILL; i++) {
        ssize_t got = read(wire->from_fd, part, sizeof(part));
        if (got > 0) {
            buf_add(&wire->in, part, (size_t)got);
        } else if (got == 0) {
            return err_set(err, ERR_PROTOCOL, "its process ended");
        } else if (errno == EAGAIN) {
            return 0;
        } else if (errno != EINTR) {
            return err_set(err, ERR_PROTOCOL, "reading from it failed: %s", strerrordesc_np(errno));
        }
    }
    return 1;
}

static int parse(const char *line, size_t size, json_t **ret_message, struct err *err)
{
    AUTO_JSON json_t *message = NULL;
    if (json_parse(line, size, &message, err) < 0 || !json_is_object(message)) {
        return err_set(err, ERR_PROTOCOL, "it said something that is not a JSON object: '%.*s'", size < 60 ? (int)size : 60,
                       line);
    }
    *ret_message = TAKE(message);
    return 1;
}

int wire_next(struct wire *wire, json_t **ret_message, struct err *err)
{
    if (wire->in.size == wire->in_start) {
        drop_taken(&wire->in, &wire->in_start);
        wire->in_scanned = wire->in_start;
        return 0;
    }
    const char *line = wire->in.data + wire->in_start;
    const char *end = memchr(wire->in.data + wire->in_scanned, '\n', wire->in.size - wire->in_scanned);
    size_t size = end ? (size_t)(end - line) : wire->in.size - wire->in_start;
    if (size > LINE_MAX_BYTES) {
        return err_set(err, ERR_PROTOCOL, "it sent a line longer than 16 MiB");
    }
    if (!end) {
        wire->in_scanned = wire->in.size;
        size_t before = wire->in_start;
        drop_taken(&wire->in, &wire->in_start);
        wire->in_scanned -= before - wire->in_start;
        return 0;
    }
    int status = parse(line, size, ret_message, err);
    wire->in_start += size + 1;
    wire->in_scanned = wire->in_start;
    return status;
}
