/* One thread for all links: epoll over the packet sockets, an absolute timer for the next due frame, an eventfd to be woken. The
 * mutex is held for one batch at a time, so whoever changes a link waits for microseconds. */
#include "harness/agent/link_relay.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/realtime.h"
#include "harness/base/thread.h"
#include "harness/base/vec.h"

struct side { /* what epoll points to: frames that come in here go out at the link's other side */
    struct link *link;
    struct link_port port;
    struct link_path path;
};

struct link {
    char *name;
    struct shape shape;
    struct side sides[2];
};

struct link_relay {
    pthread_mutex_t lock; /* guards links and stopping */
    VEC(struct link *) links;
    uint64_t seed; /* of the next path */
    bool stopping;
    bool running;
    pthread_t thread;
    int epoll_fd, timer_fd, wake_fd;
    struct link_batch *batch;
};

static void link_destroy(struct link *link)
{
    if (!link)
        return;
    for (int i = 0; i < 2; i++) {
        link_port_close(&link->sides[i].port);
        link_path_clear(&link->sides[i].path);
    }
    free(link->name);
    free(link);
}
DEFINE_CLEANUP(struct link *, link, link_destroy)

static int link_create(const struct link_spec *spec, uint64_t *seed, struct link **ret_link, struct err *err)
{
    struct link *link CLEANUP(link_cleanup) = xcalloc(1, sizeof(*link));
    link->name = xstrdup(spec->name);
    link->shape = spec->shape;
    for (int i = 0; i < 2; i++) {
        link->sides[i].link = link;
        link->sides[i].port.fd = -1;
        shape_way_init(&link->sides[i].path.way, &spec->shape, (*seed)++);
    }
    if (link_port_open(&link->sides[0].port, spec->a, err) < 0 || link_port_open(&link->sides[1].port, spec->b, err) < 0)
        return err_prefix(err, "link '%s'", spec->name);
    *ret_link = TAKE(link);
    return 0;
}

/* ---- the thread ---- */

static void receive(struct link_relay *relay, struct side *side)
{
    const int count = link_port_receive(&side->port, relay->batch);
    const int64_t now_ns = clock_now_ns();
    for (int i = 0; i < count; i++) {
        uint32_t size = 0;
        const void *frame = link_batch_frame(relay->batch, i, &size);
        if (frame)
            link_path_push(&side->path, &side->link->shape, frame, size, now_ns);
    }
}

static int64_t send_all_due(struct link_relay *relay)
{
    int64_t next_ns = INT64_MAX;
    VEC_EACH(item, &relay->links)
    {
        struct link *link = *item;
        for (int i = 0; i < 2; i++) {
            const int64_t at_ns = link_path_send_due(&link->sides[i].path, &link->shape, &link->sides[!i].port, clock_now_ns());
            next_ns = at_ns < next_ns ? at_ns : next_ns;
        }
    }
    return next_ns;
}

/* An event may be for a link that was taken away again between epoll_wait and the lock. */
static bool is_ours(struct link_relay *relay, const struct side *side)
{
    VEC_EACH(item, &relay->links)
    {
        if (side == &(*item)->sides[0] || side == &(*item)->sides[1])
            return true;
    }
    return false;
}

static void arm(const struct link_relay *relay, int64_t at_ns)
{
    struct itimerspec when = {0}; /* all zero: off */
    if (at_ns != INT64_MAX)
        when.it_value = (struct timespec){.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};
    (void)timerfd_settime(relay->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void drain(int fd)
{
    uint64_t ignored;
    (void)!read(fd, &ignored, sizeof(ignored));
}

/* The timer only gets nearer when a frame comes into an empty queue, so it is set anew after every round. Returns false at the
 * end. */
static bool handle(struct link_relay *relay, const struct epoll_event *events, int count)
{
    pthread_mutex_lock(&relay->lock);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &relay->wake_fd)
            drain(relay->wake_fd);
        else if (events[i].data.ptr == &relay->timer_fd)
            drain(relay->timer_fd);
        else if (is_ours(relay, events[i].data.ptr))
            receive(relay, events[i].data.ptr);
    }
    const bool go_on = !relay->stopping;
    if (go_on)
        arm(relay, send_all_due(relay));
    pthread_mutex_unlock(&relay->lock);
    return go_on;
}

/* A wake-up that is late is latency that nobody asked for. Real-time priority is for those who may; the other works for all. */
static void hurry(void)
{
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    realtime_take();
}

static void *relay_main(void *argument)
{
    struct link_relay *relay = argument;
    struct epoll_event events[64];
    hurry();
    for (;;) {
        const int count = epoll_wait(relay->epoll_fd, events, (int)ARRAY_LEN(events), -1);
        if (!handle(relay, events, count > 0 ? count : 0))
            return NULL;
    }
}

/* ---- the owner's side ---- */

static int watch(const struct link_relay *relay, int fd, void *pointer, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = pointer};
    if (epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return err_errno(err, errno, "link emulator: cannot watch a descriptor");
    return 0;
}

