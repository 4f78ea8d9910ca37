/* Threads beside a process' main loop. */
#ifndef DRILL_BASE_THREAD_H
#define DRILL_BASE_THREAD_H

#include <pthread.h>

/* Start one that takes no signals: they are for the loop of who starts it. 0 or an errno. */
int thread_start(pthread_t *ret_thread, void *(*run)(void *argument), void *argument);

#endif
