/* Raw packets with a header of our own, so that the source can be any address of a faulted region. */
#include "faults/network/probe.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults/network/link.h"
#include "harness/base/fd.h"

enum {
    PORT_FROM = 61000,
    PORT_TO = 33434 /* where traceroute begins */,
    WINDOW = 1024,
    TTL = 64,
    DATA = 32 /* bytes, all 0: there is something to be damaged */
};

struct packet {
    struct iphdr ip;
    union {
        struct icmphdr icmp;
        struct tcphdr tcp;
        struct udphdr udp;
        unsigned char room[sizeof(struct tcphdr) + DATA];
    } body;
};

static uint32_t sum_of(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    }
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return htons((uint16_t)~sum);
}

/* TCP's and UDP's sum has the addresses, the protocol and the length in it (RFC 9293 3.1). */
static uint16_t transport_sum(const struct packet *packet, size_t size)
{
    uint32_t sum = sum_of(&packet->ip.saddr, 2 * sizeof(packet->ip.saddr)) + packet->ip.protocol + (uint32_t)size;
    return fold(sum + sum_of(&packet->body, size));
}

/* The body of the packet; gives its size. */
static size_t fill_body(struct packet *packet, const struct probe *probe, size_t number)
{
    uint16_t from = htons((uint16_t)(PORT_FROM + number % 4000)), to = htons(probe->port ? probe->port : PORT_TO);
    switch (probe->protocol) {
    case IPPROTO_TCP:
        packet->body.tcp = (struct tcphdr){.source = from,
                                           .dest = to,
                                           .seq = (uint32_t)number,
                                           .doff = sizeof(packet->body.tcp) / 4,
                                           .syn = 1,
                                           .window = htons(WINDOW)};
        packet->body.tcp.check = transport_sum(packet, sizeof(packet->body.tcp) + DATA);
        return sizeof(packet->body.tcp) + DATA;
    case IPPROTO_UDP:
        packet->body.udp = (struct udphdr){.source = from, .dest = to, .len = htons(sizeof(packet->body.udp) + DATA)};
        packet->body.udp.check = transport_sum(packet, sizeof(packet->body.udp) + DATA);
        return sizeof(packet->body.udp) + DATA;
    default:
        packet->body.icmp = (struct icmphdr){.type = ICMP_ECHO,
                                             .un.echo = {.id = htons((uint16_t)getpid()), .sequence = htons((uint16_t)number)}};
        packet->body.icmp.checksum = fold(sum_of(&packet->body.icmp, sizeof(packet->body.icmp)));
        return sizeof(packet->body.icmp) + DATA;
    }
}

static size_t fill(struct packet *packet, const struct probe *probe, size_t number)
{
    *packet = (struct packet){.ip = {.version = 4,
                                     .ihl = sizeof(packet->ip) / 4,
                                     .ttl = TTL,
                                     .protocol = probe->protocol ? probe->protocol : IPPROTO_ICMP,
                                     .saddr = probe->source.s_addr,
                                     .daddr = probe->destination.s_addr}};
    size_t size = sizeof(packet->ip) + fill_body(packet, probe, number);
    packet->ip.tot_len = htons((uint16_t)size);
    packet->ip.check = fold(sum_of(&packet->ip, sizeof(packet->ip)));
    return size;
}

static int bind_to(int fd, const char *interface, struct err *err)
{
    if (interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface) + 1) < 0) {
        return err_errno(err, errno, "cannot send probe packets through interface '%s'", interface);
    }
    return 0;
}

/* The sums need the source, so the kernel is asked which one it would take. Without any, 0 stays: such a packet gets nowhere but into the
 * counters. */
static int choose_source(struct probe *probe, struct err *err)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = probe->destination, .sin_port = htons(PORT_TO)}, own = {0};
    socklen_t size = sizeof(own);
    AUTO_FD int fd = probe->source.s_addr ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return 0;
    }
    int status = bind_to(fd, probe->interface, err);
    if (status == 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
        getsockname(fd, (struct sockaddr *)&own, &size) == 0) {
        probe->source = own.sin_addr;
    }
    return status;
}

int probe_send(const struct probe *probe, size_t count, struct err *err)
{
    int one = 1;
    struct probe aimed = *probe;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = probe->destination};
    AUTO_FD int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)) < 0) {
        return err_errno(err, errno, "cannot open a raw socket for probe packets (it needs CAP_NET_RAW)");
    }
    int status = bind_to(fd, probe->interface, err);
    if (status == 0) {
        status = choose_source(&aimed, err);
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        struct packet packet;
        size_t size = fill(&packet, &aimed, i);
        (void)sendto(fd, &packet, size, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)); /* the counters tell */
    }
    return status;
}

int probe_send_around(const struct probe *probe, struct in_addr gateway, size_t count, struct err *err)
{
    struct link_info info;
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_IP), .sll_halen = ETHER_ADDR_LEN};
    bool known = false;
    int status = link_get(probe->interface, &info, err);
    if (status == 0) {
        status = link_neighbour(info.index, gateway, to.sll_addr, &known, err);
    }
    if (status < 0 || !known) {
        return status;
    }
    AUTO_FD int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* protocol 0: it receives nothing */
    if (fd < 0) {
        return err_errno(err, errno, "cannot open a packet socket for probe packets (it needs CAP_NET_RAW)");
    }
    to.sll_ifindex = info.index;
    for (size_t i = 0; i < count; i++) {
        struct packet packet;
        size_t size = fill(&packet, probe, i);
        (void)sendto(fd, &packet, size, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
    }
    return 0;
}
