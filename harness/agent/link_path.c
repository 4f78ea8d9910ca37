/* Delay, jitter, loss and rate of one direction. The due time is worked out when a frame is at the head, from when it came, so a
 * changed latency holds at once for the frames that already wait, and order is kept by construction. */
#include "harness/agent/link_path.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

enum { VNET_HEADER_BYTES = 10, RETRY_NS = 100 * 1000 /* a full send buffer is empty again in well under this */ };

struct link_frame {
    struct link_frame *next;
    int64_t ready_ns;  /* when it was whole: arrival, or the end of its serialisation */
    int64_t jitter_ns; /* drawn on arrival */
    uint32_t size;
    uint8_t data[];
};

void link_path_push(struct link_path *path, const struct shape *shape, const void *frame, uint32_t size, int64_t now_ns)
{
    if (size <= VNET_HEADER_BYTES)
        return;
    if (shape_loses(shape, &path->way)) {
        path->lost++;
        return;
    }
    if (path->queued_frames >= LINK_QUEUE_FRAMES || path->queued_bytes + size > LINK_QUEUE_BYTES) {
        path->dropped++;
        return;
    }
    struct link_frame *copy = xrealloc(NULL, 1, sizeof(*copy) + size);
    *copy = (struct link_frame){.size = size, .jitter_ns = shape_jitter_ns(shape, &path->way)};
    copy->ready_ns = shape_line_ns(&path->way, shape->rate_bits, (size - VNET_HEADER_BYTES) * 8.0, now_ns);
    memcpy(copy->data, frame, size);
    if (!path->head)
        path->tail = &path->head;
    *path->tail = copy;
    path->tail = &copy->next;
    path->queued_frames++;
    path->queued_bytes += size;
}

static int64_t due_time(const struct link_frame *frame, const struct shape *shape)
{
    const int64_t delay_ns = shape->delay_ns + (shape->delay_ns || shape->jitter_ns ? frame->jitter_ns : 0);
    return frame->ready_ns + (delay_ns > 0 ? delay_ns : 0);
}

static void drop_head(struct link_path *path)
{
    struct link_frame *frame = path->head;
    path->head = frame->next;
    path->queued_frames--;
    path->queued_bytes -= frame->size;
    free(frame);
}

int64_t link_path_send_due(struct link_path *path, const struct shape *shape, struct link_port *out, int64_t now_ns)
{
    while (path->head && due_time(path->head, shape) <= now_ns) {
        struct mmsghdr messages[LINK_BATCH] = {0};
        struct iovec parts[LINK_BATCH];
        int count = 0;
        for (struct link_frame *frame = path->head; frame && count < LINK_BATCH; frame = frame->next) {
            if (due_time(frame, shape) > now_ns)
                break;
            parts[count] = (struct iovec){.iov_base = frame->data, .iov_len = frame->size};
            messages[count].msg_hdr = (struct msghdr){.msg_iov = &parts[count], .msg_iovlen = 1};
            count++;
        }
        int refused = 0;
        const int done = link_port_send(out, messages, count, &refused);
        if (done == 0)
            return now_ns + RETRY_NS;
        path->dropped += (uint64_t)refused;
        path->forwarded += (uint64_t)(done - refused);
        for (int i = 0; i < done; i++)
            drop_head(path);
    }
    return path->head ? due_time(path->head, shape) : INT64_MAX;
}

void link_path_clear(struct link_path *path)
{
    while (path->head)
        drop_head(path);
}
