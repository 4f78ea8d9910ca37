/* Packets' bytes: flows are told apart, damage is one bit, and a repaired checksum is the right one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "faults/network/packet.h"

enum { IPV4 = 20, DATA = 33 /* odd: the last byte is half a word */ };

struct sample {
    uint8_t bytes[128];
    size_t size, transport, checksum, data;
};

static uint32_t sum_words(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    }
    return sum;
}

/* The sum over a transport with its checksum in it is 0xffff when that is right (RFC 1071). */
static uint16_t total(const struct sample *sample)
{
    size_t size = sample->size - sample->transport;
    uint32_t sum = sum_words(sample->bytes + sample->transport, size);
    if (sample->bytes[9] != IPPROTO_ICMP) {
        sum += sum_words(sample->bytes + 12, 8) + sample->bytes[9] + (uint32_t)size;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static struct sample make(uint8_t protocol)
{
    static const uint8_t ip[IPV4] = {0x45, 0, 0, 0, 0, 1, 0, 0, 64, 0, 0, 0, 10, 1, 0, 11, 10, 255, 1, 1};
    bool tcp = protocol == IPPROTO_TCP, udp = protocol == IPPROTO_UDP;
    struct sample sample = {.transport = IPV4, .checksum = IPV4 + (tcp ? 16 : udp ? 6 : 2)};
    memcpy(sample.bytes, ip, sizeof(ip));
    sample.bytes[9] = protocol;
    sample.data = IPV4 + (tcp ? 20 : 8);
    sample.size = sample.data + DATA;
    for (size_t i = IPV4; i < sample.size; i++) {
        sample.bytes[i] = (uint8_t)(i * 37);
    }
    sample.bytes[IPV4 + 12] = tcp ? 0x50 : sample.bytes[IPV4 + 12];
    sample.bytes[sample.checksum] = sample.bytes[sample.checksum + 1] = 0;
    uint16_t sum = (uint16_t)~total(&sample);
    sample.bytes[sample.checksum] = (uint8_t)(sum >> 8);
    sample.bytes[sample.checksum + 1] = (uint8_t)sum;
    return sample;
}

static int bits_apart(const struct sample *a, const struct sample *b, size_t from, size_t to)
{
    int count = 0;
    for (size_t i = from; i < to; i++) {
        count += __builtin_popcount(a->bytes[i] ^ b->bytes[i]);
    }
    return count;
}

static void repaired_damage_has_the_right_checksum(void **state)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
    (void)state;
    for (size_t i = 0; i < sizeof(protocols); i++) {
        for (uint32_t dice = 0; dice < DATA * 8; dice++) {
            struct sample before = make(protocols[i]), after = before;
            assert_int_equal(total(&before), 0xffff);
            assert_true(packet_damage(after.bytes, after.size, dice, true));
            assert_int_equal(bits_apart(&before, &after, before.data, before.size), 1);
            assert_int_equal(bits_apart(&before, &after, 0, before.checksum), 0);
            assert_int_equal(total(&after), 0xffff);
        }
    }
}

static void damage_on_the_wire_shows(void **state)
{
    (void)state;
    for (uint32_t dice = 0; dice < 5000; dice += 7) {
        struct sample before = make(IPPROTO_UDP), after = before;
        assert_true(packet_damage(after.bytes, after.size, dice, false));
        assert_int_equal(bits_apart(&before, &after, 0, before.size), 1);
        assert_int_not_equal(total(&after), 0xffff);
    }
}

static void nothing_to_damage(void **state)
{
    struct sample empty = make(IPPROTO_UDP);
    (void)state;
    assert_false(packet_damage(empty.bytes, empty.data, 5, true)); /* a datagram without data */
    assert_true(packet_damage(empty.bytes, empty.data, 5, false)); /* its header may be hit */
    assert_false(packet_damage(empty.bytes, 10, 5, false));        /* no whole header */
    assert_false(packet_damage(empty.bytes, 0, 5, true));
}

static void a_datagram_without_checksum_stays_without(void **state)
{
    struct sample plain = make(IPPROTO_UDP);
    (void)state;
    plain.bytes[plain.checksum] = plain.bytes[plain.checksum + 1] = 0;
    assert_true(packet_damage(plain.bytes, plain.size, 9, true));
    assert_int_equal(plain.bytes[plain.checksum] | plain.bytes[plain.checksum + 1], 0);
}

static void flows_are_told_apart(void **state)
{
    struct sample one = make(IPPROTO_TCP), same = one, port = one, address = one;
    (void)state;
    same.bytes[same.data] ^= 1;
    port.bytes[port.transport + 1] ^= 1;
    address.bytes[15] ^= 1;
    assert_int_equal(packet_flow(one.bytes, one.size), packet_flow(same.bytes, same.size));
    assert_int_equal(packet_flow(one.bytes, one.size), packet_flow(one.bytes, 40)); /* the head is enough */
    assert_int_not_equal(packet_flow(one.bytes, one.size), packet_flow(port.bytes, port.size));
    assert_int_not_equal(packet_flow(one.bytes, one.size), packet_flow(address.bytes, address.size));
}

/* Whatever comes, nothing outside of the packet is touched; sanitizers watch. */
static void any_bytes_do(void **state)
{
    uint64_t random = 88172645463325252ULL;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[80];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            bytes[i] = (uint8_t)random;
        }
        bytes[0] = (uint8_t)((round % 2 ? 0x40 : 0x60) | (bytes[0] & 15));
        bytes[9] = round % 3 ? IPPROTO_TCP : IPPROTO_UDP;
        size_t size = (size_t)(random >> 40) % sizeof(bytes);
        (void)packet_flow(bytes + sizeof(bytes) - size, size);
        (void)packet_damage(bytes + sizeof(bytes) - size, size, (uint32_t)random, round % 5 < 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repaired_damage_has_the_right_checksum),
        cmocka_unit_test(damage_on_the_wire_shows),
        cmocka_unit_test(nothing_to_damage),
        cmocka_unit_test(a_datagram_without_checksum_stays_without),
        cmocka_unit_test(flows_are_told_apart),
        cmocka_unit_test(any_bytes_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
