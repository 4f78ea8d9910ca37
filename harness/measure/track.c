/* From ledgers to tracks: gathered by vantage, put in order where they are not. */
#include "harness/measure/track.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

static bool is_same_vantage(const struct ledger_header *a, const struct ledger_header *b)
{
    return str_eq(a->vantage, b->vantage) && str_eq(a->id_prefix, b->id_prefix);
}

static void shift(int64_t *t_ns, int64_t by_ns)
{
    *t_ns += *t_ns ? by_ns : 0;
}

static uint16_t server_of(struct track *track, const char *name)
{
    for (size_t i = 0; i < track->server_count; i++) {
        if (str_eq(track->servers[i], name)) {
            return (uint16_t)(i + 1);
        }
    }
    track->servers = xrealloc(track->servers, track->server_count + 1, sizeof(*track->servers));
    (void)str_copy(track->servers[track->server_count++], sizeof(*track->servers), name);
    return (uint16_t)track->server_count;
}

/* The ledger's names among the track's; `ret_servers` has the track's index of each, 0 where there is none. */
static void add_servers(struct track *track, const struct ledger_header *header, uint16_t ret_servers[LEDGER_SERVERS_MAX + 1])
{
    char name[LEDGER_SERVER_BYTES];
    for (uint16_t i = 0; i <= LEDGER_SERVERS_MAX; i++) {
        ledger_server_name(header, i, name);
        ret_servers[i] = *name ? server_of(track, name) : 0;
    }
}

/* Adds the ledger's records to the copy, on the clock of the track's first ledger. */
static void append(struct track *track, struct ledger *ledger, int64_t shift_ns)
{
    uint16_t servers[LEDGER_SERVERS_MAX + 1];
    add_servers(track, ledger_header(ledger), servers);
    uint64_t count = ledger_count(ledger);
    track->owned = xrealloc(track->owned, track->count + count + 1, sizeof(*track->owned));
    memcpy(track->owned + track->count, ledger_records(ledger), count * sizeof(*track->owned));
    for (uint64_t i = track->count; i < track->count + count; i++) {
        uint16_t server = track->owned[i].server;
        track->owned[i].server = server <= LEDGER_SERVERS_MAX ? servers[server] : 0;
        track->owned[i].due_ns += shift_ns;
        shift(&track->owned[i].sent_ns, shift_ns);
        shift(&track->owned[i].first_byte_ns, shift_ns);
        shift(&track->owned[i].done_ns, shift_ns);
    }
    track->count += count;
    track->records = track->owned;
}

/* Equal due times are ordered by all the rest, so that the order in the files does not matter. */
static int compare_records(const void *left, const void *right)
{
    const struct ledger_record *a = left, *b = right;
    if (a->due_ns != b->due_ns) {
        return a->due_ns < b->due_ns ? -1 : 1;
    }
    return memcmp(a, b, sizeof(*a));
}

static bool is_in_order(const struct track *track)
{
    for (uint64_t i = 1; i < track->count; i++) {
        if (track->records[i].due_ns < track->records[i - 1].due_ns) {
            return false;
        }
    }
    return true;
}

static void put_in_order(struct track *track)
{
    if (is_in_order(track)) {
        return;
    }
    if (!track->owned) {
        track->owned = xcalloc(track->count, sizeof(*track->owned));
        memcpy(track->owned, track->records, track->count * sizeof(*track->owned));
    }
    qsort(track->owned, track->count, sizeof(*track->owned), compare_records);
    track->records = track->owned;
}

static void survey(struct track *track)
{
    int64_t newest_ns = INT64_MIN;
    for (uint64_t i = 0; i < track->count; i++) {
        const struct ledger_record *record = &track->records[i];
        newest_ns = record->done_ns > newest_ns ? record->done_ns : newest_ns;
        track->by_class[record->request_class < CLASS_COUNT ? record->request_class : CLASS_NONE]++;
        if (record->request_class == CLASS_WRITE && record->write_number > track->highest_write) {
            track->highest_write = record->write_number;
        }
    }
    /* numbers count writes, so a higher one comes from a damaged record */
    track->highest_write = track->highest_write <= track->count ? track->highest_write : track->count;
    track->first_due_ns = track->count ? track->records[0].due_ns + track->offset_ns : 0;
    track->last_due_ns = track->count ? track->records[track->count - 1].due_ns + track->offset_ns : -1;
    track->newest_ns = track->count ? newest_ns + track->offset_ns : INT64_MIN;
    if (track->count && track->last_due_ns > track->newest_ns) {
        track->newest_ns = track->last_due_ns;
    }
}

static struct track *find_track(struct tracks *tracks, const struct ledger_header *header)
{
    for (size_t i = 0; i < tracks->count; i++) {
        if (is_same_vantage(tracks->items[i].header, header)) {
            return &tracks->items[i];
        }
    }
    return NULL;
}

static void add_ledger(struct tracks *tracks, struct ledger *ledger, struct ledger *const *first)
{
    const struct ledger_header *header = ledger_header(ledger);
    struct track *track = find_track(tracks, header);
    if (!track) {
        uint16_t servers[LEDGER_SERVERS_MAX + 1]; /* the same as the ledger's own: it is the first */
        track = &tracks->items[tracks->count++];
        *track = (struct track){
            .header = header,
            .records = ledger_records(ledger),
            .count = ledger_count(ledger),
            .offset_ns = header->clock_offset_ns,
            .bound_ns = header->clock_bound_ns,
        };
        add_servers(track, header, servers);
        return;
    }
    if (!track->owned) {
        track->count = 0;
        append(track, first[track - tracks->items], 0);
    }
    append(track, ledger, header->clock_offset_ns - track->offset_ns);
    track->bound_ns = header->clock_bound_ns > track->bound_ns ? header->clock_bound_ns : track->bound_ns;
}

void tracks_open(const struct evidence *evidence, struct tracks *ret_tracks)
{
    struct tracks tracks = {.items = xcalloc(evidence->ledger_count + 1, sizeof(*tracks.items))};
    AUTO_FREE struct ledger **first = xcalloc(evidence->ledger_count + 1, sizeof(*first));
    for (size_t i = 0; i < evidence->ledger_count; i++) {
        size_t before = tracks.count;
        first[before] = evidence->ledgers[i]; /* of the track that this ledger may begin */
        add_ledger(&tracks, evidence->ledgers[i], first);
    }
    for (size_t i = 0; i < tracks.count; i++) {
        put_in_order(&tracks.items[i]);
        survey(&tracks.items[i]);
    }
    *ret_tracks = tracks;
}

void tracks_close(struct tracks *tracks)
{
    for (size_t i = 0; i < tracks->count; i++) {
        free(tracks->items[i].owned);
        free(tracks->items[i].servers);
    }
    free(tracks->items);
    *tracks = (struct tracks){0};
}
