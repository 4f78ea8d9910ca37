/* gso_max_segs of interfaces, by name in the journal. */
#include "faults/network/segments.h"

#include "faults/network/link.h"
#include "faults/network/shared.h"

static const char key[] = "gso_max_segs";

static json_t *before_of(const struct fault_instance *fault)
{
    return json_object_get(fault->journal, key);
}

static int remember(const struct fault_instance *fault, const char *name, json_t *segments, struct err *err)
{
    struct link_info info;
    const json_t *theirs = shared_find(fault, key, name);
    int status = theirs ? 0 : link_get(name, &info, err);
    if (status == 0) {
        json_object_set_new(segments, name, theirs ? json_deep_copy(theirs) : json_integer(info.gso_max_segs));
    }
    return status;
}

int segments_prepare(struct fault_instance *fault, const char *const *interfaces, size_t count, struct err *err)
{
    AUTO_JSON json_t *segments = json_object();
    if (before_of(fault)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        int status = remember(fault, interfaces[i], segments, err);
        if (status < 0) {
            return status;
        }
    }
    json_object_set(fault->journal, key, segments);
    return 0;
}

int segments_apply(struct fault_instance *fault, struct err *err)
{
    const char *name;
    json_t *before;
    int status = 0;
    fault->holds = true;
    json_object_foreach(before_of(fault), name, before)
    {
        status = status < 0 ? status : link_set_gso_max_segs(name, 1, err);
    }
    return status;
}

/* Not where it was 1 already, and not while another fault needs it. */
static bool is_ours(const struct fault_instance *fault, const char *name, const json_t *before)
{
    return json_integer_value(before) != 1 && !shared_find(fault, key, name);
}

int segments_revert(struct fault_instance *fault, struct err *err)
{
    const char *name;
    json_t *before;
    int first = 0;
    fault->holds = false;
    json_object_foreach(before_of(fault), name, before)
    {
        struct err other;
        uint32_t segments = (uint32_t)json_integer_value(before);
        int status = is_ours(fault, name, before) ? link_set_gso_max_segs(name, segments, first ? &other : err) : 0;
        first = first ? first : status; /* go on with the others, tell of the first */
    }
    return first;
}

int segments_residue(const struct fault_instance *fault, struct buf *left, struct err *err)
{
    const char *name;
    json_t *before;
    json_object_foreach(before_of(fault), name, before)
    {
        struct link_info info;
        int status = link_get(name, &info, err);
        if (status < 0) {
            return status;
        }
        if (is_ours(fault, name, before) && info.gso_max_segs != (uint32_t)json_integer_value(before)) {
            buf_printf(left, "interface %s has gso_max_segs %u, had %lld before\n", name, info.gso_max_segs,
                       (long long)json_integer_value(before));
        }
    }
    return 0;
}
