/* One thread waits for packets and for the next due time. The mutex is held for one batch at a time, so whoever reads the counts waits
 * for microseconds. */
#include "faults/network/holder.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults/network/nft_queue.h"
#include "faults/network/packet.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/realtime.h"
#include "harness/base/thread.h"
#include "harness/base/vec.h"

enum { BATCH = 32, HELD_MAX = 1 << 18, TURNS_ASIDE = 64 /* for what comes meanwhile */ };

struct held {
    int64_t due_ns, came_ns;
    uint64_t order; /* among equal times: who came first goes first */
    size_t way;
    uint32_t id, size;
    uint8_t *data; /* a copy, when it is changed or doubled */
    bool changed, doubled;
};

struct holder {
    struct holder_request request;
    struct nft_queue *queue;
    pthread_mutex_t lock; /* guards counts, stopping and the heap */
    pthread_t thread;
    bool running, stopping;
    bool passing, aside; /* nothing is held: any more, for now */
    int wake_fd, copy_fd;
    uint64_t order;
    VEC(struct held) heap;
    struct holder_count counts[HOLDER_WAYS_MAX];
    struct shape_way *ways;
    struct holder *next;
};

static struct {
    pthread_mutex_t lock;
    struct holder *first;
} running = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool before(const struct held *a, const struct held *b)
{
    return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void heap_put(struct holder *holder, struct held item)
{
    *VEC_ADD(&holder->heap) = item;
    struct held *items = holder->heap.items;
    size_t at = holder->heap.count - 1;
    while (at > 0 && before(&item, &items[(at - 1) / 2])) {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    items[at] = item;
}

static struct held heap_take(struct holder *holder)
{
    struct held *items = holder->heap.items, first = items[0];
    struct held last = items[--holder->heap.count];
    size_t at = 0, count = holder->heap.count;
    for (size_t child = 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && before(&items[child + 1], &items[child]);
        if (!before(&items[child], &last)) {
            break;
        }
        items[at] = items[child];
        at = child;
    }
    items[at] = last;
    return first;
}

/* ---- the thread ---- */

/* The copy leaves as if this place had sent it: routed by its own destination, IPv4 only. */
static void send_copy(const struct holder *holder, const uint8_t *data, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (size < sizeof(struct iphdr) || data[0] >> 4 != 4) {
        return;
    }
    to.sin_addr.s_addr = ((const struct iphdr *)(const void *)data)->daddr;
    (void)!sendto(holder->copy_fd, data, size, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
}

static void let_go(struct holder *holder, struct held *item, int64_t now_ns)
{
    struct holder_count *count = &holder->counts[item->way];
    nft_queue_verdict(holder->queue, nft_queue_number(holder->queue, item->way), item->id, true,
                      item->changed ? item->data : NULL, item->size);
    if (item->doubled) {
        nft_queue_flush(holder->queue); /* the copy comes second */
        send_copy(holder, item->data, item->size);
    }
    free(item->data);
    count->held--;
    count->released++;
    count->held_ns += now_ns - item->came_ns;
}

static void take_copy(struct holder *holder, const struct nft_queued *packet, const struct shape_fate *fate, struct held *item)
{
    struct holder_count *count = &holder->counts[item->way];
    if ((!fate->duplicated && !fate->corrupted) || packet->copied < packet->size) {
        return;
    }
    item->data = xrealloc(NULL, 1, packet->size);
    memcpy(item->data, packet->data, packet->size);
    item->doubled = fate->duplicated;
    count->duplicated += fate->duplicated;
    if (fate->corrupted) {
        item->changed = packet_damage(item->data, packet->size, fate->dice, holder->request.deliver);
        count->corrupted += item->changed;
    }
}

static void take_packet(struct holder *holder, const struct nft_queued *packet, int64_t now_ns)
{
    size_t way = (size_t)(packet->queue - nft_queue_number(holder->queue, 0));
    if (way >= holder->request.ways) {
        return;
    }
    struct holder_count *count = &holder->counts[way];
    bool full = holder->heap.count >= HELD_MAX;
    struct shape_fate fate = {.due_ns = now_ns};
    if (!full) {
        fate = shape_packet(&holder->request.shape, &holder->ways[way], packet->size + ETH_HLEN,
                            packet_flow(packet->data, packet->copied), now_ns);
    }
    count->seen++;
    count->overflow += full;
    if (fate.lost) {
        count->lost++;
        nft_queue_verdict(holder->queue, packet->queue, packet->id, false, NULL, 0);
        return;
    }
    struct held item = {.due_ns = fate.due_ns,
                        .came_ns = now_ns,
                        .order = holder->order++,
                        .way = way,
                        .id = packet->id,
                        .size = (uint32_t)packet->size};
    take_copy(holder, packet, &fate, &item);
    count->late += fate.due_ns > now_ns;
    count->held++;
    heap_put(holder, item);
}

static bool is_open(const struct holder *holder)
{
    return holder->passing || holder->aside;
}

/* Returns how long to wait for the next due packet in nanoseconds, -1: until something comes. */
static int64_t let_due_go(struct holder *holder)
{
    int64_t now_ns = clock_now_ns();
    while (holder->heap.count && (holder->heap.items[0].due_ns <= now_ns || is_open(holder))) {
        struct held item = heap_take(holder);
        let_go(holder, &item, now_ns);
        now_ns = clock_now_ns();
    }
    nft_queue_flush(holder->queue);
    return holder->heap.count ? holder->heap.items[0].due_ns - now_ns : -1;
}

/* Returns how many packets came. */
static size_t take_and_let_go(struct holder *holder, int64_t *ret_wait_ns)
{
    struct nft_queued packets[BATCH];
    size_t count = nft_queue_receive(holder->queue, packets, BATCH);
    int64_t now_ns = clock_now_ns();
    for (size_t i = 0; i < count; i++) {
        if (is_open(holder)) {
            nft_queue_verdict(holder->queue, packets[i].queue, packets[i].id, true, NULL, 0);
        } else {
            take_packet(holder, &packets[i], now_ns);
        }
    }
    *ret_wait_ns = let_due_go(holder);
    return count;
}

/* Returns false at the end: asked to stop, and nothing is left to let go. */
static bool turn(struct holder *holder, int64_t *ret_wait_ns)
{
    pthread_mutex_lock(&holder->lock);
    size_t count = take_and_let_go(holder, ret_wait_ns);
    bool go_on = count > 0 || !holder->stopping;
    pthread_mutex_unlock(&holder->lock);
    return go_on;
}

/* A late wake-up is a delay that nobody asked for. Real-time priority is for those who may; the timer slack for all. */
static void hurry(void)
{
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    realtime_take();
}

static void *holder_main(void *argument)
{
    struct holder *holder = argument;
    struct pollfd fds[] = {{.fd = nft_queue_fd(holder->queue), .events = POLLIN}, {.fd = holder->wake_fd, .events = POLLIN}};
    int64_t wait_ns = -1;
    hurry();
    while (turn(holder, &wait_ns)) {
        struct timespec wait = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};
        if (wait_ns < 0) {
            (void)ppoll(fds, ARRAY_LEN(fds), NULL, NULL);
        } else {
            (void)ppoll(fds, ARRAY_LEN(fds), &wait, NULL);
        }
    }
    return NULL;
}

/* ---- the owner's side ---- */

static int open_copies(struct holder *holder, struct err *err)
{
    int one = 1;
    uint32_t mark = holder->request.mark;
    if (holder->request.shape.duplicate <= 0) {
        return 0;
    }
    holder->copy_fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (holder->copy_fd < 0 || setsockopt(holder->copy_fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)) < 0 ||
        setsockopt(holder->copy_fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) {
        return err_errno(err, errno, "cannot open a raw socket for copies of packets (it needs CAP_NET_RAW and CAP_NET_ADMIN)");
    }
    return 0;
}

static int start_thread(struct holder *holder, struct err *err)
{
    int failed = thread_start(&holder->thread, holder_main, holder);
    holder->running = failed == 0;
    if (holder->running) {
        realtime_name(holder->thread);
        pthread_mutex_lock(&running.lock);
        holder->next = running.first;
        running.first = holder;
        pthread_mutex_unlock(&running.lock);
    }
    return failed ? err_errno(err, failed, "cannot start the thread that holds packets") : 0;
}

static int open_holder(struct holder *holder, struct err *err)
{
    const struct shape *shape = &holder->request.shape;
    bool whole = shape->duplicate > 0 || shape->corrupt > 0;
    bool frames = !whole && shape->loss <= 0 && shape->loss_every <= 0 && shape->reorder <= 0 && shape->rate_bits <= 0;
    int status = nft_queue_open(holder->request.ways, whole, frames, &holder->queue, err);
    if (status == 0) {
        status = open_copies(holder, err);
    }
    holder->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (status == 0 && holder->wake_fd < 0) {
        status = err_errno(err, errno, "cannot make an eventfd");
    }
    return status < 0 ? status : start_thread(holder, err);
}

int holder_start(const struct holder_request *request, struct holder **ret_holder, struct err *err)
{
    struct holder *holder = xcalloc(1, sizeof(*holder));
    holder->request = *request;
    holder->wake_fd = holder->copy_fd = -1;
    pthread_mutex_init(&holder->lock, NULL);
    holder->ways = xcalloc(request->ways, sizeof(*holder->ways));
    for (size_t i = 0; i < request->ways; i++) {
        shape_way_init(&holder->ways[i], &request->shape, request->seed + i);
    }
    int status = open_holder(holder, err);
    if (status < 0) {
        holder_stop(holder);
        return status;
    }
    *ret_holder = holder;
    return 0;
}

uint16_t holder_queue(const struct holder *holder, size_t way)
{
    return nft_queue_number(holder->queue, way);
}

void holder_read(struct holder *holder, size_t way, struct holder_count *ret_count)
{
    pthread_mutex_lock(&holder->lock);
    *ret_count = holder->counts[way];
    pthread_mutex_unlock(&holder->lock);
}

void holder_pass(struct holder *holder)
{
    if (holder && holder->running) {
        pthread_mutex_lock(&holder->lock);
        holder->passing = true;
        (void)let_due_go(holder);
        pthread_mutex_unlock(&holder->lock);
    }
}

void holders_step_aside(void)
{
    pthread_mutex_lock(&running.lock); /* until they step back: nobody begins or ends meanwhile */
    for (struct holder *holder = running.first; holder; holder = holder->next) {
        pthread_mutex_lock(&holder->lock);
        int64_t wait_ns;
        size_t turns =
            holder->heap.count / BATCH + TURNS_ASIDE; /* some come again: a chain is in front of ours since they came */
        holder->aside = true;
        (void)let_due_go(holder);
        while (turns-- && take_and_let_go(holder, &wait_ns) > 0) {
        }
        pthread_mutex_unlock(&holder->lock);
    }
}

void holders_step_back(void)
{
    for (struct holder *holder = running.first; holder; holder = holder->next) {
        pthread_mutex_lock(&holder->lock);
        holder->aside = false;
        pthread_mutex_unlock(&holder->lock);
    }
    pthread_mutex_unlock(&running.lock);
}

static void forget(const struct holder *holder)
{
    pthread_mutex_lock(&running.lock);
    for (struct holder **at = &running.first; *at; at = &(*at)->next) {
        if (*at == holder) {
            *at = holder->next;
            break;
        }
    }
    pthread_mutex_unlock(&running.lock);
}

void holder_stop(struct holder *holder)
{
    if (!holder) {
        return;
    }
    if (holder->running) {
        holder_pass(holder);
        pthread_mutex_lock(&holder->lock);
        holder->stopping = true;
        pthread_mutex_unlock(&holder->lock);
        fd_wake(holder->wake_fd);
        (void)pthread_join(holder->thread, NULL);
        forget(holder);
    }
    nft_queue_close(holder->queue);
    fd_close(holder->wake_fd);
    fd_close(holder->copy_fd);
    VEC_CLEAR(&holder->heap);
    free(holder->ways);
    pthread_mutex_destroy(&holder->lock);
    free(holder);
}
