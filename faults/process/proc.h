/* Processes as /proc and pidfds show them. A process is known by its pid and its start time, so that a pid which was given to another
 * process is never touched. */
#ifndef DRILL_FAULTS_PROCESS_PROC_H
#define DRILL_FAULTS_PROCESS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/base/err.h"
#include "harness/base/json.h"

struct proc_info {
    pid_t pid, parent;
    char state;  /* 'R', 'S', 'T' stopped, 'Z' zombie, … */
    bool ending; /* it runs no more of its program: SIGKILL is on its way, it exits, or waits to be reaped */
    uint64_t start_ticks;
    char name[32];
};

/* false: there is no such process (any more), errno says ENOENT or ESRCH then; or it could not be looked at, errno says why. Allocates
 * nothing. */
bool proc_read(pid_t pid, struct proc_info *ret_info);
/* Is exactly this process there? "Could not be looked at" is an error and not "gone": a fault would leave it out. Allocates nothing. */
int proc_find(pid_t pid, uint64_t start_ticks, bool *ret_there, struct err *err) MUST_CHECK;
struct proc_signals { /* a bit for each signal, the lowest for number 1 */
    uint64_t pending, ignored;
};
/* false: there is no such process (any more), or a zombie. Allocates nothing. */
bool proc_read_signals(pid_t pid, struct proc_signals *ret_signals);
/* A descriptor of exactly this process: *ret_fd is -1 when it is gone or the pid belongs to another one now. */
int proc_open(pid_t pid, uint64_t start_ticks, int *ret_fd, struct err *err) MUST_CHECK;
/* 0 also when it is gone. */
int proc_signal(pid_t pid, uint64_t start_ticks, int signal_number, struct err *err) MUST_CHECK;
/* Has it ended? A zombie counts as ended. Waits up to timeout_ms. */
int proc_wait_gone(pid_t pid, uint64_t start_ticks, int timeout_ms, bool *ret_gone, struct err *err) MUST_CHECK;
/* The given processes and all their descendants as [{"pid", "start", "name", "state"}], parents first, zombies left out. New reference. */
int proc_family(const int *pids, size_t count, json_t **ret_array, struct err *err) MUST_CHECK;
/* The processes that somebody has stopped (state T), as proc_family gives them. New reference. */
int proc_list_stopped(json_t **ret_array, struct err *err) MUST_CHECK;
/* 0 when pidfds work here, else ERR_UNSUPPORTED. */
int proc_supported(struct err *err) MUST_CHECK;

#endif
