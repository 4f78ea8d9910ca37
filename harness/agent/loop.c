/* The agent's event loop. Removed watches are freed after the round in which they were removed: an event of the same round may still
 * point to them. */
#include "harness/agent/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/vec.h"

struct watch {
    int fd;
    bool removed;
    loop_watch_f *f;
    void *context;
};

struct timer {
    int64_t at_ns;
    bool removed;
    loop_timer_f *f;
    void *context;
};

struct loop {
    int epoll_fd;
    VEC(struct watch *) watches;
    VEC(struct timer *) timers;
};

int loop_new(struct loop **ret_loop, struct err *err)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        free(loop);
        return err_errno(err, errno, "cannot make an epoll");
    }
    *ret_loop = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop) {
        return;
    }
    VEC_EACH(watch, &loop->watches)
    {
        free(*watch);
    }
    VEC_EACH(timer, &loop->timers)
    {
        free(*timer);
    }
    VEC_CLEAR(&loop->watches);
    VEC_CLEAR(&loop->timers);
    fd_close(loop->epoll_fd);
    free(loop);
}

struct watch *loop_watch(struct loop *loop, int fd, uint32_t events, loop_watch_f *f, void *context)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));
    struct epoll_event event = {.events = events, .data.ptr = watch};
    *watch = (struct watch){.fd = fd, .f = f, .context = context};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        free(watch);
        return NULL;
    }
    *VEC_ADD(&loop->watches) = watch;
    return watch;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (watch && !watch->removed) {
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
        watch->removed = true;
    }
}

struct timer *loop_timer(struct loop *loop, int64_t at_ns, loop_timer_f *f, void *context)
{
    struct timer *timer = xcalloc(1, sizeof(*timer));
    *timer = (struct timer){.at_ns = at_ns, .f = f, .context = context};
    *VEC_ADD(&loop->timers) = timer;
    return timer;
}

void loop_cancel(struct loop *loop, struct timer *timer)
{
    (void)loop;
    if (timer) {
        timer->removed = true;
    }
}

static void sweep(struct loop *loop)
{
    for (size_t i = 0; i < loop->watches.count;) {
        if (loop->watches.items[i]->removed) {
            free(loop->watches.items[i]);
            loop->watches.items[i] = loop->watches.items[--loop->watches.count];
        } else {
            i++;
        }
    }
    for (size_t i = 0; i < loop->timers.count;) {
        if (loop->timers.items[i]->removed) {
            free(loop->timers.items[i]);
            loop->timers.items[i] = loop->timers.items[--loop->timers.count];
        } else {
            i++;
        }
    }
}

static int64_t next_timer_ns(const struct loop *loop, int64_t until_ns)
{
    VEC_EACH(timer, &loop->timers)
    {
        if (!(*timer)->removed && (*timer)->at_ns < until_ns) {
            until_ns = (*timer)->at_ns;
        }
    }
    return until_ns;
}

static void fire_timers(struct loop *loop)
{
    int64_t now_ns = clock_now_ns();
    size_t count = loop->timers.count; /* those that are added by a callback wait for the next round */
    for (size_t i = 0; i < count; i++) {
        struct timer *timer = loop->timers.items[i];
        if (!timer->removed && timer->at_ns <= now_ns) {
            timer->removed = true;
            timer->f(timer->context);
        }
    }
}

int loop_step(struct loop *loop, int64_t until_ns, struct err *err)
{
    struct epoll_event events[64];
    int64_t left_ns = next_timer_ns(loop, until_ns) - clock_now_ns();
    struct timespec timeout = {.tv_sec = left_ns > 0 ? left_ns / NS_PER_S : 0, .tv_nsec = left_ns > 0 ? left_ns % NS_PER_S : 0};
    int count = epoll_pwait2(loop->epoll_fd, events, 64, &timeout, NULL);
    if (count < 0 && errno != EINTR) {
        return err_errno(err, errno, "cannot wait for events");
    }
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        if (!watch->removed) {
            watch->f(watch->context, events[i].events);
        }
    }
    fire_timers(loop);
    sweep(loop);
    return 0;
}
