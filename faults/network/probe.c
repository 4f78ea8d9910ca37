/* Raw ICMP with a header of our own, so that the source can be any address of a faulted region. */
#include "faults/network/probe.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/fd.h"

struct packet {
    struct iphdr ip;
    struct icmphdr icmp;
};

static uint16_t checksum(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return htons((uint16_t)~sum);
}

static struct packet make_packet(const struct probe *probe, size_t number)
{
    struct packet packet = {
        .ip = {.version = 4,
               .ihl = sizeof(packet.ip) / 4,
               .ttl = 64,
               .protocol = IPPROTO_ICMP,
               .saddr = probe->source.s_addr, /* 0 and the checksum are filled in by the kernel */
               .daddr = probe->destination.s_addr,
               .tot_len = htons(sizeof(packet))},
        .icmp = {.type = ICMP_ECHO, .un.echo = {.id = htons((uint16_t)getpid()), .sequence = htons((uint16_t)number)}},
    };
    packet.icmp.checksum = checksum(&packet.icmp, sizeof(packet.icmp));
    return packet;
}

int probe_send(const struct probe *probe, size_t count, struct err *err)
{
    int one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = probe->destination};
    AUTO_FD int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)) < 0) {
        return err_errno(err, errno, "cannot open a raw socket for probe packets (it needs CAP_NET_RAW)");
    }
    if (probe->interface &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, probe->interface, (socklen_t)strlen(probe->interface) + 1) < 0) {
        return err_errno(err, errno, "cannot send probe packets through interface '%s'", probe->interface);
    }
    for (size_t i = 0; i < count; i++) {
        struct packet packet = make_packet(probe, i);
        (void)sendto(fd, &packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)); /* the counters tell */
    }
    return 0;
}
