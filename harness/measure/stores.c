/* The stores by name: those whose content was compared, those whose role was watched. */
#include <string.h>

#include "harness/base/str.h"
#include "harness/measure/divergence.h"

size_t stores_index(struct stores_result *stores, const char *name)
{
    for (size_t i = 0; i < stores->count; i++) {
        if (str_eq(stores->names[i], name)) {
            return i;
        }
    }
    if (stores->count == STORES_MAX) {
        return STORES_MAX;
    }
    stores->names = xrealloc(stores->names, stores->count + 1, sizeof(*stores->names));
    stores->names[stores->count] = xstrdup(name);
    return stores->count++;
}

void stores_names(const struct stores_result *stores, uint32_t mask, struct buf *out)
{
    const char *between = "";
    for (size_t i = 0; i < stores->count; i++) {
        if (mask & 1U << i) {
            buf_printf(out, "%s%s", between, stores->names[i]);
            between = ", ";
        }
    }
    if (mask == 0) {
        buf_puts(out, "no store");
    }
}

const char *stores_subject(const json_t *event)
{
    const char *subject = json_str(event, "subject", "?"), *blank = strrchr(subject, ' ');
    return !str_eq(json_str(event, "observer", ""), "store") ? NULL : blank ? blank + 1 : subject;
}

void stores_open(struct measurement *measurement)
{
    struct stores_result *stores = &measurement->result->stores;
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        bool read = str_eq(json_str(event, "kind", ""), "store.read");
        const char *name = read ? json_str(event, "store", "?") : stores_subject(event);
        if (name) {
            (void)stores_index(stores, name);
        }
    }
}
