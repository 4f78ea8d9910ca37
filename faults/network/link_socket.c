/* Netlink messages by hand on libnl-3 core sockets: libnl has no objects for nf_tables and only getters for some link attributes. */
#include "faults/network/link_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>

enum { RECEIVE_BYTES = 1024 * 1024, SEND_BYTES = 256 * 1024 };

int link_socket_open(int protocol, struct nl_sock **ret_socket, struct err *err)
{
    struct nl_sock *socket = nl_socket_alloc();
    if (!socket) {
        return err_set(err, ERR_SYSTEM, "cannot make a netlink socket: out of memory");
    }
    errno = 0;
    if (nl_connect(socket, protocol) < 0) { /* SOCK_CLOEXEC is libnl's default */
        int errnum = errno ? errno : EIO;   /* libnl's own numbers tell less */
        nl_socket_free(socket);
        return err_errno(err, errnum, "cannot open netlink protocol %d", protocol);
    }
    /* Capped by rmem_max and wmem_max, whose defaults do; less makes dumps slower and refuses the largest batches. */
    (void)nl_socket_set_buffer_size(socket, RECEIVE_BYTES, SEND_BYTES);
    *ret_socket = socket;
    return 0;
}

void link_socket_close(struct nl_sock *socket)
{
    if (socket) {
        nl_socket_free(socket);
    }
}

static void append(struct link_batch *batch, const void *data, size_t size)
{
    size_t padded = NLMSG_ALIGN(size);
    if (batch->overflow || batch->size + padded > sizeof(batch->data)) {
        batch->overflow = 1;
        return;
    }
    memset(batch->data + batch->size, 0, padded);
    if (size) {
        memcpy(batch->data + batch->size, data, size);
    }
    batch->size += padded;
}

/* The message that is being built is the last one: find it by walking, batches are short. */
static struct nlmsghdr *last_message(struct link_batch *batch)
{
    size_t at = 0;
    for (;;) {
        struct nlmsghdr *message = (struct nlmsghdr *)(batch->data + at);
        if (message->nlmsg_seq == batch->last_sequence) {
            return message;
        }
        at += NLMSG_ALIGN(message->nlmsg_len);
    }
}

static void grow_message(struct link_batch *batch)
{
    if (!batch->overflow) {
        struct nlmsghdr *message = last_message(batch);
        message->nlmsg_len = (uint32_t)(batch->data + batch->size - (char *)message);
    }
}

void link_batch_begin(struct link_batch *batch, struct nl_sock *socket, int type, int flags, const void *header, size_t size)
{
    struct nlmsghdr message = {.nlmsg_len = sizeof(message),
                               .nlmsg_type = (uint16_t)type,
                               .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST),
                               .nlmsg_seq = nl_socket_use_seq(socket)};
    if (batch->size == 0) {
        batch->first_sequence = message.nlmsg_seq;
    }
    append(batch, &message, sizeof(message));
    if (!batch->overflow) {
        batch->last_sequence = message.nlmsg_seq;
        append(batch, header, size);
        grow_message(batch);
    }
}

void link_batch_put(struct link_batch *batch, int type, const void *data, size_t size)
{
    struct nlattr attribute = {.nla_len = (uint16_t)(sizeof(attribute) + size), .nla_type = (uint16_t)type};
    append(batch, &attribute, sizeof(attribute));
    append(batch, data, size);
    grow_message(batch);
}

void link_batch_put_raw(struct link_batch *batch, const void *data, size_t size)
{
    append(batch, data, size);
    grow_message(batch);
}

void link_batch_put_text(struct link_batch *batch, int type, const char *text)
{
    link_batch_put(batch, type, text, strlen(text) + 1);
}

void link_batch_put_be32(struct link_batch *batch, int type, uint32_t value)
{
    uint32_t swapped = htonl(value);
    link_batch_put(batch, type, &swapped, sizeof(swapped));
}

size_t link_batch_nest(struct link_batch *batch, int type)
{
    size_t nest = batch->size;
    link_batch_put(batch, type | NLA_F_NESTED, NULL, 0);
    return nest;
}

void link_batch_nest_end(struct link_batch *batch, size_t nest)
{
    if (!batch->overflow) {
        struct nlattr *attribute = (struct nlattr *)(batch->data + nest);
        attribute->nla_len = (uint16_t)(batch->size - nest);
    }
}

static int send_batch(struct nl_sock *socket, const struct link_batch *batch)
{
    if (batch->overflow) {
        return -EMSGSIZE;
    }
    errno = 0;
    int status = nl_sendto(socket, (void *)batch->data, batch->size);
    return status >= 0 ? 0 : errno ? -errno : -EIO;
}

struct answer {
    const struct link_batch *batch;
    link_visit visit; /* NULL: only acknowledgements */
    void *context;
    int interrupted;
};

/* Answers to an earlier batch that failed in its middle may still be queued: they are skipped by sequence number.
 * 1: finished well; 0: go on; negative: finished with an errno. */
static int take_message(const struct nlmsghdr *message, struct answer *answer)
{
    if (message->nlmsg_seq < answer->batch->first_sequence || message->nlmsg_seq > answer->batch->last_sequence) {
        return 0;
    }
    answer->interrupted |= message->nlmsg_flags & NLM_F_DUMP_INTR;
    if (message->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *error = NLMSG_DATA(message);
        return error->error ? error->error : 1;
    }
    if (message->nlmsg_type == NLMSG_DONE) {
        int status = message->nlmsg_len >= NLMSG_LENGTH(sizeof(int)) ? *(const int *)NLMSG_DATA(message) : 0;
        return status < 0 ? status : 1;
    }
    return answer->visit ? answer->visit(message, answer->context) : 0;
}

static int receive(struct nl_sock *socket, struct answer *answer)
{
    struct sockaddr_nl from;
    AUTO_FREE unsigned char *data = NULL;
    errno = 0;
    int size = nl_recv(socket, &from, &data, NULL); /* grows its buffer to the datagram's size */
    if (size <= 0) {
        return size == -NLE_INTR ? 0 : errno ? -errno : -EIO;
    }
    for (struct nlmsghdr *message = (struct nlmsghdr *)data; NLMSG_OK(message, (unsigned)size);
         message = NLMSG_NEXT(message, size)) {
        int status = take_message(message, answer);
        if (status) {
            return status;
        }
    }
    return 0;
}

static int converse(struct nl_sock *socket, struct answer *answer)
{
    int status = send_batch(socket, answer->batch);
    while (status == 0) {
        status = receive(socket, answer);
    }
    return status < 0 ? status : answer->interrupted ? -EINTR : 0;
}

int link_socket_talk(struct nl_sock *socket, const struct link_batch *batch)
{
    struct answer answer = {.batch = batch};
    return converse(socket, &answer);
}

int link_socket_dump(struct nl_sock *socket, const struct link_batch *request, link_visit visit, void *context)
{
    struct answer answer = {.batch = request, .visit = visit, .context = context};
    return converse(socket, &answer);
}
