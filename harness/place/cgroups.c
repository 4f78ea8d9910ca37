/* Empty cgroups of engines that are gone. */
#include "harness/place/cgroups.h"

#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOLDERS_OPEN = 16 };

static size_t worlds_swept;

/* Between the making of a cgroup and its first process it is empty too: those of a world that lives are left alone. */
static bool is_of_the_gone(const char *path, bool *ret_top)
{
    const char *name = strstr(path, "/" CGROUPS_PARENT);
    char *end = NULL;
    long pid = name ? strtol(name + strlen("/" CGROUPS_PARENT), &end, 10) : 0;
    *ret_top = end && *end == '\0';
    return pid > 0 && kill((pid_t)pid, 0) != 0;
}

/* The kernel refuses to remove one that has processes or children; those below come first. */
static int remove_empty(const char *path, const struct stat *stat, int type, struct FTW *position)
{
    bool top = false;
    (void)stat;
    (void)position;
    if (type == FTW_DP && is_of_the_gone(path, &top) && rmdir(path) == 0) {
        worlds_swept += top;
    }
    return 0;
}

size_t cgroups_sweep(void)
{
    worlds_swept = 0;
    (void)nftw("/sys/fs/cgroup", remove_empty, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    return worlds_swept;
}
