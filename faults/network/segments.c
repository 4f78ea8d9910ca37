/* gso_max_segs of interfaces, by name in the journal. */
#include "faults/network/segments.h"

#include "faults/network/link.h"

static const json_t *before_of(const struct fault_instance *fault)
{
    return json_object_get(fault->journal, "gso_max_segs");
}

int segments_prepare(struct fault_instance *fault, const char *const *interfaces, size_t count, struct err *err)
{
    AUTO_JSON json_t *segments = json_object();
    if (before_of(fault)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct link_info info;
        int status = link_get(interfaces[i], &info, err);
        if (status < 0) {
            return status;
        }
        json_object_set_new(segments, interfaces[i], json_integer(info.gso_max_segs));
    }
    json_object_set(fault->journal, "gso_max_segs", segments);
    return 0;
}

static int set_all(const struct fault_instance *fault, bool single, struct err *err)
{
    const char *name;
    json_t *before;
    int first = 0;
    json_object_foreach((json_t *)(uintptr_t)before_of(fault), name, before)
    {
        struct err other;
        int status = link_set_gso_max_segs(name, single ? 1 : (uint32_t)json_integer_value(before), first ? &other : err);
        first = first ? first : status; /* go on with the others, tell of the first */
    }
    return first;
}

int segments_apply(const struct fault_instance *fault, struct err *err)
{
    return set_all(fault, true, err);
}

int segments_revert(const struct fault_instance *fault, struct err *err)
{
    return set_all(fault, false, err);
}

int segments_residue(const struct fault_instance *fault, struct buf *left, struct err *err)
{
    const char *name;
    json_t *before;
    json_object_foreach((json_t *)(uintptr_t)before_of(fault), name, before)
    {
        struct link_info info;
        int status = link_get(name, &info, err);
        if (status < 0) {
            return status;
        }
        if (info.gso_max_segs != (uint32_t)json_integer_value(before)) {
            buf_printf(left, "interface %s has gso_max_segs %u, had %lld before\n", name, info.gso_max_segs,
                       (long long)json_integer_value(before));
        }
    }
    return 0;
}
