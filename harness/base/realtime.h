/* Real-time priority (SCHED_FIFO, the lowest) for threads that keep time. Going without is no error: a busy machine then makes them late. */
#ifndef DRILL_BASE_REALTIME_H
#define DRILL_BASE_REALTIME_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

/* Say of a thread of this process that it keeps time: it gets the name by which another process finds it. */
void realtime_name(pthread_t thread);
/* Take it for the calling thread: permitted to root, but not within a user namespace. */
void realtime_take(void);
/* Does the calling thread have it? */
bool realtime_is_on(void);
/* Give it to the threads of another process that keep time, which only root of the machine may: what a user namespace denies them. */
void realtime_give(pid_t pid);

#endif
