/* IPv4 and IPv6 (without extension headers) as far as faults need them. */
#include "faults/network/packet.h"

#include <netinet/in.h>

enum { NO_CHECKSUM = -1, IPV4_LEAST = 20, IPV6_HEADER = 40, TCP_LEAST = 20, UDP_HEADER = 8, ICMP_HEADER = 8 };

struct layout {
    uint8_t protocol;
    size_t addresses, address_bytes; /* where source and destination are, both together */
    size_t transport, data;          /* offsets */
    int checksum;                    /* offset from transport, NO_CHECKSUM: none */
};

static void find_data(const uint8_t *data, size_t size, struct layout *layout)
{
    size_t at = layout->transport;
    layout->checksum = NO_CHECKSUM;
    layout->data = at;
    if (layout->protocol == IPPROTO_TCP && at + TCP_LEAST <= size) {
        layout->data = at + (size_t)(data[at + 12] >> 4) * 4;
        layout->checksum = 16;
    } else if (layout->protocol == IPPROTO_UDP && at + UDP_HEADER <= size) {
        layout->data = at + UDP_HEADER;
        layout->checksum = data[at + 6] || data[at + 7] ? 6 : NO_CHECKSUM; /* 0: its sender made none */
    } else if ((layout->protocol == IPPROTO_ICMP || layout->protocol == IPPROTO_ICMPV6) && at + ICMP_HEADER <= size) {
        layout->data = at + ICMP_HEADER;
        layout->checksum = 2;
    }
}

static bool read_layout(const uint8_t *data, size_t size, struct layout *layout)
{
    *layout = (struct layout){0};
    if (size >= IPV4_LEAST && data[0] >> 4 == 4) {
        bool fragment = ((data[6] << 8 | data[7]) & 0x1fff) != 0;
        *layout = (struct layout){
            .protocol = fragment ? 0 : data[9], .addresses = 12, .address_bytes = 8, .transport = (size_t)(data[0] & 15) * 4};
    } else if (size >= IPV6_HEADER && data[0] >> 4 == 6) {
        *layout = (struct layout){.protocol = data[6], .addresses = 8, .address_bytes = 32, .transport = IPV6_HEADER};
    } else {
        return false;
    }
    find_data(data, size, layout);
    return true;
}

static uint32_t mix(uint32_t hash, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ bytes[i]) * 16777619u; /* FNV-1a */
    }
    return hash;
}

uint32_t packet_flow(const uint8_t *data, size_t size)
{
    struct layout layout;
    if (!read_layout(data, size, &layout)) {
        return 0;
    }
    uint32_t hash = mix(2166136261u, &layout.protocol, 1);
    hash = mix(hash, data + layout.addresses, layout.address_bytes);
    bool ports = layout.protocol == IPPROTO_TCP || layout.protocol == IPPROTO_UDP;
    if (ports && layout.transport + 4 <= size) {
        hash = mix(hash, data + layout.transport, 4);
    }
    return hash;
}

/* RFC 1624: the checksum of a sum of which one 16-bit word has changed. */
static void repair_checksum(uint8_t *checksum, uint16_t before, uint16_t after)
{
    uint32_t sum = (uint16_t) ~(checksum[0] << 8 | checksum[1]);
    sum += (uint16_t)~before;
    sum += after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    uint16_t result = (uint16_t)~sum;
    checksum[0] = (uint8_t)(result >> 8);
    checksum[1] = (uint8_t)result;
}

/* The 16-bit word of a transport's sum that the byte is in; the last one may be half a word. */
static uint16_t word_at(const uint8_t *data, size_t size, size_t transport, size_t at)
{
    size_t first = at - (at - transport) % 2;
    return (uint16_t)(data[first] << 8 | (first + 1 < size ? data[first + 1] : 0));
}

bool packet_damage(uint8_t *data, size_t size, uint32_t dice, bool repair)
{
    struct layout layout;
    if (!read_layout(data, size, &layout)) {
        return false;
    }
    size_t first = repair || layout.data < size ? layout.data : layout.transport;
    if (first >= size) {
        return false;
    }
    size_t bit = dice % ((size - first) * 8);
    size_t at = first + bit / 8;
    uint16_t before = word_at(data, size, layout.transport, at);
    data[at] ^= (uint8_t)(1u << bit % 8);
    if (repair && layout.checksum != NO_CHECKSUM) {
        repair_checksum(data + layout.transport + layout.checksum, before, word_at(data, size, layout.transport, at));
    }
    return true;
}
