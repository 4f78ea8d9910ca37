/* Scheduling classes of threads. */
#include "harness/base/realtime.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

#define THREAD_NAME "drill-on-time" /* a thread's name has 15 bytes */

static const struct sched_param priority = {.sched_priority = 1};

void realtime_name(pthread_t thread)
{
    (void)pthread_setname_np(thread, THREAD_NAME);
}

void realtime_take(void)
{
    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
}

bool realtime_is_on(void)
{
    return sched_getscheduler(0) == SCHED_FIFO; /* of pthread_getschedparam the C library remembers the first answer */
}

static bool keeps_time(pid_t pid, const char *thread)
{
    AUTO_FREE char *path = xasprintf("/proc/%d/task/%s/comm", (int)pid, thread);
    AUTO_FREE char *name = NULL;
    struct err gone = {0};
    return fd_read_file(path, 64, &name, NULL, &gone) == 0 && str_starts_with(name, THREAD_NAME);
}

void realtime_give(pid_t pid)
{
    AUTO_FREE char *path = xasprintf("/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (struct dirent *item = threads ? readdir(threads) : NULL; item; item = readdir(threads)) {
        pid_t thread = (pid_t)strtol(item->d_name, NULL, 10);
        if (thread > 0 && keeps_time(pid, item->d_name)) {
            (void)sched_setscheduler(thread, SCHED_FIFO, &priority);
        }
    }
    if (threads) {
        (void)closedir(threads);
    }
}
