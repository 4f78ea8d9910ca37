/* What the API does: one order written or read, the newest of them, all of them. */
#ifndef ORDERSD_ORDERS_H
#define ORDERSD_ORDERS_H

#include "scenarios/reference/ordersd/store.h"

struct backend {
    const char *region, *node;
    struct store *stores[16];
    size_t store_count;
    struct store *local;  /* the region's own */
    int64_t patience_ns;  /* how long a request waits for a store that answers; 0: it is tried once */
    struct store *writer; /* NULL: the newest primary among the stores */
};

struct answer {
    unsigned status; /* HTTP */
    char *text;      /* the caller frees; NULL when memory is gone */
    size_t size;
};

/* 201 when the row is committed on the primary, 200 when the id was there before, 503 when neither is known. With patience a write that
 * found no primary, or whose primary went away, is sent again until it is answered: the id is the row's key, so twice is once. */
struct answer orders_put(const struct backend *backend, const char *id);
/* From the region's own server, else from the primary: 200 or 404. */
struct answer orders_get(const struct backend *backend, const char *id);
/* The `limit` highest ids, from the region's own server, else from the primary. */
struct answer orders_some(const struct backend *backend, long limit);
/* All ids, from the primary, one a line; the last line is "# COUNT". */
struct answer orders_all(const struct backend *backend);
/* All ids that the region's own server has, primary or not, in the same form. */
struct answer orders_here(const struct backend *backend);
/* {"role": "primary"} or "standby": what the region's own server says of itself. */
struct answer orders_store(const struct backend *backend);
/* 200 when a primary is known and the region's own server answers. */
struct answer orders_ready(const struct backend *backend);

#endif
