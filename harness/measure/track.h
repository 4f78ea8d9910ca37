/* The requests of one vantage in order of their due times: the ledger's own mapping where it is in order, which costs no memory, else a
 * sorted copy. Ledgers of the same vantage and id prefix are one track, however the requests are spread over them. */
#ifndef DRILL_MEASURE_TRACK_H
#define DRILL_MEASURE_TRACK_H

#include <stddef.h>

#include "harness/evidence/evidence.h"

struct track {
    const struct ledger_header *header;  /* of its first ledger */
    const struct ledger_record *records; /* times on the vantage's clock */
    uint64_t count;
    int64_t offset_ns, bound_ns;          /* controller clock = vantage clock + offset, ± bound */
    int64_t first_due_ns, last_due_ns;    /* controller clock; first > last without requests */
    int64_t newest_ns;                    /* the last due time or answer that it speaks of; INT64_MIN without requests */
    uint64_t by_class[CLASS_COUNT];       /* how many requests */
    uint64_t highest_write;               /* the highest number of a write that its count allows */
    struct ledger_record *owned;          /* the copy, or NULL */
    char (*servers)[LEDGER_SERVER_BYTES]; /* owned: the names behind the records' `server`, from 1 */
    size_t server_count;
};

struct tracks {
    struct track *items;
    size_t count;
};

/* Reads each ledger once. The ledgers must outlive the tracks. */
void tracks_open(const struct evidence *evidence, struct tracks *ret_tracks);
void tracks_close(struct tracks *tracks);

#endif
