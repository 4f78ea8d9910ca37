/* The addresses that sessions come from: users of many networks behind one client, for gateways that choose by the source address. */
#ifndef DRILL_LOAD_SOURCE_H
#define DRILL_LOAD_SOURCE_H

#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

struct source_range {
    uint32_t base; /* host order; 0: no range, every session comes from the client's own address */
    int bits;      /* of the prefix, at most 24 */
};

/* "198.18.0.0/16". NULL is no range. */
int source_range_read(const char *text, struct source_range *ret_range, struct err *err) MUST_CHECK;
/* How many sessions have an address of their own: 254 in each network of 24 bits. */
uint64_t source_room(const struct source_range *range);
/* A session's address, network order: the first ones are each in another network of 24 bits. 0 without a range or a session. */
uint32_t source_address(const struct source_range *range, uint32_t session);

#endif
