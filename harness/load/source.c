/* Sessions' addresses. */
#include "harness/load/source.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

enum { NETWORK_BITS = 24, SHORTEST_BITS = 8, HOSTS = 254 };

int source_range_read(const char *text, struct source_range *ret_range, struct err *err)
{
    char address[32];
    struct in_addr base;
    *ret_range = (struct source_range){0};
    if (!text) {
        return 0;
    }
    const char *slash = strchr(text, '/');
    bool fits = slash && str_format(address, sizeof(address), "%.*s", (int)(slash - text), text);
    char *end = NULL;
    long bits = fits ? strtol(slash + 1, &end, 10) : 0;
    if (!fits || *end || bits < SHORTEST_BITS || bits > NETWORK_BITS || inet_pton(AF_INET, address, &base) != 1) {
        return err_set(err, ERR_INPUT, "addresses: expected a prefix of %d to %d bits, as 198.18.0.0/16, found '%s'",
                       SHORTEST_BITS, NETWORK_BITS, text);
    }
    *ret_range = (struct source_range){.base = ntohl(base.s_addr), .bits = (int)bits};
    if (ret_range->base & (UINT32_MAX >> bits)) {
        return err_set(err, ERR_INPUT, "addresses: '%s' has bits behind its prefix", text);
    }
    return 0;
}

static uint32_t networks(const struct source_range *range)
{
    return 1U << (NETWORK_BITS - range->bits);
}

uint64_t source_room(const struct source_range *range)
{
    return (uint64_t)networks(range) * HOSTS;
}

/* Odd factors reach every network once, and no two hosts of a network are the same: as scattered as users are, and the same each time. */
uint32_t source_address(const struct source_range *range, uint32_t session)
{
    if (range->base == 0 || session == 0) {
        return 0;
    }
    uint32_t number = session - 1, network = number % networks(range);
    uint32_t host = (number / networks(range) + network * 101) % HOSTS + 1;
    return htonl(range->base | (network * 167 % networks(range)) << 8 | host);
}
