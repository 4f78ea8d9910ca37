/* What a container engine leaves even when the kernel has taken all its processes: empty cgroups. */
#ifndef DRILL_PLACE_CGROUPS_H
#define DRILL_PLACE_CGROUPS_H

#include <stddef.h>
#include <sys/types.h>

/* Containers that drill makes are below a cgroup of this name and the pid of their world, whichever engine runs them. */
#define CGROUPS_PARENT "drill-engine-"

/* Remove those of worlds that are gone, also of a drill that was killed: how many of these worlds left some. */
size_t cgroups_sweep(void);

#endif
