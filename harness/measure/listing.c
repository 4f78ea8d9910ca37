/* A list of ids that was read back, one byte a write. */
#include "harness/measure/listing.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

/* Counts an id when it is one of this drill's. */
static void count_id(const struct tracks *tracks, struct listing *listing, const char *id, size_t size)
{
    for (size_t i = 0; i < tracks->count; i++) {
        const struct track *track = &tracks->items[i];
        size_t prefix = strlen(track->header->id_prefix), at = prefix;
        uint64_t number = 0;
        if (size <= prefix || size > prefix + 18 || memcmp(id, track->header->id_prefix, prefix) != 0) {
            continue;
        }
        for (; at < size && id[at] >= '0' && id[at] <= '9'; at++) {
            number = number * 10 + (uint64_t)(id[at] - '0');
        }
        if (at == size && number > 0 && number <= track->highest_write) {
            unsigned char *times = &listing->times[i][number - 1];
            *times += *times < UINT8_MAX;
            return;
        }
    }
}

static void open_listing(const struct tracks *tracks, struct listing *listing)
{
    listing->track_count = tracks->count;
    listing->times = xcalloc(tracks->count + 1, sizeof(*listing->times));
    for (size_t i = 0; i < tracks->count; i++) {
        listing->times[i] = xcalloc(tracks->items[i].highest_write + 1, 1);
    }
}

char *listing_read(const struct measurement *measurement, const json_t *event, struct listing *ret_listing)
{
    struct evidence_ids ids CLEANUP(evidence_ids_close) = {0};
    struct err err = {0};
    const char *file = json_str(event, "file", ""), *id;
    size_t size;
    int64_t count = 0;
    open_listing(&measurement->tracks, ret_listing);
    if (evidence_ids_open(measurement->evidence, file, &ids, &err) < 0) {
        return xstrdup(err.text);
    }
    for (; (id = evidence_ids_next(&ids, &size)); count++) {
        count_id(&measurement->tracks, ret_listing, id, size);
    }
    int64_t expected = json_int(event, "count", count);
    return expected == count ? NULL
                             : xasprintf("%s holds %lld ids, %lld were read back", file, (long long)count, (long long)expected);
}

void listing_clear(struct listing *listing)
{
    for (size_t i = 0; i < listing->track_count; i++) {
        free(listing->times[i]);
    }
    free(listing->times);
    *listing = (struct listing){0};
}

unsigned char listing_times(const struct listing *listing, size_t track, const struct ledger_record *record)
{
    return listing->times[track][record->write_number - 1];
}