static int relay_start(struct link_relay *relay, struct err *err)
{
    relay->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    relay->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    relay->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (relay->epoll_fd < 0 || relay->timer_fd < 0 || relay->wake_fd < 0)
        return err_errno(err, errno, "link emulator: cannot make its descriptors");
    int status = watch(relay, relay->timer_fd, &relay->timer_fd, err);
    if (status == 0)
        status = watch(relay, relay->wake_fd, &relay->wake_fd, err);
    if (status < 0)
        return status;
    const int failed = thread_start(&relay->thread, relay_main, relay);
    if (failed)
        return err_errno(err, failed, "link emulator: cannot start its thread");
    realtime_name(relay->thread);
    relay->running = true;
    return 0;
}

int link_relay_new(uint64_t seed, struct link_relay **ret_relay, struct err *err)
{
    struct link_relay *relay = xcalloc(1, sizeof(*relay));
    pthread_mutex_init(&relay->lock, NULL);
    relay->epoll_fd = relay->timer_fd = relay->wake_fd = -1;
    relay->seed = seed;
    relay->batch = link_batch_new();
    const int status = relay_start(relay, err);
    if (status < 0) {
        link_relay_free(relay);
        return status;
    }
    *ret_relay = relay;
    return 0;
}

static struct link *find(struct link_relay *relay, const char *name)
{
    VEC_EACH(item, &relay->links)
    {
        if (str_eq((*item)->name, name))
            return *item;
    }
    return NULL;
}

/* An interface belongs to one link: two would each forward every frame. */
static int check_free(struct link_relay *relay, const struct link_spec *spec, struct err *err)
{
    if (str_eq(spec->a, spec->b))
        return err_set(err, ERR_INPUT, "link '%s' has the same interface '%s' at both ends", spec->name, spec->a);
    VEC_EACH(item, &relay->links)
    {
        for (int i = 0; i < 2; i++) {
            const char *taken = (*item)->sides[i].port.name;
            if (str_eq(taken, spec->a) || str_eq(taken, spec->b))
                return err_set(err, ERR_INPUT, "link '%s': interface '%s' belongs to link '%s'", spec->name, taken,
                               (*item)->name);
        }
    }
    return 0;
}

/* From here on frames flow. A failed epoll_ctl leaves a link that the caller takes away again. */
static int add(struct link_relay *relay, const struct link_spec *spec, struct err *err)
{
    struct link *link = NULL;
    int status = check_free(relay, spec, err);
    if (status == 0)
        status = link_create(spec, &relay->seed, &link, err);
    if (status < 0)
        return status;
    *VEC_ADD(&relay->links) = link;
    for (int i = 0; i < 2 && status == 0; i++)
        status = watch(relay, link->sides[i].port.fd, &link->sides[i], err);
    return status;
}

static int check_existing(const struct link *link, const struct link_spec *spec, struct err *err)
{
    if (str_eq(link->sides[0].port.name, spec->a) && str_eq(link->sides[1].port.name, spec->b))
        return 0;
    return err_set(err, ERR_INPUT, "link '%s' joins '%s' and '%s' already, it cannot be moved to '%s' and '%s'", spec->name,
                   link->sides[0].port.name, link->sides[1].port.name, spec->a, spec->b);
}

int link_relay_set(struct link_relay *relay, const struct link_spec *specs, size_t count, struct err *err)
{
    pthread_mutex_lock(&relay->lock);
    const size_t before = relay->links.count;
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        const struct link *link = find(relay, specs[i].name);
        status = link ? check_existing(link, &specs[i], err) : add(relay, &specs[i], err);
    }
    for (size_t i = 0; i < count && status == 0; i++)
        find(relay, specs[i].name)->shape = specs[i].shape;
    while (status < 0 && relay->links.count > before)
        link_destroy(relay->links.items[--relay->links.count]); /* closing takes it out of epoll; the thread waits for the lock */
    pthread_mutex_unlock(&relay->lock);
    fd_wake(relay->wake_fd);
    return status;
}

size_t link_relay_count(struct link_relay *relay)
{
    return relay->links.count; /* only the owner changes it */
}

void link_relay_state(struct link_relay *relay, size_t index, struct link_state *ret_state)
{
    pthread_mutex_lock(&relay->lock);
    struct link *link = relay->links.items[index];
    *ret_state = (struct link_state){
        .name = link->name, .a = link->sides[0].port.name, .b = link->sides[1].port.name, .shape = link->shape};
    for (int i = 0; i < 2; i++) {
        ret_state->forwarded += link->sides[i].path.forwarded;
        ret_state->lost += link->sides[i].path.lost;
        ret_state->dropped += link->sides[i].path.dropped + link_port_drops(&link->sides[i].port);
    }
    pthread_mutex_unlock(&relay->lock);
}

void link_relay_free(struct link_relay *relay)
{
    if (!relay)
        return;
    if (relay->running) {
        pthread_mutex_lock(&relay->lock);
        relay->stopping = true;
        pthread_mutex_unlock(&relay->lock);
        fd_wake(relay->wake_fd);
        pthread_join(relay->thread, NULL);
    }
    VEC_EACH(item, &relay->links)
    link_destroy(*item);
    VEC_CLEAR(&relay->links);
    fd_close(relay->epoll_fd);
    fd_close(relay->timer_fd);
    fd_close(relay->wake_fd);
    link_batch_free(relay->batch);
    pthread_mutex_destroy(&relay->lock);
    free(relay);
}
