/* What a container engine leaves even when the kernel has taken all its processes: empty cgroups. */
#ifndef DRILL_PLACE_CGROUPS_H
#define DRILL_PLACE_CGROUPS_H

/* The engine of a topology puts its containers below a cgroup of this name (dockerd --cgroup-parent). */
#define CGROUPS_PARENT "drill-engine"

/* Remove all that are empty, also those of a drill that was killed; others' that are in use stay. */
void cgroups_sweep(void);

#endif
