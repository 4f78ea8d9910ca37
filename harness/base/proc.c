/* Who a process is. */
#include "harness/base/proc.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

uint64_t proc_start_ticks(int pid)
{
    char path[64], state = 0;
    AUTO_FREE char *text = NULL;
    struct err gone = {0};
    unsigned long long ticks = 0;
    (void)str_format(path, sizeof(path), "/proc/%d/stat", pid);
    if (fd_read_file(path, 4096, &text, NULL, &gone) < 0) {
        return 0;
    }
    const char *after = strrchr(text, ')'); /* the name before it may hold anything */
    if (!after || sscanf(after + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
                         &ticks) != 2) {
        return 0;
    }
    return state == 'Z' ? 0 : ticks;
}
