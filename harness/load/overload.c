/* Whether the driver itself can keep up. */
#include "harness/load/overload.h"

#include "harness/base/clock.h"

static int64_t running_ns(const struct overload *overload)
{
    int64_t length_ns = overload->late_since_ns ? overload->last_ns - overload->late_since_ns : 0;
    return length_ns >= OVERLOAD_LEAST_MS * NS_PER_MS ? length_ns : 0;
}

void overload_add(struct overload *overload, int64_t now_ns, int64_t late_ns)
{
    if (late_ns <= OVERLOAD_LATE_MS * NS_PER_MS) {
        overload->total_ns += running_ns(overload);
        overload->late_since_ns = 0;
        return;
    }
    if (overload->late_since_ns == 0) {
        overload->late_since_ns = now_ns;
    }
    overload->last_ns = now_ns;
}

int64_t overload_total_ns(const struct overload *overload)
{
    return overload->total_ns + running_ns(overload);
}
