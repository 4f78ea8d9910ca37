/* The agent's event loop: descriptors and timers, one thread. */
#ifndef DRILL_AGENT_LOOP_H
#define DRILL_AGENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"

struct loop;
struct watch;
struct timer;
typedef void loop_watch_f(void *context, uint32_t events);
typedef void loop_timer_f(void *context);

int loop_new(struct loop **ret_loop, struct err *err) MUST_CHECK;
void loop_free(struct loop *loop); /* accepts NULL; watches and timers that were left are freed */
/* Call `f` when `fd` has `events` (EPOLLIN, EPOLLOUT). The descriptor stays the caller's; remove the watch before closing it. NULL when
 * the descriptor cannot be watched. */
struct watch *loop_watch(struct loop *loop, int fd, uint32_t events, loop_watch_f *f, void *context);
void loop_unwatch(struct loop *loop, struct watch *watch); /* accepts NULL; safe inside any callback */
/* Call `f` once at `at_ns` (CLOCK_MONOTONIC); the timer is gone then. */
struct timer *loop_timer(struct loop *loop, int64_t at_ns, loop_timer_f *f, void *context);
void loop_cancel(struct loop *loop, struct timer *timer); /* accepts NULL; safe inside any callback; not after it has fired */
/* Wait for the next events until `until_ns` and dispatch them. */
int loop_step(struct loop *loop, int64_t until_ns, struct err *err) MUST_CHECK;

#endif
