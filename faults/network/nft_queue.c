/* nfnetlink_queue by hand: one message a packet comes in, one verdict a packet goes out, many of them in one system call. */
#include "faults/network/nft_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "faults/network/link_socket.h"
#include "harness/base/str.h"

enum {
    BATCH = 32,                       /* messages one system call brings */
    MESSAGE_ROOM = 512,               /* what the kernel says about a packet beside its data */
    WHOLE_BYTES = 65535,              /* an IP packet's most */
    RECEIVE_BYTES = 32 * 1024 * 1024, /* of the socket; unprivileged it is capped by rmem_max */
    QUEUE_PACKETS = 1 << 20,          /* so many may wait in the kernel: who holds them counts them himself */
    SEND_BYTES = 128 * 1024,
    NUMBER_TRIES = 32
};

struct nft_queue {
    struct nl_sock *socket;
    int fd;
    uint16_t first;
    size_t message_bytes;
    struct mmsghdr headers[BATCH];
    struct iovec parts[BATCH];
    uint8_t *received;
    size_t sending; /* bytes in `send` */
    uint8_t send[SEND_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void begin(struct link_batch *batch, struct nl_sock *socket, uint16_t number)
{
    struct nfgenmsg header = {.version = NFNETLINK_V0, .res_id = htons(number)};
    link_batch_begin(batch, socket, (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG, NLM_F_ACK, &header, sizeof(header));
}

static int bind_number(struct nl_sock *socket, uint16_t number)
{
    struct nfqnl_msg_config_cmd command = {.command = NFQNL_CFG_CMD_BIND};
    struct link_batch batch = {0};
    begin(&batch, socket, number);
    link_batch_put(&batch, NFQA_CFG_CMD, &command, sizeof(command));
    return link_socket_talk(socket, &batch);
}

static int unbind_number(struct nl_sock *socket, uint16_t number)
{
    struct nfqnl_msg_config_cmd command = {.command = NFQNL_CFG_CMD_UNBIND};
    struct link_batch batch = {0};
    begin(&batch, socket, number);
    link_batch_put(&batch, NFQA_CFG_CMD, &command, sizeof(command));
    return link_socket_talk(socket, &batch);
}

/* What the process cannot take passes unchanged: an overload may not become a loss that nobody asked for. */
static int configure(struct nl_sock *socket, uint16_t number, bool whole, bool frames)
{
    struct nfqnl_msg_config_params params = {.copy_range = htonl(whole ? WHOLE_BYTES : NFT_QUEUE_HEAD),
                                             .copy_mode = NFQNL_COPY_PACKET};
    uint32_t flags = NFQA_CFG_F_FAIL_OPEN | (frames ? NFQA_CFG_F_GSO : 0);
    struct link_batch batch = {0};
    begin(&batch, socket, number);
    link_batch_put(&batch, NFQA_CFG_PARAMS, &params, sizeof(params));
    link_batch_put_be32(&batch, NFQA_CFG_QUEUE_MAXLEN, QUEUE_PACKETS);
    link_batch_put_be32(&batch, NFQA_CFG_FLAGS, flags);
    link_batch_put_be32(&batch, NFQA_CFG_MASK, NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO);
    return link_socket_talk(socket, &batch);
}

/* All in a row or none. */
static int bind_row(struct nl_sock *socket, uint16_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = bind_number(socket, (uint16_t)(first + i));
        if (status < 0) {
            while (i-- > 0) {
                (void)unbind_number(socket, (uint16_t)(first + i));
            }
            return status;
        }
    }
    return 0;
}

/* Numbers belong to the network namespace: somebody else's are busy, so others are tried. */
static int bind_free(struct nft_queue *queue, size_t count)
{
    int status = -EBUSY;
    for (int tries = 0; tries < NUMBER_TRIES && (status == -EBUSY || (tries && status == -EPERM)); tries++) {
        uint16_t random = 0;
        (void)!getrandom(&random, sizeof(random), 0);
        queue->first = (uint16_t)(1024 + random % 60000);
        status = bind_row(queue->socket, queue->first, count);
    }
    return status;
}

static void prepare_buffers(struct nft_queue *queue, bool whole)
{
    int bytes = RECEIVE_BYTES;
    queue->message_bytes = MESSAGE_ROOM + (whole ? WHOLE_BYTES + 1 : NFT_QUEUE_HEAD);
    queue->received = xcalloc(BATCH, queue->message_bytes);
    for (size_t i = 0; i < BATCH; i++) {
        queue->parts[i] = (struct iovec){.iov_base = queue->received + i * queue->message_bytes, .iov_len = queue->message_bytes};
        queue->headers[i].msg_hdr = (struct msghdr){.msg_iov = &queue->parts[i], .msg_iovlen = 1};
    }
    queue->fd = nl_socket_get_fd(queue->socket);
    if (setsockopt(queue->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0) {
        (void)setsockopt(queue->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    }
}

static int explain(int errnum, struct err *err)
{
    if (errnum == EPERM) {
        return err_set(err, ERR_UNSUPPORTED,
                       "packet queues: not permitted, it needs CAP_NET_ADMIN in this network namespace; run as root or use a "
                       "topology whose namespaces drill makes itself");
    }
    if (errnum == EINVAL || errnum == EOPNOTSUPP || errnum == ENOENT || errnum == EPROTONOSUPPORT) {
        return err_set(err, ERR_UNSUPPORTED,
                       "packet queues: the kernel has no nfnetlink_queue (%s); as root: modprobe nfnetlink_queue",
                       strerror(errnum));
    }
    return err_errno(err, errnum, "packet queues: cannot bind one");
}

DEFINE_CLEANUP(struct nft_queue *, nft_queue, nft_queue_close)

int nft_queue_open(size_t count, bool whole, bool frames, struct nft_queue **ret_queue, struct err *err)
{
    struct nft_queue *queue CLEANUP(nft_queue_cleanup) = xcalloc(1, sizeof(*queue));
    int status = link_socket_open(NETLINK_NETFILTER, &queue->socket, err);
    if (status < 0) {
        return err->saved_errno ? explain(err->saved_errno, err) : status;
    }
    status = bind_free(queue, count);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = configure(queue->socket, nft_queue_number(queue, i), whole, frames);
    }
    if (status < 0) {
        return explain(-status, err);
    }
    prepare_buffers(queue, whole);
    *ret_queue = TAKE(queue);
    return 0;
}

void nft_queue_close(struct nft_queue *queue)
{
    if (queue) {
        link_socket_close(queue->socket);
        free(queue->received);
        free(queue);
    }
}

uint16_t nft_queue_number(const struct nft_queue *queue, size_t index)
{
    return (uint16_t)(queue->first + index);
}

int nft_queue_fd(const struct nft_queue *queue)
{
    return queue->fd;
}

static bool read_packet(const struct nlmsghdr *message, struct nft_queued *packet)
{
    const struct nfgenmsg *header = NLMSG_DATA(message);
    const char *at = (const char *)(header + 1), *end = (const char *)message + message->nlmsg_len;
    bool named = false;
    *packet = (struct nft_queued){.queue = ntohs(header->res_id)};
    while (at + sizeof(struct nlattr) <= end) {
        const struct nlattr *attribute = (const struct nlattr *)at;
        const void *data = attribute + 1;
        if (attribute->nla_len < sizeof(*attribute) || at + attribute->nla_len > end) {
            break;
        }
        switch (attribute->nla_type & NLA_TYPE_MASK) {
        case NFQA_PACKET_HDR:
            packet->id = ntohl(((const struct nfqnl_msg_packet_hdr *)data)->packet_id);
            named = true;
            break;
        case NFQA_PAYLOAD:
            packet->data = data;
            packet->copied = attribute->nla_len - sizeof(*attribute);
            break;
        case NFQA_CAP_LEN: {
            uint32_t size;
            memcpy(&size, data, sizeof(size));
            packet->size = ntohl(size);
            break;
        }
        default:
            break;
        }
        at += NLA_ALIGN(attribute->nla_len);
    }
    packet->size = packet->size ? packet->size : packet->copied; /* the size is told apart only when it was cut */
    return named;
}

size_t nft_queue_receive(struct nft_queue *queue, struct nft_queued *packets, size_t most)
{
    size_t found = 0;
    unsigned room = most < BATCH ? (unsigned)most : BATCH;
    int count = recvmmsg(queue->fd, queue->headers, room, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        const struct nlmsghdr *message = queue->parts[i].iov_base;
        unsigned size = queue->headers[i].msg_len;
        bool complete = !(queue->headers[i].msg_hdr.msg_flags & MSG_TRUNC) && NLMSG_OK(message, size);
        if (complete && message->nlmsg_type == ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET)) {
            found += read_packet(message, &packets[found]);
        }
    }
    return found;
}

static void append(struct nft_queue *queue, int type, const void *data, size_t size)
{
    struct nlattr attribute = {.nla_len = (uint16_t)(sizeof(attribute) + size), .nla_type = (uint16_t)type};
    memcpy(queue->send + queue->sending, &attribute, sizeof(attribute));
    memcpy(queue->send + queue->sending + sizeof(attribute), data, size);
    memset(queue->send + queue->sending + attribute.nla_len, 0, NLA_ALIGN(attribute.nla_len) - attribute.nla_len);
    queue->sending += NLA_ALIGN(attribute.nla_len);
}

void nft_queue_verdict(struct nft_queue *queue, uint16_t number, uint32_t id, bool accept, const uint8_t *data, size_t size)
{
    struct nfqnl_msg_verdict_hdr verdict = {.verdict = htonl(accept ? NF_ACCEPT : NF_DROP), .id = htonl(id)};
    struct nfgenmsg header = {.version = NFNETLINK_V0, .res_id = htons(number)};
    if (queue->sending + MESSAGE_ROOM + (data ? size : 0) > sizeof(queue->send)) {
        nft_queue_flush(queue);
    }
    struct nlmsghdr *message = (struct nlmsghdr *)(queue->send + queue->sending);
    *message = (struct nlmsghdr){.nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT, .nlmsg_flags = NLM_F_REQUEST};
    memcpy(message + 1, &header, sizeof(header));
    queue->sending += NLMSG_LENGTH(sizeof(header));
    append(queue, NFQA_VERDICT_HDR, &verdict, sizeof(verdict));
    if (data) {
        append(queue, NFQA_PAYLOAD, data, size);
    }
    message->nlmsg_len = (uint32_t)(queue->send + queue->sending - (uint8_t *)message);
}

void nft_queue_flush(struct nft_queue *queue)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (queue->sending) {
        (void)!sendto(queue->fd, queue->send, queue->sending, 0, (struct sockaddr *)&kernel, sizeof(kernel));
        queue->sending = 0;
    }
}
