/* Empty cgroups of engines that are gone. */
#include "harness/place/cgroups.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

enum { FOLDERS_OPEN = 16 };

/* The kernel refuses to remove one that has processes or children; those below come first. */
static int remove_empty(const char *path, const struct stat *stat, int type, struct FTW *position)
{
    (void)stat;
    (void)position;
    if (type == FTW_DP && strstr(path, "/" CGROUPS_PARENT)) {
        (void)rmdir(path);
    }
    return 0;
}

void cgroups_sweep(void)
{
    (void)nftw("/sys/fs/cgroup", remove_empty, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
}
