/* The other faults in force, by their journals. */
#include "faults/network/shared.h"

#include "harness/base/str.h"

const json_t *shared_find(const struct fault_instance *fault, const char *key, const char *name)
{
    const struct fault_instance *other = NULL;
    while ((other = fault_instance_next(other))) {
        const json_t *found = json_object_get(other->journal, key);
        found = name ? json_object_get(found, name) : found;
        if (other != fault && other->holds && found && str_eq(other->target.place, fault->target.place)) {
            return found;
        }
    }
    return NULL;
}
