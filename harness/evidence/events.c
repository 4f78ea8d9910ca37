/* events.jsonl: written a line at a time, read back whole. */
#include "harness/evidence/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { EVENTS_MAX_BYTES = 256 * 1024 * 1024 };

struct events {
    int fd;
    char *path;
    int64_t utc_offset_ns; /* UTC minus CLOCK_MONOTONIC when the file was opened: a wall clock that is set meanwhile shows in no
                              line */
    struct redactor *redactor; /* NULL: nothing is taken out */
};

int events_open(const char *path, struct events **ret_events, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_errno(err, errno, "cannot open '%s' for writing", path);
    }
    struct events *events = xcalloc(1, sizeof(*events));
    *events = (struct events){.fd = fd, .path = xstrdup(path), .utc_offset_ns = clock_utc_now_ns() - clock_now_ns()};
    *ret_events = events;
    return 0;
}

void events_close(struct events *events)
{
    if (events) {
        fd_close(events->fd);
        free(events->path);
        free(events);
    }
}

void events_redact(struct events *events, struct redactor *redactor)
{
    events->redactor = redactor;
}

int events_add(struct events *events, int64_t t_ns, const char *kind, json_t *fields, struct err *err)
{
    char utc[32];
    AUTO_JSON json_t *raw = fields;
    AUTO_JSON json_t *rest = raw ? redactor_json(events->redactor, "events.jsonl", raw) : NULL;
    AUTO_JSON json_t *event = json_pack("{s:I, s:s, s:s}", "t", (json_int_t)t_ns, "utc",
                                        clock_format_utc(t_ns + events->utc_offset_ns, utc), "kind", kind);
    if (rest) {
        json_object_update_missing(event, rest);
    }
    AUTO_FREE char *line = event ? json_dumps(event, JSON_COMPACT) : NULL;
    if (!line) {
        return err_set(err, ERR_INPUT, "cannot write event '%s' to '%s': it is not valid UTF-8", kind, events->path);
    }
    size_t length = strlen(line);
    line[length] = '\n'; /* in place of the terminator: one write(2), so that lines of two writers never mix */
    int status = fd_write_all(events->fd, line, length + 1, err);
    return status < 0 ? err_prefix(err, "event '%s' to '%s'", kind, events->path) : 0;
}

struct dated {
    json_t *event;
    int64_t t_ns;
    size_t line;
};

/* Events of other places arrive late: the file is in order of arrival, the array in order of time. Equal times keep the order. */
static int compare_dated(const void *left, const void *right)
{
    const struct dated *a = left, *b = right;
    if (a->t_ns != b->t_ns) {
        return a->t_ns < b->t_ns ? -1 : 1;
    }
    return a->line < b->line ? -1 : a->line > b->line;
}

static json_t *sorted(const json_t *array)
{
    size_t count = json_array_size(array);
    AUTO_FREE struct dated *dated = xcalloc(count + 1, sizeof(*dated));
    for (size_t i = 0; i < count; i++) {
        json_t *event = json_array_get(array, i);
        dated[i] = (struct dated){.event = event, .t_ns = json_int(event, "t", 0), .line = i};
    }
    qsort(dated, count, sizeof(*dated), compare_dated);
    json_t *result = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append(result, dated[i].event);
    }
    return result;
}

int events_read(const char *path, json_t **ret_array, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    int status = fd_read_file(path, EVENTS_MAX_BYTES, &text, &size, err);
    if (status < 0) {
        return status;
    }
    AUTO_JSON json_t *array = json_array();
    size_t number = 1;
    /* What follows the last newline was cut off when its writer was killed. */
    for (const char *line = text, *end; (end = memchr(line, '\n', size - (size_t)(line - text))); line = end + 1, number++) {
        json_t *event = NULL;
        if (end == line) {
            continue;
        }
        if (json_parse(line, (size_t)(end - line), &event, err) < 0) {
            return err_prefix(err, "%s: line %zu", path, number);
        }
        json_array_append_new(array, event);
    }
    *ret_array = sorted(array);
    return 0;
}
