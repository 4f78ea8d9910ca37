/* A link's netem is the same as a fault's, with a handle of its own. */
#include "harness/agent/link_netem.h"

#include "faults/netem.h"

int link_netem_put(const char *device, const struct shape *shape, bool ours, struct err *err)
{
    const int status = ours ? link_netem_remove(device, err) : 0;
    return status < 0 ? status : netem_put(device, NETEM_OF_LINK, shape, 0, err);
}

int link_netem_remove(const char *device, struct err *err)
{
    return netem_remove(device, NETEM_OF_LINK, err);
}
