/* Address prefixes as people write them: "10.1.0.0/24", "10.1.0.11" (one address), IPv4 or IPv6. */
#ifndef DRILL_FAULTS_NETWORK_PREFIX_H
#define DRILL_FAULTS_NETWORK_PREFIX_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"

struct prefix {
    unsigned char address[16], mask[16]; /* network order; bits of the address outside of the mask are 0 */
    size_t size;                         /* in bytes: 4 or 16 */
};

/* ERR_INPUT when it cannot be read. */
int prefix_parse(const char *text, struct prefix *ret_prefix, struct err *err) MUST_CHECK;
/* Is the address (`size` bytes: 4 or 16) in it? An address of the other family is not; an IPv4 one that is written as IPv6 is. */
bool prefix_has(const struct prefix *prefix, const void *address, size_t size);
/* A host of an IPv4 prefix: its first one, by the rule of topologies its router; a single address is its own. ERR_INPUT for IPv6. */
int prefix_first_host(const char *text, struct in_addr *ret_address, struct err *err) MUST_CHECK;

#endif
