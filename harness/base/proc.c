/* Who a process is. */
#include "harness/base/proc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

int proc_look(int pid, uint64_t *ret_start_ticks, struct err *err)
{
    char path[64], state = 0;
    AUTO_FREE char *text = NULL;
    unsigned long long ticks = 0;
    *ret_start_ticks = 0;
    (void)str_format(path, sizeof(path), "/proc/%d/stat", pid);
    int status = fd_read_file(path, 4096, &text, NULL, err);
    if (status < 0 && (err->saved_errno == ENOENT || err->saved_errno == ESRCH)) {
        *err = (struct err){0};
        return 0;
    }
    if (status < 0) {
        return status;
    }
    const char *after = strrchr(text, ')'); /* the name before it may hold anything */
    if (!after || sscanf(after + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
                         &ticks) != 2) {
        return err_set(err, ERR_SYSTEM, "'%s' is not understood", path);
    }
    *ret_start_ticks = state == 'Z' ? 0 : ticks;
    return 0;
}

uint64_t proc_start_ticks(int pid)
{
    uint64_t ticks = 0;
    struct err ignored = {0};
    return proc_look(pid, &ticks, &ignored) < 0 ? 0 : ticks;
}
