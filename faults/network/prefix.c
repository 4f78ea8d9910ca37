/* Reading and comparing address prefixes. */
#include "faults/network/prefix.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

int prefix_parse(const char *text, struct prefix *ret_prefix, struct err *err)
{
    char address[64], *end = NULL;
    const char *slash = strchr(text, '/');
    bool six = strchr(text, ':') != NULL;
    struct prefix prefix = {.size = six ? 16 : 4};
    long bits = slash ? strtol(slash + 1, &end, 10) : (long)prefix.size * 8;
    if (!str_copy(address, sizeof(address), text) || (slash && (end == slash + 1 || *end)) || bits < 0 ||
        bits > (long)prefix.size * 8) {
        return err_set(err, ERR_INPUT, "'%s' is no address prefix; expected one like 10.1.0.0/24", text);
    }
    if (slash) {
        address[slash - text] = '\0';
    }
    if (inet_pton(six ? AF_INET6 : AF_INET, address, prefix.address) != 1) {
        return err_set(err, ERR_INPUT, "'%s' is no address prefix; expected one like 10.1.0.0/24", text);
    }
    for (size_t i = 0; i < prefix.size; i++) {
        long left = bits - (long)i * 8;
        prefix.mask[i] = left >= 8 ? 0xff : left <= 0 ? 0 : (unsigned char)(0xff << (8 - left));
        prefix.address[i] &= prefix.mask[i];
    }
    *ret_prefix = prefix;
    return 0;
}

bool prefix_has(const struct prefix *prefix, const void *address, size_t size)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:a.b.c.d, RFC 4291 2.5.5.2 */
    const unsigned char *bytes = address;
    if (size == 16 && prefix->size == 4 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        bytes += sizeof(mapped);
        size = 4;
    }
    bool same = size == prefix->size;
    for (size_t i = 0; i < size && same; i++) {
        same = (bytes[i] & prefix->mask[i]) == prefix->address[i];
    }
    return same;
}

int prefix_first_host(const char *text, struct in_addr *ret_address, struct err *err)
{
    struct prefix prefix;
    uint32_t address, mask;
    int status = prefix_parse(text, &prefix, err);
    if (status < 0) {
        return status;
    }
    if (prefix.size != sizeof(address)) {
        return err_set(err, ERR_INPUT, "'%s' is no IPv4 prefix; expected one like 10.1.0.0/24", text);
    }
    memcpy(&address, prefix.address, sizeof(address));
    memcpy(&mask, prefix.mask, sizeof(mask));
    ret_address->s_addr = ~mask ? htonl(ntohl(address) + 1) : address;
    return 0;
}
